/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trie as a double array, as darts-clone lays it out: units of 4 bytes, little-endian, each with
 * a label, an offset to its children and whether one of them is a value. A cursor stands on a unit;
 * what leads out of the array is no child.
 */
#ifndef OPS_TEXT_DOUBLE_ARRAY_H
#define OPS_TEXT_DOUBLE_ARRAY_H

#include "base/span.h"

struct double_array {
    struct span units;
};

struct double_array_cursor {
    uint32_t node;
    uint32_t unit;
};

static inline bool double_array_unit(struct double_array trie, uint32_t node, uint32_t *unit)
{
    if (node >= trie.units.len / sizeof *unit)
        return false;
    memcpy(unit, trie.units.ptr + (size_t)node * sizeof *unit, sizeof *unit);
    return true;
}

/* Stands on `node`; 0 is the root. */
static inline bool double_array_stand(struct double_array trie, uint32_t node,
                                      struct double_array_cursor *cursor)
{
    cursor->node = node;
    return double_array_unit(trie, node, &cursor->unit);
}

static inline uint32_t double_array_children(const struct double_array_cursor *cursor)
{
    return cursor->node ^ (cursor->unit >> 10) << ((cursor->unit & 1u << 9) >> 6);
}

/* Goes to the child of that byte, or stays where it is. */
static inline bool double_array_step(struct double_array trie, unsigned char byte,
                                     struct double_array_cursor *cursor)
{
    uint32_t unit, node = double_array_children(cursor) ^ byte;
    if (!double_array_unit(trie, node, &unit) || (unit & (1u << 31 | 0xff)) != byte)
        return false;
    *cursor = (struct double_array_cursor){node, unit};
    return true;
}

/* The same for all bytes, or none. */
static inline bool double_array_walk(struct double_array trie, struct span path,
                                     struct double_array_cursor *cursor)
{
    struct double_array_cursor c = *cursor;
    for (size_t i = 0; i < path.len; i++) {
        if (!double_array_step(trie, (unsigned char)path.ptr[i], &c))
            return false;
    }
    *cursor = c;
    return true;
}

/* The value of where the cursor stands, if there is one. */
static inline bool double_array_value(struct double_array trie,
                                      const struct double_array_cursor *cursor, uint32_t *value)
{
    uint32_t leaf;
    if (!(cursor->unit >> 8 & 1) || !double_array_unit(trie, double_array_children(cursor), &leaf))
        return false;
    *value = leaf & ~(1u << 31);
    return true;
}

#endif
