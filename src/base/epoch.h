/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct epoch: reading a pointer that somebody replaces, without a lock and without a counter that
 * readers share.
 *
 *   reader: section = epoch_enter(e);  p = atomic_load(&pointer);  use p;  epoch_leave(section);
 *   writer: old = atomic_exchange(&pointer, new);  epoch_wait(e);  free(old);
 *
 * A section is short: it neither blocks nor waits. Readers never wait for anything; a writer waits
 * for the sections that were open when it came.
 */
#ifndef BASE_EPOCH_H
#define BASE_EPOCH_H

#include <pthread.h>

#include "base/fence.h"
#include "base/shard.h"

/* How many readers are inside, per shard, of either phase. */
struct epoch_slot {
    _Alignas(SHARD_LINE) _Atomic int64_t inside[2];
};

struct epoch {
    struct epoch_slot slots[SHARDS];
    _Alignas(SHARD_LINE) atomic_uint phase; /* 0 or 1; written by writers only */
    pthread_mutex_t writers;                /* one grace period at a time */
};

void epoch_init(struct epoch *epoch);
void epoch_release(struct epoch *epoch);

struct epoch_section {
    _Atomic int64_t *inside;
    unsigned index;
};

/* The entry must be seen before the pointer is read; epoch_wait() has the other fence. */
static inline struct epoch_section epoch_enter(struct epoch *epoch)
{
    unsigned index = shard_index();
    unsigned phase = atomic_load_explicit(&epoch->phase, memory_order_relaxed);
    _Atomic int64_t *inside = &epoch->slots[index].inside[phase];
    shard_add_at(inside, index, 1);
    fence_light();
    return (struct epoch_section){inside, index};
}

static inline void epoch_leave(struct epoch_section section)
{
    shard_release_at(section.inside, section.index, 1);
}

/* Returns when every section that was open at the call is left. Any thread that is not inside a
 * section; it may sleep. */
void epoch_wait(struct epoch *epoch);

#endif
