/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

enum { MIB = 1 << 20 };

static int budget_of_16_mib(void **state)
{
    (void)state;
    memory_set_budget(16 * MIB);
    return 0;
}

static void limits_of_the_control_group(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bytes;
    } rows[] = {
        {"1048576", 1048576}, {"max", SIZE_MAX}, {"", SIZE_MAX}, {"0", SIZE_MAX}, {"-1", SIZE_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(memory_group_limit(span_of(rows[i].text)), rows[i].bytes);
}

static void large_blocks_are_counted_and_refused(void **state)
{
    (void)state;
    assert_int_equal(memory_used(), 0);
    void *first = memory_take(10 * MIB, 64);
    assert_non_null(first);
    assert_int_equal((uintptr_t)first % 64, 0);
    assert_int_equal(memory_used(), 10 * MIB);
    assert_null(memory_take(7 * MIB, 64));
    assert_null(memory_take(SIZE_MAX - 8, 64));
    assert_null(memory_take(SIZE_MAX / 2, 1));
    void *rest = memory_take(6 * MIB, 1), *small = memory_take(1000, 16);
    void *more = memory_take_anyway(2 * MIB, 1);
    assert_true(rest && small && more);
    assert_int_equal(memory_used(), 18 * MIB);
    memory_give(first, 10 * MIB);
    memory_give(rest, 6 * MIB);
    memory_give(small, 1000);
    memory_give(more, 2 * MIB);
    memory_give(NULL, 5 * MIB);
    assert_int_equal(memory_used(), 0);
}

static void an_eighth_may_be_kept(void **state)
{
    (void)state;
    assert_true(memory_keep(MIB));
    assert_true(memory_keep(MIB));
    assert_false(memory_keep(MEMORY_KEPT_SMALL));
    assert_true(memory_keep(MEMORY_KEPT_SMALL - 1));
    memory_unkeep(MIB);
    assert_true(memory_keep(MEMORY_KEPT_SMALL));
    memory_unkeep(MIB);
    memory_unkeep(MEMORY_KEPT_SMALL);
    memory_unkeep(MEMORY_KEPT_SMALL - 1);
}

static void arenas_stay_within(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    assert_non_null(arena_try_alloc(&arena, 9 * MIB, 64));
    assert_null(arena_try_alloc(&arena, 9 * MIB, 64));
    memset(arena_alloc(&arena, 9 * MIB), 1, 9 * MIB);
    assert_true(memory_used() >= 18 * MIB);
    arena_reset(&arena);
    assert_non_null(arena_try_alloc(&arena, 9 * MIB, 64));
    arena_release(&arena);
    assert_int_equal(memory_used(), 0);
}

static void spare_blocks_are_taken_again(void **state)
{
    (void)state;
    char *block = memory_take(1500000, 64);
    memory_give_spare(block, 1500000);
    assert_int_equal(memory_used(), 0);
    assert_int_equal(memory_spare(), 1500000 / (MIB / 8) * (MIB / 8) + MIB / 8);
    assert_ptr_equal(memory_take(1450000, 1), block); /* about its size */
    assert_int_equal(memory_used(), 1450000);
    assert_int_equal(memory_spare(), 0);
    memory_give_spare(block, 1450000);
    char *other = memory_take(3 * MIB, 64); /* another size */
    assert_ptr_not_equal(other, block);
    memory_give_spare(other, 3 * MIB); /* beyond what may be kept */
    assert_int_equal(memory_spare(), 3 * MIB / 2);
    memory_age_spares();
    assert_int_equal(memory_spare(), 3 * MIB / 2);
    memory_age_spares();
    assert_int_equal(memory_spare(), 0);
    memory_give_spare(memory_take(MIB, 4096), MIB);
    block = memory_take(MIB, 4096); /* an alignment that spare blocks need not have */
    assert_int_equal((uintptr_t)block % 4096, 0);
    memory_give(block, MIB);
    memory_drop_spares();
    assert_int_equal(memory_spare(), 0);
    memory_give_spare(NULL, 5);
    memory_give_spare(memory_take(100, 1), 100);
    assert_int_equal(memory_used(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_of_the_control_group),
        cmocka_unit_test_setup(large_blocks_are_counted_and_refused, budget_of_16_mib),
        cmocka_unit_test_setup(an_eighth_may_be_kept, budget_of_16_mib),
        cmocka_unit_test_setup(arenas_stay_within, budget_of_16_mib),
        cmocka_unit_test_setup(spare_blocks_are_taken_again, budget_of_16_mib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
