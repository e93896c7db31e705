/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FlatBuffers, read in place: a table's fields by their numbers, as the schema counts them from 0.
 * Nothing is decoded ahead; each look checks that it stays within the buffer. Everything is
 * little-endian, and need not be aligned. (FlatBuffers' documentation, "Internals".)
 *
 * A field that is not there has its default: that is no error. What points out of the buffer is:
 * the functions then return false.
 */
#ifndef WIRE_FLATBUFFER_H
#define WIRE_FLATBUFFER_H

#include "base/span.h"

struct flatbuffer_table {
    struct span buffer;  /* borrowed, all of it */
    size_t at;           /* of the table */
    struct span offsets; /* of its fields, 2 bytes each */
};

/* A vector of numbers or structs of `size` bytes each, or of strings or tables (size 4). */
struct flatbuffer_vector {
    struct span buffer;
    struct span elements;
    size_t count;
};

bool flatbuffer_root(struct span buffer, struct flatbuffer_table *table);

/* A number of 1, 2, 4 or 8 bytes, zero-extended; left alone when it is not there. */
bool flatbuffer_number(const struct flatbuffer_table *table, int field, size_t size,
                       uint64_t *value);

/* A string; empty when it is not there. */
bool flatbuffer_string(const struct flatbuffer_table *table, int field, struct span *text);

/* A table inside of the table; *present says whether it is there. */
bool flatbuffer_inner(const struct flatbuffer_table *table, int field,
                      struct flatbuffer_table *inner, bool *present);

/* A vector whose elements take `size` bytes; of no elements when it is not there. */
bool flatbuffer_vector(const struct flatbuffer_table *table, int field, size_t size,
                       struct flatbuffer_vector *vector);

/* Element i of a vector of numbers of 4 bytes. False when it has no such element. */
bool flatbuffer_vector_u32(const struct flatbuffer_vector *vector, size_t i, uint32_t *value);

/* Element i of a vector of strings. */
bool flatbuffer_vector_string(const struct flatbuffer_vector *vector, size_t i, struct span *text);

/* Element i of a vector of tables (size 4). */
bool flatbuffer_vector_table(const struct flatbuffer_vector *vector, size_t i,
                             struct flatbuffer_table *table);

#endif
