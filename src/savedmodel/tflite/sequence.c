/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recurrent layers. An LSTM without projections, layer norms and peepholes is BlockLSTM, whose
 * weights are those of the four gates beside each other. Its state is zeros at the beginning of
 * each run: an interpreter keeps what the run before has left, which is whose request came before.
 */
#include "savedmodel/tflite/translate.h"

enum gate { INPUT_GATE, CELL_GATE, FORGET_GATE, OUTPUT_GATE, GATE_COUNT };

enum { SEQUENCE, RANK = 3, TANH = 4 };

/* Where BlockLSTM's gates are among the operator's: input, forget, cell, output. */
static const size_t places[GATE_COUNT] = {
    [INPUT_GATE] = 0, [CELL_GATE] = 2, [FORGET_GATE] = 1, [OUTPUT_GATE] = 3};

/* One direction of a layer: the operator's inputs that are the first of their kind. */
struct direction {
    size_t inputs, recurrent, peepholes, biases, projection;
    bool is_backward;
};

static const struct direction forward = {1, 5, 9, 12, 16, false};
static const struct direction backward = {18, 22, 26, 29, 33, true};

static bool has_any(const struct tfl_body *b, size_t first, size_t end)
{
    bool any = false;
    for (size_t i = first; i < end; i++)
        any |= tfl_has_input(b, i);
    return any;
}

/* NULL: it can be done. */
static const char *why_not(const struct tfl_body *b, const struct direction *d)
{
    if (!tfl_has_input(b, d->inputs))
        return "with coupled gates";
    if (has_any(b, d->peepholes, d->biases))
        return "with peepholes";
    if (tfl_has_input(b, d->projection))
        return "with a projection";
    return NULL;
}

static const char *why_not_at_all(const struct tfl_body *b)
{
    enum { ACTIVATION };
    if (!tfl_has_input(b, SEQUENCE))
        return "without an input";
    if (tfl_option(b->op, ACTIVATION, 1, 0) != TANH)
        return "of another activation";
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
static enum code gates(struct tfl_body *b, const struct direction *d, struct span *weights,
                       struct span *biases, struct error *err)
{
    static const int turned[] = {1, 0};
    struct span rows[GATE_COUNT], parts[2], bias[GATE_COUNT];
    enum dtype dtype;
    for (int gate = 0; gate < GATE_COUNT; gate++) {
        size_t at = places[gate];
        enum code code = tfl_operand(b, d->inputs + at, TFL_REAL, &parts[0], &dtype, err);
        if (!code)
            code = tfl_operand(b, d->recurrent + at, TFL_REAL, &parts[1], &dtype, err);
        if (!code)
            code = tfl_operand(b, d->biases + at, TFL_REAL, &bias[gate], &dtype, err);
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

/* Time, the first dimension, the other way round. */
static struct span reversed(struct tfl_body *b, struct span x)
{
    static const int32_t time[] = {0};
    struct pb_node_def *node = tfl_node(b, "ReverseV2", 2, x, tfl_ints(b, time, 1));
    tfl_attr_type(b, node, "T", DTYPE_FLOAT);
    return node->name;
}

/* *x, [time, batch, in], becomes what the direction makes of it, [time, batch, out]. */
static enum code run_direction(struct tfl_body *b, const struct direction *d, struct span *x,
                               struct error *err)
{
    enum { CELL_CLIP = 1, RESULT = 6 };
    struct span weights, biases, none;
    enum code code = gates(b, d, &weights, &biases, err);
    if (code)
        return code;
    const struct shape *last = &tfl_input(b, d->recurrent + 1)->shape;
    int32_t width = last->rank == 2 ? (int32_t)last->dims[0] : 0;
    struct shape peephole = shape_vector(width);
    code = tfl_zeros(b, DTYPE_FLOAT, &peephole, &none, err);
    if (code)
        return code;
    struct span in = d->is_backward ? reversed(b, *x) : *x;
    struct span shape = tfl_shape_of(b, in, DTYPE_FLOAT);
    struct span state = start_state(b, shape, width);
    struct span steps = tfl_cast(b, element(b, shape, 0), DTYPE_INT32, DTYPE_INT64);
    struct pb_node_def *node =
        tfl_node(b, "BlockLSTM", 9, steps, in, state, state, weights, none, none, none, biases);
    tfl_attr_type(b, node, "T", DTYPE_FLOAT);
    node_float(b->t->arena, node, "forget_bias", 0);
    node_float(b->t->arena, node, "cell_clip", tfl_option_float(b->op, CELL_CLIP));
    *x = node_output(b->t->arena, node, RESULT);
    *x = d->is_backward ? reversed(b, *x) : *x;
    return CODE_OK;
}

/* Batch before time becomes time before batch, and back. */
static struct span swapped(struct tfl_body *b, struct span x)
{
    static const int perm[RANK] = {1, 0, 2};
    return tfl_transpose(b, x, DTYPE_FLOAT, perm, RANK);
}

static enum code unidirectional(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    enum { TIME_MAJOR = 3, DIAGONAL = 5, LAYER_NORMS = 20, LAYER_NORMS_END = 24 };
    const char *why = why_not_at_all(b);
    why = why ? why : why_not(b, &forward);
    if (!why && has_any(b, LAYER_NORMS, LAYER_NORMS_END))
        why = "with layer norms";
    if (!why && tfl_option(b->op, DIAGONAL, 1, 0))
        why = "with diagonal weights";
    if (why)
        return tfl_refuse(b, rule->name, why);
    struct span x;
    enum dtype dtype;
    bool time_major = tfl_option(b->op, TIME_MAJOR, 1, 0);
    enum code code = tfl_operand(b, SEQUENCE, TFL_REAL, &x, &dtype, err);
    x = code || time_major ? x : swapped(b, x);
    if (!code)
        code = run_direction(b, &forward, &x, err);
    return code ? code : tfl_result(b, 0, TFL_REAL, time_major ? x : swapped(b, x), err);
}

/* The results of both directions, beside each other or each for itself. */
static enum code bidirectional(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    enum { MERGED = 3, TIME_MAJOR, AUXILIARY = 39, AUXILIARY_END = 48 };
    const char *why = why_not_at_all(b);
    why = why ? why : why_not(b, &forward);
    why = why ? why : why_not(b, &backward);
    if (!why && has_any(b, AUXILIARY, AUXILIARY_END))
        why = "with auxiliary inputs";
    if (why)
        return tfl_refuse(b, rule->name, why);
    struct span sides[2];
    enum dtype dtype;
    bool time_major = tfl_option(b->op, TIME_MAJOR, 1, 1);
    bool merged = tfl_option(b->op, MERGED, 1, 0);
    if (!merged && b->op->outputs.count < 2)
        return tfl_wrong(b, "it has one output for two directions", err);
    enum code code = tfl_operand(b, SEQUENCE, TFL_REAL, &sides[0], &dtype, err);
    if (code)
        return code;
    sides[0] = sides[1] = time_major ? sides[0] : swapped(b, sides[0]);
    code = run_direction(b, &forward, &sides[0], err);
    if (!code)
        code = run_direction(b, &backward, &sides[1], err);
    for (int i = 0; !code && i < 2; i++)
        sides[i] = time_major ? sides[i] : swapped(b, sides[i]);
    if (!code && merged)
        return tfl_result(b, 0, TFL_REAL, joined(b, sides, 2, RANK - 1), err);
    for (size_t i = 0; !code && i < 2; i++)
        code = tfl_result(b, i, TFL_REAL, sides[i], err);
    return code;
}

const struct tfl_rule tfl_sequence_rules[] = {
    TFL_RULE(44, "UNIDIRECTIONAL_SEQUENCE_LSTM", unidirectional, "BlockLSTM", TFL_REAL, 20, 1, 0),
    TFL_RULE(52, "BIDIRECTIONAL_SEQUENCE_LSTM", bidirectional, "BlockLSTM, ReverseV2", TFL_REAL, 39,
             1, 0),
    {0},
};
