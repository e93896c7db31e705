/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TensorList ops between a list and one tensor whose first dimension counts the elements. Into a
 * list the tensor is copied once, as a whole: the elements are views of that buffer.
 */
#include "ops/list/list.h"

/* ---- lists from tensors ---- */

static enum code check_rows(const struct tensor *tensor, const struct shape *element_shape,
                            struct error *err)
{
    char x[SHAPE_TEXT_SIZE], y[SHAPE_TEXT_SIZE];
    if (tensor->shape.rank < 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Tensor must be at least a vector, but saw shape: %s",
                         shape_text(&tensor->shape, x));
    struct tensor row = list_row_of(tensor, 0);
    if (shape_matches(element_shape, &row.shape))
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Specified a list with shape %s from a tensor with shape %s",
                     shape_text(element_shape, y), shape_text(&row.shape, x));
}

/* tensor [n, ...], element_shape -> output_handle: n elements. */
static enum code from_tensor_run(struct op_call *call, struct error *err)
{
    struct shape shape;
    struct list *list;
    const struct tensor *tensor = call->in[0];
    enum code code = list_shape_of(call, 1, &shape, err);
    if (!code)
        code = check_rows(tensor, &shape, err);
    if (!code)
        code = list_make(call, tensor->shape.dims[0], &shape, &list, err);
    return code ? code : list_fill_rows(list, tensor, NULL, err);
}

/* The length that the indices need; each must be no less than 0 and, with a length, below it. */
static enum code measure_indices(const struct tensor *indices, int64_t *length, struct error *err)
{
    int64_t highest = -1;
    for (int64_t i = 0; i < tensor_elements(indices); i++) {
        int64_t index = tensor_int(indices, i);
        if (index < 0)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Indices in TensorListScatter must all be non-negative.");
        highest = index > highest ? index : highest;
    }
    if (*length >= 0 && highest >= *length)
        return error_set(
            err, CODE_INVALID_ARGUMENT,
            "TensorListScatter: Trying to scatter at index %lld in list with size %lld",
            (long long)highest, (long long)*length);
    *length = *length < 0 ? highest + 1 : *length;
    return CODE_OK;
}

/* tensor [n, ...], indices [n], element_shape, num_elements [] (V2; -1: as many as needed)
 * -> output_handle. */
static enum code scatter_run(struct op_call *call, struct error *err)
{
    struct shape shape;
    struct list *list;
    const struct tensor *tensor = call->in[0], *indices = call->in[1];
    int64_t length = -1;
    enum code code = list_shape_of(call, 2, &shape, err);
    if (!code && call->in_count > 3)
        code = list_number_of(call, 3, "num_elements", &length, err);
    if (!code)
        code = check_rows(tensor, &shape, err);
    if (code)
        return code;
    if (indices->shape.rank != 1 || indices->shape.dims[0] != tensor->shape.dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Specified %lld indices for a tensor with %lld rows",
                         (long long)tensor_elements(indices), (long long)tensor->shape.dims[0]);
    if (length < -1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "TensorListScatter expects num_elements >= -1, found: %lld",
                         (long long)length);
    code = measure_indices(indices, &length, err);
    if (!code)
        code = list_make(call, length, &shape, &list, err);
    return code ? code : list_fill_rows(list, tensor, indices, err);
}

/* ---- tensors from lists ---- */

/* The shape of the elements: what the op and the list say and, failing that, the elements. */
static enum code find_shape(const struct op_call *call, int input, const struct list *list,
                            struct shape *shape, struct error *err)
{
    struct shape asked;
    char text[SHAPE_TEXT_SIZE];
    enum code code = list_shape_of(call, input, &asked, err);
    if (!code)
        code = list_merge_shapes(&asked, &list->element_shape, shape, err);
    int64_t asked_of = !code && !shape_is_known(shape) ? list->length : 0;
    for (int64_t i = 0; !code && i < asked_of; i++) {
        const struct tensor *element = list_get(list, i);
        struct shape before = *shape;
        if (element)
            code = list_merge_shapes(&before, &element->shape, shape, err);
    }
    if (code || shape_is_known(shape))
        return code;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     list->length ? "Tried to stack list which only contains uninitialized tensors "
                                    "and has a non-fully-defined element_shape: %s"
                                  : "Tried to stack elements of an empty list with "
                                    "non-fully-defined element_shape: %s",
                     shape_text(shape, text));
}

static enum code copy_element(const struct tensor *element, const struct shape *shape, void *to,
                              size_t bytes, struct error *err)
{
    char x[SHAPE_TEXT_SIZE], y[SHAPE_TEXT_SIZE];
    if (element && !shape_equal(&element->shape, shape))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Tried to stack list elements of different shapes: %s vs. %s",
                         shape_text(&element->shape, x), shape_text(shape, y));
    if (element)
        memcpy(to, element->data, bytes);
    else
        memset(to, 0, bytes);
    return CODE_OK;
}

/* Elements indices[i] (or i) into the rows of output 0. */
static enum code give_rows(struct op_call *call, const struct list *list,
                           const struct tensor *indices, const struct shape *element_shape,
                           struct error *err)
{
    int64_t count = indices ? tensor_elements(indices) : list->length;
    struct shape shape = {.rank = element_shape->rank + 1, .dims = {count}};
    if (element_shape->rank == SHAPE_RANK_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "a stack of elements of rank %d",
                         SHAPE_RANK_MAX);
    for (int i = 0; i < element_shape->rank; i++)
        shape.dims[i + 1] = element_shape->dims[i];
    enum code code = op_call_alloc(call, 0, &shape, err);
    if (code)
        return code;
    size_t bytes = count ? tensor_bytes(call->out[0]) / (size_t)count : 0;
    char *to = call->out[0]->data;
    for (int64_t i = 0; !code && i < count; i++, to += bytes) {
        int64_t index = indices ? tensor_int(indices, i) : i;
        if (index < 0 || index >= list->length)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Index %lld out o range; list only has %lld elements.",
                             (long long)index, (long long)list->length);
        code = copy_element(list_get(list, index), element_shape, to, bytes, err);
    }
    return code;
}

static enum code stack(struct op_call *call, const struct tensor *indices, int shape_input,
                       struct error *err)
{
    const struct list *list;
    struct shape shape;
    enum code code = list_of(call, 0, &list, err);
    if (!code)
        code = list_check_dtype(list, call->out[0]->dtype, err);
    if (code)
        return code;
    int64_t expected = indices ? -1 : op_attr_int(call, "num_elements");
    if (expected != -1 && expected != list->length)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Operation expected a list with %lld elements but got a list with %lld "
                         "elements.",
                         (long long)expected, (long long)list->length);
    code = find_shape(call, shape_input, list, &shape, err);
    return code ? code : give_rows(call, list, indices, &shape, err);
}

/* input_handle, element_shape -> tensor [length, ...]. */
static enum code stack_run(struct op_call *call, struct error *err)
{
    return stack(call, NULL, 1, err);
}

/* input_handle, indices [n], element_shape -> values [n, ...]. */
static enum code gather_run(struct op_call *call, struct error *err)
{
    return stack(call, call->in[1], 2, err);
}

const struct op op_TensorListFromTensor = {
    .name = "TensorListFromTensor",
    .inputs = "tensor:element_dtype element_shape:shape_type",
    .outputs = "output_handle:variant",
    .attrs = "element_dtype:type shape_type:index",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = from_tensor_run,
};

const struct op op_TensorListScatter = {
    .name = "TensorListScatter",
    .inputs = "tensor:element_dtype indices:int32 element_shape:shape_type",
    .outputs = "output_handle:variant",
    .attrs = "element_dtype:type shape_type:index",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = scatter_run,
};

const struct op op_TensorListScatterV2 = {
    .name = "TensorListScatterV2",
    .inputs = "tensor:element_dtype indices:int32 element_shape:shape_type num_elements:int32",
    .outputs = "output_handle:variant",
    .attrs = "element_dtype:type shape_type:index",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = scatter_run,
};

const struct op op_TensorListStack = {
    .name = "TensorListStack",
    .inputs = "input_handle:variant element_shape:int32",
    .outputs = "tensor:element_dtype",
    .attrs = "element_dtype:type num_elements:int=-1",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = stack_run,
};

const struct op op_TensorListGather = {
    .name = "TensorListGather",
    .inputs = "input_handle:variant indices:int32 element_shape:int32",
    .outputs = "values:element_dtype",
    .attrs = "element_dtype:type",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = gather_run,
};
