/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An Example is a map in a message in a message: Example{1: Features{1: entry{1: name, 2:
 * Feature{1|2|3: list}}}}. Parsing walks these four levels and stops at the lists, of which it
 * keeps the bytes and the number of values; nothing is unpacked until somebody reads a feature.
 * Messages that occur twice are merged as protobuf merges them: Features by taking all entries,
 * entries of one name by keeping the later, and lists of one kind in one Feature by joining their
 * bytes, which is what merging does to a list.
 *
 * Unknown fields are skipped. Names are not checked to be UTF-8: TensorFlow's own fast parser does
 * not either.
 */
#include "tensor/example.h"

#include "base/check.h"
#include "base/map.h"
#include "wire/base64.h"
#include "wire/field.h"
#include "wire/messages.h"
#include "wire/pb.h"
#include "wire/varint.h"

/* Fields of Feature's oneof. */
enum kind {
    KIND_NONE = 0,
    KIND_BYTES = 1,
    KIND_FLOATS = 2,
    KIND_INTS = 3,
};

static const enum dtype dtype_of_kind[] = {DTYPE_INVALID, DTYPE_STRING, DTYPE_FLOAT, DTYPE_INT64};

/* ---- lists ---- */

/* How many varints: bytes without the continuation bit. False when the last one goes on, or one is
 * too long. */
static bool count_varints(struct span in, int64_t *count)
{
    size_t length = 0;
    for (size_t i = 0; i < in.len; i++) {
        if (++length > VARINT_SIZE_MAX)
            return false;
        if ((unsigned char)in.ptr[i] < 0x80) {
            ++*count;
            length = 0;
        }
    }
    return length == 0;
}

/* Counts the values of field 1 in a list, packed or not. */
static bool count_values(struct span list, enum kind kind, int64_t *count)
{
    *count = 0;
    for (bool done = false;;) {
        struct pb_wire_field field;
        if (!pb_next_field(&list, &field, &done))
            return false;
        if (done)
            return true;
        if (field.number != 1)
            continue;
        if (kind == KIND_BYTES)
            *count += field.wire == PB_WIRE_BYTES;
        else if (kind == KIND_FLOATS && field.wire == PB_WIRE_32)
            ++*count;
        else if (kind == KIND_INTS && field.wire == PB_WIRE_VARINT)
            ++*count;
        else if (field.wire == PB_WIRE_BYTES && kind == KIND_INTS) {
            if (!count_varints(field.bytes, count))
                return false;
        } else if (field.wire == PB_WIRE_BYTES) {
            if (field.bytes.len % 4)
                return false;
            *count += (int64_t)(field.bytes.len / 4);
        }
    }
}

/* ---- features ---- */

/* An entry's value on the way. Lists of one kind are joined in a buffer as large as the entry,
 * taken once, when there is a second one: whatever a client repeats, the memory stays in
 * proportion. */
struct merge {
    enum kind kind;
    struct span list;
    char *buffer;
    size_t room;
    struct arena *arena;
};

static void join(struct merge *m, struct span more)
{
    if (!m->buffer)
        m->buffer = arena_alloc(m->arena, m->room);
    if (m->list.ptr != m->buffer && m->list.len)
        memcpy(m->buffer, m->list.ptr, m->list.len);
    if (more.len)
        memcpy(m->buffer + m->list.len, more.ptr, more.len);
    m->list = span_make(m->buffer, m->list.len + more.len);
}

/* Merges a serialised Feature into what is there. */
static bool read_feature(struct span bytes, struct merge *m)
{
    for (bool done = false;;) {
        struct pb_wire_field field;
        if (!pb_next_field(&bytes, &field, &done))
            return false;
        if (done)
            return true;
        if (field.wire != PB_WIRE_BYTES || field.number < KIND_BYTES || field.number > KIND_INTS)
            continue;
        if (m->kind == (enum kind)field.number)
            join(m, field.bytes);
        else
            m->list = field.bytes;
        m->kind = (enum kind)field.number;
    }
}

static bool read_entry(struct span bytes, struct arena *arena, struct example_feature *feature)
{
    struct merge merge = {.room = bytes.len, .arena = arena};
    *feature = (struct example_feature){.name = {"", 0}};
    for (bool done = false;;) {
        struct pb_wire_field field;
        if (!pb_next_field(&bytes, &field, &done))
            return false;
        if (done)
            break;
        if (field.wire == PB_WIRE_BYTES && field.number == 1)
            feature->name = field.bytes;
        else if (field.wire == PB_WIRE_BYTES && field.number == 2 &&
                 !read_feature(field.bytes, &merge))
            return false;
    }
    feature->dtype = dtype_of_kind[merge.kind];
    feature->list = merge.list;
    return merge.kind == KIND_NONE || count_values(merge.list, merge.kind, &feature->count);
}

struct reader {
    struct arena *arena;
    struct example *example;
    size_t room;
    struct map by_name; /* used beyond a few features: names from outside may be many */
};

enum { FEW_FEATURES = 16 };

/* The feature of this name, or NULL. The map holds indices from 1 on, for features move when their
 * array grows. */
static struct example_feature *find_place(const struct reader *r, struct span name)
{
    struct example *e = r->example;
    if (e->count > FEW_FEATURES) {
        uintptr_t index = (uintptr_t)map_get(&r->by_name, name);
        return index ? &e->features[index - 1] : NULL;
    }
    for (size_t i = 0; i < e->count; i++)
        if (span_equal(e->features[i].name, name))
            return &e->features[i];
    return NULL;
}

static void add_feature(struct reader *r, const struct example_feature *feature)
{
    struct example *e = r->example;
    if (e->count == r->room) {
        r->room = r->room ? 2 * r->room : FEW_FEATURES;
        struct example_feature *grown = ARENA_ARRAY(r->arena, struct example_feature, r->room);
        if (e->count)
            memcpy(grown, e->features, e->count * sizeof *grown);
        e->features = grown;
    }
    e->features[e->count++] = *feature;
    if (e->count <= FEW_FEATURES)
        return;
    for (size_t i = e->count == FEW_FEATURES + 1 ? 0 : e->count - 1; i < e->count; i++)
        map_put(&r->by_name, e->features[i].name, (void *)(uintptr_t)(i + 1));
}

static bool read_features(struct reader *r, struct span bytes)
{
    for (bool done = false;;) {
        struct pb_wire_field field;
        struct example_feature feature;
        if (!pb_next_field(&bytes, &field, &done))
            return false;
        if (done)
            return true;
        if (field.wire != PB_WIRE_BYTES || field.number != 1)
            continue;
        if (!read_entry(field.bytes, r->arena, &feature))
            return false;
        struct example_feature *earlier = find_place(r, feature.name);
        if (earlier)
            *earlier = feature;
        else
            add_feature(r, &feature);
    }
}

enum code example_parse(struct span bytes, struct arena *arena, struct example *example,
                        struct error *err)
{
    *example = (struct example){0};
    struct reader r = {.arena = arena, .example = example};
    map_init(&r.by_name, arena);
    for (bool done = false;;) {
        struct pb_wire_field field;
        if (!pb_next_field(&bytes, &field, &done))
            break;
        if (done)
            return CODE_OK;
        if (field.wire == PB_WIRE_BYTES && field.number == 1 && !read_features(&r, field.bytes))
            break;
    }
    return error_set(err, CODE_INVALID_ARGUMENT, "Could not parse example input");
}

const struct example_feature *example_find(const struct example *example, struct span name)
{
    for (size_t i = 0; i < example->count; i++)
        if (span_equal(example->features[i].name, name))
            return &example->features[i];
    return NULL;
}

/* ---- reading values; example_parse() has checked the bytes ---- */

/* The next occurrence of field 1; false at the end. */
static bool next_chunk(struct span *list, struct pb_wire_field *field)
{
    for (bool done = false;;) {
        CHECK(pb_next_field(list, field, &done));
        if (done)
            return false;
        if (field->number == 1)
            return true;
    }
}

void example_read_floats(const struct example_feature *feature, float *out)
{
    CHECK(feature->dtype == DTYPE_FLOAT);
    struct span list = feature->list;
    for (struct pb_wire_field field; next_chunk(&list, &field);) {
        if (field.wire != PB_WIRE_BYTES && field.wire != PB_WIRE_32)
            continue;
        if (field.bytes.len)
            memcpy(out, field.bytes.ptr, field.bytes.len);
        out += field.bytes.len / sizeof *out;
    }
}

void example_read_int64s(const struct example_feature *feature, int64_t *out)
{
    CHECK(feature->dtype == DTYPE_INT64);
    struct span list = feature->list;
    for (struct pb_wire_field field; next_chunk(&list, &field);) {
        if (field.wire == PB_WIRE_VARINT)
            *out++ = (int64_t)field.varint;
        if (field.wire != PB_WIRE_BYTES)
            continue;
        for (uint64_t value; field.bytes.len;) {
            CHECK(varint_take(&field.bytes, &value));
            *out++ = (int64_t)value;
        }
    }
}

void example_read_strings(const struct example_feature *feature, struct span *out)
{
    CHECK(feature->dtype == DTYPE_STRING);
    struct span list = feature->list;
    for (struct pb_wire_field field; next_chunk(&list, &field);)
        if (field.wire == PB_WIRE_BYTES)
            *out++ = field.bytes;
}

/* ---- from JSON ---- */

/* One feature being collected: of these arrays the one of the kind, with room for all values. */
struct collector {
    struct span name;
    enum kind kind;
    size_t room;
    size_t count;
    struct span *strings;
    float *floats;
    int64_t *ints;
    struct arena *arena;
    struct error *err;
};

static enum code unexpected_type(struct collector *c, const struct json_value *v)
{
    return error_set(c->err, CODE_INVALID_ARGUMENT,
                     "Feature: %.*s has element with unexpected JSON type: %s", SPAN_ARG(c->name),
                     json_type_name(v));
}

/* The first value decides the kind; the others must follow. */
static enum code set_kind(struct collector *c, enum kind kind)
{
    static const char *const names[] = {"UNKNOWN", "bytes", "float", "int64"};
    if (c->kind == KIND_NONE) {
        c->kind = kind;
        if (kind == KIND_BYTES)
            c->strings = ARENA_ARRAY(c->arena, struct span, c->room);
        else if (kind == KIND_FLOATS)
            c->floats = ARENA_ARRAY(c->arena, float, c->room);
        else
            c->ints = ARENA_ARRAY(c->arena, int64_t, c->room);
    }
    if (c->kind == kind)
        return CODE_OK;
    return error_set(c->err, CODE_INVALID_ARGUMENT,
                     "Unexpected element type in feature: %.*s expecting type: %s",
                     SPAN_ARG(c->name), names[c->kind]);
}

static enum code add_string(struct collector *c, struct span text)
{
    enum code code = set_kind(c, KIND_BYTES);
    if (!code)
        c->strings[c->count++] = text;
    return code;
}

static enum code add_int(struct collector *c, int64_t value)
{
    enum code code = set_kind(c, KIND_INTS);
    if (!code)
        c->ints[c->count++] = value;
    return code;
}

static enum code add_base64(struct collector *c, const struct json_value *v)
{
    const struct json_value *text = json_member(v, SPAN_LITERAL("b64"));
    struct span bytes;
    if (!text || v->count != 1 || text->type != JSON_STRING)
        return unexpected_type(c, v);
    if (!base64_decode(json_string(text), c->arena, &bytes))
        return error_set(c->err, CODE_INVALID_ARGUMENT, "Unable to base64 decode");
    return add_string(c, bytes);
}

static enum code add_value(struct collector *c, const struct json_value *v)
{
    enum code code;
    switch ((enum json_type)v->type) {
    case JSON_FALSE:
    case JSON_TRUE:
        return add_int(c, v->type == JSON_TRUE);
    case JSON_INT:
        return add_int(c, v->integer);
    case JSON_UINT:
        return error_set(c->err, CODE_INVALID_ARGUMENT,
                         "Feature: %.*s has uint64_t element. Only int64_t is supported.",
                         SPAN_ARG(c->name));
    case JSON_NUMBER:
        code = set_kind(c, KIND_FLOATS);
        if (!code)
            c->floats[c->count++] = (float)v->real;
        return code;
    case JSON_STRING:
        return add_string(c, json_string(v));
    case JSON_OBJECT:
        return add_base64(c, v);
    default:
        return unexpected_type(c, v);
    }
}

static enum code add_values(struct collector *c, const struct json_value *v,
                            const struct json_value **fault)
{
    bool is_list = v->type == JSON_ARRAY;
    const struct json_value *end = json_end(v);
    for (const struct json_value *m = is_list ? json_first(v) : v; m < end; m = json_next(m)) {
        enum code code = add_value(c, m);
        *fault = m;
        if (code)
            return code;
    }
    return CODE_OK;
}

static void fill_feature(const struct collector *c, struct pb_feature *feature)
{
    feature->kind_case = c->kind;
    if (c->kind == KIND_BYTES) {
        feature->bytes_list = ARENA_NEW(c->arena, struct pb_bytes_list);
        feature->bytes_list->value = (struct pb_spans){c->strings, c->count};
    } else if (c->kind == KIND_FLOATS) {
        feature->float_list = ARENA_NEW(c->arena, struct pb_float_list);
        feature->float_list->value = (struct pb_floats){c->floats, c->count};
    } else if (c->kind == KIND_INTS) {
        feature->int64_list = ARENA_NEW(c->arena, struct pb_int64_list);
        feature->int64_list->value = (struct pb_int64s){c->ints, c->count};
    }
}

/* A name that comes twice is written twice; readers take the later, as the original's map does. */
enum code example_from_json(const struct json_value *object, struct arena *arena,
                            struct span *bytes, const struct json_value **fault, struct error *err)
{
    *fault = object;
    if (object->type != JSON_OBJECT)
        return error_set(err, CODE_INVALID_ARGUMENT, "Example must be JSON object but got JSON %s",
                         json_type_name(object));
    struct pb_features features = {
        .feature = {ARENA_ARRAY(arena, struct pb_features_feature_entry, object->count),
                    object->count}};
    const struct json_value *key = json_first(object);
    for (size_t i = 0; i < object->count; i++) {
        const struct json_value *value = json_next(key);
        struct collector c = {.name = json_string(key),
                              .room = value->type == JSON_ARRAY ? value->count : 1,
                              .arena = arena,
                              .err = err};
        enum code code = add_values(&c, value, fault);
        if (code)
            return code;
        struct pb_features_feature_entry *entry = &features.feature.items[i];
        entry->key = c.name;
        entry->value = ARENA_NEW(arena, struct pb_feature);
        fill_feature(&c, entry->value);
        key = json_next(value);
    }
    struct pb_example example = {.features = &features};
    *bytes = pb_encode(&pb_example_type, &example, arena);
    return CODE_OK;
}
