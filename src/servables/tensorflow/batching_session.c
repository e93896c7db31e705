/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue for each signature and choice of its outputs, made when it is first asked for and kept;
 * beyond SUBSETS_MAX choices requests wait with those that want all outputs, and are given theirs.
 *
 * What takes next to no time, and need not wait, is run where it comes from: a batch of one.
 */
#include "servables/tensorflow/batching_session.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "servables/tensorflow/batch_run.h"

enum {
    SUBSETS_MAX = 64,  /* as many as a session has plans for */
    AT_ONCE_NS = 1500, /* about what a request costs to go through a queue */
};

static struct batching_queue *find_queue(struct batching_session *b,
                                         const struct session_signature *signature,
                                         const int *wanted, size_t count)
{
    struct batching_queue *queue = atomic_load_explicit(&b->queues, memory_order_acquire);
    for (; queue; queue = queue->next) {
        if (queue->signature != signature || !queue->wanted != !wanted)
            continue;
        if (!wanted || (queue->wanted_count == count &&
                        !memcmp(queue->wanted, wanted, count * sizeof *wanted)))
            break;
    }
    return queue;
}

/* Called with the session's lock held. */
static struct batching_queue *add_queue(struct batching_session *b,
                                        struct session_signature *signature, const int *wanted,
                                        size_t count)
{
    struct batching_queue *queue = ARENA_NEW(&b->arena, struct batching_queue);
    queue->session = b;
    queue->signature = signature;
    queue->wanted_count = count;
    if (wanted) {
        struct span bytes = {(const char *)wanted, count * sizeof *wanted};
        queue->wanted = (const int *)(const void *)arena_copy(&b->arena, bytes).ptr;
        b->subset_count++;
    }
    batch_queue_init(&queue->queue, &(struct batch_queue_options){
                                        .input_size_max = b->parameters.max_batch_size,
                                        .batch_size_max = b->parameters.max_execution_batch_size,
                                        .timeout_us = b->parameters.timeout_us,
                                        .batches_max = b->parameters.max_enqueued_batches,
                                        .splits = b->parameters.splits,
                                        .run = batch_run,
                                        .context = queue,
                                    });
    pthread_mutex_init(&queue->mutex, NULL);
    queue->next = atomic_load(&b->queues);
    atomic_store_explicit(&b->queues, queue, memory_order_release);
    return queue;
}

static struct batching_queue *queue_of(struct batching_session *b, const struct session_task *task)
{
    const int *wanted = task->wanted;
    struct batching_queue *queue = find_queue(b, task->signature, wanted, task->wanted_count);
    if (queue)
        return queue;
    pthread_mutex_lock(&b->mutex);
    if (b->subset_count == SUBSETS_MAX)
        wanted = NULL;
    queue = find_queue(b, task->signature, wanted, task->wanted_count);
    if (!queue)
        queue = add_queue(b, task->signature, wanted, task->wanted_count);
    pthread_mutex_unlock(&b->mutex);
    return queue;
}

struct batching_session *batching_session_new(struct batch_scheduler *scheduler,
                                              const struct batching_parameters *parameters)
{
    struct batching_session *b = calloc(1, sizeof *b);
    CHECK(b && "out of memory");
    arena_init(&b->arena, ARENA_FIRST_BLOCK);
    pthread_mutex_init(&b->mutex, NULL);
    b->scheduler = scheduler;
    b->latency = batch_run_latency(batch_scheduler_name(scheduler));
    b->parameters = *parameters;
    struct pb_int64s *sizes = &b->parameters.allowed_sizes;
    sizes->ptr =
        arena_copy(&b->arena, (struct span){sizes->ptr, sizes->count * sizeof(int64_t)}).ptr;
    return b;
}

void batching_session_free(struct batching_session *b)
{
    if (!b)
        return;
    for (struct batching_queue *queue = atomic_load(&b->queues); queue; queue = queue->next) {
        batch_scheduler_close(b->scheduler, &queue->queue);
        pthread_mutex_destroy(&queue->mutex);
    }
    pthread_mutex_destroy(&b->mutex);
    arena_release(&b->arena);
    free(b);
}

/* ---- from outside ---- */

/* How many rows a task has. */
static enum code measure(const struct session_task *task, int64_t *rows, struct error *err)
{
    size_t count = session_signature_info(task->signature)->input_count;
    if (!count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Batching Run() must have at least one input tensor");
    for (size_t i = 0; i < count; i++) {
        const struct shape *shape = &task->inputs[i].shape;
        if (!shape->rank)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Batching Run() input tensors must have at least one dimension");
        if (i && shape->dims[0] != *rows)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Batching Run() input tensors must have equal 0th-dimension size");
        *rows = shape->dims[0];
    }
    return CODE_OK;
}

enum code session_task_run(const struct session_task *task, struct error *err)
{
    return session_run(task->signature, task->inputs, task->wanted, task->wanted_count, task->run,
                       task->outputs, err);
}

static void run_now(struct session_task *task)
{
    struct error err;
    enum code code = session_task_run(task, &err);
    task->on_done(task, code, &err);
}

/* Nobody has to wait, and the run takes less time than it takes to hand it over. */
static bool is_over_at_once(const struct batching_session *b, const struct session_task *task,
                            int64_t rows)
{
    return rows && !b->parameters.timeout_us && !task->wanted && session_is_tiny(task->signature) &&
           session_run_ns(task->signature) < AT_ONCE_NS && rows <= b->parameters.max_batch_size &&
           batching_parameters_round_up(&b->parameters, rows) == rows;
}

void session_task_start(struct session_task *task)
{
    struct batching_session *b = session_batching(session_of(task->signature));
    struct error err;
    int64_t rows = 0;
    enum code code = b ? measure(task, &rows, &err) : CODE_OK;
    if (!b) {
        run_now(task);
        return;
    }
    if (!code && is_over_at_once(b, task, rows)) {
        batch_run_alone(task, rows);
        return;
    }
    if (!code) {
        memset(&task->batch, 0, sizeof task->batch);
        task->batch.task.size = rows ? rows : 1;
        task->batch.is_empty = !rows;
        task->batch.queue = queue_of(b, task);
        if (task->run->note)
            task->run->note->queued = clock_ticks();
        code =
            batch_scheduler_add(b->scheduler, &task->batch.queue->queue, &task->batch.task, &err);
    }
    if (code)
        task->on_done(task, code, &err);
}

bool session_task_is_tiny(const struct session_signature *signature, bool filtered)
{
    return session_batching(session_of(signature)) || (!filtered && session_is_tiny(signature));
}
