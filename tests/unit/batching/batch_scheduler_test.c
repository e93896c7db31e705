/* SPDX-License-Identifier: Apache-2.0 */
#include "batching/batch_scheduler.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

enum { QUEUES = 3, THREADS = 4, TASKS_EACH = 3000, LOG_SIZE = 64, SECOND_US = 1000000 };

struct counted {
    struct batch_task task;
    atomic_int runs; /* rows that were run */
};

/* A queue whose batches note their names, and may be held up. */
struct lane {
    struct batch_queue queue;
    char name;
    sem_t *entered;
    sem_t *gate; /* NULL: nothing holds them up */
};

static char order[LOG_SIZE];
static atomic_int order_length;

static void run_lane(struct batch *batch, void *context)
{
    struct lane *lane = context;
    order[atomic_fetch_add(&order_length, 1)] = lane->name;
    for (struct batch_piece *piece = batch->pieces, *next; piece; piece = next) {
        next = piece->next;
        atomic_fetch_add(&((struct counted *)(void *)piece->task)->runs, (int)piece->size);
        batch_piece_release(piece);
    }
    if (!lane->gate)
        return;
    sem_post(lane->entered);
    sem_wait(lane->gate);
}

static struct batch_scheduler *scheduler_new(int64_t threads)
{
    struct batch_scheduler *s;
    struct error err;
    assert_int_equal(batch_scheduler_new("test", threads, &s, &err), CODE_OK);
    return s;
}

static void init_lane(struct lane *lane, char name, int64_t timeout_us)
{
    *lane = (struct lane){.name = name};
    batch_queue_init(&lane->queue, &(struct batch_queue_options){.input_size_max = 2,
                                                                 .timeout_us = timeout_us,
                                                                 .batches_max = 1000000,
                                                                 .run = run_lane,
                                                                 .context = lane});
}

static void add(struct batch_scheduler *s, struct lane *lane, struct counted *task, int64_t size)
{
    struct error err;
    task->task.size = size;
    assert_int_equal(batch_scheduler_add(s, &lane->queue, &task->task, &err), CODE_OK);
}

/* With one thread that is held up, batches of three queues wait; then they take turns. */
static void queues_take_turns(void **state)
{
    (void)state;
    static struct lane lanes[QUEUES];
    struct counted tasks[9] = {0}, first = {0};
    sem_t entered, gate;
    struct lane held;
    sem_init(&entered, 0, 0);
    sem_init(&gate, 0, 0);
    memset(order, 0, sizeof order);
    atomic_store(&order_length, 0);
    struct batch_scheduler *s = scheduler_new(1);
    init_lane(&held, 'h', 0);
    held.entered = &entered;
    held.gate = &gate;
    add(s, &held, &first, 1);
    sem_wait(&entered);
    for (int i = 0; i < QUEUES; i++)
        init_lane(&lanes[i], (char)('a' + i), 0);
    for (int i = 0; i < 4; i++)
        add(s, &lanes[0], &tasks[i], 2);
    for (int i = 4; i < 6; i++)
        add(s, &lanes[1], &tasks[i], 2);
    for (int i = 6; i < 9; i++)
        add(s, &lanes[2], &tasks[i], 2);
    sem_post(&gate);
    for (int i = 0; i < QUEUES; i++)
        batch_scheduler_close(s, &lanes[i].queue);
    batch_scheduler_close(s, &held.queue);
    batch_scheduler_free(s);
    assert_string_equal(order, "habcabcaca");
}

/* A batch that is not full is run by itself when it is old enough, also while all other threads
 * sleep; nobody looks at a clock here: if it were not, closing would never come to be. */
static void time_makes_a_batch_ready(void **state)
{
    (void)state;
    struct lane lane;
    struct counted task = {0};
    sem_t entered, gate;
    sem_init(&entered, 0, 0);
    sem_init(&gate, 0, 1);
    struct batch_scheduler *s = scheduler_new(2);
    atomic_store(&order_length, 0);
    init_lane(&lane, 't', 20000);
    lane.entered = &entered;
    lane.gate = &gate;
    int64_t begun_us = clock_now_us();
    add(s, &lane, &task, 1);
    sem_wait(&entered);
    assert_true(clock_now_us() - begun_us >= 20000);
    batch_scheduler_close(s, &lane.queue);
    batch_scheduler_free(s);
}

/* A shorter wait overtakes a longer one that a thread already sleeps for. */
static void the_earliest_comes_first(void **state)
{
    (void)state;
    struct lane slow, quick;
    struct counted tasks[2] = {0};
    sem_t entered, gate;
    sem_init(&entered, 0, 0);
    sem_init(&gate, 0, 2);
    memset(order, 0, sizeof order);
    atomic_store(&order_length, 0);
    struct batch_scheduler *s = scheduler_new(1);
    init_lane(&slow, 's', 3600LL * SECOND_US);
    init_lane(&quick, 'q', 1000);
    quick.entered = &entered;
    quick.gate = &gate;
    add(s, &slow, &tasks[0], 1);
    add(s, &quick, &tasks[1], 1);
    sem_wait(&entered);
    batch_scheduler_close(s, &slow.queue);
    batch_scheduler_close(s, &quick.queue);
    batch_scheduler_free(s);
    assert_string_equal(order, "qs");
}

/* When all threads have run something and sleep, a batch that has to wait still finds one that
 * keeps its time. */
static void sleeping_threads_keep_the_time(void **state)
{
    (void)state;
    enum { SLEEPERS = 3, ROUNDS = 200 };
    struct lane busy, timed;
    struct counted tasks[SLEEPERS] = {0}, late = {0};
    sem_t entered, gate;
    sem_init(&entered, 0, 0);
    sem_init(&gate, 0, 0);
    struct batch_scheduler *s = scheduler_new(SLEEPERS);
    init_lane(&busy, 'b', 0);
    init_lane(&timed, 't', 100);
    busy.entered = timed.entered = &entered;
    busy.gate = timed.gate = &gate;
    atomic_store(&order_length, 0);
    for (int i = 0; i < SLEEPERS; i++)
        add(s, &busy, &tasks[i], 2);
    for (int i = 0; i < SLEEPERS; i++)
        sem_wait(&entered);
    for (int i = 0; i < SLEEPERS; i++)
        sem_post(&gate);
    for (int i = 0; i < ROUNDS; i++) {
        atomic_store(&order_length, 0);
        add(s, &timed, &late, 1);
        sem_wait(&entered);
        sem_post(&gate);
    }
    batch_scheduler_close(s, &timed.queue);
    batch_scheduler_close(s, &busy.queue);
    batch_scheduler_free(s);
    assert_int_equal(atomic_load(&late.runs), ROUNDS);
}

/* ---- many threads ---- */

struct crowd {
    struct batch_scheduler *scheduler;
    struct batch_queue queues[QUEUES];
    struct counted *tasks;
    unsigned seed;
};

static void run_crowd(struct batch *batch, void *context)
{
    (void)context;
    for (struct batch_piece *piece = batch->pieces, *next; piece; piece = next) {
        struct counted *task = (struct counted *)(void *)piece->task;
        int size = (int)piece->size;
        next = piece->next;
        batch_piece_release(piece);
        atomic_fetch_add(&task->runs, size);
    }
}

static void *submit_many(void *context)
{
    struct crowd *crowd = context;
    for (int i = 0; i < TASKS_EACH; i++) {
        struct error err;
        struct counted *task = &crowd->tasks[i];
        task->task.size = 1 + rand_r(&crowd->seed) % 9;
        struct batch_queue *queue = &crowd->queues[rand_r(&crowd->seed) % QUEUES];
        assert_int_equal(batch_scheduler_add(crowd->scheduler, queue, &task->task, &err), CODE_OK);
    }
    return NULL;
}

static void each_row_is_run_once(void **state)
{
    (void)state;
    struct batch_scheduler *s = scheduler_new(3);
    struct crowd crowds[THREADS];
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        crowds[i] = (struct crowd){
            .scheduler = s, .tasks = calloc(TASKS_EACH, sizeof(struct counted)), .seed = i};
        for (int k = 0; k < QUEUES; k++)
            batch_queue_init(&crowds[i].queues[k],
                             &(struct batch_queue_options){.input_size_max = 10,
                                                           .batch_size_max = 4,
                                                           .timeout_us = k * 100,
                                                           .batches_max = 1000000,
                                                           .splits = k != 1,
                                                           .run = run_crowd});
        pthread_create(&threads[i], NULL, submit_many, &crowds[i]);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        for (int k = 0; k < QUEUES; k++)
            batch_scheduler_close(s, &crowds[i].queues[k]);
        for (int k = 0; k < TASKS_EACH; k++)
            assert_int_equal(atomic_load(&crowds[i].tasks[k].runs), crowds[i].tasks[k].task.size);
        free(crowds[i].tasks);
    }
    batch_scheduler_free(s);
}

static void threads_are_needed(void **state)
{
    (void)state;
    struct batch_scheduler *s;
    struct error err;
    assert_int_equal(batch_scheduler_new("test", 0, &s, &err), CODE_INVALID_ARGUMENT);
    assert_string_equal(err.message, "num_batch_threads must be positive; was 0");
    batch_scheduler_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queues_take_turns),
        cmocka_unit_test(time_makes_a_batch_ready),
        cmocka_unit_test(the_earliest_comes_first),
        cmocka_unit_test(sleeping_threads_keep_the_time),
        cmocka_unit_test(each_row_is_run_once),
        cmocka_unit_test(threads_are_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
