/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { SMALL = 256, MANY = 1000 };

static char calls[8];
static int call_count;

static void note(void *ptr)
{
    calls[call_count++] = *(const char *)ptr;
}

static void allocations_are_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, SMALL);
    char *blocks[MANY];
    for (int i = 0; i < MANY; i++) {
        size_t size = (size_t)i % 300;
        blocks[i] = arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)blocks[i] % ARENA_ALIGN, 0);
        memset(blocks[i], i, size);
    }
    for (int i = 0; i < MANY; i++)
        for (int k = 0; k < i % 300; k++)
            assert_int_equal((unsigned char)blocks[i][k], i & 0xff);
    arena_release(&arena);
}

static void larger_alignments_and_sizes(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, SMALL);
    for (size_t align = 1; align <= 4096; align *= 2) {
        char *block = arena_try_alloc(&arena, 100, align);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % align, 0);
    }
    assert_null(arena_try_alloc(&arena, SIZE_MAX, 16));
    assert_null(arena_try_alloc(&arena, SIZE_MAX - 64, 64));
    assert_null(arena_try_alloc(&arena, SIZE_MAX / 2, 16));
    assert_null(arena_try_calloc(&arena, SIZE_MAX / 2, 4)); /* the product wraps to SIZE_MAX - 3 */
    assert_null(arena_try_calloc(&arena, SIZE_MAX / 4 + 2, 4)); /* to 4 */
    memset(arena_alloc(&arena, 64), 1, 64);
    arena_reset(&arena);
    char *cleared = arena_try_calloc(&arena, 4, 16);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(cleared[i], 0);
    char *large = arena_calloc(&arena, 3, 1 << 20);
    assert_int_equal(large[0] | large[(3 << 20) - 1], 0);
    arena_release(&arena);
    assert_int_equal(arena_reserved(&arena), 0);
}

static void deferred_calls_run_newest_first(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, SMALL);
    arena_defer(&arena, note, "a");
    arena_defer(&arena, note, "b");
    arena_reset(&arena);
    assert_string_equal(calls, "ba");
    arena_defer(&arena, note, "c");
    arena_release(&arena);
    assert_string_equal(calls, "bac");
    arena_release(&arena);
    assert_string_equal(calls, "bac");
}

static void a_reset_arena_holds_no_more_than_one_block(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, SMALL);
    for (int i = 0; i < MANY; i++)
        arena_alloc(&arena, SMALL);
    arena_alloc(&arena, 64 << 20);
    arena_reset(&arena);
    size_t kept = arena_reserved(&arena);
    assert_in_range(kept, 1, 2 << 20);
    for (int round = 0; round < 3; round++) {
        arena_alloc(&arena, kept / 2);
        arena_reset(&arena);
        assert_int_equal(arena_reserved(&arena), kept);
    }
    arena_release(&arena);
}

static void a_limit_holds_for_all_that_charge(void **state)
{
    (void)state;
    struct arena arena, turn;
    arena_init(&arena, SMALL);
    arena_init(&turn, SMALL);
    arena_set_limit(&arena, 1 << 20);
    arena_set_payer(&turn, &arena);
    assert_null(arena_try_alloc(&arena, 1 << 20, ARENA_ALIGN));
    assert_int_equal(arena_reserved(&arena), 0);
    assert_non_null(arena_try_alloc(&turn, 600 << 10, ARENA_ALIGN));
    assert_null(arena_try_alloc(&arena, 600 << 10, ARENA_ALIGN));
    assert_false(arena_charge(&turn, 600 << 10));
    assert_true(arena_charge(&turn, 300 << 10));
    assert_false(arena_charge(&arena, 300 << 10));
    arena_discharge(&turn, 300 << 10);
    arena_release(&turn);
    assert_non_null(arena_try_alloc(&arena, 600 << 10, ARENA_ALIGN));
    arena_alloc(&arena, 600 << 10); /* can not be refused, but counts */
    assert_in_range(arena_reserved(&arena), 1200 << 10, 1300 << 10);
    arena_release(&turn);
    arena_release(&arena);
    assert_int_equal(arena_reserved(&arena), 0);
    assert_non_null(arena_try_alloc(&arena, 2 << 20, ARENA_ALIGN)); /* the limit is gone */
    arena_release(&arena);
}

static void texts_are_copied(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, SMALL);
    assert_string_equal(arena_strdup(&arena, SPAN_LITERAL("abc")), "abc");
    assert_string_equal(arena_strdup(&arena, (struct span){0}), "");
    assert_string_equal(arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
    char *wide = arena_printf(&arena, "%5000d", 1);
    assert_int_equal(strlen(wide), 5000);
    char bytes[] = {1, 0, 2};
    struct span copy = arena_copy(&arena, span_make(bytes, sizeof bytes));
    assert_true(copy.ptr != bytes && span_equal(copy, span_make(bytes, sizeof bytes)));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_aligned_and_apart),
        cmocka_unit_test(larger_alignments_and_sizes),
        cmocka_unit_test(deferred_calls_run_newest_first),
        cmocka_unit_test(a_reset_arena_holds_no_more_than_one_block),
        cmocka_unit_test(a_limit_holds_for_all_that_charge),
        cmocka_unit_test(texts_are_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
