/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reductions. One operation on both scalars is Sum, Max and so on; what jax makes of argmax and
 * argmin is ArgMax and ArgMin; the rest is XlaReduce, which runs the region for each element.
 */
#include "engine/stablehlo/translate.h"

static const struct hlo_combiner combiners[] = {
    {"add", "Sum", "AddV2", "Any", "LogicalOr"},
    {"maximum", "Max", "Maximum", "Any", "LogicalOr"},
    {"minimum", "Min", "Minimum", "All", "LogicalAnd"},
    {"multiply", "Prod", "Mul", "All", "LogicalAnd"},
    {"or", NULL, NULL, "Any", "LogicalOr"},
    {"and", NULL, NULL, "All", "LogicalAnd"},
};

/* Numbers that change nothing, by rows of the table: the bytes of an element. */
static const struct {
    const char *name;
    enum dtype dtype;
    int64_t bits;
} neutral[] = {
    {"maximum", DTYPE_FLOAT, 0xFF800000},
    {"minimum", DTYPE_FLOAT, 0x7F800000},
    {"maximum", DTYPE_DOUBLE, (int64_t)0xFFF0000000000000},
    {"minimum", DTYPE_DOUBLE, 0x7FF0000000000000},
    {"maximum", DTYPE_BFLOAT16, 0xFF80},
    {"minimum", DTYPE_BFLOAT16, 0x7F80},
    {"maximum", DTYPE_HALF, 0xFC00},
    {"minimum", DTYPE_HALF, 0x7C00},
    {"maximum", DTYPE_INT32, 0x80000000},
    {"minimum", DTYPE_INT32, 0x7FFFFFFF},
    {"multiply", DTYPE_FLOAT, 0x3F800000},
    {"multiply", DTYPE_INT32, 1},
};

const struct hlo_combiner *hlo_find_combiner(const struct mlir_region *region)
{
    if (region->op_count != 2 || region->arg_count != 2)
        return NULL;
    const struct mlir_op *op = region->ops[0], *last = region->ops[1];
    if (op->operand_count != 2 || op->result_count != 1 || last->operand_count != 1 ||
        last->operands[0] != &op->results[0] || op->operands[0] == op->operands[1])
        return NULL;
    for (int i = 0; i < 2; i++) {
        if (op->operands[i] != &region->args[0] && op->operands[i] != &region->args[1])
            return NULL;
    }
    bool is_bool = hlo_value_dtype(&region->args[0]) == DTYPE_BOOL;
    for (size_t i = 0; i < sizeof combiners / sizeof *combiners; i++) {
        if (hlo_is(op, combiners[i].name) && (is_bool || combiners[i].op))
            return &combiners[i];
    }
    return NULL;
}

/* The constant that a scalar is. jax broadcasts initial values, scalars, to scalars. */
static const struct mlir_attr *scalar_constant(const struct mlir_value *value)
{
    while (hlo_is(value->op, "broadcast_in_dim") && !value->type->rank)
        value = value->op->operands[0];
    return hlo_constant(value);
}

bool hlo_is_neutral(const struct hlo_combiner *combiner, const struct mlir_value *value)
{
    const struct mlir_attr *constant = scalar_constant(value);
    enum dtype dtype = hlo_value_dtype(value);
    int64_t bits = 0;
    if (!constant || constant->bytes.len != dtype_size(dtype) || constant->bytes.len > sizeof bits)
        return false;
    memcpy(&bits, constant->bytes.ptr, constant->bytes.len);
    if (dtype == DTYPE_BOOL)
        return (bits != 0) == span_is(span_of(combiner->bool_reduction), "All");
    if (span_is(span_of(combiner->name), "add"))
        return !bits;
    for (size_t i = 0; i < sizeof neutral / sizeof *neutral; i++) {
        if (neutral[i].dtype == dtype && neutral[i].bits == bits &&
            !strcmp(neutral[i].name, combiner->name))
            return true;
    }
    return false;
}

static struct span reduction(struct body *b, const char *name, struct span x, enum dtype dtype,
                             const struct hlo_ints *dims)
{
    struct pb_node_def *node = body_node(b, name, 2, x, body_vector(b, dims->values, dims->count));
    if (dtype != DTYPE_BOOL)
        body_type(b, node, "T", dtype);
    body_type(b, node, "Tidx", DTYPE_INT64);
    return node->name;
}

static void simple_reduce(struct body *b, const struct mlir_op *op,
                          const struct hlo_combiner *combiner, const struct hlo_ints *dims)
{
    enum dtype dtype = hlo_value_dtype(op->operands[0]);
    bool is_bool = dtype == DTYPE_BOOL;
    struct span x = reduction(b, is_bool ? combiner->bool_reduction : combiner->reduction,
                              body_operand(b, op, 0), dtype, dims);
    if (!hlo_is_neutral(combiner, op->operands[1])) {
        struct pb_node_def *node =
            body_node(b, is_bool ? combiner->bool_op : combiner->op, 2, x, body_operand(b, op, 1));
        if (!is_bool)
            body_type(b, node, "T", dtype);
        x = node->name;
    }
    body_set(b, op, 0, x);
}

/* ---- the places of the greatest and the least ---- */

static bool is_iota_along(const struct mlir_value *value, int64_t dim)
{
    struct error ignored;
    int64_t along;
    return (hlo_is(value->op, "iota") || hlo_is(value->op, "dynamic_iota")) &&
           !hlo_int(value->op, "iota_dimension", &along, &ignored) && along == dim;
}

/* The region of jax: the greater (lesser), or a NaN; of equal ones the first. */
static const char *place_op(const struct mlir_op *op, const struct hlo_ints *dims)
{
    static const char *const steps[] = {"compare", "compare", "or",     "compare", "compare",
                                        "and",     "or",      "select", "select",  "return"};
    enum { STEPS = sizeof steps / sizeof *steps };
    const struct mlir_region *region = &op->regions[0];
    struct error ignored;
    int64_t direction;
    if (op->operand_count != 4 || op->result_count != 2 || dims->count != 1 ||
        region->op_count != STEPS || !is_iota_along(op->operands[1], dims->values[0]) ||
        (hlo_value_dtype(&op->results[1]) != DTYPE_INT32 &&
         hlo_value_dtype(&op->results[1]) != DTYPE_INT64))
        return NULL;
    for (size_t i = 0; i < STEPS; i++) {
        if (!hlo_is(region->ops[i], steps[i]))
            return NULL;
    }
    if (hlo_int(region->ops[0], "comparison_direction", &direction, &ignored) ||
        region->ops[0]->operand_count != 2 || region->ops[0]->operands[0] != &region->args[0])
        return NULL;
    return direction == HLO_GREATER ? "ArgMax" : direction == HLO_LESS ? "ArgMin" : NULL;
}

static struct span place(struct body *b, const struct mlir_op *op, const char *name, struct span x,
                         enum dtype dtype, int64_t dim)
{
    struct pb_node_def *node = body_node(b, name, 2, x, body_scalar(b, dim));
    body_type(b, node, "T", dtype);
    body_type(b, node, "Tidx", DTYPE_INT64);
    body_type(b, node, "output_type", hlo_value_dtype(&op->results[1]));
    return node->name;
}

static void place_reduce(struct body *b, const struct mlir_op *op, const char *name,
                         const struct hlo_ints *dims)
{
    enum dtype dtype = hlo_value_dtype(op->operands[0]);
    struct span x = body_operand(b, op, 0);
    struct span at = place(b, op, name, x, dtype, dims->values[0]);
    body_set(b, op, 0, reduction(b, !strcmp(name, "ArgMax") ? "Max" : "Min", x, dtype, dims));
    if (dtype_is_float(dtype)) {
        struct span nan = body_unary(b, "IsNan", x, dtype);
        struct span any = reduction(b, "Any", nan, DTYPE_BOOL, dims);
        struct span first = place(b, op, "ArgMax", body_cast(b, nan, DTYPE_BOOL, DTYPE_UINT8),
                                  DTYPE_UINT8, dims->values[0]);
        struct pb_node_def *chosen = body_node(b, "SelectV2", 3, any, first, at);
        body_type(b, chosen, "T", hlo_value_dtype(&op->results[1]));
        at = chosen->name;
    }
    body_set(b, op, 1, at);
}

/* ---- any function ---- */

static enum code general_reduce(struct body *b, const struct mlir_op *op,
                                const struct hlo_ints *dims, struct error *err)
{
    size_t count = op->result_count;
    struct span function;
    struct region_spec spec = {.region = &op->regions[0]};
    if (!captures_none(b->t, &op->regions[0]) || op->regions[0].arg_count != 2 * count)
        return body_refuse(b, op, "by this function");
    enum code code = body_function(b, &spec, &function, err);
    if (code)
        return code;
    struct pb_node_def *node = body_node(b, count == 1 ? "XlaReduce" : "XlaVariadicReduceV2", 0);
    for (size_t i = 0; i < op->operand_count; i++)
        body_input(b, node, body_operand(b, op, i));
    if (count == 1)
        body_type(b, node, "T", hlo_value_dtype(op->operands[0]));
    else
        body_types(b, node, "T", op->operands, count);
    body_ints(b, node, "dimensions_to_reduce", dims->values, dims->count);
    body_func(b, node, "reducer", function);
    for (size_t i = 0; i < count; i++)
        body_set(b, op, i, count == 1 ? node->name : body_output(b, node, "outputs", i));
    return CODE_OK;
}

static enum code reduce(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                        struct error *err)
{
    (void)rule;
    struct hlo_ints dims;
    enum code code = hlo_dims(op, "dimensions", op->operands[0]->type->rank, &dims, err);
    if (code)
        return code;
    if (op->operand_count != 2 * op->result_count)
        return hlo_malformed(op, "operands", err);
    const struct hlo_combiner *combiner =
        op->result_count == 1 ? hlo_find_combiner(&op->regions[0]) : NULL;
    const char *place = place_op(op, &dims);
    if (combiner)
        simple_reduce(b, op, combiner, &dims);
    else if (place)
        place_reduce(b, op, place, &dims);
    else
        code = general_reduce(b, op, &dims, err);
    return code;
}

const struct hlo_rule hlo_reduce_rules[] = {
    {.name = "reduce", .fn = reduce, .operands = 2, .results = 1, .regions = 1},
    {0},
};
