/* SPDX-License-Identifier: Apache-2.0 */
/* TensorList ops that make a list, or touch one element of it. */
#include "ops/list/list.h"

/* ---- lists ---- */

/* element_shape [rank] or -1, max_num_elements [] -> handle: a list without elements. */
static enum code empty_run(struct op_call *call, struct error *err)
{
    struct shape shape;
    struct list *list;
    int64_t most;
    enum code code = list_number_of(call, 1, "max_num_elements", &most, err);
    if (!code)
        code = list_shape_of(call, 0, &shape, err);
    if (!code)
        code = list_make(call, 0, &shape, &list, err);
    if (!code)
        list->length_max = most;
    return code;
}

/* element_shape, num_elements [] -> handle: that many elements, none of them set. */
static enum code reserve_run(struct op_call *call, struct error *err)
{
    struct shape shape;
    struct list *list;
    int64_t length;
    enum code code = list_shape_of(call, 0, &shape, err);
    if (!code)
        code = list_number_of(call, 1, "num_elements", &length, err);
    if (code)
        return code;
    if (length < 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The num_elements to reserve must be a non negative number, but got %lld",
                         (long long)length);
    return list_make(call, length, &shape, &list, err);
}

/* input_handle -> length []. */
static enum code length_run(struct op_call *call, struct error *err)
{
    const struct list *list;
    struct shape scalar = shape_scalar();
    enum code code = list_of(call, 0, &list, err);
    if (!code)
        code = op_call_alloc(call, 0, &scalar, err);
    if (!code)
        *TENSOR_AT(call->out[0], int32_t) = (int32_t)list->length;
    return code;
}

/* input_handle, size [] -> output_handle: cut off, or with unset elements behind. */
static enum code resize_run(struct op_call *call, struct error *err)
{
    const struct list *from;
    struct list *list;
    int64_t length;
    enum code code = list_of(call, 0, &from, err);
    if (!code)
        code = list_number_of(call, 1, "size", &length, err);
    if (code)
        return code;
    if (length < 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "TensorListSlice expects size to be non-negative. Got: %lld",
                         (long long)length);
    return list_copy(call, from, length, &list, err);
}

/* input_handle -> element_shape [rank], -1 for an unknown dimension; [] -1 for an unknown rank. */
static enum code element_shape_run(struct op_call *call, struct error *err)
{
    const struct list *list;
    enum code code = list_of(call, 0, &list, err);
    if (code)
        return code;
    bool known = list->element_shape.rank != SHAPE_UNKNOWN_RANK;
    struct shape shape = known ? shape_vector(list->element_shape.rank) : shape_scalar();
    code = op_call_alloc(call, 0, &shape, err);
    for (int64_t i = 0; !code && i < tensor_elements(call->out[0]); i++) {
        int64_t value = known ? list->element_shape.dims[i] : -1;
        if (call->out[0]->dtype == DTYPE_INT64)
            TENSOR_AT(call->out[0], int64_t)[i] = value;
        else
            TENSOR_AT(call->out[0], int32_t)[i] = (int32_t)value;
    }
    return code;
}

/* ---- elements ---- */

static void unref_buffer(void *buffer)
{
    buffer_unref(buffer);
}

/* The output is the element itself; the arena holds its buffer. */
static void give_element(struct op_call *call, int i, const struct tensor *element)
{
    *call->out[i] = *element;
    arena_defer(call->arena, unref_buffer, buffer_ref(element->buffer));
}

/* An element that was never set is zeros, if its shape can be told. */
static enum code give_zeros(struct op_call *call, int i, const struct list *list,
                            const struct shape *asked, struct error *err)
{
    struct shape shape;
    char text[SHAPE_TEXT_SIZE];
    enum code code = list_merge_shapes(asked, &list->element_shape, &shape, err);
    int64_t asked_of = !code && !shape_is_known(&shape) ? list->length : 0;
    for (int64_t k = 0; !code && k < asked_of; k++) {
        const struct tensor *other = list_get(list, k);
        struct shape before = shape;
        if (other)
            code = list_merge_shapes(&before, &other->shape, &shape, err);
    }
    if (code)
        return code;
    if (!shape_is_known(&shape))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Trying to read an uninitialized element but element_shape is not fully "
                         "defined%s",
                         shape_text(&shape, text));
    code = op_call_alloc(call, i, &shape, err);
    if (!code)
        memset(call->out[i]->data, 0, tensor_bytes(call->out[i]));
    return code;
}

/* input_handle, index [], element_shape -> item. */
static enum code get_run(struct op_call *call, struct error *err)
{
    const struct list *list;
    struct shape asked;
    int64_t index;
    enum code code = list_of(call, 0, &list, err);
    if (!code)
        code = list_check_dtype(list, call->out[0]->dtype, err);
    if (!code)
        code = list_number_of(call, 1, "index", &index, err);
    if (code)
        return code;
    if (index < 0 || index >= list->length)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Trying to access element %lld in a list with %lld elements.",
                         (long long)index, (long long)list->length);
    const struct tensor *element = list_get(list, index);
    if (element) {
        give_element(call, 0, element);
        return CODE_OK;
    }
    code = list_shape_of(call, 2, &asked, err);
    return code ? code : give_zeros(call, 0, list, &asked, err);
}

static enum code check_item(const struct list *list, const struct tensor *item, const char *text,
                            struct error *err)
{
    char x[SHAPE_TEXT_SIZE], y[SHAPE_TEXT_SIZE];
    enum code code = list_check_dtype(list, item->dtype, err);
    if (code || shape_matches(&list->element_shape, &item->shape))
        return code;
    return error_set(err, CODE_INVALID_ARGUMENT, "%s element shape: %s list shape: %s", text,
                     shape_text(&item->shape, x), shape_text(&list->element_shape, y));
}

/* input_handle, index [], item -> output_handle: with that element. */
static enum code set_run(struct op_call *call, struct error *err)
{
    const struct list *from;
    struct list *list;
    int64_t index;
    enum code code = list_of(call, 0, &from, err);
    if (!code)
        code = list_number_of(call, 1, "index", &index, err);
    if (!code)
        code =
            check_item(from, call->in[2],
                       "Tried to set a tensor with incompatible shape at a list index. Item", err);
    if (code)
        return code;
    bool grows = index >= from->length && op_attr_bool(call, "resize_if_index_out_of_bounds");
    if (index < 0 || (index >= from->length && !grows))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Trying to modify element %lld in a list with %lld elements.",
                         (long long)index, (long long)from->length);
    code = index > from->length
               ? list_copy(call, from, index + 1, &list, err)
               : list_derive(call, from, grows ? index + 1 : from->length, &list, err);
    return code ? code : list_fill(list, index, call->in[2], err);
}

/* input_handle, tensor -> output_handle: one element longer. */
static enum code push_run(struct op_call *call, struct error *err)
{
    const struct list *from;
    struct list *list;
    enum code code = list_of(call, 0, &from, err);
    if (!code)
        code = check_item(from, call->in[1],
                          "Tried to append a tensor with incompatible shape to a list. Op", err);
    if (code)
        return code;
    if (from->length_max != -1 && from->length >= from->length_max)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Tried to push item into a full list list size: %lld max_num_elements: "
                         "%lld",
                         (long long)from->length, (long long)from->length_max);
    code = list_derive(call, from, from->length + 1, &list, err);
    return code ? code : list_fill(list, from->length, call->in[1], err);
}

/* input_handle, element_shape -> output_handle: one element shorter, tensor: the last element. */
static enum code pop_run(struct op_call *call, struct error *err)
{
    const struct list *from;
    struct list *list;
    struct shape asked;
    enum code code = list_of(call, 0, &from, err);
    if (!code)
        code = list_check_dtype(from, call->out[1]->dtype, err);
    if (code)
        return code;
    if (!from->length)
        return error_set(err, CODE_INVALID_ARGUMENT, "Trying to pop from an empty list.");
    code = list_derive(call, from, from->length - 1, &list, err);
    if (code)
        return code;
    const struct tensor *element = list_get(from, from->length - 1);
    if (element) {
        give_element(call, 1, element);
        return CODE_OK;
    }
    code = list_shape_of(call, 1, &asked, err);
    return code ? code : give_zeros(call, 1, from, &asked, err);
}

#define LIST_FLAGS OP_STATEFUL | OP_DYNAMIC

const struct op op_EmptyTensorList = {
    .name = "EmptyTensorList",
    .inputs = "element_shape:shape_type max_num_elements:int32",
    .outputs = "handle:variant",
    .attrs = "element_dtype:type shape_type:index",
    .flags = LIST_FLAGS,
    .run = empty_run,
};

const struct op op_TensorListReserve = {
    .name = "TensorListReserve",
    .inputs = "element_shape:shape_type num_elements:int32",
    .outputs = "handle:variant",
    .attrs = "element_dtype:type shape_type:index",
    .flags = LIST_FLAGS,
    .run = reserve_run,
};

const struct op op_TensorListLength = {
    .name = "TensorListLength",
    .inputs = "input_handle:variant",
    .outputs = "length:int32",
    .attrs = "",
    .flags = LIST_FLAGS,
    .run = length_run,
};

const struct op op_TensorListResize = {
    .name = "TensorListResize",
    .inputs = "input_handle:variant size:int32",
    .outputs = "output_handle:variant",
    .attrs = "",
    .flags = LIST_FLAGS,
    .run = resize_run,
};

const struct op op_TensorListElementShape = {
    .name = "TensorListElementShape",
    .inputs = "input_handle:variant",
    .outputs = "element_shape:shape_type",
    .attrs = "shape_type:index",
    .flags = LIST_FLAGS,
    .run = element_shape_run,
};

const struct op op_TensorListGetItem = {
    .name = "TensorListGetItem",
    .inputs = "input_handle:variant index:int32 element_shape:Tshape",
    .outputs = "item:element_dtype",
    .attrs = "element_dtype:type Tshape:index=int32",
    .flags = LIST_FLAGS,
    .run = get_run,
};

const struct op op_TensorListSetItem = {
    .name = "TensorListSetItem",
    .inputs = "input_handle:variant index:int32 item:element_dtype",
    .outputs = "output_handle:variant",
    .attrs = "element_dtype:type resize_if_index_out_of_bounds:bool=false",
    .flags = LIST_FLAGS,
    .run = set_run,
};

const struct op op_TensorListPushBack = {
    .name = "TensorListPushBack",
    .inputs = "input_handle:variant tensor:element_dtype",
    .outputs = "output_handle:variant",
    .attrs = "element_dtype:type",
    .flags = LIST_FLAGS,
    .run = push_run,
};

const struct op op_TensorListPopBack = {
    .name = "TensorListPopBack",
    .inputs = "input_handle:variant element_shape:int32",
    .outputs = "output_handle:variant tensor:element_dtype",
    .attrs = "element_dtype:type",
    .flags = LIST_FLAGS,
    .run = pop_run,
};
