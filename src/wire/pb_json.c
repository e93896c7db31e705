/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages as JSON, as protobuf's MessageToJsonString writes them with white space, primitive
 * defaults and proto names: one blank a level, a line break at the end. Unset messages and unset
 * members of oneofs are left out; fields come as declared, members of oneofs behind the others.
 * 64-bit integers are strings, bytes base64, enums names; the wrappers of google.protobuf are the
 * bare value; an Any shows its type under "@type" and what it holds beside it.
 */
#include <math.h>

#include "wire/messages.h"
#include "wire/pb.h"
#include "wire/pb_value.h"
#include "wire/text.h"
#include "wire/utf8.h"

struct printer {
    struct text out;
    size_t level;
    bool empty; /* nothing stands in the innermost braces yet */
    bool brief; /* one line, and nothing that is not set */
};

static void print_message(struct printer *p, const struct pb_message *type, const void *message);

static void new_line(struct printer *p)
{
    if (p->brief)
        return;
    text_char(&p->out, '\n');
    text_repeat(&p->out, ' ', p->level);
}

static void open(struct printer *p, char bracket)
{
    text_char(&p->out, bracket);
    p->level++;
    p->empty = true;
}

static void close(struct printer *p, char bracket)
{
    p->level--;
    if (!p->empty)
        new_line(p);
    text_char(&p->out, bracket);
    p->empty = false;
}

/* In front of each member. */
static void separate(struct printer *p)
{
    if (!p->empty)
        text_char(&p->out, ',');
    p->empty = false;
    new_line(p);
}

static void print_u16(struct text *out, uint32_t unit)
{
    static const char hex[] = "0123456789abcdef";
    text_add(out, "\\u");
    for (int shift = 12; shift >= 0; shift -= 4)
        text_char(out, hex[unit >> shift & 15]);
}

/* Characters that protobuf escapes although JSON need not: controls, invisible formatting, and < >
 * for HTML. */
static bool must_escape(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00, 0x1f},     {'"', '"'},         {'<', '<'},         {'>', '>'},
        {'\\', '\\'},     {0x7f, 0x9f},       {0xad, 0xad},       {0x600, 0x603},
        {0x6dd, 0x6dd},   {0x70f, 0x70f},     {0x17b4, 0x17b5},   {0x200b, 0x200f},
        {0x2028, 0x202e}, {0x2060, 0x2064},   {0x206a, 0x206f},   {0xfeff, 0xfeff},
        {0xfff9, 0xfffb}, {0x1d173, 0x1d17a}, {0xe0001, 0xe0001}, {0xe0020, 0xe007f},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    }
    return false;
}

static void print_escape(struct text *out, uint32_t c)
{
    static const char special[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
    const char *hit = c < 0x80 ? memchr(special, (int)c, sizeof special - 1) : NULL;
    if (hit) {
        text_char(out, '\\');
        text_char(out, letters[hit - special]);
    } else if (c < 0x10000) {
        print_u16(out, c);
    } else {
        print_u16(out, 0xd800 + (c - 0x10000) / 0x400);
        print_u16(out, 0xdc00 + (c - 0x10000) % 0x400);
    }
}

/* Bytes that are not UTF-8, which only a message built by hand can hold, become U+FFFD. */
static void print_string(struct text *out, struct span text)
{
    text_char(out, '"');
    for (size_t i = 0, n; i < text.len; i += n) {
        uint32_t c;
        n = utf8_decode(span_sub(text, i, 4), &c);
        if (!n) {
            text_add(out, "\xef\xbf\xbd");
            n = 1;
        } else if (must_escape(c)) {
            print_escape(out, c);
        } else {
            text_span_add(out, span_sub(text, i, n));
        }
    }
    text_char(out, '"');
}

static void print_base64(struct text *out, struct span bytes)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    text_char(out, '"');
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t group = (uint32_t)(uint8_t)bytes.ptr[i] << 16;
        group |= left > 1 ? (uint32_t)(uint8_t)bytes.ptr[i + 1] << 8 : 0;
        group |= left > 2 ? (uint8_t)bytes.ptr[i + 2] : 0;
        text_char(out, alphabet[group >> 18]);
        text_char(out, alphabet[group >> 12 & 63]);
        text_char(out, left > 1 ? alphabet[group >> 6 & 63] : '=');
        text_char(out, left > 2 ? alphabet[group & 63] : '=');
    }
    text_char(out, '"');
}

static void print_real(struct text *out, enum pb_kind kind, const void *at)
{
    float f = 0;
    double d;
    if (kind == PB_KIND_FLOAT) {
        memcpy(&f, at, sizeof f);
        d = (double)f;
    } else {
        memcpy(&d, at, sizeof d);
    }
    if (isnan(d))
        text_add(out, "\"NaN\"");
    else if (isinf(d))
        text_add(out, d > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    else if (kind == PB_KIND_FLOAT)
        text_float(out, f);
    else
        text_double(out, d);
}

/* An enum by name or number; other integers, those of 64 bits in quotes. */
static void print_integer(struct text *out, const struct pb_field *field, const void *at)
{
    const char *name = field->kind == PB_KIND_ENUM
                           ? pb_enum_name(field->enumeration, (int32_t)pb_load(field->kind, at))
                           : NULL;
    bool quoted = name || pb_kinds[field->kind].width == 8;
    if (quoted)
        text_char(out, '"');
    if (name)
        text_add(out, name);
    else if (pb_is_signed(field->kind))
        text_int(out, pb_load_signed(field->kind, at));
    else
        text_uint(out, pb_load(field->kind, at));
    if (quoted)
        text_char(out, '"');
}

static void print_scalar(struct text *out, const struct pb_field *field, const void *at)
{
    switch ((enum pb_kind)field->kind) {
    case PB_KIND_FLOAT:
    case PB_KIND_DOUBLE:
        print_real(out, field->kind, at);
        break;
    case PB_KIND_STRING:
        print_string(out, *(const struct span *)at);
        break;
    case PB_KIND_BYTES:
        print_base64(out, *(const struct span *)at);
        break;
    case PB_KIND_BOOL:
        text_add(out, *(const bool *)at ? "true" : "false");
        break;
    default:
        print_integer(out, field, at);
    }
}

/* `at`: of a repeated message the message, else where the pointer to it or the scalar lies. */
static void print_value(struct printer *p, const struct pb_field *field, const void *at)
{
    if (field->kind != PB_KIND_MESSAGE) {
        print_scalar(&p->out, field, at);
        return;
    }
    const void *inner = pb_is_repeated(field) ? at : ((const struct pb_pointer *)at)->ptr;
    print_message(p, field->message, inner);
}

static void print_map(struct printer *p, const struct pb_field *field, const struct pb_array *map)
{
    const struct pb_field *key = &field->message->fields[0], *value = &field->message->fields[1];
    open(p, '{');
    for (size_t i = 0; i < map->count; i++) {
        const char *entry = (const char *)map->items + i * field->message->size;
        /* A key is a string in JSON, whatever it is. */
        bool bare = !pb_is_bytes(key) && pb_kinds[key->kind].width != 8;
        separate(p);
        text_add(&p->out, bare ? "\"" : "");
        print_scalar(&p->out, key, entry + key->offset);
        text_add(&p->out, bare ? "\": " : ": ");
        print_value(p, value, entry + value->offset);
    }
    close(p, '}');
}

static void print_list(struct printer *p, const struct pb_field *field, const struct pb_array *list)
{
    size_t element = pb_element_size(field);
    open(p, '[');
    for (size_t i = 0; i < list->count; i++) {
        separate(p);
        print_value(p, field, (const char *)list->items + i * element);
    }
    close(p, ']');
}

static void print_field(struct printer *p, const struct pb_field *field, const void *message)
{
    bool always = !p->brief && (field->rule == PB_RULE_PLAIN || pb_is_repeated(field));
    if (!always && !pb_has(field, message))
        return;
    separate(p);
    text_char(&p->out, '"');
    text_add(&p->out, field->name);
    text_add(&p->out, "\": ");
    if (field->rule == PB_RULE_MAP)
        print_map(p, field, pb_array_of(field, message));
    else if (field->rule == PB_RULE_REPEATED)
        print_list(p, field, pb_array_of(field, message));
    else
        print_value(p, field, pb_at(message, field->offset));
}

static void print_fields(struct printer *p, const struct pb_message *type, const void *message)
{
    for (size_t i = 0; i < type->field_count; i++)
        print_field(p, &type->fields[type->declared ? type->declared[i] : i], message);
}

bool pb_is_wrapper(const struct pb_message *type)
{
    static const struct pb_message *const wrappers[] = {
        &pb_bool_value_type,   &pb_bytes_value_type,  &pb_double_value_type,
        &pb_float_value_type,  &pb_int32_value_type,  &pb_int64_value_type,
        &pb_string_value_type, &pb_uint32_value_type, &pb_uint64_value_type,
    };
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
        if (type == wrappers[i])
            return true;
    }
    return false;
}

static void print_any(struct printer *p, const struct pb_any *any)
{
    void *inner;
    const struct pb_message *type = pb_any_unpack(&pb_any_type, any, p->out.arena, &inner);
    open(p, '{');
    if (any->type_url.len) {
        separate(p);
        text_add(&p->out, "\"@type\": ");
        print_string(&p->out, any->type_url);
    }
    if (type && p->level <= PB_DEPTH_MAX && !pb_is_wrapper(type) && type != &pb_any_type) {
        print_fields(p, type, inner);
    } else if (type && p->level <= PB_DEPTH_MAX) {
        separate(p);
        text_add(&p->out, "\"value\": ");
        print_message(p, type, inner);
    } else if (any->value
                   .len) { /* unknown to us: the bytes, which protobuf would refuse to print */
        separate(p);
        text_add(&p->out, "\"value\": ");
        print_base64(&p->out, any->value);
    }
    close(p, '}');
}

static void print_message(struct printer *p, const struct pb_message *type, const void *message)
{
    if (message && type == &pb_any_type) {
        print_any(p, message);
    } else if (message && pb_is_wrapper(type)) {
        print_scalar(&p->out, &type->fields[0], pb_at(message, type->fields[0].offset));
    } else {
        open(p, '{');
        if (message)
            print_fields(p, type, message);
        close(p, '}');
    }
}

struct span pb_print_json(const struct pb_message *type, const void *message, struct arena *arena)
{
    struct printer p = {0};
    text_init(&p.out, arena);
    print_message(&p, type, message);
    text_char(&p.out, '\n');
    return text_span(&p.out);
}

struct span pb_print_json_line(const struct pb_message *type, const void *message,
                               struct arena *arena)
{
    struct printer p = {.brief = true};
    text_init(&p.out, arena);
    print_message(&p, type, message);
    text_char(&p.out, '\n');
    return text_span(&p.out);
}
