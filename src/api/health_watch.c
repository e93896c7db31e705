/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange.seen is what the client was told last, plus one. A turn whose client has gone is
 * answered so that it can go, too.
 */
#include "api/health_watch.h"

#include <stdlib.h>

#include "api/health.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/late_thread.h"

enum { LOOK_US = 100000 };

/* A turn that waits; in its exchange's arena. */
struct waiter {
    struct waiter *next;
    struct exchange *exchange;
    const struct api *api;
    struct span service;
};

struct health_watch {
    struct late_thread thread;
    struct waiter *waiters; /* guarded by the thread's mutex */
};

struct health_watch *health_watch_new(void)
{
    struct health_watch *watch = calloc(1, sizeof *watch);
    CHECK(watch && "out of memory");
    late_thread_init(&watch->thread);
    return watch;
}

void health_watch_free(struct health_watch *watch)
{
    if (!watch)
        return;
    late_thread_release(&watch->thread);
    CHECK(!watch->waiters);
    free(watch);
}

/* Tells the client if there is something to tell; false: it has to wait. */
static bool tell(const struct waiter *waiter)
{
    struct exchange *exchange = waiter->exchange;
    struct pb_health_check_response response = {.status =
                                                    api_health_of(waiter->api, waiter->service)};
    uint64_t seen = (uint64_t)response.status + 1;
    bool gone = atomic_load_explicit(&exchange->cancelled, memory_order_relaxed);
    if (seen == exchange->seen && !gone)
        return false;
    exchange->seen = seen;
    api_answer(exchange, &pb_health_check_response_type, &response);
    return true;
}

/* Takes those whose time has come out of the list. */
static struct waiter *tell_all(struct waiter *list)
{
    struct waiter *rest = NULL;
    while (list) {
        struct waiter *waiter = list;
        list = waiter->next;
        waiter->next = rest; /* what was told is not ours any more */
        if (!tell(waiter))
            rest = waiter;
    }
    return rest;
}

static void look_at_them(void *context)
{
    struct health_watch *watch = context;
    struct late_thread *thread = &watch->thread;
    pthread_mutex_lock(&thread->mutex);
    while (!thread->ending) {
        watch->waiters = tell_all(watch->waiters);
        int64_t until_us = watch->waiters ? clock_now_us() + LOOK_US : INT64_MAX;
        thread_wait_until(&thread->came, &thread->mutex, until_us);
    }
    pthread_mutex_unlock(&thread->mutex);
}

static enum code wait_with_others(struct health_watch *watch, struct waiter *waiter,
                                  struct error *err)
{
    pthread_mutex_lock(&watch->thread.mutex);
    enum code code = late_thread_need(&watch->thread, "health", look_at_them, watch, err);
    if (!code) {
        waiter->next = watch->waiters;
        watch->waiters = waiter;
        if (!waiter->next)
            pthread_cond_signal(&watch->thread.came);
    }
    pthread_mutex_unlock(&watch->thread.mutex);
    return code;
}

void api_health_watch(struct exchange *exchange, void *context)
{
    struct api *api = context;
    struct pb_health_check_request request;
    struct error err;
    if (pb_decode(&pb_health_check_request_type, exchange->body, &exchange->arena, &request,
                  &err)) {
        api_answer_error(exchange, &err);
        return;
    }
    struct waiter *waiter = ARENA_NEW(&exchange->arena, struct waiter);
    *waiter = (struct waiter){.exchange = exchange, .api = api, .service = request.service};
    if (!tell(waiter) && wait_with_others(api->watch, waiter, &err))
        api_answer_error(exchange, &err);
}
