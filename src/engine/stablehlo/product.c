/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products and convolutions, so that they reach the kernels that TensorFlow's models use: a product
 * of two matrices is MatMul, others are XlaDotV2; convolutions are Conv2D and
 * DepthwiseConv2dNative (Conv3D with three spatial dimensions), channels last, whatever the order
 * of dimensions was.
 */
#include "engine/stablehlo/translate.h"

static bool is_small_type(enum dtype dtype)
{
    return dtype == DTYPE_INT8 || dtype == DTYPE_UINT8 || dtype == DTYPE_INT16 ||
           dtype == DTYPE_UINT16 || dtype == DTYPE_UINT32 || dtype == DTYPE_BOOL;
}

/* The dtype to multiply in: the result's, or one that the kernels have. */
static enum dtype work_dtype(const struct mlir_op *op)
{
    enum dtype dtype = hlo_value_dtype(&op->results[0]);
    return is_small_type(dtype) ? DTYPE_INT32 : dtype == DTYPE_UINT64 ? DTYPE_INT64 : dtype;
}

static struct span as_work(struct body *b, const struct mlir_op *op, size_t i)
{
    return body_cast(b, body_operand(b, op, i), hlo_value_dtype(op->operands[i]), work_dtype(op));
}

static void set_from_work(struct body *b, const struct mlir_op *op, struct span product)
{
    body_set(b, op, 0, body_cast(b, product, work_dtype(op), hlo_value_dtype(&op->results[0])));
}

/* ---- dot_general ---- */

enum { LHS_CONTRACTING, RHS_CONTRACTING, LHS_BATCH, RHS_BATCH, DOT_FIELDS };

static enum code read_dot(const struct mlir_op *op, struct hlo_ints fields[DOT_FIELDS],
                          struct error *err)
{
    static const char *const names[DOT_FIELDS] = {
        "lhs_contracting_dimensions",
        "rhs_contracting_dimensions",
        "lhs_batching_dimensions",
        "rhs_batching_dimensions",
    };
    enum code code = CODE_OK;
    for (int i = 0; !code && i < DOT_FIELDS; i++)
        code = hlo_dims(op, names[i], op->operands[i % 2]->type->rank, &fields[i], err);
    return code;
}

static enum code dot_general(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                             struct error *err)
{
    (void)rule;
    struct hlo_ints fields[DOT_FIELDS];
    enum dtype dtype = work_dtype(op);
    enum code code = read_dot(op, fields, err);
    if (code)
        return code;
    struct span x = as_work(b, op, 0), y = as_work(b, op, 1);
    bool matrices = op->operands[0]->type->rank == 2 && op->operands[1]->type->rank == 2 &&
                    fields[LHS_CONTRACTING].count == 1 && fields[RHS_CONTRACTING].count == 1 &&
                    !fields[LHS_BATCH].count && !fields[RHS_BATCH].count;
    struct pb_node_def *node = body_node(b, matrices ? "MatMul" : "XlaDotV2", 2, x, y);
    if (matrices) {
        body_type(b, node, "T", dtype);
        body_bool(b, node, "transpose_a", fields[LHS_CONTRACTING].values[0] == 0);
        body_bool(b, node, "transpose_b", fields[RHS_CONTRACTING].values[0] == 1);
    } else {
        body_type(b, node, "LhsT", dtype);
        body_type(b, node, "RhsT", dtype);
        body_type(b, node, "preferred_element_type", dtype);
        body_string(b, node, "precision_config", (struct span){0});
        body_string(b, node, "dimension_numbers", body_numbers(b, fields, DOT_FIELDS));
    }
    set_from_work(b, op, node->name);
    return CODE_OK;
}

/* ---- convolution ---- */

enum { SPATIAL_MAX = 3, WIDE = SPATIAL_MAX + 2 };

struct convolution {
    size_t spatial; /* dimensions; at least 2 once the input is reshaped */
    int64_t batch, feature, kernel_in, kernel_out, out_batch, out_feature, groups;
    struct hlo_ints in_dims, kernel_dims, out_dims;
    struct hlo_ints strides, dilations, input_dilations, padding, reversal;
};

static enum code read_window(const struct mlir_op *op, struct convolution *c, struct error *err)
{
    enum code code = hlo_ints(op, "window_strides", &c->strides, err);
    if (!code)
        code = hlo_ints(op, "padding", &c->padding, err);
    if (!code)
        code = hlo_ints(op, "lhs_dilation", &c->input_dilations, err);
    if (!code)
        code = hlo_ints(op, "rhs_dilation", &c->dilations, err);
    if (!code)
        code = hlo_ints(op, "window_reversal", &c->reversal, err);
    size_t n = c->spatial;
    if (!code && (c->strides.count != n || c->padding.count != 2 * n || c->dilations.count != n ||
                  c->input_dilations.count != n || c->reversal.count != n))
        code = hlo_malformed(op, "window", err);
    return code;
}

static bool is_order(size_t rank, int64_t a, int64_t b, const struct hlo_ints *rest)
{
    bool fits = a >= 0 && b >= 0 && a < (int64_t)rank && b < (int64_t)rank && a != b;
    return fits && !hlo_has(rest, a) && !hlo_has(rest, b) && rest->count + 2 == rank;
}

static enum code read_convolution(const struct mlir_op *op, struct convolution *c,
                                  struct error *err)
{
    const struct {
        const char *name;
        int64_t *to;
    } numbers[] = {
        {"input_batch_dimension", &c->batch},
        {"input_feature_dimension", &c->feature},
        {"kernel_input_feature_dimension", &c->kernel_in},
        {"kernel_output_feature_dimension", &c->kernel_out},
        {"output_batch_dimension", &c->out_batch},
        {"output_feature_dimension", &c->out_feature},
        {"feature_group_count", &c->groups},
    };
    size_t rank = op->operands[0]->type->rank;
    *c = (struct convolution){.spatial = rank - 2};
    if (op->operands[1]->type->rank != rank || op->results[0].type->rank != rank || rank < 2)
        return hlo_malformed(op, "operands", err);
    enum code code = CODE_OK;
    for (size_t i = 0; !code && i < sizeof numbers / sizeof *numbers; i++)
        code = hlo_int(op, numbers[i].name, numbers[i].to, err);
    if (!code)
        code = hlo_dims(op, "input_spatial_dimensions", rank, &c->in_dims, err);
    if (!code)
        code = hlo_dims(op, "kernel_spatial_dimensions", rank, &c->kernel_dims, err);
    if (!code)
        code = hlo_dims(op, "output_spatial_dimensions", rank, &c->out_dims, err);
    if (!code && (!is_order(rank, c->batch, c->feature, &c->in_dims) ||
                  !is_order(rank, c->kernel_in, c->kernel_out, &c->kernel_dims) ||
                  !is_order(rank, c->out_batch, c->out_feature, &c->out_dims)))
        code = hlo_malformed(op, "dimension numbers", err);
    return code ? code : read_window(op, c, err);
}

/* The input as batch, space, channels. Zeros come in for its dilation, and for paddings that no op
 * of ours can make (negative ones, or any of three dimensions). */
static struct span make_input(struct body *b, const struct mlir_op *op, struct convolution *c,
                              enum dtype dtype)
{
    int64_t perm[WIDE] = {c->batch}, low[WIDE] = {0}, high[WIDE] = {0}, inner[WIDE] = {0};
    size_t n = c->spatial;
    bool pads = n == SPATIAL_MAX;
    for (size_t i = 0; i < n; i++) {
        perm[i + 1] = c->in_dims.values[i];
        pads |= c->input_dilations.values[i] != 1 || c->padding.values[2 * i] < 0 ||
                c->padding.values[2 * i + 1] < 0;
    }
    perm[n + 1] = c->feature;
    struct span x = body_transpose(b, as_work(b, op, 0), dtype, perm, n + 2);
    for (size_t i = 0; pads && i < n; i++) {
        low[i + 1] = c->padding.values[2 * i];
        high[i + 1] = c->padding.values[2 * i + 1];
        inner[i + 1] = c->input_dilations.values[i] - 1;
        c->padding.values[2 * i] = c->padding.values[2 * i + 1] = 0;
    }
    if (!pads)
        return x;
    struct pb_node_def *node =
        body_node(b, "XlaPad", 5, x, body_number(b, dtype, 0), body_vector(b, low, n + 2),
                  body_vector(b, high, n + 2), body_vector(b, inner, n + 2));
    body_type(b, node, "T", dtype);
    body_type(b, node, "Tindices", DTYPE_INT64);
    return node->name;
}

/* The filter as space, channels in, channels out. */
static struct span make_filter(struct body *b, const struct mlir_op *op,
                               const struct convolution *c, enum dtype dtype)
{
    int64_t perm[WIDE], axes[SPATIAL_MAX];
    size_t n = c->spatial, reversed = 0;
    for (size_t i = 0; i < n; i++) {
        perm[i] = c->kernel_dims.values[i];
        if (c->reversal.values[i])
            axes[reversed++] = (int64_t)i;
    }
    perm[n] = c->kernel_in;
    perm[n + 1] = c->kernel_out;
    struct span filter = body_transpose(b, as_work(b, op, 1), dtype, perm, n + 2);
    if (!reversed)
        return filter;
    struct pb_node_def *node = body_node(b, "ReverseV2", 2, filter, body_vector(b, axes, reversed));
    body_type(b, node, "T", dtype);
    body_type(b, node, "Tidx", DTYPE_INT64);
    return node->name;
}

/* One spatial dimension becomes two, the first of size 1. */
static void widen(struct convolution *c)
{
    c->strides.values[1] = c->strides.values[0];
    c->dilations.values[1] = c->dilations.values[0];
    c->padding.values[2] = c->padding.values[0];
    c->padding.values[3] = c->padding.values[1];
    c->strides.values[0] = c->dilations.values[0] = 1;
    c->padding.values[0] = c->padding.values[1] = 0;
}

static void set_window(struct body *b, struct pb_node_def *node, const struct convolution *c,
                       size_t n)
{
    int64_t strides[WIDE] = {1}, dilations[WIDE] = {1}, padding[2 * WIDE] = {0};
    bool pads = false;
    for (size_t i = 0; i < n; i++) {
        strides[i + 1] = c->strides.values[i];
        dilations[i + 1] = c->dilations.values[i];
        padding[2 * i + 2] = c->padding.values[2 * i];
        padding[2 * i + 3] = c->padding.values[2 * i + 1];
        pads |= c->padding.values[2 * i] || c->padding.values[2 * i + 1];
    }
    strides[n + 1] = dilations[n + 1] = 1;
    body_ints(b, node, "strides", strides, n + 2);
    body_ints(b, node, "dilations", dilations, n + 2);
    body_string(b, node, "padding", pads ? SPAN_LITERAL("EXPLICIT") : SPAN_LITERAL("VALID"));
    if (pads)
        body_ints(b, node, "explicit_paddings", padding, 2 * (n + 2));
}

/* A filter of one channel for each channel of the input? Then it is [.., channels, multiplier]. */
static bool is_depthwise(const struct mlir_op *op, const struct convolution *c)
{
    int64_t channels = op->operands[0]->type->dims[c->feature];
    return c->groups > 1 && channels == c->groups && c->spatial <= 2 &&
           hlo_is_static(op->operands[1]->type) && op->operands[1]->type->dims[c->kernel_in] == 1 &&
           op->operands[1]->type->dims[c->kernel_out] % channels == 0;
}

static struct span depthwise_filter(struct body *b, const struct mlir_op *op,
                                    const struct convolution *c, struct span filter,
                                    enum dtype dtype)
{
    const int64_t *dims = op->operands[1]->type->dims;
    int64_t shape[WIDE];
    size_t n = c->spatial;
    for (size_t i = 0; i < n; i++)
        shape[i] = dims[c->kernel_dims.values[i]];
    shape[n] = c->groups;
    shape[n + 1] = dims[c->kernel_out] / c->groups;
    return body_reshape(b, filter, dtype, body_vector(b, shape, n + 2), DTYPE_INT64);
}

static void set_output(struct body *b, const struct mlir_op *op, const struct convolution *c,
                       struct span product, enum dtype dtype)
{
    int64_t perm[WIDE];
    perm[c->out_batch] = 0;
    perm[c->out_feature] = (int64_t)c->spatial + 1;
    for (size_t i = 0; i < c->spatial; i++)
        perm[c->out_dims.values[i]] = (int64_t)i + 1;
    set_from_work(b, op, body_transpose(b, product, dtype, perm, c->spatial + 2));
}

static enum code convolution(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                             struct error *err)
{
    (void)rule;
    struct convolution c;
    int64_t batch_groups;
    size_t rank = op->operands[0]->type->rank;
    if (rank < 3 || rank > WIDE)
        return body_refuse(b, op, "of this rank");
    enum code code = read_convolution(op, &c, err);
    if (!code)
        code = hlo_int(op, "batch_group_count", &batch_groups, err);
    if (code)
        return code;
    if (batch_groups != 1 || (c.spatial == SPATIAL_MAX && c.groups != 1))
        return body_refuse(b, op, "in groups");
    enum dtype dtype = work_dtype(op);
    bool depthwise = is_depthwise(op, &c);
    struct span x = make_input(b, op, &c, dtype), filter = make_filter(b, op, &c, dtype);
    if (depthwise)
        filter = depthwise_filter(b, op, &c, filter, dtype);
    if (c.spatial == 1) {
        x = body_expand_dims(b, x, dtype, 1);
        filter = body_expand_dims(b, filter, dtype, 0);
        widen(&c);
    }
    struct pb_node_def *node = body_node(b,
                                         depthwise                  ? "DepthwiseConv2dNative"
                                         : c.spatial == SPATIAL_MAX ? "Conv3D"
                                                                    : "Conv2D",
                                         2, x, filter);
    body_type(b, node, "T", dtype);
    set_window(b, node, &c, c.spatial == 1 ? 2 : c.spatial);
    struct span product = node->name;
    if (c.spatial == 1)
        product = body_squeeze(b, product, dtype, 1);
    set_output(b, op, &c, product, dtype);
    return CODE_OK;
}

/* ---- others ---- */

static enum code fft(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                     struct error *err)
{
    static const char *const names[4][3] = {
        {"FFT", "FFT2D", "FFT3D"},
        {"IFFT", "IFFT2D", "IFFT3D"},
        {"RFFT", "RFFT2D", "RFFT3D"},
        {"IRFFT", "IRFFT2D", "IRFFT3D"},
    };
    (void)rule;
    int64_t type;
    struct hlo_ints length;
    enum code code = hlo_int(op, "fft_type", &type, err);
    if (!code)
        code = hlo_ints(op, "fft_length", &length, err);
    if (code)
        return code;
    if (type < 0 || type > 3 || !length.count || length.count > 3)
        return hlo_malformed(op, "fft_type or fft_length", err);
    enum dtype in = hlo_value_dtype(op->operands[0]), out = hlo_value_dtype(&op->results[0]);
    struct pb_node_def *node =
        body_node(b, names[type][length.count - 1], 1, body_operand(b, op, 0));
    if (type >= 2) {
        struct span sizes = body_vector(b, length.values, length.count);
        body_input(b, node, body_cast(b, sizes, DTYPE_INT64, DTYPE_INT32));
        body_type(b, node, "Treal", type == 2 ? in : out);
    }
    body_type(b, node, "Tcomplex", type == 2 ? out : in);
    body_set(b, op, 0, node->name);
    return CODE_OK;
}

static enum code cholesky(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                          struct error *err)
{
    int64_t lower;
    enum code code = hlo_int(op, "lower", &lower, err);
    if (code)
        return code;
    if (!lower)
        return body_refuse(b, op, "of the upper triangle");
    body_set(b, op, 0,
             body_unary(b, rule->op, body_operand(b, op, 0), hlo_value_dtype(op->operands[0])));
    return CODE_OK;
}

static enum code triangular_solve(struct body *b, const struct mlir_op *op,
                                  const struct hlo_rule *rule, struct error *err)
{
    enum { PLAIN = 1, TRANSPOSED, ADJOINT };
    static const char *const names[] = {"left_side", "lower", "unit_diagonal", "transpose_a"};
    int64_t values[4];
    for (int i = 0; i < 4; i++) {
        enum code code = hlo_int(op, names[i], &values[i], err);
        if (code)
            return code;
    }
    enum dtype dtype = hlo_value_dtype(op->operands[0]);
    if (!values[0] || values[2] || (hlo_is_complex(dtype) && values[3] == TRANSPOSED))
        return body_refuse(b, op, "from the right, of a unit diagonal, or transposed");
    struct pb_node_def *node =
        body_node(b, rule->op, 2, body_operand(b, op, 0), body_operand(b, op, 1));
    body_type(b, node, "T", dtype);
    body_bool(b, node, "lower", values[1]);
    body_bool(b, node, "adjoint", values[3] != PLAIN);
    body_set(b, op, 0, node->name);
    return CODE_OK;
}

const struct hlo_rule hlo_product_rules[] = {
    {.name = "cholesky", .fn = cholesky, .op = "Cholesky", .operands = 1, .results = 1},
    {.name = "convolution", .fn = convolution, .operands = 2, .results = 1},
    {.name = "dot_general", .fn = dot_general, .operands = 2, .results = 1},
    {.name = "fft", .fn = fft, .operands = 1, .results = 1},
    {.name = "triangular_solve",
     .fn = triangular_solve,
     .op = "MatrixTriangularSolve",
     .operands = 2,
     .results = 1},
    {0},
};
