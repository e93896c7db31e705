/* SPDX-License-Identifier: Apache-2.0 */
/* What grpc-status-details-bin says, read back with the codec. */
#include "net/grpc_details.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/base64.h"
#include "wire/messages.h"
#include "wire/pb.h"

static struct arena arena;

static struct pb_status decode(const struct grpc_error *error)
{
    struct span text = grpc_details_encode(&arena, error), bytes;
    struct pb_status status;
    assert_true(base64_decode(text, &arena, &bytes));
    assert_int_equal(pb_decode(&pb_status_type, bytes, &arena, &status, NULL), CODE_OK);
    assert_int_equal(status.code, error->code);
    return status;
}

static struct span repeat(const char *text, size_t count)
{
    size_t len = strlen(text);
    char *all = arena_alloc(&arena, len * count);
    for (size_t i = 0; i < count; i++)
        memcpy(all + i * len, text, len);
    return span_make(all, len * count);
}

static void most_errors_say_it_all_in_their_text(void **state)
{
    (void)state;
    struct grpc_error error = {CODE_NOT_FOUND, repeat("x", 1024), 0};
    assert_int_equal(grpc_details_encode(&arena, &error).len, 0);
}

static void a_text_that_is_cut_elsewhere_is_whole_here(void **state)
{
    (void)state;
    struct grpc_error error = {CODE_INVALID_ARGUMENT, repeat("x", 1025), 0};
    struct pb_status status = decode(&error);
    assert_true(span_equal(status.message, error.message));
    assert_int_equal(status.details.count, 0);
    /* Never more than metadata may be, never half a character, nothing that is no text. */
    error.message = repeat("\xe2\x82\xac", 2000);
    assert_int_equal(decode(&error).message.len, GRPC_DETAILS_TEXT_MAX);
    error.message = repeat("\xf0\x9f\x98\x80!", 1000);
    assert_int_equal(decode(&error).message.len, GRPC_DETAILS_TEXT_MAX - 2);
    error.message = repeat("x\xff", 1000);
    assert_int_equal(decode(&error).message.len, 1);
}

static void when_to_ask_again(void **state)
{
    (void)state;
    struct grpc_error error = {CODE_RESOURCE_EXHAUSTED, SPAN_LITERAL("full"), 1250};
    struct pb_status status = decode(&error);
    struct pb_retry_info info;
    assert_true(span_is(status.message, "full"));
    assert_int_equal(status.details.count, 1);
    assert_true(
        span_is(status.details.items[0].type_url, "type.googleapis.com/google.rpc.RetryInfo"));
    assert_int_equal(
        pb_decode(&pb_retry_info_type, status.details.items[0].value, &arena, &info, NULL),
        CODE_OK);
    assert_int_equal(info.retry_delay->seconds, 1);
    assert_int_equal(info.retry_delay->nanos, 250000000);
}

int main(void)
{
    arena_init(&arena, ARENA_FIRST_BLOCK);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(most_errors_say_it_all_in_their_text),
        cmocka_unit_test(a_text_that_is_cut_elsewhere_is_whole_here),
        cmocka_unit_test(when_to_ask_again),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_release(&arena);
    return failed;
}
