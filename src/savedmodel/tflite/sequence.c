/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recurrent layers. An LSTM without projections, layer norms and peepholes is BlockLSTM, whose
 * weights are those of the four gates beside each other. Its state is zeros at the beginning of
 * each run: an interpreter keeps what the run before has left, which is whose request came before.
 */
#include "savedmodel/tflite/translate.h"

enum gate { INPUT_GATE, CELL_GATE, FORGET_GATE, OUTPUT_GATE, GATE_COUNT };

/* The operator's inputs. */
enum {
    SEQUENCE,
    INPUT_WEIGHTS,
    RECURRENT_WEIGHTS = 5,
    PEEPHOLES = 9,
    BIASES = 12,
    PROJECTION = 16,
    OUTPUT_STATE = 18,
    CELL_STATE,
    LAYER_NORMS,
    INPUTS_MAX = 24,
};

/* Where the weights of BlockLSTM's gates are among the operator's: input, forget, cell, output. */
static const size_t places[GATE_COUNT] = {
    [INPUT_GATE] = 0, [CELL_GATE] = 2, [FORGET_GATE] = 1, [OUTPUT_GATE] = 3};

static const char *why_not(const struct tfl_body *b)
{
    enum { ACTIVATION, TANH = 4, CLIP_OF_PROJECTION = 2, DIAGONAL = 5 };
    if (!tfl_has_input(b, INPUT_WEIGHTS))
        return "with coupled gates";
    for (size_t i = PEEPHOLES; i < BIASES; i++) {
        if (tfl_has_input(b, i))
            return "with peepholes";
    }
    if (tfl_has_input(b, PROJECTION))
        return "with a projection";
    for (size_t i = LAYER_NORMS; i < INPUTS_MAX; i++) {
        if (tfl_has_input(b, i))
            return "with layer norms";
    }
    if (tfl_option(b->op, ACTIVATION, 1, 0) != TANH || tfl_option(b->op, DIAGONAL, 1, 0))
        return "of another activation or with diagonal weights";
    return tfl_is_quantized(tfl_input(b, SEQUENCE)) ? "of integers" : NULL;
}

static struct span joined(struct tfl_body *b, const struct span *parts, size_t count, int32_t axis)
{
    struct pb_node_def *node = tfl_node(b, "ConcatV2", 0);
    for (size_t i = 0; i < count; i++)
        node_input(b->t->arena, node, parts[i]);
    node_input(b->t->arena, node, tfl_int(b, axis));
    tfl_attr_type(b, node, "T", DTYPE_FLOAT);
    node_int(b->t->arena, node, "N", (int64_t)count);
    return node->name;
}

/* [in + out, 4 * out] of the weights, [4 * out] of the biases. */
static enum code gates(struct tfl_body *b, struct span *weights, struct span *biases,
                       struct error *err)
{
    static const int turned[] = {1, 0};
    struct span rows[GATE_COUNT], parts[2], bias[GATE_COUNT];
    enum dtype dtype;
    for (int gate = 0; gate < GATE_COUNT; gate++) {
        size_t at = places[gate];
        enum code code = tfl_operand(b, INPUT_WEIGHTS + at, TFL_REAL, &parts[0], &dtype, err);
        if (!code)
            code = tfl_operand(b, RECURRENT_WEIGHTS + at, TFL_REAL, &parts[1], &dtype, err);
        if (!code)
            code = tfl_operand(b, BIASES + at, TFL_REAL, &bias[gate], &dtype, err);
        if (code)
            return code;
        rows[gate] = joined(b, parts, 2, 1);
    }
    *weights = tfl_transpose(b, joined(b, rows, GATE_COUNT, 0), DTYPE_FLOAT, turned, 2);
    *biases = joined(b, bias, GATE_COUNT, 0);
    return CODE_OK;
}

/* Element i of a vector of int32. */
static struct span element(struct tfl_body *b, struct span vector, int32_t i)
{
    struct pb_node_def *node = tfl_node(b, "GatherV2", 3, vector, tfl_int(b, i), tfl_int(b, 0));
    tfl_attr_type(b, node, "Tparams", DTYPE_INT32);
    tfl_attr_type(b, node, "Tindices", DTYPE_INT32);
    tfl_attr_type(b, node, "Taxis", DTYPE_INT32);
    return node->name;
}

/* Zeros of the batch's size by `width`. */
static struct span start_state(struct tfl_body *b, struct span shape, int32_t width)
{
    struct pb_node_def *sizes = tfl_node(b, "Pack", 2, element(b, shape, 1), tfl_int(b, width));
    tfl_attr_type(b, sizes, "T", DTYPE_INT32);
    node_int(b->t->arena, sizes, "N", 2);
    struct pb_node_def *node = tfl_node(b, "Fill", 2, sizes->name, tfl_float(b, 0));
    tfl_attr_type(b, node, "T", DTYPE_FLOAT);
    return node->name;
}

static enum code lstm(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    enum { CELL_CLIP = 1, TIME_MAJOR = 3, RESULT = 6, RANK = 3 };
    static const int swapped[RANK] = {1, 0, 2};
    const char *why = tfl_has_input(b, SEQUENCE) ? why_not(b) : "without an input";
    if (why)
        return tfl_refuse(b, rule->name, why);
    struct span x, weights, biases;
    enum dtype dtype;
    enum code code = tfl_operand(b, SEQUENCE, TFL_REAL, &x, &dtype, err);
    if (!code)
        code = gates(b, &weights, &biases, err);
    if (code)
        return code;
    bool time_major = tfl_option(b->op, TIME_MAJOR, 1, 0);
    if (!time_major)
        x = tfl_transpose(b, x, DTYPE_FLOAT, swapped, RANK);
    const struct shape *last = &tfl_input(b, RECURRENT_WEIGHTS + 1)->shape;
    int32_t width = last->rank == 2 ? (int32_t)last->dims[0] : 0;
    struct span shape = tfl_shape_of(b, x, DTYPE_FLOAT);
    struct span state = start_state(b, shape, width);
    struct span steps = tfl_cast(b, element(b, shape, 0), DTYPE_INT32, DTYPE_INT64);
    struct shape peephole = shape_vector(width);
    struct span none;
    code = tfl_zeros(b, DTYPE_FLOAT, &peephole, &none, err);
    if (code)
        return code;
    struct pb_node_def *node =
        tfl_node(b, rule->op, 9, steps, x, state, state, weights, none, none, none, biases);
    tfl_attr_type(b, node, "T", DTYPE_FLOAT);
    node_float(b->t->arena, node, "forget_bias", 0);
    node_float(b->t->arena, node, "cell_clip", tfl_option_float(b->op, CELL_CLIP));
    struct span y = node_output(b->t->arena, node, RESULT);
    if (!time_major)
        y = tfl_transpose(b, y, DTYPE_FLOAT, swapped, RANK);
    return tfl_result(b, 0, TFL_REAL, y, err);
}

const struct tfl_rule tfl_sequence_rules[] = {
    TFL_RULE(44, "UNIDIRECTIONAL_SEQUENCE_LSTM", lstm, "BlockLSTM", TFL_REAL, 20, 1, 0),
    {0},
};
