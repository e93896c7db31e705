/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slice, Reverse, ReverseV2, Transpose, ConjugateTranspose, BroadcastTo, Tile: views of input 0.
 */
#include <complex.h>

#include "ops/array/sizes.h"
#include "ops/array/view.h"
#include "ops/kernel.h"
#include "ops/math/broadcast.h"

/* ---- Slice: input, begin [rank], size [rank] with -1 for the rest ---- */

static enum code slice_sizes(const struct op_call *call, struct shape *begin, struct shape *size,
                             struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    enum code code = sizes_read(call, 1, begin, err);
    if (!code)
        code = sizes_read(call, 2, size, err);
    if (code)
        return code;
    if (begin->rank != in->rank || size->rank != in->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected begin and size arguments to be 1-D tensors of size %d, but got "
                         "shapes [%d] and [%d] instead.",
                         in->rank, begin->rank, size->rank);
    for (int i = 0; i < in->rank; i++) {
        if (size->dims[i] == -1)
            size->dims[i] = in->dims[i] - begin->dims[i];
        if (begin->dims[i] < 0 || begin->dims[i] > in->dims[i])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Expected begin[%d] in [0, %lld], but got %lld", i,
                             (long long)in->dims[i], (long long)begin->dims[i]);
        if (size->dims[i] < 0 || size->dims[i] > in->dims[i] - begin->dims[i])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Expected size[%d] in [0, %lld], but got %lld", i,
                             (long long)(in->dims[i] - begin->dims[i]), (long long)size->dims[i]);
    }
    return CODE_OK;
}

static enum code slice_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 1) || !op_call_known(call, 2)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    struct shape begin, size;
    enum code code = slice_sizes(call, &begin, &size, err);
    if (!code)
        op_call_shape(call, 0, &size);
    return code;
}

static enum code slice_prepare(struct op_call *call, struct error *err)
{
    struct shape begin, size;
    enum code code = slice_sizes(call, &begin, &size, err);
    if (code)
        return code;
    struct view view = {.rank = size.rank};
    view_strides(&call->in[0]->shape, view.strides);
    for (int i = 0; i < size.rank; i++) {
        view.dims[i] = size.dims[i];
        view.offset += begin.dims[i] * view.strides[i];
    }
    view_op_set(call, &view);
    return CODE_OK;
}

/* ---- ReverseV2: tensor, axis [n] ---- */

static enum code reverse_prepare(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    struct view view = {.rank = in->rank};
    bool done[SHAPE_RANK_MAX] = {false};
    view_strides(in, view.strides);
    memcpy(view.dims, in->dims, sizeof view.dims);
    for (int64_t i = 0; i < tensor_elements(call->in[1]); i++) {
        int64_t value = tensor_int(call->in[1], i);
        int axis;
        if (!kernel_axis(value, in->rank, &axis))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "'axis'[%lld] = %lld is out of valid range [0, %d", (long long)i,
                             (long long)value, in->rank - 1);
        if (done[axis])
            return error_set(err, CODE_INVALID_ARGUMENT, "axis %d specified more than once.", axis);
        done[axis] = true;
        view.offset += in->dims[axis] ? (in->dims[axis] - 1) * view.strides[axis] : 0;
        view.strides[axis] = -view.strides[axis];
    }
    view_op_set(call, &view);
    return CODE_OK;
}

/* ---- Reverse: tensor, dims [rank] (which of them) ---- */

static enum code reverse_dims_prepare(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape, *dims = &call->in[1]->shape;
    struct view view = {.rank = in->rank};
    if (dims->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "'dims' must be 1-dimension, not %d",
                         dims->rank);
    if (dims->dims[0] != in->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "'dims' must have the same number of values as 'input' has dimensions. "
                         "'input' has %d'dims' has %lld values",
                         in->rank, (long long)dims->dims[0]);
    if (in->rank && !in->dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT, "Invalid input first dimension. Found 0.");
    view_strides(in, view.strides);
    memcpy(view.dims, in->dims, sizeof view.dims);
    for (int i = 0; i < in->rank; i++) {
        if (!TENSOR_AT(call->in[1], bool)[i])
            continue;
        view.offset += in->dims[i] ? (in->dims[i] - 1) * view.strides[i] : 0;
        view.strides[i] = -view.strides[i];
    }
    view_op_set(call, &view);
    return CODE_OK;
}

/* ---- Transpose, ConjugateTranspose: x, perm [rank] ---- */

/* "2 is missing from {0,0,1}." */
static enum code missing_axis(const int perm[SHAPE_RANK_MAX], int rank, int axis, struct error *err)
{
    error_set(err, CODE_INVALID_ARGUMENT, "%d is missing from {", axis);
    for (int i = 0; i < rank; i++)
        error_append(err, "%s%d", i ? "," : "", perm[i]);
    error_append(err, "}.");
    return CODE_INVALID_ARGUMENT;
}

static enum code read_permutation(const struct op_call *call, int perm[SHAPE_RANK_MAX],
                                  struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    bool used[SHAPE_RANK_MAX] = {false};
    if (tensor_elements(call->in[1]) != in->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "transpose expects a vector of size %d. But input(1) is a vector of size "
                         "%lld",
                         in->rank, (long long)tensor_elements(call->in[1]));
    for (int i = 0; i < in->rank; i++) {
        int64_t value = tensor_int(call->in[1], i);
        if (!kernel_axis(value, in->rank, &perm[i]))
            return error_set(err, CODE_INVALID_ARGUMENT, "%lld is out of range [0 .. %d)",
                             (long long)value, in->rank);
        used[perm[i]] = true;
    }
    for (int i = 0; i < in->rank; i++) {
        if (!used[i])
            return missing_axis(perm, in->rank, i, err);
    }
    return CODE_OK;
}

static enum code transpose_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 1)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    int perm[SHAPE_RANK_MAX];
    enum code code = read_permutation(call, perm, err);
    struct shape out = {.rank = call->in[0]->shape.rank};
    for (int i = 0; !code && i < out.rank; i++)
        out.dims[i] = call->in[0]->shape.dims[perm[i]];
    op_call_shape(call, 0, &out);
    return code;
}

static enum code transpose_prepare(struct op_call *call, struct error *err)
{
    int perm[SHAPE_RANK_MAX];
    int64_t strides[SHAPE_RANK_MAX];
    enum code code = read_permutation(call, perm, err);
    if (code)
        return code;
    struct view view = {.rank = call->in[0]->shape.rank};
    view_strides(&call->in[0]->shape, strides);
    for (int i = 0; i < view.rank; i++) {
        view.dims[i] = call->in[0]->shape.dims[perm[i]];
        view.strides[i] = strides[perm[i]];
    }
    view_op_set(call, &view);
    return CODE_OK;
}

static enum code conjugate_run(struct op_call *call, struct error *err)
{
    const struct tensor *out = call->out[0];
    enum code code = view_op_run(call, err);
    for (int64_t i = 0, n = tensor_elements(out); i < n; i++) {
        if (out->dtype == DTYPE_COMPLEX64)
            TENSOR_AT(out, float complex)[i] = conjf(TENSOR_AT(out, float complex)[i]);
        else if (out->dtype == DTYPE_COMPLEX128)
            TENSOR_AT(out, double complex)[i] = conj(TENSOR_AT(out, double complex)[i]);
    }
    return code;
}

/* ---- BroadcastTo: input, shape [n] ---- */

static enum code broadcast_to_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 1)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    const struct shape *in = &call->in[0]->shape;
    struct shape out, common;
    enum code code = sizes_read_shape(call, 1, &out, err);
    if (code)
        return code;
    if (in->rank > out.rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Rank of input (%d) must be no greater than rank of output shape (%d).",
                         in->rank, out.rank);
    if (broadcast_shape(in, &out, &common, NULL) || !shape_equal(&common, &out)) {
        char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
        return error_set(err, CODE_INVALID_ARGUMENT, "Incompatible shapes: %s vs. %s",
                         shape_text(in, left), shape_text(&out, right));
    }
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code broadcast_to_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    struct view view = view_broadcast(&call->in[0]->shape, &call->out[0]->shape);
    view_op_set(call, &view);
    return CODE_OK;
}

/* ---- Tile: input, multiples [rank] ---- */

static enum code tile_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 1)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    const struct shape *in = &call->in[0]->shape;
    struct shape multiples;
    enum code code = sizes_read(call, 1, &multiples, err);
    if (code)
        return code;
    if (multiples.rank != in->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected multiples argument to be a vector of length %d but got length "
                         "%d",
                         in->rank, multiples.rank);
    for (int i = 0; i < in->rank; i++) {
        if (multiples.dims[i] < 0)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Expected multiples[%d] >= 0, but got %lld", i,
                             (long long)multiples.dims[i]);
        if (__builtin_mul_overflow(multiples.dims[i], in->dims[i], &multiples.dims[i]))
            return error_set(err, CODE_INVALID_ARGUMENT, "the result of Tile is too large");
    }
    op_call_shape(call, 0, &multiples);
    return CODE_OK;
}

/* Repeats what stands in `to` (bytes) until there are `times` of it. */
static void repeat(char *to, size_t bytes, int64_t times)
{
    for (int64_t i = 1; i < times; i++)
        memcpy(to + (size_t)i * bytes, to, bytes);
}

/* From the innermost dimension outwards: each block that is already tiled inside is written, then
 * repeated. */
static char *tile(const struct op_call *call, int dim, const char **from, char *to)
{
    const struct shape *in = &call->in[0]->shape;
    const struct shape *out = &call->out[0]->shape;
    size_t size = dtype_size(call->in[0]->dtype);
    if (dim == in->rank) {
        memcpy(to, *from, size);
        *from += size;
        return to + size;
    }
    char *end = to;
    if (dim == in->rank - 1) {
        size_t bytes = (size_t)in->dims[dim] * size;
        memcpy(to, *from, bytes);
        *from += bytes;
        end = to + bytes;
    } else {
        for (int64_t i = 0; i < in->dims[dim]; i++)
            end = tile(call, dim + 1, from, end);
    }
    int64_t times = in->dims[dim] ? out->dims[dim] / in->dims[dim] : 0;
    size_t bytes = (size_t)(end - to);
    repeat(to, bytes, times);
    return to + bytes * (size_t)times;
}

static enum code tile_run(struct op_call *call, struct error *err)
{
    (void)err;
    const char *from = call->in[0]->data;
    if (tensor_elements(call->out[0]))
        tile(call, 0, &from, call->out[0]->data);
    return CODE_OK;
}

const struct op op_Slice = {
    .name = "Slice",
    .inputs = "input:T begin:Index size:Index",
    .outputs = "output:T",
    .attrs = "T:type Index:index",
    .shape = slice_shape,
    .prepare = slice_prepare,
    .run = view_op_run,
};

const struct op op_ReverseV2 = {
    .name = "ReverseV2",
    .inputs = "tensor:T axis:Tidx",
    .outputs = "output:T",
    .attrs = "Tidx:index=int32 T:type",
    .shape = kernel_shape_with_axes,
    .prepare = reverse_prepare,
    .run = view_op_run,
};

const struct op op_Transpose = {
    .name = "Transpose",
    .inputs = "x:T perm:Tperm",
    .outputs = "y:T",
    .attrs = "T:type Tperm:index=int32",
    .shape = transpose_shape,
    .prepare = transpose_prepare,
    .run = view_op_run,
};

const struct op op_ConjugateTranspose = {
    .name = "ConjugateTranspose",
    .inputs = "x:T perm:Tperm",
    .outputs = "y:T",
    .attrs = "T:type Tperm:index=int32",
    .shape = transpose_shape,
    .prepare = transpose_prepare,
    .run = conjugate_run,
};

const struct op op_Reverse = {
    .name = "Reverse",
    .inputs = "tensor:T dims:bool",
    .outputs = "output:T",
    .attrs = "T:type",
    .types = OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL) | OP_TYPE(DTYPE_STRING),
    .shape = kernel_shape_with_axes,
    .prepare = reverse_dims_prepare,
    .run = view_op_run,
};

const struct op op_BroadcastTo = {
    .name = "BroadcastTo",
    .inputs = "input:T shape:Tidx",
    .outputs = "output:T",
    .attrs = "T:type Tidx:index=int32",
    .shape = broadcast_to_shape,
    .prepare = broadcast_to_prepare,
    .run = view_op_run,
};

const struct op op_Tile = {
    .name = "Tile",
    .inputs = "input:T multiples:Tmultiples",
    .outputs = "output:T",
    .attrs = "T:type Tmultiples:index=int32",
    .shape = tile_shape,
    .run = tile_run,
};
