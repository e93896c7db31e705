/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gathers, scatters, slices whose place is computed. Whole rows that are gathered are GatherV2.
 * Batching dimensions, which XlaGather and XlaScatter lack, become numbers of the index vectors:
 * 0, 1, 2, ... along the indices' own batching dimension.
 */
#include "engine/stablehlo/translate.h"

/* The fields of GatherDimensionNumbers and ScatterDimensionNumbers. */
enum {
    WINDOW_DIMS,
    COLLAPSED,
    INDEX_MAP,
    VECTOR_DIM,
    FIELDS,
    BATCHING = FIELDS,
    INDICES_BATCHING,
    ALL
};

struct indexing {
    struct hlo_ints fields[ALL];
    struct span indices;
    enum dtype dtype; /* of the indices: int32 or int64 */
};

static const char *const gather_names[ALL] = {
    "offset_dims",      "collapsed_slice_dims",  "start_index_map",
    "index_vector_dim", "operand_batching_dims", "start_indices_batching_dims",
};

static const char *const scatter_names[ALL] = {
    "update_window_dims", "inserted_window_dims", "scatter_dims_to_operand_dims",
    "index_vector_dim",   "input_batching_dims",  "scatter_indices_batching_dims",
};

static enum code read_fields(const struct mlir_op *op, const char *const names[ALL],
                             struct indexing *x, struct error *err)
{
    enum code code = CODE_OK;
    for (int i = 0; !code && i < ALL; i++) {
        if (i == VECTOR_DIM) {
            code = hlo_int(op, names[i], &x->fields[i].values[0], err);
            x->fields[i].count = 1;
        } else if (i < BATCHING || mlir_attr_get(op->attrs, names[i])) {
            code = hlo_dims(op, names[i], SHAPE_RANK_MAX, &x->fields[i], err);
        }
    }
    int64_t dim = x->fields[VECTOR_DIM].values[0];
    if (!code && (dim < 0 || dim > (int64_t)op->operands[1]->type->rank ||
                  x->fields[BATCHING].count != x->fields[INDICES_BATCHING].count))
        code = hlo_malformed(op, "dimension numbers", err);
    return code;
}

static void sort_ints(struct hlo_ints *ints)
{
    for (size_t i = 1; i < ints->count; i++) {
        for (size_t k = i; k > 0 && ints->values[k] < ints->values[k - 1]; k--) {
            int64_t value = ints->values[k];
            ints->values[k] = ints->values[k - 1];
            ints->values[k - 1] = value;
        }
    }
}

/* Numbers along dimension `dim` of the indices, of the indices' shape with vectors of one number.
 */
static struct span batch_numbers(struct body *b, const struct indexing *x, size_t rank, int64_t dim)
{
    struct span size = body_size(b, x->indices, x->dtype, dim);
    struct span numbers = body_iota(b, size, rank - 1 - (size_t)dim);
    numbers = body_cast(b, numbers, DTYPE_INT64, x->dtype);
    /* Added to zeros of the right shape, which are the first number of each vector less itself. */
    int64_t begin[SHAPE_RANK_MAX] = {0}, end[SHAPE_RANK_MAX] = {0}, ones[SHAPE_RANK_MAX];
    for (size_t i = 0; i < rank; i++) {
        ones[i] = 1;
        end[i] = i + 1 < rank ? INT32_MAX : 1;
    }
    struct pb_node_def *slice =
        body_node(b, "StridedSlice", 4, x->indices, body_vector(b, begin, rank),
                  body_vector(b, end, rank), body_vector(b, ones, rank));
    body_type(b, slice, "T", x->dtype);
    body_type(b, slice, "Index", DTYPE_INT64);
    struct span zeros = body_unary(b, "ZerosLike", slice->name, x->dtype);
    return body_binary(b, "AddV2", zeros, numbers, x->dtype);
}

static enum code add_batching(struct body *b, const struct mlir_op *op, struct indexing *x,
                              struct error *err)
{
    size_t rank = op->operands[1]->type->rank;
    int64_t dim = x->fields[VECTOR_DIM].values[0];
    if (rank >= SHAPE_RANK_MAX)
        return hlo_malformed(op, "indices", err);
    if (dim == (int64_t)rank) {
        x->indices = body_expand_dims(b, x->indices, x->dtype, dim);
        rank++;
    } else if (dim + 1 != (int64_t)rank) {
        return body_refuse(b, op, "with batching dimensions and vectors inside");
    }
    struct span columns[SHAPE_RANK_MAX];
    const struct hlo_ints *batching = &x->fields[INDICES_BATCHING];
    for (size_t i = 0; i < batching->count; i++) {
        if (batching->values[i] >= (int64_t)rank - 1 ||
            x->fields[INDEX_MAP].count + x->fields[COLLAPSED].count >= SHAPE_RANK_MAX)
            return hlo_malformed(op, "dimension numbers", err);
        columns[i] = batch_numbers(b, x, rank, batching->values[i]);
    }
    struct pb_node_def *node = body_node(b, "ConcatV2", 1, x->indices);
    for (size_t i = 0; i < batching->count; i++) {
        body_input(b, node, columns[i]);
        int64_t at = x->fields[BATCHING].values[i];
        x->fields[INDEX_MAP].values[x->fields[INDEX_MAP].count++] = at;
        x->fields[COLLAPSED].values[x->fields[COLLAPSED].count++] = at;
    }
    sort_ints(&x->fields[COLLAPSED]);
    body_input(b, node, body_scalar(b, (int64_t)rank - 1));
    body_int(b, node, "N", (int64_t)batching->count + 1);
    body_type(b, node, "T", x->dtype);
    body_type(b, node, "Tidx", DTYPE_INT64);
    x->indices = node->name;
    return CODE_OK;
}

static enum code read_indexing(struct body *b, const struct mlir_op *op,
                               const char *const names[ALL], struct indexing *x, struct error *err)
{
    *x = (struct indexing){.dtype = hlo_value_dtype(op->operands[1])};
    enum code code = read_fields(op, names, x, err);
    if (code)
        return code;
    x->indices = body_operand(b, op, 1);
    if (x->dtype != DTYPE_INT32 && x->dtype != DTYPE_INT64) {
        x->indices = body_cast(b, x->indices, x->dtype, DTYPE_INT64);
        x->dtype = DTYPE_INT64;
    }
    return x->fields[BATCHING].count ? add_batching(b, op, x, err) : CODE_OK;
}

/* ---- gather ---- */

/* Rows of the operand, whole, one for each index: the first dimension is indexed by vectors of one
 * number, and what follows stands behind the indices' dimensions. */
static bool takes_rows(const struct mlir_op *op, const struct indexing *x,
                       const struct hlo_ints *sizes)
{
    const struct mlir_type *operand = op->operands[0]->type, *indices = op->operands[1]->type;
    int64_t dim = x->fields[VECTOR_DIM].values[0];
    bool scalar = dim == (int64_t)indices->rank;
    size_t outer = scalar ? indices->rank : indices->rank - 1;
    if (!operand->rank || operand->dims[0] <= 0 || x->fields[BATCHING].count ||
        x->fields[COLLAPSED].count != 1 || x->fields[COLLAPSED].values[0] ||
        x->fields[INDEX_MAP].count != 1 || x->fields[INDEX_MAP].values[0] ||
        dim + (scalar ? 0 : 1) != (int64_t)indices->rank ||
        x->fields[WINDOW_DIMS].count + 1 != operand->rank || sizes->count != operand->rank)
        return false;
    for (size_t i = 1; i < operand->rank; i++) {
        if (sizes->values[i] != operand->dims[i] ||
            x->fields[WINDOW_DIMS].values[i - 1] != (int64_t)(outer + i - 1))
            return false;
    }
    return sizes->values[0] == 1;
}

static void take_rows(struct body *b, const struct mlir_op *op, const struct indexing *x)
{
    const struct mlir_type *indices = op->operands[1]->type;
    struct span at = x->indices;
    if (x->fields[VECTOR_DIM].values[0] < (int64_t)indices->rank)
        at = body_squeeze(b, at, x->dtype, (int64_t)indices->rank - 1);
    double most = (double)op->operands[0]->type->dims[0] - 1;
    at = body_binary(b, "Maximum", at, body_number(b, x->dtype, 0), x->dtype);
    at = body_binary(b, "Minimum", at, body_number(b, x->dtype, most), x->dtype);
    body_set(
        b, op, 0,
        body_gather(b, body_operand(b, op, 0), hlo_value_dtype(op->operands[0]), at, x->dtype));
}

static enum code gather(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                        struct error *err)
{
    struct indexing x;
    struct hlo_ints sizes = {0};
    bool computed = rule->operands == 3;
    enum code code = read_indexing(b, op, gather_names, &x, err);
    if (!code && !computed)
        code = hlo_ints(op, "slice_sizes", &sizes, err);
    if (code)
        return code;
    if (!computed && takes_rows(op, &x, &sizes)) {
        take_rows(b, op, &x);
        return CODE_OK;
    }
    struct span windows =
        computed ? body_cast(b, body_operand(b, op, 2), hlo_value_dtype(op->operands[2]), x.dtype)
                 : body_cast(b, body_vector(b, sizes.values, sizes.count), DTYPE_INT64, x.dtype);
    struct pb_node_def *node =
        body_node(b, rule->op, 3, body_operand(b, op, 0), x.indices, windows);
    body_type(b, node, "T", hlo_value_dtype(op->operands[0]));
    body_type(b, node, "Tindices", x.dtype);
    body_string(b, node, "dimension_numbers", body_numbers(b, x.fields, FIELDS));
    body_bool(b, node, "indices_are_sorted", false);
    body_set(b, op, 0, node->name);
    return CODE_OK;
}

/* ---- scatter ---- */

static enum code scatter(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                         struct error *err)
{
    if (op->operand_count != 3 || op->result_count != 1 || op->regions[0].arg_count != 2)
        return body_refuse(b, op, "of several operands");
    if (!captures_none(b->t, &op->regions[0]))
        return body_refuse(b, op, "by this function");
    struct indexing x;
    struct span function;
    struct region_spec spec = {.region = &op->regions[0]};
    enum code code = read_indexing(b, op, scatter_names, &x, err);
    if (!code)
        code = body_function(b, &spec, &function, err);
    if (code)
        return code;
    struct pb_node_def *node =
        body_node(b, rule->op, 3, body_operand(b, op, 0), x.indices, body_operand(b, op, 2));
    body_type(b, node, "T", hlo_value_dtype(op->operands[0]));
    body_type(b, node, "Tindices", x.dtype);
    body_func(b, node, "update_computation", function);
    body_string(b, node, "dimension_numbers", body_numbers(b, x.fields, FIELDS));
    body_bool(b, node, "indices_are_sorted", false);
    body_set(b, op, 0, node->name);
    return CODE_OK;
}

/* ---- slices at computed places ---- */

/* The scalars from operand `first` on as a vector of int64. */
static struct span pack_starts(struct body *b, const struct mlir_op *op, size_t first)
{
    size_t count = op->operand_count - first;
    if (!count)
        return body_vector(b, NULL, 0);
    struct span starts[SHAPE_RANK_MAX];
    for (size_t i = 0; i < count; i++)
        starts[i] = body_cast(b, body_operand(b, op, first + i),
                              hlo_value_dtype(op->operands[first + i]), DTYPE_INT64);
    struct pb_node_def *node = body_node(b, "Pack", 0);
    for (size_t i = 0; i < count; i++)
        body_input(b, node, starts[i]);
    body_int(b, node, "N", (int64_t)count);
    body_type(b, node, "T", DTYPE_INT64);
    return node->name;
}

static enum code dynamic_slice(struct body *b, const struct mlir_op *op,
                               const struct hlo_rule *rule, struct error *err)
{
    struct hlo_ints sizes;
    enum code code = hlo_ints(op, "slice_sizes", &sizes, err);
    if (code)
        return code;
    if (op->operand_count != 1 + op->operands[0]->type->rank)
        return hlo_malformed(op, "operands", err);
    struct pb_node_def *node =
        body_node(b, rule->op, 3, body_operand(b, op, 0), pack_starts(b, op, 1),
                  body_vector(b, sizes.values, sizes.count));
    body_type(b, node, "T", hlo_value_dtype(op->operands[0]));
    body_type(b, node, "Tindices", DTYPE_INT64);
    body_set(b, op, 0, node->name);
    return CODE_OK;
}

static enum code dynamic_update_slice(struct body *b, const struct mlir_op *op,
                                      const struct hlo_rule *rule, struct error *err)
{
    if (op->operand_count != 2 + op->operands[0]->type->rank)
        return hlo_malformed(op, "operands", err);
    struct pb_node_def *node = body_node(b, rule->op, 3, body_operand(b, op, 0),
                                         body_operand(b, op, 1), pack_starts(b, op, 2));
    body_type(b, node, "T", hlo_value_dtype(op->operands[0]));
    body_type(b, node, "Tindices", DTYPE_INT64);
    body_set(b, op, 0, node->name);
    return CODE_OK;
}

const struct hlo_rule hlo_index_rules[] = {
    {.name = "dynamic_gather", .fn = gather, .op = "XlaGather", .operands = 3, .results = 1},
    {.name = "dynamic_slice",
     .fn = dynamic_slice,
     .op = "XlaDynamicSlice",
     .operands = 1,
     .results = 1},
    {.name = "dynamic_update_slice",
     .fn = dynamic_update_slice,
     .op = "XlaDynamicUpdateSlice",
     .operands = 2,
     .results = 1},
    {.name = "gather", .fn = gather, .op = "XlaGather", .operands = 2, .results = 1},
    {.name = "scatter",
     .fn = scatter,
     .op = "XlaScatter",
     .operands = 3,
     .results = 1,
     .regions = 1},
    {0},
};
