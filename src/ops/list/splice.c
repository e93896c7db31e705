/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TensorListSplit: a list of the parts of a tensor. TensorListScatterIntoExistingList: rows into a
 * list that is there.
 */
#include "ops/list/list.h"

/* Rows [start, start + count) of the tensor. */
static struct tensor part_of(const struct tensor *tensor, int64_t start, int64_t count)
{
    struct tensor part = *tensor;
    part.data = list_row_of(tensor, start).data;
    part.shape.dims[0] = count;
    return part;
}

/* The tensor in a buffer that elements may share; the reference is the caller's. */
static enum code keep(const struct tensor *tensor, struct tensor *kept, struct error *err)
{
    *kept = *tensor;
    if (!tensor->buffer)
        return tensor_copy_to_buffer(tensor, kept, err);
    buffer_ref(tensor->buffer);
    return CODE_OK;
}

/* ---- TensorListSplit: tensor [n, ...], element_shape, lengths [m] -> output_handle ---- */

static enum code check_lengths(const struct op_call *call, struct error *err)
{
    const struct tensor *tensor = call->in[0], *lengths = call->in[2];
    char text[SHAPE_TEXT_SIZE];
    int64_t total = 0, n = tensor_elements(lengths);
    if (tensor->shape.rank < 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Tensor must be at least a vector, but saw shape: %s",
                         shape_text(&tensor->shape, text));
    if (lengths->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected lengths to be a vector, received shape: %s",
                         shape_text(&lengths->shape, text));
    for (int64_t i = 0; i < n; i++) {
        int64_t length = TENSOR_AT(lengths, int64_t)[i];
        if (length < 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "Invalid value in lengths: %lld",
                             (long long)length);
        if (length > tensor->shape.dims[0] - total)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Attempting to slice [%lld, %lld] from tensor with length %lld",
                             (long long)total, (long long)(total + length),
                             (long long)tensor->shape.dims[0]);
        total += length;
    }
    if (total != tensor->shape.dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Unused values in tensor. Length of tensor: %lld Values used: %lld",
                         (long long)tensor->shape.dims[0], (long long)total);
    return CODE_OK;
}

/* May the shape's elements be the tensor's parts? */
static enum code check_parts(const struct tensor *tensor, const struct shape *element,
                             struct error *err)
{
    struct shape part = tensor->shape;
    char x[SHAPE_TEXT_SIZE], y[SHAPE_TEXT_SIZE];
    if (element->rank == SHAPE_UNKNOWN_RANK)
        return CODE_OK;
    if (element->rank && part.rank)
        part.dims[0] = element->dims[0];
    if (element->rank == part.rank && shape_matches(element, &part))
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "tensor shape %s is not compatible with element_shape %s",
                     shape_text(&tensor->shape, x), shape_text(element, y));
}

static enum code split_run(struct op_call *call, struct error *err)
{
    const struct tensor *lengths = call->in[2];
    struct shape shape;
    struct tensor kept;
    struct list *list;
    enum code code = list_shape_of(call, 1, &shape, err);
    if (!code)
        code = check_lengths(call, err);
    if (!code)
        code = check_parts(call->in[0], &shape, err);
    if (!code)
        code = list_make(call, tensor_elements(lengths), &shape, &list, err);
    if (!code)
        code = keep(call->in[0], &kept, err);
    if (code)
        return code;
    for (int64_t i = 0, at = 0; !code && i < tensor_elements(lengths); i++) {
        int64_t length = TENSOR_AT(lengths, int64_t)[i];
        struct tensor part = part_of(&kept, at, length);
        code = list_fill(list, i, &part, err);
        at += length;
    }
    buffer_unref(kept.buffer);
    return code;
}

/* ---- TensorListScatterIntoExistingList: input_handle, tensor [n, ...], indices [n] ---- */

static enum code check_scatter(const struct op_call *call, const struct list *list,
                               int64_t *highest, struct error *err)
{
    const struct tensor *tensor = call->in[1], *indices = call->in[2];
    char x[SHAPE_TEXT_SIZE], y[SHAPE_TEXT_SIZE];
    if (tensor->shape.rank < 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Tensor must be at least a vector, but saw shape: %s",
                         shape_text(&tensor->shape, x));
    if (indices->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected indices to be a vector, but received shape: %s",
                         shape_text(&indices->shape, x));
    if (tensor_elements(indices) != tensor->shape.dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected len(indices) == tensor.shape[0], but saw: %lld vs. %lld",
                         (long long)tensor_elements(indices), (long long)tensor->shape.dims[0]);
    struct tensor row = list_row_of(tensor, 0);
    if (!shape_matches(&list->element_shape, &row.shape))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "tensor shape is not compatible with element_shape: %s vs. %s",
                         shape_text(&row.shape, x), shape_text(&list->element_shape, y));
    *highest = -1;
    for (int64_t i = 0; i < tensor_elements(indices); i++) {
        int64_t index = tensor_int(indices, i);
        if (index < 0)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Indices in TensorListScatter must all be non-negative.");
        *highest = index > *highest ? index : *highest;
    }
    return CODE_OK;
}

static enum code scatter_into_run(struct op_call *call, struct error *err)
{
    const struct list *from;
    const struct tensor *tensor = call->in[1];
    struct list *list;
    int64_t highest;
    enum code code = list_of(call, 0, &from, err);
    if (!code)
        code = list_check_dtype(from, tensor->dtype, err);
    if (!code)
        code = check_scatter(call, from, &highest, err);
    if (!code)
        code = list_copy(call, from, highest + 1 > from->length ? highest + 1 : from->length, &list,
                         err);
    return code ? code : list_fill_rows(list, tensor, call->in[2], err);
}

const struct op op_TensorListSplit = {
    .name = "TensorListSplit",
    .inputs = "tensor:element_dtype element_shape:shape_type lengths:int64",
    .outputs = "output_handle:variant",
    .attrs = "element_dtype:type shape_type:index",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = split_run,
};

const struct op op_TensorListScatterIntoExistingList = {
    .name = "TensorListScatterIntoExistingList",
    .inputs = "input_handle:variant tensor:element_dtype indices:int32",
    .outputs = "output_handle:variant",
    .attrs = "element_dtype:type",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = scatter_into_run,
};
