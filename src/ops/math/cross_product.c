/* SPDX-License-Identifier: Apache-2.0 */
/* Cross: the products of vectors of three numbers, in the last dimension. */
#include "ops/kernel.h"

static enum code cross_shape(struct op_call *call, struct error *err)
{
    const struct shape *a = &call->in[0]->shape, *b = &call->in[1]->shape;
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    if (!shape_equal(a, b))
        return error_set(err, CODE_INVALID_ARGUMENT, "Both inputs must be of same shape: %s vs. %s",
                         shape_text(a, left), shape_text(b, right));
    if (!a->rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "Input must be at least 1D%s",
                         shape_text(a, left));
    if (a->dims[a->rank - 1] != 3)
        return error_set(err, CODE_FAILED_PRECONDITION,
                         "Cross-products are only defined for 3-element vectors.");
    op_call_shape(call, 0, a);
    return CODE_OK;
}

typedef void cross_fn(const void *a, const void *b, void *out, int64_t n);

/* The small types are computed in `computed` and rounded after each product. */
#define CROSS_LOOP(name, type, computed, load, store)                                              \
    static void cross_##name(const void *va, const void *vb, void *vout, int64_t n)                \
    {                                                                                              \
        const type *a = va, *b = vb;                                                               \
        type *out = vout;                                                                          \
        for (int64_t i = 0; i < n; i += 3) {                                                       \
            for (int k = 0; k < 3; k++) {                                                          \
                int64_t p = i + (k + 1) % 3, q = i + (k + 2) % 3;                                  \
                type x = store((computed)load(a[p]) * (computed)load(b[q]));                       \
                type y = store((computed)load(a[q]) * (computed)load(b[p]));                       \
                out[i + k] = store((computed)load(x) - (computed)load(y));                         \
            }                                                                                      \
        }                                                                                          \
    }

CROSS_LOOP(float, float, float, , )
CROSS_LOOP(double, double, double, , )
CROSS_LOOP(half, uint16_t, float, dtype_half_to_float, dtype_half_from_float)
CROSS_LOOP(bfloat16, uint16_t, float, dtype_bfloat16_to_float, dtype_bfloat16_from_float)
CROSS_LOOP(8, uint8_t, uint32_t, , (uint8_t))
CROSS_LOOP(16, uint16_t, uint32_t, , (uint16_t))
CROSS_LOOP(32, uint32_t, uint32_t, , )
CROSS_LOOP(64, uint64_t, uint64_t, , )

static cross_fn *const loops[DTYPE_COUNT] = {
    [DTYPE_FLOAT] = cross_float,       [DTYPE_DOUBLE] = cross_double, [DTYPE_HALF] = cross_half,
    [DTYPE_BFLOAT16] = cross_bfloat16, [DTYPE_INT8] = cross_8,        [DTYPE_UINT8] = cross_8,
    [DTYPE_INT16] = cross_16,          [DTYPE_UINT16] = cross_16,     [DTYPE_INT32] = cross_32,
    [DTYPE_UINT32] = cross_32,         [DTYPE_INT64] = cross_64,      [DTYPE_UINT64] = cross_64,
};

static enum code cross_run(struct op_call *call, struct error *err)
{
    (void)err;
    loops[call->in[0]->dtype](call->in[0]->data, call->in[1]->data, call->out[0]->data,
                              tensor_elements(call->in[0]));
    return CODE_OK;
}

const struct op op_Cross = {
    .name = "Cross",
    .inputs = "a:T b:T",
    .outputs = "product:T",
    .attrs = "T:type",
    .types = OP_TYPES_REAL,
    .shape = cross_shape,
    .run = cross_run,
};
