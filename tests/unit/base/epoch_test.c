/* SPDX-License-Identifier: Apache-2.0 */
/* Readers follow a pointer that a writer replaces and frees; the sanitizers are the judges. */
#include "base/epoch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/thread.h"

enum { READERS = 4, SWAPS = 3000, ALIVE = 0x5eed };

struct thing {
    int state; /* ALIVE until it is freed */
};

static struct epoch epoch;
static _Atomic(struct thing *) current;
static atomic_bool done;
static atomic_int bad;

static struct thing *thing_new(void)
{
    struct thing *thing = malloc(sizeof *thing);
    assert_non_null(thing);
    thing->state = ALIVE;
    return thing;
}

static void read_on(void *context)
{
    int64_t *reads = context;
    while (!atomic_load(&done)) {
        struct epoch_section section = epoch_enter(&epoch);
        const struct thing *thing = atomic_load(&current);
        if (thing->state != ALIVE)
            atomic_fetch_add(&bad, 1);
        epoch_leave(section);
        ++*reads;
    }
}

static void nothing_is_freed_under_a_reader(void **state)
{
    (void)state;
    pthread_t threads[READERS];
    int64_t reads[READERS] = {0};
    epoch_init(&epoch);
    atomic_store(&current, thing_new());
    for (int i = 0; i < READERS; i++)
        assert_int_equal(thread_start(&threads[i], "reader", read_on, &reads[i], NULL), CODE_OK);
    for (int i = 0; i < SWAPS; i++) {
        struct thing *old = atomic_exchange(&current, thing_new());
        epoch_wait(&epoch);
        old->state = 0;
        free(old);
    }
    atomic_store(&done, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&bad), 0);
    free(atomic_load(&current));
    epoch_release(&epoch);
}

static void sections_are_balanced(void **state)
{
    (void)state;
    epoch_init(&epoch);
    struct epoch_section outer = epoch_enter(&epoch), inner = epoch_enter(&epoch);
    assert_int_equal(atomic_load(inner.inside), 2);
    epoch_leave(inner);
    epoch_leave(outer);
    assert_int_equal(atomic_load(outer.inside), 0);
    epoch_wait(&epoch); /* does not hang */
    epoch_release(&epoch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_are_balanced),
        cmocka_unit_test(nothing_is_freed_under_a_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
