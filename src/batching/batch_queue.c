/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A task is put into the open batch if it fits, else the open batch is closed and the next one
 * opened. The first piece of a task lies in the task itself, so that a queue which does not split
 * allocates once a batch.
 */
#include "batching/batch_queue.h"

#include <stdlib.h>

#include "base/check.h"

enum code batch_queue_check(const struct batch_queue_options *o, struct error *err)
{
    if (o->input_size_max < 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "input_batch_size_limit must be positive; was %lld",
                         (long long)o->input_size_max);
    if (o->timeout_us < 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "batch_timeout_micros must be non-negative; was %lld",
                         (long long)o->timeout_us);
    if (o->batches_max < 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "max_enqueued_batches must be non-negative; was %lld",
                         (long long)o->batches_max);
    if (!o->splits)
        return CODE_OK;
    if (o->batch_size_max < 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "max_execution_batch_size must be positive; was %lld",
                         (long long)o->batch_size_max);
    if (o->batch_size_max > o->input_size_max)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "max_execution_batch_size (%lld) must be less than or equal to "
                         "input_batch_size_limit (%lld)",
                         (long long)o->batch_size_max, (long long)o->input_size_max);
    return CODE_OK;
}

void batch_queue_init(struct batch_queue *queue, const struct batch_queue_options *options)
{
    *queue = (struct batch_queue){.options = *options};
    queue->last = &queue->first;
    if (!options->splits)
        queue->options.batch_size_max = options->input_size_max;
    if (!queue->options.batches_max)
        queue->options.batches_max = 1;
}

void batch_queue_release(struct batch_queue *queue)
{
    CHECK(!queue->first && !queue->running);
}

/* ---- batches ---- */

static struct batch *open_batch(const struct batch_queue *queue)
{
    return queue->first ? *queue->last : NULL;
}

static struct batch *begin_batch(struct batch_queue *queue, int64_t now_us)
{
    struct batch *batch = calloc(1, sizeof *batch);
    CHECK(batch && "out of memory");
    batch->queue = queue;
    batch->last = &batch->pieces;
    batch->begun_us = now_us;
    if (queue->first)
        queue->last = &(*queue->last)->next;
    *queue->last = batch;
    queue->count++;
    return batch;
}

void batch_free(struct batch *batch)
{
    free(batch);
}

void batch_piece_release(struct batch_piece *piece)
{
    if (piece != &piece->task->whole)
        free(piece);
}

/* ---- tasks ---- */

static void add_piece(struct batch *batch, struct batch_task *task, int64_t first, int64_t size)
{
    struct batch_piece *piece = &task->whole;
    if (task->piece_count) {
        piece = malloc(sizeof *piece);
        CHECK(piece && "out of memory");
    }
    *piece = (struct batch_piece){.task = task, .first = first, .size = size};
    task->piece_count++;
    *batch->last = piece;
    batch->last = &piece->next;
    batch->count++;
    batch->size += size;
}

/* An empty queue counts as one with an open batch, as it does in the original. */
static int64_t enqueued(const struct batch_queue *queue)
{
    return queue->count ? queue->count : 1;
}

static enum code check_room(const struct batch_queue *queue, const struct batch_task *task,
                            int64_t room, struct error *err)
{
    if (task->size <= room || enqueued(queue) < queue->options.batches_max)
        return CODE_OK;
    return error_set(err, CODE_UNAVAILABLE,
                     "The batch scheduling queue to which this task was submitted is full; "
                     "currently %lld batches enqueued and max_enqueued_batches is %lld",
                     (long long)enqueued(queue), (long long)queue->options.batches_max);
}

static enum code check_capacity(const struct batch_queue *queue, const struct batch_task *task,
                                int64_t room, struct error *err)
{
    const struct batch_queue_options *o = &queue->options;
    int64_t further = o->batches_max - enqueued(queue), capacity;
    if (__builtin_mul_overflow(further > 0 ? further : 0, o->batch_size_max, &capacity) ||
        __builtin_add_overflow(capacity, room, &capacity) || task->size <= capacity)
        return CODE_OK;
    return error_set(err, CODE_UNAVAILABLE,
                     "The batch scheduling queue to which this task was submitted is full; task "
                     "size is %lld but scheduling capacity is only %lld "
                     "(num_enqueued_batches=%lld, max_enqueued_batches=%lld, "
                     "open_batch_size=%lld, max_execution_batch_size=%lld)",
                     (long long)task->size, (long long)capacity, (long long)enqueued(queue),
                     (long long)o->batches_max, (long long)(o->batch_size_max - room),
                     (long long)o->batch_size_max);
}

enum code batch_queue_add(struct batch_queue *queue, struct batch_task *task, int64_t now_us,
                          struct error *err)
{
    const struct batch_queue_options *o = &queue->options;
    struct batch *batch = open_batch(queue);
    int64_t room = o->batch_size_max - (batch ? batch->size : 0);
    CHECK(task->size > 0);
    if (task->size > o->input_size_max)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Task size %lld is larger than maximum input batch size %lld",
                         (long long)task->size, (long long)o->input_size_max);
    enum code code = (o->splits ? check_capacity : check_room)(queue, task, room, err);
    if (code)
        return code;
    task->added_us = now_us;
    task->piece_count = 0;
    for (int64_t first = 0; first < task->size;) {
        int64_t rest = task->size - first;
        if (!batch || !room || (rest > room && !o->splits)) {
            batch = begin_batch(queue, now_us);
            room = o->batch_size_max;
        }
        int64_t size = rest < room ? rest : room;
        add_piece(batch, task, first, size);
        first += size;
        room -= size;
    }
    return CODE_OK;
}

/* ---- what is next ---- */

int64_t batch_queue_ready_us(const struct batch_queue *queue)
{
    const struct batch *batch = queue->first;
    if (!batch)
        return INT64_MAX;
    if (batch->next || batch->size >= queue->options.batch_size_max || queue->closing)
        return 0;
    int64_t ready_us;
    bool overflows = __builtin_add_overflow(batch->begun_us, queue->options.timeout_us, &ready_us);
    return overflows ? INT64_MAX : ready_us;
}

struct batch *batch_queue_take(struct batch_queue *queue, int64_t now_us)
{
    struct batch *batch = queue->first;
    if (!batch || batch_queue_ready_us(queue) > now_us)
        return NULL;
    queue->first = batch->next;
    if (!queue->first || queue->last == &batch->next)
        queue->last = &queue->first;
    batch->next = NULL;
    queue->count--;
    return batch;
}
