/* SPDX-License-Identifier: Apache-2.0 */
#include "base/late_thread.h"

void late_thread_init(struct late_thread *t)
{
    *t = (struct late_thread){.started = false};
    pthread_mutex_init(&t->mutex, NULL);
    thread_condition_init(&t->came);
}

enum code late_thread_need(struct late_thread *t, const char *name, thread_fn *fn, void *context,
                           struct error *err)
{
    if (t->started)
        return CODE_OK;
    enum code code = thread_start(&t->thread, name, fn, context, err);
    t->started = !code;
    return code;
}

void late_thread_release(struct late_thread *t)
{
    pthread_mutex_lock(&t->mutex);
    t->ending = true;
    pthread_cond_broadcast(&t->came);
    pthread_mutex_unlock(&t->mutex);
    if (t->started)
        pthread_join(t->thread, NULL);
    pthread_cond_destroy(&t->came);
    pthread_mutex_destroy(&t->mutex);
}
