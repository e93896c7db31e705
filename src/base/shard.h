/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters without a shared cache line: a row of cells, of which each thread writes one. Threads
 * are numbered as they come; with more than SHARDS of them some share a cell, which costs time but
 * nothing else.
 */
#ifndef BASE_SHARD_H
#define BASE_SHARD_H

#include <stdatomic.h>
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

/* Adds to the caller's cell. Any thread. */
static inline void shard_add(struct shard_counter *counter, int64_t n)
{
    atomic_fetch_add_explicit(&counter->cells[shard_index()].value, n, memory_order_relaxed);
}

/* The sum of all cells, read one after the other. Any thread. */
int64_t shard_sum(const struct shard_counter *counter);

#endif
