/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why no wake-up is lost: the unloader first announces itself in `waiting`, then reads the
 * counters; a releaser first lowers its counter, then reads `waiting`. With a fence between on
 * either side (base/fence.h) at least one of them sees the other. After lowering the counter a
 * releaser touches the drain only: the servable may be gone.
 */
#include "core/handle.h"

#include "base/fence.h"

void drain_init(struct drain *drain)
{
    fence_init();
    atomic_init(&drain->waiting, 0);
    pthread_mutex_init(&drain->mutex, NULL);
    pthread_cond_init(&drain->released, NULL);
}

void drain_release(struct drain *drain)
{
    pthread_cond_destroy(&drain->released);
    pthread_mutex_destroy(&drain->mutex);
}

void handle_take(struct handle *handle, struct servable *servable, struct drain *drain)
{
    shard_add(servable->handles, 1);
    *handle = (struct handle){servable, drain};
}

void handle_release(struct handle *handle)
{
    struct servable *servable = handle->servable;
    struct drain *drain = handle->drain;
    if (!servable)
        return;
    handle->servable = NULL;
    unsigned index = shard_index();
    shard_release_at(&servable->handles->cells[index].value, index, 1);
    fence_light();
    if (!atomic_load_explicit(&drain->waiting, memory_order_relaxed))
        return;
    pthread_mutex_lock(&drain->mutex);
    pthread_cond_broadcast(&drain->released);
    pthread_mutex_unlock(&drain->mutex);
}

void drain_await(struct drain *drain, const struct servable *servable)
{
    pthread_mutex_lock(&drain->mutex);
    atomic_fetch_add(&drain->waiting, 1);
    fence_heavy();
    while (shard_sum(servable->handles))
        pthread_cond_wait(&drain->released, &drain->mutex);
    atomic_fetch_sub(&drain->waiting, 1);
    pthread_mutex_unlock(&drain->mutex);
}
