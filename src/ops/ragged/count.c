/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DenseCountSparseOutput, SparseCountSparseOutput, RaggedCountSparseOutput: how often each number
 * occurs in each row, as a sparse tensor. Row and number of each value are sorted; what is equal is
 * then side by side, in the order in which it came, which is that in which weights are added.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ops/kernel.h"

struct counting {
    int64_t least, most; /* minlength, maxlength */
    bool binary;
};

struct item {
    int64_t row, value, index;
};

struct items {
    struct item *at;
    int64_t count;
    int64_t rows;
    int64_t largest;
    bool one_row; /* the output has one dimension */
    const struct tensor *weights;
};

static enum code count_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    struct counting *c = ARENA_NEW(call->arena, struct counting);
    c->least = op_attr_int(call, "minlength");
    c->most = op_attr_int(call, "maxlength");
    c->binary = op_attr_bool(call, "binary_output");
    call->state = c;
    return CODE_OK;
}

static enum code check_weights(const struct tensor *weights, const struct tensor *values,
                               const char *what, struct error *err)
{
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    if (!tensor_elements(weights) || shape_equal(&weights->shape, &values->shape))
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Weights and %s must have the same shape. Weight shape: %s; %s shape: %s",
                     what, shape_text(&weights->shape, left), what,
                     shape_text(&values->shape, right));
}

static enum code check_values(const struct tensor *values, struct error *err)
{
    for (int64_t i = 0, n = tensor_elements(values); i < n; i++) {
        if (tensor_int(values, i) < 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "Input values must all be non-negative");
    }
    return CODE_OK;
}

static enum code start_items(const struct op_call *call, const struct tensor *values,
                             const struct tensor *weights, struct items *items, struct error *err)
{
    items->weights = tensor_elements(weights) ? weights : NULL;
    return kernel_array(call, tensor_elements(values), sizeof *items->at, &items->at, err);
}

static void add_item(const struct op_call *call, struct items *items, int64_t row, int64_t value,
                     int64_t index)
{
    const struct counting *c = call->state;
    if (c->most >= 0 && value >= c->most)
        return;
    items->at[items->count++] = (struct item){row, value, index};
    items->largest = value > items->largest ? value : items->largest;
}

/* ---- output ---- */

static int by_place(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

#define SUM(dtype_, type, name)                                                                    \
    static void sum_##name(const struct items *items, int64_t from, int64_t to,                    \
                           const struct tensor *weights, type *out)                                \
    {                                                                                              \
        *out = 0;                                                                                  \
        for (int64_t i = from; i < to; i++)                                                        \
            *out += weights ? TENSOR_AT(weights, type)[items->at[i].index] : 1;                    \
    }
KERNEL_TYPES_FLOAT(SUM)
SUM(DTYPE_INT32, uint32_t, int32)
SUM(DTYPE_INT64, uint64_t, int64)

static void put_sum(const struct items *items, int64_t from, int64_t to, struct tensor *out,
                    int64_t k)
{
    if (out->dtype == DTYPE_FLOAT)
        sum_float(items, from, to, items->weights, &TENSOR_AT(out, float)[k]);
    else if (out->dtype == DTYPE_DOUBLE)
        sum_double(items, from, to, items->weights, &TENSOR_AT(out, double)[k]);
    else if (out->dtype == DTYPE_INT32)
        sum_int32(items, from, to, items->weights, &TENSOR_AT(out, uint32_t)[k]);
    else
        sum_int64(items, from, to, items->weights, &TENSOR_AT(out, uint64_t)[k]);
}

static bool same_place(const struct item *a, const struct item *b)
{
    return a->row == b->row && a->value == b->value;
}

static enum code take_outputs(struct op_call *call, const struct items *items, int64_t distinct,
                              struct error *err)
{
    int rank = items->one_row ? 1 : 2;
    struct shape indices = shape_matrix(distinct, rank), vector = shape_vector(distinct);
    struct shape shape = shape_vector(rank);
    enum code code = op_call_alloc(call, 0, &indices, err);
    if (!code)
        code = op_call_alloc(call, 1, &vector, err);
    return code ? code : op_call_alloc(call, 2, &shape, err);
}

static enum code put_items(struct op_call *call, struct items *items, struct error *err)
{
    struct counting c = *(const struct counting *)call->state;
    int64_t distinct = 0, k = 0;
    if (c.binary)
        items->weights = NULL;
    qsort(items->at, (size_t)items->count, sizeof *items->at, by_place);
    for (int64_t i = 0; i < items->count; i++)
        distinct += !i || !same_place(&items->at[i - 1], &items->at[i]);
    enum code code = take_outputs(call, items, distinct, err);
    if (code)
        return code;
    int64_t *index = call->out[0]->data, *shape = call->out[2]->data;
    for (int64_t from = 0, to; from < items->count; from = to, k++) {
        to = from + 1;
        while (to < items->count && same_place(&items->at[from], &items->at[to]))
            to++;
        if (!items->one_row)
            *index++ = items->at[from].row;
        *index++ = items->at[from].value;
        put_sum(items, from, c.binary ? from + 1 : to, call->out[1], k);
    }
    if (!items->one_row)
        *shape++ = items->rows;
    *shape = c.most >= 0 ? c.most : items->largest + 1 > c.least ? items->largest + 1 : c.least;
    return CODE_OK;
}

/* ---- ops ---- */

static enum code dense_run(struct op_call *call, struct error *err)
{
    const struct tensor *values = call->in[0];
    const struct shape *in = &values->shape;
    char text[SHAPE_TEXT_SIZE];
    struct items items = {.rows = in->rank == 2 ? in->dims[0] : 1, .one_row = in->rank == 1};
    if (in->rank != 1 && in->rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input must be a 1 or 2-dimensional tensor. Got: %s",
                         shape_text(in, text));
    enum code code = check_weights(call->in[1], values, "data", err);
    if (!code)
        code = check_values(values, err);
    if (!code && in->rank == 2 && !in->dims[0])
        code =
            error_set(err, CODE_INVALID_ARGUMENT, "Invalid input: Shapes dimension cannot be 0.");
    if (!code)
        code = start_items(call, values, call->in[1], &items, err);
    for (int64_t i = 0, n = tensor_elements(values); !code && i < n; i++)
        add_item(call, &items, in->rank == 2 ? i / in->dims[1] : 0, tensor_int(values, i), i);
    return code ? code : put_items(call, &items, err);
}

static enum code check_sparse_shapes(const struct op_call *call, struct error *err)
{
    const struct shape *indices = &call->in[0]->shape, *values = &call->in[1]->shape;
    const struct shape *shape = &call->in[2]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (indices->rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input indices must be a 2-dimensional tensor. Got: %s",
                         shape_text(indices, text));
    if (values->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "Input values must be a vector. Got: %s",
                         shape_text(values, text));
    if (shape->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "Input shape must be a vector. Got: %s",
                         shape_text(shape, text));
    if (values->dims[0] != indices->dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Number of values must match first dimension of indices.Got %lld values, "
                         "indices shape: %s",
                         (long long)values->dims[0], shape_text(indices, text));
    if (shape->dims[0] != indices->dims[1])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Number of dimensions must match second dimension of indices.Got %lld "
                         "dimensions, indices shape: %s",
                         (long long)shape->dims[0], shape_text(indices, text));
    if (!shape->dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The shape argument requires at least one element.");
    return CODE_OK;
}

/* " 2 3", as TensorFlow shows a small tensor. */
static const char *numbers_text(const struct tensor *t, char text[SHAPE_TEXT_SIZE])
{
    enum { SHOWN = 3 };
    size_t length = 0;
    int64_t n = tensor_elements(t);
    text[0] = 0;
    for (int64_t i = 0; i < n && i < SHOWN && length < SHAPE_TEXT_SIZE; i++)
        length += (size_t)snprintf(text + length, SHAPE_TEXT_SIZE - length, " %lld",
                                   (long long)tensor_int(t, i));
    if (n > SHOWN && length < SHAPE_TEXT_SIZE)
        snprintf(text + length, SHAPE_TEXT_SIZE - length, "...");
    return text;
}

static enum code check_sparse_places(const struct op_call *call, struct error *err)
{
    const int64_t *indices = call->in[0]->data, *shape = call->in[2]->data;
    int64_t rank = tensor_elements(call->in[2]);
    char text[SHAPE_TEXT_SIZE], dims[SHAPE_TEXT_SIZE];
    for (int64_t i = 0, n = call->in[0]->shape.dims[0] * rank; i < n; i++) {
        int64_t index = indices[i], size = shape[i % rank];
        if (index < 0 || index >= size)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Invalid index value at %lld: dimension %lld has value %lld which is "
                             "not in [0, %lld) (as given by dense shape Tensor<type: int64 shape: "
                             "%s values:%s>",
                             (long long)(i / rank), (long long)(i % rank), (long long)index,
                             (long long)size, shape_text(&call->in[2]->shape, dims),
                             numbers_text(call->in[2], text));
    }
    return CODE_OK;
}

static enum code sparse_run(struct op_call *call, struct error *err)
{
    const struct tensor *values = call->in[1];
    struct items items = {0};
    enum code code = check_sparse_shapes(call, err);
    if (!code)
        code = check_sparse_places(call, err);
    if (!code)
        code = check_weights(call->in[3], values, "values", err);
    if (!code)
        code = check_values(values, err);
    if (code)
        return code;
    int64_t rank = tensor_elements(call->in[2]);
    const int64_t *indices = call->in[0]->data;
    items.one_row = rank == 1;
    items.rows = rank == 1 ? 1 : *TENSOR_AT(call->in[2], int64_t);
    if (items.rows <= 0 || items.rows >= INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Cannot allocate %lld batches, is the dense shape too wide?",
                         (long long)items.rows);
    code = start_items(call, values, call->in[3], &items, err);
    for (int64_t i = 0, n = tensor_elements(values); !code && i < n; i++)
        add_item(call, &items, rank == 1 ? 0 : indices[i * rank], tensor_int(values, i), i);
    return code ? code : put_items(call, &items, err);
}

static enum code ragged_run(struct op_call *call, struct error *err)
{
    const struct tensor *splits = call->in[0], *values = call->in[1];
    int64_t n = tensor_elements(values), row = 0;
    struct items items = {.rows = tensor_elements(splits) - 1};
    enum code code = check_weights(call->in[2], values, "values", err);
    if (code)
        return code;
    if (items.rows <= 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Must provide at least 2 elements for the splits argument");
    if (tensor_int(splits, 0) != 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "Splits must start with 0, not with %lld",
                         (long long)tensor_int(splits, 0));
    if (tensor_int(splits, items.rows) != n)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Splits must end with the number of values, got %lld instead of %lld",
                         (long long)tensor_int(splits, items.rows), (long long)n);
    code = check_values(values, err);
    if (!code)
        code = start_items(call, values, call->in[2], &items, err);
    for (int64_t i = 0; !code && i < n; i++) {
        while (i >= tensor_int(splits, row))
            row++;
        add_item(call, &items, row - 1, tensor_int(values, i), i);
    }
    return code ? code : put_items(call, &items, err);
}

#define COUNT_ATTRS "T:index minlength:int=-1 maxlength:int=-1 binary_output:bool output_type:type"
#define COUNT_TYPES (OP_TYPES_INDEX | OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE))
#define COUNT_OP(symbol, inputs_, function)                                                        \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = inputs_,                                                                         \
        .outputs = "output_indices:int64 output_values:output_type output_dense_shape:int64",      \
        .attrs = COUNT_ATTRS,                                                                      \
        .flags = OP_DYNAMIC,                                                                       \
        .types = COUNT_TYPES,                                                                      \
        .types_attr = "output_type",                                                               \
        .prepare = count_prepare,                                                                  \
        .run = function,                                                                           \
    }

COUNT_OP(DenseCountSparseOutput, "values:T weights:output_type", dense_run);
COUNT_OP(SparseCountSparseOutput, "indices:int64 values:T dense_shape:int64 weights:output_type",
         sparse_run);
COUNT_OP(RaggedCountSparseOutput, "splits:int64 values:T weights:output_type", ragged_run);
