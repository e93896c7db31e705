/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The platform "hashmap": texts by their keys (the original's example of a servable that is no
 * model; reference 1.7). A version is a file, or a folder with a file hashmap.csv: a line for each
 * key, "key,value"; the value is all behind the first comma.
 *
 * Predict, signature "serving_default": `keys` (strings of any shape) gives `values` (strings,
 * empty where there is none) and `found` (bools), both of that shape.
 */
#ifndef SERVABLES_HASHMAP_HASHMAP_H
#define SERVABLES_HASHMAP_HASHMAP_H

#include "servables/kinds.h"

extern const struct servable_kind hashmap_kind;

#endif
