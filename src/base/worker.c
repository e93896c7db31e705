/* SPDX-License-Identifier: Apache-2.0 */
#include "base/worker.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "base/thread.h"

struct worker_pool {
    const char *name;
    pthread_mutex_t mutex;
    pthread_cond_t ready;
    struct job *first; /* guarded by mutex, like everything below */
    struct job **last;
    size_t waiting;
    unsigned limit;
    unsigned started;
    unsigned idle;
    bool stopping;
    pthread_t threads[];
};

struct worker_pool *worker_pool_new(const char *name, unsigned limit)
{
    limit = limit ? limit : 1;
    struct worker_pool *pool = calloc(1, sizeof *pool + limit * sizeof *pool->threads);
    CHECK(pool && "out of memory");
    pool->name = name;
    pool->limit = limit;
    pool->last = &pool->first;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->ready, NULL);
    return pool;
}

/* The oldest work, or NULL when the pool stops and none is left. Called with the mutex held. */
static struct job *take(struct worker_pool *pool)
{
    while (!pool->first && !pool->stopping) {
        pool->idle++;
        pthread_cond_wait(&pool->ready, &pool->mutex);
        pool->idle--;
    }
    struct job *job = pool->first;
    if (!job)
        return NULL;
    pool->first = job->next;
    if (!pool->first)
        pool->last = &pool->first;
    pool->waiting--;
    return job;
}

static void run(void *context)
{
    struct worker_pool *pool = context;
    struct job *job;
    pthread_mutex_lock(&pool->mutex);
    while ((job = take(pool))) {
        pthread_mutex_unlock(&pool->mutex);
        job->fn(job);
        pthread_mutex_lock(&pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
}

/* One more thread, if that is allowed and possible. Called with the mutex held. */
static void grow(struct worker_pool *pool)
{
    struct error err;
    if (pool->started == pool->limit)
        return;
    if (thread_start(&pool->threads[pool->started], pool->name, run, pool, &err))
        log_warning("%s", err.message);
    else
        pool->started++;
}

void worker_pool_submit(struct worker_pool *pool, struct job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&pool->mutex);
    if (pool->waiting >= pool->idle)
        grow(pool);
    bool queued = pool->started > 0;
    if (queued) {
        *pool->last = job;
        pool->last = &job->next;
        pool->waiting++;
        pthread_cond_signal(&pool->ready);
    }
    pthread_mutex_unlock(&pool->mutex);
    if (!queued)
        job->fn(job);
}

size_t worker_pool_waiting(struct worker_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    size_t waiting = pool->waiting;
    pthread_mutex_unlock(&pool->mutex);
    return waiting;
}

void worker_pool_free(struct worker_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->ready);
    unsigned started = pool->started;
    pthread_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < started; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->ready);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}
