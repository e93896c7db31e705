/* SPDX-License-Identifier: Apache-2.0 */
/* Where, Unique, UniqueV2 (of a vector), InvertPermutation: results whose size depends on values.
 */
#include "base/map.h"
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

/* ---- Unique: x [n] -> y [m]: the values in order of appearance, idx [n]: where each is in y ----
 */

static struct span element(const struct tensor *t, int64_t i, size_t size)
{
    if (t->dtype == DTYPE_STRING)
        return TENSOR_AT(t, struct span)[i];
    return span_make((const char *)t->data + (size_t)i * size, size);
}

static void put_index(struct tensor *out, int64_t i, int64_t value)
{
    if (out->dtype == DTYPE_INT64)
        TENSOR_AT(out, int64_t)[i] = value;
    else
        TENSOR_AT(out, int32_t)[i] = (int32_t)value;
}

/* Numbers the distinct values; first[k] is where value k stands. Returns how many there are. */
static int64_t number_values(struct op_call *call, int64_t *first)
{
    static const char empty;
    const struct tensor *in = call->in[0];
    size_t size = dtype_size(in->dtype);
    int64_t distinct = 0;
    struct map map;
    map_init(&map, call->arena);
    for (int64_t i = 0, n = tensor_elements(in); i < n; i++) {
        struct span key = element(in, i, size);
        key.ptr = key.len ? key.ptr : &empty;
        bool added;
        void **slot = map_at(&map, key, &added);
        if (added) {
            first[distinct] = i;
            *slot = (void *)(intptr_t)distinct++;
        }
        put_index(call->out[1], i, (intptr_t)*slot);
    }
    return distinct;
}

static enum code unique_run(struct op_call *call, struct error *err)
{
    const struct tensor *in = call->in[0];
    if (in->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "unique expects a 1D vector.");
    int64_t n = tensor_elements(in);
    size_t size = dtype_size(in->dtype);
    int64_t *first = ARENA_ARRAY(call->arena, int64_t, (size_t)n);
    enum code code = op_call_alloc(call, 1, &in->shape, err);
    if (code)
        return code;
    struct shape shape = shape_vector(number_values(call, first));
    code = op_call_alloc(call, 0, &shape, err);
    for (int64_t i = 0; !code && i < shape.dims[0]; i++)
        memcpy((char *)call->out[0]->data + (size_t)i * size,
               (const char *)in->data + (size_t)first[i] * size, size);
    return code;
}

/* ---- InvertPermutation: x [n] -> y with y[x[i]] = i ---- */

static enum code invert_run(struct op_call *call, struct error *err)
{
    const struct tensor *in = call->in[0];
    int64_t n = tensor_elements(in);
    if (in->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "invert_permutation expects a 1D vector.");
    for (int64_t i = 0; i < n; i++)
        put_index(call->out[0], i, -1);
    for (int64_t i = 0; i < n; i++) {
        int64_t to = tensor_int(in, i);
        if (to < 0 || to >= n)
            return error_set(err, CODE_INVALID_ARGUMENT, "%lld is not between 0 and %lld",
                             (long long)to, (long long)n);
        if (tensor_int(call->out[0], to) != -1)
            return error_set(err, CODE_INVALID_ARGUMENT, "%lld is duplicated in the input.",
                             (long long)to);
        put_index(call->out[0], to, i);
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

const struct op op_Unique = {
    .name = "Unique",
    .inputs = "x:T",
    .outputs = "y:T idx:out_idx",
    .attrs = "T:type out_idx:index=int32",
    .flags = OP_DYNAMIC,
    .run = unique_run,
};

const struct op op_InvertPermutation = {
    .name = "InvertPermutation",
    .inputs = "x:T",
    .outputs = "y:T",
    .attrs = "T:type=int32",
    .types = OP_TYPE(DTYPE_INT32) | OP_TYPE(DTYPE_INT64),
    .run = invert_run,
};
