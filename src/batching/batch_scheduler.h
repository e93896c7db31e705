/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct batch_scheduler: a few threads that run the batches of any number of queues (reference
 * 5.2, 5.3). Queues take turns, a batch at a time, so that a busy one starves no other; a batch is
 * begun as soon as a thread is free and its queue says that it is time.
 */
#ifndef BATCHING_BATCH_SCHEDULER_H
#define BATCHING_BATCH_SCHEDULER_H

#include "batching/batch_queue.h"

struct batch_scheduler;

/* At most `threads` of them, named `name` (borrowed; its first 15 bytes are shown). The first is
 * started here, others when there is more to do. INVALID_ARGUMENT `num_batch_threads must be
 * positive; was N`; RESOURCE_EXHAUSTED: the system gives no thread. */
enum code batch_scheduler_new(const char *name, int64_t threads, struct batch_scheduler **scheduler,
                              struct error *err);

/* All its queues are closed. NULL is fine. */
void batch_scheduler_free(struct batch_scheduler *scheduler);

const char *batch_scheduler_name(const struct batch_scheduler *scheduler);

/* Adds a task to a queue, which belongs to one scheduler from the first task until it is closed.
 * The codes are those of batch_queue_add(). Any thread. */
enum code batch_scheduler_add(struct batch_scheduler *scheduler, struct batch_queue *queue,
                              struct batch_task *task, struct error *err);

/* The end is near: from now on no batch waits to become larger. */
void batch_scheduler_hurry(struct batch_scheduler *scheduler);

/* Runs what waits in the queue and returns when it is over. Nobody adds to it any more. Not to be
 * called by what a batch runs. */
void batch_scheduler_close(struct batch_scheduler *scheduler, struct batch_queue *queue);

#endif
