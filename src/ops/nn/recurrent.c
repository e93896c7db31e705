/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BlockLSTM, BlockLSTMV2, LSTMBlockCell and GRUBlockCell: recurrent layers as one op. A step's
 * gates are [x, h] times the weights, row by row of those, so that the inner loop runs along the
 * gates. A cell is a sequence of one step. half is computed in float and rounded on the way out.
 */
#include <math.h>

#include "ops/kernel.h"
#include "ops/nn/vector_math.h"
#include "ops/nn/widen.h"

enum lstm_gate {
    GATE_INPUT,
    GATE_CELL,
    GATE_FORGET,
    GATE_OUTPUT,
};

struct lstm {
    int first; /* input number of x */
    int64_t time, batch, inputs, cells;
    int gates[4]; /* by enum lstm_gate: which quarter of the weights' columns */
    float forget_bias;
    float clip; /* of the cells; none if not positive */
    bool peephole;
};

enum { OUT_I, OUT_CS, OUT_F, OUT_O, OUT_CI, OUT_CO, OUT_H, OUT_COUNT };

/* out[j] += x w[j] */
KERNEL void add_scaled(float *restrict out, const float *restrict w, float x, int64_t n)
{
    for (int64_t j = 0; j < n; j++)
        out[j] += x * w[j];
}

/* out += the n_in numbers of `x` times the rows of w, each of n_out. */
static void add_product(float *out, const float *x, int64_t n_in, const float *w, int64_t n_out)
{
    for (int64_t p = 0; p < n_in; p++)
        add_scaled(out, w + p * n_out, x[p], n_out);
}

/* ---- shapes ---- */

static enum code bad_shape(const char *name, const struct shape *got, const char *expected,
                           struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    return error_set(err, CODE_INVALID_ARGUMENT, "%s has shape %s, expected %s", name,
                     shape_text(got, text), expected);
}

static bool is_matrix(const struct shape *shape, int64_t rows, int64_t columns)
{
    return shape->rank == 2 && shape->dims[0] == rows && shape->dims[1] == columns;
}

static bool is_vector(const struct shape *shape, int64_t n)
{
    return shape->rank == 1 && shape->dims[0] == n;
}

static enum code measure(const struct op_call *call, struct lstm *l, int rank, struct error *err)
{
    const struct tensor *const *in = call->in + l->first;
    const struct shape *x = &in[0]->shape, *cs = &in[1]->shape;
    if (x->rank != rank)
        return bad_shape("x", x, rank == 3 ? "[time, batch, inputs]" : "[batch, inputs]", err);
    l->time = rank == 3 ? x->dims[0] : 1;
    l->batch = x->dims[rank - 2];
    l->inputs = x->dims[rank - 1];
    if (cs->rank != 2 || cs->dims[0] != l->batch)
        return bad_shape("cs_prev", cs, "[batch, cells]", err);
    l->cells = cs->dims[1];
    if (!is_matrix(&in[2]->shape, l->batch, l->cells))
        return bad_shape("h_prev", &in[2]->shape, "[batch, cells]", err);
    if (l->cells > INT64_MAX / 64 || l->inputs > INT64_MAX - l->cells ||
        !is_matrix(&in[3]->shape, l->inputs + l->cells, 4 * l->cells))
        return bad_shape("w", &in[3]->shape, "[inputs + cells, 4 * cells]", err);
    if (!is_vector(&in[7]->shape, 4 * l->cells))
        return bad_shape("b", &in[7]->shape, "[4 * cells]", err);
    l->peephole = op_attr_bool(call, "use_peephole");
    for (int i = 4; i < 7 && l->peephole; i++) {
        if (!is_vector(&in[i]->shape, l->cells))
            return bad_shape("a peephole's weights", &in[i]->shape, "[cells]", err);
    }
    return CODE_OK;
}

static enum code lstm_infer(struct op_call *call, int first, int rank, struct error *err)
{
    struct lstm l = {.first = first};
    enum code code = measure(call, &l, rank, err);
    struct shape out = {rank, {l.batch, l.cells}};
    if (rank == 3)
        out = (struct shape){3, {l.time, l.batch, l.cells}};
    for (int i = 0; !code && i < OUT_COUNT; i++)
        op_call_shape(call, i, &out);
    return code;
}

static enum code block_shape(struct op_call *call, struct error *err)
{
    return lstm_infer(call, 1, 3, err);
}

static enum code cell_shape(struct op_call *call, struct error *err)
{
    return lstm_infer(call, 0, 2, err);
}

/* Room for the gates of one row, and for all operands as floats. */
static enum code lstm_prepare(struct op_call *call, int first, int rank, struct error *err)
{
    struct lstm *l = ARENA_NEW(call->arena, struct lstm);
    l->first = first;
    enum code code = measure(call, l, rank, err);
    call->state = l;
    size_t size = tensor_align(4 * (size_t)l->cells * sizeof(float));
    for (int i = first; i < call->in_count; i++)
        size += widen_size(call->in[i]->dtype, tensor_elements(call->in[i]));
    for (int i = 0; i < OUT_COUNT; i++)
        size += widen_size(call->out[i]->dtype, tensor_elements(call->out[i]));
    call->scratch_size = size;
    return code;
}

static enum code v1_prepare(struct op_call *call, int first, int rank, struct error *err)
{
    enum code code = lstm_prepare(call, first, rank, err);
    struct lstm *l = call->state;
    const int gates[4] = {[GATE_INPUT] = 0, [GATE_CELL] = 1, [GATE_FORGET] = 2, [GATE_OUTPUT] = 3};
    memcpy(l->gates, gates, sizeof gates);
    l->forget_bias = op_attr_float(call, "forget_bias");
    l->clip = op_attr_float(call, "cell_clip");
    return code;
}

static enum code block_prepare(struct op_call *call, struct error *err)
{
    return v1_prepare(call, 1, 3, err);
}

static enum code cell_prepare(struct op_call *call, struct error *err)
{
    return v1_prepare(call, 0, 2, err);
}

static enum code block_v2_prepare(struct op_call *call, struct error *err)
{
    enum code code = lstm_prepare(call, 1, 3, err);
    struct lstm *l = call->state;
    const int gates[4] = {[GATE_INPUT] = 0, [GATE_FORGET] = 1, [GATE_CELL] = 2, [GATE_OUTPUT] = 3};
    memcpy(l->gates, gates, sizeof gates);
    l->clip = op_attr_float(call, "cell_clip");
    return code;
}

/* ---- one row of one step ---- */

struct lstm_operands {
    const float *x, *cs, *h, *w, *wci, *wcf, *wco, *b;
    float *out[OUT_COUNT];
    float *gates;
};

/* Row r of the outputs from x's row r, and the state before: cs and h. */
static void lstm_row(const struct lstm *l, const struct lstm_operands *o, int64_t r,
                     const float *cs, const float *h)
{
    int64_t n = l->cells;
    float *g = o->gates;
    memcpy(g, o->b, (size_t)(4 * n) * sizeof *g);
    add_product(g, o->x + r * l->inputs, l->inputs, o->w, 4 * n);
    add_product(g, h, n, o->w + l->inputs * 4 * n, 4 * n);
    for (int64_t j = 0; j < n; j++) {
        float peep_i = l->peephole ? cs[j] * o->wci[j] : 0;
        float peep_f = l->peephole ? cs[j] * o->wcf[j] : 0;
        float i = vector_sigmoid(g[l->gates[GATE_INPUT] * n + j] + peep_i);
        float ci = vector_tanh(g[l->gates[GATE_CELL] * n + j]);
        float f = vector_sigmoid(g[l->gates[GATE_FORGET] * n + j] + l->forget_bias + peep_f);
        float state = ci * i + cs[j] * f;
        if (l->clip > 0)
            state = state > l->clip ? l->clip : state < -l->clip ? -l->clip : state;
        float peep_o = l->peephole ? state * o->wco[j] : 0;
        float out = vector_sigmoid(g[l->gates[GATE_OUTPUT] * n + j] + peep_o);
        float co = vector_tanh(state);
        const float values[OUT_COUNT] = {i, state, f, out, ci, co, out * co};
        for (int k = 0; k < OUT_COUNT; k++)
            o->out[k][r * n + j] = values[k];
    }
}

/* The operands as floats; those of half are widened into the scratch. */
static struct lstm_operands take_operands(const struct lstm *l, struct op_call *call)
{
    struct lstm_operands o = {.gates = call->scratch};
    char *room = (char *)call->scratch + tensor_align(4 * (size_t)l->cells * sizeof(float));
    const float **in[] = {&o.x, &o.cs, &o.h, &o.w, &o.wci, &o.wcf, &o.wco, &o.b};
    for (int i = 0; i < 8; i++)
        *in[i] = widen_input(call->in[l->first + i], &room);
    for (int i = 0; i < OUT_COUNT; i++)
        o.out[i] = widen_output(call->out[i], &room);
    return o;
}

static enum code lstm_run(struct op_call *call, int64_t steps, struct error *err)
{
    (void)err;
    const struct lstm *l = call->state;
    struct lstm_operands o = take_operands(l, call);
    int64_t row = l->cells;
    for (int64_t r = 0; r < steps * l->batch; r++) {
        bool first = r < l->batch;
        const float *cs = first ? o.cs + r * row : o.out[OUT_CS] + (r - l->batch) * row;
        const float *h = first ? o.h + r * row : o.out[OUT_H] + (r - l->batch) * row;
        lstm_row(l, &o, r, cs, h);
    }
    for (int i = 0; i < OUT_COUNT; i++) {
        int64_t done = steps * l->batch * row, all = tensor_elements(call->out[i]);
        memset(o.out[i] + done, 0, (size_t)(all - done) * sizeof(float));
        widen_finish(call->out[i], o.out[i]);
    }
    return CODE_OK;
}

/* seq_len_max [], x [time, batch, inputs], cs_prev, h_prev [batch, cells], w, peepholes, b -> i,
 * cs, f, o, ci, co, h [time, batch, cells]; zeros from seq_len_max on. */
static enum code block_run(struct op_call *call, struct error *err)
{
    const struct lstm *l = call->state;
    char text[SHAPE_TEXT_SIZE];
    if (call->in[0]->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "seq_len_max must be a scalar, has shape %s",
                         shape_text(&call->in[0]->shape, text));
    int64_t most = *TENSOR_AT(call->in[0], int64_t);
    int64_t steps = most < 0 ? 0 : most < l->time ? most : l->time;
    return lstm_run(call, steps, err);
}

static enum code cell_run(struct op_call *call, struct error *err)
{
    return lstm_run(call, 1, err);
}

/* ---- GRU ---- */

/* x [batch, inputs], h_prev [batch, cells], w_ru [inputs + cells, 2 cells], w_c [inputs + cells,
 * cells], b_ru, b_c -> r, u, c, h [batch, cells]. */
static enum code gru_shape(struct op_call *call, struct error *err)
{
    const struct shape *x = &call->in[0]->shape, *h = &call->in[1]->shape;
    if (x->rank != 2)
        return bad_shape("x", x, "[batch, inputs]", err);
    if (h->rank != 2 || h->dims[0] != x->dims[0])
        return bad_shape("h_prev", h, "[batch, cells]", err);
    int64_t cells = h->dims[1], rows = x->dims[1] + cells;
    if (!is_matrix(&call->in[2]->shape, rows, 2 * cells))
        return bad_shape("w_ru", &call->in[2]->shape, "[inputs + cells, 2 * cells]", err);
    if (!is_matrix(&call->in[3]->shape, rows, cells))
        return bad_shape("w_c", &call->in[3]->shape, "[inputs + cells, cells]", err);
    if (!is_vector(&call->in[4]->shape, 2 * cells))
        return bad_shape("b_ru", &call->in[4]->shape, "[2 * cells]", err);
    if (!is_vector(&call->in[5]->shape, cells))
        return bad_shape("b_c", &call->in[5]->shape, "[cells]", err);
    for (int i = 0; i < call->out_count; i++)
        op_call_shape(call, i, h);
    return CODE_OK;
}

static enum code gru_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    call->scratch_size = 4 * (size_t)call->in[1]->shape.dims[1] * sizeof(float);
    return CODE_OK;
}

static enum code gru_run(struct op_call *call, struct error *err)
{
    (void)err;
    int64_t batch = call->in[0]->shape.dims[0], inputs = call->in[0]->shape.dims[1];
    int64_t n = call->in[1]->shape.dims[1];
    const float *w_ru = call->in[2]->data, *w_c = call->in[3]->data;
    float *ru = call->scratch, *c = ru + 2 * n, *rh = c + n;
    for (int64_t b = 0; b < batch; b++) {
        const float *x = TENSOR_AT(call->in[0], float) + b * inputs;
        const float *h = TENSOR_AT(call->in[1], float) + b * n;
        memcpy(ru, call->in[4]->data, (size_t)(2 * n) * sizeof *ru);
        memcpy(c, call->in[5]->data, (size_t)n * sizeof *c);
        add_product(ru, x, inputs, w_ru, 2 * n);
        add_product(ru, h, n, w_ru + inputs * 2 * n, 2 * n);
        for (int64_t j = 0; j < 2 * n; j++)
            ru[j] = vector_sigmoid(ru[j]);
        for (int64_t j = 0; j < n; j++)
            rh[j] = h[j] * ru[j];
        add_product(c, x, inputs, w_c, n);
        add_product(c, rh, n, w_c + inputs * n, n);
        for (int64_t j = 0; j < n; j++) {
            float u = ru[n + j], candidate = vector_tanh(c[j]);
            TENSOR_AT(call->out[0], float)[b * n + j] = ru[j];
            TENSOR_AT(call->out[1], float)[b * n + j] = u;
            TENSOR_AT(call->out[2], float)[b * n + j] = candidate;
            TENSOR_AT(call->out[3], float)[b * n + j] = u * h[j] + (1 - u) * candidate;
        }
    }
    return CODE_OK;
}

#define LSTM_INPUTS  "x:T cs_prev:T h_prev:T w:T wci:T wcf:T wco:T b:T"
#define LSTM_OUTPUTS "i:T cs:T f:T o:T ci:T co:T h:T"
#define LSTM_TYPES   (OP_TYPE(DTYPE_HALF) | OP_TYPE(DTYPE_FLOAT))

const struct op op_BlockLSTM = {
    .name = "BlockLSTM",
    .inputs = "seq_len_max:int64 " LSTM_INPUTS,
    .outputs = LSTM_OUTPUTS,
    .attrs = "forget_bias:float=1 cell_clip:float=3 use_peephole:bool=false T:type",
    .types = LSTM_TYPES,
    .shape = block_shape,
    .prepare = block_prepare,
    .run = block_run,
};

const struct op op_BlockLSTMV2 = {
    .name = "BlockLSTMV2",
    .inputs = "seq_len_max:int64 " LSTM_INPUTS,
    .outputs = LSTM_OUTPUTS,
    .attrs = "cell_clip:float=0 use_peephole:bool=false T:type",
    .types = LSTM_TYPES,
    .shape = block_shape,
    .prepare = block_v2_prepare,
    .run = block_run,
};

const struct op op_LSTMBlockCell = {
    .name = "LSTMBlockCell",
    .inputs = LSTM_INPUTS,
    .outputs = LSTM_OUTPUTS,
    .attrs = "forget_bias:float=1 cell_clip:float=3 use_peephole:bool=false T:type",
    .types = LSTM_TYPES,
    .shape = cell_shape,
    .prepare = cell_prepare,
    .run = cell_run,
};

const struct op op_GRUBlockCell = {
    .name = "GRUBlockCell",
    .inputs = "x:T h_prev:T w_ru:T w_c:T b_ru:T b_c:T",
    .outputs = "r:T u:T c:T h:T",
    .attrs = "T:type",
    .types = OP_TYPE(DTYPE_FLOAT),
    .shape = gru_shape,
    .prepare = gru_prepare,
    .run = gru_run,
};
