/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the batches of a batching session. Only for it: its structs are here, too. */
#ifndef SERVABLES_TENSORFLOW_BATCH_RUN_H
#define SERVABLES_TENSORFLOW_BATCH_RUN_H

#include <pthread.h>

#include "servables/tensorflow/batching_session.h"

struct metric_cell;

struct batching_queue {
    struct batching_queue *next;
    struct batching_session *session;
    struct session_signature *signature;
    const int *wanted; /* NULL: all */
    size_t wanted_count;
    struct batch_queue queue;
    pthread_mutex_t mutex; /* of tasks in several pieces */
};

struct batching_session {
    struct batch_scheduler *scheduler;
    struct metric_cell *latency; /* of its threads */
    struct batching_parameters parameters;
    struct arena arena;
    _Atomic(struct batching_queue *) queues;
    int subset_count;      /* queues of some outputs; guarded by mutex */
    pthread_mutex_t mutex; /* of whoever adds a queue */
};

/* The struct metric_cell of the time that tasks wait for threads of that name. */
struct metric_cell *batch_run_latency(const char *thread_pool_name);

/* A batch_queue_options.run; `context` is the struct batching_queue. */
void batch_run(struct batch *batch, void *context);

/* A batch of one, here and now: all outputs of a task with so many rows, which no queue has seen.
 */
void batch_run_alone(struct session_task *task, int64_t rows);

#endif
