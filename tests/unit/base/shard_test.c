/* SPDX-License-Identifier: Apache-2.0 */
/* More threads than there are cells: nothing that is added is lost, numbers are given back. */
#include "base/shard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/thread.h"

enum { THREADS = SHARDS + 16, ADDS = 20000 };

static struct shard_counter counter;
static atomic_uint users[SHARDS];
static pthread_barrier_t all_are_here;
static atomic_int wrong;

static void add_on(void *context)
{
    (void)context;
    unsigned index = shard_index();
    if (atomic_fetch_add(&users[index], 1) && shard_is_own(index))
        atomic_fetch_add(&wrong, 1);
    pthread_barrier_wait(&all_are_here);
    for (int i = 0; i < ADDS; i++) {
        shard_add(&counter, 3);
        shard_release_at(&counter.cells[index].value, index, 2);
    }
    atomic_fetch_sub(&users[index], 1);
}

static void nothing_is_lost(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    pthread_barrier_init(&all_are_here, NULL, THREADS);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(thread_start(&threads[i], "adder", add_on, NULL, NULL), CODE_OK);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
    }
    pthread_barrier_destroy(&all_are_here);
    assert_int_equal(shard_sum(&counter), 2 * THREADS * ADDS);
    assert_int_equal(atomic_load(&wrong), 0);
}

static void look_at_index(void *context)
{
    *(unsigned *)context = shard_index();
}

static void numbers_are_given_back(void **state)
{
    (void)state;
    unsigned first = SHARDS, index;
    for (int i = 0; i < 3 * SHARDS; i++) {
        pthread_t thread;
        assert_int_equal(thread_start(&thread, "look", look_at_index, &index, NULL), CODE_OK);
        pthread_join(thread, NULL);
        first = i ? first : index;
        assert_int_equal(index, first);
        assert_true(shard_is_own(index));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_given_back),
        cmocka_unit_test(nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
