/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/pack.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "engine/binding.h"

struct pack_cache {
    pthread_mutex_t lock;
    struct arena arena; /* guarded by lock */
    struct map map;     /* guarded by lock; values are arena memory */
    size_t bytes;
};

struct pack_cache *pack_cache_new(void)
{
    struct pack_cache *cache = calloc(1, sizeof *cache);
    CHECK(cache);
    pthread_mutex_init(&cache->lock, NULL);
    arena_init(&cache->arena, ARENA_FIRST_BLOCK);
    map_init(&cache->map, &cache->arena);
    return cache;
}

void pack_cache_free(struct pack_cache *cache)
{
    if (!cache)
        return;
    arena_release(&cache->arena);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

size_t pack_cache_bytes(const struct pack_cache *cache)
{
    return cache->bytes;
}

static void *make(struct pack_cache *cache, size_t size, pack_fn *fn, void *context)
{
    void *packed = arena_try_alloc(&cache->arena, size, TENSOR_ALIGN);
    if (packed && !fn(packed, size, context))
        packed = NULL;
    cache->bytes += packed ? size : 0;
    return packed;
}

const void *pack_cache_get(struct pack_cache *cache, struct span key, size_t size, pack_fn *fn,
                           void *context)
{
    pthread_mutex_lock(&cache->lock);
    void *packed = map_get(&cache->map, key);
    if (!packed) {
        packed = make(cache, size, fn, context);
        if (packed)
            map_put(&cache->map, arena_copy(&cache->arena, key), packed);
    }
    pthread_mutex_unlock(&cache->lock);
    return packed;
}
