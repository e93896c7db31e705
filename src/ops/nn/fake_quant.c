/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FakeQuantWithMinMaxArgs, ...Vars, ...VarsPerChannel: floats rounded to the grid that num_bits
 * give between min and max. The range is first moved ("nudged") so that zero lies on the grid. A
 * range that is just zero gives zeros.
 */
#include <math.h>

#include "ops/kernel.h"

struct fake_quant {
    float lowest; /* of the quantised numbers: 1 with narrow_range, else 0 */
    float highest;
    float min, max; /* FakeQuantWithMinMaxArgs */
    int64_t channels;
    int64_t elements;
};

struct grid {
    float min, max; /* nudged */
    float scale;
};

static struct grid nudge(const struct fake_quant *q, float min, float max)
{
    struct grid g = {.scale = (max - min) / (q->highest - q->lowest)};
    float zero = q->lowest - min / g.scale;
    float nudged = zero < q->lowest ? q->lowest : zero > q->highest ? q->highest : roundf(zero);
    g.min = (q->lowest - nudged) * g.scale;
    g.max = (q->highest - nudged) * g.scale;
    return g;
}

/* The largest whole number that is not above x, for 0 <= x < 2^22; in a form that becomes vector
 * code. */
static inline float whole(float x)
{
    const float rounder = 8388608.0f;
    float nearest = (x + rounder) - rounder;
    return nearest - (nearest > x ? 1.0f : 0.0f);
}

static inline float quantise(float x, const struct grid *g)
{
    float low = x < g->min ? g->min : x;
    float clamped = low > g->max ? g->max : low;
    return whole((clamped - g->min) / g->scale + 0.5f) * g->scale + g->min;
}

static enum code read_bits(const struct op_call *call, struct fake_quant *q, struct error *err)
{
    int64_t bits = op_attr_int(call, "num_bits");
    if (bits < 2 || bits > 16)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "num_bits must be between 2 and 16, inclusive");
    q->lowest = op_attr_bool(call, "narrow_range") ? 1 : 0;
    q->highest = (float)((1 << bits) - 1);
    q->elements = tensor_elements(call->in[0]);
    return CODE_OK;
}

static enum code args_prepare(struct op_call *call, struct error *err)
{
    struct fake_quant *q = ARENA_NEW(call->arena, struct fake_quant);
    call->state = q;
    q->min = op_attr_float(call, "min");
    q->max = op_attr_float(call, "max");
    if (q->min >= q->max)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "min has to be smaller than max, was: %g >= %g", (double)q->min,
                         (double)q->max);
    return read_bits(call, q, err);
}

static enum code check_rank(const struct op_call *call, int rank, struct error *err)
{
    for (int i = 1; i <= 2; i++) {
        if (call->in[i]->shape.rank != rank)
            return error_set(err, CODE_INVALID_ARGUMENT, "`%s` must be rank %d but is rank %d",
                             i == 1 ? "min" : "max", rank, call->in[i]->shape.rank);
    }
    return CODE_OK;
}

static enum code vars_shape(struct op_call *call, struct error *err)
{
    op_call_shape(call, 0, &call->in[0]->shape);
    return check_rank(call, 0, err);
}

static enum code vars_prepare(struct op_call *call, struct error *err)
{
    struct fake_quant *q = ARENA_NEW(call->arena, struct fake_quant);
    call->state = q;
    return read_bits(call, q, err);
}

static enum code per_channel_shape(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    enum code code = check_rank(call, 1, err);
    if (code)
        return code;
    if (!in->rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "inputs must have at least one dimension");
    for (int i = 1; i <= 2; i++) {
        if (call->in[i]->shape.dims[0] != in->dims[in->rank - 1])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "%s has incorrect size, expected %lld was %lld",
                             i == 1 ? "min" : "max", (long long)in->dims[in->rank - 1],
                             (long long)call->in[i]->shape.dims[0]);
    }
    op_call_shape(call, 0, in);
    return CODE_OK;
}

static enum code per_channel_prepare(struct op_call *call, struct error *err)
{
    struct fake_quant *q = ARENA_NEW(call->arena, struct fake_quant);
    call->state = q;
    q->channels = call->in[1]->shape.dims[0];
    return read_bits(call, q, err);
}

/* `in` may be `out`. */
KERNEL void quantise_all(const float *in, int64_t count, const struct grid *g, float *out)
{
    const struct grid grid = *g;
    for (int64_t i = 0; i < count; i++)
        out[i] = quantise(in[i], &grid);
}

static void run_all(const struct op_call *call, float min, float max)
{
    const struct fake_quant *q = call->state;
    float *out = call->out[0]->data;
    struct grid grid = nudge(q, min, max);
    if (min == 0 && max == 0)
        memset(out, 0, (size_t)q->elements * sizeof *out);
    else
        quantise_all(call->in[0]->data, q->elements, &grid, out);
}

static enum code args_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct fake_quant *q = call->state;
    run_all(call, q->min, q->max);
    return CODE_OK;
}

static enum code vars_run(struct op_call *call, struct error *err)
{
    (void)err;
    run_all(call, *TENSOR_AT(call->in[1], float), *TENSOR_AT(call->in[2], float));
    return CODE_OK;
}

static enum code per_channel_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct fake_quant *q = call->state;
    const float *in = call->in[0]->data;
    const float *min = call->in[1]->data, *max = call->in[2]->data;
    float *out = call->out[0]->data;
    for (int64_t c = 0; c < q->channels; c++) {
        bool nothing = min[c] == 0 && max[c] == 0;
        struct grid grid = nudge(q, min[c], max[c]);
        for (int64_t i = c; i < q->elements; i += q->channels)
            out[i] = nothing ? 0 : quantise(in[i], &grid);
    }
    return CODE_OK;
}

#define QUANT_ATTRS "num_bits:int=8 narrow_range:bool=false"

const struct op op_FakeQuantWithMinMaxArgs = {
    .name = "FakeQuantWithMinMaxArgs",
    .inputs = "inputs:float",
    .outputs = "outputs:float",
    .attrs = "min:float=-6 max:float=6 " QUANT_ATTRS,
    .flags = OP_IN_PLACE,
    .prepare = args_prepare,
    .run = args_run,
};

const struct op op_FakeQuantWithMinMaxVars = {
    .name = "FakeQuantWithMinMaxVars",
    .inputs = "inputs:float min:float max:float",
    .outputs = "outputs:float",
    .attrs = QUANT_ATTRS,
    .shape = vars_shape,
    .prepare = vars_prepare,
    .run = vars_run,
};

const struct op op_FakeQuantWithMinMaxVarsPerChannel = {
    .name = "FakeQuantWithMinMaxVarsPerChannel",
    .inputs = "inputs:float min:float max:float",
    .outputs = "outputs:float",
    .attrs = QUANT_ATTRS,
    .shape = per_channel_shape,
    .prepare = per_channel_prepare,
    .run = per_channel_run,
};
