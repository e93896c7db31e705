/* SPDX-License-Identifier: Apache-2.0 */
/* struct serving_map: the versions that answer requests, by name, and what labels stand for.
 * Immutable: a change is a new map, put in the old one's place by one pointer (core/manager.h). */
#ifndef CORE_SERVING_MAP_H
#define CORE_SERVING_MAP_H

#include <stdbool.h>

#include "base/map.h"
#include "core/servable.h"

/* A name that clients may use for a version's number. */
struct version_label {
    struct span name; /* of the servable */
    struct span label;
    int64_t version;
};

struct serving_map;

struct serving_entry {
    struct servable_id id;
    struct servable *servable; /* NULL: it answers, but is not in memory */
};

/* A map of the versions and labels given (borrowed; any order; texts and servables outlive it). */
struct serving_map *serving_map_new(const struct serving_entry *entries, size_t count,
                                    const struct version_label *labels, size_t label_count);
void serving_map_free(struct serving_map *map);

/* One version, or the highest; NULL when it is not there, or not in memory. */
struct servable *serving_map_find(const struct serving_map *map, struct span name, int64_t version);
struct servable *serving_map_latest(const struct serving_map *map, struct span name);

/* The version that a label stands for, whether it answers or not; NULL: there is no such label. */
const int64_t *serving_map_label(const struct serving_map *map, struct span name,
                                 struct span label);

#endif
