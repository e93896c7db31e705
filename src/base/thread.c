/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

enum { LOW_PRIORITY = 10 }; /* nice value: about a tenth of a busy core beside normal threads */

struct start {
    const char *name;
    thread_fn *fn;
    void *context;
};

static void *run(void *argument)
{
    struct start start = *(struct start *)argument;
    free(argument);
    pthread_setname_np(pthread_self(), start.name);
    start.fn(start.context);
    return NULL;
}

enum code thread_start(pthread_t *thread, const char *name, thread_fn *fn, void *context,
                       struct error *err)
{
    struct start *start = malloc(sizeof *start);
    CHECK(start && "out of memory");
    *start = (struct start){name, fn, context};
    /* A new thread inherits the mask of its creator. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(thread, NULL, run, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failed)
        return CODE_OK;
    free(start);
    return error_set(err, CODE_RESOURCE_EXHAUSTED, "Cannot start thread '%s': %s", name,
                     strerror(failed));
}

int thread_id(void)
{
    static _Thread_local int id;
    return id ? id : (id = gettid());
}

void thread_lower_priority(void)
{
    /* On Linux a nice value belongs to a thread. It may fail in a sandbox, which does no harm. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), LOW_PRIORITY);
}

void thread_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

bool thread_wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until_us)
{
    if (until_us == INT64_MAX)
        return pthread_cond_wait(condition, mutex) == 0;
    struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
    return pthread_cond_timedwait(condition, mutex, &until) != ETIMEDOUT;
}
