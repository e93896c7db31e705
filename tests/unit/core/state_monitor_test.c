/* SPDX-License-Identifier: Apache-2.0 */
#include "core/state_monitor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/thread.h"

static struct state_monitor *monitor;
static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    monitor = state_monitor_new();
    arena_init(&arena, ARENA_FIRST_BLOCK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    state_monitor_free(monitor);
    arena_release(&arena);
    return 0;
}

static void put(const char *name, int64_t version, enum servable_state to, const struct error *err)
{
    state_monitor_set(monitor, (struct servable_id){span_of(name), version}, to, err);
}

static void lists_versions_highest_first(void **state)
{
    (void)state;
    struct error err;
    struct version_state *versions;
    error_set(&err, CODE_NOT_FOUND, "no file");
    put("m", 2, STATE_START, NULL);
    put("m", 10, STATE_END, &err);
    put("m", 1, STATE_LOADING, NULL);
    put("m", 2, STATE_AVAILABLE, NULL);
    put("other", 3, STATE_START, NULL);
    assert_int_equal(state_monitor_get(monitor, span_of("m"), &arena, &versions), 3);
    assert_int_equal(versions[0].version, 10);
    assert_int_equal(versions[0].code, CODE_NOT_FOUND);
    assert_string_equal(versions[0].message, "no file");
    assert_int_equal(versions[1].state, STATE_AVAILABLE);
    assert_int_equal(versions[2].version, 1);
    put("m", 10, STATE_LOADING, NULL);
    assert_int_equal(state_monitor_get(monitor, span_of("m"), &arena, &versions), 3);
    assert_int_equal(versions[0].code, CODE_OK);
    assert_string_equal(versions[0].message, "");
    assert_int_equal(state_monitor_get(monitor, span_of("none"), &arena, &versions), 0);
}

static void forgets_the_oldest_that_ended(void **state)
{
    (void)state;
    struct version_state *versions;
    put("m", 1, STATE_AVAILABLE, NULL);
    for (int64_t i = 2; i < STATE_ENDED_MAX + 5; i++)
        put("m", i, STATE_END, NULL);
    size_t count = state_monitor_get(monitor, span_of("m"), &arena, &versions);
    assert_int_equal(count, STATE_ENDED_MAX + 1);
    assert_int_equal(versions[0].version, STATE_ENDED_MAX + 4);
    assert_int_equal(versions[count - 1].version, 1);
}

static void change(void *context)
{
    (void)context;
    put("m", 1, STATE_LOADING, NULL);
}

static void poke(void *context)
{
    (void)context;
    state_monitor_poke(monitor);
}

static void interrupt(void *context)
{
    (void)context;
    state_monitor_interrupt(monitor);
}

/* Whether something is still to come after fn(), called on another thread, ended a wait. */
static bool wait_for(thread_fn *fn)
{
    pthread_t thread;
    uint64_t sequence = state_monitor_sequence(monitor);
    assert_int_equal(thread_start(&thread, "other", fn, NULL, NULL), CODE_OK);
    bool goes_on = state_monitor_await(monitor, sequence);
    pthread_join(thread, NULL);
    return goes_on;
}

static void waits_for_a_change_a_poke_or_the_end(void **state)
{
    (void)state;
    struct version_state *versions;
    uint64_t before = state_monitor_sequence(monitor);
    assert_true(wait_for(change));
    assert_int_equal(state_monitor_get(monitor, span_of("m"), &arena, &versions), 1);
    assert_true(versions[0].sequence > before);
    assert_true(wait_for(poke));
    assert_false(wait_for(interrupt));
    assert_false(state_monitor_await(monitor, before));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lists_versions_highest_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forgets_the_oldest_that_ended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waits_for_a_change_a_poke_or_the_end, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
