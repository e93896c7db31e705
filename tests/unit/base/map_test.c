/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MANY = 5000 };

static void holds_what_was_put(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct map map;
    map_init(&map, &arena);
    assert_null(map_get(&map, SPAN_LITERAL("a")));
    static int values[MANY];
    for (int i = 0; i < MANY; i++)
        map_put(&map, span_of(arena_printf(&arena, "key %d", i)), &values[i]);
    assert_int_equal(map.count, MANY);
    for (int i = 0; i < MANY; i++)
        assert_ptr_equal(map_get(&map, span_of(arena_printf(&arena, "key %d", i))), &values[i]);
    assert_false(map_has(&map, SPAN_LITERAL("key")));
    map_put(&map, SPAN_LITERAL("key 7"), NULL);
    assert_int_equal(map.count, MANY);
    assert_true(map_has(&map, SPAN_LITERAL("key 7")));
    assert_null(map_get(&map, SPAN_LITERAL("key 7")));
    arena_release(&arena);
}

static void keys_are_bytes(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct map map;
    map_init(&map, &arena);
    map_put(&map, span_make("a\0b", 3), "first");
    map_put(&map, span_make("a\0c", 3), "second");
    map_put(&map, span_make("", 0), "empty");
    assert_string_equal(map_get(&map, span_make("a\0b", 3)), "first");
    assert_string_equal(map_get(&map, span_make("a\0c", 3)), "second");
    assert_string_equal(map_get(&map, span_make("", 0)), "empty");
    assert_false(map_has(&map, SPAN_LITERAL("a")));
    arena_release(&arena);
}

static void at_says_what_is_new_and_next_finds_all(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct map map;
    map_init(&map, &arena);
    static const char *const names[] = {"x", "y", "x", "z", "y"};
    int fresh = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool added;
        void **value = map_at(&map, span_of(names[i]), &added);
        assert_int_equal(added, *value == NULL);
        fresh += added;
        *value = &map;
    }
    assert_int_equal(fresh, 3);
    size_t cursor = 0, seen = 0;
    for (const struct map_slot *slot; (slot = map_next(&map, &cursor)); seen++)
        assert_ptr_equal(slot->value, &map);
    assert_int_equal(seen, 3);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_what_was_put),
        cmocka_unit_test(keys_are_bytes),
        cmocka_unit_test(at_says_what_is_new_and_next_finds_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
