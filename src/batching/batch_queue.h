/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct batch_queue: tasks that may be run together, gathered into batches by their sizes, first
 * come, first served (reference 5.1, 5.3). It knows neither threads nor clocks: its owner locks it
 * and says what time it is. batch_scheduler.h runs many of them.
 *
 * A batch is open while tasks may join it, and closed when the next one did not fit. With `splits`,
 * a task that does not fit fills the open batch and goes on in further ones: a batch consists of
 * pieces, each a range of one task's rows.
 */
#ifndef BATCHING_BATCH_QUEUE_H
#define BATCHING_BATCH_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct batch_task;

struct batch_piece {
    struct batch_piece *next; /* in its batch */
    struct batch_task *task;
    int64_t first; /* row of the task */
    int64_t size;  /* rows; at least 1 */
};

/* Embedded in what waits for its result; the caller's memory, and the queue's from
 * batch_queue_add() until all pieces have been taken with their batches. */
struct batch_task {
    int64_t size; /* rows; at least 1; set by the caller */
    /* Set by the queue. */
    int64_t added_us;
    int piece_count;
    struct batch_piece whole; /* its first piece */
};

struct batch {
    struct batch_queue *queue;
    struct batch *next; /* the queue's */
    struct batch_piece *pieces;
    struct batch_piece **last;
    size_t count;     /* of pieces */
    int64_t size;     /* rows of all pieces */
    int64_t begun_us; /* when its first task came */
};

struct batch_queue_options {
    int64_t input_size_max; /* of a task, in rows */
    int64_t batch_size_max; /* of a batch; without `splits` the same */
    int64_t timeout_us;     /* a batch that is not full is run when it is this old */
    int64_t batches_max;    /* that wait, the open one included; 0: as 1 */
    bool splits;
    /* Runs a batch; on a thread of the scheduler, without a lock. The pieces are the callee's until
     * it gives each back with batch_piece_release() (those of a task before it ends the task). */
    void (*run)(struct batch *batch, void *context);
    void *context;
};

struct batch_queue {
    struct batch_queue_options options;
    struct batch *first; /* owned; oldest first, the open one last; NULL: nothing waits */
    struct batch **last; /* the open one's place */
    int64_t count;       /* of them */
    bool closing;        /* what waits is run at once */
    /* The scheduler's. */
    struct batch_queue *next;
    struct batch_queue *previous;
    int running; /* batches that are being run */
};

/* INVALID_ARGUMENT `input_batch_size_limit must be positive; was N` and the like. */
enum code batch_queue_check(const struct batch_queue_options *options, struct error *err);

/* `options` have passed the check. */
void batch_queue_init(struct batch_queue *queue, const struct batch_queue_options *options);

/* Nothing waits in it any more. */
void batch_queue_release(struct batch_queue *queue);

/* Adds a task. INVALID_ARGUMENT `Task size S is larger than maximum input batch size M`;
 * UNAVAILABLE: the queue is full. */
enum code batch_queue_add(struct batch_queue *queue, struct batch_task *task, int64_t now_us,
                          struct error *err);

/* When there is a batch to be run: now (0), at a time to come, or with the next task at the
 * earliest (INT64_MAX). */
int64_t batch_queue_ready_us(const struct batch_queue *queue);

/* The batch to be run next, if batch_queue_ready_us() is not after `now_us`; else NULL. */
struct batch *batch_queue_take(struct batch_queue *queue, int64_t now_us);

/* Frees what is left of a batch when it has been run. */
void batch_free(struct batch *batch);

/* Gives a piece back. */
void batch_piece_release(struct batch_piece *piece);

#endif
