/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cumsum, Cumprod, CumulativeLogsumexp: x, axis []: what runs along an axis; exclusive: without the
 * element itself; reverse: from the end. Rows of `inner` elements along the axis: each is the one
 * before and the input's, combined.
 */
#include <complex.h>
#include <math.h>

#include "ops/array/combine.h"
#include "ops/kernel.h"

struct scan {
    int64_t outer, size, inner;
    bool exclusive, reverse;
    combine_fn *combine;
    char identity[sizeof(double complex)]; /* an element that combines to the other */
};

#define COMBINE_LOOP(function, type, computed, load, store, expression)                            \
    static void function(void *vto, const void *vfrom, int64_t n)                                  \
    {                                                                                              \
        type *to = vto;                                                                            \
        const type *from = vfrom;                                                                  \
        for (int64_t i = 0; i < n; i++) {                                                          \
            const computed x = load(to[i]), y = load(from[i]);                                     \
            to[i] = store(expression);                                                             \
        }                                                                                          \
    }

#define FLOAT_LOOPS(float_expression, double_expression)                                           \
    COMBINE_LOOP(log_add_float, float, float, , , float_expression)                                \
    COMBINE_LOOP(log_add_double, double, double, , , double_expression)                            \
    COMBINE_LOOP(log_add_half, uint16_t, float, dtype_half_to_float, dtype_half_from_float,        \
                 float_expression)                                                                 \
    COMBINE_LOOP(log_add_bfloat16, uint16_t, float, dtype_bfloat16_to_float,                       \
                 dtype_bfloat16_from_float, float_expression)

static double log_add(double x, double y)
{
    double most = x > y || isnan(x) ? x : y, least = x > y || isnan(x) ? y : x;
    return isinf(most) ? most : most + log1p(exp(least - most));
}

FLOAT_LOOPS((float)log_add((double)x, (double)y), log_add(x, y))

static combine_fn *const log_adders[DTYPE_COUNT] = {
    [DTYPE_FLOAT] = log_add_float,
    [DTYPE_DOUBLE] = log_add_double,
    [DTYPE_HALF] = log_add_half,
    [DTYPE_BFLOAT16] = log_add_bfloat16,
};

/* The number as an element of the dtype: 0, 1, or minus infinity of floats. */
static void put_number(enum dtype dtype, double number, void *element)
{
    if (dtype == DTYPE_DOUBLE || dtype == DTYPE_COMPLEX128)
        memcpy(element, &number, sizeof number);
    else if (dtype == DTYPE_FLOAT || dtype == DTYPE_COMPLEX64)
        memcpy(element, &(float){(float)number}, sizeof(float));
    else if (dtype == DTYPE_HALF || dtype == DTYPE_BFLOAT16)
        memcpy(element,
               &(uint16_t){dtype == DTYPE_HALF ? dtype_half_from_float((float)number)
                                               : dtype_bfloat16_from_float((float)number)},
               sizeof(uint16_t));
    else
        *(char *)element = (char)number;
}

static enum code scan_prepare(struct op_call *call, combine_fn *combine, double identity,
                              struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    char text[SHAPE_TEXT_SIZE];
    int axis;
    if (call->in[1]->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "ScanOp: axis must be a scalar, not %s",
                         shape_text(&call->in[1]->shape, text));
    int64_t value = tensor_int(call->in[1], 0);
    if (!kernel_axis(value, in->rank, &axis))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "ScanOp: Expected scan axis in the range [%d, %d), but got %lld",
                         -in->rank, in->rank, (long long)(value < 0 ? value + in->rank : value));
    struct scan *s = ARENA_NEW(call->arena, struct scan);
    s->outer = kernel_span(in, 0, axis);
    s->size = in->dims[axis];
    s->inner = kernel_span(in, axis + 1, in->rank);
    s->exclusive = op_attr_bool(call, "exclusive");
    s->reverse = op_attr_bool(call, "reverse");
    s->combine = combine;
    put_number(call->in[0]->dtype, identity, s->identity);
    call->state = s;
    return CODE_OK;
}

static enum code sum_prepare(struct op_call *call, struct error *err)
{
    return scan_prepare(call, combine_find(COMBINE_ADD, call->in[0]->dtype), 0, err);
}

static enum code product_prepare(struct op_call *call, struct error *err)
{
    return scan_prepare(call, combine_find(COMBINE_MUL, call->in[0]->dtype), 1, err);
}

static enum code log_sum_prepare(struct op_call *call, struct error *err)
{
    return scan_prepare(call, log_adders[call->in[0]->dtype], -INFINITY, err);
}

static void begin_row(const struct scan *s, const char *in, char *out, size_t size)
{
    if (s->exclusive)
        kernel_fill(out, s->identity, size, s->inner);
    else
        memcpy(out, in, (size_t)s->inner * size);
}

static enum code scan_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct scan *s = call->state;
    size_t size = dtype_size(call->in[0]->dtype), row = (size_t)s->inner * size;
    for (int64_t o = 0; o < s->outer; o++) {
        const char *in = (const char *)call->in[0]->data + (size_t)(o * s->size) * row;
        char *out = (char *)call->out[0]->data + (size_t)(o * s->size) * row;
        for (int64_t i = 0; i < s->size; i++) {
            size_t at = (size_t)(s->reverse ? s->size - 1 - i : i) * row;
            size_t before = s->reverse ? at + row : at - row;
            if (i == 0) {
                begin_row(s, in + at, out + at, size);
                continue;
            }
            memcpy(out + at, out + before, row);
            s->combine(out + at, in + (s->exclusive ? before : at), s->inner);
        }
    }
    return CODE_OK;
}

#define SCAN_OP(symbol, dtypes, prepare_fn)                                                        \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "x:T axis:Tidx",                                                                 \
        .outputs = "out:T",                                                                        \
        .attrs = "exclusive:bool=false reverse:bool=false T:type Tidx:index=int32",                \
        .types = dtypes,                                                                           \
        .shape = kernel_shape_with_axes,                                                           \
        .prepare = prepare_fn,                                                                     \
        .run = scan_run,                                                                           \
    }

SCAN_OP(Cumsum, OP_TYPES_NUMBER, sum_prepare);
SCAN_OP(Cumprod, OP_TYPES_NUMBER, product_prepare);
SCAN_OP(CumulativeLogsumexp, OP_TYPES_FLOAT, log_sum_prepare);
