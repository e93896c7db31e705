/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products. */
#include "savedmodel/tflite/translate.h"

/* x as rows of `width` elements; how many rows is left open. */
static struct span as_rows(struct tfl_body *b, struct span x, enum dtype dtype, int64_t width)
{
    const struct shape *shape = &tfl_input(b, 0)->shape;
    if (shape->rank == 2 && shape->dims[1] == width)
        return x;
    const int32_t dims[] = {-1, (int32_t)width};
    return tfl_reshape(b, x, dtype, dims, 2);
}

/* y with the dimensions of x, but for the last. */
static struct span as_operand(struct tfl_body *b, struct span y, struct span x, enum dtype dtype,
                              int64_t width)
{
    if (tfl_input(b, 0)->shape.rank == 2)
        return y;
    const int32_t zero[] = {0}, last[] = {-1}, one[] = {1}, wide[] = {(int32_t)width};
    struct pb_node_def *outer =
        tfl_node(b, "StridedSlice", 4, tfl_shape_of(b, x, dtype), tfl_ints(b, zero, 1),
                 tfl_ints(b, last, 1), tfl_ints(b, one, 1));
    tfl_attr_type(b, outer, "T", DTYPE_INT32);
    tfl_attr_type(b, outer, "Index", DTYPE_INT32);
    struct pb_node_def *shape =
        tfl_node(b, "ConcatV2", 3, outer->name, tfl_ints(b, wide, 1), tfl_int(b, 0));
    tfl_attr_type(b, shape, "T", DTYPE_INT32);
    node_int(b->t->arena, shape, "N", 2);
    struct pb_node_def *node = tfl_node(b, "Reshape", 2, y, shape->name);
    tfl_attr_type(b, node, "T", dtype);
    return node->name;
}

/* Weights are [out, in]; what x has more dimensions than two is rows. */
static enum code fully_connected(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    enum { WEIGHTS_FORMAT = 1, KEEP_NUM_DIMS };
    static const int perm[] = {0, 1};
    struct span x, weights;
    enum dtype dtype;
    if (tfl_option(b->op, WEIGHTS_FORMAT, 1, 0))
        return tfl_refuse(b, rule->name, "with shuffled weights");
    if (!tfl_has_input(b, 1) || tfl_input(b, 1)->shape.rank != 2)
        return tfl_wrong(b, "its weights are to have 2 dimensions", err);
    const struct shape *shape = &tfl_input(b, 1)->shape;
    enum code code = tfl_operand(b, 0, TFL_REAL, &x, &dtype, err);
    if (!code)
        code = tfl_weights(b, 1, perm, shape, &weights, err);
    if (code)
        return code;
    struct pb_node_def *node =
        tfl_node(b, rule->op, 2, as_rows(b, x, dtype, shape->dims[1]), weights);
    tfl_attr_type(b, node, "T", dtype);
    node_bool(b->t->arena, node, "transpose_b", true);
    struct span y = node->name;
    code = tfl_add_bias(b, 2, &y, dtype, err);
    if (code)
        return code;
    if (tfl_option(b->op, KEEP_NUM_DIMS, 1, 0))
        y = as_operand(b, y, x, dtype, shape->dims[0]);
    return tfl_activated_result(b, rule, y, err);
}

const struct tfl_rule tfl_product_rules[] = {
    TFL_RULE(9, "FULLY_CONNECTED", fully_connected, "MatMul", TFL_REAL, 2, 1, 1),
    TFL_RULE(126, "BATCH_MATMUL", tfl_plain, "BatchMatMulV2", TFL_REAL, 2, 1, 0,
             TFL_TYPE_OF("T", 0), {"adj_x", TFL_ATTR_BOOL, 0}, {"adj_y", TFL_ATTR_BOOL, 1}),
    {0},
};
