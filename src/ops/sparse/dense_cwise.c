/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SparseDenseCwiseAdd, Mul, Div: the values of a sparse tensor with those of a dense one, which may
 * be broadcast, at the same places. SparseTensorDenseAdd: a dense tensor with the values added.
 * SparseSoftmax: of the values of each row in the last dimension.
 */
#include <math.h>

#include "ops/array/combine.h"
#include "ops/kernel.h"
#include "ops/math/number.h"
#include "ops/sparse/sparse.h"

static enum code check_inputs(const struct op_call *call, const char *prefix, struct error *err)
{
    const struct shape *indices = &call->in[0]->shape, *values = &call->in[1]->shape;
    const struct shape *shape = &call->in[2]->shape;
    char x[SHAPE_TEXT_SIZE], y[SHAPE_TEXT_SIZE];
    if (indices->rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input %sindices should be a matrix but received shape: %s", prefix,
                         shape_text(indices, x));
    if (values->rank != 1 || shape->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Inputs %svalues and %sshape should be vectors but received shapes: %s "
                         "and %s",
                         prefix, prefix, shape_text(values, x), shape_text(shape, y));
    return CODE_OK;
}

/* ---- SparseDenseCwise*: sp_indices, sp_values, sp_shape, dense ---- */

static const struct {
    const char *op;
    enum combine combine;
} kinds[] = {
    {"SparseDenseCwiseAdd", COMBINE_ADD},
    {"SparseDenseCwiseMul", COMBINE_MUL},
    {"SparseDenseCwiseDiv", COMBINE_DIV},
};

static enum code cwise_prepare(struct op_call *call, struct error *err)
{
    enum combine *combine = ARENA_NEW(call->arena, enum combine);
    (void)err;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (span_is(call->node->op_name, kinds[i].op))
            *combine = kinds[i].combine;
    }
    call->state = combine;
    return CODE_OK;
}

static enum code cwise_check(const struct op_call *call, struct shape *shape, struct error *err)
{
    const struct shape *indices = &call->in[0]->shape, *dense = &call->in[3]->shape;
    char x[SHAPE_TEXT_SIZE], y[SHAPE_TEXT_SIZE];
    enum code code = check_inputs(call, "sp_", err);
    if (!code && call->in[1]->shape.dims[0] != indices->dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The first dimension of values and indices should match. (%lld vs. %lld)",
                         (long long)call->in[1]->shape.dims[0], (long long)indices->dims[0]);
    if (!code && tensor_elements(call->in[2]) != indices->dims[1])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Number of dimensions must match second dimension of indices. Got %lld "
                         "dimensions, indices shape: %s",
                         (long long)tensor_elements(call->in[2]), shape_text(indices, x));
    if (!code)
        code = sparse_read_sizes(call->in[2], shape, err);
    if (code)
        return code;
    bool fits = dense->rank <= shape->rank;
    for (int i = 1; fits && i <= dense->rank; i++) {
        int64_t own = dense->dims[dense->rank - i];
        fits = own == 1 || own == shape->dims[shape->rank - i];
    }
    if (!fits)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "SparseDenseBinaryOpShared broadcasts dense to sparse only; got "
                         "incompatible shapes: %s vs. %s",
                         shape_text(shape, x), shape_text(dense, y));
    return CODE_OK;
}

/* The place in the dense tensor of entry i; -1 when it is out of bounds. */
static int64_t dense_place(const struct op_call *call, const struct shape *shape, int64_t i)
{
    const int64_t *index = TENSOR_AT(call->in[0], int64_t) + i * shape->rank;
    const struct shape *dense = &call->in[3]->shape;
    int64_t place = 0;
    for (int d = 0; d < shape->rank; d++) {
        int own = d - (shape->rank - dense->rank);
        if (index[d] < 0 || index[d] >= shape->dims[d])
            return -1;
        if (own >= 0)
            place = place * dense->dims[own] + (dense->dims[own] == 1 ? 0 : index[d]);
    }
    return place;
}

static bool has_zero(const struct tensor *t)
{
    static const char zero[16];
    size_t size = dtype_size(t->dtype);
    for (int64_t i = 0, n = tensor_elements(t); i < n; i++) {
        if (!memcmp((const char *)t->data + (size_t)i * size, zero, size))
            return true;
    }
    return false;
}

static enum code cwise_run(struct op_call *call, struct error *err)
{
    const struct tensor *values = call->in[1], *dense = call->in[3];
    enum combine combine = *(const enum combine *)call->state;
    combine_fn *fn = combine_find(combine, values->dtype);
    size_t size = dtype_size(values->dtype);
    struct shape shape;
    enum code code = cwise_check(call, &shape, err);
    if (code)
        return code;
    if (combine == COMBINE_DIV && has_zero(dense))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "SparseDenseCwiseDiv cannot divide by zero,but input dense tensor "
                         "contains zero ");
    code = op_call_alloc(call, 0, &values->shape, err);
    for (int64_t i = 0; !code && i < values->shape.dims[0]; i++) {
        int64_t place = dense_place(call, &shape, i);
        char *to = (char *)call->out[0]->data + (size_t)i * size;
        if (place < 0)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Provided indices are out-of-bounds w.r.t. dense side with "
                             "broadcasted shape");
        memcpy(to, (const char *)values->data + (size_t)i * size, size);
        fn(to, (const char *)dense->data + (size_t)place * size, 1);
    }
    return code;
}

/* ---- SparseTensorDenseAdd: a_indices, a_values, a_shape, b ---- */

static enum code dense_add_check(const struct op_call *call, struct error *err)
{
    const struct shape *indices = &call->in[0]->shape, *values = &call->in[1]->shape;
    const struct tensor *sizes = call->in[2];
    const struct shape *b = &call->in[3]->shape;
    enum code code = check_inputs(call, "a_", err);
    if (code)
        return code;
    if (tensor_elements(sizes) != b->rank && indices->dims[1] == tensor_elements(sizes))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Two operands have different ranks; received: %lld and %d",
                         (long long)tensor_elements(sizes), b->rank);
    if (indices->dims[0] != values->dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT, "Dimensions %lld and %lld are not compatible",
                         (long long)indices->dims[0], (long long)values->dims[0]);
    if (indices->dims[1] != tensor_elements(sizes))
        return error_set(err, CODE_INVALID_ARGUMENT, "Dimensions %lld and %lld are not compatible",
                         (long long)indices->dims[1], (long long)tensor_elements(sizes));
    for (int i = 0; i < b->rank; i++) {
        if (tensor_int(sizes, i) != b->dims[i])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Dimension %d does not equal (no broadcasting is supported): sparse "
                             "side %lld vs dense side %lld",
                             i, (long long)tensor_int(sizes, i), (long long)b->dims[i]);
    }
    return CODE_OK;
}

static enum code out_of_dense(const struct shape *b, int64_t i, int d, int64_t index,
                              struct error *err)
{
    error_set(err, CODE_INVALID_ARGUMENT,
              "Sparse tensor has an invalid index on dimension %d: a_indices(%lld,%d) = %lld, "
              "dense tensor shape: ",
              d, (long long)i, d, (long long)index);
    for (int k = 0; k < b->rank; k++)
        error_append(err, "%s%lld", k ? " " : "", (long long)b->dims[k]);
    return CODE_INVALID_ARGUMENT;
}

static enum code dense_add_run(struct op_call *call, struct error *err)
{
    const struct tensor *indices = call->in[0], *values = call->in[1], *b = call->in[3];
    combine_fn *add = combine_find(COMBINE_ADD, b->dtype);
    size_t size = dtype_size(b->dtype);
    enum code code = dense_add_check(call, err);
    if (!code)
        code = op_call_alloc(call, 0, &b->shape, err);
    if (code)
        return code;
    if (tensor_bytes(b))
        memcpy(call->out[0]->data, b->data, tensor_bytes(b));
    for (int64_t i = 0; i < values->shape.dims[0]; i++) {
        int64_t place = 0;
        for (int d = 0; d < b->shape.rank; d++) {
            int64_t index = tensor_int(indices, i * b->shape.rank + d);
            if (index < 0 || index >= b->shape.dims[d])
                return out_of_dense(&b->shape, i, d, index, err);
            place = place * b->shape.dims[d] + index;
        }
        add((char *)call->out[0]->data + (size_t)place * size,
            (const char *)values->data + (size_t)i * size, 1);
    }
    return CODE_OK;
}

/* ---- SparseSoftmax: sp_indices, sp_values, sp_shape ---- */

static enum code softmax_check(const struct op_call *call, struct error *err)
{
    const struct shape *indices = &call->in[0]->shape;
    enum code code = check_inputs(call, "sp_", err);
    if (code)
        return code;
    if (tensor_elements(call->in[2]) < 2)
        return error_set(
            err, CODE_INVALID_ARGUMENT, "Input should have rank >= 2, but received shape: %lld",
            (long long)(tensor_elements(call->in[2]) ? tensor_int(call->in[2], 0) : 0));
    if (indices->dims[0] != call->in[1]->shape.dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "indices and values rows (indexing dimension) must match. (indices = "
                         "%lld, values = %lld)",
                         (long long)indices->dims[0], (long long)call->in[1]->shape.dims[0]);
    if (indices->dims[1] != tensor_elements(call->in[2]))
        return error_set(err, CODE_INVALID_ARGUMENT, "Order length must be SparseTensor rank.");
    return CODE_OK;
}

/* The values [first, end) belong to one row. */
static void softmax_row(const struct tensor *in, struct tensor *out, int64_t first, int64_t end)
{
    double most = number_at(in, first), sum = 0;
    for (int64_t i = first; i < end; i++)
        most = number_at(in, i) > most ? number_at(in, i) : most;
    for (int64_t i = first; i < end; i++)
        sum += exp(number_at(in, i) - most);
    for (int64_t i = first; i < end; i++)
        number_put(out, i, exp(number_at(in, i) - most) / sum);
}

static enum code softmax_run(struct op_call *call, struct error *err)
{
    const struct tensor *values = call->in[1];
    enum code code = softmax_check(call, err);
    if (!code)
        code = op_call_alloc(call, 0, &values->shape, err);
    if (code)
        return code;
    int64_t rank = tensor_elements(call->in[2]), n = values->shape.dims[0];
    const int64_t *indices = call->in[0]->data;
    for (int64_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && !memcmp(&indices[i * rank], &indices[end * rank],
                                             (size_t)(rank - 1) * sizeof *indices);)
            end++;
        softmax_row(values, call->out[0], i, end);
    }
    return CODE_OK;
}

#define CWISE_OP(symbol)                                                                           \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "sp_indices:int64 sp_values:T sp_shape:int64 dense:T",                           \
        .outputs = "output:T",                                                                     \
        .attrs = "T:type",                                                                         \
        .flags = OP_DYNAMIC,                                                                       \
        .types = OP_TYPES_REAL,                                                                    \
        .prepare = cwise_prepare,                                                                  \
        .run = cwise_run,                                                                          \
    }

CWISE_OP(SparseDenseCwiseAdd);
CWISE_OP(SparseDenseCwiseMul);
CWISE_OP(SparseDenseCwiseDiv);

const struct op op_SparseTensorDenseAdd = {
    .name = "SparseTensorDenseAdd",
    .inputs = "a_indices:Tindices a_values:T a_shape:Tindices b:T",
    .outputs = "output:T",
    .attrs = "T:type Tindices:index",
    .flags = OP_DYNAMIC,
    .types = OP_TYPES_NUMBER,
    .run = dense_add_run,
};

const struct op op_SparseSoftmax = {
    .name = "SparseSoftmax",
    .inputs = "sp_indices:int64 sp_values:T sp_shape:int64",
    .outputs = "output:T",
    .attrs = "T:type",
    .flags = OP_DYNAMIC,
    .types = OP_TYPE(DTYPE_HALF) | OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE),
    .run = softmax_run,
};
