/* SPDX-License-Identifier: Apache-2.0 */
#include "base/worker.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { JOBS = 5000 };

static atomic_int done;
static sem_t gate, entered;

static void count(struct job *job)
{
    (void)job;
    atomic_fetch_add(&done, 1);
}

static void pass_gate(struct job *job)
{
    (void)job;
    sem_post(&entered);
    sem_wait(&gate);
    atomic_fetch_add(&done, 1);
}

static void does_all_before_it_ends(void **state)
{
    (void)state;
    atomic_store(&done, 0);
    struct job *jobs = calloc(JOBS, sizeof *jobs);
    struct worker_pool *pool = worker_pool_new("test", 3);
    for (int i = 0; i < JOBS; i++) {
        jobs[i].fn = count;
        worker_pool_submit(pool, &jobs[i]);
    }
    worker_pool_free(pool);
    assert_int_equal(atomic_load(&done), JOBS);
    free(jobs);
}

static void runs_as_many_at_once_as_allowed(void **state)
{
    (void)state;
    atomic_store(&done, 0);
    sem_init(&gate, 0, 0);
    sem_init(&entered, 0, 0);
    struct job jobs[3] = {{.fn = pass_gate}, {.fn = pass_gate}, {.fn = pass_gate}};
    struct worker_pool *pool = worker_pool_new("test", 2);
    for (int i = 0; i < 3; i++)
        worker_pool_submit(pool, &jobs[i]);
    sem_wait(&entered);
    sem_wait(&entered);
    assert_int_equal(worker_pool_waiting(pool), 1);
    assert_int_equal(sem_trywait(&entered), -1);
    for (int i = 0; i < 3; i++)
        sem_post(&gate);
    worker_pool_free(pool);
    assert_int_equal(atomic_load(&done), 3);
    sem_destroy(&gate);
    sem_destroy(&entered);
}

static void can_be_idle(void **state)
{
    (void)state;
    worker_pool_free(worker_pool_new("test", 0));
    worker_pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_all_before_it_ends),
        cmocka_unit_test(runs_as_many_at_once_as_allowed),
        cmocka_unit_test(can_be_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
