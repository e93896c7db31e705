/* SPDX-License-Identifier: Apache-2.0 */
/* Reductions along dimensions that are an input, and what gives the place of an element. */
#include "savedmodel/tflite/translate.h"

#define REDUCTION(code, name, op, form, ...)                                                       \
    TFL_RULE(code, name, tfl_plain, op, form, 2, 1, 0, {"keep_dims", TFL_ATTR_BOOL, 0},            \
             TFL_TYPE_OF("Tidx", 1), __VA_ARGS__)

/* How many of the largest comes as one or another integer. */
static enum code top_k(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    struct span x, k;
    enum dtype dtype, k_dtype;
    enum tfl_form form = tfl_moved_form(b);
    enum code code = tfl_operand(b, 0, form, &x, &dtype, err);
    if (!code)
        code = tfl_operand(b, 1, TFL_RAW, &k, &k_dtype, err);
    if (code)
        return code;
    const struct span inputs[] = {x, tfl_cast(b, k, k_dtype, DTYPE_INT32)};
    return tfl_plain_of(b, rule, inputs, 2, err);
}

const struct tfl_rule tfl_reduce_rules[] = {
    REDUCTION(74, "SUM", "Sum", TFL_REAL, TFL_OF_T),
    REDUCTION(40, "MEAN", "Mean", TFL_REAL, TFL_OF_T),
    REDUCTION(81, "REDUCE_PROD", "Prod", TFL_REAL, TFL_OF_T),
    REDUCTION(82, "REDUCE_MAX", "Max", TFL_REAL, TFL_OF_T),
    REDUCTION(89, "REDUCE_MIN", "Min", TFL_REAL, TFL_OF_T),
    REDUCTION(91, "REDUCE_ANY", "Any", TFL_RAW, {0}),
    REDUCTION(140, "REDUCE_ALL", "All", TFL_RAW, {0}),
    TFL_RULE(56, "ARG_MAX", tfl_plain, "ArgMax", TFL_REAL, 2, 1, 0, TFL_OF_T,
             TFL_TYPE_OF("Tidx", 1), {"output_type", TFL_ATTR_GIVES, 0}),
    TFL_RULE(79, "ARG_MIN", tfl_plain, "ArgMin", TFL_REAL, 2, 1, 0, TFL_OF_T,
             TFL_TYPE_OF("Tidx", 1), {"output_type", TFL_ATTR_GIVES, 0}),
    TFL_RULE(48, "TOPK_V2", top_k, "TopKV2", TFL_MOVED, 2, 2, 0, TFL_OF_T,
             {"index_type", TFL_ATTR_GIVES, 1}),
    TFL_RULE(128, "CUMSUM", tfl_plain, "Cumsum", TFL_REAL, 2, 1, 0, TFL_OF_T,
             TFL_TYPE_OF("Tidx", 1), {"exclusive", TFL_ATTR_BOOL, 0},
             {"reverse", TFL_ATTR_BOOL, 1}),
    TFL_RULE(125, "SEGMENT_SUM", tfl_plain, "SegmentSum", TFL_REAL, 2, 1, 0, TFL_OF_T,
             TFL_TYPE_OF("Tindices", 1)),
    TFL_RULE(153, "UNSORTED_SEGMENT_PROD", tfl_plain, "UnsortedSegmentProd", TFL_REAL, 3, 1, 0,
             TFL_OF_T, TFL_TYPE_OF("Tindices", 1), TFL_TYPE_OF("Tnumsegments", 2)),
    TFL_RULE(154, "UNSORTED_SEGMENT_MAX", tfl_plain, "UnsortedSegmentMax", TFL_REAL, 3, 1, 0,
             TFL_OF_T, TFL_TYPE_OF("Tindices", 1), TFL_TYPE_OF("Tnumsegments", 2)),
    TFL_RULE(155, "UNSORTED_SEGMENT_SUM", tfl_plain, "UnsortedSegmentSum", TFL_REAL, 3, 1, 0,
             TFL_OF_T, TFL_TYPE_OF("Tindices", 1), TFL_TYPE_OF("Tnumsegments", 2)),
    TFL_RULE(157, "UNSORTED_SEGMENT_MIN", tfl_plain, "UnsortedSegmentMin", TFL_REAL, 3, 1, 0,
             TFL_OF_T, TFL_TYPE_OF("Tindices", 1), TFL_TYPE_OF("Tnumsegments", 2)),
    {0},
};
