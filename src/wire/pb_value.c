/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A grown array lies in the arena like this, `items` pointing behind the header:
 *
 *     struct array_header {room, index} | element 0 | element 1 | ...
 *
 * Room doubles, so that n appends copy O(n) bytes. A map is an array of entries; up to LINEAR_KEYS
 * keys are compared one by one, which is the fastest for the maps that real requests have, then
 * `index` holds a hash table from key to position, seeded per process, so that nobody can choose
 * keys that collide.
 */
#include "wire/pb_value.h"

#include "base/check.h"
#include "base/map.h"

const struct pb_kind_info pb_kinds[PB_KIND_COUNT] = {
    [PB_KIND_DOUBLE] = {PB_WIRE_64, 8},
    [PB_KIND_FLOAT] = {PB_WIRE_32, 4},
    [PB_KIND_INT64] = {PB_WIRE_VARINT, 8},
    [PB_KIND_UINT64] = {PB_WIRE_VARINT, 8},
    [PB_KIND_INT32] = {PB_WIRE_VARINT, 4},
    [PB_KIND_FIXED64] = {PB_WIRE_64, 8},
    [PB_KIND_FIXED32] = {PB_WIRE_32, 4},
    [PB_KIND_BOOL] = {PB_WIRE_VARINT, 1},
    [PB_KIND_STRING] = {PB_WIRE_BYTES, sizeof(struct span)},
    [PB_KIND_MESSAGE] = {PB_WIRE_BYTES, 0},
    [PB_KIND_BYTES] = {PB_WIRE_BYTES, sizeof(struct span)},
    [PB_KIND_UINT32] = {PB_WIRE_VARINT, 4},
    [PB_KIND_ENUM] = {PB_WIRE_VARINT, 4},
    [PB_KIND_SFIXED32] = {PB_WIRE_32, 4},
    [PB_KIND_SFIXED64] = {PB_WIRE_64, 8},
    [PB_KIND_SINT32] = {PB_WIRE_VARINT, 4},
    [PB_KIND_SINT64] = {PB_WIRE_VARINT, 8},
};

struct array_header {
    size_t room;
    struct map *index; /* of a map with many keys: position + 1 of each */
};

enum {
    FIRST_ROOM = 4,
    LINEAR_KEYS = 12,
};

void *pb_set(const struct pb_field *field, void *message)
{
    void *at = pb_at(message, field->offset);
    if (field->rule == PB_RULE_OPTIONAL) {
        *(bool *)pb_at(message, field->presence) = true;
    } else if (field->rule == PB_RULE_ONEOF) {
        uint32_t *which = pb_at(message, field->presence);
        if (*which != field->number && field->kind == PB_KIND_MESSAGE)
            ((struct pb_pointer *)at)->ptr = NULL;
        *which = field->number;
    }
    return at;
}

static uint64_t zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static uint64_t load_32(enum pb_kind kind, const void *at)
{
    uint32_t v;
    memcpy(&v, at, sizeof v);
    if (kind == PB_KIND_INT32 || kind == PB_KIND_ENUM)
        return (uint64_t)(int64_t)(int32_t)v;
    if (kind == PB_KIND_SINT32)
        return zigzag((int32_t)v);
    return v;
}

uint64_t pb_load(enum pb_kind kind, const void *at)
{
    if (pb_kinds[kind].width == 4)
        return load_32(kind, at);
    if (kind == PB_KIND_BOOL)
        return *(const bool *)at;
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return kind == PB_KIND_SINT64 ? zigzag((int64_t)v) : v;
}

void pb_store(enum pb_kind kind, void *at, uint64_t value)
{
    if (kind == PB_KIND_SINT32) /* only the low half counts, as for int32 */
        value &= UINT32_MAX;
    if (kind == PB_KIND_SINT32 || kind == PB_KIND_SINT64)
        value = (value >> 1) ^ (0 - (value & 1));
    if (pb_kinds[kind].width == 8) {
        memcpy(at, &value, sizeof value);
    } else if (kind == PB_KIND_BOOL) {
        *(bool *)at = value != 0;
    } else {
        uint32_t low = (uint32_t)value;
        memcpy(at, &low, sizeof low);
    }
}

bool pb_is_signed(enum pb_kind kind)
{
    static const bool is_signed[PB_KIND_COUNT] = {
        [PB_KIND_INT32] = true,  [PB_KIND_INT64] = true,    [PB_KIND_SINT32] = true,
        [PB_KIND_SINT64] = true, [PB_KIND_SFIXED32] = true, [PB_KIND_SFIXED64] = true,
        [PB_KIND_ENUM] = true,
    };
    return is_signed[kind];
}

int64_t pb_load_signed(enum pb_kind kind, const void *at)
{
    if (pb_kinds[kind].width == 4)
        return (int32_t)load_32(PB_KIND_UINT32, at);
    return (int64_t)pb_load(PB_KIND_INT64, at);
}

size_t pb_element_size(const struct pb_field *field)
{
    return field->kind == PB_KIND_MESSAGE ? field->message->size : pb_kinds[field->kind].width;
}

static struct array_header *header_of(const struct pb_array *array)
{
    return (struct array_header *)array->items - 1;
}

bool pb_array_has_room(const struct pb_array *array)
{
    return array->items && array->count < header_of(array)->room;
}

/* A block with a header for `room` elements, or NULL. */
static struct array_header *header_new(size_t room, size_t element, struct arena *arena)
{
    size_t bytes;
    if (__builtin_mul_overflow(room, element, &bytes) ||
        __builtin_add_overflow(bytes, sizeof(struct array_header), &bytes))
        return NULL;
    struct array_header *header = arena_try_alloc(arena, bytes, ARENA_ALIGN);
    if (header)
        *header = (struct array_header){.room = room};
    return header;
}

bool pb_array_own(struct pb_array *array, size_t more, size_t element, struct arena *arena)
{
    size_t room;
    if (__builtin_add_overflow(array->count, more, &room))
        return false;
    struct array_header *header = header_new(room, element, arena);
    if (!header)
        return false;
    if (array->count)
        memcpy(header + 1, array->items, array->count * element);
    array->items = header + 1;
    return true;
}

bool pb_array_reserve(struct pb_array *array, size_t more, size_t element, struct arena *arena)
{
    struct array_header *old = array->items ? header_of(array) : NULL;
    size_t need;
    if (__builtin_add_overflow(array->count, more, &need))
        return false;
    if (old && need <= old->room)
        return true;
    struct map *index = old ? old->index : NULL;
    size_t room = old && need < 2 * old->room ? 2 * old->room : need;
    if (!pb_array_own(array, room - array->count, element, arena))
        return false;
    header_of(array)->index = index;
    return true;
}

void *pb_array_push(struct pb_array *array, size_t element)
{
    char *at = (char *)array->items + array->count++ * element;
    memset(at, 0, element);
    return at;
}

struct span pb_entry_key(const struct pb_message *entry_type, const void *entry)
{
    const struct pb_field *key = &entry_type->fields[0];
    const void *at = pb_at(entry, key->offset);
    return pb_is_bytes(key) ? *(const struct span *)at : span_make(at, pb_kinds[key->kind].width);
}

/* Keys of the index must stay where they are: those of strings do, scalars move when the array
 * grows. */
static void index_put(struct map *index, const struct pb_message *type, const void *entry,
                      size_t position)
{
    struct span key = pb_entry_key(type, entry);
    if (!pb_is_bytes(&type->fields[0]) || !key.ptr)
        key = arena_copy(index->arena, key);
    map_put(index, key, (void *)(uintptr_t)(position + 1));
}

static struct map *index_new(const struct pb_message *type, const struct pb_array *array,
                             struct arena *arena)
{
    struct map *index = ARENA_NEW(arena, struct map);
    map_init(index, arena);
    for (size_t i = 0; i < array->count; i++)
        index_put(index, type, (char *)array->items + i * type->size, i);
    return index;
}

/* The position of the entry with that key, or `count`. */
static size_t map_find(const struct pb_message *type, const struct pb_array *array, struct span key)
{
    struct map *index = array->count ? header_of(array)->index : NULL;
    if (index) {
        size_t position = (size_t)(uintptr_t)map_get(index, key);
        return position ? position - 1 : array->count;
    }
    size_t i = 0;
    while (i < array->count &&
           !span_equal(pb_entry_key(type, (char *)array->items + i * type->size), key))
        i++;
    return i;
}

bool pb_map_insert(const struct pb_field *field, void *message, const void *entry,
                   struct arena *arena)
{
    const struct pb_message *type = field->message;
    struct pb_array *array = pb_array_of(field, message);
    size_t i = map_find(type, array, pb_entry_key(type, entry));
    if (i < array->count) {
        memcpy((char *)array->items + i * type->size, entry, type->size);
        return true;
    }
    if (!pb_array_reserve(array, array->count ? 1 : FIRST_ROOM, type->size, arena))
        return false;
    memcpy(pb_array_push(array, type->size), entry, type->size);
    struct array_header *header = header_of(array);
    if (header->index)
        index_put(header->index, type, entry, i);
    else if (array->count > LINEAR_KEYS)
        header->index = index_new(type, array, arena);
    return true;
}

bool pb_is_any(const struct pb_message *type)
{
    return strcmp(type->name, "google.protobuf.Any") == 0;
}

const struct pb_message *pb_any_unpack(const struct pb_message *any_type, const void *any,
                                       struct arena *arena, void **message)
{
    struct span url = *(const struct span *)pb_at(any, pb_field_by_number(any_type, 1)->offset);
    struct span value = *(const struct span *)pb_at(any, pb_field_by_number(any_type, 2)->offset);
    const char *slash = url.len ? memrchr(url.ptr, '/', url.len) : NULL;
    if (!slash)
        return NULL;
    const struct pb_message *type = pb_find(span_sub(url, (size_t)(slash + 1 - url.ptr), url.len));
    if (!type)
        return NULL;
    *message = arena_alloc(arena, type->size);
    return pb_decode(type, value, arena, *message, NULL) ? NULL : type;
}

void pb_store_plain(enum pb_kind kind, void *at, uint64_t value)
{
    if (kind == PB_KIND_SINT32 || kind == PB_KIND_SINT64)
        kind = pb_kinds[kind].width == 8 ? PB_KIND_INT64 : PB_KIND_INT32;
    pb_store(kind, at, value);
}

void *pb_place(const struct pb_field *field, void *message, struct arena *arena)
{
    if (!pb_is_repeated(field))
        return pb_set(field, message);
    struct pb_array *array = pb_array_of(field, message);
    size_t element = pb_element_size(field);
    if (!pb_array_has_room(array))
        CHECK(pb_array_reserve(array, array->count ? 1 : 4, element, arena));
    return pb_array_push(array, element);
}
