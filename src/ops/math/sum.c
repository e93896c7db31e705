/* SPDX-License-Identifier: Apache-2.0 */
/* AddN (a sum of tensors of one shape), ClipByValue. */
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

/* ---- ClipByValue: t, min, max (of t's shape, or scalars) ---- */

typedef void clip_fn(const struct op_call *call, int64_t n, int64_t low_step, int64_t high_step);

/* `load` makes of an element what is compared. */
#define CLIP_LOOP_BY(name, type, load)                                                             \
    static void clip_##name(const struct op_call *call, int64_t n, int64_t low_step,               \
                            int64_t high_step)                                                     \
    {                                                                                              \
        const type *in = call->in[0]->data, *low = call->in[1]->data, *high = call->in[2]->data;   \
        type *out = call->out[0]->data;                                                            \
        for (int64_t i = 0; i < n; i++) {                                                          \
            type x = in[i], l = low[i * low_step], h = high[i * high_step];                        \
            x = load(h) < load(x) ? h : x;                                                         \
            out[i] = load(x) < load(l) ? l : x;                                                    \
        }                                                                                          \
    }
#define CLIP_LOOP(dtype, type, name) CLIP_LOOP_BY(name, type, )
#define CLIP_ROW(dtype, type, name)  [dtype] = clip_##name,
/* Of complex numbers the parts are clipped, each by the limits' own part. */
#define CLIP_PARTS_LOOP(name, type)                                                                \
    static void clip_##name(const struct op_call *call, int64_t n, int64_t low_step,               \
                            int64_t high_step)                                                     \
    {                                                                                              \
        const type *in = call->in[0]->data, *low = call->in[1]->data, *high = call->in[2]->data;   \
        type *out = call->out[0]->data;                                                            \
        for (int64_t i = 0; i < 2 * n; i++) {                                                      \
            int64_t pair = i & ~INT64_C(1), part = i & 1;                                          \
            type x = in[i], l = low[pair * low_step + part], h = high[pair * high_step + part];    \
            x = h < x ? h : x;                                                                     \
            out[i] = x < l ? l : x;                                                                \
        }                                                                                          \
    }

KERNEL_TYPES_REAL(CLIP_LOOP)
CLIP_LOOP_BY(half, uint16_t, dtype_half_to_float)
CLIP_LOOP_BY(bfloat16, uint16_t, dtype_bfloat16_to_float)
CLIP_PARTS_LOOP(complex64, float)
CLIP_PARTS_LOOP(complex128, double)

static clip_fn *const clips[DTYPE_COUNT] = {
    KERNEL_TYPES_REAL(CLIP_ROW)[DTYPE_HALF] = clip_half,
    [DTYPE_BFLOAT16] = clip_bfloat16,
    [DTYPE_COMPLEX64] = clip_complex64,
    [DTYPE_COMPLEX128] = clip_complex128,
};

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

const struct op op_ClipByValue = {
    .name = "ClipByValue",
    .inputs = "t:T clip_value_min:T clip_value_max:T",
    .outputs = "output:T",
    .attrs = "T:type",
    .types = OP_TYPES_NUMBER,
    .shape = clip_shape,
    .run = clip_run,
};
