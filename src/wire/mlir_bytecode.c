/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sections first: each may come once, nested ones belong to regions that see nothing around them.
 * Then strings, dialects with the names of their operations, the places of attributes and types,
 * and at last the operations, region in region. A value is referred to by its number within the
 * innermost region that is isolated from what is around it: a stack of values, on which a region
 * takes as many places as it defines.
 */
#include "wire/mlir_bytecode.h"

#include "wire/mlir_reader.h"

enum section {
    STRINGS,
    DIALECTS,
    ATTR_TYPES,
    ATTR_TYPE_OFFSETS,
    IR,
    PROPERTY_TABLE = 8,
    SECTION_KINDS,
};

enum version {
    LAZY_LOADING = 2, /* isolated regions are sections */
    USE_LIST_ORDERS = 3,
    ARGUMENT_LOCATIONS = 4, /* arguments of blocks say whether they have a location */
    PROPERTIES = 5,
    VERSION_MAX = 6,
};

enum op_mask {
    HAS_ATTRS = 1,
    HAS_RESULTS = 2,
    HAS_OPERANDS = 4,
    HAS_SUCCESSORS = 8,
    HAS_REGIONS = 16,
    HAS_USE_LIST_ORDERS = 32,
    HAS_PROPERTIES = 64,
};

struct op_name {
    struct span dialect, name;
    const char *properties; /* their names */
};

struct scope {
    struct mlir_value **values; /* NULL: not defined yet */
    size_t count, room;
};

struct reader {
    struct mlir_reader base;
    uint64_t version;
    struct span sections[SECTION_KINDS];
    struct span *dialects;
    size_t dialect_count;
    struct op_name *op_names;
    size_t op_name_count;
    struct span *properties;
    size_t property_count;
    size_t values_left; /* each definition takes a byte: bounds what regions may reserve */
    int value_count;
    int depth;
    struct error *err;
};

/* ---- cursors ---- */

static size_t rest_of(const struct mlir_cursor *c)
{
    return (size_t)(c->end - c->at);
}

struct span mlir_cursor_bytes(struct mlir_cursor *c, uint64_t len)
{
    if (c->failed || len > rest_of(c)) {
        c->failed = true;
        return (struct span){0};
    }
    struct span bytes = span_make(c->at, (size_t)len);
    c->at += len;
    return bytes;
}

uint8_t mlir_cursor_byte(struct mlir_cursor *c)
{
    struct span bytes = mlir_cursor_bytes(c, 1);
    return bytes.len ? (uint8_t)bytes.ptr[0] : 0;
}

/* The zeros at the low end of the first byte count the bytes that follow. */
uint64_t mlir_cursor_varint(struct mlir_cursor *c)
{
    uint8_t first = mlir_cursor_byte(c);
    size_t more = first ? (size_t)__builtin_ctz(first) : 8;
    struct span bytes = mlir_cursor_bytes(c, more);
    if (c->failed)
        return 0;
    uint64_t rest = 0;
    if (more)
        memcpy(&rest, bytes.ptr, more);
    if (more == 8)
        return rest;
    return (uint64_t)first >> (more + 1) | rest << (7 - more);
}

int64_t mlir_cursor_signed(struct mlir_cursor *c)
{
    uint64_t number = mlir_cursor_varint(c);
    return (int64_t)(number >> 1 ^ -(number & 1));
}

size_t mlir_cursor_count(struct mlir_cursor *c)
{
    uint64_t count = mlir_cursor_varint(c);
    if (count > rest_of(c))
        c->failed = true;
    return c->failed ? 0 : (size_t)count;
}

size_t mlir_cursor_index(struct mlir_cursor *c, size_t limit)
{
    uint64_t index = mlir_cursor_varint(c);
    if (index >= limit)
        c->failed = true;
    return c->failed ? 0 : (size_t)index;
}

static enum code malformed(struct error *err, const char *what)
{
    return error_set(err, CODE_INVALID_ARGUMENT, "malformed MLIR bytecode: %s", what);
}

/* ---- sections ---- */

static unsigned read_section(struct mlir_cursor *c, struct span *data)
{
    uint8_t id = mlir_cursor_byte(c);
    uint64_t len = mlir_cursor_varint(c);
    if (id & 0x80) {
        mlir_cursor_varint(c); /* the alignment is of use to who maps the file */
        while (c->at < c->end && *c->at == 0xCB)
            c->at++;
    }
    *data = mlir_cursor_bytes(c, len);
    return id & 0x7F;
}

static enum code read_sections(struct reader *r, struct mlir_cursor *c, struct error *err)
{
    while (c->at < c->end) {
        struct span data;
        unsigned id = read_section(c, &data);
        if (c->failed || id >= SECTION_KINDS || r->sections[id].ptr)
            return malformed(err, "sections");
        r->sections[id] = data;
    }
    for (int i = 0; i <= IR; i++) {
        if (!r->sections[i].ptr)
            return malformed(err, "a section is missing");
    }
    return CODE_OK;
}

/* The lengths stand in reverse order before the strings; each string ends with a zero. */
static enum code read_strings(struct reader *r, struct error *err)
{
    struct mlir_cursor c = mlir_cursor_of(r->sections[STRINGS]);
    size_t count = mlir_cursor_count(&c);
    struct span *strings = ARENA_ARRAY(r->base.arena, struct span, count);
    for (size_t i = count; i > 0; i--)
        strings[i - 1].len = (size_t)mlir_cursor_varint(&c);
    for (size_t i = 0; i < count && !c.failed; i++) {
        strings[i] = mlir_cursor_bytes(&c, strings[i].len);
        c.failed |= !strings[i].len || strings[i].ptr[strings[i].len - 1];
        if (!c.failed)
            strings[i].len--;
    }
    r->base.strings = strings;
    r->base.string_count = count;
    return c.failed ? malformed(err, "strings") : CODE_OK;
}

static void read_dialect_names(struct reader *r, struct mlir_cursor *c)
{
    r->dialect_count = mlir_cursor_count(c);
    r->dialects = ARENA_ARRAY(r->base.arena, struct span, r->dialect_count);
    for (size_t i = 0; i < r->dialect_count && !c->failed; i++) {
        uint64_t name = mlir_cursor_varint(c);
        struct span version;
        if (r->version && name & 1)
            read_section(c, &version);
        name = r->version ? name >> 1 : name;
        c->failed |= name >= r->base.string_count;
        if (!c->failed)
            r->dialects[i] = r->base.strings[name];
    }
}

static struct op_name name_op(struct span dialect, struct span name)
{
    bool vhlo = span_is(dialect, "vhlo");
    return (struct op_name){dialect, name, vhlo ? mlir_vhlo_properties(name) : ""};
}

static void read_op_names(struct reader *r, struct mlir_cursor *c)
{
    size_t room = rest_of(c);
    if (r->version >= ARGUMENT_LOCATIONS)
        mlir_cursor_varint(c); /* how many there are */
    r->op_names = ARENA_ARRAY(r->base.arena, struct op_name, room);
    while (c->at < c->end && !c->failed) {
        size_t dialect = mlir_cursor_index(c, r->dialect_count);
        size_t count = mlir_cursor_count(c);
        for (size_t i = 0; i < count && !c->failed; i++) {
            uint64_t name = mlir_cursor_varint(c);
            name = r->version >= PROPERTIES ? name >> 1 : name;
            c->failed |= name >= r->base.string_count;
            if (!c->failed)
                r->op_names[r->op_name_count++] =
                    name_op(r->dialects[dialect], r->base.strings[name]);
        }
    }
}

static enum code read_dialects(struct reader *r, struct error *err)
{
    struct mlir_cursor c = mlir_cursor_of(r->sections[DIALECTS]);
    read_dialect_names(r, &c);
    read_op_names(r, &c);
    return c.failed ? malformed(err, "dialects") : CODE_OK;
}

/* Attributes, then types, grouped by dialects; each with its size. */
static enum code read_entries(struct reader *r, struct error *err)
{
    struct mlir_cursor c = mlir_cursor_of(r->sections[ATTR_TYPE_OFFSETS]);
    struct mlir_cursor data = mlir_cursor_of(r->sections[ATTR_TYPES]);
    struct mlir_reader *base = &r->base;
    base->attr_count = mlir_cursor_count(&c);
    base->type_count = mlir_cursor_count(&c);
    base->attrs = ARENA_ARRAY(base->arena, struct mlir_entry, base->attr_count);
    base->types = ARENA_ARRAY(base->arena, struct mlir_entry, base->type_count);
    size_t all = base->attr_count + base->type_count, i = 0;
    while (i < all && !c.failed) {
        size_t dialect = mlir_cursor_index(&c, r->dialect_count);
        size_t count = mlir_cursor_count(&c);
        c.failed |= count > all - i;
        for (size_t end = i + count; i < end && !c.failed; i++) {
            struct mlir_entry *entry =
                i < base->attr_count ? &base->attrs[i] : &base->types[i - base->attr_count];
            uint64_t size = mlir_cursor_varint(&c);
            entry->bytes = mlir_cursor_bytes(&data, size >> 1);
            entry->custom = size & 1;
            c.failed |= data.failed;
            if (!c.failed)
                entry->dialect = r->dialects[dialect];
        }
    }
    return c.failed ? malformed(err, "attributes and types") : CODE_OK;
}

/* Each set of properties that operations have, with its size. */
static enum code read_property_table(struct reader *r, struct error *err)
{
    struct mlir_cursor c = mlir_cursor_of(r->sections[PROPERTY_TABLE]);
    if (!r->sections[PROPERTY_TABLE].len)
        return CODE_OK;
    r->property_count = mlir_cursor_count(&c);
    r->properties = ARENA_ARRAY(r->base.arena, struct span, r->property_count);
    for (size_t i = 0; i < r->property_count; i++)
        r->properties[i] = mlir_cursor_bytes(&c, mlir_cursor_varint(&c));
    return c.failed ? malformed(err, "properties") : CODE_OK;
}

/* ---- operations ---- */

/* The operation's properties join its attributes under their names. */
static void read_properties(struct reader *r, struct mlir_cursor *c, struct mlir_op *op,
                            const char *names)
{
    size_t i = mlir_cursor_index(c, r->property_count), count = 0;
    size_t before = op->attrs && op->attrs->kind == MLIR_ATTR_DICT ? op->attrs->count : 0;
    struct span rest = span_of(names);
    if (c->failed || !rest.len)
        return;
    for (size_t k = 0; k < rest.len; k++)
        count += rest.ptr[k] == ' ';
    struct mlir_cursor values = mlir_cursor_of(r->properties[i]);
    struct mlir_attr *dict = ARENA_NEW(r->base.arena, struct mlir_attr);
    struct mlir_attr *keys = ARENA_ARRAY(r->base.arena, struct mlir_attr, count + 1);
    const struct mlir_attr **items =
        ARENA_ARRAY(r->base.arena, const struct mlir_attr *, before + 2 * (count + 1));
    if (before)
        memcpy(items, op->attrs->items, before * sizeof *items);
    for (size_t k = 0; k <= count; k++) {
        keys[k].kind = MLIR_ATTR_STRING;
        keys[k].bytes = span_sub(rest, 0, span_find(rest, ' '));
        rest = span_sub(rest, keys[k].bytes.len + 1, rest.len);
        items[before + 2 * k] = &keys[k];
        items[before + 2 * k + 1] = mlir_reader_attr(&r->base, &values);
    }
    c->failed |= values.failed;
    *dict = (struct mlir_attr){
        .kind = MLIR_ATTR_DICT, .items = items, .count = before + 2 * (count + 1)};
    op->attrs = dict;
}

/* Orders of uses are of no use to us. */
static void skip_use_lists(struct mlir_cursor *c, size_t values)
{
    size_t lists = values > 1 ? mlir_cursor_count(c) : 1;
    for (size_t i = 0; i < lists && !c->failed; i++) {
        if (values > 1)
            mlir_cursor_varint(c);
        uint64_t count = mlir_cursor_varint(c) >> 1;
        c->failed |= count > rest_of(c);
        for (uint64_t k = 0; k < count && !c->failed; k++)
            mlir_cursor_varint(c);
    }
}

/* The next value defined in the region whose places are from `*next` up to `end`. */
static void define(struct reader *r, struct scope *scope, size_t *next, size_t end,
                   struct mlir_value *value)
{
    value->id = r->value_count++;
    if (*next < end)
        scope->values[(*next)++] = value;
}

static void reserve(struct reader *r, struct scope *scope, size_t count)
{
    if (count > scope->room - scope->count) {
        size_t room = 2 * scope->room + count + 16;
        struct mlir_value **values = ARENA_ARRAY(r->base.arena, struct mlir_value *, room);
        if (scope->count)
            memcpy(values, scope->values, scope->count * sizeof *values);
        scope->values = values;
        scope->room = room;
    }
    if (count)
        memset(scope->values + scope->count, 0, count * sizeof *scope->values);
    scope->count += count;
}

static void read_results(struct reader *r, struct mlir_cursor *c, struct mlir_op *op)
{
    op->result_count = mlir_cursor_count(c);
    op->results = ARENA_ARRAY(r->base.arena, struct mlir_value, op->result_count);
    for (size_t i = 0; i < op->result_count; i++)
        op->results[i] =
            (struct mlir_value){.type = mlir_reader_type(&r->base, c), .op = op, .index = (int)i};
}

static void read_operands(struct reader *r, struct mlir_cursor *c, const struct scope *scope,
                          struct mlir_op *op)
{
    op->operand_count = mlir_cursor_count(c);
    const struct mlir_value **operands =
        ARENA_ARRAY(r->base.arena, const struct mlir_value *, op->operand_count);
    for (size_t i = 0; i < op->operand_count && !c->failed; i++) {
        size_t at = mlir_cursor_index(c, scope->count);
        operands[i] = c->failed ? NULL : scope->values[at];
        c->failed |= !operands[i];
    }
    op->operands = operands;
}

static void read_region(struct reader *r, struct mlir_cursor *c, struct scope *scope,
                        struct mlir_region *region);

static void read_regions(struct reader *r, struct mlir_cursor *c, struct scope *scope,
                         struct mlir_op *op, size_t count, bool isolated)
{
    struct scope own = {0};
    struct mlir_cursor section = {0};
    struct mlir_cursor *from = c;
    if (isolated && r->version >= LAZY_LOADING) {
        struct span data;
        unsigned id = read_section(c, &data);
        c->failed |= id != IR;
        section = mlir_cursor_of(data);
        from = &section;
    }
    struct mlir_region *regions = ARENA_ARRAY(r->base.arena, struct mlir_region, count);
    r->depth++;
    c->failed |= r->depth > MLIR_DEPTH_MAX;
    for (size_t i = 0; i < count && !c->failed; i++) {
        read_region(r, from, isolated ? &own : scope, &regions[i]);
        c->failed |= from->failed;
    }
    r->depth--;
    op->regions = regions;
    op->region_count = c->failed ? 0 : count;
}

static const struct mlir_op *read_op(struct reader *r, struct mlir_cursor *c, struct scope *scope,
                                     size_t *next, size_t end)
{
    struct mlir_op *op = ARENA_NEW(r->base.arena, struct mlir_op);
    size_t name = mlir_cursor_index(c, r->op_name_count);
    uint8_t mask = mlir_cursor_byte(c);
    mlir_cursor_varint(c); /* its location */
    if (c->failed)
        return op;
    op->dialect = r->op_names[name].dialect;
    op->name = r->op_names[name].name;
    if (mask & HAS_ATTRS)
        op->attrs = mlir_reader_attr(&r->base, c);
    if (mask & HAS_PROPERTIES)
        read_properties(r, c, op, r->op_names[name].properties);
    if (mask & HAS_RESULTS)
        read_results(r, c, op);
    if (mask & HAS_OPERANDS)
        read_operands(r, c, scope, op);
    for (size_t n = mask & HAS_SUCCESSORS ? mlir_cursor_count(c) : 0; n > 0; n--)
        mlir_cursor_varint(c);
    if (mask & HAS_USE_LIST_ORDERS)
        skip_use_lists(c, op->result_count);
    uint64_t regions = mask & HAS_REGIONS ? mlir_cursor_varint(c) : 0;
    c->failed |= regions >> 1 > rest_of(c);
    for (size_t i = 0; i < op->result_count && !c->failed; i++)
        define(r, scope, next, end, &op->results[i]);
    if (regions >> 1 && !c->failed)
        read_regions(r, c, scope, op, (size_t)(regions >> 1), regions & 1);
    return op;
}

static void read_arguments(struct reader *r, struct mlir_cursor *c, struct mlir_region *region)
{
    region->arg_count = mlir_cursor_count(c);
    region->args = ARENA_ARRAY(r->base.arena, struct mlir_value, region->arg_count);
    for (size_t i = 0; i < region->arg_count && !c->failed; i++) {
        bool located = true;
        uint64_t type = mlir_cursor_varint(c);
        if (r->version >= ARGUMENT_LOCATIONS) {
            located = type & 1;
            type >>= 1;
        }
        if (located)
            mlir_cursor_varint(c);
        c->failed |= type >= r->base.type_count;
        if (c->failed)
            return;
        region->args[i] = (struct mlir_value){
            .type = mlir_reader_type_at(&r->base, (size_t)type, c), .index = (int)i};
    }
    if (r->version >= USE_LIST_ORDERS && mlir_cursor_byte(c))
        skip_use_lists(c, region->arg_count);
}

static void read_block(struct reader *r, struct mlir_cursor *c, struct scope *scope, size_t end,
                       struct mlir_region *region)
{
    uint64_t header = mlir_cursor_varint(c);
    size_t next = scope->count - end;
    end += next;
    if (header & 1)
        read_arguments(r, c, region);
    for (size_t i = 0; i < region->arg_count && !c->failed; i++)
        define(r, scope, &next, end, &region->args[i]);
    c->failed |= header >> 1 > rest_of(c);
    size_t count = c->failed ? 0 : (size_t)(header >> 1);
    const struct mlir_op **ops = ARENA_ARRAY(r->base.arena, const struct mlir_op *, count);
    for (size_t i = 0; i < count && !c->failed; i++)
        ops[i] = read_op(r, c, scope, &next, end);
    region->ops = ops;
    region->op_count = c->failed ? 0 : count;
}

static void read_region(struct reader *r, struct mlir_cursor *c, struct scope *scope,
                        struct mlir_region *region)
{
    uint64_t blocks = mlir_cursor_varint(c);
    if (!blocks)
        return;
    uint64_t values = mlir_cursor_varint(c);
    c->failed |= values > r->values_left;
    if (!c->failed && blocks > 1) {
        error_set(r->err, CODE_UNIMPLEMENTED, "MLIR regions of several blocks");
        c->failed = true;
    }
    if (c->failed)
        return;
    r->values_left -= (size_t)values;
    reserve(r, scope, (size_t)values);
    read_block(r, c, scope, (size_t)values, region);
    scope->count -= (size_t)values;
}

/* ---- the whole ---- */

static enum code read_header(struct reader *r, struct mlir_cursor *c, struct mlir_module *module,
                             struct error *err)
{
    if (!span_is(mlir_cursor_bytes(c, 4), "ML\xefR"))
        return malformed(err, "it does not begin with its magic number");
    r->version = mlir_cursor_varint(c);
    struct span rest = span_make(c->at, rest_of(c));
    module->producer = mlir_cursor_bytes(c, span_find(rest, '\0'));
    mlir_cursor_byte(c);
    if (c->failed)
        return malformed(err, "header");
    if (r->version > VERSION_MAX)
        return error_set(err, CODE_UNIMPLEMENTED,
                         "MLIR bytecode of version %llu, up to %d is known",
                         (unsigned long long)r->version, VERSION_MAX);
    return CODE_OK;
}

static enum code read_top(struct reader *r, struct mlir_module *module, struct error *err)
{
    struct error inner = {0};
    struct mlir_cursor c = mlir_cursor_of(r->sections[IR]);
    struct scope scope = {0};
    r->err = &inner;
    read_block(r, &c, &scope, 0, &module->top);
    module->value_count = r->value_count;
    if (inner.code)
        return error_set(err, inner.code, "%s", inner.message);
    return c.failed ? malformed(err, "operations") : CODE_OK;
}

enum code mlir_bytecode_read(struct span bytes, struct arena *arena, struct mlir_module *module,
                             struct error *err)
{
    struct reader r = {.base.arena = arena, .values_left = bytes.len};
    struct mlir_cursor c = mlir_cursor_of(bytes);
    *module = (struct mlir_module){0};
    enum code code = read_header(&r, &c, module, err);
    if (!code)
        code = read_sections(&r, &c, err);
    if (!code)
        code = read_strings(&r, err);
    if (!code)
        code = read_dialects(&r, err);
    if (!code)
        code = read_entries(&r, err);
    if (!code)
        code = read_property_table(&r, err);
    return code ? code : read_top(&r, module, err);
}
