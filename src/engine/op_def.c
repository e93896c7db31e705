/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definitions are written as one token per argument or attribute, separated by blanks; a string
 * default stands in single quotes and has no blanks. They are parsed into arrays in the graph's
 * arena. Looking an attribute up compares names one by one: nodes have few, and nobody looks them
 * up while a request runs.
 */
#include "engine/op_def.h"

#include <stdlib.h>

#include "base/check.h"
#include "engine/op.h"

static const struct attr_form {
    const char *name;
    enum attr_kind kind;
    uint64_t types;
} forms[] = {
    {"int", ATTR_INT, 0},
    {"float", ATTR_FLOAT, 0},
    {"bool", ATTR_BOOL, 0},
    {"string", ATTR_STRING, 0},
    {"type", ATTR_TYPE, 0},
    {"shape", ATTR_SHAPE, 0},
    {"tensor", ATTR_TENSOR, 0},
    {"func", ATTR_FUNC, 0},
    {"index", ATTR_TYPE, OP_TYPES_INDEX},
    {"integer", ATTR_TYPE, OP_TYPES_INTEGER},
};

/* The field numbers of AttrValue's oneof, by kind. */
static const uint32_t kind_cases[] = {
    [ATTR_INT] = ATTR_CASE_INT,       [ATTR_FLOAT] = ATTR_CASE_FLOAT,
    [ATTR_BOOL] = ATTR_CASE_BOOL,     [ATTR_STRING] = ATTR_CASE_STRING,
    [ATTR_TYPE] = ATTR_CASE_TYPE,     [ATTR_SHAPE] = ATTR_CASE_SHAPE,
    [ATTR_TENSOR] = ATTR_CASE_TENSOR, [ATTR_FUNC] = ATTR_CASE_FUNC,
};

/* Cuts the next token off; an empty one at the end. */
static struct span next_token(struct span *text)
{
    while (text->len && *text->ptr == ' ')
        *text = span_sub(*text, 1, text->len);
    struct span token = span_sub(*text, 0, span_find(*text, ' '));
    *text = span_sub(*text, token.len, text->len);
    return token;
}

static int count_tokens(const char *list)
{
    int count = 0;
    for (struct span rest = span_of(list); next_token(&rest).len;)
        count++;
    return count;
}

static const struct attr_form *parse_kind(struct span text)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (span_is(text, forms[i].name))
            return &forms[i];
    }
    return NULL;
}

static bool parse_shape(struct span text, struct arena *arena, struct pb_attr_value *value)
{
    value->shape = ARENA_NEW(arena, struct pb_tensor_shape_proto);
    value->shape->unknown_rank = span_is(text, "?");
    return value->shape->unknown_rank || span_is(text, "{}");
}

static bool parse_string(struct span text, struct pb_attr_value *value)
{
    bool quoted = text.len >= 2 && text.ptr[0] == '\'' && text.ptr[text.len - 1] == '\'';
    if (quoted)
        value->s = span_sub(text, 1, text.len - 2);
    return quoted;
}

static bool parse_scalar(struct span text, enum attr_kind kind, struct arena *arena,
                         struct pb_attr_value *value)
{
    value->value_case = kind_cases[kind];
    switch (kind) {
    case ATTR_INT:
        return span_to_int64(text, &value->i);
    case ATTR_FLOAT:
        value->f = strtof(arena_strdup(arena, text), NULL);
        return true;
    case ATTR_BOOL:
        value->b = span_is(text, "true");
        return value->b || span_is(text, "false");
    case ATTR_STRING:
        return parse_string(text, value);
    case ATTR_TYPE:
        value->type = (int32_t)dtype_from_name(text);
        return value->type != 0;
    case ATTR_SHAPE:
        return parse_shape(text, arena, value);
    default:
        return false; /* there are no defaults of the other kinds */
    }
}

static bool read_float(struct span text, struct arena *arena, float *value)
{
    char *end;
    *value = strtof(arena_strdup(arena, text), &end);
    return text.len && !*end;
}

/* Default lists hold numbers: "[1,1,1,1]", "[0.5,2]" or "[]", which is an empty list of anything.
 */
static bool parse_list(struct span text, enum attr_kind kind, struct arena *arena,
                       struct pb_attr_value *value)
{
    if (text.len < 2 || text.ptr[0] != '[' || text.ptr[text.len - 1] != ']')
        return false;
    struct pb_attr_value_list_value *list = ARENA_NEW(arena, struct pb_attr_value_list_value);
    struct span rest = span_sub(text, 1, text.len - 2);
    int64_t *ints = ARENA_ARRAY(arena, int64_t, text.len);
    float *floats = ARENA_ARRAY(arena, float, text.len);
    size_t count = 0;
    while (rest.len) {
        struct span item = span_sub(rest, 0, span_find(rest, ','));
        rest = span_sub(rest, item.len + 1, rest.len);
        bool is_number = kind == ATTR_FLOAT ? read_float(item, arena, &floats[count])
                                            : kind == ATTR_INT && span_to_int64(item, &ints[count]);
        if (!is_number)
            return false;
        count++;
    }
    list->i.ptr = ints;
    list->i.count = kind == ATTR_FLOAT ? 0 : count;
    list->f.ptr = floats;
    list->f.count = kind == ATTR_FLOAT ? count : 0;
    value->value_case = ATTR_CASE_LIST;
    value->list = list;
    return true;
}

static bool parse_attr(struct span token, struct arena *arena, struct op_attr_def *attr)
{
    size_t colon = span_find(token, ':');
    if (!colon || colon == token.len)
        return false;
    attr->name = span_sub(token, 0, colon);
    struct span rest = span_sub(token, colon + 1, token.len);
    size_t equals = span_find(rest, '=');
    struct span kind = span_sub(rest, 0, equals);
    attr->is_list = span_starts_with(kind, SPAN_LITERAL("list(")) && kind.len > 5;
    if (attr->is_list)
        kind = span_sub(kind, 5, kind.len - 6);
    const struct attr_form *form = parse_kind(kind);
    if (!form)
        return false;
    attr->kind = form->kind;
    attr->types = form->types;
    if (equals == rest.len)
        return true;
    struct span text = span_sub(rest, equals + 1, rest.len);
    struct pb_attr_value *value = ARENA_NEW(arena, struct pb_attr_value);
    attr->default_value = value;
    return attr->is_list ? parse_list(text, attr->kind, arena, value)
                         : parse_scalar(text, attr->kind, arena, value);
}

static const struct op_attr_def *find_attr(const struct op_def *def, struct span name)
{
    for (int i = 0; i < def->attr_count; i++) {
        if (span_equal(def->attrs[i].name, name))
            return &def->attrs[i];
    }
    return NULL;
}

static bool parse_arg(struct span token, const struct op_def *def, struct op_arg *arg)
{
    size_t colon = span_find(token, ':');
    if (!colon || colon + 1 >= token.len)
        return false;
    arg->name = span_sub(token, 0, colon);
    struct span type = span_sub(token, colon + 1, token.len);
    if (type.ptr[0] == '&') {
        arg->is_ref = true;
        type = span_sub(type, 1, type.len);
    }
    size_t star = span_find(type, '*');
    if (star < type.len) {
        arg->number_attr = span_sub(type, 0, star);
        type = span_sub(type, star + 1, type.len);
        const struct op_attr_def *number = find_attr(def, arg->number_attr);
        if (!number || number->kind != ATTR_INT || number->is_list)
            return false;
    }
    const struct op_attr_def *attr = find_attr(def, type);
    arg->type = attr ? DTYPE_INVALID : dtype_from_name(type);
    arg->type_attr = attr ? type : (struct span){0};
    arg->is_type_list = attr && attr->is_list;
    return attr ? attr->kind == ATTR_TYPE : arg->type != DTYPE_INVALID;
}

static enum code malformed(const struct op *op, struct span token, struct error *err)
{
    return error_set(err, CODE_INVALID_ARGUMENT, "the definition of op %s is malformed at '%.*s'",
                     op->name, SPAN_ARG(token));
}

static enum code parse_args(const char *list, const struct op_def *def, struct arena *arena,
                            struct op_arg **args, int *count, struct error *err)
{
    *count = count_tokens(list);
    *args = ARENA_ARRAY(arena, struct op_arg, (size_t)*count);
    struct span rest = span_of(list);
    for (int i = 0; i < *count; i++) {
        struct span token = next_token(&rest);
        if (!parse_arg(token, def, &(*args)[i]))
            return malformed(def->op, token, err);
    }
    return CODE_OK;
}

enum code op_def_parse(const struct op *op, struct arena *arena, struct op_def **result,
                       struct error *err)
{
    struct op_def *def = ARENA_NEW(arena, struct op_def);
    def->op = op;
    def->attr_count = count_tokens(op->attrs);
    def->attrs = ARENA_ARRAY(arena, struct op_attr_def, (size_t)def->attr_count);
    struct span rest = span_of(op->attrs);
    for (int i = 0; i < def->attr_count; i++) {
        struct span token = next_token(&rest);
        if (!parse_attr(token, arena, &def->attrs[i]))
            return malformed(op, token, err);
    }
    *result = def;
    enum code code = parse_args(op->inputs, def, arena, &def->inputs, &def->input_count, err);
    return code ? code
                : parse_args(op->outputs, def, arena, &def->outputs, &def->output_count, err);
}

static enum code arg_of_function(const struct pb_op_def_arg_def *from, struct op_arg *arg,
                                 struct error *err)
{
    arg->name = from->name;
    arg->type = from->type ? dtype_from_number(from->type) : DTYPE_INVALID;
    arg->number_attr = from->number_attr;
    arg->type_attr = from->type_list_attr.len ? from->type_list_attr : from->type_attr;
    arg->is_type_list = from->type_list_attr.len > 0;
    arg->is_ref = from->is_ref;
    if (arg->type == DTYPE_INVALID && !arg->type_attr.len)
        return error_set(err, CODE_INVALID_ARGUMENT, "argument %.*s has no type we know",
                         SPAN_ARG(from->name));
    return CODE_OK;
}

enum code op_def_of_function(const struct pb_op_def *signature, struct arena *arena,
                             struct op_def **result, struct error *err)
{
    struct op_def *def = ARENA_NEW(arena, struct op_def);
    def->input_count = (int)signature->input_arg.count;
    def->inputs = ARENA_ARRAY(arena, struct op_arg, signature->input_arg.count);
    def->output_count = (int)signature->output_arg.count;
    def->outputs = ARENA_ARRAY(arena, struct op_arg, signature->output_arg.count);
    for (int i = 0; i < def->input_count; i++) {
        enum code code = arg_of_function(&signature->input_arg.items[i], &def->inputs[i], err);
        if (code)
            return code;
    }
    for (int i = 0; i < def->output_count; i++) {
        enum code code = arg_of_function(&signature->output_arg.items[i], &def->outputs[i], err);
        if (code)
            return code;
    }
    *result = def;
    return CODE_OK;
}

const struct pb_attr_value *op_def_attr(const struct op_def *def, const struct node *node,
                                        struct span name)
{
    for (size_t i = 0; i < node->attr_count; i++) {
        if (span_equal(node->attrs[i].name, name))
            return node->attrs[i].value;
    }
    const struct op_attr_def *attr = def ? find_attr(def, name) : NULL;
    return attr ? attr->default_value : NULL;
}

static enum code bad_attr(const struct node *node, struct span name, struct error *err)
{
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Node %.*s (op %.*s): attribute %.*s is missing or out of range",
                     SPAN_ARG(node->name), SPAN_ARG(node->op_name), SPAN_ARG(name));
}

enum code op_def_arg_count(const struct op_def *def, const struct node *node,
                           const struct op_arg *arg, int *count, struct error *err)
{
    *count = 1;
    struct span name = arg->is_type_list ? arg->type_attr : arg->number_attr;
    if (!name.len)
        return CODE_OK;
    const struct pb_attr_value *value = op_def_attr(def, node, name);
    int64_t n = -1;
    if (value && arg->is_type_list)
        n = value->value_case == ATTR_CASE_LIST ? (int64_t)value->list->type.count : -1;
    else if (value && value->value_case == kind_cases[ATTR_INT])
        n = value->i;
    if (n < 0 || n > OP_ARG_TENSORS_MAX)
        return bad_attr(node, name, err);
    *count = (int)n;
    return CODE_OK;
}

enum dtype op_def_arg_type(const struct op_def *def, const struct node *node,
                           const struct op_arg *arg, int i)
{
    if (arg->type)
        return arg->type;
    const struct pb_attr_value *value = op_def_attr(def, node, arg->type_attr);
    if (!value)
        return DTYPE_INVALID;
    if (!arg->is_type_list)
        return value->value_case == kind_cases[ATTR_TYPE] ? dtype_from_number(value->type)
                                                          : DTYPE_INVALID;
    if (value->value_case != ATTR_CASE_LIST || (size_t)i >= value->list->type.count)
        return DTYPE_INVALID;
    return dtype_from_number(pb_get_int32(value->list->type, (size_t)i));
}
