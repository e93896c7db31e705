/* SPDX-License-Identifier: Apache-2.0 */
/* Growing bodies, the block pool, and compression: what they have in common is that sizes come from
 * outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/body.h"
#include "net/inflate.h"
#include "net/pool.h"

static void grows_in_any_split(void **state)
{
    (void)state;
    static const struct {
        size_t size, step, expected;
    } rows[] = {
        {0, 1, 0},
        {1, 1, 1},
        {100, 7, 100},
        {5000, 13, 0},
        {70000, 999, 0},
        {70000, 999, 70000},
        {300000, 4096, 300000},
        {300000, 300000, 0},
        {9000000, 70001, 0},
        {9000000, 70001, 9000000},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        struct arena arena;
        arena_init(&arena, ARENA_FIRST_BLOCK);
        struct body body = {0};
        char *bytes = malloc(rows[r].size + 1);
        for (size_t i = 0; i < rows[r].size; i++)
            bytes[i] = (char)(i * 31 + r);
        for (size_t i = 0; i < rows[r].size; i += rows[r].step) {
            struct span part = span_sub(span_make(bytes, rows[r].size), i, rows[r].step);
            assert_true(body_append(&body, &arena, part, rows[r].expected));
        }
        assert_true(span_equal(body_span(&body), span_make(bytes, rows[r].size)));
        if (rows[r].expected)
            assert_int_equal(body.capacity, rows[r].expected);
        free(bytes);
        body_release(&body);
        arena_release(&arena);
    }
}

static void a_claim_costs_nothing(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct body body = {0};
    assert_true(body_append(&body, &arena, SPAN_LITERAL("x"), (size_t)2 << 30));
    assert_true(body.capacity <= 64 * 1024);
    assert_false(body_reserve(&body, &arena, SIZE_MAX, 0));
    assert_int_equal(body.len, 1);
    body_release(&body);
    arena_release(&arena);
}

static void pool_recycles(void **state)
{
    (void)state;
    struct pool pool;
    pool_init(&pool);
    static const size_t sizes[] = {0, 1, 32, 33, 64, 4096, 4097, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *first = pool_alloc(&pool, sizes[i]);
        memset(first, 0x5a, sizes[i]);
        assert_int_equal((uintptr_t)first % 16, 0);
        char *bigger = pool_realloc(&pool, first, sizes[i] * 2 + 1);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(bigger[k], 0x5a);
        pool_free(&pool, bigger);
        if (sizes[i] * 2 + 1 <= 4096)
            assert_ptr_equal(pool_alloc(&pool, sizes[i] * 2 + 1), bigger);
        if (sizes[i] * 2 + 1 <= 4096)
            pool_free(&pool, bigger);
    }
    pool_free(&pool, NULL);
    pool_release(&pool);
}

static enum code round_trip(enum encoding encoding, size_t size, size_t max)
{
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    char *bytes = calloc(1, size + 1);
    for (size_t i = 0; i < size; i += 97)
        bytes[i] = (char)i;
    struct span whole = span_make(bytes, size);
    struct span pieces[] = {span_sub(whole, 0, size / 3), span_sub(whole, size / 3, 0),
                            span_sub(whole, size / 3, size)};
    struct body packed = {0}, out = {0};
    assert_int_equal(deflate_all(&packed, &arena, encoding, pieces, 3, NULL), CODE_OK);
    enum code code = inflate_all(&out, &arena, encoding, body_span(&packed), max, NULL);
    if (code == CODE_OK)
        assert_true(span_equal(body_span(&out), whole));
    body_release(&packed);
    body_release(&out);
    arena_release(&arena);
    free(bytes);
    return code;
}

static void compression_round_trips_and_is_capped(void **state)
{
    (void)state;
    for (enum encoding e = ENCODING_GZIP; e <= ENCODING_DEFLATE; e++) {
        assert_int_equal(round_trip(e, 0, 0), CODE_OK);
        assert_int_equal(round_trip(e, 1, 0), CODE_RESOURCE_EXHAUSTED);
        assert_int_equal(round_trip(e, 1000, 1000), CODE_OK);
        assert_int_equal(round_trip(e, 1000, 999), CODE_RESOURCE_EXHAUSTED);
        assert_int_equal(round_trip(e, 3000000, 3000000), CODE_OK);
        assert_int_equal(round_trip(e, 3000000, 2999999), CODE_RESOURCE_EXHAUSTED);
    }
}

static void what_is_not_valid_is_refused(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct body packed = {0};
    struct span text = SPAN_LITERAL("the quick brown fox jumps over the lazy dog, twice");
    assert_int_equal(deflate_all(&packed, &arena, ENCODING_GZIP, &text, 1, NULL), CODE_OK);
    struct span good = body_span(&packed);
    struct error err;
    for (size_t len = 0; len < good.len; len++) {
        struct body out = {0};
        assert_int_equal(
            inflate_all(&out, &arena, ENCODING_GZIP, span_sub(good, 0, len), 1000, &err),
            CODE_INTERNAL);
        body_release(&out);
    }
    struct body out = {0};
    assert_int_equal(inflate_all(&out, &arena, ENCODING_DEFLATE, good, 1000, &err), CODE_INTERNAL);
    body_release(&out);
    /* Two members are one stream. */
    struct body twice = {0};
    body_append(&twice, &arena, good, 0);
    body_append(&twice, &arena, good, 0);
    assert_int_equal(inflate_all(&out, &arena, ENCODING_GZIP, body_span(&twice), 1000, &err),
                     CODE_OK);
    assert_int_equal(out.len, 2 * text.len);
    body_release(&out);
    body_release(&twice);
    body_release(&packed);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_in_any_split),
        cmocka_unit_test(a_claim_costs_nothing),
        cmocka_unit_test(pool_recycles),
        cmocka_unit_test(compression_round_trips_and_is_capped),
        cmocka_unit_test(what_is_not_valid_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
