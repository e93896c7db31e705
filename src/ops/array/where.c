/* SPDX-License-Identifier: Apache-2.0 */
/* Where, InvertPermutation: positions by value. */
#include "ops/array/view.h"
#include "ops/kernel.h"

/* ---- Where: input [any] -> index [count, rank]: positions of what is not zero ---- */

static bool is_true(const struct tensor *t, int64_t i, size_t size)
{
    /* A negative zero is zero, and nothing else whose bytes are not all 0 is. */
    if (t->dtype == DTYPE_FLOAT)
        return TENSOR_AT(t, float)[i] != 0;
    if (t->dtype == DTYPE_DOUBLE)
        return TENSOR_AT(t, double)[i] != 0;
    static const char zeros[16];
    return memcmp((const char *)t->data + (size_t)i * size, zeros, size) != 0;
}

static enum code where_run(struct op_call *call, struct error *err)
{
    const struct tensor *in = call->in[0];
    if (in->shape.rank == 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "WhereOp : Unhandled input dimensions: 0");
    int64_t n = tensor_elements(in), count = 0, strides[SHAPE_RANK_MAX];
    size_t size = dtype_size(in->dtype);
    for (int64_t i = 0; i < n; i++)
        count += is_true(in, i, size);
    struct shape shape = shape_matrix(count, in->shape.rank);
    enum code code = op_call_alloc(call, 0, &shape, err);
    if (code)
        return code;
    view_strides(&in->shape, strides);
    int64_t *to = call->out[0]->data;
    for (int64_t i = 0; i < n; i++) {
        if (!is_true(in, i, size))
            continue;
        int64_t rest = i;
        for (int k = 0; k < in->shape.rank; k++) {
            *to++ = rest / strides[k];
            rest %= strides[k];
        }
    }
    return CODE_OK;
}

/* ---- InvertPermutation: x [n] -> y with y[x[i]] = i ---- */

static enum code invert_run(struct op_call *call, struct error *err)
{
    const struct tensor *in = call->in[0];
    int64_t n = tensor_elements(in);
    if (in->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "invert_permutation expects a 1D vector.");
    for (int64_t i = 0; i < n; i++)
        kernel_put_index(call->out[0], i, -1);
    for (int64_t i = 0; i < n; i++) {
        int64_t to = tensor_int(in, i);
        if (to < 0 || to >= n)
            return error_set(err, CODE_INVALID_ARGUMENT, "%lld is not between 0 and %lld",
                             (long long)to, (long long)n);
        if (tensor_int(call->out[0], to) != -1)
            return error_set(err, CODE_INVALID_ARGUMENT, "%lld is duplicated in the input.",
                             (long long)to);
        kernel_put_index(call->out[0], to, i);
    }
    return CODE_OK;
}

const struct op op_Where = {
    .name = "Where",
    .inputs = "input:T",
    .outputs = "index:int64",
    .attrs = "T:type=bool",
    .flags = OP_DYNAMIC,
    .types = OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL),
    .run = where_run,
};

const struct op op_InvertPermutation = {
    .name = "InvertPermutation",
    .inputs = "x:T",
    .outputs = "y:T",
    .attrs = "T:type=int32",
    .types = OP_TYPE(DTYPE_INT32) | OP_TYPE(DTYPE_INT64),
    .run = invert_run,
};
