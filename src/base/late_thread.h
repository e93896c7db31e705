/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct late_thread: a thread that is started when there is first something for it, and the mutex
 * and the condition of what it looks after. What it runs:
 *
 *   pthread_mutex_lock(&t->mutex);
 *   while (!t->ending)
 *       look, or wait on t->came
 *   pthread_mutex_unlock(&t->mutex);
 */
#ifndef BASE_LATE_THREAD_H
#define BASE_LATE_THREAD_H

#include "base/thread.h"

struct late_thread {
    pthread_mutex_t mutex;
    pthread_cond_t came; /* something did, or the end; on the monotonic clock */
    bool started;        /* guarded by mutex, like ending */
    bool ending;
    pthread_t thread;
};

void late_thread_init(struct late_thread *t);

/* Starts it, if that was not done before. Mutex held. As thread_start(). */
enum code late_thread_need(struct late_thread *t, const char *name, thread_fn *fn, void *context,
                           struct error *err);

/* Ends it, if it was started, and waits for that. Nobody needs it any more. */
void late_thread_release(struct late_thread *t);

#endif
