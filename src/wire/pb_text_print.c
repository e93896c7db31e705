/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text format as protobuf's DebugString prints it: one field a line in order of numbers, two
 * blanks a level, repeated values one by one, map entries sorted by key, an Any expanded where its
 * type is known and its bytes can be read. The depth of what can be printed is that of what could
 * be decoded or parsed; an Any inside an Any counts on.
 */
#include <stdlib.h>

#include "base/check.h"
#include "wire/pb.h"
#include "wire/pb_value.h"
#include "wire/text.h"

struct printer {
    struct text out;
    size_t level;
};

static void print_fields(struct printer *p, const struct pb_message *type, const void *message);

/* C escapes; bytes that are not printable ASCII as three octal digits. */
static void print_quoted(struct text *out, struct span bytes)
{
    static const char special[] = "\n\r\t\"'\\", letters[] = "nrt\"'\\";
    text_char(out, '"');
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t c = (uint8_t)bytes.ptr[i];
        const char *escape = memchr(special, c, sizeof special - 1);
        if (!escape && c >= ' ' && c < 0x7f) {
            text_char(out, (char)c);
            continue;
        }
        text_char(out, '\\');
        if (escape) {
            text_char(out, letters[escape - special]);
        } else {
            text_char(out, (char)('0' + (c >> 6)));
            text_char(out, (char)('0' + (c >> 3 & 7)));
            text_char(out, (char)('0' + (c & 7)));
        }
    }
    text_char(out, '"');
}

static void print_enum(struct text *out, const struct pb_enum *type, int32_t number)
{
    const char *name = pb_enum_name(type, number);
    if (name)
        text_add(out, name);
    else
        text_int(out, number);
}

static void print_scalar(struct text *out, const struct pb_field *field, const void *at)
{
    float f;
    double d;
    switch ((enum pb_kind)field->kind) {
    case PB_KIND_FLOAT:
        memcpy(&f, at, sizeof f); /* may be unaligned */
        text_float(out, f);
        break;
    case PB_KIND_DOUBLE:
        memcpy(&d, at, sizeof d);
        text_double(out, d);
        break;
    case PB_KIND_STRING:
    case PB_KIND_BYTES:
        print_quoted(out, *(const struct span *)at);
        break;
    case PB_KIND_BOOL:
        text_add(out, *(const bool *)at ? "true" : "false");
        break;
    case PB_KIND_ENUM:
        print_enum(out, field->enumeration, (int32_t)pb_load(field->kind, at));
        break;
    default:
        if (pb_is_signed(field->kind))
            text_int(out, pb_load_signed(field->kind, at));
        else
            text_uint(out, pb_load(field->kind, at));
    }
}

static void indent(struct printer *p)
{
    text_repeat(&p->out, ' ', 2 * p->level);
}

static void print_braces(struct printer *p, const struct pb_message *type, const void *message)
{
    text_add(&p->out, " {\n");
    p->level++;
    if (message)
        print_fields(p, type, message);
    p->level--;
    indent(p);
    text_add(&p->out, "}\n");
}

/* `at`: of a repeated message the message, else where the pointer to it or the scalar lies. */
static void print_value(struct printer *p, const struct pb_field *field, const void *at)
{
    indent(p);
    text_add(&p->out, field->name);
    if (field->kind == PB_KIND_MESSAGE) {
        const void *inner = pb_is_repeated(field) ? at : ((const struct pb_pointer *)at)->ptr;
        print_braces(p, field->message, inner);
        return;
    }
    text_add(&p->out, ": ");
    print_scalar(&p->out, field, at);
    text_char(&p->out, '\n');
}

/* Keys in the order of their values. */
static int compare_keys(const void *a, const void *b, void *entry_type)
{
    const struct pb_field *key = &((const struct pb_message *)entry_type)->fields[0];
    const void *left = pb_at(*(const void *const *)a, key->offset);
    const void *right = pb_at(*(const void *const *)b, key->offset);
    if (pb_is_bytes(key))
        return span_compare(*(const struct span *)left, *(const struct span *)right);
    uint64_t l = pb_load(key->kind, left), r = pb_load(key->kind, right);
    if (pb_is_signed(key->kind)) {
        int64_t sl = pb_load_signed(key->kind, left), sr = pb_load_signed(key->kind, right);
        return sl < sr ? -1 : sl > sr;
    }
    return l < r ? -1 : l > r;
}

static void print_map(struct printer *p, const struct pb_field *field, const struct pb_array *map)
{
    const void **entries = ARENA_ARRAY(p->out.arena, const void *, map->count);
    for (size_t i = 0; i < map->count; i++)
        entries[i] = (const char *)map->items + i * field->message->size;
    qsort_r(entries, map->count, sizeof *entries, compare_keys, (void *)(uintptr_t)field->message);
    for (size_t i = 0; i < map->count; i++)
        print_value(p, field, entries[i]);
}

/* False when it is not known what the Any holds; then it is printed like any message. */
static bool print_any(struct printer *p, const struct pb_message *type, const void *message)
{
    void *inner;
    const struct pb_message *inner_type = pb_any_unpack(type, message, p->out.arena, &inner);
    if (!inner_type || p->level > PB_DEPTH_MAX)
        return false;
    const struct span *url = pb_at(message, pb_field_by_number(type, 1)->offset);
    indent(p);
    text_char(&p->out, '[');
    text_span_add(&p->out, *url);
    text_char(&p->out, ']');
    print_braces(p, inner_type, inner);
    return true;
}

static void print_fields(struct printer *p, const struct pb_message *type, const void *message)
{
    if (pb_is_any(type) && print_any(p, type, message))
        return;
    for (size_t i = 0; i < type->field_count; i++) {
        const struct pb_field *field = &type->fields[i];
        if (!pb_has(field, message))
            continue;
        const struct pb_array *array = pb_array_of(field, message);
        if (field->rule == PB_RULE_MAP) {
            print_map(p, field, array);
        } else if (field->rule == PB_RULE_REPEATED) {
            size_t element = pb_element_size(field);
            for (size_t k = 0; k < array->count; k++)
                print_value(p, field, (const char *)array->items + k * element);
        } else {
            print_value(p, field, pb_at(message, field->offset));
        }
    }
}

struct span pb_print_text(const struct pb_message *type, const void *message, struct arena *arena)
{
    struct printer p = {0};
    text_init(&p.out, arena);
    print_fields(&p, type, message);
    return text_span(&p.out);
}
