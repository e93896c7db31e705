/* SPDX-License-Identifier: Apache-2.0 */
#include "base/shard.h"

_Thread_local unsigned shard_of_thread;

static atomic_uint threads;

unsigned shard_assign(void)
{
    shard_of_thread = atomic_fetch_add(&threads, 1) % SHARDS + 1;
    return shard_of_thread - 1;
}

int64_t shard_sum(const struct shard_counter *counter)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < SHARDS; i++)
        sum += atomic_load(&counter->cells[i].value);
    return sum;
}
