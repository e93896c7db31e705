/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The encoder. One pass adds up the size of everything, then the bytes are written from the last to
 * the first into a buffer of exactly that size. Backwards, because the length of a message stands
 * in front of it: written from the end it is known by then, and nothing need be added up twice or
 * moved.
 *
 * A NULL message inside a repeated field, a map or a oneof is written as an empty one.
 */
#include "base/check.h"
#include "wire/pb.h"
#include "wire/pb_value.h"

static size_t varint_size(uint64_t v)
{
    /* Seven bits a byte; | 1, for zero takes one byte too. */
    return (size_t)(63 - __builtin_clzll(v | 1)) / 7 + 1;
}

static size_t tag_size(const struct pb_field *field)
{
    return varint_size((uint64_t)field->number << 3);
}

static size_t number_size(enum pb_kind kind, const void *at)
{
    if (pb_kinds[kind].wire != PB_WIRE_VARINT)
        return pb_kinds[kind].width;
    return varint_size(pb_load(kind, at));
}

static size_t message_size(const struct pb_message *type, const void *message);

/* The bytes of a value without its tag. */
static size_t value_size(const struct pb_field *field, const void *at)
{
    size_t len;
    if (field->kind == PB_KIND_MESSAGE) {
        /* An element of an array is the message itself, else there is a pointer to it. */
        const void *inner = pb_is_repeated(field) ? at : ((const struct pb_pointer *)at)->ptr;
        len = inner ? message_size(field->message, inner) : 0;
    } else if (pb_is_bytes(field)) {
        len = ((const struct span *)at)->len;
    } else {
        return number_size(field->kind, at);
    }
    return varint_size(len) + len;
}

/* The bytes of a packed chunk behind its length. */
static size_t packed_size(const struct pb_field *field, const struct pb_array *array)
{
    size_t width = pb_kinds[field->kind].width;
    if (pb_kinds[field->kind].wire != PB_WIRE_VARINT)
        return array->count * width;
    size_t size = 0;
    for (size_t i = 0; i < array->count; i++)
        size += number_size(field->kind, (const char *)array->items + i * width);
    return size;
}

static size_t repeated_size(const struct pb_field *field, const struct pb_array *array)
{
    if (field->flags & PB_PACKED) {
        size_t len = packed_size(field, array);
        return tag_size(field) + varint_size(len) + len;
    }
    size_t size = array->count * tag_size(field), element = pb_element_size(field);
    for (size_t i = 0; i < array->count; i++)
        size += value_size(field, (const char *)array->items + i * element);
    return size;
}

static size_t message_size(const struct pb_message *type, const void *message)
{
    size_t size = 0;
    for (size_t i = 0; i < type->field_count; i++) {
        const struct pb_field *field = &type->fields[i];
        if (!pb_has(field, message))
            continue;
        if (pb_is_repeated(field))
            size += repeated_size(field, pb_array_of(field, message));
        else
            size += tag_size(field) + value_size(field, pb_at(message, field->offset));
    }
    return size;
}

/* All writers take the place behind what they write and return its beginning. */

static char *write_varint(char *end, uint64_t v)
{
    char *begin = end - varint_size(v);
    char *p = begin;
    for (; v >= 0x80; v >>= 7)
        *p++ = (char)(v | 0x80);
    *p = (char)v;
    return begin;
}

static char *write_tag(char *end, const struct pb_field *field, enum pb_wire wire)
{
    return write_varint(end, (uint64_t)field->number << 3 | wire);
}

static char *write_number(char *end, enum pb_kind kind, const void *at)
{
    if (pb_kinds[kind].wire == PB_WIRE_VARINT)
        return write_varint(end, pb_load(kind, at));
    end -= pb_kinds[kind].width;
    memcpy(end, at, pb_kinds[kind].width);
    return end;
}

static char *write_message(char *end, const struct pb_message *type, const void *message);

static char *write_value(char *end, const struct pb_field *field, const void *at)
{
    char *begin = end;
    if (field->kind == PB_KIND_MESSAGE) {
        const void *inner = pb_is_repeated(field) ? at : ((const struct pb_pointer *)at)->ptr;
        if (inner)
            begin = write_message(end, field->message, inner);
    } else if (pb_is_bytes(field)) {
        const struct span *bytes = at;
        begin -= bytes->len;
        if (bytes->len)
            memcpy(begin, bytes->ptr, bytes->len);
    } else {
        return write_number(end, field->kind, at);
    }
    return write_varint(begin, (uint64_t)(end - begin));
}

static char *write_packed(char *end, const struct pb_field *field, const struct pb_array *array)
{
    size_t width = pb_kinds[field->kind].width;
    char *begin = end;
    if (pb_kinds[field->kind].wire == PB_WIRE_VARINT) {
        for (size_t i = array->count; i-- > 0;)
            begin = write_number(begin, field->kind, (const char *)array->items + i * width);
    } else {
        begin -= array->count * width;
        memcpy(begin, array->items, array->count * width);
    }
    begin = write_varint(begin, (uint64_t)(end - begin));
    return write_tag(begin, field, PB_WIRE_BYTES);
}

static char *write_repeated(char *end, const struct pb_field *field, const struct pb_array *array)
{
    if (field->flags & PB_PACKED)
        return write_packed(end, field, array);
    size_t element = pb_element_size(field);
    for (size_t i = array->count; i-- > 0;) {
        end = write_value(end, field, (const char *)array->items + i * element);
        end = write_tag(end, field, pb_kinds[field->kind].wire);
    }
    return end;
}

static char *write_message(char *end, const struct pb_message *type, const void *message)
{
    for (size_t i = type->field_count; i-- > 0;) {
        const struct pb_field *field = &type->fields[i];
        if (!pb_has(field, message))
            continue;
        if (pb_is_repeated(field)) {
            end = write_repeated(end, field, pb_array_of(field, message));
        } else {
            end = write_value(end, field, pb_at(message, field->offset));
            end = write_tag(end, field, pb_kinds[field->kind].wire);
        }
    }
    return end;
}

struct span pb_encode(const struct pb_message *type, const void *message, struct arena *arena)
{
    size_t size = message_size(type, message);
    char *begin = arena_alloc(arena, size);
    CHECK(write_message(begin + size, type, message) == begin);
    return span_make(begin, size);
}

enum code pb_encode_large(const struct pb_message *type, const void *message, struct arena *arena,
                          struct span *bytes, struct error *err)
{
    size_t size = message_size(type, message);
    if (size > PB_BYTES_MAX)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "Sent message larger than max (%zu vs. %d)",
                         size, PB_BYTES_MAX);
    char *begin = arena_try_alloc(arena, size, ARENA_ALIGN);
    if (!begin)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM when allocating %zu bytes for %s", size,
                         pb_name(type));
    CHECK(write_message(begin + size, type, message) == begin);
    *bytes = span_make(begin, size);
    return CODE_OK;
}
