/* SPDX-License-Identifier: Apache-2.0 */
/* struct serving_map: the versions that answer requests, by name. Immutable: a change is a new map,
 * put in the old one's place by one pointer (core/manager.h). */
#ifndef CORE_SERVING_MAP_H
#define CORE_SERVING_MAP_H

#include <stdbool.h>

#include "base/map.h"
#include "core/servable.h"

struct serving_map;

/* A map of the servables given (borrowed; any order). */
struct serving_map *serving_map_new(struct servable *const *servables, size_t count);
void serving_map_free(struct serving_map *map);

/* One version, or the highest; NULL when it is not there. */
struct servable *serving_map_find(const struct serving_map *map, struct span name, int64_t version);
struct servable *serving_map_latest(const struct serving_map *map, struct span name);

#endif
