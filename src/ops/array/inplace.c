/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Empty: a tensor to be filled. InplaceUpdate, InplaceAdd, InplaceSub: x, i [n], v [n, row]: rows
 * of a copy of x (TensorFlow writes x itself) become those of v, or take them in, one after the
 * other; row numbers are taken modulo the rows.
 */
#include "ops/array/combine.h"
#include "ops/array/sizes.h"
#include "ops/kernel.h"

static enum code empty_shape(struct op_call *call, struct error *err)
{
    struct shape shape;
    char text[SHAPE_TEXT_SIZE];
    if (call->in[0]->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "shape must be a vector of int32, got shape %s",
                         shape_text(&call->in[0]->shape, text));
    if (!op_call_known(call, 0)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    enum code code = sizes_read_shape(call, 0, &shape, err);
    if (!code)
        op_call_shape(call, 0, &shape);
    return code;
}

/* Zeros, asked for or not: what was in the memory before is nobody's business. */
static enum code empty_run(struct op_call *call, struct error *err)
{
    (void)err;
    memset(call->out[0]->data, 0, tensor_bytes(call->out[0]));
    return CODE_OK;
}

static enum code inplace_shape(struct op_call *call, struct error *err)
{
    const struct shape *x = &call->in[0]->shape, *i = &call->in[1]->shape, *v = &call->in[2]->shape;
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    if (i->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "i must be a vector. %s", shape_text(i, left));
    if (x->rank != v->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "x and v shape doesn't match (ranks differ): %s vs. %s",
                         shape_text(x, left), shape_text(v, right));
    for (int d = 1; d < x->rank; d++) {
        if (x->dims[d] != v->dims[d])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "x and v shape doesn't match at index %d : %s vs. %s", d,
                             shape_text(x, left), shape_text(v, right));
    }
    if (!x->rank || i->dims[0] != v->dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "i and x shape doesn't match at index 0: %s vs. %s", shape_text(i, left),
                         shape_text(v, right));
    op_call_shape(call, 0, x);
    return CODE_OK;
}

static enum code inplace_prepare(struct op_call *call, struct error *err)
{
    combine_fn **fn = ARENA_NEW(call->arena, combine_fn *);
    enum dtype dtype = call->in[0]->dtype;
    call->state = fn;
    if (span_is(call->node->op_name, "InplaceUpdate"))
        return CODE_OK;
    bool adds = span_is(call->node->op_name, "InplaceAdd");
    *fn = dtype == DTYPE_BOOL ? NULL : combine_find(adds ? COMBINE_ADD : COMBINE_SUB, dtype);
    return *fn ? CODE_OK
               : error_set(err, CODE_INVALID_ARGUMENT, "Unsupported data type: %s",
                           dtype_name(dtype));
}

static enum code inplace_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct tensor *x = call->in[0], *v = call->in[2];
    combine_fn *combine = *(combine_fn *const *)call->state;
    int64_t rows = x->shape.dims[0], width = kernel_span(&x->shape, 1, x->shape.rank);
    size_t bytes = (size_t)width * dtype_size(x->dtype);
    char *out = call->out[0]->data;
    if (tensor_bytes(x))
        memcpy(out, x->data, tensor_bytes(x));
    for (int64_t k = 0; rows && bytes && k < v->shape.dims[0]; k++) {
        int64_t row = (tensor_int(call->in[1], k) % rows + rows) % rows;
        const char *from = (const char *)v->data + (size_t)k * bytes;
        if (combine)
            combine(out + (size_t)row * bytes, from, width);
        else
            memcpy(out + (size_t)row * bytes, from, bytes);
    }
    return CODE_OK;
}

const struct op op_Empty = {
    .name = "Empty",
    .inputs = "shape:int32",
    .outputs = "output:dtype",
    .attrs = "dtype:type init:bool=false",
    .types = OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL) | OP_TYPE(DTYPE_STRING),
    .types_attr = "dtype",
    .shape = empty_shape,
    .run = empty_run,
};

#define INPLACE_OP(symbol)                                                                         \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "x:T i:int32 v:T",                                                               \
        .outputs = "y:T",                                                                          \
        .attrs = "T:type",                                                                         \
        .shape = inplace_shape,                                                                    \
        .prepare = inplace_prepare,                                                                \
        .run = inplace_run,                                                                        \
    }

INPLACE_OP(InplaceUpdate);
INPLACE_OP(InplaceAdd);
INPLACE_OP(InplaceSub);
