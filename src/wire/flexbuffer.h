/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FlexBuffers, read in place: values that say themselves what they are (FlatBuffers' documentation,
 * "FlexBuffers"). Offsets lead backwards, so nothing can be deeper than the buffer is long; each
 * look checks that it stays within the buffer. The functions return false for what points out of it
 * and for a value of another kind.
 */
#ifndef WIRE_FLEXBUFFER_H
#define WIRE_FLEXBUFFER_H

#include "base/span.h"

struct flexbuffer_value {
    struct span buffer; /* borrowed, all of it */
    size_t at;          /* of the value or of the offset to it */
    size_t width;       /* bytes of what is at `at` */
    uint8_t type;       /* kind, and the width of what an offset leads to */
};

bool flexbuffer_root(struct span buffer, struct flexbuffer_value *value);

/* A string, a blob or a key. */
bool flexbuffer_text(const struct flexbuffer_value *value, struct span *text);

/* The elements of a vector, or the values of a map in the order of their keys. */
bool flexbuffer_count(const struct flexbuffer_value *value, size_t *count);
bool flexbuffer_item(const struct flexbuffer_value *value, size_t i, struct flexbuffer_value *item);

/* Key i of a map. */
bool flexbuffer_key(const struct flexbuffer_value *map, size_t i, struct span *key);

/* The map's value of that key; false also where it has none. */
bool flexbuffer_find(const struct flexbuffer_value *map, const char *key,
                     struct flexbuffer_value *value);

/* An integer, a float or a bool. */
bool flexbuffer_number(const struct flexbuffer_value *value, double *number);

#endif
