/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tf.Example without unpacking: one pass over the serialised bytes finds a feature's values.
 * Duplicate keys follow protobuf's merge rules (a later map entry replaces the earlier one), so
 * bytes(context) || bytes(example) reads as the original reads it. Also JSON features -> serialised
 * Example (reference 2.7).
 */
#ifndef TENSOR_EXAMPLE_H
#define TENSOR_EXAMPLE_H

#include "base/arena.h"
#include "base/error.h"
#include "tensor/dtype.h"
#include "wire/json.h"

/* One feature's list, found in the bytes; the values are read by example_read_*. */
struct example_feature {
    struct span name; /* borrowed from the bytes */
    enum dtype dtype; /* DTYPE_FLOAT, DTYPE_INT64, DTYPE_STRING; DTYPE_INVALID: no kind is set */
    struct span list; /* the bytes of FloatList, Int64List or BytesList; borrowed */
    int64_t count;    /* values in it */
};

struct example {
    struct example_feature *features; /* in the arena; no name twice */
    size_t count;
};

/* INVALID_ARGUMENT when the bytes are no Example. */
enum code example_parse(struct span bytes, struct arena *arena, struct example *example,
                        struct error *err);

/* The feature, or NULL. */
const struct example_feature *example_find(const struct example *example, struct span name);

/* Write feature->count values; packed and unpacked lists alike. The dtype must be right. */
void example_read_floats(const struct example_feature *feature, float *out);
void example_read_int64s(const struct example_feature *feature, int64_t *out);
void example_read_strings(const struct example_feature *feature, struct span *out); /* borrowed */

/* Serialises one JSON object of features; texts of reference 2.9, which are about the value *fault.
 */
enum code example_from_json(const struct json_value *object, struct arena *arena,
                            struct span *bytes, const struct json_value **fault, struct error *err);

#endif
