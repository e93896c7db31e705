/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators that run other subgraphs, which are functions; variables and hash tables, which are
 * resources by their names. What changes a resource waits for what did so before, in the order of
 * the file.
 */
#include "savedmodel/tflite/translate.h"

enum {
    FUNCTIONS_MAX = 2,
    CALL_ONCE = 129,
    READ_VARIABLE = 143,
    ASSIGN_VARIABLE = 144,
    TABLE_IMPORT = 138,
};

/* What an operator calls, and how its attributes are named. */
struct calling {
    const char *functions[FUNCTIONS_MAX]; /* NULL: no more */
    int field;                            /* option that is the first one's subgraph */
    const char *types_in, *types_out;     /* types_out NULL: as those that go in */
    size_t first;                         /* input of the functions */
};

static enum code subgraph_option(struct tfl_body *b, int field, size_t *subgraph, struct error *err)
{
    int64_t number = tfl_option(b->op, field, 4, 0);
    if (!b->op->has_options || number < 0 || number >= (int64_t)b->t->model->subgraph_count)
        return error_set(err, CODE_INVALID_ARGUMENT, "there is no subgraph %lld",
                         (long long)number);
    *subgraph = (size_t)number;
    return CODE_OK;
}

/* The node changes resources, or sees what others change: it waits for the one before. */
static void chain(struct tfl_body *b, struct pb_node_def *node)
{
    if (!b->has_effects)
        return;
    if (b->last_effect.len)
        node_input(b->t->arena, node,
                   span_of(arena_printf(b->t->arena, "^%.*s", SPAN_ARG(b->last_effect))));
    b->last_effect = node->name;
}

static void types_of(struct tfl_body *b, struct pb_node_def *node, const char *name,
                     const struct tfl_list *tensors, size_t first)
{
    size_t count = tensors->count - first;
    enum dtype *dtypes = ARENA_ARRAY(b->t->arena, enum dtype, count);
    for (size_t i = 0; i < count; i++)
        dtypes[i] = b->graph->tensors[tensors->items[first + i]].dtype;
    node_types(b->t->arena, node, name, dtypes, count);
}

static enum code call(struct tfl_body *b, const struct tfl_rule *rule,
                      const struct calling *calling, struct error *err)
{
    struct pb_node_def *node = tfl_node(b, rule->op, 0);
    enum code code = CODE_OK;
    for (size_t i = 0; !code && i < b->op->inputs.count; i++) {
        struct span x;
        enum dtype dtype;
        code = tfl_operand(b, i, TFL_RAW, &x, &dtype, err);
        if (!code)
            node_input(b->t->arena, node, x);
        if (!code && i < calling->first)
            tfl_attr_type(b, node, "Tcond", dtype);
    }
    for (int i = 0; !code && i < FUNCTIONS_MAX && calling->functions[i]; i++) {
        size_t subgraph;
        code = subgraph_option(b, calling->field + i, &subgraph, err);
        if (code)
            break;
        tfl_want(b->t, subgraph);
        node_func(b->t->arena, node, calling->functions[i], tfl_function_name(b->t, subgraph));
    }
    if (code)
        return code;
    types_of(b, node, calling->types_in, &b->op->inputs, calling->first);
    if (calling->types_out)
        types_of(b, node, calling->types_out, &b->op->outputs, 0);
    chain(b, node);
    for (size_t i = 0; !code && i < b->op->outputs.count; i++)
        code = tfl_result(b, i, TFL_RAW, node_output(b->t->arena, node, i), err);
    return code;
}

static enum code if_rule(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    static const struct calling calling = {{"then_branch", "else_branch"}, 0, "Tin", "Tout", 1};
    return call(b, rule, &calling, err);
}

static enum code while_rule(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    static const struct calling calling = {{"cond", "body"}, 0, "T", NULL, 0};
    return call(b, rule, &calling, err);
}

/* Something that others may know as a whole, with a subgraph that does it step by step. */
static enum code composite(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    static const struct calling calling = {{"f"}, 1, "Tin", "Tout", 0};
    return call(b, rule, &calling, err);
}

static enum code call_once(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    enum { INIT };
    size_t subgraph;
    (void)rule;
    enum code code = subgraph_option(b, INIT, &subgraph, err);
    if (code)
        return code;
    const struct tfl_subgraph *graph = &b->t->model->subgraphs[subgraph];
    if (graph->inputs.count || graph->outputs.count)
        return tfl_wrong(b, "what is called once has inputs or outputs", err);
    tfl_want(b->t, subgraph);
    return CODE_OK;
}

/* ---- resources ---- */

/* The dtype of what is read from or written to the variable that is the operator's result: that of
 * a neighbour of it in this subgraph; float where there is none. */
static enum dtype variable_dtype(const struct tfl_body *b)
{
    int variable = b->op->outputs.items[0];
    for (size_t i = 0; i < b->graph->operator_count; i++) {
        const struct tfl_operator *op = &b->graph->operators[i];
        if ((op->code != READ_VARIABLE && op->code != ASSIGN_VARIABLE) || !op->inputs.count ||
            op->inputs.items[0] != variable)
            continue;
        const struct tfl_list *list = op->code == READ_VARIABLE ? &op->outputs : &op->inputs;
        if (list->count && list->items[list->count - 1] >= 0)
            return b->graph->tensors[list->items[list->count - 1]].dtype;
    }
    return DTYPE_FLOAT;
}

static enum code var_handle(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    enum { CONTAINER, SHARED_NAME };
    struct span container = {0}, name = {0};
    if (b->op->has_options && (!flatbuffer_string(&b->op->options, CONTAINER, &container) ||
                               !flatbuffer_string(&b->op->options, SHARED_NAME, &name)))
        return tfl_wrong(b, "its name leads out of the file", err);
    struct pb_node_def *node = tfl_node(b, rule->op, 0);
    node_string(b->t->arena, node, "container", container);
    node_string(b->t->arena, node, "shared_name", name);
    tfl_attr_type(b, node, "dtype", variable_dtype(b));
    struct pb_attr_value *shape = node_add_attr(b->t->arena, node, "shape", ATTR_CASE_SHAPE);
    shape->shape = ARENA_NEW(b->t->arena, struct pb_tensor_shape_proto);
    shape->shape->unknown_rank = true;
    return tfl_result(b, 0, TFL_RAW, node->name, err);
}

/* A rule whose node changes or reads what another one changes. */
static enum code effect(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    struct span *inputs;
    enum code code = tfl_operands(b, rule, 0, &inputs, err);
    if (code)
        return code;
    struct pb_node_def *node = tfl_node_of(b, rule, inputs, b->op->inputs.count);
    code = tfl_add_attrs(b, rule, node, err);
    chain(b, node);
    return !code && b->op->outputs.count ? tfl_result(b, 0, TFL_RAW, node->name, err) : code;
}

/* The value of keys that are not there is a vector of one here, a scalar in TensorFlow. */
static enum code hashtable_find(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    struct span inputs[3];
    enum dtype dtypes[3];
    enum code code = CODE_OK;
    for (size_t i = 0; !code && i < 3; i++)
        code = tfl_operand(b, i, TFL_RAW, &inputs[i], &dtypes[i], err);
    if (code)
        return code;
    struct span otherwise = tfl_reshape(b, inputs[2], dtypes[2], NULL, 0);
    struct pb_node_def *node = tfl_node(b, rule->op, 3, inputs[0], inputs[1], otherwise);
    code = tfl_add_attrs(b, rule, node, err);
    chain(b, node);
    return code ? code : tfl_result(b, 0, TFL_RAW, node->name, err);
}

/* How many keys is a vector of one, too. */
static enum code hashtable_size(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    static const int32_t one[] = {1};
    struct span table;
    enum dtype dtype;
    enum code code = tfl_operand(b, 0, TFL_RAW, &table, &dtype, err);
    if (code)
        return code;
    struct pb_node_def *node = tfl_node(b, rule->op, 1, table);
    chain(b, node);
    return tfl_result(b, 0, TFL_RAW, tfl_reshape(b, node->name, DTYPE_INT64, one, 1), err);
}

static enum code hashtable(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    enum { TABLE_ID, KEY_DTYPE, VALUE_DTYPE };
    enum dtype key = tfl_dtype(tfl_option(b->op, KEY_DTYPE, 1, 0));
    enum dtype value = tfl_dtype(tfl_option(b->op, VALUE_DTYPE, 1, 0));
    if (!key || !value)
        return tfl_wrong(b, "its keys or values are of no element type", err);
    struct pb_node_def *node = tfl_node(b, rule->op, 0);
    const char *name =
        arena_printf(b->t->arena, "hashtable_%lld", (long long)tfl_option(b->op, TABLE_ID, 4, 0));
    node_string(b->t->arena, node, "shared_name", span_of(name));
    tfl_attr_type(b, node, "key_dtype", key);
    tfl_attr_type(b, node, "value_dtype", value);
    return tfl_result(b, 0, TFL_RAW, node->name, err);
}

/* Does a subgraph that is not only run once change resources? */
void tfl_find_effects(struct tfl_translation *t)
{
    const struct tfl_model *model = t->model;
    for (size_t i = 0; i < model->subgraph_count; i++) {
        for (size_t k = 0; k < model->subgraphs[i].operator_count; k++) {
            const struct tfl_operator *op = &model->subgraphs[i].operators[k];
            int64_t once = op->code == CALL_ONCE ? tfl_option(op, 0, 4, 0) : -1;
            if (once >= 0 && once < (int64_t)model->subgraph_count)
                t->ran_once[once] = true;
        }
    }
    for (size_t i = 0; i < model->subgraph_count; i++) {
        for (size_t k = 0; k < model->subgraphs[i].operator_count; k++) {
            int code = model->subgraphs[i].operators[k].code;
            t->has_effects |= !t->ran_once[i] && (code == ASSIGN_VARIABLE || code == TABLE_IMPORT);
        }
    }
}

const struct tfl_rule tfl_control_rules[] = {
    TFL_RULE(118, "IF", if_rule, "If", TFL_RAW, 1, 0, 0),
    TFL_RULE(119, "WHILE", while_rule, "While", TFL_RAW, 0, 0, 0),
    TFL_RULE(206, "STABLEHLO_COMPOSITE", composite, "StatefulPartitionedCall", TFL_RAW, 0, 0, 0),
    TFL_RULE(CALL_ONCE, "CALL_ONCE", call_once, "StatefulPartitionedCall", TFL_RAW, 0, 0, 0),
    TFL_RULE(142, "VAR_HANDLE", var_handle, "VarHandleOp", TFL_RAW, 0, 1, 0),
    TFL_RULE(READ_VARIABLE, "READ_VARIABLE", effect, "ReadVariableOp", TFL_RAW, 1, 1, 0,
             {"dtype", TFL_ATTR_GIVES, 0}),
    TFL_RULE(ASSIGN_VARIABLE, "ASSIGN_VARIABLE", effect, "AssignVariableOp", TFL_RAW, 2, 0, 0,
             TFL_TYPE_OF("dtype", 1)),
    TFL_RULE(136, "HASHTABLE", hashtable, "HashTableV2", TFL_RAW, 0, 1, 0),
    TFL_RULE(137, "HASHTABLE_FIND", hashtable_find, "LookupTableFindV2", TFL_RAW, 3, 1, 0,
             TFL_TYPE_OF("Tin", 1), TFL_TYPE_OF("Tout", 2)),
    TFL_RULE(TABLE_IMPORT, "HASHTABLE_IMPORT", effect, "LookupTableImportV2", TFL_RAW, 3, 0, 0,
             TFL_TYPE_OF("Tin", 1), TFL_TYPE_OF("Tout", 2)),
    TFL_RULE(139, "HASHTABLE_SIZE", hashtable_size, "LookupTableSizeV2", TFL_RAW, 1, 1, 0),
    {0},
};
