/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serving_map.h"

#include <stdlib.h>

#include "base/check.h"

/* The versions of one name stand side by side in `servables`, ascending. */
struct serving_name {
    struct servable **first;
    size_t count;
};

struct serving_map {
    struct arena arena;
    struct map names; /* struct serving_name */
    struct servable **servables;
};

static int compare(const void *a, const void *b)
{
    const struct servable_id *x = &(*(struct servable *const *)a)->id;
    const struct servable_id *y = &(*(struct servable *const *)b)->id;
    int order = span_compare(x->name, y->name);
    return order ? order : (x->version > y->version) - (x->version < y->version);
}

struct serving_map *serving_map_new(struct servable *const *servables, size_t count)
{
    struct serving_map *map = calloc(1, sizeof *map);
    CHECK(map && "out of memory");
    arena_init(&map->arena, ARENA_FIRST_BLOCK);
    map_init(&map->names, &map->arena);
    map->servables = arena_alloc(&map->arena, (count + 1) * sizeof *map->servables);
    if (count)
        memcpy(map->servables, servables, count * sizeof *servables);
    qsort(map->servables, count, sizeof *map->servables, compare);
    struct serving_name *name = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!name || !span_equal(name->first[0]->id.name, map->servables[i]->id.name)) {
            name = ARENA_NEW(&map->arena, struct serving_name);
            name->first = &map->servables[i];
            map_put(&map->names, map->servables[i]->id.name, name);
        }
        name->count++;
    }
    return map;
}

void serving_map_free(struct serving_map *map)
{
    if (!map)
        return;
    arena_release(&map->arena);
    free(map);
}

struct servable *serving_map_find(const struct serving_map *map, struct span name, int64_t version)
{
    const struct serving_name *found = map_get(&map->names, name);
    for (size_t i = 0; found && i < found->count; i++) {
        if (found->first[i]->id.version == version)
            return found->first[i];
    }
    return NULL;
}

struct servable *serving_map_latest(const struct serving_map *map, struct span name)
{
    const struct serving_name *found = map_get(&map->names, name);
    return found ? found->first[found->count - 1] : NULL;
}
