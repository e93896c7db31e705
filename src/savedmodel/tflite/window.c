/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators whose windows slide over rows and columns: TensorFlow's, with filters laid out another
 * way: [out, rows, columns, in] here, [rows, columns, in, out] there.
 */
#include "savedmodel/tflite/translate.h"

enum { SPATIAL_RANK = 4, VOLUME_RANK = 5 };

static struct span padding_of(const struct tfl_body *b)
{
    enum { PADDING };
    return tfl_option(b->op, PADDING, 1, 0) ? SPAN_LITERAL("VALID") : SPAN_LITERAL("SAME");
}

/* Sizes that are options from number `first` on, as an attribute. */
typedef void sizes_fn(struct tfl_body *b, struct pb_node_def *node, const char *name, int first,
                      int64_t otherwise);

/* Columns come before rows among the options. */
static void rows_and_columns(struct tfl_body *b, struct pb_node_def *node, const char *name,
                             int first, int64_t otherwise)
{
    const int64_t sizes[] = {1, tfl_option(b->op, first + 1, 4, otherwise),
                             tfl_option(b->op, first, 4, otherwise), 1};
    node_ints(b->t->arena, node, name, sizes, SPATIAL_RANK);
}

/* Depth comes first among the options, then columns, then rows. */
static void depth_rows_and_columns(struct tfl_body *b, struct pb_node_def *node, const char *name,
                                   int first, int64_t otherwise)
{
    const int64_t sizes[] = {1, tfl_option(b->op, first, 4, otherwise),
                             tfl_option(b->op, first + 2, 4, otherwise),
                             tfl_option(b->op, first + 1, 4, otherwise), 1};
    node_ints(b->t->arena, node, name, sizes, VOLUME_RANK);
}

/* The filter at input i has that rank. */
static enum code check_filter(const struct tfl_body *b, size_t i, int rank, struct error *err)
{
    if (!tfl_has_input(b, i) || tfl_input(b, i)->shape.rank != rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "its filter is to have %d dimensions", rank);
    return CODE_OK;
}

/* A convolution whose node has its inputs. */
struct convolution {
    struct pb_node_def *node;
    enum dtype dtype;
    size_t bias;       /* the operator's input that is the bias */
    int dilations;     /* the first option of these; 0: there are none */
    bool is_of_volume; /* with a depth */
};

static enum code finish(struct tfl_body *b, const struct tfl_rule *rule,
                        const struct convolution *c, struct error *err)
{
    enum { STRIDES = 1 };
    sizes_fn *sizes = c->is_of_volume ? depth_rows_and_columns : rows_and_columns;
    tfl_attr_type(b, c->node, "T", c->dtype);
    sizes(b, c->node, "strides", STRIDES, 0);
    if (c->dilations)
        sizes(b, c->node, "dilations", c->dilations, 1);
    node_string(b->t->arena, c->node, "padding", padding_of(b));
    struct span y = c->node->name;
    enum code code = tfl_add_bias(b, c->bias, &y, c->dtype, err);
    return code ? code : tfl_activated_result(b, rule, y, err);
}

/* The filter, input 1, with its dimensions in this order. */
static enum code turned_filter(struct tfl_body *b, const int perm[SPATIAL_RANK],
                               struct span *filter, struct error *err)
{
    const int64_t *d = tfl_input(b, 1)->shape.dims;
    struct shape shape = {.rank = SPATIAL_RANK};
    for (int i = 0; i < SPATIAL_RANK; i++)
        shape.dims[i] = d[perm[i]];
    return tfl_weights(b, 1, perm, &shape, filter, err);
}

static enum code conv_2d(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    static const int perm[] = {1, 2, 3, 0};
    struct convolution c = {.bias = 2, .dilations = 4};
    struct span x, filter;
    enum code code = check_filter(b, 1, SPATIAL_RANK, err);
    if (!code)
        code = tfl_operand(b, 0, TFL_REAL, &x, &c.dtype, err);
    if (!code)
        code = turned_filter(b, perm, &filter, err);
    if (code)
        return code;
    c.node = tfl_node(b, rule->op, 2, x, filter);
    return finish(b, rule, &c, err);
}

/* The filter is [1, rows, columns, in * multiplier]; TensorFlow's op wants both apart. */
static enum code depthwise_conv_2d(struct tfl_body *b, const struct tfl_rule *rule,
                                   struct error *err)
{
    enum { MULTIPLIER = 3 };
    static const int perm[] = {0, 1, 2, 3};
    struct convolution c = {.bias = 2, .dilations = 5};
    struct span x, filter;
    enum code code = check_filter(b, 1, SPATIAL_RANK, err);
    if (!code)
        code = tfl_operand(b, 0, TFL_REAL, &x, &c.dtype, err);
    if (code)
        return code;
    const int64_t *d = tfl_input(b, 1)->shape.dims;
    const struct shape *in = &tfl_input(b, 0)->shape;
    int64_t channels = in->rank == SPATIAL_RANK ? in->dims[SPATIAL_RANK - 1] : 0;
    int64_t multiplier = channels ? d[3] / channels : tfl_option(b->op, MULTIPLIER, 4, 0);
    if (d[0] != 1 || multiplier < 1 || d[3] % multiplier)
        return tfl_wrong(b, "its filter does not fit its channels", err);
    struct shape shape = {.rank = SPATIAL_RANK,
                          .dims = {d[1], d[2], d[3] / multiplier, multiplier}};
    code = tfl_weights(b, 1, perm, &shape, &filter, err);
    if (code)
        return code;
    c.node = tfl_node(b, rule->op, 2, x, filter);
    return finish(b, rule, &c, err);
}

/* Inputs: the result's shape, the filter [out, rows, columns, in], x, the bias. */
static enum code transpose_conv(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    static const int perm[] = {1, 2, 0, 3};
    struct convolution c = {.bias = 3};
    struct span sizes, x, filter;
    enum dtype sizes_dtype;
    enum code code = check_filter(b, 1, SPATIAL_RANK, err);
    if (!code)
        code = tfl_operand(b, 0, TFL_RAW, &sizes, &sizes_dtype, err);
    if (!code)
        code = tfl_operand(b, 2, TFL_REAL, &x, &c.dtype, err);
    if (!code)
        code = turned_filter(b, perm, &filter, err);
    if (code)
        return code;
    c.node = tfl_node(b, rule->op, 3, sizes, filter, x);
    return finish(b, rule, &c, err);
}

/* Filters of three dimensions are as TensorFlow's. */
static enum code conv_3d(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    struct convolution c = {.bias = 2, .dilations = 5, .is_of_volume = true};
    struct span x, filter;
    enum dtype filter_dtype;
    enum code code = tfl_operand(b, 0, TFL_REAL, &x, &c.dtype, err);
    if (!code)
        code = tfl_operand(b, 1, TFL_REAL, &filter, &filter_dtype, err);
    if (code)
        return code;
    c.node = tfl_node(b, rule->op, 2, x, filter);
    return finish(b, rule, &c, err);
}

static enum code conv_3d_transpose(struct tfl_body *b, const struct tfl_rule *rule,
                                   struct error *err)
{
    struct convolution c = {.bias = 3, .dilations = 5, .is_of_volume = true};
    struct span sizes, x, filter;
    enum dtype filter_dtype, sizes_dtype;
    enum code code = tfl_operand(b, 0, TFL_RAW, &sizes, &sizes_dtype, err);
    if (!code)
        code = tfl_operand(b, 1, TFL_REAL, &filter, &filter_dtype, err);
    if (!code)
        code = tfl_operand(b, 2, TFL_REAL, &x, &c.dtype, err);
    if (code)
        return code;
    c.node = tfl_node(b, rule->op, 3, sizes, filter, x);
    tfl_attr_type(b, c.node, "Tshape", sizes_dtype);
    return finish(b, rule, &c, err);
}

/* ---- pooling ---- */

static struct span pooled(struct tfl_body *b, const char *op, struct span x, enum dtype dtype)
{
    enum { STRIDES = 1, WINDOW = 3 };
    struct pb_node_def *node = tfl_node(b, op, 1, x);
    tfl_attr_type(b, node, "T", dtype);
    rows_and_columns(b, node, "strides", STRIDES, 0);
    rows_and_columns(b, node, "ksize", WINDOW, 0);
    node_string(b->t->arena, node, "padding", padding_of(b));
    return node->name;
}

static enum code pool_2d(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    struct span x;
    enum dtype dtype;
    enum code code = tfl_operand(b, 0, rule->form, &x, &dtype, err);
    return code ? code : tfl_activated_result(b, rule, pooled(b, rule->op, x, dtype), err);
}

/* The root of the mean of squares. */
static enum code l2_pool_2d(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    struct span x;
    enum dtype dtype;
    enum code code = tfl_operand(b, 0, rule->form, &x, &dtype, err);
    if (code)
        return code;
    struct span mean = pooled(b, rule->op, tfl_unary(b, "Square", x, dtype), dtype);
    return tfl_activated_result(b, rule, tfl_unary(b, "Sqrt", mean, dtype), err);
}

const struct tfl_rule tfl_window_rules[] = {
    TFL_RULE(3, "CONV_2D", conv_2d, "Conv2D", TFL_REAL, 2, 1, 4),
    TFL_RULE(4, "DEPTHWISE_CONV_2D", depthwise_conv_2d, "DepthwiseConv2dNative", TFL_REAL, 2, 1, 5),
    TFL_RULE(67, "TRANSPOSE_CONV", transpose_conv, "Conv2DBackpropInput", TFL_REAL, 3, 1, 4),
    TFL_RULE(132, "CONV_3D", conv_3d, "Conv3D", TFL_REAL, 2, 1, 5),
    TFL_RULE(141, "CONV_3D_TRANSPOSE", conv_3d_transpose, "Conv3DBackpropInputV2", TFL_REAL, 3, 1,
             5),
    TFL_RULE(1, "AVERAGE_POOL_2D", pool_2d, "AvgPool", TFL_REAL, 1, 1, 6),
    TFL_RULE(17, "MAX_POOL_2D", pool_2d, "MaxPool", TFL_REAL, 1, 1, 6),
    TFL_RULE(12, "L2_POOL_2D", l2_pool_2d, "AvgPool", TFL_REAL, 1, 1, 6),
    TFL_RULE(13, "LOCAL_RESPONSE_NORMALIZATION", tfl_plain, "LRN", TFL_REAL, 1, 1, 0,
             TFL_TYPE_OF("T", 0), {"depth_radius", TFL_ATTR_INT, 0}, {"bias", TFL_ATTR_FLOAT, 1},
             {"alpha", TFL_ATTR_FLOAT, 2}, {"beta", TFL_ATTR_FLOAT, 3}),
    TFL_RULE(23, "RESIZE_BILINEAR", tfl_plain, "ResizeBilinear", TFL_REAL, 2, 1, 0,
             TFL_TYPE_OF("T", 0), {"align_corners", TFL_ATTR_BOOL, 2},
             {"half_pixel_centers", TFL_ATTR_BOOL, 3}),
    TFL_RULE(97, "RESIZE_NEAREST_NEIGHBOR", tfl_plain, "ResizeNearestNeighbor", TFL_MOVED, 2, 1, 0,
             TFL_TYPE_OF("T", 0), {"align_corners", TFL_ATTR_BOOL, 0},
             {"half_pixel_centers", TFL_ATTR_BOOL, 1}),
    {0},
};
