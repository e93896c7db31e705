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

#include "base/shard.h"

/* How many readers are inside, per shard, of either phase. */
struct epoch_slot {
    _Alignas(SHARD_LINE) atomic_uint inside[2];
};

struct epoch {
    struct epoch_slot slots[SHARDS];
    _Alignas(SHARD_LINE) atomic_uint phase; /* 0 or 1; written by writers only */
    pthread_mutex_t writers;                /* one grace period at a time */
};

void epoch_init(struct epoch *epoch);
void epoch_release(struct epoch *epoch);

struct epoch_section {
    atomic_uint *inside;
};

/* All orders are sequentially consistent: the entry must be seen before the pointer is read. */
static inline struct epoch_section epoch_enter(struct epoch *epoch)
{
    unsigned phase = atomic_load(&epoch->phase);
    atomic_uint *inside = &epoch->slots[shard_index()].inside[phase];
    atomic_fetch_add(inside, 1);
    return (struct epoch_section){inside};
}

static inline void epoch_leave(struct epoch_section section)
{
    atomic_fetch_sub_explicit(section.inside, 1, memory_order_release);
}

/* Returns when every section that was open at the call is left. Any thread that is not inside a
 * section; it may sleep. */
void epoch_wait(struct epoch *epoch);

#endif
