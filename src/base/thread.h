/* SPDX-License-Identifier: Apache-2.0 */
/* Threads with a name, and with all signals blocked: signals are the main program's business. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef void thread_fn(void *context);

/* Starts fn(context). `name` (at most 15 bytes, a literal) is what top and gdb show.
 * RESOURCE_EXHAUSTED when the system gives no thread. */
enum code thread_start(pthread_t *thread, const char *name, thread_fn *fn, void *context,
                       struct error *err);

/* The system's number of the calling thread, asked for once. */
int thread_id(void);

/* The calling thread yields to all others from now on: for loading, which must not slow requests
 * down. */
void thread_lower_priority(void);

/* A condition on the monotonic clock, and waiting on it until a time of clock_now_us(); false when
 * the time came first. INT64_MAX waits for ever. */
void thread_condition_init(pthread_cond_t *condition);
bool thread_wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until_us);

#endif
