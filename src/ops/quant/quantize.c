/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QuantizeV2: floats to quantised numbers; Dequantize: back. A range (min, max) of floats is laid
 * over the numbers of the type, one for the tensor or one for each slice along `axis`:
 *
 *   MIN_COMBINED  min is the type's lowest number, max its highest.
 *   MIN_FIRST     the same, but moved so that zero is a number.
 *   SCALED        zero is zero; the type's numbers reach the range on the wider side.
 */
#include <float.h>

#include "ops/nn/widen.h"
#include "ops/quant/limits.h"

enum mode { MODE_MIN_COMBINED, MODE_MIN_FIRST, MODE_SCALED, MODE_COUNT };

struct quantize {
    enum mode mode;
    enum dtype dtype; /* of the quantised numbers */
    bool half_to_even;
    bool narrow;
    int64_t axis;
    float least_range; /* ensure_minimum_range */
    struct quant_slices slices;
};

static enum mode mode_of(const struct op_call *call)
{
    static const char *const names[] = {"MIN_COMBINED", "MIN_FIRST", "SCALED"};
    struct span text = op_attr_string(call, "mode");
    int mode = 0;
    while (mode < MODE_COUNT && !span_is(text, names[mode]))
        mode++;
    return (enum mode)mode;
}

/* ---- QuantizeV2 ---- */

static enum code check_ranges(const struct op_call *call, int64_t axis, struct error *err)
{
    static const char *const names[] = {"min_range", "max_range"};
    const struct shape *in = &call->in[0]->shape;
    if (axis >= in->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Axis is on a zero-based index, so its value must always be less than "
                         "number of input's dims, but given axis value was %lld and input's dims "
                         "was %d",
                         (long long)axis, in->rank);
    for (int i = 0; i < 2; i++) {
        const struct shape *range = &call->in[1 + i]->shape;
        if (axis < 0 && shape_elements(range) != 1)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "If axis is not specified, %s must contain a single float element, "
                             "but it contains %lld elements",
                             names[i], (long long)shape_elements(range));
        if (axis >= 0 && range->rank != 1)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "If axis is specified, %s must be a 1-D tensor whose size matches the "
                             "axis dimension of the input and output tensors, but %s dims are %d",
                             names[i], names[i], range->rank);
        if (axis >= 0 && range->dims[0] != in->dims[axis])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "If axis is specified, %s must be a 1-D tensor whose size matches the "
                             "axis dimension of the input and output tensors, but %s is a 1-D "
                             "tensor of size %lld and input's axis dimension is of size %lld",
                             names[i], names[i], (long long)range->dims[0],
                             (long long)in->dims[axis]);
    }
    return CODE_OK;
}

static enum code quantize_read(const struct op_call *call, struct quantize *q, struct error *err)
{
    struct span round = op_attr_string(call, "round_mode");
    *q = (struct quantize){
        .mode = mode_of(call),
        .dtype = op_attr_type(call, "T"),
        .half_to_even = span_is(round, "HALF_TO_EVEN"),
        .narrow = op_attr_bool(call, "narrow_range"),
        .axis = op_attr_int(call, "axis"),
        .least_range = op_attr_float(call, "ensure_minimum_range"),
    };
    if (q->mode == MODE_COUNT)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Mode string must be 'MIN_COMBINED', 'MIN_FIRST', or 'SCALED', is '%.*s'",
                         SPAN_ARG(op_attr_string(call, "mode")));
    if (q->half_to_even && q->mode != MODE_SCALED)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Round mode 'HALF_TO_EVEN' only supported for mode 'SCALED', but mode is "
                         "'%.*s'.",
                         SPAN_ARG(op_attr_string(call, "mode")));
    if (q->axis < -1)
        return error_set(err, CODE_INVALID_ARGUMENT, "Axis must be at least -1. Found %lld",
                         (long long)q->axis);
    enum code code = check_ranges(call, q->axis, err);
    if (code)
        return code;
    q->slices = quant_slices(&call->in[0]->shape, q->axis);
    if (q->slices.slices != 1 && q->mode == MODE_MIN_FIRST)
        return error_set(err, CODE_UNIMPLEMENTED,
                         "MIN_FIRST mode is not implemented for Quantize with axis != -1.");
    return CODE_OK;
}

static enum code quantize_shape(struct op_call *call, struct error *err)
{
    struct quantize q;
    enum code code = quantize_read(call, &q, err);
    if (code)
        return code;
    struct shape range = q.axis < 0 ? shape_scalar() : shape_vector(q.slices.slices);
    op_call_shape(call, 0, &call->in[0]->shape);
    op_call_shape(call, 1, &range);
    op_call_shape(call, 2, &range);
    return CODE_OK;
}

static enum code quantize_prepare(struct op_call *call, struct error *err)
{
    struct quantize *q = ARENA_NEW(call->arena, struct quantize);
    call->state = q;
    return quantize_read(call, q, err);
}

/* How one slice's floats become numbers: round((clamp(x) - from) * scale + shift), then clamped. */
struct scale {
    float min, max; /* x is clamped to these; of MIN_FIRST the numbers are, instead */
    float from, scale, shift;
    float lowest, highest;
    bool whole; /* of Dequantize: SCALED of one slice */
};

/* The range with zero in it, and not too narrow. */
static void widen_range(const struct quantize *q, float *min, float *max)
{
    const float a = fabsf(*min), b = fabsf(*max);
    const float largest = a > b ? (a > 1 ? a : 1) : (b > 1 ? b : 1);
    *min = *min < 0 ? *min : 0;
    const float least = *min + largest * q->least_range;
    *max = *max > least ? *max : least;
    *max = *max > 0 ? *max : 0;
}

static float smaller(float a, float b)
{
    return b < a ? b : a;
}

/* Of SCALED, where the range is adapted to the numbers. */
static struct scale scale_symmetric(const struct quantize *q, float *min, float *max)
{
    const struct quant_limits limits = quant_limits(q->dtype);
    const float lowest = (float)(limits.lowest + q->narrow), highest = (float)limits.highest;
    const float below = lowest * *min > 0 ? lowest / *min : FLT_MAX;
    const float above = highest * *max > 0 ? highest / *max : FLT_MAX;
    const float scale = smaller(below, above);
    *min = lowest / scale;
    *max = highest / scale;
    return (struct scale){.min = *min, .max = *max, .scale = scale};
}

static struct scale scale_of(const struct quantize *q, float *min, float *max)
{
    const struct quant_limits limits = quant_limits(q->dtype);
    const float range = *max - *min;
    if (q->mode == MODE_SCALED)
        return scale_symmetric(q, min, max);
    if (q->mode == MODE_MIN_COMBINED)
        return (struct scale){
            .min = *min,
            .max = *max,
            .from = *min,
            .scale = (float)((double)(limits.steps - 1) / (double)range),
            .shift = limits.lowest ? -(float)(limits.steps / 2) : 0.5f,
        };
    const float scale = *max == *min ? 0 : (float)(((double)limits.steps - 1.0) / (double)range);
    return (struct scale){
        .scale = scale,
        .shift = -(roundf(*min * scale) - (float)limits.lowest),
        .lowest = (float)limits.lowest,
        .highest = smaller((float)limits.highest, 2.147483520e+09f),
    };
}

static float clamp(float x, float min, float max)
{
    x = x < max ? x : max;
    return x < min ? min : x;
}

static int32_t quantise(const struct quantize *q, const struct scale *s, float x)
{
    if (q->mode == MODE_MIN_FIRST)
        return quant_int32(clamp(roundf(x * s->scale) + s->shift, s->lowest, s->highest));
    const float scaled = (clamp(x, s->min, s->max) - s->from) * s->scale + s->shift;
    bool is_unsigned = q->mode == MODE_MIN_COMBINED && s->shift == 0.5f;
    if (is_unsigned)
        return quant_int32(scaled);
    return quant_int32(q->half_to_even ? rintf(scaled) : roundf(scaled));
}

#define DEFINE_QUANTIZE(dtype, type, name)                                                         \
    static void quantize_##name(const struct quantize *q, const struct scale *s, const float *in,  \
                                void *vout, int64_t n)                                             \
    {                                                                                              \
        type *out = vout;                                                                          \
        for (int64_t i = 0; i < n; i++)                                                            \
            out[i] = (type)quantise(q, s, in[i]);                                                  \
    }
QUANT_TYPES(DEFINE_QUANTIZE)

#define QUANTIZE_ROW(dtype, type, name) [dtype] = quantize_##name,

static enum code quantize_run(struct op_call *call, struct error *err)
{
    static void (*const quantizes[DTYPE_COUNT])(const struct quantize *, const struct scale *,
                                                const float *, void *,
                                                int64_t) = {QUANT_TYPES(QUANTIZE_ROW)};
    const struct quantize *q = call->state;
    const struct quant_slices *s = &q->slices;
    size_t size = dtype_size(q->dtype);
    for (int64_t k = 0; k < s->slices; k++) {
        float min = TENSOR_AT(call->in[1], float)[k], max = TENSOR_AT(call->in[2], float)[k];
        if (max < min)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "input_max_range must be larger than input_min_range.");
        widen_range(q, &min, &max);
        const struct scale scale = scale_of(q, &min, &max);
        for (int64_t i = 0; i < s->before; i++) {
            int64_t at = (i * s->slices + k) * s->after;
            quantizes[q->dtype](q, &scale, TENSOR_AT(call->in[0], float) + at,
                                (char *)call->out[0]->data + (size_t)at * size, s->after);
        }
        TENSOR_AT(call->out[1], float)[k] = min;
        TENSOR_AT(call->out[2], float)[k] = max;
    }
    return CODE_OK;
}

/* ---- Dequantize ---- */

static enum code check_mode(const struct op_call *call, const struct quantize *q, struct error *err)
{
    struct span mode = op_attr_string(call, "mode");
    bool is_float = op_attr_type(call, "dtype") == DTYPE_FLOAT;
    if (is_float && q->mode == MODE_COUNT)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Mode string must be 'MIN_COMBINED', 'MIN_FIRST', or 'SCALED', is '%.*s'",
                         SPAN_ARG(mode));
    enum code code = is_float ? CODE_OK : quant_check_dtype(call, "dtype", DTYPE_BFLOAT16, err);
    if (code)
        return code;
    if (!is_float && q->mode != MODE_MIN_COMBINED)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "When output type is bfloat16, Mode string must be 'MIN_COMBINED', is "
                         "'%.*s'",
                         SPAN_ARG(mode));
    return CODE_OK;
}

static enum code dequantize_read(const struct op_call *call, struct quantize *q, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    *q = (struct quantize){
        .mode = mode_of(call),
        .dtype = op_attr_type(call, "T"),
        .narrow = op_attr_bool(call, "narrow_range"),
        .axis = op_attr_int(call, "axis"),
    };
    enum code code = check_mode(call, q, err);
    if (code)
        return code;
    if (q->axis < -1)
        return error_set(err, CODE_INVALID_ARGUMENT, "Axis must be at least -1. Found %lld",
                         (long long)q->axis);
    if (q->axis >= in->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Axis must be less than input dimension(%d), got %lld", in->rank,
                         (long long)q->axis);
    q->slices = quant_slices(in, q->axis);
    for (int i = 1; i <= 2; i++) {
        if (tensor_elements(call->in[i]) != q->slices.slices)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "%s must have as many elements as input on the dequantization axis "
                             "(%lld), got %lld, expected %lld",
                             i == 1 ? "input_min_tensor" : "input_max_tensor", (long long)q->axis,
                             (long long)tensor_elements(call->in[i]), (long long)q->slices.slices);
    }
    if (q->slices.slices != 1 && q->mode == MODE_MIN_FIRST)
        return error_set(err, CODE_UNIMPLEMENTED,
                         "MIN_FIRST mode is not implemented for Dequantize with axis != -1.");
    return CODE_OK;
}

static enum code dequantize_shape(struct op_call *call, struct error *err)
{
    struct quantize q;
    enum code code = dequantize_read(call, &q, err);
    if (!code)
        op_call_shape(call, 0, &call->in[0]->shape);
    return code;
}

static enum code dequantize_prepare(struct op_call *call, struct error *err)
{
    struct quantize *q = ARENA_NEW(call->arena, struct quantize);
    call->state = q;
    call->scratch_size = widen_size(op_attr_type(call, "dtype"), tensor_elements(call->in[0]));
    return dequantize_read(call, q, err);
}

/* Numbers become (x + shift) * scale + from. */
static struct scale unscale_of(const struct quantize *q, float min, float max)
{
    const struct quant_limits limits = quant_limits(q->dtype);
    const float lowest = (float)limits.lowest, highest = (float)limits.highest;
    if (q->mode == MODE_SCALED) {
        const float above = max / highest, below = min / (float)(limits.lowest + q->narrow);
        return (struct scale){
            .scale = !limits.lowest || below < above ? above : below,
            .whole = q->slices.slices == 1,
        };
    }
    if (q->mode == MODE_MIN_COMBINED)
        return (struct scale){
            .scale = (max - min) / (highest - lowest),
            .shift = limits.lowest ? (highest - lowest + 1) / 2.0f : 0,
            .from = min,
        };
    const float scale = (float)((double)(max - min) / ((double)limits.steps - 1.0));
    const float rounded = max == min ? min : roundf(min / scale) * scale;
    return (struct scale){.scale = scale, .from = rounded - lowest * scale};
}

/* TensorFlow casts the highest 32-bit numbers to float and back to int first, where they do not
 * fit. */
static void dequantize_whole(const struct scale *s, const int32_t *in, float *out, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = (float)quant_int32((float)in[i]) * s->scale;
}

#define DEFINE_DEQUANTIZE(dtype, type, name)                                                       \
    KERNEL void dequantize_##name(const struct scale *s, const void *vin, float *restrict out,     \
                                  int64_t n)                                                       \
    {                                                                                              \
        const type *in = vin;                                                                      \
        const float scale = s->scale, shift = s->shift, from = s->from;                            \
        for (int64_t i = 0; i < n; i++)                                                            \
            out[i] = ((float)in[i] + shift) * scale + from;                                        \
        if ((dtype) == DTYPE_QINT32 && s->whole)                                                   \
            dequantize_whole(s, vin, out, n);                                                      \
    }
QUANT_TYPES(DEFINE_DEQUANTIZE)

#define DEQUANTIZE_ROW(dtype, type, name) [dtype] = dequantize_##name,

static enum code dequantize_run(struct op_call *call, struct error *err)
{
    static void (*const dequantizes[DTYPE_COUNT])(const struct scale *, const void *, float *,
                                                  int64_t) = {QUANT_TYPES(DEQUANTIZE_ROW)};
    const struct quantize *q = call->state;
    const struct quant_slices *s = &q->slices;
    size_t size = dtype_size(q->dtype);
    char *scratch = call->scratch;
    float *out = widen_output(call->out[0], &scratch);
    (void)err;
    for (int64_t k = 0; k < s->slices; k++) {
        const struct scale scale =
            unscale_of(q, TENSOR_AT(call->in[1], float)[k], TENSOR_AT(call->in[2], float)[k]);
        for (int64_t i = 0; i < s->before; i++) {
            int64_t at = (i * s->slices + k) * s->after;
            dequantizes[q->dtype](&scale, (const char *)call->in[0]->data + (size_t)at * size,
                                  out + at, s->after);
        }
    }
    widen_finish(call->out[0], out);
    return CODE_OK;
}

const struct op op_QuantizeV2 = {
    .name = "QuantizeV2",
    .inputs = "input:float min_range:float max_range:float",
    .outputs = "output:T output_min:float output_max:float",
    .attrs = "T:type mode:string='MIN_COMBINED' round_mode:string='HALF_AWAY_FROM_ZERO' "
             "narrow_range:bool=false axis:int=-1 ensure_minimum_range:float=0.01",
    .types = QUANT_TYPES_ALL,
    .shape = quantize_shape,
    .prepare = quantize_prepare,
    .run = quantize_run,
};

const struct op op_Dequantize = {
    .name = "Dequantize",
    .inputs = "input:T min_range:float max_range:float",
    .outputs = "output:dtype",
    .attrs = "T:type mode:string='MIN_COMBINED' narrow_range:bool=false axis:int=-1 "
             "dtype:type=float",
    .types = QUANT_TYPES_ALL,
    .shape = dequantize_shape,
    .prepare = dequantize_prepare,
    .run = dequantize_run,
};
