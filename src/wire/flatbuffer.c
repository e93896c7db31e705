/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/flatbuffer.h"

/* The number of `size` bytes at `at`. */
static bool number_at(struct span buffer, size_t at, size_t size, uint64_t *value)
{
    if (at > buffer.len || size > buffer.len - at)
        return false;
    *value = 0;
    memcpy(value, buffer.ptr + at, size);
    return true;
}

/* Where the offset at `at`, of 4 bytes, leads: forward of itself. */
static bool follow(struct span buffer, size_t at, size_t *target)
{
    uint64_t offset;
    if (!number_at(buffer, at, 4, &offset) || offset > buffer.len - at)
        return false;
    *target = at + (size_t)offset;
    return true;
}

static bool table_at(struct span buffer, size_t at, struct flatbuffer_table *table)
{
    enum { HEADER = 4 }; /* the sizes of the offsets and of the table */
    uint64_t back, size;
    if (!number_at(buffer, at, 4, &back))
        return false;
    int64_t offsets = (int64_t)at - (int32_t)(uint32_t)back;
    if (offsets < 0 || !number_at(buffer, (size_t)offsets, 2, &size) || size < HEADER ||
        size > buffer.len - (size_t)offsets)
        return false;
    *table = (struct flatbuffer_table){
        .buffer = buffer,
        .at = at,
        .offsets = span_sub(buffer, (size_t)offsets + HEADER, (size_t)size - HEADER),
    };
    return true;
}

bool flatbuffer_root(struct span buffer, struct flatbuffer_table *table)
{
    size_t at;
    return follow(buffer, 0, &at) && table_at(buffer, at, table);
}

/* Where the field is; 0 when it is not there. */
static size_t place_of(const struct flatbuffer_table *table, int field)
{
    uint64_t offset;
    if (!number_at(table->offsets, 2 * (size_t)field, 2, &offset) || !offset)
        return 0;
    return table->at + (size_t)offset;
}

bool flatbuffer_number(const struct flatbuffer_table *table, int field, size_t size,
                       uint64_t *value)
{
    size_t at = place_of(table, field);
    return !at || number_at(table->buffer, at, size, value);
}

bool flatbuffer_inner(const struct flatbuffer_table *table, int field,
                      struct flatbuffer_table *inner, bool *present)
{
    size_t at = place_of(table, field), target;
    *present = at != 0;
    return !at || (follow(table->buffer, at, &target) && table_at(table->buffer, target, inner));
}

/* The vector that the offset at `at` leads to. */
static bool vector_at(struct span buffer, size_t at, size_t size, struct flatbuffer_vector *vector)
{
    size_t target;
    uint64_t count;
    if (!follow(buffer, at, &target) || !number_at(buffer, target, 4, &count) ||
        count > (buffer.len - target - 4) / size)
        return false;
    *vector = (struct flatbuffer_vector){
        .buffer = buffer,
        .elements = span_sub(buffer, target + 4, (size_t)count * size),
        .count = (size_t)count,
    };
    return true;
}

bool flatbuffer_vector(const struct flatbuffer_table *table, int field, size_t size,
                       struct flatbuffer_vector *vector)
{
    size_t at = place_of(table, field);
    *vector = (struct flatbuffer_vector){.buffer = table->buffer};
    return !at || vector_at(table->buffer, at, size, vector);
}

bool flatbuffer_string(const struct flatbuffer_table *table, int field, struct span *text)
{
    struct flatbuffer_vector bytes;
    if (!flatbuffer_vector(table, field, 1, &bytes))
        return false;
    *text = bytes.elements;
    return true;
}

bool flatbuffer_vector_u32(const struct flatbuffer_vector *vector, size_t i, uint32_t *value)
{
    uint64_t number;
    if (i >= vector->count || !number_at(vector->elements, 4 * i, 4, &number))
        return false;
    *value = (uint32_t)number;
    return true;
}

bool flatbuffer_vector_string(const struct flatbuffer_vector *vector, size_t i, struct span *text)
{
    struct flatbuffer_vector bytes;
    if (i >= vector->count ||
        !vector_at(vector->buffer, (size_t)(vector->elements.ptr - vector->buffer.ptr) + 4 * i, 1,
                   &bytes))
        return false;
    *text = bytes.elements;
    return true;
}

bool flatbuffer_vector_table(const struct flatbuffer_vector *vector, size_t i,
                             struct flatbuffer_table *table)
{
    size_t target;
    return i < vector->count &&
           follow(vector->buffer, (size_t)(vector->elements.ptr - vector->buffer.ptr) + 4 * i,
                  &target) &&
           table_at(vector->buffer, target, table);
}
