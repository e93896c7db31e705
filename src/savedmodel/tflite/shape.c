/* SPDX-License-Identifier: Apache-2.0 */
/* Operators that change shapes, or put tensors together and take them apart. */
#include "savedmodel/tflite/translate.h"

#define MOVE(code, name, op, inputs, ...)                                                          \
    TFL_RULE(code, name, tfl_plain, op, TFL_MOVED, inputs, 1, 0, TFL_OF_T, __VA_ARGS__)

/* Operand i and a constant behind it. */
static enum code with_constant(struct tfl_body *b, const struct tfl_rule *rule,
                               struct span constant, struct error *err)
{
    struct span inputs[2] = {[1] = constant};
    enum dtype dtype;
    enum code code = tfl_operand(b, 0, tfl_moved_form(b), &inputs[0], &dtype, err);
    return code ? code : tfl_plain_of(b, rule, inputs, 2, err);
}

/* The new shape is an input, or an option. */
static enum code reshape(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    enum { NEW_SHAPE };
    struct flatbuffer_vector dims = {.count = 0};
    if (tfl_has_input(b, 1))
        return tfl_plain(b, rule, err);
    if (b->op->has_options && !flatbuffer_vector(&b->op->options, NEW_SHAPE, 4, &dims))
        return tfl_wrong(b, "its new shape leads out of the file", err);
    if (dims.count > SHAPE_RANK_MAX)
        return tfl_wrong(b, "its new shape has too many dimensions", err);
    int32_t sizes[SHAPE_RANK_MAX];
    memcpy(sizes, dims.elements.ptr ? dims.elements.ptr : "", dims.elements.len);
    return with_constant(b, rule, tfl_ints(b, sizes, dims.count), err);
}

static enum code squeeze(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    enum { SQUEEZE_DIMS };
    struct flatbuffer_vector dims = {.count = 0};
    struct span x;
    enum dtype dtype;
    enum tfl_form form = tfl_moved_form(b);
    enum code code = tfl_operand(b, 0, form, &x, &dtype, err);
    if (code)
        return code;
    if (b->op->has_options && !flatbuffer_vector(&b->op->options, SQUEEZE_DIMS, 4, &dims))
        return tfl_wrong(b, "its dimensions lead out of the file", err);
    if (dims.count > SHAPE_RANK_MAX)
        return tfl_wrong(b, "it has too many dimensions", err);
    int64_t numbers[SHAPE_RANK_MAX];
    for (size_t i = 0; i < dims.count; i++) {
        uint32_t number = 0;
        flatbuffer_vector_u32(&dims, i, &number);
        numbers[i] = (int32_t)number;
    }
    struct pb_node_def *node = tfl_node(b, rule->op, 1, x);
    tfl_attr_type(b, node, "T", dtype);
    node_ints(b->t->arena, node, "squeeze_dims", numbers, dims.count);
    return tfl_result(b, 0, form, node->name, err);
}

/* The axis is an option; one input alone is the result. */
static enum code concatenation(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    enum { AXIS };
    size_t count = b->op->inputs.count;
    struct span *inputs;
    enum code code = tfl_operands(b, rule, 1, &inputs, err);
    if (code)
        return code;
    if (count == 1)
        return tfl_activated_result(b, rule, inputs[0], err);
    inputs[count] = tfl_int(b, (int32_t)tfl_option(b->op, AXIS, 4, 0));
    return tfl_plain_of(b, rule, inputs, count + 1, err);
}

static enum code strided_slice(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    enum { OFFSET = 5 };
    if (tfl_option(b->op, OFFSET, 1, 0))
        return tfl_refuse(b, rule->name, "with ends relative to the beginnings");
    return tfl_plain(b, rule, err);
}

static enum code mirror_pad(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    enum { MODE };
    struct span x, paddings;
    enum dtype dtype, paddings_dtype;
    enum tfl_form form = tfl_moved_form(b);
    enum code code = tfl_operand(b, 0, form, &x, &dtype, err);
    if (!code)
        code = tfl_operand(b, 1, form, &paddings, &paddings_dtype, err);
    if (code)
        return code;
    struct pb_node_def *node = tfl_node(b, rule->op, 2, x, paddings);
    tfl_attr_type(b, node, "T", dtype);
    tfl_attr_type(b, node, "Tpaddings", paddings_dtype);
    node_string(b->t->arena, node, "mode",
                span_of(tfl_option(b->op, MODE, 1, 0) ? "SYMMETRIC" : "REFLECT"));
    return tfl_result(b, 0, form, node->name, err);
}

const struct tfl_rule tfl_shape_rules[] = {
    TFL_RULE(22, "RESHAPE", reshape, "Reshape", TFL_MOVED, 1, 1, 0, TFL_OF_T),
    TFL_RULE(43, "SQUEEZE", squeeze, "Squeeze", TFL_MOVED, 1, 1, 0),
    MOVE(70, "EXPAND_DIMS", "ExpandDims", 2, TFL_TYPE_OF("Tdim", 1)),
    MOVE(39, "TRANSPOSE", "Transpose", 2, TFL_TYPE_OF("Tperm", 1)),
    TFL_RULE(2, "CONCATENATION", concatenation, "ConcatV2", TFL_MOVED, 1, 1, 2, TFL_OF_T,
             {"N", TFL_ATTR_COUNT_OF, 0}),
    MOVE(83, "PACK", "Pack", 1, {"N", TFL_ATTR_COUNT_OF, 0}, {"axis", TFL_ATTR_INT, 1}),
    MOVE(88, "UNPACK", "Unpack", 1, {"num", TFL_ATTR_COUNT_OF, 1}, {"axis", TFL_ATTR_INT, 1}),
    TFL_RULE(49, "SPLIT", tfl_plain, "Split", TFL_MOVED, 2, 1, 0, TFL_TYPE_OF("T", 1),
             {"num_split", TFL_ATTR_COUNT_OF, 1}),
    MOVE(102, "SPLIT_V", "SplitV", 3, TFL_TYPE_OF("Tlen", 1), {"num_split", TFL_ATTR_COUNT_OF, 1}),
    MOVE(65, "SLICE", "Slice", 3, TFL_TYPE_OF("Index", 1)),
    TFL_RULE(45, "STRIDED_SLICE", strided_slice, "StridedSlice", TFL_MOVED, 4, 1, 0, TFL_OF_T,
             TFL_TYPE_OF("Index", 1), {"begin_mask", TFL_ATTR_INT, 0},
             {"end_mask", TFL_ATTR_INT, 1}, {"ellipsis_mask", TFL_ATTR_INT, 2},
             {"new_axis_mask", TFL_ATTR_INT, 3}, {"shrink_axis_mask", TFL_ATTR_INT, 4}),
    TFL_RULE(34, "PAD", tfl_plain, "Pad", TFL_REAL, 2, 1, 0, TFL_OF_T, TFL_TYPE_OF("Tpaddings", 1)),
    MOVE(60, "PADV2", "PadV2", 3, TFL_TYPE_OF("Tpaddings", 1)),
    TFL_RULE(100, "MIRROR_PAD", mirror_pad, "MirrorPad", TFL_MOVED, 2, 1, 0),
    MOVE(69, "TILE", "Tile", 2, TFL_TYPE_OF("Tmultiples", 1)),
    MOVE(130, "BROADCAST_TO", "BroadcastTo", 2, TFL_TYPE_OF("Tidx", 1)),
    MOVE(105, "REVERSE_V2", "ReverseV2", 2, TFL_TYPE_OF("Tidx", 1)),
    MOVE(112, "REVERSE_SEQUENCE", "ReverseSequence", 2, TFL_TYPE_OF("Tlen", 1),
         {"seq_dim", TFL_ATTR_INT, 0}, {"batch_dim", TFL_ATTR_INT, 1}),
    MOVE(26, "SPACE_TO_DEPTH", "SpaceToDepth", 1, {"block_size", TFL_ATTR_INT, 0}),
    MOVE(5, "DEPTH_TO_SPACE", "DepthToSpace", 1, {"block_size", TFL_ATTR_INT, 0}),
    TFL_RULE(38, "SPACE_TO_BATCH_ND", tfl_plain, "SpaceToBatchND", TFL_REAL, 3, 1, 0, TFL_OF_T,
             TFL_TYPE_OF("Tblock_shape", 1), TFL_TYPE_OF("Tpaddings", 2)),
    MOVE(37, "BATCH_TO_SPACE_ND", "BatchToSpaceND", 3, TFL_TYPE_OF("Tblock_shape", 1),
         TFL_TYPE_OF("Tcrops", 2)),
    TFL_RULE(77, "SHAPE", tfl_plain, "Shape", TFL_RAW, 1, 1, 0, TFL_OF_T,
             {"out_type", TFL_ATTR_GIVES, 0}),
    TFL_RULE(110, "RANK", tfl_plain, "Rank", TFL_RAW, 1, 1, 0, TFL_OF_T),
    TFL_RULE(145, "BROADCAST_ARGS", tfl_plain, "BroadcastArgs", TFL_RAW, 2, 1, 0, TFL_OF_T),
    TFL_RULE(113, "MATRIX_DIAG", tfl_plain, "MatrixDiag", TFL_REAL, 1, 1, 0, TFL_OF_T),
    TFL_RULE(115, "MATRIX_SET_DIAG", tfl_plain, "MatrixSetDiag", TFL_REAL, 2, 1, 0, TFL_OF_T),
    {0},
};
