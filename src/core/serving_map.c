/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serving_map.h"

#include <stdlib.h>

#include "base/check.h"

struct serving_label {
    const struct version_label *label; /* borrowed */
    struct serving_label *next;
};

/* The versions of one name stand side by side in `entries`, ascending. */
struct serving_name {
    struct serving_entry *first; /* NULL: none */
    size_t count;
    struct serving_label *labels; /* few */
};

struct serving_map {
    struct arena arena;
    struct map names; /* struct serving_name */
    struct serving_entry *entries;
};

static int compare(const void *a, const void *b)
{
    const struct servable_id *x = &((const struct serving_entry *)a)->id;
    const struct servable_id *y = &((const struct serving_entry *)b)->id;
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

static void add_entries(struct serving_map *map, const struct serving_entry *entries, size_t count)
{
    map->entries = arena_alloc(&map->arena, (count + 1) * sizeof *map->entries);
    if (count)
        memcpy(map->entries, entries, count * sizeof *entries);
    qsort(map->entries, count, sizeof *map->entries, compare);
    struct serving_name *name = NULL;
    for (size_t i = 0; i < count; i++) {
        struct span text = map->entries[i].id.name;
        if (!name || !span_equal(name->first[0].id.name, text)) {
            name = name_at(map, text);
            name->first = &map->entries[i];
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

struct serving_map *serving_map_new(const struct serving_entry *entries, size_t count,
                                    const struct version_label *labels, size_t label_count)
{
    struct serving_map *map = calloc(1, sizeof *map);
    CHECK(map && "out of memory");
    arena_init(&map->arena, ARENA_FIRST_BLOCK);
    map_init(&map->names, &map->arena);
    add_entries(map, entries, count);
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
        if (found->first[i].id.version == version)
            return found->first[i].servable;
    }
    return NULL;
}

struct servable *serving_map_latest(const struct serving_map *map, struct span name)
{
    const struct serving_name *found = map_get(&map->names, name);
    return found && found->count ? found->first[found->count - 1].servable : NULL;
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
