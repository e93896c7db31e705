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
#include "base/late_thread.h"

enum { LOOK_US = 10 * 1000 };

struct waiting_room {
    struct late_thread thread;
    struct api_call *calls; /* guarded by the thread's mutex */
};

struct waiting_room *waiting_room_new(void)
{
    struct waiting_room *room = calloc(1, sizeof *room);
    CHECK(room && "out of memory");
    late_thread_init(&room->thread);
    return room;
}

void waiting_room_free(struct waiting_room *room)
{
    if (!room)
        return;
    late_thread_release(&room->thread);
    CHECK(!room->calls);
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
    if (run_check(&call->run, NULL) || atomic_load(&call->api->life->ending) ||
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
    struct late_thread *thread = &room->thread;
    pthread_mutex_lock(&thread->mutex);
    while (!thread->ending) {
        if (!room->calls) {
            pthread_cond_wait(&thread->came, &thread->mutex);
            continue;
        }
        struct state_monitor *monitor = room->calls->api->core->monitor;
        uint64_t sequence = state_monitor_sequence(monitor);
        struct api_call *gone = look(room);
        bool empty = !room->calls;
        pthread_mutex_unlock(&thread->mutex);
        resume(gone);
        if (!empty)
            state_monitor_await_until(monitor, sequence, clock_now_us() + LOOK_US);
        pthread_mutex_lock(&thread->mutex);
    }
    pthread_mutex_unlock(&thread->mutex);
}

enum code waiting_room_enter(struct waiting_room *room, struct api_call *call, struct error *err)
{
    pthread_mutex_lock(&room->thread.mutex);
    enum code code = late_thread_need(&room->thread, "waiting", run, room, err);
    if (!code) {
        call->next_waiting = room->calls;
        room->calls = call;
        if (!call->next_waiting)
            pthread_cond_signal(&room->thread.came);
    }
    pthread_mutex_unlock(&room->thread.mutex);
    return code;
}
