/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boxes of tensors: text and proto in, keys out, and the copying of where two boxes meet.
 *
 * The key of a stored slice is written in "ordered code", whose bytes sort as the values do:
 *   unsigned   a byte count, then that many bytes, highest first; 0 is the single byte 0
 *   string     its bytes, 0 as 00 FF and 255 as FF 00, then 00 01
 *   signed     two's complement, highest byte first, in as many bytes as are needed when the sign
 * and a unary byte count share the first bits: one byte holds -64..63 as 0x80 ^ value, two bytes 13
 * bits, and so on to ten A key is: unsigned 0, the name, unsigned rank, and per dimension signed
 * start and signed length.
 */
#include "savedmodel/slice.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "wire/messages.h"

enum {
    SIGNED_SIZE_MAX = 10,
    UNSIGNED_SIZE_MAX = 9,
};

enum code slice_from_proto(const struct pb_tensor_slice_proto *proto, struct slice *slice,
                           struct error *err)
{
    if (proto->extent.count > SHAPE_RANK_MAX)
        return error_set(err, CODE_DATA_LOSS, "a slice of rank %zu; at most %d is supported",
                         proto->extent.count, SHAPE_RANK_MAX);
    *slice = (struct slice){.rank = (int)proto->extent.count};
    for (int i = 0; i < slice->rank; i++) {
        const struct pb_tensor_slice_proto_extent *extent = &proto->extent.items[i];
        bool is_full = extent->has_length_hack_case == 0;
        slice->start[i] = is_full ? 0 : extent->start;
        slice->length[i] = is_full ? SLICE_FULL : extent->length;
        if (slice->start[i] < 0 || (!is_full && slice->length[i] < 0))
            return error_set(err, CODE_DATA_LOSS,
                             "a slice that begins at %" PRId64 " and has length %" PRId64,
                             slice->start[i], slice->length[i]);
    }
    return CODE_OK;
}

/* Cuts off what stands before the first `separator`; false at the end. */
static bool take_part(struct span *text, char separator, struct span *part)
{
    if (!text->ptr)
        return false;
    size_t n = span_find(*text, separator);
    *part = span_sub(*text, 0, n);
    *text = n < text->len ? span_sub(*text, n + 1, text->len) : (struct span){0};
    return true;
}

static enum code bad_text(struct span text, struct error *err)
{
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Expected a shape and a slice such as \"10 4 -:0,2\" but got \"%.*s\"",
                     SPAN_ARG(text));
}

static bool parse_extent(struct span part, int64_t *start, int64_t *length)
{
    *start = 0;
    *length = SLICE_FULL;
    if (span_is(part, "-"))
        return true;
    size_t comma = span_find(part, ',');
    return comma < part.len && span_to_int64(span_sub(part, 0, comma), start) &&
           span_to_int64(span_sub(part, comma + 1, part.len), length) && *start >= 0 && *length > 0;
}

enum code slice_parse(struct span text, struct shape *shape, struct slice *slice, struct error *err)
{
    size_t blank = text.len;
    while (blank > 0 && text.ptr[blank - 1] != ' ')
        blank--;
    if (blank == 0)
        return bad_text(text, err);
    struct span dims = span_sub(text, 0, blank - 1), spec = span_sub(text, blank, text.len), part;
    *shape = shape_scalar();
    *slice = (struct slice){0};
    while (take_part(&dims, ' ', &part)) {
        int64_t size;
        if (shape->rank == SHAPE_RANK_MAX || !span_to_int64(part, &size) || size < 0)
            return bad_text(text, err);
        shape->dims[shape->rank++] = size;
    }
    while (take_part(&spec, ':', &part)) {
        int i = slice->rank++;
        if (i == shape->rank || !parse_extent(part, &slice->start[i], &slice->length[i]))
            return bad_text(text, err);
    }
    int64_t elements;
    if (slice->rank != shape->rank || !shape_elements_checked(shape, &elements))
        return bad_text(text, err);
    return slice_resolve(slice, shape, err);
}

enum code slice_resolve(struct slice *slice, const struct shape *shape, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (slice->rank != shape->rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "a slice of rank %d of a tensor of shape %s",
                         slice->rank, shape_text(shape, text));
    for (int i = 0; i < slice->rank; i++) {
        if (slice->length[i] == SLICE_FULL)
            slice->length[i] = shape->dims[i];
        if (slice->start[i] > shape->dims[i] || slice->length[i] > shape->dims[i] - slice->start[i])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "a slice of %" PRId64 " from %" PRId64
                             " on, in dimension %d of a tensor of shape %s",
                             slice->length[i], slice->start[i], i, shape_text(shape, text));
    }
    return CODE_OK;
}

struct slice slice_whole(const struct shape *shape)
{
    struct slice slice = {.rank = shape->rank};
    memcpy(slice.length, shape->dims, sizeof slice.length);
    return slice;
}

struct shape slice_shape(const struct slice *slice)
{
    struct shape shape = {.rank = slice->rank};
    memcpy(shape.dims, slice->length, sizeof shape.dims);
    return shape;
}

bool slice_equal(const struct slice *a, const struct slice *b)
{
    if (a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (a->start[i] != b->start[i] || a->length[i] != b->length[i])
            return false;
    return true;
}

/* Where two boxes meet; false when they do not. */
static bool intersect(const struct slice *a, const struct slice *b, struct slice *both)
{
    both->rank = a->rank;
    for (int i = 0; i < a->rank; i++) {
        int64_t start = a->start[i] > b->start[i] ? a->start[i] : b->start[i];
        int64_t end_a = a->start[i] + a->length[i], end_b = b->start[i] + b->length[i];
        int64_t end = end_a < end_b ? end_a : end_b;
        if (end <= start)
            return false;
        both->start[i] = start;
        both->length[i] = end - start;
    }
    return true;
}

/* The index of a point of the tensor among the elements of a box. */
static int64_t index_in(const struct slice *box, const int64_t *point)
{
    int64_t index = 0;
    for (int i = 0; i < box->rank; i++)
        index = index * box->length[i] + (point[i] - box->start[i]);
    return index;
}

/* Moves to the next row (all but the last dimension); false behind the last. */
static bool next_row(const struct slice *box, int64_t *point)
{
    for (int i = box->rank - 2; i >= 0; i--) {
        if (++point[i] < box->start[i] + box->length[i])
            return true;
        point[i] = box->start[i];
    }
    return false;
}

int64_t slice_copy(const struct slice *from, const void *source, const struct slice *to,
                   void *target, size_t size)
{
    CHECK(from->rank == to->rank);
    struct slice both = {0};
    if (!intersect(from, to, &both))
        return 0;
    int64_t row = both.rank ? both.length[both.rank - 1] : 1, copied = 0;
    int64_t point[SHAPE_RANK_MAX];
    memcpy(point, both.start, sizeof point);
    do {
        memcpy((char *)target + (size_t)index_in(to, point) * size,
               (const char *)source + (size_t)index_in(from, point) * size, (size_t)row * size);
        copied += row;
    } while (next_row(&both, point));
    return copied;
}

static char *put_unsigned(char *out, uint64_t value)
{
    char *count = out++;
    for (int shift = 56; shift >= 0; shift -= 8)
        if (value >> shift)
            *out++ = (char)(value >> shift);
    *count = (char)(out - count - 1);
    return out;
}

static char *put_string(char *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        *out++ = text.ptr[i];
        if (text.ptr[i] == '\0')
            *out++ = '\xff';
        else if (text.ptr[i] == '\xff')
            *out++ = '\0';
    }
    *out++ = '\0';
    *out++ = '\1';
    return out;
}

static char *put_signed(char *out, int64_t value)
{
    uint64_t magnitude = (uint64_t)(value < 0 ? ~value : value);
    int bits = magnitude ? 64 - __builtin_clzll(magnitude) : 0;
    int size = bits / 7 + 1;
    unsigned char bytes[SIGNED_SIZE_MAX];
    memset(bytes, value < 0 ? 0xff : 0, sizeof bytes);
    for (int i = 0; i < 8; i++)
        bytes[SIGNED_SIZE_MAX - 1 - i] = (unsigned char)((uint64_t)value >> (8 * i));
    unsigned char *first = bytes + SIGNED_SIZE_MAX - size;
    /* The unary count: `size` ones at the top, flipped by the sign. */
    unsigned header = 0xffff0000u >> size & 0xffff;
    first[0] ^= (unsigned char)(header >> 8);
    if (size > 8)
        first[1] ^= (unsigned char)header;
    memcpy(out, first, (size_t)size);
    return out + size;
}

struct span slice_key(struct span name, const struct slice *slice, struct arena *arena)
{
    size_t room =
        2 * name.len + 2 + 2 * UNSIGNED_SIZE_MAX + (size_t)slice->rank * 2 * SIGNED_SIZE_MAX;
    char *key = arena_alloc(arena, room), *out = key;
    out = put_unsigned(out, 0);
    out = put_string(out, name);
    out = put_unsigned(out, (uint64_t)slice->rank);
    for (int i = 0; i < slice->rank; i++) {
        out = put_signed(out, slice->start[i]);
        out = put_signed(out, slice->length[i]);
    }
    return span_make(key, (size_t)(out - key));
}
