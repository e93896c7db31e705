/* SPDX-License-Identifier: Apache-2.0 */
#include "batching/batch_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TASKS_MAX = 16, TEXT_SIZE = 256 };

struct world {
    struct batch_queue queue;
    struct batch_task tasks[TASKS_MAX];
    int task_count;
    struct error err;
};

static struct world *world_new(struct batch_queue_options options)
{
    struct world *w = calloc(1, sizeof *w);
    assert_int_equal(batch_queue_check(&options, &w->err), CODE_OK);
    batch_queue_init(&w->queue, &options);
    return w;
}

static enum code add(struct world *w, int64_t size, int64_t now_us)
{
    struct batch_task *task = &w->tasks[w->task_count++];
    task->size = size;
    return batch_queue_add(&w->queue, task, now_us, &w->err);
}

/* Takes a batch and says what is in it: "0:0+2 1:0+1" are two rows of task 0 and one of task 1. */
static const char *take(struct world *w, int64_t now_us)
{
    static char text[TEXT_SIZE];
    size_t used = 0;
    struct batch *batch = batch_queue_take(&w->queue, now_us);
    text[0] = 0;
    if (!batch)
        return "none";
    int64_t rows = 0;
    for (struct batch_piece *piece = batch->pieces, *next; piece; piece = next) {
        next = piece->next;
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s%d:%d+%d", used ? " " : "",
                             (int)(piece->task - w->tasks), (int)piece->first, (int)piece->size);
        rows += piece->size;
        batch_piece_release(piece);
    }
    assert_int_equal(rows, batch->size);
    batch_free(batch);
    return text;
}

static void world_free(struct world *w)
{
    w->queue.closing = true;
    while (strcmp(take(w, 0), "none") != 0)
        ;
    batch_queue_release(&w->queue);
    free(w);
}

static void tasks_join_the_open_batch_until_one_does_not_fit(void **state)
{
    (void)state;
    struct world *w = world_new((struct batch_queue_options){
        .input_size_max = 4, .batch_size_max = 4, .timeout_us = 100, .batches_max = 3});
    assert_int_equal(add(w, 2, 1000), CODE_OK);
    assert_int_equal(add(w, 1, 1010), CODE_OK);
    assert_int_equal(batch_queue_ready_us(&w->queue), 1100);
    assert_string_equal(take(w, 1099), "none");
    assert_int_equal(add(w, 2, 1020), CODE_OK); /* closes the first */
    assert_int_equal(batch_queue_ready_us(&w->queue), 0);
    assert_string_equal(take(w, 1021), "0:0+2 1:0+1");
    assert_int_equal(batch_queue_ready_us(&w->queue), 1120);
    assert_string_equal(take(w, 1120), "2:0+2");
    assert_int_equal(batch_queue_ready_us(&w->queue), INT64_MAX);
    assert_string_equal(take(w, 1120), "none");
    assert_int_equal(add(w, 4, 2000), CODE_OK); /* full: need not wait */
    assert_string_equal(take(w, 2000), "3:0+4");
    world_free(w);
}

static void a_timeout_of_zero_waits_for_nothing(void **state)
{
    (void)state;
    struct world *w =
        world_new((struct batch_queue_options){.input_size_max = 4, .batches_max = 10});
    assert_int_equal(add(w, 1, 50), CODE_OK);
    assert_int_equal(add(w, 1, 60), CODE_OK);
    assert_int_equal(add(w, 3, 70), CODE_OK);
    assert_int_equal(add(w, 1, 80), CODE_OK);
    assert_string_equal(take(w, 80), "0:0+1 1:0+1");
    assert_string_equal(take(w, 80), "2:0+3 3:0+1");
    world_free(w);
}

static void closing_runs_what_waits(void **state)
{
    (void)state;
    struct world *w = world_new((struct batch_queue_options){
        .input_size_max = 4, .timeout_us = INT64_MAX, .batches_max = 2});
    assert_int_equal(add(w, 1, 50), CODE_OK);
    assert_int_equal(batch_queue_ready_us(&w->queue), INT64_MAX);
    w->queue.closing = true;
    assert_string_equal(take(w, 50), "0:0+1");
    world_free(w);
}

static void tasks_that_are_too_large_and_queues_that_are_full(void **state)
{
    (void)state;
    struct world *w = world_new(
        (struct batch_queue_options){.input_size_max = 4, .timeout_us = 1000, .batches_max = 2});
    assert_int_equal(add(w, 5, 0), CODE_INVALID_ARGUMENT);
    assert_string_equal(w->err.message, "Task size 5 is larger than maximum input batch size 4");
    for (int i = 0; i < 2; i++)
        assert_int_equal(add(w, 3, 0), CODE_OK);
    assert_int_equal(add(w, 2, 0), CODE_UNAVAILABLE);
    assert_string_equal(w->err.message,
                        "The batch scheduling queue to which this task was submitted is full; "
                        "currently 2 batches enqueued and max_enqueued_batches is 2");
    assert_int_equal(add(w, 1, 0), CODE_OK); /* still fits the open one */
    assert_string_equal(take(w, 0), "1:0+3");
    assert_string_equal(take(w, 0), "2:0+3 4:0+1");
    world_free(w);
}

static void no_batches_allowed_is_one(void **state)
{
    (void)state;
    struct world *w = world_new(
        (struct batch_queue_options){.input_size_max = 2, .timeout_us = 1000, .batches_max = 0});
    assert_int_equal(add(w, 2, 0), CODE_OK);
    assert_int_equal(add(w, 1, 0), CODE_UNAVAILABLE);
    world_free(w);
}

static void large_tasks_are_split(void **state)
{
    (void)state;
    struct world *w = world_new((struct batch_queue_options){.input_size_max = 10,
                                                             .batch_size_max = 4,
                                                             .timeout_us = 1000,
                                                             .batches_max = 3,
                                                             .splits = true});
    assert_int_equal(add(w, 1, 0), CODE_OK);
    assert_int_equal(add(w, 9, 0), CODE_OK); /* 3 + 4 + 2 */
    assert_int_equal(w->tasks[1].piece_count, 3);
    assert_int_equal(add(w, 3, 0), CODE_UNAVAILABLE);
    assert_string_equal(
        w->err.message,
        "The batch scheduling queue to which this task was submitted is full; task size is 3 but "
        "scheduling capacity is only 2 (num_enqueued_batches=3, max_enqueued_batches=3, "
        "open_batch_size=2, max_execution_batch_size=4)");
    assert_int_equal(add(w, 11, 0), CODE_INVALID_ARGUMENT);
    assert_string_equal(take(w, 0), "0:0+1 1:0+3");
    assert_string_equal(take(w, 0), "1:3+4");
    assert_string_equal(take(w, 0), "none");
    assert_string_equal(take(w, 1000), "1:7+2");
    world_free(w);
}

static void options_are_checked(void **state)
{
    (void)state;
    static const struct {
        struct batch_queue_options options;
        const char *message;
    } cases[] = {
        {{.input_size_max = 0}, "input_batch_size_limit must be positive; was 0"},
        {{.input_size_max = 1, .timeout_us = -1},
         "batch_timeout_micros must be non-negative; was -1"},
        {{.input_size_max = 1, .batches_max = -2},
         "max_enqueued_batches must be non-negative; was -2"},
        {{.input_size_max = 1, .splits = true}, "max_execution_batch_size must be positive; was 0"},
        {{.input_size_max = 1, .batch_size_max = 2, .splits = true},
         "max_execution_batch_size (2) must be less than or equal to input_batch_size_limit (1)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err;
        assert_int_equal(batch_queue_check(&cases[i].options, &err), CODE_INVALID_ARGUMENT);
        assert_string_equal(err.message, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_join_the_open_batch_until_one_does_not_fit),
        cmocka_unit_test(a_timeout_of_zero_waits_for_nothing),
        cmocka_unit_test(closing_runs_what_waits),
        cmocka_unit_test(tasks_that_are_too_large_and_queues_that_are_full),
        cmocka_unit_test(no_batches_allowed_is_one),
        cmocka_unit_test(large_tasks_are_split),
        cmocka_unit_test(options_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
