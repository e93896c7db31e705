/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serving_map.h"

#include <stdlib.h>

#include "base/check.h"

struct serving_label {
    const struct version_label *label; /* borrowed */
    struct serving_label *next;
};

/* The versions of one name stand side by side in `servables`, ascending. */
struct serving_name {
    struct servable **first; /* NULL: none */
    size_t count;
    struct serving_label *labels; /* few */
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

static struct serving_name *name_at(struct serving_map *map, struct span name)
{
    void **place = map_at(&map->names, name, NULL);
    if (!*place)
        *place = ARENA_NEW(&map->arena, struct serving_name);
    return *place;
}

static void add_servables(struct serving_map *map, struct servable *const *servables, size_t count)
{
    map->servables = arena_alloc(&map->arena, (count + 1) * sizeof *map->servables);
    if (count)
        memcpy(map->servables, servables, count * sizeof *servables);
    qsort(map->servables, count, sizeof *map->servables, compare);
    struct serving_name *name = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!name || !span_equal(name->first[0]->id.name, map->servables[i]->id.name)) {
            name = name_at(map, map->servables[i]->id.name);
            name->first = &map->servables[i];
        }
        name->count++;
    }
}

static void add_label(struct serving_map *map, const struct version_label *label)
{
    struct serving_name *name = name_at(map, label->name);
    struct serving_label *entry = ARENA_NEW(&map->arena, struct serving_label);
    *entry = (struct serving_label){label, name->labels};
    name->labels = entry;
}

struct serving_map *serving_map_new(struct servable *const *servables, size_t count,
                                    const struct version_label *labels, size_t label_count)
{
    struct serving_map *map = calloc(1, sizeof *map);
    CHECK(map && "out of memory");
    arena_init(&map->arena, ARENA_FIRST_BLOCK);
    map_init(&map->names, &map->arena);
    add_servables(map, servables, count);
    for (size_t i = 0; i < label_count; i++)
        add_label(map, &labels[i]);
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
    return found && found->count ? found->first[found->count - 1] : NULL;
}

const int64_t *serving_map_label(const struct serving_map *map, struct span name, struct span label)
{
    const struct serving_name *found = map_get(&map->names, name);
    for (const struct serving_label *l = found ? found->labels : NULL; l; l = l->next) {
        if (span_equal(l->label->label, label))
            return &l->label->version;
    }
    return NULL;
}
