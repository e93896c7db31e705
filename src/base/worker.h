/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct worker_pool: threads that take work from one queue, first come, first served. Threads are
 * started when there is work and no idle one, up to a limit: a server whose models all run on the
 * loops never has any.
 */
#ifndef BASE_WORKER_H
#define BASE_WORKER_H

#include <stddef.h>

/* Embedded in what the caller wants done; owned by the caller, the pool's until `fn` is called. */
struct job {
    struct job *next;
    void (*fn)(struct job *job);
};

struct worker_pool;

/* At most `limit` threads (at least 1), named `name` (a literal of at most 15 bytes). */
struct worker_pool *worker_pool_new(const char *name, unsigned limit);

/* Queues it; any thread. When the system refuses the first thread the work is done here and now. */
void worker_pool_submit(struct worker_pool *pool, struct job *job);

/* Work that waits for a thread now. */
size_t worker_pool_waiting(struct worker_pool *pool);

/* Does what is queued, ends the threads, frees. Nobody submits any more. NULL is fine. */
void worker_pool_free(struct worker_pool *pool);

#endif
