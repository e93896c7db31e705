/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manager with a loader that obeys the path it is given: "ok", "bad" (fails), "never" (fails
 * for good), "late" (fails until the third try), "gate" (waits for a post). Its objects remember
 * whether they are alive; at the end of each test every object is gone.
 */
#include "core/manager.h"

#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/thread.h"

enum { ALIVE = 0xa11fe };

struct object {
    int state; /* ALIVE until it is unloaded */
};

static atomic_int loads, unloads, tries;
static sem_t gate, at_gate;
static struct state_monitor *monitor;
static struct manager *manager;

static enum code load(const char *path, void *context, void **object, struct error *err)
{
    assert_ptr_equal(context, &gate);
    int try = atomic_fetch_add(&tries, 1) + 1;
    if (!strcmp(path, "gate")) {
        sem_post(&at_gate);
        sem_wait(&gate);
    }
    if (!strcmp(path, "bad") || (!strcmp(path, "late") && try < 3))
        return error_set(err, CODE_DATA_LOSS, "try %d of %s", try, path);
    if (!strcmp(path, "never"))
        return error_set(err, CODE_UNIMPLEMENTED, "try %d of %s", try, path);
    struct object *made = malloc(sizeof *made);
    made->state = ALIVE;
    atomic_fetch_add(&loads, 1);
    *object = made;
    return CODE_OK;
}

static void unload(void *object)
{
    struct object *made = object;
    made->state = 0;
    free(made);
    atomic_fetch_add(&unloads, 1);
}

static const struct loader loader = {.platform = "fake", .load = load, .unload = unload};
static const struct platform platform = {&loader, &gate};

static int set_up_with(bool lazy)
{
    atomic_store(&loads, 0);
    atomic_store(&unloads, 0);
    atomic_store(&tries, 0);
    sem_init(&gate, 0, 0);
    sem_init(&at_gate, 0, 0);
    monitor = state_monitor_new();
    struct manager_options options = {
        .load_threads = 2,
        .lifecycle = {.load_retries = 3, .retry_interval_us = 1, .monitor = monitor, .lazy = lazy},
    };
    return (int)manager_new(&options, &manager, NULL);
}

static int set_up(void **state)
{
    (void)state;
    return set_up_with(false);
}

static int set_up_lazy(void **state)
{
    (void)state;
    return set_up_with(true);
}

static int tear_down(void **state)
{
    (void)state;
    manager_free(manager);
    state_monitor_free(monitor);
    return atomic_load(&loads) == atomic_load(&unloads) ? 0 : -1;
}

struct want {
    int64_t version;
    const char *path; /* NULL: the end of the list */
    uint64_t stamp;
};

static void aspire(const struct want *wants)
{
    struct aspired_version versions[8];
    size_t count = 0;
    for (; wants[count].path; count++)
        versions[count] = (struct aspired_version){wants[count].version, wants[count].path,
                                                   wants[count].stamp, NULL};
    manager_set_aspired(manager, span_of("m"), &platform, versions, count);
}
#define ASPIRE(...)      aspire((const struct want[]){__VA_ARGS__, {0, NULL, 0}})
#define ASPIRE_NOTHING() manager_set_aspired(manager, span_of("m"), &platform, NULL, 0)

static bool is_in(int64_t version, enum servable_state wanted)
{
    struct arena arena;
    struct version_state *versions;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    size_t count = state_monitor_get(monitor, span_of("m"), &arena, &versions);
    bool is = false;
    for (size_t i = 0; i < count; i++)
        is |= versions[i].version == version && versions[i].state == wanted;
    arena_release(&arena);
    return is;
}

static void await(int64_t version, enum servable_state wanted)
{
    uint64_t sequence;
    do
        sequence = state_monitor_sequence(monitor);
    while (!is_in(version, wanted) && state_monitor_await(monitor, sequence));
}

static void check_state(int64_t version, enum code code, const char *message)
{
    struct arena arena;
    struct version_state *versions;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    size_t count = state_monitor_get(monitor, span_of("m"), &arena, &versions);
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        if (versions[i].version != version)
            continue;
        found = true;
        assert_int_equal(versions[i].code, code);
        assert_string_equal(versions[i].message, message);
    }
    assert_true(found);
    arena_release(&arena);
}

static struct handle get(int64_t version)
{
    struct servable_request request = {.name = span_of("m")};
    request.choice = version >= 0 ? SERVABLE_VERSION : SERVABLE_LATEST;
    request.version = version;
    struct handle handle;
    if (manager_get(manager, &request, &handle, NULL))
        assert_null(handle.servable);
    return handle;
}

static bool serves(int64_t version)
{
    struct handle handle = get(version);
    bool is = handle.servable && ((struct object *)handle.servable->object)->state == ALIVE;
    handle_release(&handle);
    return is;
}

static int64_t latest(void)
{
    struct handle handle = get(-1);
    int64_t version = handle.servable ? handle.servable->id.version : -1;
    handle_release(&handle);
    return version;
}

static void finds_what_is_loaded(void **state)
{
    (void)state;
    struct error err;
    struct handle handle;
    struct servable_request request = {
        .name = span_of("m"), .choice = SERVABLE_VERSION, .version = 8};
    ASPIRE({3, "ok", 0}, {7, "ok", 0});
    await(3, STATE_AVAILABLE);
    await(7, STATE_AVAILABLE);
    assert_int_equal(latest(), 7);
    assert_true(serves(3) && serves(7));
    assert_int_equal(manager_get(manager, &request, &handle, &err), CODE_NOT_FOUND);
    assert_string_equal(err.message, "Servable not found for request: Specific(m, 8)");
    request = (struct servable_request){.name = span_of("n")};
    assert_int_equal(manager_get(manager, &request, &handle, &err), CODE_NOT_FOUND);
    assert_string_equal(err.message, "Servable not found for request: Latest(n)");
}

static int64_t labelled(const char *label, struct error *err)
{
    struct servable_request request = {
        .name = span_of("m"), .choice = SERVABLE_LABEL, .label = span_of(label)};
    struct handle handle;
    enum code code = manager_get(manager, &request, &handle, err);
    int64_t version = code ? -1 : handle.servable->id.version;
    handle_release(&handle);
    return version;
}

static void labels_stand_for_versions(void **state)
{
    (void)state;
    struct error err;
    ASPIRE({3, "ok", 0}, {7, "ok", 0});
    await(3, STATE_AVAILABLE);
    await(7, STATE_AVAILABLE);
    const struct version_label labels[] = {{span_of("m"), span_of("stable"), 3},
                                           {span_of("m"), span_of("canary"), 7},
                                           {span_of("m"), span_of("next"), 8},
                                           {span_of("n"), span_of("other"), 3}};
    manager_set_labels(manager, labels, 4);
    assert_int_equal(labelled("stable", &err), 3);
    assert_int_equal(labelled("canary", &err), 7);
    assert_int_equal(labelled("next", &err), -1);
    assert_string_equal(err.message, "Servable not found for request: Specific(m, 8)");
    assert_int_equal(labelled("other", &err), -1);
    assert_int_equal(err.code, CODE_INVALID_ARGUMENT);
    assert_string_equal(err.message, "Unrecognized servable version label: other");
    manager_set_labels(manager, labels + 1, 1);
    assert_int_equal(labelled("stable", &err), -1);
    assert_int_equal(labelled("canary", &err), 7);
}

static void takes_a_newer_version_and_drops_the_old(void **state)
{
    (void)state;
    ASPIRE({1, "ok", 0});
    await(1, STATE_AVAILABLE);
    ASPIRE({2, "gate", 0});
    sem_wait(&at_gate);
    assert_int_equal(latest(), 1);
    sem_post(&gate);
    await(2, STATE_AVAILABLE);
    await(1, STATE_END);
    check_state(1, CODE_OK, "");
    assert_int_equal(latest(), 2);
    assert_false(serves(1));
    ASPIRE_NOTHING();
    await(2, STATE_END);
    assert_int_equal(latest(), -1);
}

static void a_bad_version_never_replaces_a_good_one(void **state)
{
    (void)state;
    ASPIRE({1, "ok", 0});
    await(1, STATE_AVAILABLE);
    ASPIRE({2, "bad", 0});
    await(2, STATE_END);
    check_state(2, CODE_DATA_LOSS, "try 5 of bad"); /* the first try was version 1's */
    assert_int_equal(latest(), 1);
    /* It is not tried again while it is wanted ... */
    ASPIRE({2, "ok", 0});
    assert_int_equal(latest(), 1);
    /* ... but is when it comes back. */
    ASPIRE({1, "ok", 0});
    ASPIRE({2, "ok", 0});
    await(2, STATE_AVAILABLE);
    await(1, STATE_END);
}

static void files_that_changed_are_tried_again(void **state)
{
    (void)state;
    ASPIRE({1, "never", 10});
    await(1, STATE_END);
    ASPIRE({1, "ok", 10});
    check_state(1, CODE_UNIMPLEMENTED, "try 1 of never");
    ASPIRE({1, "ok", 11});
    await(1, STATE_AVAILABLE);
    /* What is loaded stays as it is. */
    ASPIRE({1, "bad", 12});
    assert_true(serves(1));
    assert_int_equal(atomic_load(&loads), 1);
}

static void tries_again_where_that_may_help(void **state)
{
    (void)state;
    ASPIRE({1, "late", 0});
    await(1, STATE_AVAILABLE);
    assert_int_equal(atomic_load(&tries), 3);
    ASPIRE({2, "never", 0});
    await(2, STATE_END);
    check_state(2, CODE_UNIMPLEMENTED, "try 4 of never");
}

static void a_load_that_nobody_wants_any_more_is_undone(void **state)
{
    (void)state;
    ASPIRE({1, "gate", 0});
    sem_wait(&at_gate);
    ASPIRE_NOTHING();
    sem_post(&gate);
    await(1, STATE_END);
    check_state(1, CODE_CANCELLED, "Loading of servable cancelled");
    assert_int_equal(atomic_load(&unloads), 1);
    ASPIRE({1, "ok", 0});
    await(1, STATE_AVAILABLE);
}

static void wanted_again_while_loading_it_stays(void **state)
{
    (void)state;
    ASPIRE({1, "gate", 0});
    sem_wait(&at_gate);
    assert_true(manager_is_loading(manager));
    ASPIRE_NOTHING();
    ASPIRE({1, "gate", 0});
    sem_post(&gate);
    await(1, STATE_AVAILABLE);
    assert_int_equal(atomic_load(&loads), 1);
}

static void a_held_version_waits_for_its_handle(void **state)
{
    (void)state;
    ASPIRE({1, "ok", 0});
    await(1, STATE_AVAILABLE);
    struct handle handle = get(1);
    ASPIRE({2, "ok", 0});
    await(1, STATE_UNLOADING);
    await(2, STATE_AVAILABLE);
    /* Wanted again while it goes: it starts afresh when it is gone. */
    ASPIRE({1, "ok", 0}, {2, "ok", 0});
    assert_int_equal(atomic_load(&unloads), 0);
    assert_int_equal(((struct object *)handle.servable->object)->state, ALIVE);
    handle_release(&handle);
    await(1, STATE_AVAILABLE);
    assert_int_equal(atomic_load(&unloads), 1);
    assert_true(serves(1) && serves(2));
}

static void ends_in_the_middle_of_a_load(void **state)
{
    (void)state;
    ASPIRE({1, "gate", 0}, {2, "ok", 0});
    sem_wait(&at_gate);
    sem_post(&gate);
    /* tear_down() checks that nothing is left. */
}

/* ---- many readers, many swaps ---- */

enum { READERS = 4, SWAPS = 1500, PARCELS = 8 };

static atomic_bool stop;
static atomic_int bad;
static struct {
    pthread_mutex_t mutex;
    struct handle handles[PARCELS];
    unsigned next;
} parcels = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* Leaves a handle for another reader and takes the oldest that was left: most are released on
 * another thread than the one that took them. */
static void exchange_handle(struct handle *handle)
{
    pthread_mutex_lock(&parcels.mutex);
    struct handle *place = &parcels.handles[parcels.next++ % PARCELS];
    struct handle taken = *place;
    *place = *handle;
    *handle = taken;
    pthread_mutex_unlock(&parcels.mutex);
}

static void check_alive(const struct handle *handle)
{
    if (!handle->servable || ((struct object *)handle->servable->object)->state != ALIVE)
        atomic_fetch_add(&bad, 1);
}

static void read_on(void *context)
{
    unsigned *reads = context;
    while (!atomic_load(&stop)) {
        struct handle handle = get(-1);
        check_alive(&handle);
        if (++*reads % 16 == 0 && handle.servable)
            exchange_handle(&handle);
        if (handle.servable)
            check_alive(&handle);
        handle_release(&handle);
        /* The threads that swap want their turn on a machine of few cores. */
        if (*reads % 64 == 0)
            sched_yield();
    }
}

static void swaps_cost_no_request_anything(void **state)
{
    (void)state;
    pthread_t threads[READERS];
    unsigned reads[READERS] = {0};
    ASPIRE({0, "ok", 0});
    await(0, STATE_AVAILABLE);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(thread_start(&threads[i], "reader", read_on, &reads[i], NULL), CODE_OK);
    for (int64_t i = 1; i <= SWAPS; i++) {
        ASPIRE({i, "ok", 0});
        await(i, STATE_AVAILABLE);
        await(i - 1, STATE_END);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(reads[i] > 0);
    }
    for (int i = 0; i < PARCELS; i++)
        handle_release(&parcels.handles[i]);
    assert_int_equal(atomic_load(&bad), 0);
    assert_int_equal(atomic_load(&loads), SWAPS + 1);
}

/* ---- lazy models ---- */

/* Waits as a request does, for the latest version (-1) or one. */
static enum code want(int64_t version, struct handle *handle, struct error *err)
{
    struct servable_request request = {
        .name = span_of("m"),
        .choice = version < 0 ? SERVABLE_LATEST : SERVABLE_VERSION,
        .version = version,
    };
    bool comes;
    for (;;) {
        uint64_t sequence = state_monitor_sequence(monitor);
        enum code code = manager_want(manager, &request, handle, &comes, err);
        if (code || !comes)
            return code;
        state_monitor_await(monitor, sequence);
    }
}

static void loads_what_is_wanted(void **state)
{
    (void)state;
    struct servable_request request = {.name = span_of("m")};
    struct handle handle, other;
    struct error err;
    ASPIRE({1, "ok", 0});
    assert_true(manager_answers(manager, span_of("m")) && manager_has(manager, span_of("m"), 1));
    assert_int_equal(manager_get(manager, &request, &handle, &err), CODE_NOT_FOUND);
    check_state(1, CODE_OK, "Not in memory: the next request for it loads it");
    assert_int_equal(want(-1, &handle, &err), CODE_OK);
    assert_int_equal(want(1, &other, &err), CODE_OK);
    assert_int_equal(handle.servable->id.version, 1);
    assert_ptr_equal(handle.servable, other.servable);
    assert_int_equal(atomic_load(&loads), 1);
    handle_release(&handle);
    handle_release(&other);
    assert_int_equal(want(2, &other, &err), CODE_NOT_FOUND);
    /* It is in memory: what comes next is loaded at once, and takes its place. */
    ASPIRE({2, "ok", 0});
    await(1, STATE_END);
    assert_int_equal(manager_get(manager, &request, &handle, &err), CODE_OK);
    assert_int_equal(handle.servable->id.version, 2);
    handle_release(&handle);
}

static void a_load_that_failed_is_tried_again_by_requests(void **state)
{
    (void)state;
    struct handle handle;
    struct error err;
    ASPIRE({1, "late", 0});
    assert_int_equal(want(-1, &handle, &err), CODE_DATA_LOSS);
    assert_string_equal(err.message, "try 1 of late");
    assert_int_equal(want(-1, &handle, &err), CODE_DATA_LOSS);
    assert_string_equal(err.message, "try 1 of late");
    while (want(-1, &handle, &err))
        ;
    assert_int_equal(atomic_load(&tries), 3);
    handle_release(&handle);
}

static void one_that_never_answered_gives_way(void **state)
{
    (void)state;
    struct handle handle;
    struct error err;
    ASPIRE({1, "ok", 0});
    ASPIRE({1, "ok", 0}, {2, "bad", 0});
    assert_int_equal(want(2, &handle, &err), CODE_DATA_LOSS);
    assert_int_equal(want(-1, &handle, &err), CODE_OK);
    assert_int_equal(handle.servable->id.version, 1);
    handle_release(&handle);
    ASPIRE({2, "bad", 0});
    assert_int_equal(want(-1, &handle, &err), CODE_OK);
    handle_release(&handle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_what_is_loaded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(labels_stand_for_versions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_a_newer_version_and_drops_the_old, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bad_version_never_replaces_a_good_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_that_changed_are_tried_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tries_again_where_that_may_help, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_load_that_nobody_wants_any_more_is_undone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(wanted_again_while_loading_it_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_held_version_waits_for_its_handle, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_in_the_middle_of_a_load, set_up, tear_down),
        cmocka_unit_test_setup_teardown(swaps_cost_no_request_anything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(loads_what_is_wanted, set_up_lazy, tear_down),
        cmocka_unit_test_setup_teardown(a_load_that_failed_is_tried_again_by_requests, set_up_lazy,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_that_never_answered_gives_way, set_up_lazy, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
