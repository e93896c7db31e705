/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking is asking again (manager_want), which also says that somebody still waits. The sequence
 * is read before, so that what changes meanwhile ends the next wait at once. A call that comes
 * between looks may have missed its change: it is seen LOOK_US later.
 *
 * A handle that a look gets goes into the call's arena: the version stays until the call uses it.
 */
#include "api/waiting_room.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/thread.h"

enum { LOOK_US = 10 * 1000 };

struct waiting_room {
    pthread_mutex_t mutex;
    pthread_cond_t came;
    struct api_call *calls; /* guarded by mutex, like the next two */
    bool has_thread;
    bool ending;
    pthread_t thread;
};

struct waiting_room *waiting_room_new(void)
{
    struct waiting_room *room = calloc(1, sizeof *room);
    CHECK(room && "out of memory");
    pthread_mutex_init(&room->mutex, NULL);
    pthread_cond_init(&room->came, NULL);
    return room;
}

void waiting_room_free(struct waiting_room *room)
{
    if (!room)
        return;
    pthread_mutex_lock(&room->mutex);
    CHECK(!room->calls);
    room->ending = true;
    pthread_cond_signal(&room->came);
    pthread_mutex_unlock(&room->mutex);
    if (room->has_thread)
        pthread_join(room->thread, NULL);
    pthread_cond_destroy(&room->came);
    pthread_mutex_destroy(&room->mutex);
    free(room);
}

static void release(void *handle)
{
    handle_release(handle);
}

/* Is what it waits for still to come, and the answer still wanted? */
static bool waits(struct api_call *call)
{
    struct handle handle;
    bool comes;
    struct run run = api_call_run(call);
    if (run_check(&run, NULL) || atomic_load(&call->api->life->ending) ||
        manager_want(call->api->core->manager, &call->wanted, &handle, &comes, NULL))
        return false;
    if (handle.servable) {
        struct handle *kept = ARENA_NEW(&call->exchange->arena, struct handle);
        *kept = handle;
        arena_defer(&call->exchange->arena, release, kept);
    }
    return comes;
}

/* Takes those that need not wait any more out of the list, and returns them. Mutex held. */
static struct api_call *look(struct waiting_room *room)
{
    struct api_call *list = room->calls, *rest = NULL, *gone = NULL;
    while (list) {
        struct api_call *call = list;
        struct api_call **to = waits(call) ? &rest : &gone;
        list = call->next_waiting;
        call->next_waiting = *to;
        *to = call;
    }
    room->calls = rest;
    return gone;
}

static void resume(struct api_call *calls)
{
    while (calls) {
        struct api_call *call = calls;
        calls = call->next_waiting;
        api_call_resume(call);
    }
}

static void run(void *context)
{
    struct waiting_room *room = context;
    pthread_mutex_lock(&room->mutex);
    while (!room->ending) {
        if (!room->calls) {
            pthread_cond_wait(&room->came, &room->mutex);
            continue;
        }
        struct state_monitor *monitor = room->calls->api->core->monitor;
        uint64_t sequence = state_monitor_sequence(monitor);
        struct api_call *gone = look(room);
        bool empty = !room->calls;
        pthread_mutex_unlock(&room->mutex);
        resume(gone);
        if (!empty)
            state_monitor_await_until(monitor, sequence, clock_now_us() + LOOK_US);
        pthread_mutex_lock(&room->mutex);
    }
    pthread_mutex_unlock(&room->mutex);
}

/* Mutex held. */
static enum code need_thread(struct waiting_room *room, struct error *err)
{
    if (room->has_thread)
        return CODE_OK;
    enum code code = thread_start(&room->thread, "waiting", run, room, err);
    room->has_thread = !code;
    return code;
}

enum code waiting_room_enter(struct waiting_room *room, struct api_call *call, struct error *err)
{
    pthread_mutex_lock(&room->mutex);
    enum code code = need_thread(room, err);
    if (!code) {
        call->next_waiting = room->calls;
        room->calls = call;
        if (!call->next_waiting)
            pthread_cond_signal(&room->came);
    }
    pthread_mutex_unlock(&room->mutex);
    return code;
}
