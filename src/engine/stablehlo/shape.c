/* SPDX-License-Identifier: Apache-2.0 */
/* Operations that move elements or ask for sizes. */
#include "engine/stablehlo/translate.h"

/* The operand's dimensions in ascending order of where they go. */
static struct span ascending(struct body *b, const struct mlir_op *op, struct hlo_ints *dims)
{
    int64_t perm[SHAPE_RANK_MAX];
    size_t rank = dims->count;
    for (size_t i = 0; i < rank; i++)
        perm[i] = (int64_t)i;
    for (size_t i = 1; i < rank; i++) {
        for (size_t k = i; k > 0 && dims->values[k] < dims->values[k - 1]; k--) {
            int64_t value = dims->values[k], place = perm[k];
            dims->values[k] = dims->values[k - 1];
            perm[k] = perm[k - 1];
            dims->values[k - 1] = value;
            perm[k - 1] = place;
        }
    }
    const struct hlo_value *value = &b->t->values[op->operands[0]->id];
    enum dtype dtype = hlo_value_dtype(op->operands[0]);
    bool sorted = true;
    for (size_t i = 0; i < rank; i++)
        sorted &= perm[i] == (int64_t)i;
    if (!sorted || !value->narrow.len)
        return body_transpose(b, value->full, dtype, perm, rank);
    struct span x = value->narrow;
    for (int at = value->narrow_rank; at < (int)rank; at++)
        x = body_expand_dims(b, x, dtype, 0);
    return x;
}

/* Only sizes of 1 come in, all sizes known? A narrow form has other sizes than the type says. */
static bool is_reshape(const struct body *b, const struct mlir_op *op, const struct hlo_ints *dims)
{
    const struct mlir_type *in = op->operands[0]->type, *out = op->results[0].type;
    if (!hlo_is_static(in) || !hlo_is_static(out) || b->t->values[op->operands[0]->id].narrow.len)
        return false;
    for (size_t k = 0; k < out->rank; k++) {
        int64_t size = 1;
        for (size_t i = 0; i < dims->count; i++)
            size = dims->values[i] == (int64_t)k ? in->dims[i] : size;
        if (size != out->dims[k])
            return false;
    }
    return true;
}

static enum code broadcast_in_dim(struct body *b, const struct mlir_op *op,
                                  const struct hlo_rule *rule, struct error *err)
{
    struct hlo_ints dims;
    const struct mlir_type *out = op->results[0].type;
    enum dtype dtype = hlo_value_dtype(op->operands[0]);
    enum code code = hlo_dims(op, "broadcast_dimensions", out->rank, &dims, err);
    if (code)
        return code;
    if (dims.count != op->operands[0]->type->rank)
        return hlo_malformed(op, "broadcast_dimensions", err);
    struct hlo_ints places = dims;
    struct hlo_value to = {.narrow = ascending(b, op, &places)};
    int64_t first = dims.count ? places.values[0] : (int64_t)out->rank;
    for (int64_t k = first; k < (int64_t)out->rank; k++) {
        if (!hlo_has(&places, k))
            to.narrow = body_expand_dims(b, to.narrow, dtype, k - first);
    }
    to.narrow_rank = (int)((int64_t)out->rank - first);
    bool computed = rule->operands == 2 && !hlo_is_static(out);
    if (is_reshape(b, op, &dims)) {
        struct span shape = body_vector(b, out->dims, out->rank);
        to = (struct hlo_value){.full = body_reshape(b, to.narrow, dtype, shape, DTYPE_INT64)};
    } else if (computed) {
        to.full = body_broadcast(b, to.narrow, dtype, body_operand(b, op, 1),
                                 hlo_value_dtype(op->operands[1]));
    } else {
        to.full =
            body_broadcast(b, to.narrow, dtype, body_vector(b, out->dims, out->rank), DTYPE_INT64);
    }
    b->t->values[op->results[0].id] = to;
    return CODE_OK;
}

static enum code reshape(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                         struct error *err)
{
    (void)err;
    const struct mlir_type *out = op->results[0].type;
    bool computed = rule->operands == 2 && !hlo_is_static(out);
    struct span shape = computed ? body_operand(b, op, 1) : body_vector(b, out->dims, out->rank);
    body_set(b, op, 0,
             body_reshape(b, body_operand(b, op, 0), hlo_value_dtype(op->operands[0]), shape,
                          computed ? hlo_value_dtype(op->operands[1]) : DTYPE_INT64));
    return CODE_OK;
}

static enum code transpose(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                           struct error *err)
{
    (void)rule;
    struct hlo_ints perm;
    size_t rank = op->operands[0]->type->rank;
    enum code code = hlo_dims(op, "permutation", rank, &perm, err);
    if (code)
        return code;
    if (perm.count != rank)
        return hlo_malformed(op, "permutation", err);
    body_set(b, op, 0,
             body_transpose(b, body_operand(b, op, 0), hlo_value_dtype(op->operands[0]),
                            perm.values, rank));
    return CODE_OK;
}

static enum code concatenate(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                             struct error *err)
{
    int64_t dim;
    enum code code = hlo_int(op, "dimension", &dim, err);
    if (code)
        return code;
    if (op->operand_count == 1) {
        body_set(b, op, 0, body_operand(b, op, 0));
        return CODE_OK;
    }
    struct pb_node_def *node = body_node(b, rule->op, 0);
    for (size_t i = 0; i < op->operand_count; i++)
        body_input(b, node, body_operand(b, op, i));
    body_input(b, node, body_scalar(b, dim));
    body_int(b, node, "N", (int64_t)op->operand_count);
    body_type(b, node, "T", hlo_value_dtype(op->operands[0]));
    body_type(b, node, "Tidx", DTYPE_INT64);
    body_set(b, op, 0, node->name);
    return CODE_OK;
}

static enum code reverse(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                         struct error *err)
{
    struct hlo_ints dims;
    enum code code = hlo_dims(op, "dimensions", op->operands[0]->type->rank, &dims, err);
    if (code)
        return code;
    struct pb_node_def *node =
        body_node(b, rule->op, 2, body_operand(b, op, 0), body_vector(b, dims.values, dims.count));
    body_type(b, node, "T", hlo_value_dtype(op->operands[0]));
    body_type(b, node, "Tidx", DTYPE_INT64);
    body_set(b, op, 0, node->name);
    return CODE_OK;
}

/* ---- slices ---- */

static void set_slice(struct body *b, const struct mlir_op *op, struct span begin, struct span end,
                      struct span strides, enum dtype dtype)
{
    struct pb_node_def *node =
        body_node(b, "StridedSlice", 4, body_operand(b, op, 0), begin, end, strides);
    body_type(b, node, "T", hlo_value_dtype(op->operands[0]));
    body_type(b, node, "Index", dtype);
    body_set(b, op, 0, node->name);
}

static enum code slice(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                       struct error *err)
{
    static const char *const names[] = {"start_indices", "limit_indices", "strides"};
    (void)rule;
    struct span parts[3];
    for (int i = 0; i < 3; i++) {
        struct hlo_ints ints;
        enum code code = hlo_ints(op, names[i], &ints, err);
        if (code)
            return code;
        parts[i] = body_vector(b, ints.values, ints.count);
    }
    set_slice(b, op, parts[0], parts[1], parts[2], DTYPE_INT64);
    return CODE_OK;
}

static enum code real_dynamic_slice(struct body *b, const struct mlir_op *op,
                                    const struct hlo_rule *rule, struct error *err)
{
    (void)rule;
    (void)err;
    struct span parts[3];
    for (size_t i = 0; i < 3; i++)
        parts[i] = body_cast(b, body_operand(b, op, i + 1), hlo_value_dtype(op->operands[i + 1]),
                             DTYPE_INT64);
    set_slice(b, op, parts[0], parts[1], parts[2], DTYPE_INT64);
    return CODE_OK;
}

static enum code pad(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                     struct error *err)
{
    static const char *const names[] = {"edge_padding_low", "edge_padding_high",
                                        "interior_padding"};
    struct pb_node_def *node =
        body_node(b, rule->op, 2, body_operand(b, op, 0), body_operand(b, op, 1));
    for (size_t i = 0; i < 3; i++) {
        struct hlo_ints ints;
        struct span part;
        enum code code = CODE_OK;
        if (rule->operands > 2) {
            part = body_cast(b, body_operand(b, op, i + 2), hlo_value_dtype(op->operands[i + 2]),
                             DTYPE_INT64);
        } else {
            code = hlo_ints(op, names[i], &ints, err);
            part = body_vector(b, ints.values, ints.count);
        }
        if (code)
            return code;
        body_input(b, node, part);
    }
    body_type(b, node, "T", hlo_value_dtype(op->operands[0]));
    body_type(b, node, "Tindices", DTYPE_INT64);
    body_set(b, op, 0, node->name);
    return CODE_OK;
}

/* ---- sizes and numbers ---- */

static enum code get_dimension_size(struct body *b, const struct mlir_op *op,
                                    const struct hlo_rule *rule, struct error *err)
{
    (void)rule;
    const struct mlir_type *type = op->operands[0]->type;
    int64_t dim;
    enum code code = hlo_int(op, "dimension", &dim, err);
    if (code)
        return code;
    if (dim < 0 || dim >= (int64_t)type->rank)
        return hlo_malformed(op, "dimension", err);
    struct span size = type->dims[dim] >= 0 ? body_scalar(b, type->dims[dim])
                                            : body_size(b, body_operand(b, op, 0),
                                                        hlo_value_dtype(op->operands[0]), dim);
    body_set(b, op, 0, body_cast(b, size, DTYPE_INT64, hlo_value_dtype(&op->results[0])));
    return CODE_OK;
}

struct span body_iota(struct body *b, struct span size, size_t behind)
{
    struct pb_node_def *node = body_node(b, "Range", 3, body_scalar(b, 0), size, body_scalar(b, 1));
    body_type(b, node, "Tidx", DTYPE_INT64);
    struct span range = node->name;
    for (size_t i = 0; i < behind; i++)
        range = body_expand_dims(b, range, DTYPE_INT64, (int64_t)i + 1);
    return range;
}

static enum code iota(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                      struct error *err)
{
    const struct mlir_type *out = op->results[0].type;
    enum dtype dtype = hlo_value_dtype(&op->results[0]), shape_dtype = DTYPE_INT64;
    int64_t dim;
    enum code code = hlo_int(op, "iota_dimension", &dim, err);
    if (code)
        return code;
    if (dim < 0 || dim >= (int64_t)out->rank)
        return hlo_malformed(op, "iota_dimension", err);
    struct span shape, size;
    if (rule->operands && !hlo_is_static(out)) {
        shape_dtype = hlo_value_dtype(op->operands[0]);
        shape = body_operand(b, op, 0);
        size = body_gather(b, shape, shape_dtype, body_scalar(b, dim), DTYPE_INT64);
        size = body_cast(b, size, shape_dtype, DTYPE_INT64);
    } else {
        shape = body_vector(b, out->dims, out->rank);
        size = body_scalar(b, out->dims[dim]);
    }
    struct hlo_value to = {.narrow_rank = (int)out->rank - (int)dim};
    to.narrow = body_cast(b, body_iota(b, size, out->rank - (size_t)dim - 1), DTYPE_INT64, dtype);
    to.full = out->rank == 1 ? to.narrow : body_broadcast(b, to.narrow, dtype, shape, shape_dtype);
    if (out->rank == 1)
        to.narrow = (struct span){0};
    b->t->values[op->results[0].id] = to;
    return CODE_OK;
}

static enum code hand_on(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                         struct error *err)
{
    (void)rule;
    if (op->operand_count != op->result_count)
        return hlo_malformed(op, "results", err);
    for (size_t i = 0; i < op->result_count; i++)
        b->t->values[op->results[i].id] = b->t->values[op->operands[i]->id];
    return CODE_OK;
}

const struct hlo_rule hlo_shape_rules[] = {
    {.name = "broadcast_in_dim", .fn = broadcast_in_dim, .operands = 1, .results = 1},
    {.name = "concatenate", .fn = concatenate, .op = "ConcatV2", .operands = 1, .results = 1},
    {.name = "dynamic_broadcast_in_dim", .fn = broadcast_in_dim, .operands = 2, .results = 1},
    {.name = "dynamic_iota", .fn = iota, .operands = 1, .results = 1},
    {.name = "dynamic_pad", .fn = pad, .op = "XlaPad", .operands = 5, .results = 1},
    {.name = "dynamic_reshape", .fn = reshape, .operands = 2, .results = 1},
    {.name = "get_dimension_size", .fn = get_dimension_size, .operands = 1, .results = 1},
    {.name = "iota", .fn = iota, .results = 1},
    {.name = "optimization_barrier", .fn = hand_on},
    {.name = "pad", .fn = pad, .op = "XlaPad", .operands = 2, .results = 1},
    {.name = "real_dynamic_slice", .fn = real_dynamic_slice, .operands = 4, .results = 1},
    {.name = "reshape", .fn = reshape, .operands = 1, .results = 1},
    {.name = "reverse", .fn = reverse, .op = "ReverseV2", .operands = 1, .results = 1},
    {.name = "slice", .fn = slice, .operands = 1, .results = 1},
    {.name = "transpose", .fn = transpose, .operands = 1, .results = 1},
    {0},
};
