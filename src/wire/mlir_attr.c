/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The encodings of attributes and types: a number that says which, then its parts. They refer to
 * one another by index; each is decoded once, so that time stays linear however often they are
 * referred to.
 */
#include "wire/mlir_reader.h"

const struct mlir_attr *mlir_attr_get(const struct mlir_attr *dict, const char *name)
{
    size_t count = dict && dict->kind == MLIR_ATTR_DICT ? dict->count : 0;
    for (size_t i = 0; i + 1 < count; i += 2) {
        if (span_is(dict->items[i]->bytes, name))
            return dict->items[i + 1];
    }
    return NULL;
}

/* ---- parts ---- */

static void read_items(struct mlir_reader *r, struct mlir_cursor *c, struct mlir_attr *attr,
                       size_t per_item)
{
    size_t count = mlir_cursor_count(c) * per_item;
    const struct mlir_attr **items = ARENA_ARRAY(r->arena, const struct mlir_attr *, count);
    for (size_t i = 0; i < count && !c->failed; i++)
        items[i] = mlir_reader_attr(r, c);
    attr->items = items;
    attr->count = c->failed ? 0 : count;
}

static void read_array(struct mlir_reader *r, struct mlir_cursor *c, struct mlir_attr *attr)
{
    read_items(r, c, attr, 1);
}

static void read_dict(struct mlir_reader *r, struct mlir_cursor *c, struct mlir_attr *attr)
{
    read_items(r, c, attr, 2);
}

static void read_number(struct mlir_reader *r, struct mlir_cursor *c, struct mlir_attr *attr)
{
    (void)r;
    attr->number = (int64_t)mlir_cursor_varint(c);
}

static bool is_byte_wide(const struct mlir_type *type)
{
    return type && (type->code == MLIR_SI4 || type->code == MLIR_UI4 || type->code == MLIR_SI8 ||
                    type->code == MLIR_UI8);
}

/* Up to 8 bits are a byte, up to 64 a signed number. */
static void read_typed_number(struct mlir_reader *r, struct mlir_cursor *c, struct mlir_attr *attr)
{
    attr->type = mlir_reader_type(r, c);
    attr->number = is_byte_wide(attr->type) ? (int8_t)mlir_cursor_byte(c) : mlir_cursor_signed(c);
}

static void read_string(struct mlir_reader *r, struct mlir_cursor *c, struct mlir_attr *attr)
{
    size_t i = mlir_cursor_index(c, r->string_count);
    attr->bytes = c->failed ? (struct span){0} : r->strings[i];
}

static void read_tensor(struct mlir_reader *r, struct mlir_cursor *c, struct mlir_attr *attr)
{
    attr->type = mlir_reader_type(r, c);
    attr->bytes = mlir_cursor_bytes(c, mlir_cursor_varint(c));
}

static void read_attr_type(struct mlir_reader *r, struct mlir_cursor *c, struct mlir_attr *attr)
{
    attr->type = mlir_reader_type(r, c);
}

/* ---- attributes ---- */

struct attr_rule {
    enum mlir_attr_kind kind;
    void (*read)(struct mlir_reader *r, struct mlir_cursor *c, struct mlir_attr *attr);
};

static const struct attr_rule vhlo_attrs[] = {
    [1] = {MLIR_ATTR_ARRAY, read_array},
    [2] = {MLIR_ATTR_BOOL, read_number},
    [3] = {MLIR_ATTR_ENUM, read_number}, /* the direction of a comparison */
    [4] = {MLIR_ATTR_ENUM, read_number}, /* its type */
    [5] = {MLIR_ATTR_ENUM, read_number}, /* the version of a custom call's interface */
    [6] = {MLIR_ATTR_DICT, read_dict},
    [7] = {MLIR_ATTR_ENUM, read_number}, /* which Fourier transform */
    [8] = {MLIR_ATTR_FLOAT, read_typed_number},
    [9] = {MLIR_ATTR_INT, read_typed_number},
    [11] = {MLIR_ATTR_ENUM, read_number}, /* precision */
    [12] = {MLIR_ATTR_ENUM, read_number}, /* generator of random numbers */
    [13] = {MLIR_ATTR_ENUM, read_number}, /* distribution */
    [14] = {MLIR_ATTR_STRING, read_string},
    [15] = {MLIR_ATTR_TENSOR, read_tensor},
    [16] = {MLIR_ATTR_ENUM, read_number}, /* transposed or not */
    [17] = {MLIR_ATTR_TYPE, read_attr_type},
};

static const struct attr_rule builtin_attrs[] = {
    [0] = {MLIR_ATTR_ARRAY, read_array},
    [1] = {MLIR_ATTR_DICT, read_dict},
    [2] = {MLIR_ATTR_STRING, read_string},
    [3] = {MLIR_ATTR_STRING, read_string}, /* followed by a type */
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct attr_rule *find_rule(struct span dialect, uint64_t code)
{
    bool vhlo = span_is(dialect, "vhlo");
    const struct attr_rule *rules = vhlo ? vhlo_attrs : builtin_attrs;
    size_t count = vhlo                          ? COUNT(vhlo_attrs)
                   : span_is(dialect, "builtin") ? COUNT(builtin_attrs)
                                                 : 0;
    return code < count && rules[code].read ? &rules[code] : NULL;
}

/* May the entry be read now? `outer` fails when it may not. */
static bool enter(struct mlir_reader *r, struct mlir_entry *entry, struct mlir_cursor *outer)
{
    outer->failed |= entry->state == MLIR_READING || r->depth >= MLIR_DEPTH_MAX;
    if (outer->failed || entry->state == MLIR_READ)
        return false;
    entry->state = MLIR_READING;
    r->depth++;
    return true;
}

static void leave(struct mlir_reader *r, struct mlir_entry *entry, const struct mlir_cursor *inner,
                  struct mlir_cursor *outer)
{
    entry->state = MLIR_READ;
    r->depth--;
    outer->failed |= inner->failed;
}

const struct mlir_attr *mlir_reader_attr(struct mlir_reader *r, struct mlir_cursor *c)
{
    size_t i = mlir_cursor_index(c, r->attr_count);
    if (c->failed)
        return NULL;
    struct mlir_entry *entry = &r->attrs[i];
    if (enter(r, entry, c)) {
        struct mlir_cursor inner = mlir_cursor_of(entry->bytes);
        entry->attr = (struct mlir_attr){0};
        const struct attr_rule *rule =
            entry->custom ? find_rule(entry->dialect, mlir_cursor_varint(&inner)) : NULL;
        if (rule) {
            entry->attr.kind = rule->kind;
            rule->read(r, &inner, &entry->attr);
        }
        leave(r, entry, &inner, c);
    }
    return c->failed ? NULL : &entry->attr;
}

/* ---- types ---- */

static void read_dims(struct mlir_reader *r, struct mlir_cursor *c, struct mlir_type *type)
{
    type->rank = mlir_cursor_count(c);
    int64_t *dims = ARENA_ARRAY(r->arena, int64_t, type->rank);
    for (size_t i = 0; i < type->rank; i++) {
        int64_t size = mlir_cursor_signed(c);
        dims[i] = size < 0 ? MLIR_DYNAMIC : size;
    }
    type->dims = dims;
}

static void read_type(struct mlir_reader *r, struct mlir_cursor *c, struct mlir_type *type)
{
    uint64_t code = mlir_cursor_varint(c);
    type->code = code < MLIR_TYPE_CODES ? (int)code : MLIR_TYPE_OTHER;
    if (type->code == MLIR_TENSOR_ENCODED)
        mlir_reader_attr(r, c);
    if (type->code == MLIR_TENSOR || type->code == MLIR_TENSOR_ENCODED) {
        read_dims(r, c, type);
        type->element = mlir_reader_type(r, c);
        type->code = MLIR_TENSOR;
    }
    if (type->code == MLIR_COMPLEX)
        type->element = mlir_reader_type(r, c);
}

const struct mlir_type *mlir_reader_type(struct mlir_reader *r, struct mlir_cursor *c)
{
    size_t i = mlir_cursor_index(c, r->type_count);
    return c->failed ? NULL : mlir_reader_type_at(r, i, c);
}

const struct mlir_type *mlir_reader_type_at(struct mlir_reader *r, size_t i, struct mlir_cursor *c)
{
    struct mlir_entry *entry = &r->types[i];
    if (enter(r, entry, c)) {
        struct mlir_cursor inner = mlir_cursor_of(entry->bytes);
        entry->type = (struct mlir_type){.code = MLIR_TYPE_OTHER};
        if (entry->custom && span_is(entry->dialect, "vhlo"))
            read_type(r, &inner, &entry->type);
        leave(r, entry, &inner, c);
    }
    return c->failed ? NULL : &entry->type;
}
