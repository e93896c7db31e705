/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UniformQuantize: clamp(floor(x / scale + 1/2) + zero_point); UniformDequantize: (x - zero_point)
 * * scale, x being cast by way of float, as TensorFlow casts quantised types. Scales and zero
 * points are one of each, or one for each slice along quantization_axis.
 */
#include "ops/quant/limits.h"

struct uniform {
    int64_t lowest, highest;
    struct quant_slices slices;
};

static enum code check_scales(const struct op_call *call, int64_t axis, struct error *err)
{
    const struct shape *in = &call->in[0]->shape, *scales = &call->in[1]->shape;
    const struct shape *zeros = &call->in[2]->shape;
    if (axis < -1)
        return error_set(err, CODE_INVALID_ARGUMENT, "quantization_axis must be >= -1, given: %lld",
                         (long long)axis);
    char text[SHAPE_TEXT_SIZE], text2[SHAPE_TEXT_SIZE];
    shape_text(scales, text);
    shape_text(zeros, text2);
    if (!shape_equal(scales, zeros))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "scales and zero_points shape must be same, but given scales shape %s and "
                         "zero_points shape %s",
                         text, text2);
    if (axis >= in->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "quantization_axis must be -1 or in range [0, input.rank), but given %lld",
                         (long long)axis);
    if (axis < 0 && scales->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "If quantization_axis is -1, scales and zero_points must be scalar "
                         "tensors, but given scales shape %s and zero_points shape %s",
                         text, text2);
    if (axis >= 0 && (scales->rank != 1 || scales->dims[0] != in->dims[axis]))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "If quantization_axis is not -1, scales and zero_points must be a tensor "
                         "of rank 1 and the size must be equal to the "
                         "input.dim_size(quantization_axis), but given quantization_axis %lld, "
                         "scales shape %s and zero_points shape %s",
                         (long long)axis, text, text2);
    return CODE_OK;
}

static enum code uniform_shape(struct op_call *call, const char *attr, struct error *err)
{
    enum code code = quant_check_dtype(call, attr, DTYPE_FLOAT, err);
    if (!code)
        code = check_scales(call, op_attr_int(call, "quantization_axis"), err);
    if (!code)
        op_call_shape(call, 0, &call->in[0]->shape);
    return code;
}

static enum code quantize_shape(struct op_call *call, struct error *err)
{
    return uniform_shape(call, "Tin", err);
}

static enum code dequantize_shape(struct op_call *call, struct error *err)
{
    return uniform_shape(call, "Tout", err);
}

static enum code uniform_prepare(struct op_call *call, struct error *err)
{
    struct uniform *u = ARENA_NEW(call->arena, struct uniform);
    (void)err;
    *u = (struct uniform){
        .lowest = (int32_t)op_attr_int(call, "quantization_min_val"),
        .highest = (int32_t)op_attr_int(call, "quantization_max_val"),
        .slices = quant_slices(&call->in[0]->shape, op_attr_int(call, "quantization_axis")),
    };
    call->state = u;
    return CODE_OK;
}

/* Sums wrap as int32 do. */
static int32_t quantise(const struct uniform *u, float x, float inverse, int32_t zero)
{
    int32_t rounded = quant_int32(floorf(x * inverse + 0.5f));
    int64_t sum = (int32_t)((uint32_t)rounded + (uint32_t)zero);
    sum = sum < u->highest ? sum : u->highest;
    return (int32_t)(sum > u->lowest ? sum : u->lowest);
}

#define DEFINE_UNIFORM(dtype, type, name)                                                          \
    static void quantize_##name(const struct uniform *u, const struct op_call *call, int64_t k)    \
    {                                                                                              \
        const struct quant_slices *s = &u->slices;                                                 \
        const float inverse = 1.0f / TENSOR_AT(call->in[1], float)[k];                             \
        const int32_t zero = TENSOR_AT(call->in[2], int32_t)[k];                                   \
        for (int64_t i = 0; i < s->before * s->after; i++) {                                       \
            int64_t at = (i / s->after * s->slices + k) * s->after + i % s->after;                 \
            TENSOR_AT(call->out[0], type)                                                          \
            [at] = (type)quantise(u, TENSOR_AT(call->in[0], float)[at], inverse, zero);            \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void dequantize_##name(const struct uniform *u, const struct op_call *call, int64_t k)  \
    {                                                                                              \
        const struct quant_slices *s = &u->slices;                                                 \
        const float scale = TENSOR_AT(call->in[1], float)[k];                                      \
        const uint32_t zero = (uint32_t)TENSOR_AT(call->in[2], int32_t)[k];                        \
        for (int64_t i = 0; i < s->before * s->after; i++) {                                       \
            int64_t at = (i / s->after * s->slices + k) * s->after + i % s->after;                 \
            const float in = (float)TENSOR_AT(call->in[0], type)[at];                              \
            int32_t x = (int32_t)((uint32_t)quant_int32(in) - zero);                               \
            TENSOR_AT(call->out[0], float)[at] = (float)x * scale;                                 \
        }                                                                                          \
    }
QUANT_TYPES(DEFINE_UNIFORM)

typedef void slice_fn(const struct uniform *u, const struct op_call *call, int64_t k);

#define QUANTIZE_ROW(dtype, type, name)   [dtype] = quantize_##name,
#define DEQUANTIZE_ROW(dtype, type, name) [dtype] = dequantize_##name,

static enum code quantize_run(struct op_call *call, struct error *err)
{
    static slice_fn *const quantizes[DTYPE_COUNT] = {QUANT_TYPES(QUANTIZE_ROW)};
    const struct uniform *u = call->state;
    (void)err;
    for (int64_t k = 0; k < u->slices.slices; k++)
        quantizes[call->out[0]->dtype](u, call, k);
    return CODE_OK;
}

static enum code dequantize_run(struct op_call *call, struct error *err)
{
    static slice_fn *const dequantizes[DTYPE_COUNT] = {QUANT_TYPES(DEQUANTIZE_ROW)};
    const struct uniform *u = call->state;
    (void)err;
    for (int64_t k = 0; k < u->slices.slices; k++)
        dequantizes[call->in[0]->dtype](u, call, k);
    return CODE_OK;
}

#define UNIFORM_TYPES (OP_TYPE(DTYPE_QINT8) | OP_TYPE(DTYPE_QUINT8) | OP_TYPE(DTYPE_QINT32))
#define UNIFORM_ATTRS                                                                              \
    "Tin:type Tout:type quantization_axis:int=-1 quantization_min_val:int "                        \
    "quantization_max_val:int"

const struct op op_UniformQuantize = {
    .name = "UniformQuantize",
    .inputs = "input:Tin scales:float zero_points:int32",
    .outputs = "output:Tout",
    .attrs = UNIFORM_ATTRS,
    .types = UNIFORM_TYPES,
    .types_attr = "Tout",
    .shape = quantize_shape,
    .prepare = uniform_prepare,
    .run = quantize_run,
};

const struct op op_UniformDequantize = {
    .name = "UniformDequantize",
    .inputs = "input:Tin scales:float zero_points:int32",
    .outputs = "output:Tout",
    .attrs = UNIFORM_ATTRS,
    .types = UNIFORM_TYPES,
    .types_attr = "Tin",
    .shape = dequantize_shape,
    .prepare = uniform_prepare,
    .run = dequantize_run,
};
