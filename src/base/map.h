/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct map: byte strings to pointers, open addressing, memory from an arena. Keys are borrowed
 * and must outlive the map. Entries are never removed one by one. Lookups may run on many threads
 * once nobody inserts. The hash is seeded per process, so that names from outside can not be chosen
 * to collide.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/span.h"

struct map_slot {
    struct span key; /* borrowed; ptr NULL: free */
    void *value;
    size_t hash;
};

struct map {
    struct arena *arena;    /* borrowed */
    struct map_slot *slots; /* in the arena */
    size_t capacity;        /* 0 or a power of two */
    size_t count;
};

void map_init(struct map *map, struct arena *arena);

/* The value, or NULL when the key is not there. */
void *map_get(const struct map *map, struct span key);
bool map_has(const struct map *map, struct span key);

/* Adds or replaces. `key.ptr` may not be NULL. */
void map_put(struct map *map, struct span key, void *value);

/* Where a key's value is kept, added as NULL when the key is new (*added says so, may be NULL).
 * Valid until the next insertion. */
void **map_at(struct map *map, struct span key, bool *added);

/* Walks all entries in no particular order: start with *cursor 0; NULL at the end. */
const struct map_slot *map_next(const struct map *map, size_t *cursor);

/* The seeded hash of the bytes; also for other tables. */
size_t map_hash(struct span key);

#endif
