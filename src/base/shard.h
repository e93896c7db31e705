/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters without a shared cache line: a row of cells, of which each thread writes one. A thread
 * has a number of its own from its first use until it ends, while there are fewer than SHARDS of
 * them; the threads beyond share the last one, which costs them time but nothing else.
 */
#ifndef BASE_SHARD_H
#define BASE_SHARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    SHARDS = 64,     /* more than the threads of most machines that serve one model */
    SHARD_LINE = 64, /* a cache line */
};

struct shard_cell {
    _Alignas(SHARD_LINE) _Atomic int64_t value;
};

struct shard_counter {
    struct shard_cell cells[SHARDS];
};

extern _Thread_local unsigned shard_of_thread; /* 0: not numbered yet; else index + 1 */

/* Numbers the calling thread. Use shard_index(). */
unsigned shard_assign(void);

/* The calling thread's cell: below SHARDS, always the same. */
static inline unsigned shard_index(void)
{
    unsigned number = shard_of_thread;
    return number ? number - 1 : shard_assign();
}

/* Does nobody else write what has this index? Then a load and a store are enough to add. */
static inline bool shard_is_own(unsigned index)
{
    return index < SHARDS - 1;
}

/* Adds to a place that only threads with one index write; `own`: shard_is_own() of that. For those
 * who add to many places and ask once. */
static inline void shard_add_to(_Atomic int64_t *place, bool own, int64_t n)
{
    if (own)
        atomic_store_explicit(place, atomic_load_explicit(place, memory_order_relaxed) + n,
                              memory_order_relaxed);
    else
        atomic_fetch_add_explicit(place, n, memory_order_relaxed);
}

/* Adds to what has the caller's index and is written by nothing but this. */
static inline void shard_add_at(_Atomic int64_t *place, unsigned index, int64_t n)
{
    shard_add_to(place, shard_is_own(index), n);
}

/* Adds to the caller's cell. Any thread. */
static inline void shard_add(struct shard_counter *counter, int64_t n)
{
    unsigned index = shard_index();
    shard_add_at(&counter->cells[index].value, index, n);
}

/* Takes from it, and whoever reads that afterwards sees what the caller has done before. */
static inline void shard_release_at(_Atomic int64_t *place, unsigned index, int64_t n)
{
    if (shard_is_own(index))
        atomic_store_explicit(place, atomic_load_explicit(place, memory_order_relaxed) - n,
                              memory_order_release);
    else
        atomic_fetch_sub_explicit(place, n, memory_order_release);
}

/* The sum of all cells, read one after the other. Any thread. */
int64_t shard_sum(const struct shard_counter *counter);

#endif
