/* SPDX-License-Identifier: Apache-2.0 */
/* Messages built in an arena: arrays are as large as they will get, or double. */
#include "savedmodel/function_maker.h"

void function_maker_init(struct function_maker *maker, struct arena *arena, struct span name,
                         size_t arguments, size_t results)
{
    struct pb_function_def *proto = ARENA_NEW(arena, struct pb_function_def);
    *maker = (struct function_maker){.arena = arena, .proto = proto, .prefix = name};
    proto->signature = ARENA_NEW(arena, struct pb_op_def);
    proto->signature->name = name;
    proto->signature->input_arg.items = ARENA_ARRAY(arena, struct pb_op_def_arg_def, arguments);
    proto->signature->output_arg.items = ARENA_ARRAY(arena, struct pb_op_def_arg_def, results);
    proto->ret.items = ARENA_ARRAY(arena, struct pb_function_def_ret_entry, results);
}

struct span function_maker_argument(struct function_maker *maker, enum dtype dtype)
{
    size_t i = maker->proto->signature->input_arg.count++;
    struct pb_op_def_arg_def *arg = &maker->proto->signature->input_arg.items[i];
    arg->name = span_of(arena_printf(maker->arena, "argument%zu", i));
    arg->type = (int32_t)dtype;
    return arg->name;
}

void function_maker_result(struct function_maker *maker, enum dtype dtype, struct span tensor)
{
    size_t i = maker->proto->signature->output_arg.count++;
    struct pb_op_def_arg_def *arg = &maker->proto->signature->output_arg.items[i];
    arg->name = span_of(arena_printf(maker->arena, "result%zu", i));
    arg->type = (int32_t)dtype;
    maker->proto->ret.items[i] = (struct pb_function_def_ret_entry){arg->name, tensor};
    maker->proto->ret.count = i + 1;
}

void function_maker_effect(struct function_maker *maker, struct span node)
{
    struct pb_function_def *proto = maker->proto;
    size_t count = proto->control_ret.count;
    struct pb_function_def_control_ret_entry *items =
        ARENA_ARRAY(maker->arena, struct pb_function_def_control_ret_entry, count + 1);
    if (count)
        memcpy(items, proto->control_ret.items, count * sizeof *items);
    items[count] = (struct pb_function_def_control_ret_entry){.key = node, .value = node};
    proto->control_ret.items = items;
    proto->control_ret.count = count + 1;
}

const struct pb_function_def *function_maker_finish(struct function_maker *maker)
{
    struct pb_function_def *proto = maker->proto;
    proto->node_def.items = ARENA_ARRAY(maker->arena, struct pb_node_def, maker->count);
    proto->node_def.count = maker->count;
    for (size_t i = 0; i < maker->count; i++)
        proto->node_def.items[i] = *maker->nodes[i];
    return proto;
}

struct pb_node_def *function_maker_node(struct function_maker *maker, struct span op)
{
    struct arena *arena = maker->arena;
    if (maker->count == maker->room) {
        size_t room = maker->room ? 2 * maker->room : 32;
        struct pb_node_def **nodes = ARENA_ARRAY(arena, struct pb_node_def *, room);
        if (maker->count)
            memcpy(nodes, maker->nodes, maker->count * sizeof *nodes);
        maker->nodes = nodes;
        maker->room = room;
    }
    struct pb_node_def *node = ARENA_NEW(arena, struct pb_node_def);
    node->op = op;
    node->name = span_of(
        arena_printf(arena, "%.*s/%.*s.%zu", SPAN_ARG(maker->prefix), SPAN_ARG(op), maker->count));
    maker->nodes[maker->count++] = node;
    return node;
}

struct span node_output(struct arena *arena, const struct pb_node_def *node, size_t i)
{
    return i ? span_of(arena_printf(arena, "%.*s:%zu", SPAN_ARG(node->name), i)) : node->name;
}

void node_input(struct arena *arena, struct pb_node_def *node, struct span tensor)
{
    struct pb_spans *inputs = &node->input;
    /* Room doubles: it is there unless the count is a power of two. */
    if (!(inputs->count & (inputs->count - 1))) {
        struct span *items = ARENA_ARRAY(arena, struct span, 2 * inputs->count + 1);
        if (inputs->count)
            memcpy(items, inputs->items, inputs->count * sizeof *items);
        inputs->items = items;
    }
    inputs->items[inputs->count++] = tensor;
}

/* ---- attributes ---- */

struct pb_attr_value *node_add_attr(struct arena *arena, struct pb_node_def *node, const char *name,
                                    enum attr_case kind)
{
    struct pb_attr_value *value = ARENA_NEW(arena, struct pb_attr_value);
    value->value_case = kind;
    if (kind == ATTR_CASE_LIST)
        value->list = ARENA_NEW(arena, struct pb_attr_value_list_value);
    if (!node->attr.items)
        node->attr.items = ARENA_ARRAY(arena, struct pb_node_def_attr_entry, NODE_ATTRS_MAX);
    if (node->attr.count < NODE_ATTRS_MAX)
        node->attr.items[node->attr.count++] =
            (struct pb_node_def_attr_entry){.key = span_of(name), .value = value};
    return value;
}

void node_type(struct arena *arena, struct pb_node_def *node, const char *name, enum dtype dtype)
{
    node_add_attr(arena, node, name, ATTR_CASE_TYPE)->type = (int32_t)dtype;
}

void node_int(struct arena *arena, struct pb_node_def *node, const char *name, int64_t value)
{
    node_add_attr(arena, node, name, ATTR_CASE_INT)->i = value;
}

void node_bool(struct arena *arena, struct pb_node_def *node, const char *name, bool value)
{
    node_add_attr(arena, node, name, ATTR_CASE_BOOL)->b = value;
}

void node_float(struct arena *arena, struct pb_node_def *node, const char *name, float value)
{
    node_add_attr(arena, node, name, ATTR_CASE_FLOAT)->f = value;
}

void node_string(struct arena *arena, struct pb_node_def *node, const char *name, struct span value)
{
    node_add_attr(arena, node, name, ATTR_CASE_STRING)->s = value;
}

void node_func(struct arena *arena, struct pb_node_def *node, const char *name,
               struct span function)
{
    struct pb_attr_value *value = node_add_attr(arena, node, name, ATTR_CASE_FUNC);
    value->func = ARENA_NEW(arena, struct pb_name_attr_list);
    value->func->name = function;
}

void node_ints(struct arena *arena, struct pb_node_def *node, const char *name,
               const int64_t *values, size_t count)
{
    struct pb_attr_value *value = node_add_attr(arena, node, name, ATTR_CASE_LIST);
    int64_t *copy = ARENA_ARRAY(arena, int64_t, count);
    if (count)
        memcpy(copy, values, count * sizeof *copy);
    value->list->i.ptr = copy;
    value->list->i.count = count;
}

void node_types(struct arena *arena, struct pb_node_def *node, const char *name,
                const enum dtype *dtypes, size_t count)
{
    struct pb_attr_value *value = node_add_attr(arena, node, name, ATTR_CASE_LIST);
    int32_t *numbers = ARENA_ARRAY(arena, int32_t, count);
    for (size_t i = 0; i < count; i++)
        numbers[i] = (int32_t)dtypes[i];
    value->list->type.ptr = numbers;
    value->list->type.count = count;
}

struct pb_tensor_proto *node_value(struct arena *arena, struct pb_node_def *node, enum dtype dtype,
                                   const int64_t *dims, size_t rank, struct span bytes)
{
    struct pb_tensor_proto *tensor = ARENA_NEW(arena, struct pb_tensor_proto);
    tensor->dtype = (int32_t)dtype;
    tensor->tensor_content = bytes;
    tensor->tensor_shape = ARENA_NEW(arena, struct pb_tensor_shape_proto);
    tensor->tensor_shape->dim.items = ARENA_ARRAY(arena, struct pb_tensor_shape_proto_dim, rank);
    tensor->tensor_shape->dim.count = rank;
    for (size_t i = 0; i < rank; i++)
        tensor->tensor_shape->dim.items[i].size = dims[i];
    node_type(arena, node, "dtype", dtype);
    node_add_attr(arena, node, "value", ATTR_CASE_TENSOR)->tensor = tensor;
    return tensor;
}

/* ---- common nodes ---- */

struct span function_maker_unary(struct function_maker *maker, const char *op, struct span x,
                                 enum dtype dtype)
{
    struct pb_node_def *node = function_maker_node(maker, span_of(op));
    node_input(maker->arena, node, x);
    node_type(maker->arena, node, "T", dtype);
    return node->name;
}

struct span function_maker_binary(struct function_maker *maker, const char *op, struct span x,
                                  struct span y, enum dtype dtype)
{
    struct pb_node_def *node = function_maker_node(maker, span_of(op));
    node_input(maker->arena, node, x);
    node_input(maker->arena, node, y);
    node_type(maker->arena, node, "T", dtype);
    return node->name;
}

struct span function_maker_cast(struct function_maker *maker, struct span x, enum dtype from,
                                enum dtype to)
{
    if (from == to)
        return x;
    struct pb_node_def *node = function_maker_node(maker, SPAN_LITERAL("Cast"));
    node_input(maker->arena, node, x);
    node_type(maker->arena, node, "SrcT", from);
    node_type(maker->arena, node, "DstT", to);
    return node->name;
}
