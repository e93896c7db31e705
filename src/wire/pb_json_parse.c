/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the tape (json.h) go where the tables say; the recursion is bounded by PB_DEPTH_MAX. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "wire/base64.h"
#include "wire/json.h"
#include "wire/messages.h"
#include "wire/pb.h"
#include "wire/pb_value.h"

enum { NUMBER_MAX = 64 }; /* characters of a number in a string */

struct reader {
    struct arena *arena;
    struct error *err;
    int depth;
};

/* What a value is for. */
struct slot {
    const struct pb_message *type; /* of the message that has the field */
    const struct pb_field *field;
};

static enum code read_message(struct reader *r, const struct pb_message *type,
                              const struct json_value *v, void *message);

static enum code expected(struct reader *r, struct slot slot, const char *what)
{
    return error_set(r->err, CODE_INVALID_ARGUMENT, "%s.%s: %s is expected", slot.type->name,
                     slot.field->name, what);
}

/* ---- scalars ---- */

/* A number, or a string that is one, as a zero-terminated text. */
static bool number_text(const struct json_value *v, char *text)
{
    struct span s = v->type == JSON_STRING ? json_string(v) : (struct span){0};
    if (!s.len || s.len >= NUMBER_MAX || memchr(s.ptr, 0, s.len) || span_is_space(s.ptr[0]))
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = 0;
    return true;
}

static bool to_double(const struct json_value *v, double *value)
{
    char text[NUMBER_MAX], *end;
    if (json_is_number(v)) {
        *value = json_real(v);
        return true;
    }
    if (!number_text(v, text))
        return false;
    *value = strtod(text, &end);
    return !*end;
}

/* An integer between the limits, as 64 bits. A number with a fraction of nothing is one, too. */
static bool to_integer(const struct json_value *v, int64_t min, uint64_t max, uint64_t *value)
{
    char text[NUMBER_MAX], *end;
    bool negative = v->type == JSON_INT && v->integer < 0;
    *value = v->unsigned_integer;
    if (v->type == JSON_NUMBER) {
        double real = json_real(v);
        if (real != floor(real) || real < -0x1p53 || real > 0x1p53)
            return false;
        negative = real < 0;
        *value = (uint64_t)(int64_t)real;
    } else if (number_text(v, text)) {
        errno = 0;
        negative = text[0] == '-';
        *value = negative ? (uint64_t)strtoll(text, &end, 10) : strtoull(text, &end, 10);
        if (errno || *end)
            return false;
    } else if (!json_is_number(v)) {
        return false;
    }
    return negative ? (int64_t)*value >= min : *value <= max;
}

static const struct {
    int64_t min;
    uint64_t max;
} limits[PB_KIND_COUNT] = {
    [PB_KIND_INT64] = {INT64_MIN, INT64_MAX},    [PB_KIND_UINT64] = {0, UINT64_MAX},
    [PB_KIND_INT32] = {INT32_MIN, INT32_MAX},    [PB_KIND_FIXED64] = {0, UINT64_MAX},
    [PB_KIND_FIXED32] = {0, UINT32_MAX},         [PB_KIND_UINT32] = {0, UINT32_MAX},
    [PB_KIND_ENUM] = {INT32_MIN, INT32_MAX},     [PB_KIND_SFIXED32] = {INT32_MIN, INT32_MAX},
    [PB_KIND_SFIXED64] = {INT64_MIN, INT64_MAX}, [PB_KIND_SINT32] = {INT32_MIN, INT32_MAX},
    [PB_KIND_SINT64] = {INT64_MIN, INT64_MAX},
};

static enum code read_bytes(struct reader *r, struct slot slot, const struct json_value *v,
                            struct span *at)
{
    if (v->type != JSON_STRING)
        return expected(r, slot, "a string");
    if (slot.field->kind == PB_KIND_STRING)
        *at = json_string(v);
    else if (!base64_decode(json_string(v), r->arena, at))
        return expected(r, slot, "base64");
    return CODE_OK;
}

static enum code read_real(struct reader *r, struct slot slot, const struct json_value *v, void *at)
{
    double value;
    if (!to_double(v, &value))
        return expected(r, slot, "a number");
    if (slot.field->kind == PB_KIND_DOUBLE)
        *(double *)at = value;
    else
        *(float *)at = (float)value;
    return CODE_OK;
}

static enum code read_integer(struct reader *r, struct slot slot, const struct json_value *v,
                              void *at)
{
    enum pb_kind kind = slot.field->kind;
    uint64_t value;
    int32_t number;
    if (kind == PB_KIND_ENUM && v->type == JSON_STRING &&
        pb_enum_number(slot.field->enumeration, json_string(v), &number))
        value = (uint64_t)number;
    else if (!to_integer(v, limits[kind].min, limits[kind].max, &value))
        return expected(r, slot, kind == PB_KIND_ENUM ? "a value of the enum" : "an integer");
    pb_store_plain(kind, at, value);
    return CODE_OK;
}

static enum code read_scalar(struct reader *r, struct slot slot, const struct json_value *v,
                             void *at)
{
    enum pb_kind kind = slot.field->kind;
    if (pb_is_bytes(slot.field))
        return read_bytes(r, slot, v, at);
    if (kind == PB_KIND_DOUBLE || kind == PB_KIND_FLOAT)
        return read_real(r, slot, v, at);
    if (kind != PB_KIND_BOOL)
        return read_integer(r, slot, v, at);
    if (v->type != JSON_TRUE && v->type != JSON_FALSE)
        return expected(r, slot, "true or false");
    *(bool *)at = v->type == JSON_TRUE;
    return CODE_OK;
}

/* ---- fields ---- */

static void *message_new(struct reader *r, const struct pb_message *type)
{
    return arena_calloc(r->arena, 1, type->size);
}

/* One value, or one element, at its place. */
static enum code read_value(struct reader *r, struct slot slot, const struct json_value *v,
                            void *at)
{
    const struct pb_field *field = slot.field;
    if (field->kind != PB_KIND_MESSAGE)
        return read_scalar(r, slot, v, at);
    if (field->rule != PB_RULE_REPEATED) {
        struct pb_pointer *pointer = at;
        pointer->ptr = message_new(r, field->message);
        at = pointer->ptr;
    }
    return read_message(r, field->message, v, at);
}

/* A key of any kind is a string in JSON. */
static enum code read_key(struct reader *r, struct slot slot, const struct json_value *key,
                          void *at)
{
    struct span text = json_string(key);
    if (slot.field->kind != PB_KIND_BOOL)
        return read_scalar(r, slot, key, at);
    if (!span_is(text, "true") && !span_is(text, "false"))
        return expected(r, slot, "\"true\" or \"false\"");
    *(bool *)at = span_is(text, "true");
    return CODE_OK;
}

static enum code read_map(struct reader *r, struct slot slot, const struct json_value *v,
                          void *message)
{
    const struct pb_message *type = slot.field->message;
    const struct pb_field *key = &type->fields[0], *value = &type->fields[1];
    if (v->type != JSON_OBJECT)
        return expected(r, slot, "an object");
    for (const struct json_value *m = json_first(v); m < json_end(v);) {
        const struct json_value *item = json_next(m);
        void *entry = message_new(r, type);
        enum code code = read_key(r, (struct slot){type, key}, m, pb_at(entry, key->offset));
        if (!code)
            code = read_value(r, (struct slot){type, value}, item, pb_at(entry, value->offset));
        if (code)
            return code;
        CHECK(pb_map_insert(slot.field, message, entry, r->arena));
        m = json_next(item);
    }
    return CODE_OK;
}

static enum code read_list(struct reader *r, struct slot slot, const struct json_value *v,
                           void *message)
{
    if (v->type != JSON_ARRAY)
        return expected(r, slot, "an array");
    enum code code = CODE_OK;
    for (const struct json_value *m = json_first(v); !code && m < json_end(v); m = json_next(m))
        code = read_value(r, slot, m, pb_place(slot.field, message, r->arena));
    return code;
}

static enum code read_field(struct reader *r, struct slot slot, const struct json_value *v,
                            void *message)
{
    if (v->type == JSON_NULL)
        return CODE_OK;
    if (slot.field->rule == PB_RULE_MAP)
        return read_map(r, slot, v, message);
    if (slot.field->rule == PB_RULE_REPEATED)
        return read_list(r, slot, v, message);
    return read_value(r, slot, v, pb_set(slot.field, message));
}

/* ---- messages ---- */

/* "modelSpec" for "model_spec". */
static bool is_camel(struct span name, const char *field)
{
    size_t i = 0;
    for (; *field && i < name.len; field++, i++) {
        char c = *field;
        if (c == '_' && field[1] >= 'a' && field[1] <= 'z')
            c = (char)(*++field - 'a' + 'A');
        if (name.ptr[i] != c)
            return false;
    }
    return !*field && i == name.len;
}

static const struct pb_field *find_field(const struct pb_message *type, struct span name)
{
    const struct pb_field *field = pb_field_by_name(type, name);
    for (size_t i = 0; !field && i < type->field_count; i++) {
        if (is_camel(name, type->fields[i].name))
            field = &type->fields[i];
    }
    return field;
}

/* `but`: a member that is no field; may be empty. */
static enum code read_fields(struct reader *r, const struct pb_message *type,
                             const struct json_value *v, const char *but, void *message)
{
    enum code code = CODE_OK;
    for (const struct json_value *m = json_first(v); !code && m < json_end(v);) {
        const struct json_value *value = json_next(m);
        const struct pb_field *field = find_field(type, json_string(m));
        if (field)
            code = read_field(r, (struct slot){type, field}, value, message);
        else if (!span_is(json_string(m), but))
            code = error_set(r->err, CODE_INVALID_ARGUMENT, "%s has no field '%.*s'", type->name,
                             (int)(json_string(m).len < 100 ? json_string(m).len : 100),
                             json_string(m).ptr);
        m = json_next(value);
    }
    return code;
}

static enum code read_any(struct reader *r, const struct json_value *v, struct pb_any *any)
{
    const struct json_value *url = json_member(v, SPAN_LITERAL("@type"));
    if (!v->count)
        return CODE_OK;
    struct span name = url && url->type == JSON_STRING ? json_string(url) : (struct span){0};
    any->type_url = name;
    for (size_t slash; (slash = span_find(name, '/')) < name.len;)
        name = span_sub(name, slash + 1, name.len);
    const struct pb_message *type = pb_find(name);
    if (!type)
        return error_set(r->err, CODE_INVALID_ARGUMENT,
                         "google.protobuf.Any: \"@type\" is expected to name a message of ours");
    void *inner = message_new(r, type);
    const struct json_value *value = json_member(v, SPAN_LITERAL("value"));
    bool bare = pb_is_wrapper(type) || type == &pb_any_type;
    enum code code = CODE_OK;
    if (!bare)
        code = read_fields(r, type, v, "@type", inner);
    else if (value)
        code = read_message(r, type, value, inner);
    any->value = code ? (struct span){0} : pb_encode(type, inner, r->arena);
    return code;
}

static enum code read_body(struct reader *r, const struct pb_message *type,
                           const struct json_value *v, void *message)
{
    if (pb_is_wrapper(type))
        return read_field(r, (struct slot){type, &type->fields[0]}, v, message);
    if (v->type != JSON_OBJECT)
        return error_set(r->err, CODE_INVALID_ARGUMENT, "%s: an object is expected", type->name);
    return type == &pb_any_type ? read_any(r, v, message) : read_fields(r, type, v, "", message);
}

static enum code read_message(struct reader *r, const struct pb_message *type,
                              const struct json_value *v, void *message)
{
    if (r->depth >= PB_DEPTH_MAX)
        return error_set(r->err, CODE_INVALID_ARGUMENT, "messages are nested deeper than %d",
                         PB_DEPTH_MAX);
    r->depth++;
    enum code code = read_body(r, type, v, message);
    r->depth--;
    return code;
}

enum code pb_parse_json(const struct pb_message *type, struct span text, struct arena *arena,
                        void *message, struct error *err)
{
    struct json_document document;
    struct reader r = {.arena = arena, .err = err};
    memset(message, 0, type->size);
    enum code code = json_parse(text, arena, &document, err);
    return code ? code : read_message(&r, type, document.values, message);
}
