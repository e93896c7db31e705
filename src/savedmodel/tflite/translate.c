/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A subgraph is a function: its inputs are arguments, its operators, which stand in an order in
 * which they can run, become nodes one after the other, its outputs are results. So no tensor can
 * be used before it is made, and there are no cycles.
 */
#include "savedmodel/tflite/translate.h"

enum { CODE_CUSTOM = 32, NAME_MAX_SHOWN = 200 };

static const struct tfl_rule *const tables[] = {
    tfl_elementwise_rules, tfl_shape_rules,   tfl_index_rules,   tfl_reduce_rules,
    tfl_window_rules,      tfl_product_rules, tfl_control_rules, tfl_sequence_rules,
};

/* Names of what no rule is for, by code. */
static const char *const without_rules[] = {
    [10] = "HASHTABLE_LOOKUP",
    [15] = "LSH_PROJECTION",
    [16] = "LSTM",
    [24] = "RNN",
    [27] = "SVDF",
    [29] = "CONCAT_EMBEDDINGS",
    [30] = "SKIP_GRAM",
    [31] = "CALL",
    [33] = "EMBEDDING_LOOKUP_SPARSE",
    [35] = "UNIDIRECTIONAL_SEQUENCE_RNN",
    [46] = "BIDIRECTIONAL_SEQUENCE_RNN",
    [51] = "DELEGATE",
    [162] = "STABLEHLO_LOGISTIC",
    [163] = "STABLEHLO_ADD",
    [164] = "STABLEHLO_DIVIDE",
    [165] = "STABLEHLO_MULTIPLY",
    [166] = "STABLEHLO_MAXIMUM",
    [167] = "STABLEHLO_RESHAPE",
    [168] = "STABLEHLO_CLAMP",
    [169] = "STABLEHLO_CONCATENATE",
    [170] = "STABLEHLO_BROADCAST_IN_DIM",
    [171] = "STABLEHLO_CONVOLUTION",
    [172] = "STABLEHLO_SLICE",
    [173] = "STABLEHLO_CUSTOM_CALL",
    [174] = "STABLEHLO_REDUCE",
    [175] = "STABLEHLO_ABS",
    [176] = "STABLEHLO_AND",
    [177] = "STABLEHLO_COSINE",
    [178] = "STABLEHLO_EXPONENTIAL",
    [179] = "STABLEHLO_FLOOR",
    [180] = "STABLEHLO_LOG",
    [181] = "STABLEHLO_MINIMUM",
    [182] = "STABLEHLO_NEGATE",
    [183] = "STABLEHLO_OR",
    [184] = "STABLEHLO_POWER",
    [185] = "STABLEHLO_REMAINDER",
    [186] = "STABLEHLO_RSQRT",
    [187] = "STABLEHLO_SELECT",
    [188] = "STABLEHLO_SUBTRACT",
    [189] = "STABLEHLO_TANH",
    [190] = "STABLEHLO_SCATTER",
    [191] = "STABLEHLO_COMPARE",
    [192] = "STABLEHLO_CONVERT",
    [193] = "STABLEHLO_DYNAMIC_SLICE",
    [194] = "STABLEHLO_DYNAMIC_UPDATE_SLICE",
    [195] = "STABLEHLO_PAD",
    [196] = "STABLEHLO_IOTA",
    [197] = "STABLEHLO_DOT_GENERAL",
    [198] = "STABLEHLO_REDUCE_WINDOW",
    [199] = "STABLEHLO_SORT",
    [200] = "STABLEHLO_WHILE",
    [201] = "STABLEHLO_GATHER",
    [202] = "STABLEHLO_TRANSPOSE",
    [203] = "DILATE",
    [204] = "STABLEHLO_RNG_BIT_GENERATOR",
    [205] = "REDUCE_WINDOW",
    [207] = "STABLEHLO_SHIFT_LEFT",
    [208] = "STABLEHLO_CBRT",
    [209] = "STABLEHLO_CASE",
};

const struct tfl_rule *tfl_rule_at(size_t i)
{
    for (size_t k = 0; k < sizeof tables / sizeof *tables; k++) {
        for (const struct tfl_rule *rule = tables[k]; rule->name; rule++) {
            if (!i--)
                return rule;
        }
    }
    return NULL;
}

static const struct tfl_rule *find_rule(int code)
{
    for (size_t k = 0; k < sizeof tables / sizeof *tables; k++) {
        for (const struct tfl_rule *rule = tables[k]; rule->name; rule++) {
            if (rule->code == code)
                return rule;
        }
    }
    return NULL;
}

/* ---- rules ---- */

enum code tfl_wrong(const struct tfl_body *b, const char *what, struct error *err)
{
    (void)b;
    return error_set(err, CODE_INVALID_ARGUMENT, "%s", what);
}

enum code tfl_refuse(struct tfl_body *b, const char *name, const char *detail)
{
    struct arena *arena = b->t->arena;
    struct pb_node_def *node = function_maker_node(
        &b->maker, span_of(arena_printf(arena, "TFLite.%s%s%s", name, *detail ? " " : "", detail)));
    node->name = span_of(arena_printf(arena, "%.*s/missing", SPAN_ARG(b->maker.prefix)));
    /* What is missing before it is to be told, too. */
    for (size_t i = 0; i < b->op->inputs.count; i++) {
        struct span x;
        enum dtype dtype;
        if (tfl_has_input(b, i) && !tfl_operand(b, i, TFL_RAW, &x, &dtype, NULL))
            node_input(arena, node, x);
    }
    for (size_t i = 0; i < b->op->outputs.count; i++)
        b->values[b->op->outputs.items[i]].raw = node_output(arena, node, i);
    return CODE_OK;
}

static enum tfl_form form_of(const struct tfl_body *b, const struct tfl_rule *rule)
{
    return rule->form == TFL_MOVED ? tfl_moved_form(b) : rule->form;
}

static enum code type_attr(struct tfl_body *b, struct pb_node_def *node, const char *name,
                           enum dtype dtype, struct error *err)
{
    if (dtype == DTYPE_INVALID)
        return tfl_wrong(b, "one of its options is no element type", err);
    tfl_attr_type(b, node, name, dtype);
    return CODE_OK;
}

static enum code add_attr(struct tfl_body *b, const struct tfl_rule *rule,
                          const struct tfl_attr *attr, struct pb_node_def *node, struct error *err)
{
    struct arena *arena = b->t->arena;
    enum tfl_form form = form_of(b, rule);
    const struct tfl_operator *op = b->op;
    size_t at = (size_t)attr->field;
    switch (attr->kind) {
    case TFL_ATTR_INT:
        node_int(arena, node, attr->name, tfl_option(op, attr->field, 4, 0));
        return CODE_OK;
    case TFL_ATTR_LONG:
        node_int(arena, node, attr->name, tfl_option(op, attr->field, 8, 0));
        return CODE_OK;
    case TFL_ATTR_BOOL:
        node_bool(arena, node, attr->name, tfl_option(op, attr->field, 1, 0));
        return CODE_OK;
    case TFL_ATTR_FLOAT:
        node_float(arena, node, attr->name, tfl_option_float(op, attr->field));
        return CODE_OK;
    case TFL_ATTR_COUNT_OF:
        node_int(arena, node, attr->name,
                 (int64_t)(attr->field ? op->outputs.count : op->inputs.count));
        return CODE_OK;
    case TFL_ATTR_IS_TYPE:
        return type_attr(b, node, attr->name, (enum dtype)attr->field, err);
    case TFL_ATTR_TYPE_OF:
        return tfl_has_input(b, at)
                   ? type_attr(b, node, attr->name, tfl_dtype_in(tfl_input(b, at), form), err)
                   : tfl_wrong(b, "an input is missing", err);
    case TFL_ATTR_GIVES:
        return type_attr(b, node, attr->name, tfl_dtype_in(tfl_output(b, at), form), err);
    case TFL_ATTR_NONE:
        break;
    }
    return CODE_OK;
}

enum code tfl_add_attrs(struct tfl_body *b, const struct tfl_rule *rule, struct pb_node_def *node,
                        struct error *err)
{
    enum code code = CODE_OK;
    for (int i = 0; !code && i < TFL_ATTRS_MAX; i++)
        code = add_attr(b, rule, &rule->attrs[i], node, err);
    return code;
}

enum code tfl_activated_result(struct tfl_body *b, const struct tfl_rule *rule, struct span x,
                               struct error *err)
{
    enum tfl_form form = form_of(b, rule);
    const struct tfl_tensor *to = tfl_output(b, 0);
    int64_t activation = rule->activation ? tfl_option(b->op, rule->activation - 1, 1, 0) : 0;
    if (activation && form == TFL_RAW && tfl_is_quantized(to))
        return tfl_refuse(b, rule->name, "of stored elements with an activation");
    enum code code = tfl_activate(b, (int)activation, &x, tfl_dtype_in(to, form), err);
    return code ? code : tfl_result(b, 0, activation ? TFL_REAL : form, x, err);
}

struct pb_node_def *tfl_node_of(struct tfl_body *b, const struct tfl_rule *rule,
                                const struct span *inputs, size_t count)
{
    struct pb_node_def *node = tfl_node(b, rule->op, 0);
    for (size_t i = 0; i < count; i++)
        node_input(b->t->arena, node, inputs[i]);
    return node;
}

enum code tfl_plain_of(struct tfl_body *b, const struct tfl_rule *rule, const struct span *inputs,
                       size_t count, struct error *err)
{
    struct pb_node_def *node = tfl_node_of(b, rule, inputs, count);
    enum tfl_form form = form_of(b, rule);
    enum code code = tfl_add_attrs(b, rule, node, err);
    if (!code && b->op->outputs.count)
        code = tfl_activated_result(b, rule, node->name, err);
    for (size_t i = 1; !code && i < b->op->outputs.count; i++)
        code = tfl_result(b, i, form, node_output(b->t->arena, node, i), err);
    return code;
}

enum code tfl_operands(struct tfl_body *b, const struct tfl_rule *rule, size_t room,
                       struct span **inputs, struct error *err)
{
    size_t count = b->op->inputs.count;
    enum tfl_form form = form_of(b, rule);
    enum code code = CODE_OK;
    *inputs = ARENA_ARRAY(b->t->arena, struct span, count + room);
    for (size_t i = 0; !code && i < count; i++) {
        enum dtype dtype;
        code = tfl_operand(b, i, form, &(*inputs)[i], &dtype, err);
    }
    return code;
}

enum code tfl_plain(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    struct span *inputs;
    enum code code = tfl_operands(b, rule, 0, &inputs, err);
    return code ? code : tfl_plain_of(b, rule, inputs, b->op->inputs.count, err);
}

/* ---- operators ---- */

static const char *name_of(struct tfl_body *b, const struct tfl_rule *rule)
{
    size_t code = (size_t)b->op->code;
    if (rule)
        return rule->name;
    if (code == CODE_CUSTOM)
        return "CUSTOM";
    if (code < sizeof without_rules / sizeof *without_rules && without_rules[code])
        return without_rules[code];
    return arena_printf(b->t->arena, "operator %d", b->op->code);
}

static enum code translate_operator(struct tfl_body *b, const struct tfl_rule *rule,
                                    struct error *err)
{
    if (b->op->code == CODE_CUSTOM)
        return tfl_custom(b, err);
    if (!rule)
        return tfl_refuse(b, name_of(b, rule), "");
    if (b->op->inputs.count < rule->inputs || b->op->outputs.count < rule->outputs)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "it has %zu inputs and %zu outputs, at least %d and %d are expected",
                         b->op->inputs.count, b->op->outputs.count, rule->inputs, rule->outputs);
    return rule->fn(b, rule, err);
}

static enum code translate_operators(struct tfl_body *b, struct error *err)
{
    for (size_t i = 0; i < b->graph->operator_count; i++) {
        b->op = &b->graph->operators[i];
        const struct tfl_rule *rule = find_rule(b->op->code);
        const char *name = name_of(b, rule);
        b->maker.prefix = span_of(arena_printf(b->t->arena, "%s_%zu", name, i));
        enum code code = translate_operator(b, rule, err);
        if (code)
            return error_prefix(err, "operator %zu (%s): ", i, name);
    }
    return CODE_OK;
}

/* ---- subgraphs ---- */

struct span tfl_function_name(struct tfl_translation *t, size_t subgraph)
{
    struct span name = span_sub(t->model->subgraphs[subgraph].name, 0, NAME_MAX_SHOWN);
    return span_of(arena_printf(t->arena, "%.*s.%zu", SPAN_ARG(name), subgraph));
}

static enum code add_arguments(struct tfl_body *b, struct error *err)
{
    for (size_t i = 0; i < b->graph->inputs.count; i++) {
        int number = b->graph->inputs.items[i];
        const struct tfl_tensor *tensor = &b->graph->tensors[number];
        if (tensor->dtype == DTYPE_INVALID)
            return error_set(err, CODE_UNIMPLEMENTED,
                             "input %zu (\"%.*s\"): elements of its type are not implemented", i,
                             SPAN_ARG(tensor->name));
        b->values[number].raw = function_maker_argument(&b->maker, tensor->dtype);
    }
    return CODE_OK;
}

static enum code add_results(struct tfl_body *b, struct error *err)
{
    for (size_t i = 0; i < b->graph->outputs.count; i++) {
        int number = b->graph->outputs.items[i];
        struct span x;
        enum code code = tfl_value_of(b, number, TFL_RAW, &x, err);
        if (code)
            return error_prefix(err, "output %zu: ", i);
        function_maker_result(&b->maker, b->graph->tensors[number].dtype, x);
    }
    return CODE_OK;
}

static enum code make_function(struct tfl_translation *t, size_t subgraph, struct error *err)
{
    const struct tfl_subgraph *graph = &t->model->subgraphs[subgraph];
    struct tfl_body b = {
        .t = t, .graph = graph, .has_effects = t->has_effects || t->ran_once[subgraph]};
    b.values = ARENA_ARRAY(t->arena, struct tfl_value, graph->tensor_count);
    function_maker_init(&b.maker, t->arena, tfl_function_name(t, subgraph), graph->inputs.count,
                        graph->outputs.count);
    enum code code = add_arguments(&b, err);
    if (!code)
        code = translate_operators(&b, err);
    b.maker.prefix = SPAN_LITERAL("results");
    if (!code)
        code = add_results(&b, err);
    if (b.last_effect.len)
        function_maker_effect(&b.maker, b.last_effect);
    if (code)
        return error_prefix(err, "subgraph %zu: ", subgraph);
    t->functions[subgraph] = function_maker_finish(&b.maker);
    return CODE_OK;
}

void tfl_want(struct tfl_translation *t, size_t subgraph)
{
    if (!t->wanted[subgraph])
        t->queue[t->queued++] = subgraph;
    t->wanted[subgraph] = true;
}

enum code tfl_translate(struct tfl_translation *t, struct error *err)
{
    enum code code = CODE_OK;
    while (!code && t->queued)
        code = make_function(t, t->queue[--t->queued], err);
    return code;
}
