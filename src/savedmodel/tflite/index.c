/* SPDX-License-Identifier: Apache-2.0 */
/* Operators that pick elements by their places, make ranges and fill, draw and choose. */
#include "savedmodel/tflite/translate.h"

/* The axis is an option. */
static enum code gather(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    enum { AXIS };
    struct span *inputs;
    enum code code = tfl_operands(b, rule, 1, &inputs, err);
    if (code)
        return code;
    inputs[2] = tfl_int(b, (int32_t)tfl_option(b->op, AXIS, 4, 0));
    return tfl_plain_of(b, rule, inputs, 3, err);
}

/* Rows of a table: the numbers come first. */
static enum code embedding_lookup(struct tfl_body *b, const struct tfl_rule *rule,
                                  struct error *err)
{
    struct span *inputs;
    enum code code = tfl_operands(b, rule, 0, &inputs, err);
    if (code)
        return code;
    const struct span turned[] = {inputs[1], inputs[0], tfl_int(b, 0)};
    return tfl_plain_of(b, rule, turned, 3, err);
}

/* TensorFlow gives int64. */
static enum code where(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    struct span x;
    enum dtype dtype;
    enum code code = tfl_operand(b, 0, rule->form, &x, &dtype, err);
    if (code)
        return code;
    struct span places = tfl_unary(b, rule->op, x, dtype);
    return tfl_result(b, 0, rule->form, tfl_cast(b, places, DTYPE_INT64, tfl_output(b, 0)->dtype),
                      err);
}

static enum code bucketize(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    enum { BOUNDARIES };
    struct flatbuffer_vector boundaries = {.count = 0};
    struct span x;
    enum dtype dtype;
    enum code code = tfl_operand(b, 0, rule->form, &x, &dtype, err);
    if (code)
        return code;
    if (b->op->has_options && !flatbuffer_vector(&b->op->options, BOUNDARIES, 4, &boundaries))
        return tfl_wrong(b, "its boundaries lead out of the file", err);
    code = tfl_charge(b->t->model, boundaries.elements.len, err);
    if (code)
        return code;
    float *numbers = ARENA_ARRAY(b->t->arena, float, boundaries.count);
    if (boundaries.count)
        memcpy(numbers, boundaries.elements.ptr, boundaries.elements.len);
    struct pb_node_def *node = tfl_node(b, rule->op, 1, x);
    tfl_attr_type(b, node, "T", dtype);
    struct pb_attr_value *list = node_add_attr(b->t->arena, node, "boundaries", ATTR_CASE_LIST);
    list->list->f.ptr = numbers;
    list->list->f.count = boundaries.count;
    return tfl_result(b, 0, rule->form, node->name, err);
}

/* TFLite's answers are as long as may be at most, with zeros behind. */
static enum code non_max_suppression(struct tfl_body *b, const struct tfl_rule *rule,
                                     struct error *err)
{
    struct span *inputs;
    enum code code = tfl_operands(b, rule, 0, &inputs, err);
    if (code)
        return code;
    struct pb_node_def *node = tfl_node_of(b, rule, inputs, b->op->inputs.count);
    node_bool(b->t->arena, node, "pad_to_max_output_size", true);
    for (size_t i = 0; !code && i < b->op->outputs.count; i++)
        code = tfl_result(b, i, rule->form, node_output(b->t->arena, node, i), err);
    return code;
}

const struct tfl_rule tfl_index_rules[] = {
    TFL_RULE(36, "GATHER", gather, "GatherV2", TFL_MOVED, 2, 1, 0, TFL_TYPE_OF("Tparams", 0),
             TFL_TYPE_OF("Tindices", 1), {"Taxis", TFL_ATTR_IS_TYPE, DTYPE_INT32},
             {"batch_dims", TFL_ATTR_INT, 1}),
    TFL_RULE(7, "EMBEDDING_LOOKUP", embedding_lookup, "GatherV2", TFL_MOVED, 2, 1, 0,
             TFL_TYPE_OF("Tparams", 1), TFL_TYPE_OF("Tindices", 0),
             {"Taxis", TFL_ATTR_IS_TYPE, DTYPE_INT32}),
    TFL_RULE(107, "GATHER_ND", tfl_plain, "GatherNd", TFL_MOVED, 2, 1, 0, TFL_TYPE_OF("Tparams", 0),
             TFL_TYPE_OF("Tindices", 1)),
    TFL_RULE(122, "SCATTER_ND", tfl_plain, "ScatterNd", TFL_REAL, 3, 1, 0, TFL_TYPE_OF("T", 1),
             TFL_TYPE_OF("Tindices", 0)),
    TFL_RULE(68, "SPARSE_TO_DENSE", tfl_plain, "SparseToDense", TFL_MOVED, 4, 1, 0,
             TFL_TYPE_OF("T", 2), TFL_TYPE_OF("Tindices", 0),
             {"validate_indices", TFL_ATTR_BOOL, 0}),
    TFL_RULE(85, "ONE_HOT", tfl_plain, "OneHot", TFL_MOVED, 4, 1, 0, TFL_TYPE_OF("T", 2),
             TFL_TYPE_OF("TI", 0), {"axis", TFL_ATTR_INT, 0}),
    TFL_RULE(94, "FILL", tfl_plain, "Fill", TFL_MOVED, 2, 1, 0, TFL_TYPE_OF("T", 1),
             TFL_TYPE_OF("index_type", 0)),
    TFL_RULE(96, "RANGE", tfl_plain, "Range", TFL_REAL, 3, 1, 0, TFL_TYPE_OF("Tidx", 0)),
    TFL_RULE(109, "WHERE", where, "Where", TFL_REAL, 1, 1, 0),
    TFL_RULE(103, "UNIQUE", tfl_plain, "Unique", TFL_RAW, 1, 2, 0, TFL_OF_T,
             {"out_idx", TFL_ATTR_GIVES, 1}),
    TFL_RULE(147, "BUCKETIZE", bucketize, "Bucketize", TFL_REAL, 1, 1, 0),
    TFL_RULE(120, "NON_MAX_SUPPRESSION_V4", non_max_suppression, "NonMaxSuppressionV4", TFL_REAL, 5,
             2, 0),
    TFL_RULE(121, "NON_MAX_SUPPRESSION_V5", non_max_suppression, "NonMaxSuppressionV5", TFL_REAL, 6,
             3, 0),
    TFL_RULE(151, "DYNAMIC_UPDATE_SLICE", tfl_plain, "XlaDynamicUpdateSlice", TFL_MOVED, 3, 1, 0,
             TFL_OF_T, TFL_TYPE_OF("Tindices", 2)),
    TFL_RULE(146, "RANDOM_STANDARD_NORMAL", tfl_plain, "RandomStandardNormal", TFL_RAW, 1, 1, 0,
             TFL_OF_T, {"dtype", TFL_ATTR_GIVES, 0}, {"seed", TFL_ATTR_LONG, 0},
             {"seed2", TFL_ATTR_LONG, 1}),
    TFL_RULE(148, "RANDOM_UNIFORM", tfl_plain, "RandomUniform", TFL_RAW, 1, 1, 0, TFL_OF_T,
             {"dtype", TFL_ATTR_GIVES, 0}, {"seed", TFL_ATTR_LONG, 0}, {"seed2", TFL_ATTR_LONG, 1}),
    TFL_RULE(149, "MULTINOMIAL", tfl_plain, "Multinomial", TFL_REAL, 2, 1, 0, TFL_OF_T,
             {"output_dtype", TFL_ATTR_GIVES, 0}, {"seed", TFL_ATTR_LONG, 0},
             {"seed2", TFL_ATTR_LONG, 1}),
    TFL_RULE(131, "RFFT2D", tfl_plain, "RFFT2D", TFL_RAW, 2, 1, 0, TFL_TYPE_OF("Treal", 0),
             {"Tcomplex", TFL_ATTR_GIVES, 0}),
    {0},
};
