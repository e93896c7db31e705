/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles that are taken on one thread and released on another, while versions go one after the
 * other: the unloader is never early, and always wakes up.
 */
#include "core/handle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/epoch.h"
#include "base/thread.h"

enum { TAKERS = 3, SWAPS = 2000, ALIVE = 0xa11fe };

struct version {
    struct servable servable; /* first */
    struct shard_counter handles;
    int state; /* ALIVE until it is ended */
};

static struct epoch epoch;
static struct drain drain;
static _Atomic(struct version *) current;
static atomic_bool done;
static atomic_int bad;

/* One handle at a time on its way from a taker to a releaser. */
static struct {
    struct handle handle;
    atomic_bool full;
} parcels[TAKERS];

static struct version *version_new(void)
{
    struct version *version = aligned_alloc(SHARD_LINE, sizeof *version);
    assert_non_null(version);
    *version = (struct version){.state = ALIVE};
    version->servable.handles = &version->handles;
    return version;
}

static struct handle take(void)
{
    struct handle handle;
    struct epoch_section section = epoch_enter(&epoch);
    handle_take(&handle, &atomic_load(&current)->servable, &drain);
    epoch_leave(section);
    return handle;
}

static void check(const struct handle *handle)
{
    if (((struct version *)handle->servable)->state != ALIVE)
        atomic_fetch_add(&bad, 1);
}

static void take_on(void *context)
{
    int mine = *(int *)context;
    while (!atomic_load(&done)) {
        struct handle handle = take(), other = take();
        check(&handle);
        handle_release(&handle);
        check(&other);
        if (atomic_load(&parcels[mine].full)) {
            handle_release(&other);
            continue;
        }
        parcels[mine].handle = other;
        atomic_store(&parcels[mine].full, true);
    }
}

static void release_on(void *context)
{
    (void)context;
    for (bool last = false; !last;) {
        last = atomic_load(&done);
        for (int i = 0; i < TAKERS; i++) {
            if (!atomic_load(&parcels[i].full))
                continue;
            check(&parcels[i].handle);
            handle_release(&parcels[i].handle);
            atomic_store(&parcels[i].full, false);
        }
    }
}

static void swap(void)
{
    struct version *old = atomic_exchange(&current, version_new());
    epoch_wait(&epoch);
    drain_await(&drain, &old->servable);
    old->state = 0;
    free(old);
}

static void versions_end_after_their_last_handle(void **state)
{
    (void)state;
    pthread_t takers[TAKERS], releaser;
    int numbers[TAKERS];
    epoch_init(&epoch);
    drain_init(&drain);
    atomic_store(&current, version_new());
    for (int i = 0; i < TAKERS; i++) {
        numbers[i] = i;
        assert_int_equal(thread_start(&takers[i], "taker", take_on, &numbers[i], NULL), CODE_OK);
    }
    assert_int_equal(thread_start(&releaser, "releaser", release_on, NULL, NULL), CODE_OK);
    for (int i = 0; i < SWAPS; i++)
        swap();
    atomic_store(&done, true);
    for (int i = 0; i < TAKERS; i++)
        pthread_join(takers[i], NULL);
    pthread_join(releaser, NULL);
    for (int i = 0; i < TAKERS; i++) {
        if (atomic_load(&parcels[i].full))
            handle_release(&parcels[i].handle);
    }
    assert_int_equal(shard_sum(atomic_load(&current)->servable.handles), 0);
    assert_int_equal(atomic_load(&bad), 0);
    free(atomic_load(&current));
    drain_release(&drain);
    epoch_release(&epoch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(versions_end_after_their_last_handle)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
