/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoder. One function reads the fields of one message and calls itself for messages inside
 * it; the depth is bounded by PB_DEPTH_MAX, and each level needs a few hundred bytes of stack.
 *
 * All readers take the place `p` and the end of the enclosing message, and return the place behind
 * what they read, or NULL when they failed; then the error is set. Nothing behind `end` is ever
 * looked at.
 *
 * Repeated fields mostly come in one run. When the array is full the rest of the run is counted
 * (each element costs a look at its length) and room is made for all of it: one allocation a run,
 * and no more than doubling in the worst case, so that the work stays linear in the size of the
 * input.
 *
 * What the tables do not know, and what comes in another wire type than they say, is skipped, as
 * protobuf's own decoders do.
 */
#include "base/check.h"
#include "wire/pb.h"
#include "wire/pb_value.h"
#include "wire/utf8.h"

struct decoder {
    struct span input;
    struct arena *arena;           /* borrowed */
    const struct pb_message *type; /* the message that is being read, for errors */
    const struct pb_field *field;  /* and the field, NULL between fields */
    unsigned depth;
    enum code code; /* of the failure */
    struct error *err;
};

static const char *read_message(struct decoder *d, const struct pb_message *type, struct span bytes,
                                void *message);

__attribute__((cold, noinline)) static const char *fail(struct decoder *d, const char *at,
                                                        const char *what)
{
    d->code = CODE_INVALID_ARGUMENT;
    error_set(d->err, d->code, "%s%s%s at byte %zu: %s", d->type->name, d->field ? "." : "",
              d->field ? d->field->name : "", (size_t)(at - d->input.ptr), what);
    return NULL;
}

__attribute__((cold, noinline)) static const char *no_memory(struct decoder *d)
{
    d->code = CODE_RESOURCE_EXHAUSTED;
    error_set(d->err, d->code, "%s: out of memory", d->type->name);
    return NULL;
}

/* A varint of up to ten bytes; bits above 64 are dropped. */
static const char *read_varint_slow(struct decoder *d, const char *p, const char *end,
                                    uint64_t *value)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 10; i++) {
        if (p + i == end)
            return fail(d, p, "the message ends inside a number");
        uint64_t byte = (uint8_t)p[i];
        v |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *value = v;
            return p + i + 1;
        }
    }
    return fail(d, p, "a number is longer than ten bytes");
}

static inline const char *read_varint(struct decoder *d, const char *p, const char *end,
                                      uint64_t *value)
{
    if (p < end && (uint8_t)*p < 0x80) {
        *value = (uint8_t)*p;
        return p + 1;
    }
    return read_varint_slow(d, p, end, value);
}

static inline const char *read_tag(struct decoder *d, const char *p, const char *end, uint32_t *tag)
{
    uint64_t v;
    const char *next = read_varint(d, p, end, &v);
    if (!next)
        return NULL;
    /* Of five bytes the upper bits are dropped, as protobuf's C++ does. */
    *tag = (uint32_t)v;
    if (next - p > 5)
        return fail(d, p, "a tag is longer than five bytes");
    if (*tag >> 3 == 0)
        return fail(d, p, "field number 0 is not allowed");
    return next;
}

/* A length and the bytes behind it. */
static inline const char *read_bytes(struct decoder *d, const char *p, const char *end,
                                     struct span *bytes)
{
    uint64_t len;
    const char *body = read_varint(d, p, end, &len);
    if (!body)
        return NULL;
    if (len > (uint64_t)(end - body))
        return fail(d, p, "a length reaches behind the end of the message");
    *bytes = span_make(body, (size_t)len);
    return body + len;
}

static const char *skip_fixed(struct decoder *d, const char *p, const char *end, size_t width)
{
    if ((size_t)(end - p) < width)
        return fail(d, p, "the message ends inside a fixed-width value");
    return p + width;
}

static const char *skip_value(struct decoder *d, const char *p, const char *end, uint32_t tag);

/* Everything up to the end tag of the group. */
static const char *skip_group(struct decoder *d, const char *p, const char *end, uint32_t number)
{
    if (++d->depth > PB_DEPTH_MAX + 1)
        return fail(d, p, "groups are nested too deeply");
    while (p) {
        const char *start = p;
        uint32_t tag = 0;
        p = read_tag(d, p, end, &tag);
        if (p && (tag & 7) == PB_WIRE_END) {
            d->depth--;
            return tag >> 3 == number ? p : fail(d, start, "a group ends with another number");
        }
        if (p)
            p = skip_value(d, p, end, tag);
    }
    return NULL;
}

static const char *skip_value(struct decoder *d, const char *p, const char *end, uint32_t tag)
{
    uint64_t number;
    struct span bytes;
    switch (tag & 7) {
    case PB_WIRE_VARINT:
        return read_varint(d, p, end, &number);
    case PB_WIRE_64:
        return skip_fixed(d, p, end, 8);
    case PB_WIRE_BYTES:
        return read_bytes(d, p, end, &bytes);
    case PB_WIRE_GROUP:
        return skip_group(d, p, end, tag >> 3);
    case PB_WIRE_32:
        return skip_fixed(d, p, end, 4);
    case PB_WIRE_END:
        return fail(d, p, "a group ends that did not begin");
    default:
        return fail(d, p, "unknown wire type");
    }
}

/* How many elements with the same tag follow each other; `start` is where the tag of the first
 * begins, `p` is behind it. A broken element ends the count: its reader reports it. */
static size_t count_run(struct decoder *d, const char *start, const char *p, const char *end)
{
    size_t tag_len = (size_t)(p - start), count = 0;
    struct decoder quiet = *d;
    quiet.err = NULL;
    uint32_t wire = (uint8_t)*start & 7;
    while (p) {
        p = skip_value(&quiet, p, end, wire);
        count++;
        if (!p || (size_t)(end - p) < tag_len || memcmp(p, start, tag_len) != 0)
            break;
        p += tag_len;
    }
    return count;
}

/* Does the array point into the input? */
static bool is_borrowed(const struct decoder *d, const struct pb_array *array)
{
    uintptr_t items = (uintptr_t)array->items, input = (uintptr_t)d->input.ptr;
    return items >= input && items < input + d->input.len;
}

static bool reserve(struct decoder *d, struct pb_array *array, size_t more, size_t element)
{
    bool done = is_borrowed(d, array) ? pb_array_own(array, more, element, d->arena)
                                      : pb_array_reserve(array, more, element, d->arena);
    if (!done)
        no_memory(d);
    return done;
}

/* What read_field needs to know about one occurrence of a field. */
struct occurrence {
    const struct pb_field *field;
    const char *start; /* of the tag */
    const char *end;   /* of the enclosing message */
    void *message;
};

/* The place where a value goes: in the struct, or the next element. NULL: no memory. */
static void *place(struct decoder *d, const struct occurrence *o, const char *p)
{
    if (o->field->rule != PB_RULE_REPEATED)
        return pb_set(o->field, o->message);
    struct pb_array *array = pb_array_of(o->field, o->message);
    size_t element = pb_element_size(o->field);
    bool full = is_borrowed(d, array) || !pb_array_has_room(array);
    if (full && !reserve(d, array, count_run(d, o->start, p, o->end), element))
        return NULL;
    return pb_array_push(array, element);
}

static const char *read_number(struct decoder *d, const struct occurrence *o, const char *p)
{
    uint64_t value;
    size_t width = pb_kinds[o->field->kind].width;
    const char *next;
    if (pb_kinds[o->field->kind].wire == PB_WIRE_VARINT) {
        next = read_varint(d, p, o->end, &value);
    } else {
        next = skip_fixed(d, p, o->end, width);
        value = 0;
        if (next)
            memcpy(&value, p, width);
    }
    if (!next)
        return NULL;
    void *at = place(d, o, p);
    if (!at)
        return NULL;
    pb_store(o->field->kind, at, value);
    return next;
}

static const char *read_string(struct decoder *d, const struct occurrence *o, const char *p)
{
    struct span bytes;
    const char *next = read_bytes(d, p, o->end, &bytes);
    if (!next)
        return NULL;
    if (o->field->kind == PB_KIND_STRING && !utf8_valid(bytes))
        return fail(d, p, "the string is not UTF-8");
    struct span *at = place(d, o, p);
    if (!at)
        return NULL;
    *at = bytes;
    return next;
}

/* A map entry is read beside the map, then added: an entry without value has the default one. */
static const char *read_entry(struct decoder *d, const struct occurrence *o, struct span bytes)
{
    const struct pb_message *type = o->field->message;
    _Alignas(ARENA_ALIGN) char entry[64];
    CHECK(type->size <= sizeof entry);
    memset(entry, 0, type->size);
    if (!read_message(d, type, bytes, entry))
        return NULL;
    const struct pb_field *value = &type->fields[1];
    struct pb_pointer *slot = pb_at(entry, value->offset);
    if (value->kind == PB_KIND_MESSAGE && !slot->ptr) {
        slot->ptr = arena_try_alloc(d->arena, value->message->size, ARENA_ALIGN);
        if (!slot->ptr)
            return no_memory(d);
        memset(slot->ptr, 0, value->message->size);
    }
    if (!pb_map_insert(o->field, o->message, entry, d->arena))
        return no_memory(d);
    return bytes.ptr + bytes.len;
}

static const char *read_submessage(struct decoder *d, const struct occurrence *o, const char *p)
{
    struct span bytes;
    const char *next = read_bytes(d, p, o->end, &bytes);
    if (!next)
        return NULL;
    if (o->field->rule == PB_RULE_MAP)
        return read_entry(d, o, bytes);
    void *at = place(d, o, p);
    if (!at)
        return NULL;
    if (o->field->rule == PB_RULE_REPEATED)
        return read_message(d, o->field->message, bytes, at);
    struct pb_pointer *slot = at;
    if (!slot->ptr) { /* else a second occurrence, which is merged */
        void *inner = arena_try_alloc(d->arena, o->field->message->size, ARENA_ALIGN);
        if (!inner)
            return no_memory(d);
        memset(inner, 0, o->field->message->size);
        slot->ptr = inner;
    }
    return read_message(d, o->field->message, bytes, slot->ptr);
}

/* Each varint has exactly one byte below 0x80. */
static size_t count_varints(struct span bytes)
{
    size_t count = 0, i = 0;
    for (; i + 8 <= bytes.len; i += 8) {
        uint64_t word;
        memcpy(&word, bytes.ptr + i, sizeof word);
        count += (size_t)__builtin_popcountll(~word & 0x8080808080808080u);
    }
    for (; i < bytes.len; i++)
        count += (uint8_t)bytes.ptr[i] < 0x80;
    return count;
}

static bool read_packed_varints(struct decoder *d, const struct pb_field *field, struct span bytes,
                                struct pb_array *array)
{
    const char *p = bytes.ptr, *end = p + bytes.len;
    size_t width = pb_kinds[field->kind].width;
    if (!reserve(d, array, count_varints(bytes), width))
        return false;
    char *at = (char *)array->items + array->count * width;
    for (; p < end; at += width) {
        uint64_t value;
        p = read_varint(d, p, end, &value);
        if (!p)
            return false;
        pb_store(field->kind, at, value);
        array->count++;
    }
    return true;
}

static const char *read_packed(struct decoder *d, const struct occurrence *o, const char *p)
{
    struct span bytes;
    const char *next = read_bytes(d, p, o->end, &bytes);
    if (!next || !bytes.len)
        return next;
    struct pb_array *array = pb_array_of(o->field, o->message);
    if (pb_kinds[o->field->kind].wire == PB_WIRE_VARINT)
        return read_packed_varints(d, o->field, bytes, array) ? next : NULL;
    size_t width = pb_kinds[o->field->kind].width, count = bytes.len / width;
    if (bytes.len % width)
        return fail(d, p, "a packed chunk ends inside an element");
    if (!array->count) {
        *array = (struct pb_array){(void *)bytes.ptr, count};
        return next;
    }
    if (!reserve(d, array, count, width))
        return NULL;
    memcpy((char *)array->items + array->count * width, bytes.ptr, bytes.len);
    array->count += count;
    return next;
}

static const char *read_field(struct decoder *d, const struct occurrence *o, uint32_t wire,
                              const char *p)
{
    uint32_t expected = pb_kinds[o->field->kind].wire;
    if (wire == expected && expected != PB_WIRE_BYTES)
        return read_number(d, o, p);
    if (wire == expected)
        return o->field->kind == PB_KIND_MESSAGE ? read_submessage(d, o, p) : read_string(d, o, p);
    if (wire == PB_WIRE_BYTES && o->field->rule == PB_RULE_REPEATED)
        return read_packed(d, o, p);
    return skip_value(d, p, o->end, o->field->number << 3 | wire);
}

static const char *read_message(struct decoder *d, const struct pb_message *type, struct span bytes,
                                void *message)
{
    const char *p = bytes.ptr, *end = p + bytes.len;
    if (++d->depth > PB_DEPTH_MAX + 1)
        return fail(d, p, "messages are nested too deeply");
    const struct pb_message *outer = d->type;
    d->type = type;
    while (p < end) {
        uint32_t tag = 0;
        d->field = NULL;
        const char *value = read_tag(d, p, end, &tag);
        if (!value)
            return NULL;
        const struct pb_field *field = pb_field_by_number(type, tag >> 3);
        d->field = field;
        const struct occurrence o = {field, p, end, message};
        p = field ? read_field(d, &o, tag & 7, value) : skip_value(d, value, end, tag);
        if (!p)
            return NULL;
    }
    d->type = outer;
    d->depth--;
    return end;
}

enum code pb_decode(const struct pb_message *type, struct span bytes, struct arena *arena,
                    void *message, struct error *err)
{
    memset(message, 0, type->size);
    if (!bytes.len)
        return CODE_OK;
    struct decoder d = {.input = bytes, .arena = arena, .type = type, .err = err};
    read_message(&d, type, bytes, message);
    return d.code;
}
