/* SPDX-License-Identifier: Apache-2.0 */
/* Regions that run zero or more times become functions of While, If and Case; what they use of the
 * function around them goes in as more arguments. */
#include "engine/stablehlo/translate.h"

static void add_inputs(struct body *b, struct pb_node_def *node, const struct captures *captures)
{
    for (size_t i = 0; i < captures->count; i++)
        body_input(b, node, b->t->values[captures->values[i]->id].full);
}

/* Does the region hand on what the op gives? */
static bool gives(const struct mlir_region *region, size_t count)
{
    return region->op_count && region->ops[region->op_count - 1]->operand_count == count;
}

static bool are_captures_known(const struct captures *captures)
{
    bool known = true;
    for (size_t i = 0; i < captures->count; i++)
        known &= hlo_value_dtype(captures->values[i]) != DTYPE_INVALID;
    return known;
}

static enum code while_rule(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                            struct error *err)
{
    static const char *const names[] = {"cond", "body"};
    struct captures captures = {0};
    for (int i = 0; i < 2; i++) {
        if (op->regions[i].arg_count != op->operand_count ||
            !gives(&op->regions[i], i ? op->operand_count : 1) ||
            op->result_count != op->operand_count)
            return hlo_malformed(op, "regions", err);
        captures_find(b->t, &op->regions[i], &captures);
    }
    if (!are_captures_known(&captures))
        return body_refuse(b, op, "of this type");
    struct span functions[2];
    for (int i = 0; i < 2; i++) {
        struct region_spec spec = {
            .region = &op->regions[i], .captures = &captures, .hands_on = i == 1};
        enum code code = body_function(b, &spec, &functions[i], err);
        if (code)
            return code;
    }
    struct pb_node_def *node = body_node(b, rule->op, 0);
    size_t count = op->operand_count + captures.count;
    const struct mlir_value **all = ARENA_ARRAY(b->t->scratch, const struct mlir_value *, count);
    for (size_t i = 0; i < op->operand_count; i++) {
        body_input(b, node, body_operand(b, op, i));
        all[i] = op->operands[i];
    }
    if (captures.count)
        memcpy(all + op->operand_count, captures.values, captures.count * sizeof *all);
    add_inputs(b, node, &captures);
    body_types(b, node, "T", all, count);
    for (int i = 0; i < 2; i++)
        body_func(b, node, names[i], functions[i]);
    body_set_all(b, op, node, "output");
    return CODE_OK;
}

/* The functions of all regions, with the same captures. */
static enum code make_branches(struct body *b, const struct mlir_op *op, struct captures *captures,
                               struct span **functions, struct error *err)
{
    for (size_t i = 0; i < op->region_count; i++) {
        if (op->regions[i].arg_count || !gives(&op->regions[i], op->result_count))
            return hlo_malformed(op, "regions", err);
        captures_find(b->t, &op->regions[i], captures);
    }
    if (!are_captures_known(captures))
        return error_set(err, CODE_UNIMPLEMENTED, "StableHLO regions of this type");
    *functions = ARENA_ARRAY(b->t->scratch, struct span, op->region_count);
    for (size_t i = 0; i < op->region_count; i++) {
        struct region_spec spec = {.region = &op->regions[i], .captures = captures};
        enum code code = body_function(b, &spec, &(*functions)[i], err);
        if (code)
            return code;
    }
    return CODE_OK;
}

static void finish_branches(struct body *b, const struct mlir_op *op, struct pb_node_def *node,
                            const struct captures *captures)
{
    add_inputs(b, node, captures);
    body_types(b, node, "Tin", captures->values, captures->count);
    body_result_types(b, node, "Tout", op);
    body_set_all(b, op, node, "output");
}

static enum code if_rule(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                         struct error *err)
{
    struct captures captures = {0};
    struct span *functions;
    enum code code = make_branches(b, op, &captures, &functions, err);
    if (code)
        return code;
    struct pb_node_def *node = body_node(b, rule->op, 1, body_operand(b, op, 0));
    body_type(b, node, "Tcond", hlo_value_dtype(op->operands[0]));
    body_func(b, node, "then_branch", functions[0]);
    body_func(b, node, "else_branch", functions[1]);
    finish_branches(b, op, node, &captures);
    return CODE_OK;
}

/* A case upon the platform is the branch of ours; others may hold what only their platforms have.
 */
static enum code platform_branch(struct body *b, const struct mlir_op *op, size_t index,
                                 struct error *err)
{
    if (index >= op->region_count)
        index = op->region_count - 1;
    struct span *results = ARENA_ARRAY(b->t->scratch, struct span, op->result_count);
    enum code code = body_region(b, &op->regions[index], results, op->result_count, err);
    for (size_t i = 0; !code && i < op->result_count; i++)
        body_set(b, op, i, results[i]);
    return code;
}

static enum code case_rule(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                           struct error *err)
{
    int platform = b->t->values[op->operands[0]->id].platform;
    if (platform)
        return platform_branch(b, op, (size_t)platform - 1, err);
    struct captures captures = {0};
    struct span *functions;
    enum code code = make_branches(b, op, &captures, &functions, err);
    if (code)
        return code;
    struct span index =
        body_cast(b, body_operand(b, op, 0), hlo_value_dtype(op->operands[0]), DTYPE_INT32);
    struct pb_node_def *node = body_node(b, rule->op, 1, index);
    body_funcs(b, node, "branches", functions, op->region_count);
    finish_branches(b, op, node, &captures);
    return CODE_OK;
}

static enum code call_rule(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                           struct error *err)
{
    (void)rule;
    return body_call(b, op, hlo_string(op, "callee"), err);
}

const struct hlo_rule hlo_control_rules[] = {
    {.name = "call", .fn = call_rule},
    {.name = "case", .fn = case_rule, .op = "StatelessCase", .operands = 1, .regions = 1},
    {.name = "if", .fn = if_rule, .op = "StatelessIf", .operands = 1, .regions = 2},
    {.name = "while", .fn = while_rule, .op = "StatelessWhile", .regions = 2},
    {0},
};
