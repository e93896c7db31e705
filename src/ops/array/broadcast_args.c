/* SPDX-License-Identifier: Apache-2.0 */
/* BroadcastArgs, BroadcastGradientArgs: broadcasting computed on shapes that are tensors
 * themselves. */
#include "ops/array/sizes.h"
#include "ops/kernel.h"
#include "ops/math/broadcast.h"

static void put_sizes(struct tensor *out, const struct shape *sizes)
{
    for (int i = 0; i < sizes->rank; i++) {
        if (out->dtype == DTYPE_INT64)
            TENSOR_AT(out, int64_t)[i] = sizes->dims[i];
        else
            TENSOR_AT(out, int32_t)[i] = (int32_t)sizes->dims[i];
    }
}

/* The two shapes, and the one that both broadcast to. */
static enum code read_args(const struct op_call *call, struct shape *a, struct shape *b,
                           struct shape *out, struct error *err)
{
    enum code code = sizes_read(call, 0, a, err);
    if (!code)
        code = sizes_read(call, 1, b, err);
    if (!code)
        code = broadcast_shape(a, b, out, err);
    return code;
}

/* ---- BroadcastArgs: s0 [m], s1 [n] -> the shape that both broadcast to ---- */

static enum code broadcast_args_run(struct op_call *call, struct error *err)
{
    struct shape a, b, out;
    enum code code = read_args(call, &a, &b, &out, err);
    if (code)
        return code;
    struct shape vector = shape_vector(out.rank);
    code = op_call_alloc(call, 0, &vector, err);
    if (!code)
        put_sizes(call->out[0], &out);
    return code;
}

/* ---- BroadcastGradientArgs: s0, s1 -> r0, r1: the dimensions over which each gradient is summed
 * ---- */

static enum code put_reduced(struct op_call *call, int i, const struct shape *mine,
                             const struct shape *other, struct error *err)
{
    int rank = mine->rank > other->rank ? mine->rank : other->rank;
    struct shape reduced = {0};
    for (int k = 0; k < rank; k++) {
        int at = k - (rank - mine->rank);
        int64_t size = at >= 0 ? mine->dims[at] : 1;
        int other_at = k - (rank - other->rank);
        int64_t other_size = other_at >= 0 ? other->dims[other_at] : 1;
        if (size == 1 && (other_size != 1 || at < 0 || other_size == size))
            reduced.dims[reduced.rank++] = k;
    }
    struct shape vector = shape_vector(reduced.rank);
    enum code code = op_call_alloc(call, i, &vector, err);
    if (!code)
        put_sizes(call->out[i], &reduced);
    return code;
}

static enum code gradient_args_run(struct op_call *call, struct error *err)
{
    struct shape a, b, out;
    enum code code = read_args(call, &a, &b, &out, err);
    /* Equal shapes reduce over nothing. */
    bool equal = !code && shape_equal(&a, &b);
    struct shape none = shape_vector(0);
    if (!code)
        code = equal ? op_call_alloc(call, 0, &none, err) : put_reduced(call, 0, &a, &b, err);
    if (!code)
        code = equal ? op_call_alloc(call, 1, &none, err) : put_reduced(call, 1, &b, &a, err);
    return code;
}

const struct op op_BroadcastArgs = {
    .name = "BroadcastArgs",
    .inputs = "s0:T s1:T",
    .outputs = "r0:T",
    .attrs = "T:index=int32",
    .flags = OP_DYNAMIC,
    .run = broadcast_args_run,
};

const struct op op_BroadcastGradientArgs = {
    .name = "BroadcastGradientArgs",
    .inputs = "s0:T s1:T",
    .outputs = "r0:T r1:T",
    .attrs = "T:index=int32",
    .flags = OP_DYNAMIC,
    .run = gradient_args_run,
};
