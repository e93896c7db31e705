/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values inside message structs, by description: presence, scalars, repeated fields, maps. What
 * decoder, encoder, text format and JSON share. Only for the wire floor.
 *
 * A repeated field that was grown here has a header in front of its items, so that room is known
 * without a third member in every struct. A chunk that borrows from the input has none:
 * pb_array_own() copies it before it may grow.
 */
#ifndef WIRE_PB_VALUE_H
#define WIRE_PB_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"
#include "wire/field.h"
#include "wire/pb_table.h"

/* The wire type of each kind, and the bytes that a value takes in a struct (0 for a message). */
struct pb_kind_info {
    uint8_t wire;
    uint8_t width;
};
extern const struct pb_kind_info pb_kinds[PB_KIND_COUNT];

/* Any of the repeated members of pb.h, and a pointer to any message. */
struct __attribute__((may_alias)) pb_array {
    void *items;
    size_t count;
};
struct __attribute__((may_alias)) pb_pointer {
    void *ptr;
};

static inline void *pb_at(const void *message, size_t offset)
{
    return (char *)message + offset;
}

static inline struct pb_array *pb_array_of(const struct pb_field *field, const void *message)
{
    return pb_at(message, field->offset);
}

static inline bool pb_is_repeated(const struct pb_field *field)
{
    return field->rule >= PB_RULE_REPEATED;
}

static inline bool pb_is_bytes(const struct pb_field *field)
{
    return field->kind == PB_KIND_STRING || field->kind == PB_KIND_BYTES;
}

/* Is the value of a PB_RULE_PLAIN field other than zero or empty? -0.0 is not zero. */
static inline bool pb_is_set(const struct pb_field *field, const void *at)
{
    switch (pb_kinds[field->kind].width) {
    case 1:
        return *(const bool *)at;
    case 4:
        return *(const uint32_t __attribute__((may_alias)) *)at != 0;
    case 8:
        return *(const uint64_t __attribute__((may_alias)) *)at != 0;
    default:
        return ((const struct span *)at)->len != 0;
    }
}

/* Is the field there? A repeated one: with at least one element. */
static inline bool pb_has(const struct pb_field *field, const void *message)
{
    const void *at = pb_at(message, field->offset);
    switch ((enum pb_rule)field->rule) {
    case PB_RULE_PLAIN:
        return pb_is_set(field, at);
    case PB_RULE_OPTIONAL:
        return *(const bool *)pb_at(message, field->presence);
    case PB_RULE_SINGLE:
        return ((const struct pb_pointer *)at)->ptr != NULL;
    case PB_RULE_ONEOF:
        return *(const uint32_t *)pb_at(message, field->presence) == field->number;
    case PB_RULE_ALWAYS:
        return true;
    case PB_RULE_REPEATED:
    case PB_RULE_MAP:
        return ((const struct pb_array *)at)->count > 0;
    }
    return false;
}

/* Notes that the field is there and gives the place of its value; of a oneof the other members are
 * dropped. Not for repeated fields. */
void *pb_set(const struct pb_field *field, void *message);

/* The value at `at` as it goes on the wire: negative int32 sign-extended, sint zigzagged, float and
 * double as bits. `at` may be unaligned. Not for bytes and messages. */
uint64_t pb_load(enum pb_kind kind, const void *at);
/* The other way. */
void pb_store(enum pb_kind kind, void *at, uint64_t value);

/* Stores a number as it is, without zigzag. */
void pb_store_plain(enum pb_kind kind, void *at, uint64_t value);

/* Is the kind a signed integer or an enum? */
bool pb_is_signed(enum pb_kind kind);
/* The value of one as it is, without zigzag. */
int64_t pb_load_signed(enum pb_kind kind, const void *at);

/* The bytes of one element. */
size_t pb_element_size(const struct pb_field *field);

/* Makes room for `more` elements behind those that are there; false when there is no memory. The
 * array is empty or was grown here. */
bool pb_array_reserve(struct pb_array *array, size_t more, size_t element, struct arena *arena);
bool pb_array_has_room(const struct pb_array *array);
/* Turns a borrowed chunk into one that may grow, with room for `more`. */
bool pb_array_own(struct pb_array *array, size_t more, size_t element, struct arena *arena);
/* The next element, cleared; there must be room. */
void *pb_array_push(struct pb_array *array, size_t element);

/* The place where the next value of the field goes: pb_set(), or one more element. Not for maps. */
void *pb_place(const struct pb_field *field, void *message, struct arena *arena);

/* Adds a copy of the entry, or overwrites the value of the entry with the same key. `field` is the
 * map. False when there is no memory. Constant time for any number of keys, for hostile ones too.
 */
bool pb_map_insert(const struct pb_field *field, void *message, const void *entry,
                   struct arena *arena);
/* The bytes of the entry's key: of the string, or the scalar itself. */
struct span pb_entry_key(const struct pb_message *entry_type, const void *entry);

/* google.protobuf.Int64Value and its like, which JSON shows as the bare value. */
bool pb_is_wrapper(const struct pb_message *type);

bool pb_is_any(const struct pb_message *type);
/* The type of what an Any holds, and the decoded message; NULL when proto/ has no such type or the
 * bytes are broken. */
const struct pb_message *pb_any_unpack(const struct pb_message *any_type, const void *any,
                                       struct arena *arena, void **message);

#endif
