/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TensorListConcat: the elements one after the other along their first dimension, in which they may
 * differ. An element that was never set is zeros; how many rows it has is said by leading_dims (V2)
 * or by the element shape.
 */
#include "ops/list/list.h"

/* What one element needs: all dimensions but the first. */
static enum code tail_of(const struct shape *shape, struct shape *tail, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    *tail = *shape;
    if (shape->rank == SHAPE_UNKNOWN_RANK)
        return CODE_OK;
    if (shape->rank < 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Concat requires elements to be at least vectors, found scalars instead: "
                         "%s",
                         shape_text(shape, text));
    tail->rank--;
    memmove(tail->dims, shape->dims + 1, (size_t)tail->rank * sizeof *tail->dims);
    return CODE_OK;
}

/* The tail that op, list and elements agree on. */
static enum code find_tail(const struct list *list, const struct shape *asked, struct shape *tail,
                           struct error *err)
{
    struct shape shape, next, merged;
    char text[SHAPE_TEXT_SIZE];
    enum code code = list_merge_shapes(asked, &list->element_shape, &shape, err);
    if (!code)
        code = tail_of(&shape, tail, err);
    for (int64_t i = 0; !code && i < list->length; i++) {
        const struct tensor *element = list_get(list, i);
        if (!element)
            continue;
        code = tail_of(&element->shape, &next, err);
        if (!code)
            code = list_merge_shapes(tail, &next, &merged, err);
        if (!code)
            *tail = merged;
    }
    if (code || shape_is_known(tail))
        return code;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "All except the first dimension must be fully defined when concating an empty "
                     "tensor list. element_shape: %s",
                     shape_text(&shape, text));
}

/* Rows of an element that was never set. */
static enum code unset_rows(const struct op_call *call, const struct shape *asked, int64_t i,
                            int64_t *rows, struct error *err)
{
    const struct tensor *leading = call->in_count > 2 ? call->in[2] : NULL;
    *rows = asked->rank > 0 ? asked->dims[0] : -1;
    if (leading && i < tensor_elements(leading))
        *rows = tensor_int(leading, i);
    if (*rows >= 0)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Concating uninitialized element %lld of a list needs a known leading "
                     "dimension",
                     (long long)i);
}

/* Fills output 1 and sums it up. */
static enum code measure(struct op_call *call, const struct list *list, const struct shape *asked,
                         int64_t *total, struct error *err)
{
    struct shape shape = shape_vector(list->length);
    enum code code = op_call_alloc(call, 1, &shape, err);
    *total = 0;
    for (int64_t i = 0; !code && i < list->length; i++) {
        const struct tensor *element = list_get(list, i);
        int64_t *rows = &TENSOR_AT(call->out[1], int64_t)[i];
        if (element)
            *rows = element->shape.dims[0];
        else
            code = unset_rows(call, asked, i, rows, err);
        if (!code && __builtin_add_overflow(*total, *rows, total))
            code = error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM when concating a list");
    }
    return code;
}

static enum code concat(struct op_call *call, const struct shape *asked, struct error *err)
{
    const struct list *list;
    struct shape tail;
    int64_t total;
    enum code code = list_of(call, 0, &list, err);
    if (!code)
        code = list_check_dtype(list, call->out[0]->dtype, err);
    if (!code)
        code = find_tail(list, asked, &tail, err);
    if (!code)
        code = measure(call, list, asked, &total, err);
    if (code)
        return code;
    if (tail.rank == SHAPE_RANK_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "elements of rank above %d", SHAPE_RANK_MAX);
    struct shape shape = {.rank = tail.rank + 1, .dims = {total}};
    memcpy(shape.dims + 1, tail.dims, (size_t)tail.rank * sizeof *tail.dims);
    code = op_call_alloc(call, 0, &shape, err);
    char *to = code ? NULL : call->out[0]->data;
    size_t row_bytes = total && !code ? tensor_bytes(call->out[0]) / (size_t)total : 0;
    for (int64_t i = 0; !code && i < list->length; i++) {
        const struct tensor *element = list_get(list, i);
        size_t bytes = (size_t)TENSOR_AT(call->out[1], int64_t)[i] * row_bytes;
        if (element && bytes)
            memcpy(to, element->data, bytes);
        else
            memset(to, 0, bytes);
        to += bytes;
    }
    return code;
}

/* input_handle -> tensor [total, ...], lengths [n]. */
static enum code concat_run(struct op_call *call, struct error *err)
{
    struct shape asked = op_attr_shape(call, "element_shape");
    return concat(call, &asked, err);
}

/* input_handle, element_shape, leading_dims [m] -> tensor [total, ...], lengths [n]. */
static enum code concat_v2_run(struct op_call *call, struct error *err)
{
    struct shape asked;
    enum code code = list_shape_of(call, 1, &asked, err);
    return code ? code : concat(call, &asked, err);
}

const struct op op_TensorListConcat = {
    .name = "TensorListConcat",
    .inputs = "input_handle:variant",
    .outputs = "tensor:element_dtype lengths:int64",
    .attrs = "element_dtype:type element_shape:shape=?",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = concat_run,
};

const struct op op_TensorListConcatV2 = {
    .name = "TensorListConcatV2",
    .inputs = "input_handle:variant element_shape:shape_type leading_dims:int64",
    .outputs = "tensor:element_dtype lengths:int64",
    .attrs = "element_dtype:type shape_type:index",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = concat_v2_run,
};
