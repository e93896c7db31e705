/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of what others define. Composites are what their name says where we have an op for it, else
 * their decomposition. Custom calls that tell a compiler where things lie hand their operand on;
 * assertions on shapes are left out, for our ops check theirs.
 */
#include "engine/stablehlo/translate.h"

typedef enum code custom_fn(struct body *b, const struct mlir_op *op, struct error *err);

struct custom {
    const char *name;
    custom_fn *fn;
    bool tokens; /* as of struct hlo_rule */
};

static const struct mlir_attr *custom_attr(const struct mlir_op *op, const char *name)
{
    static const char *const dicts[] = {"composite_attributes", "mhlo.attributes", "backend_config",
                                        "mhlo.backend_config"};
    for (size_t i = 0; i < sizeof dicts / sizeof *dicts; i++) {
        const struct mlir_attr *value = mlir_attr_get(mlir_attr_get(op->attrs, dicts[i]), name);
        if (value)
            return value;
    }
    return NULL;
}

static int64_t custom_int(const struct mlir_op *op, const char *name)
{
    const struct mlir_attr *value = custom_attr(op, name);
    return value && (value->kind == MLIR_ATTR_INT || value->kind == MLIR_ATTR_BOOL) ? value->number
                                                                                    : -1;
}

static enum code leave_out(struct body *b, const struct mlir_op *op, struct error *err)
{
    (void)b;
    return op->result_count ? hlo_malformed(op, "results", err) : CODE_OK;
}

static enum code hand_on(struct body *b, const struct mlir_op *op, struct error *err)
{
    if (op->operand_count != 1 || op->result_count != 1)
        return hlo_malformed(op, "operands", err);
    b->t->values[op->results[0].id] = b->t->values[op->operands[0]->id];
    return CODE_OK;
}

static enum code error_function(struct body *b, const struct mlir_op *op, struct error *err)
{
    if (op->operand_count != 1 || op->result_count != 1)
        return hlo_malformed(op, "operands", err);
    body_set(b, op, 0,
             body_unary(b, "Erf", body_operand(b, op, 0), hlo_value_dtype(op->operands[0])));
    return CODE_OK;
}

static enum code top_k(struct body *b, const struct mlir_op *op, struct error *err)
{
    int64_t k = custom_int(op, "k");
    if (op->operand_count != 1 || op->result_count != 2 || k < 0)
        return hlo_malformed(op, "operands", err);
    if (!custom_int(op, "largest"))
        return body_refuse(b, op, "of the least");
    struct pb_node_def *node = body_node(b, "TopKV2", 2, body_operand(b, op, 0), body_scalar(b, k));
    body_type(b, node, "T", hlo_value_dtype(op->operands[0]));
    body_type(b, node, "Tk", DTYPE_INT64);
    body_type(b, node, "index_type", hlo_value_dtype(&op->results[1]));
    body_set(b, op, 0, body_output(b, node, "values", 0));
    body_set(b, op, 1, body_output(b, node, "indices", 0));
    return CODE_OK;
}

/* LAPACK's Cholesky factor, and whether it failed: ours fails by itself. */
static enum code potrf(struct body *b, const struct mlir_op *op, struct error *err)
{
    if (op->operand_count != 1 || op->result_count != 2)
        return hlo_malformed(op, "operands", err);
    if (custom_int(op, "uplo") != 'L' || !hlo_is_static(op->results[1].type))
        return body_refuse(b, op, "of the upper triangle, or of unknown sizes");
    enum dtype info = hlo_value_dtype(&op->results[1]);
    body_set(b, op, 0,
             body_unary(b, "Cholesky", body_operand(b, op, 0), hlo_value_dtype(op->operands[0])));
    body_set(b, op, 1,
             body_broadcast(b, body_number(b, info, 0), info, body_shape_of(b, &op->results[1]),
                            DTYPE_INT64));
    return CODE_OK;
}

static enum code trsm(struct body *b, const struct mlir_op *op, struct error *err)
{
    int64_t transposed = custom_int(op, "trans_x");
    enum dtype dtype = op->operand_count ? hlo_value_dtype(op->operands[0]) : DTYPE_INVALID;
    if (op->operand_count != 2 || op->result_count != 1)
        return hlo_malformed(op, "operands", err);
    if (custom_int(op, "side") != 'L' || custom_int(op, "diag") != 'N' ||
        (transposed == 'T' && hlo_is_complex(dtype)))
        return body_refuse(b, op, "from the right, of a unit diagonal, or transposed");
    struct pb_node_def *node =
        body_node(b, "MatrixTriangularSolve", 2, body_operand(b, op, 0), body_operand(b, op, 1));
    body_type(b, node, "T", dtype);
    body_bool(b, node, "lower", custom_int(op, "uplo") == 'L');
    body_bool(b, node, "adjoint", transposed != 'N');
    body_set(b, op, 0, node->name);
    return CODE_OK;
}

static const struct custom customs[] = {
    {"Sharding", hand_on, false},
    {"SPMDFullToShardShape", hand_on, false},
    {"SPMDShardToFullShape", hand_on, false},
    {"annotate_device_placement", hand_on, false},
    {"chlo.erf", error_function, false},
    {"chlo.top_k", top_k, false},
    {"lapack_cpotrf_ffi", potrf, false},
    {"lapack_ctrsm_ffi", trsm, false},
    {"lapack_dpotrf_ffi", potrf, false},
    {"lapack_dtrsm_ffi", trsm, false},
    {"lapack_spotrf_ffi", potrf, false},
    {"lapack_strsm_ffi", trsm, false},
    {"lapack_zpotrf_ffi", potrf, false},
    {"lapack_ztrsm_ffi", trsm, false},
    {"mhlo.erf", error_function, false},
    {"mhlo.topk", top_k, false},
    {"shape_assertion", leave_out, true},
};

static const struct custom *find(struct span name)
{
    for (size_t i = 0; i < sizeof customs / sizeof *customs; i++) {
        if (span_is(name, customs[i].name))
            return &customs[i];
    }
    return NULL;
}

static enum code custom_call(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                             struct error *err)
{
    (void)rule;
    struct span name = hlo_string(op, "call_target_name");
    const struct custom *custom = find(name);
    if (custom && (custom->tokens || hlo_has_known_types(op)))
        return custom->fn(b, op, err);
    return body_refuse(b, op, arena_printf(b->t->arena, "@%.*s", SPAN_ARG(name)));
}

static enum code composite(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                           struct error *err)
{
    (void)rule;
    const struct custom *custom = find(hlo_string(op, "name"));
    if (custom && hlo_has_known_types(op))
        return custom->fn(b, op, err);
    return body_call(b, op, hlo_string(op, "decomposition"), err);
}

const struct hlo_rule hlo_custom_rules[] = {
    {.name = "composite", .fn = composite},
    {.name = "custom_call", .fn = custom_call, .tokens = true},
    {0},
};
