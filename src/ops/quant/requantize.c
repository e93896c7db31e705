/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RequantizationRange: the floats that the smallest and largest of quantised numbers stand for.
 * Requantize: 32-bit numbers of one range to 8-bit numbers of another, in fixed point;
 * QuantizeDownAndShrinkRange: of the range that they have.
 * QuantizedRelu, QuantizedRelu6, QuantizedReluX: numbers below the one for zero (and above the one
 * for the limit) become it.
 */
#include "ops/quant/limits.h"

struct range {
    float min, max;
};

static enum code read_float(const struct op_call *call, int i, float *value, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (tensor_elements(call->in[i]) != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "input %d must be a scalar. Got: %s", i,
                         shape_text(&call->in[i]->shape, text));
    *value = *TENSOR_AT(call->in[i], float);
    return CODE_OK;
}

static enum code read_range(const struct op_call *call, int i, struct range *range,
                            struct error *err)
{
    enum code code = read_float(call, i, &range->min, err);
    return code ? code : read_float(call, i + 1, &range->max, err);
}

static double to_float(enum dtype dtype, int64_t x, const struct range *range)
{
    const struct quant_limits limits = quant_limits(dtype);
    const double steps = (double)limits.steps;
    if (range->min == range->max)
        return (double)range->min;
    const double scale = (double)(range->max - range->min) * (steps / (steps - 1.0)) / steps;
    const double first = round((double)(range->min / (float)scale)) * (double)(float)scale;
    return first + (double)(x - limits.lowest) * scale;
}

static int64_t from_float(enum dtype dtype, float x, const struct range *range)
{
    const struct quant_limits limits = quant_limits(dtype);
    const double steps = (double)limits.steps;
    if (range->min == range->max)
        return limits.lowest;
    const double scale = steps / ((double)(range->max - range->min) * (steps / (steps - 1.0)));
    int64_t result = quant_int64(round((double)x * scale) - round((double)range->min * scale));
    if (__builtin_add_overflow(result, limits.lowest, &result) || result < limits.lowest)
        return limits.lowest;
    return result > limits.highest ? limits.highest : result;
}

static enum code scalars_shape(struct op_call *call, struct error *err)
{
    struct shape scalar = shape_scalar();
    (void)err;
    op_call_shape(call, 0, call->out_count == 2 ? &scalar : &call->in[0]->shape);
    op_call_shape(call, 1, &scalar);
    if (call->out_count == 3)
        op_call_shape(call, 2, &scalar);
    return CODE_OK;
}

static enum code requantize_shape(struct op_call *call, struct error *err)
{
    enum code code = quant_check_dtype(call, "out_type", DTYPE_QUINT8, err);
    return code ? code : scalars_shape(call, err);
}

static enum code relu_shape(struct op_call *call, struct error *err)
{
    enum code code = quant_check_dtype(call, "out_type", call->in[0]->dtype, err);
    return code ? code : scalars_shape(call, err);
}

/* ---- RequantizationRange ---- */

/* What the smallest and the largest number stand for; 0 at least is within. */
static struct range range_of_numbers(const struct tensor *in, const struct range *range)
{
    struct quant_limits limits = quant_limits(in->dtype);
    int64_t low = limits.highest, high = limits.lowest;
    for (int64_t i = 0, n = tensor_elements(in); i < n; i++) {
        int64_t x = TENSOR_AT(in, int32_t)[i];
        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    const float min = (float)to_float(in->dtype, low, range);
    return (struct range){min < 0 ? min : 0, (float)to_float(in->dtype, high, range)};
}

static enum code range_run(struct op_call *call, struct error *err)
{
    struct range range;
    enum code code = read_range(call, 1, &range, err);
    if (code)
        return code;
    range = range_of_numbers(call->in[0], &range);
    *TENSOR_AT(call->out[0], float) = range.min;
    *TENSOR_AT(call->out[1], float) = range.max;
    return CODE_OK;
}

/* ---- Requantize ---- */

enum { SHIFT = 16, ONE = 1 << SHIFT };

/* 16 bits behind the point. */
struct fixed {
    int64_t scale; /* 48 bits behind the point */
    int64_t offset;
};

static struct fixed fixed_of(const struct range *in, const struct range *out)
{
    const float in_range = in->max - in->min, out_range = out->max - out->min;
    if (out_range == 0)
        return (struct fixed){0, ONE / 2};
    const float per_step = (float)(255.0 / (double)out_range);
    const float middle = (float)((double)(in->min + in->max) / 2.0);
    const int64_t in_offset = quant_int64((double)(middle * per_step * (float)ONE));
    const int64_t out_offset =
        quant_int64(round((double)ONE * ((double)out->min * 255.0) / (double)out_range));
    return (struct fixed){
        .scale = quant_int64(255.0 * (double)ONE * (double)in_range / (double)out_range),
        .offset = (int64_t)((uint64_t)in_offset - (uint64_t)out_offset + ONE / 2),
    };
}

static enum code check_requested(const struct range *out, struct error *err)
{
    if (!(out->min <= 0))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "requested_output_min must be <= 0, but got %g", (double)out->min);
    if (!(out->max >= out->min))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "requested_output_max must be >= requested_output_min, but got %g and %g",
                         (double)out->max, (double)out->min);
    return CODE_OK;
}

static void requantize(struct op_call *call, const struct range *in, const struct range *out)
{
    const struct fixed f = fixed_of(in, out);
    /* By way of float, as TensorFlow's quantised types are cast. */
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++) {
        uint64_t x = (uint64_t)(int64_t)(float)TENSOR_AT(call->in[0], int32_t)[i];
        int64_t scaled = (int64_t)(x * (uint64_t)f.scale) >> 32;
        int64_t y = (int64_t)((uint64_t)scaled + (uint64_t)f.offset) >> SHIFT;
        TENSOR_AT(call->out[0], uint8_t)[i] = (uint8_t)(y < 0 ? 0 : y > 255 ? 255 : y);
    }
    *TENSOR_AT(call->out[1], float) = out->min;
    *TENSOR_AT(call->out[2], float) = out->max;
}

static enum code requantize_run(struct op_call *call, struct error *err)
{
    struct range in, out;
    enum code code = read_range(call, 1, &in, err);
    if (!code)
        code = read_range(call, 3, &out, err);
    if (!code)
        code = check_requested(&out, err);
    if (!code)
        requantize(call, &in, &out);
    return code;
}

/* ---- QuantizeDownAndShrinkRange: to the range that the numbers have ---- */

static enum code shrink_run(struct op_call *call, struct error *err)
{
    static const char *const names[] = {"input_min", "input_max"};
    struct range in, out;
    for (int i = 0; i < 2; i++) {
        int rank = call->in[1 + i]->shape.rank;
        if (rank != 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "`%s` must be rank 0 but is rank %d",
                             names[i], rank);
    }
    enum code code = read_range(call, 1, &in, err);
    if (code)
        return code;
    out = range_of_numbers(call->in[0], &in);
    requantize(call, &in, &out);
    return CODE_OK;
}

/* ---- QuantizedRelu, QuantizedRelu6, QuantizedReluX ---- */

static void clamp(struct op_call *call, int64_t low, int64_t high)
{
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++) {
        bool bytes = call->in[0]->dtype == DTYPE_QUINT8;
        int64_t x = bytes ? TENSOR_AT(call->in[0], uint8_t)[i] : TENSOR_AT(call->in[0], int32_t)[i];
        x = x < low ? low : x;
        x = x > high ? high : x;
        if (bytes)
            TENSOR_AT(call->out[0], uint8_t)[i] = (uint8_t)x;
        else
            TENSOR_AT(call->out[0], int32_t)[i] = (int32_t)x;
    }
}

/* The range stands in inputs at_range and behind; limit NULL: none above. */
static enum code relu(struct op_call *call, int at_range, const float *limit, struct error *err)
{
    enum dtype dtype = call->in[0]->dtype;
    struct range range;
    enum code code = read_range(call, at_range, &range, err);
    if (code)
        return code;
    int64_t high = limit ? from_float(dtype, *limit, &range) : quant_limits(dtype).highest;
    clamp(call, from_float(dtype, 0, &range), high);
    *TENSOR_AT(call->out[1], float) = range.min;
    *TENSOR_AT(call->out[2], float) = range.max;
    return CODE_OK;
}

static enum code relu_run(struct op_call *call, struct error *err)
{
    return relu(call, 1, NULL, err);
}

static enum code relu6_run(struct op_call *call, struct error *err)
{
    const float six = 6;
    return relu(call, 1, &six, err);
}

static enum code relu_x_run(struct op_call *call, struct error *err)
{
    float limit;
    enum code code = read_float(call, 1, &limit, err);
    return code ? code : relu(call, 2, &limit, err);
}

#define RELU_TYPES (OP_TYPE(DTYPE_QUINT8) | OP_TYPE(DTYPE_QINT32))

const struct op op_RequantizationRange = {
    .name = "RequantizationRange",
    .inputs = "input:Tinput input_min:float input_max:float",
    .outputs = "output_min:float output_max:float",
    .attrs = "Tinput:type",
    .types = OP_TYPE(DTYPE_QINT32),
    .types_attr = "Tinput",
    .shape = scalars_shape,
    .run = range_run,
};

const struct op op_Requantize = {
    .name = "Requantize",
    .inputs = "input:Tinput input_min:float input_max:float requested_output_min:float "
              "requested_output_max:float",
    .outputs = "output:out_type output_min:float output_max:float",
    .attrs = "Tinput:type out_type:type",
    .types = OP_TYPE(DTYPE_QINT32),
    .types_attr = "Tinput",
    .shape = requantize_shape,
    .run = requantize_run,
};

const struct op op_QuantizeDownAndShrinkRange = {
    .name = "QuantizeDownAndShrinkRange",
    .inputs = "input:Tinput input_min:float input_max:float",
    .outputs = "output:out_type output_min:float output_max:float",
    .attrs = "Tinput:type out_type:type",
    .types = OP_TYPE(DTYPE_QINT32),
    .types_attr = "Tinput",
    .shape = requantize_shape,
    .run = shrink_run,
};

const struct op op_QuantizedRelu = {
    .name = "QuantizedRelu",
    .inputs = "features:Tinput min_features:float max_features:float",
    .outputs = "activations:out_type min_activations:float max_activations:float",
    .attrs = "Tinput:type out_type:type=quint8",
    .types = RELU_TYPES,
    .types_attr = "Tinput",
    .shape = relu_shape,
    .run = relu_run,
};

const struct op op_QuantizedRelu6 = {
    .name = "QuantizedRelu6",
    .inputs = "features:Tinput min_features:float max_features:float",
    .outputs = "activations:out_type min_activations:float max_activations:float",
    .attrs = "Tinput:type out_type:type=quint8",
    .types = RELU_TYPES,
    .types_attr = "Tinput",
    .shape = relu_shape,
    .run = relu6_run,
};

const struct op op_QuantizedReluX = {
    .name = "QuantizedReluX",
    .inputs = "features:Tinput max_value:float min_features:float max_features:float",
    .outputs = "activations:out_type min_activations:float max_activations:float",
    .attrs = "Tinput:type out_type:type=quint8",
    .types = RELU_TYPES,
    .types_attr = "Tinput",
    .shape = relu_shape,
    .run = relu_x_run,
};
