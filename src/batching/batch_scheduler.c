/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues in which something waits form a ring; `cursor` is the one whose turn it is. One lock
 * guards the ring and the queues: what is done under it is a few pointers.
 *
 * A thread that finds nothing to run waits. One of those that wait keeps the time: it sleeps until
 * the earliest batch of the ring is old enough; the others sleep until they are woken. Whoever
 * makes a batch ready wakes one thread, and whoever takes a batch wakes the next one if there is
 * more to do; nobody is woken while a thread is already on its way. Whoever goes to sleep, and
 * whoever adds what is not ready yet, sees to it that the timekeeper does not sleep too long.
 */
#include "batching/batch_scheduler.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

enum { NAME_SIZE = 16, THREADS_MAX = 4096 }; /* the system's limit; more than any machine runs */

struct batch_scheduler {
    const char *name;
    char thread_name[NAME_SIZE];
    pthread_mutex_t mutex;
    pthread_cond_t woken;  /* what idle threads wait for */
    pthread_cond_t tick;   /* what the timekeeper waits for */
    pthread_cond_t closed; /* a batch of a closing queue is over */
    /* Guarded by mutex. */
    struct batch_queue *cursor; /* NULL: nothing waits anywhere */
    unsigned limit;
    unsigned started;
    unsigned idle;       /* threads that wait for `woken` */
    bool has_timekeeper; /* a thread waits for `tick` */
    int64_t tick_us;     /* until then */
    bool is_waking;      /* a thread was woken and has not looked yet */
    bool hurries;        /* no batch waits */
    bool stopping;
    pthread_t threads[];
};

/* ---- the ring ---- */

/* At its end: its turn comes after all others'. */
static void link_queue(struct batch_scheduler *s, struct batch_queue *queue)
{
    if (!s->cursor) {
        s->cursor = queue->next = queue->previous = queue;
        return;
    }
    queue->next = s->cursor;
    queue->previous = s->cursor->previous;
    queue->previous->next = queue;
    queue->next->previous = queue;
}

static void unlink_queue(struct batch_scheduler *s, struct batch_queue *queue)
{
    if (s->cursor == queue)
        s->cursor = queue->next == queue ? NULL : queue->next;
    queue->previous->next = queue->next;
    queue->next->previous = queue->previous;
    queue->next = queue->previous = NULL;
}

/* The next batch by turns, or NULL. */
static struct batch *next_batch(struct batch_scheduler *s, int64_t now_us)
{
    struct batch_queue *queue = s->cursor;
    struct batch *batch = NULL;
    for (; queue && !(batch = batch_queue_take(queue, now_us)); queue = queue->next) {
        if (queue->next == s->cursor)
            return NULL;
    }
    if (!batch)
        return NULL;
    s->cursor = queue->next;
    if (!queue->first)
        unlink_queue(s, queue);
    queue->running++;
    return batch;
}

/* When the first of all queues has a batch to be run; INT64_MAX: nothing waits. */
static int64_t earliest_us(const struct batch_scheduler *s)
{
    const struct batch_queue *queue = s->cursor;
    int64_t earliest = INT64_MAX;
    while (queue) {
        int64_t ready_us = batch_queue_ready_us(queue);
        earliest = ready_us < earliest ? ready_us : earliest;
        queue = queue->next == s->cursor ? NULL : queue->next;
    }
    return earliest;
}

/* ---- threads ---- */

static void run(void *context);

static enum code grow(struct batch_scheduler *s, struct error *err)
{
    enum code code = thread_start(&s->threads[s->started], s->thread_name, run, s, err);
    s->started += !code;
    return code;
}

/* One more thread looks, if there is one that does not. Called with the mutex held. */
static void wake(struct batch_scheduler *s)
{
    struct error err;
    if (s->is_waking)
        return;
    s->is_waking = s->idle || s->has_timekeeper;
    if (s->idle)
        pthread_cond_signal(&s->woken);
    else if (s->has_timekeeper)
        pthread_cond_signal(&s->tick);
    else if (s->started < s->limit && grow(s, &err))
        log_warning("%s", err.message);
}

/* The timekeeper sleeps too long for what has come in the meantime. */
static void hasten_timekeeper(struct batch_scheduler *s)
{
    int64_t earliest = earliest_us(s);
    if (earliest >= s->tick_us)
        return;
    s->tick_us = earliest;
    pthread_cond_signal(&s->tick);
}

static void wait_for_work(struct batch_scheduler *s)
{
    if (s->has_timekeeper) {
        hasten_timekeeper(s);
        s->idle++;
        pthread_cond_wait(&s->woken, &s->mutex);
        s->idle--;
    } else {
        s->has_timekeeper = true;
        s->tick_us = earliest_us(s);
        thread_wait_until(&s->tick, &s->mutex, s->tick_us);
        s->has_timekeeper = false;
    }
    s->is_waking = false;
}

/* The next batch, when there is one; NULL when there will be none. Called with the mutex held. */
static struct batch *take(struct batch_scheduler *s)
{
    for (;;) {
        struct batch *batch = next_batch(s, s->hurries ? INT64_MAX : clock_now_us());
        /* Somebody has to keep the time of what is left, or may run it now. */
        if (batch && s->cursor && (s->hurries || !s->has_timekeeper || earliest_us(s) < s->tick_us))
            wake(s);
        if (batch || (s->stopping && !s->cursor))
            return batch;
        wait_for_work(s);
    }
}

static void run(void *context)
{
    struct batch_scheduler *s = context;
    struct batch *batch;
    pthread_mutex_lock(&s->mutex);
    while ((batch = take(s))) {
        struct batch_queue *queue = batch->queue;
        pthread_mutex_unlock(&s->mutex);
        queue->options.run(batch, queue->options.context);
        batch_free(batch);
        pthread_mutex_lock(&s->mutex);
        queue->running--;
        if (queue->closing)
            pthread_cond_broadcast(&s->closed);
    }
    pthread_mutex_unlock(&s->mutex);
}

/* ---- from outside ---- */

enum code batch_scheduler_new(const char *name, int64_t threads, struct batch_scheduler **scheduler,
                              struct error *err)
{
    if (threads < 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "num_batch_threads must be positive; was %lld",
                         (long long)threads);
    unsigned limit = threads < THREADS_MAX ? (unsigned)threads : THREADS_MAX;
    struct batch_scheduler *s = calloc(1, sizeof *s + limit * sizeof *s->threads);
    CHECK(s && "out of memory");
    s->name = name;
    s->limit = limit;
    for (size_t i = 0; i + 1 < NAME_SIZE && name[i]; i++)
        s->thread_name[i] = name[i];
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->woken, NULL);
    pthread_cond_init(&s->closed, NULL);
    thread_condition_init(&s->tick);
    pthread_mutex_lock(&s->mutex);
    enum code code = grow(s, err);
    pthread_mutex_unlock(&s->mutex);
    if (code)
        batch_scheduler_free(s);
    else
        *scheduler = s;
    return code;
}

void batch_scheduler_free(struct batch_scheduler *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->mutex);
    CHECK(!s->cursor);
    s->stopping = true;
    pthread_cond_broadcast(&s->woken);
    pthread_cond_broadcast(&s->tick);
    unsigned started = s->started;
    pthread_mutex_unlock(&s->mutex);
    for (unsigned i = 0; i < started; i++)
        pthread_join(s->threads[i], NULL);
    pthread_cond_destroy(&s->tick);
    pthread_cond_destroy(&s->closed);
    pthread_cond_destroy(&s->woken);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

const char *batch_scheduler_name(const struct batch_scheduler *s)
{
    return s->name;
}

enum code batch_scheduler_add(struct batch_scheduler *s, struct batch_queue *queue,
                              struct batch_task *task, struct error *err)
{
    int64_t now_us = clock_now_us();
    pthread_mutex_lock(&s->mutex);
    bool was_empty = !queue->first;
    enum code code = batch_queue_add(queue, task, now_us, err);
    if (!code && was_empty)
        link_queue(s, queue);
    if (!code) {
        int64_t ready_us = batch_queue_ready_us(queue);
        if (ready_us <= now_us || s->hurries || !s->has_timekeeper)
            wake(s);
        else
            hasten_timekeeper(s);
    }
    pthread_mutex_unlock(&s->mutex);
    return code;
}

void batch_scheduler_hurry(struct batch_scheduler *s)
{
    pthread_mutex_lock(&s->mutex);
    s->hurries = true;
    wake(s);
    pthread_mutex_unlock(&s->mutex);
}

void batch_scheduler_close(struct batch_scheduler *s, struct batch_queue *queue)
{
    pthread_mutex_lock(&s->mutex);
    queue->closing = true;
    if (queue->first)
        wake(s);
    while (queue->first || queue->running)
        pthread_cond_wait(&s->closed, &s->mutex);
    pthread_mutex_unlock(&s->mutex);
    batch_queue_release(queue);
}
