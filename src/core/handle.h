/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct handle: the right to use a servable. It keeps its version loaded; it may be passed to
 * another thread and released there. Taking and releasing one touches a cache line of the calling
 * thread only (struct shard_counter), never a shared one.
 *
 * How a version ends: it leaves the serving map; after a grace period (base/epoch.h) nobody can
 * take a handle to it any more, so its counters only fall; when their sum is zero it is free.
 * Reading the counters one after the other is then sound: a sum of falling values that reads zero
 * is zero.
 */
#ifndef CORE_HANDLE_H
#define CORE_HANDLE_H

#include <pthread.h>

#include "core/servable.h"

/* Where an unloader waits for the last handle. One per manager. */
struct drain {
    atomic_uint waiting; /* unloaders that wait: whoever releases a handle then wakes them */
    pthread_mutex_t mutex;
    pthread_cond_t released;
};

struct handle {
    struct servable *servable; /* NULL: none */
    struct drain *drain;
};

void drain_init(struct drain *drain);
void drain_release(struct drain *drain);

/* Counts a handle. Inside the epoch section in which the servable was found. */
void handle_take(struct handle *handle, struct servable *servable, struct drain *drain);

/* Gives it back; any thread, once. The servable may be gone when this returns. An empty handle is
 * fine. */
void handle_release(struct handle *handle);

/* Waits until no handle to the servable is out. After the grace period, on an unload thread. */
void drain_await(struct drain *drain, const struct servable *servable);

#endif
