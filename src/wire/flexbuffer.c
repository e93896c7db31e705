/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last byte is the root's width, the one before it the root's type, before them is the root. A
 * type is a kind in the upper six bits and, in the lower two, the logarithm of the width of what
 * the value's offset leads to. A vector has its length before its elements and their types behind
 * them; a map is a vector, before whose length are an offset to the vector of keys and the width of
 * that vector's elements.
 */
#include "wire/flexbuffer.h"

enum kind {
    KIND_INT = 1,
    KIND_UINT = 2,
    KIND_FLOAT = 3,
    KIND_KEY = 4,
    KIND_STRING = 5,
    KIND_INDIRECT_INT = 6,
    KIND_INDIRECT_FLOAT = 8,
    KIND_MAP = 9,
    KIND_VECTOR = 10,
    KIND_BLOB = 25,
    KIND_BOOL = 26,
};

static enum kind kind_of(const struct flexbuffer_value *value)
{
    return (enum kind)(value->type >> 2);
}

static size_t inner_width(const struct flexbuffer_value *value)
{
    return (size_t)1 << (value->type & 3);
}

static bool number_at(struct span buffer, size_t at, size_t width, uint64_t *number)
{
    if (at > buffer.len || width > buffer.len - at)
        return false;
    *number = 0;
    memcpy(number, buffer.ptr + at, width);
    return true;
}

/* Where the offset at `at` leads. */
static bool follow(struct span buffer, size_t at, size_t width, size_t *target)
{
    uint64_t offset;
    if (!number_at(buffer, at, width, &offset) || offset > at)
        return false;
    *target = at - (size_t)offset;
    return true;
}

bool flexbuffer_root(struct span buffer, struct flexbuffer_value *value)
{
    enum { TAIL = 2, WIDTH_MAX = 8 };
    if (buffer.len < TAIL)
        return false;
    size_t width = (unsigned char)buffer.ptr[buffer.len - 1];
    bool is_power = width && width <= WIDTH_MAX && !(width & (width - 1));
    if (!is_power || width > buffer.len - TAIL)
        return false;
    *value = (struct flexbuffer_value){
        .buffer = buffer,
        .at = buffer.len - TAIL - width,
        .width = width,
        .type = (uint8_t)buffer.ptr[buffer.len - TAIL],
    };
    return true;
}

/* Behind the offset: where the elements are, and how many. */
static bool elements(const struct flexbuffer_value *value, size_t *at, size_t *count)
{
    size_t width = inner_width(value);
    uint64_t number;
    if (!follow(value->buffer, value->at, value->width, at) || *at < width ||
        !number_at(value->buffer, *at - width, width, &number) || number > value->buffer.len - *at)
        return false;
    *count = (size_t)number;
    return true;
}

static bool key_at(struct span buffer, size_t at, struct span *key)
{
    struct span rest = span_sub(buffer, at, buffer.len);
    size_t len = span_find(rest, 0);
    *key = span_sub(rest, 0, len);
    return len < rest.len;
}

bool flexbuffer_text(const struct flexbuffer_value *value, struct span *text)
{
    size_t at, count;
    if (kind_of(value) == KIND_KEY)
        return follow(value->buffer, value->at, value->width, &at) &&
               key_at(value->buffer, at, text);
    if ((kind_of(value) != KIND_STRING && kind_of(value) != KIND_BLOB) ||
        !elements(value, &at, &count))
        return false;
    *text = span_sub(value->buffer, at, count);
    return true;
}

bool flexbuffer_count(const struct flexbuffer_value *value, size_t *count)
{
    size_t at;
    return (kind_of(value) == KIND_VECTOR || kind_of(value) == KIND_MAP) &&
           elements(value, &at, count);
}

bool flexbuffer_item(const struct flexbuffer_value *value, size_t i, struct flexbuffer_value *item)
{
    size_t at, count, width = inner_width(value);
    uint64_t type;
    if ((kind_of(value) != KIND_VECTOR && kind_of(value) != KIND_MAP) ||
        !elements(value, &at, &count) || i >= count || count > value->buffer.len / (width + 1) ||
        !number_at(value->buffer, at + count * width + i, 1, &type))
        return false;
    *item = (struct flexbuffer_value){
        .buffer = value->buffer,
        .at = at + i * width,
        .width = width,
        .type = (uint8_t)type,
    };
    return true;
}

bool flexbuffer_key(const struct flexbuffer_value *map, size_t i, struct span *key)
{
    enum { BEFORE = 3 }; /* the offset of the keys, their width, the length */
    size_t at, count, width = inner_width(map), keys;
    uint64_t key_width;
    if (kind_of(map) != KIND_MAP || !elements(map, &at, &count) || i >= count ||
        at < BEFORE * width || !follow(map->buffer, at - BEFORE * width, width, &keys) ||
        !number_at(map->buffer, at - (BEFORE - 1) * width, width, &key_width) || !key_width ||
        key_width > sizeof key_width || i > map->buffer.len / key_width)
        return false;
    size_t target;
    return follow(map->buffer, keys + i * (size_t)key_width, (size_t)key_width, &target) &&
           key_at(map->buffer, target, key);
}

bool flexbuffer_find(const struct flexbuffer_value *map, const char *key,
                     struct flexbuffer_value *value)
{
    struct span name;
    size_t count;
    if (!flexbuffer_count(map, &count))
        return false;
    for (size_t i = 0; i < count && flexbuffer_key(map, i, &name); i++) {
        if (span_is(name, key))
            return flexbuffer_item(map, i, value);
    }
    return false;
}

static bool float_of(uint64_t bits, size_t width, double *number)
{
    uint32_t low = (uint32_t)bits;
    float narrow;
    memcpy(&narrow, &low, sizeof narrow);
    if (width == sizeof narrow)
        *number = (double)narrow;
    else
        memcpy(number, &bits, sizeof *number);
    return width == sizeof narrow || width == sizeof *number;
}

bool flexbuffer_number(const struct flexbuffer_value *value, double *number)
{
    enum kind kind = kind_of(value);
    size_t at = value->at, width = value->width;
    uint64_t bits;
    if (kind >= KIND_INDIRECT_INT && kind <= KIND_INDIRECT_FLOAT) {
        if (!follow(value->buffer, value->at, value->width, &at))
            return false;
        width = inner_width(value);
        kind = kind - KIND_INDIRECT_INT + KIND_INT;
    }
    if (((kind < KIND_INT || kind > KIND_FLOAT) && kind != KIND_BOOL) ||
        !number_at(value->buffer, at, width, &bits))
        return false;
    if (kind == KIND_FLOAT)
        return float_of(bits, width, number);
    int unused = (int)(8 * (sizeof bits - width));
    *number = kind == KIND_INT ? (double)((int64_t)(bits << unused) >> unused) : (double)bits;
    return true;
}
