/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/body.h"
#include "net/grpc.h"

#define BYTES(text) SPAN_LITERAL(text)

static const struct {
    struct span bytes;
    size_t max;
    enum code code;
    const char *text; /* of the error, its beginning */
    const char *message;
} frames[] = {
    {BYTES("\0\0\0\0\0"), 10, CODE_OK, "", ""},
    {BYTES("\0\0\0\0\3abc"), 10, CODE_OK, "", "abc"},
    {BYTES("\1\0\0\0\3abc"), 3, CODE_OK, "", "abc"},
    {BYTES(""), 10, CODE_INTERNAL, "No payload", NULL},
    {BYTES("\0\0\0\0"), 10, CODE_INTERNAL, "The request ended inside", NULL},
    {BYTES("\0\0\0\0\3ab"), 10, CODE_INTERNAL, "The request ended inside", NULL},
    {BYTES("\2\0\0\0\0"), 10, CODE_INTERNAL, "Bad gRPC message frame: its compressed flag is 2",
     NULL},
    {BYTES("\0\0\0\0\4abcd"), 3, CODE_RESOURCE_EXHAUSTED,
     "Received message larger than max (4 vs. 3)", NULL},
    {BYTES("\0\377\377\377\377"), 1000, CODE_RESOURCE_EXHAUSTED,
     "Received message larger than max (4294967295 vs. 1000)", NULL},
    {BYTES("\0\0\0\0\1a\0\0\0\0\1b"), 10, CODE_INTERNAL, "Too many request messages", NULL},
    {BYTES("\0\0\0\0\0\0\0\0\0\0"), 10, CODE_INTERNAL, "Too many request messages", NULL},
};

/* Feeds in two parts that meet at `split`. */
static void check_frame(size_t row, size_t split)
{
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct grpc_reader reader = {0};
    struct body body = {0};
    struct error err;
    error_clear(&err);
    struct span all = frames[row].bytes;
    struct span parts[] = {span_sub(all, 0, split), span_sub(all, split, all.len)};
    enum code code = CODE_OK;
    for (int i = 0; i < 2 && !code; i++) {
        struct span payload;
        code = grpc_reader_feed(&reader, parts[i], frames[row].max, &payload, &err);
        assert_true(body_append(&body, &arena, payload, reader.size));
    }
    if (!code)
        code = grpc_reader_end(&reader, &err);
    assert_int_equal(code, frames[row].code);
    assert_true(span_starts_with(span_of(err.message), span_of(frames[row].text)));
    if (frames[row].message)
        assert_true(span_is(body_span(&body), frames[row].message));
    body_release(&body);
    arena_release(&arena);
}

static void frames_in_any_split(void **state)
{
    (void)state;
    for (size_t r = 0; r < sizeof frames / sizeof *frames; r++)
        for (size_t split = 0; split <= frames[r].bytes.len; split++)
            check_frame(r, split);
}

static void prefix_is_big_endian(void **state)
{
    (void)state;
    unsigned char prefix[GRPC_PREFIX];
    grpc_prefix_write(prefix, true, 0x01020304);
    assert_memory_equal(prefix, "\1\1\2\3\4", GRPC_PREFIX);
}

static void timeouts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {
        {"1H", 3600000000},
        {"2M", 120000000},
        {"3S", 3000000},
        {"100m", 100000},
        {"7u", 7},
        {"1n", 1},
        {"1000n", 1},
        {"1001n", 2},
        {"99999999n", 100000},
        {"99999999H", 359999996400000000},
        {"0S", 1},
        {"0n", 1},
        {"0x", 0},
        {"", 0},
        {"1", 0},
        {"S", 0},
        {"-1S", 0},
        {"1s", 0},
        {"123456789S", 0},
        {"1 S", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(grpc_timeout_us(span_of(rows[i].text)), rows[i].us);
}

static void encodings(void **state)
{
    (void)state;
    enum encoding encoding;
    assert_true(grpc_encoding_parse(SPAN_LITERAL("gzip"), &encoding));
    assert_int_equal(encoding, ENCODING_GZIP);
    assert_false(grpc_encoding_parse(SPAN_LITERAL("snappy"), &encoding));
    assert_true(grpc_accepts(SPAN_LITERAL("identity, deflate,gzip "), ENCODING_GZIP));
    assert_true(grpc_accepts(SPAN_LITERAL("deflate"), ENCODING_DEFLATE));
    assert_false(grpc_accepts(SPAN_LITERAL("gzipped,,"), ENCODING_GZIP));
    assert_false(grpc_accepts(SPAN_LITERAL(""), ENCODING_GZIP));
    assert_string_equal(grpc_encoding_name(ENCODING_DEFLATE), "deflate");
}

static void status_messages(void **state)
{
    (void)state;
    static const struct {
        struct span in;
        const char *out;
    } rows[] = {
        {BYTES(""), ""},
        {BYTES("plain text ~"), "plain text ~"},
        {BYTES("100%"), "100%25"},
        {BYTES("a\nb\0c\177"), "a%0Ab%00c%7F"},
        {BYTES("\xc3\xa4"), "%C3%A4"},
    };
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(span_is(grpc_message_encode(&arena, rows[i].in), rows[i].out));
    char text[1025];
    memset(text, 'x', sizeof text);
    assert_int_equal(grpc_message_encode(&arena, span_make(text, 1024)).len, 1024);
    struct span cut = grpc_message_encode(&arena, span_make(text, 1025));
    assert_int_equal(cut.len, 1024 + 12);
    assert_true(span_ends_with(cut, SPAN_LITERAL("x...TRUNCATED")));
    arena_release(&arena);
}

static void content_types(void **state)
{
    (void)state;
    assert_true(grpc_content_type(SPAN_LITERAL("application/grpc")));
    assert_true(grpc_content_type(SPAN_LITERAL("application/grpc+proto")));
    assert_true(grpc_content_type(SPAN_LITERAL("application/grpc;x=y")));
    assert_false(grpc_content_type(SPAN_LITERAL("application/grpc-web")));
    assert_false(grpc_content_type(SPAN_LITERAL("application/json")));
    assert_false(grpc_content_type(SPAN_LITERAL("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_in_any_split),
        cmocka_unit_test(prefix_is_big_endian),
        cmocka_unit_test(timeouts),
        cmocka_unit_test(encodings),
        cmocka_unit_test(status_messages),
        cmocka_unit_test(content_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
