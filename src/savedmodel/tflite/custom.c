/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators that are not built in. Those that are TensorFlow's own ("FlexName"; TensorFlow
 * Serving's interpreter has ParseExample, too) have as options a FlexBuffer vector of the op's name
 * and its NodeDef.
 */
#include "savedmodel/tflite/translate.h"
#include "wire/flexbuffer.h"
#include "wire/pb.h"

static bool read_node(const struct tfl_operator *op, struct span *name, struct span *bytes)
{
    struct flexbuffer_value root, item;
    size_t count;
    return flexbuffer_root(op->custom_options, &root) && flexbuffer_count(&root, &count) &&
           count == 2 && flexbuffer_item(&root, 0, &item) && flexbuffer_text(&item, name) &&
           flexbuffer_item(&root, 1, &item) && flexbuffer_text(&item, bytes);
}

static bool is_tensorflows(struct span custom)
{
    return span_starts_with(custom, SPAN_LITERAL("Flex")) ||
           span_starts_with(custom, SPAN_LITERAL("ParseExample"));
}

enum code tfl_custom(struct tfl_body *b, struct error *err)
{
    struct span name, bytes;
    struct arena *arena = b->t->arena;
    if (!is_tensorflows(b->op->custom))
        return tfl_refuse(b, "CUSTOM", arena_printf(arena, "%.*s", SPAN_ARG(b->op->custom)));
    if (!read_node(b->op, &name, &bytes))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "%.*s: its options are no FlexBuffer of a name and a NodeDef",
                         SPAN_ARG(b->op->custom));
    struct pb_node_def proto;
    enum code code = pb_decode(&pb_node_def_type, bytes, arena, &proto, err);
    if (code)
        return error_prefix(err, "%.*s: its NodeDef: ", SPAN_ARG(b->op->custom));
    struct pb_node_def *node = function_maker_node(&b->maker, proto.op);
    node->attr.items = proto.attr.items;
    node->attr.count = proto.attr.count;
    for (size_t i = 0; !code && i < b->op->inputs.count; i++) {
        struct span x;
        enum dtype dtype;
        code = tfl_operand(b, i, TFL_RAW, &x, &dtype, err);
        if (!code)
            node_input(arena, node, x);
    }
    for (size_t i = 0; !code && i < b->op->outputs.count; i++)
        code = tfl_result(b, i, TFL_RAW, node_output(arena, node, i), err);
    return code;
}
