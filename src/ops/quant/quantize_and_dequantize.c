/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QuantizeAndDequantizeV2, V3, V4: floats rounded as they would be by quantising to num_bits and
 * back, with zero kept; the scale comes from inputs input_min and input_max (range_given) or from
 * what there is, for the tensor or for each slice along `axis`. V3 has num_bits as an input.
 */
#include <float.h>

#include "ops/quant/limits.h"

struct quantize {
    int64_t axis;
    int64_t bits;
    bool is_signed;
    bool range_given;
    bool half_up;
    bool narrow;
    struct quant_slices slices;
};

static bool bits_are_input(const struct op_call *call)
{
    return call->in_count == 4;
}

static enum code check_bits(const struct quantize *q, const char *name, struct error *err)
{
    if (q->bits > 0 && q->bits < (q->is_signed ? 62 : 63))
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT, "num_bits is out of range: %lld with %s %d",
                     (long long)q->bits, name, q->is_signed);
}

static enum code read_rounding(const struct op_call *call, struct quantize *q, struct error *err)
{
    struct span mode = op_attr_string(call, "round_mode");
    q->bits = op_attr_int(call, "num_bits");
    q->half_up = span_is(mode, "HALF_UP");
    enum code code = check_bits(q, "signed_input_", err);
    if (!code && !q->half_up && !span_is(mode, "HALF_TO_EVEN"))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Round mode string must be 'HALF_TO_EVEN' or 'HALF_UP', is '%.*s'",
                         SPAN_ARG(mode));
    return code;
}

static enum code check_range(const struct op_call *call, const struct quantize *q, int i,
                             struct error *err)
{
    const struct shape *range = &call->in[i]->shape;
    const char *name = i == 1 ? "input_min_tensor" : "input_max_tensor";
    char text[SHAPE_TEXT_SIZE];
    if (!q->range_given)
        return CODE_OK;
    if ((q->axis < 0 || !bits_are_input(call)) && range->rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s must be a scalar.",
                         i == 1 ? "input_min" : "input_max");
    if (q->axis >= 0 && (range->rank != 1 || range->dims[0] != q->slices.slices))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "%s has incorrect size, was %lld expected %lld to match dim %lld of the "
                         "input %s",
                         name, (long long)(range->rank ? range->dims[0] : 1),
                         (long long)q->slices.slices, (long long)q->axis,
                         shape_text(&call->in[0]->shape, text));
    return CODE_OK;
}

static enum code read_all(const struct op_call *call, struct quantize *q, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    *q = (struct quantize){
        .axis = op_attr_int(call, "axis"),
        .is_signed = op_attr_bool(call, "signed_input"),
        .range_given = op_attr_bool(call, "range_given"),
        .narrow = op_attr_bool(call, "narrow_range"),
    };
    enum code code = bits_are_input(call) ? CODE_OK : read_rounding(call, q, err);
    if (code)
        return code;
    if (q->axis < -1)
        return error_set(err, CODE_INVALID_ARGUMENT, "Axis must be at least -1. Found %lld",
                         (long long)q->axis);
    if (q->axis >= in->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Shape must be at least rank %lld but is rank %d",
                         (long long)(q->axis + 1), in->rank);
    q->slices = quant_slices(in, q->axis);
    code = check_range(call, q, 1, err);
    return code ? code : check_range(call, q, 2, err);
}

static enum code round_trip_shape(struct op_call *call, struct error *err)
{
    struct quantize q;
    enum code code = read_all(call, &q, err);
    if (!code)
        op_call_shape(call, 0, &call->in[0]->shape);
    return code;
}

static enum code round_trip_prepare(struct op_call *call, struct error *err)
{
    struct quantize *q = ARENA_NEW(call->arena, struct quantize);
    call->state = q;
    return read_all(call, q, err);
}

#define DEFINE_ROUND_TRIP(type, largest, to_even, floor_of)                                        \
    struct scale_##type {                                                                          \
        type min, max, scale, inverse;                                                             \
    };                                                                                             \
                                                                                                   \
    static struct scale_##type scale_##type(const struct quantize *q, type min, type max)          \
    {                                                                                              \
        const int64_t half = INT64_C(1) << (q->bits - 1);                                          \
        const type lowest = (type)(q->is_signed ? -half + q->narrow : 0);                          \
        const type highest = (type)(q->is_signed ? half - 1 : half - 1 + half);                    \
        const type below = lowest * min > 0 ? lowest / min : largest;                              \
        const type above = highest * max > 0 ? highest / max : largest;                            \
        if (below < above) {                                                                       \
            const type inverse = min / lowest;                                                     \
            return (struct scale_##type){min, highest * inverse, below, inverse};                  \
        }                                                                                          \
        const type inverse = max / highest;                                                        \
        return (struct scale_##type){lowest * inverse, max, above, inverse};                       \
    }                                                                                              \
                                                                                                   \
    static void find_range_##type(const struct quant_slices *s, const type *in, type *min,         \
                                  type *max)                                                       \
    {                                                                                              \
        *min = (type)INFINITY;                                                                     \
        *max = (type)-INFINITY;                                                                    \
        for (int64_t i = 0; i < s->before * s->after; i++) {                                       \
            const type x = in[i / s->after * s->slices * s->after + i % s->after];                 \
            *min = x < *min ? x : *min;                                                            \
            *max = x > *max ? x : *max;                                                            \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static enum code slice_##type(const struct quantize *q, const struct op_call *call, int64_t k, \
                                  struct error *err)                                               \
    {                                                                                              \
        const struct quant_slices *s = &q->slices;                                                 \
        const type *in = TENSOR_AT(call->in[0], type) + k * s->after;                              \
        type *out = TENSOR_AT(call->out[0], type) + k * s->after;                                  \
        type min, max;                                                                             \
        if (q->range_given) {                                                                      \
            min = TENSOR_AT(call->in[1], type)[k];                                                 \
            max = TENSOR_AT(call->in[2], type)[k];                                                 \
            if (q->axis < 0 && !(min <= max))                                                      \
                return error_set(err, CODE_INVALID_ARGUMENT,                                       \
                                 "Invalid range: input_min %g > input_max %g", (double)min,        \
                                 (double)max);                                                     \
        } else {                                                                                   \
            find_range_##type(s, in, &min, &max);                                                  \
        }                                                                                          \
        const struct scale_##type c = scale_##type(q, min, max);                                   \
        for (int64_t i = 0; i < s->before * s->after; i++) {                                       \
            const int64_t at = i / s->after * s->slices * s->after + i % s->after;                 \
            type x = in[at];                                                                       \
            if (q->range_given) {                                                                  \
                x = c.max < x ? c.max : x;                                                         \
                x = x < c.min ? c.min : x;                                                         \
            }                                                                                      \
            x *= c.scale;                                                                          \
            out[at] = (q->half_up ? floor_of(x + (type)0.5) : to_even(x)) * c.inverse;             \
        }                                                                                          \
        return CODE_OK;                                                                            \
    }

DEFINE_ROUND_TRIP(float, FLT_MAX, rintf, floorf)
DEFINE_ROUND_TRIP(double, DBL_MAX, rint, floor)

static enum code round_trip_run(struct op_call *call, struct error *err)
{
    struct quantize q = *(const struct quantize *)call->state;
    enum code code = CODE_OK;
    if (bits_are_input(call)) {
        if (call->in[3]->shape.rank)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Invalid shape. The `num_bits` tensor should be a scalar. Got "
                             "dimensions: %d",
                             call->in[3]->shape.rank);
        q.bits = *TENSOR_AT(call->in[3], int32_t);
        code = check_bits(&q, "`signed_input_`", err);
    }
    for (int64_t k = 0; !code && k < q.slices.slices; k++)
        code = call->in[0]->dtype == DTYPE_FLOAT ? slice_float(&q, call, k, err)
                                                 : slice_double(&q, call, k, err);
    return code;
}

#define ROUND_TRIP_TYPES (OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE))

const struct op op_QuantizeAndDequantizeV2 = {
    .name = "QuantizeAndDequantizeV2",
    .inputs = "input:T input_min:T input_max:T",
    .outputs = "output:T",
    .attrs = "signed_input:bool=true num_bits:int=8 range_given:bool=false T:type "
             "round_mode:string='HALF_TO_EVEN' narrow_range:bool=false axis:int=-1",
    .types = ROUND_TRIP_TYPES,
    .shape = round_trip_shape,
    .prepare = round_trip_prepare,
    .run = round_trip_run,
};

const struct op op_QuantizeAndDequantizeV3 = {
    .name = "QuantizeAndDequantizeV3",
    .inputs = "input:T input_min:T input_max:T num_bits:int32",
    .outputs = "output:T",
    .attrs = "signed_input:bool=true range_given:bool=true T:type narrow_range:bool=false "
             "axis:int=-1",
    .types = ROUND_TRIP_TYPES,
    .shape = round_trip_shape,
    .prepare = round_trip_prepare,
    .run = round_trip_run,
};

const struct op op_QuantizeAndDequantizeV4 = {
    .name = "QuantizeAndDequantizeV4",
    .inputs = "input:T input_min:T input_max:T",
    .outputs = "output:T",
    .attrs = "signed_input:bool=true num_bits:int=8 range_given:bool=false T:type "
             "round_mode:string='HALF_TO_EVEN' narrow_range:bool=false axis:int=-1",
    .types = ROUND_TRIP_TYPES,
    .shape = round_trip_shape,
    .prepare = round_trip_prepare,
    .run = round_trip_run,
};
