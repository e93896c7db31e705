/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that ends gives its number back, for loads start threads as long as the server runs. */
#include "base/shard.h"

#include <pthread.h>

#include "base/check.h"

_Thread_local unsigned shard_of_thread;

static struct {
    pthread_mutex_t mutex;
    bool taken[SHARDS - 1];
    pthread_once_t once;
    pthread_key_t key; /* its value is the thread's number */
} numbers = {.mutex = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT};

static void give_back(void *number)
{
    shard_of_thread = 0;
    pthread_mutex_lock(&numbers.mutex);
    numbers.taken[(uintptr_t)number - 1] = false;
    pthread_mutex_unlock(&numbers.mutex);
}

static void make_key(void)
{
    CHECK(!pthread_key_create(&numbers.key, give_back));
}

unsigned shard_assign(void)
{
    unsigned index = 0;
    pthread_once(&numbers.once, make_key);
    pthread_mutex_lock(&numbers.mutex);
    while (index < SHARDS - 1 && numbers.taken[index])
        index++;
    if (index < SHARDS - 1)
        numbers.taken[index] = true;
    pthread_mutex_unlock(&numbers.mutex);
    shard_of_thread = index + 1;
    if (index < SHARDS - 1)
        CHECK(!pthread_setspecific(numbers.key, (void *)(uintptr_t)(index + 1)));
    return index;
}

int64_t shard_sum(const struct shard_counter *counter)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < SHARDS; i++)
        sum += atomic_load(&counter->cells[i].value);
    return sum;
}
