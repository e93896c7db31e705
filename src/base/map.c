/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/clock.h"

static _Atomic uint64_t process_seed; /* 0: not drawn yet */
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void seed_init(void)
{
    uint64_t drawn;
    if (getrandom(&drawn, sizeof drawn, GRND_NONBLOCK) != (ssize_t)sizeof drawn)
        drawn = (uint64_t)clock_now_ns() * 0x9e3779b97f4a7c15u;
    atomic_store_explicit(&process_seed, drawn | 1, memory_order_relaxed);
}

static inline uint64_t get_seed(void)
{
    uint64_t drawn = atomic_load_explicit(&process_seed, memory_order_relaxed);
    if (__builtin_expect(drawn, true))
        return drawn;
    pthread_once(&seed_once, seed_init);
    return atomic_load_explicit(&process_seed, memory_order_relaxed);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* One to seven bytes; some of them twice. */
static inline uint64_t read_tail(const char *ptr, size_t len)
{
    uint32_t low, high;
    if (len >= 4) {
        memcpy(&low, ptr, 4);
        memcpy(&high, ptr + len - 4, 4);
        return (uint64_t)high << 32 | low;
    }
    const unsigned char *bytes = (const unsigned char *)ptr;
    return (uint64_t)bytes[0] << 16 | (uint64_t)bytes[len / 2] << 8 | bytes[len - 1];
}

size_t map_hash(struct span key)
{
    uint64_t seed = get_seed();
    uint64_t h = seed ^ (uint64_t)key.len * 0xa0761d6478bd642fu;
    size_t i = 0;
    for (; i + 8 <= key.len; i += 8) {
        uint64_t word;
        memcpy(&word, key.ptr + i, 8);
        h = mix(h ^ word, 0xe7037ed1a0b428dbu ^ seed);
    }
    if (i < key.len)
        h ^= read_tail(key.ptr + i, key.len - i);
    return (size_t)mix(h, 0x8ebc6af09c88c6e3u);
}

void map_init(struct map *map, struct arena *arena)
{
    *map = (struct map){.arena = arena};
}

/* The slot that holds the key, or the free one where it belongs. */
static struct map_slot *find(const struct map *map, struct span key, size_t hash)
{
    size_t mask = map->capacity - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct map_slot *slot = &map->slots[i];
        if (!slot->key.ptr || (slot->hash == hash && span_equal(slot->key, key)))
            return slot;
    }
}

void *map_get(const struct map *map, struct span key)
{
    return map->capacity ? find(map, key, map_hash(key))->value : NULL;
}

bool map_has(const struct map *map, struct span key)
{
    return map->capacity && find(map, key, map_hash(key))->key.ptr;
}

static void grow(struct map *map)
{
    struct map old = *map;
    map->capacity = old.capacity ? old.capacity * 2 : 16;
    map->slots = ARENA_ARRAY(map->arena, struct map_slot, map->capacity);
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].key.ptr)
            *find(map, old.slots[i].key, old.slots[i].hash) = old.slots[i];
    }
}

void **map_at(struct map *map, struct span key, bool *added)
{
    CHECK(key.ptr);
    if ((map->count + 1) * 4 > map->capacity * 3)
        grow(map);
    size_t hash = map_hash(key);
    struct map_slot *slot = find(map, key, hash);
    if (added)
        *added = !slot->key.ptr;
    if (!slot->key.ptr) {
        *slot = (struct map_slot){.key = key, .hash = hash};
        map->count++;
    }
    return &slot->value;
}

void map_put(struct map *map, struct span key, void *value)
{
    *map_at(map, key, NULL) = value;
}

const struct map_slot *map_next(const struct map *map, size_t *cursor)
{
    while (*cursor < map->capacity) {
        const struct map_slot *slot = &map->slots[(*cursor)++];
        if (slot->key.ptr)
            return slot;
    }
    return NULL;
}
