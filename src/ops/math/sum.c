/* SPDX-License-Identifier: Apache-2.0 */
/* AddN (a sum of tensors of one shape), Cumsum, ClipByValue. */
#include <complex.h>

#include "ops/kernel.h"

typedef void add_fn(void *to, const void *from, int64_t n);

#define ADD_LOOP(function, type, computed, load, store)                                            \
    static void function(void *vto, const void *vfrom, int64_t n)                                  \
    {                                                                                              \
        type *to = vto;                                                                            \
        const type *from = vfrom;                                                                  \
        for (int64_t i = 0; i < n; i++)                                                            \
            to[i] = store((computed)load(to[i]) + (computed)load(from[i]));                        \
    }

ADD_LOOP(add_float, float, float, , )
ADD_LOOP(add_double, double, double, , )
ADD_LOOP(add_8, uint8_t, uint32_t, , (uint8_t))
ADD_LOOP(add_16, uint16_t, uint32_t, , (uint16_t))
ADD_LOOP(add_32, uint32_t, uint32_t, , )
ADD_LOOP(add_64, uint64_t, uint64_t, , )
ADD_LOOP(add_complex64, float complex, float complex, , )
ADD_LOOP(add_complex128, double complex, double complex, , )
ADD_LOOP(add_half, uint16_t, float, dtype_half_to_float, dtype_half_from_float)
ADD_LOOP(add_bfloat16, uint16_t, float, dtype_bfloat16_to_float, dtype_bfloat16_from_float)

static add_fn *const adders[DTYPE_COUNT] = {
    [DTYPE_FLOAT] = add_float,
    [DTYPE_DOUBLE] = add_double,
    [DTYPE_INT8] = add_8,
    [DTYPE_UINT8] = add_8,
    [DTYPE_INT16] = add_16,
    [DTYPE_UINT16] = add_16,
    [DTYPE_INT32] = add_32,
    [DTYPE_UINT32] = add_32,
    [DTYPE_INT64] = add_64,
    [DTYPE_UINT64] = add_64,
    [DTYPE_COMPLEX64] = add_complex64,
    [DTYPE_COMPLEX128] = add_complex128,
    [DTYPE_HALF] = add_half,
    [DTYPE_BFLOAT16] = add_bfloat16,
};

/* ---- AddN ---- */

static enum code add_n_shape(struct op_call *call, struct error *err)
{
    const struct shape *first = &call->in[0]->shape;
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    for (int i = 1; i < call->in_count; i++) {
        if (!shape_equal(first, &call->in[i]->shape))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Inputs to operation %.*s of type AddN must have the same size and "
                             "shape.  Input 0: %s != input %d: %s",
                             SPAN_ARG(call->node->name), shape_text(first, left), i,
                             shape_text(&call->in[i]->shape, right));
    }
    op_call_shape(call, 0, first);
    return CODE_OK;
}

static enum code add_n_run(struct op_call *call, struct error *err)
{
    (void)err;
    int64_t n = tensor_elements(call->out[0]);
    memcpy(call->out[0]->data, call->in[0]->data, tensor_bytes(call->out[0]));
    for (int i = 1; i < call->in_count; i++)
        adders[call->out[0]->dtype](call->out[0]->data, call->in[i]->data, n);
    return CODE_OK;
}

/* ---- Cumsum: x, axis []: running sums along an axis; exclusive: without the element itself;
 * reverse: from the end ---- */

struct scan {
    int64_t outer, size, inner;
    bool exclusive, reverse;
};

static enum code scan_prepare(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    int64_t value = tensor_elements(call->in[1]) == 1 ? tensor_int(call->in[1], 0) : INT64_MAX;
    int axis;
    if (!kernel_axis(value, in->rank, &axis))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "ScanOp: Expected scan axis in the range [%d, %d), but got %lld",
                         -in->rank, in->rank, (long long)value);
    struct scan *s = ARENA_NEW(call->arena, struct scan);
    *s = (struct scan){
        .outer = kernel_span(in, 0, axis),
        .size = in->dims[axis],
        .inner = kernel_span(in, axis + 1, in->rank),
        .exclusive = op_attr_bool(call, "exclusive"),
        .reverse = op_attr_bool(call, "reverse"),
    };
    call->state = s;
    return CODE_OK;
}

/* Rows of `inner` elements along the axis: each is the one before plus the input's. */
static enum code cumsum_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct scan *s = call->state;
    size_t row = (size_t)s->inner * dtype_size(call->in[0]->dtype);
    add_fn *add = adders[call->in[0]->dtype];
    for (int64_t o = 0; o < s->outer; o++) {
        const char *in = (const char *)call->in[0]->data + (size_t)(o * s->size) * row;
        char *out = (char *)call->out[0]->data + (size_t)(o * s->size) * row;
        for (int64_t i = 0; i < s->size; i++) {
            size_t at = (size_t)(s->reverse ? s->size - 1 - i : i) * row;
            size_t before = s->reverse ? at + row : at - row;
            size_t added = s->exclusive ? before : at;
            if (i == 0 && s->exclusive) {
                memset(out + at, 0, row);
            } else if (i == 0) {
                memcpy(out + at, in + at, row);
            } else {
                memcpy(out + at, out + before, row);
                add(out + at, in + added, s->inner);
            }
        }
    }
    return CODE_OK;
}

/* ---- ClipByValue: t, min, max (of t's shape, or scalars) ---- */

typedef void clip_fn(const struct op_call *call, int64_t n, int64_t low_step, int64_t high_step);

#define CLIP_LOOP(dtype, type, name)                                                               \
    static void clip_##name(const struct op_call *call, int64_t n, int64_t low_step,               \
                            int64_t high_step)                                                     \
    {                                                                                              \
        const type *in = call->in[0]->data, *low = call->in[1]->data, *high = call->in[2]->data;   \
        type *out = call->out[0]->data;                                                            \
        for (int64_t i = 0; i < n; i++) {                                                          \
            type x = in[i], l = low[i * low_step], h = high[i * high_step];                        \
            x = h < x ? h : x;                                                                     \
            out[i] = x < l ? l : x;                                                                \
        }                                                                                          \
    }
#define CLIP_ROW(dtype, type, name) [dtype] = clip_##name,

KERNEL_TYPES_REAL(CLIP_LOOP)

static clip_fn *const clips[DTYPE_COUNT] = {KERNEL_TYPES_REAL(CLIP_ROW)};

static enum code clip_shape(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    char text[3][SHAPE_TEXT_SIZE];
    for (int i = 1; i < 3; i++) {
        if (tensor_elements(call->in[i]) == 1 || shape_equal(in, &call->in[i]->shape))
            continue;
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "clip_value_min and clip_value_max must be either of the same shape as "
                         "input, or a scalar. input shape: %sclip_value_min shape: "
                         "%sclip_value_max shape: %s",
                         shape_text(in, text[0]), shape_text(&call->in[1]->shape, text[1]),
                         shape_text(&call->in[2]->shape, text[2]));
    }
    op_call_shape(call, 0, in);
    return CODE_OK;
}

static enum code clip_run(struct op_call *call, struct error *err)
{
    (void)err;
    clips[call->out[0]->dtype](call, tensor_elements(call->out[0]),
                               tensor_elements(call->in[1]) != 1,
                               tensor_elements(call->in[2]) != 1);
    return CODE_OK;
}

const struct op op_AddN = {
    .name = "AddN",
    .inputs = "inputs:N*T",
    .outputs = "sum:T",
    .attrs = "N:int T:type",
    .types = OP_TYPES_NUMBER,
    .shape = add_n_shape,
    .run = add_n_run,
};

const struct op op_Cumsum = {
    .name = "Cumsum",
    .inputs = "x:T axis:Tidx",
    .outputs = "out:T",
    .attrs = "exclusive:bool=false reverse:bool=false T:type Tidx:index=int32",
    .types = OP_TYPES_NUMBER,
    .shape = kernel_shape_with_axes,
    .prepare = scan_prepare,
    .run = cumsum_run,
};

const struct op op_ClipByValue = {
    .name = "ClipByValue",
    .inputs = "t:T clip_value_min:T clip_value_max:T",
    .outputs = "output:T",
    .attrs = "T:type",
    .types = OP_TYPES_INTEGER | OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE),
    .shape = clip_shape,
    .run = clip_run,
};
