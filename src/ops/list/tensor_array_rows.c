/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TensorArray ops between the elements and one tensor: gather and concat read, scatter and split
 * write. What is written is copied once, as a whole; the elements are views of that copy.
 */
#include "ops/list/tensor_array.h"

#include "ops/list/list.h"

/* What the op says about the elements is what the array knows from now on. */
static enum code agree(struct tensor_array *array, const struct shape *shape, struct error *err)
{
    struct shape merged;
    enum code code = list_merge_shapes(&array->element_shape, shape, &merged, err);
    if (!code)
        array->element_shape = merged;
    return code;
}

static enum code check_vector(const struct tensor *tensor, const char *what, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (tensor->shape.rank == 1)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT, "Expected %s to be a vector, %s shape: %s", what,
                     *what == 'i' ? "but received" : "received", shape_text(&tensor->shape, text));
}

/* The elements read; *values lies in call->arena. */
static enum code read_many(struct op_call *call, struct tensor_array *array,
                           const struct tensor *indices, int64_t count, struct tensor **values,
                           struct error *err)
{
    enum code code = kernel_array(call, count + 1, sizeof **values, values, err);
    for (int64_t i = 0; !code && i < count; i++)
        code = tensor_array_read(array, indices ? tensor_int(indices, i) : i, &(*values)[i], err);
    return code;
}

/* Copies all values one after the other into output 0. */
static void join(struct op_call *call, const struct tensor *values, int64_t count)
{
    char *to = call->out[0]->data;
    for (int64_t i = 0; i < count; i++) {
        size_t bytes = tensor_bytes(&values[i]);
        memcpy(to, values[i].data, bytes);
        to += bytes;
    }
}

/* `first` in front of the shape's dimensions from `from` on. */
static enum code shape_of_rows(const struct shape *shape, int from, int64_t first,
                               struct shape *rows, struct error *err)
{
    rows->rank = shape->rank - from + 1;
    if (rows->rank > SHAPE_RANK_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "a stack of elements of rank %d",
                         SHAPE_RANK_MAX);
    rows->dims[0] = first;
    for (int i = from; i < shape->rank; i++)
        rows->dims[i - from + 1] = shape->dims[i];
    return CODE_OK;
}

/* ---- reading ---- */

static enum code no_elements(const struct shape *shape, const char *what, const char *doing,
                             struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    return error_set(err, CODE_UNIMPLEMENTED,
                     "TensorArray has size zero, but %s %s is not fully defined. Currently only "
                     "static shapes are supported when %s zero-size TensorArrays.",
                     what, shape_text(shape, text), doing);
}

static enum code check_equal(const struct tensor *values, int64_t count, struct error *err)
{
    char x[SHAPE_TEXT_SIZE], y[SHAPE_TEXT_SIZE];
    for (int64_t i = 1; i < count; i++) {
        if (!shape_equal(&values[0].shape, &values[i].shape))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "TensorArray has inconsistent shapes.  Index 0 has shape: %s but "
                             "index %lld has shape: %s",
                             shape_text(&values[0].shape, x), (long long)i,
                             shape_text(&values[i].shape, y));
    }
    return CODE_OK;
}

/* handle, indices [n], flow_in -> value [n, ...]. */
static enum code gather_run(struct op_call *call, struct error *err)
{
    struct tensor_array *array;
    struct tensor *values;
    struct shape element = op_attr_shape(call, "element_shape"), shape;
    const struct tensor *indices = call->in[1];
    enum code code = tensor_array_to_read(call, call->out[0]->dtype, &array, err);
    if (!code)
        code = agree(array, &element, err);
    if (!code)
        code = check_vector(indices, "indices", err);
    if (code)
        return code;
    int64_t count = tensor_elements(indices);
    if (!count && !shape_is_known(&element))
        return no_elements(&element, "element shape", "packing", err);
    code = read_many(call, array, indices, count, &values, err);
    if (!code)
        code = check_equal(values, count, err);
    if (!code)
        code = shape_of_rows(count ? &values[0].shape : &element, 0, count, &shape, err);
    if (!code)
        code = op_call_alloc(call, 0, &shape, err);
    if (!code)
        join(call, values, count);
    return code;
}

/* Is `b` like `a` but for the first dimension? */
static bool same_tail(const struct shape *a, const struct shape *b)
{
    struct shape other = *b;
    other.dims[0] = a->dims[0];
    return shape_equal(a, &other);
}

static const char *tail_text(const struct shape *shape, char text[SHAPE_TEXT_SIZE])
{
    struct shape tail = {.rank = shape->rank - 1};
    for (int i = 0; i < tail.rank; i++)
        tail.dims[i] = shape->dims[i + 1];
    return shape_text(&tail, text);
}

static enum code check_tails(const struct tensor *values, int64_t count, int64_t *rows,
                             struct error *err)
{
    char x[SHAPE_TEXT_SIZE], y[SHAPE_TEXT_SIZE];
    *rows = 0;
    for (int64_t i = 0; i < count; i++) {
        if (values[i].shape.rank < 1)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Concat saw a scalar shape at index %lld but requires at least "
                             "vectors.  Did you mean to call pack?",
                             (long long)i);
        if (!same_tail(&values[0].shape, &values[i].shape))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "TensorArray has inconsistent shapes.  Index 0 has (excepting "
                             "dimension 0) shape: %s but index %lld has (excepting dimension 0) "
                             "shape: %s",
                             tail_text(&values[0].shape, x), (long long)i,
                             tail_text(&values[i].shape, y));
        if (__builtin_add_overflow(*rows, values[i].shape.dims[0], rows))
            return error_set(err, CODE_INVALID_ARGUMENT, "a concatenation of too many rows");
    }
    return CODE_OK;
}

/* handle, flow_in -> value [sum of first dimensions, ...], lengths [n]. */
static enum code concat_run(struct op_call *call, struct error *err)
{
    struct tensor_array *array;
    struct tensor *values;
    struct shape tail = op_attr_shape(call, "element_shape_except0"), shape;
    int64_t rows;
    enum code code = tensor_array_to_read(call, call->out[0]->dtype, &array, err);
    if (code)
        return code;
    if (!array->size && !shape_is_known(&tail))
        return no_elements(&tail, "element_shape_except0", "concatenating", err);
    code = read_many(call, array, NULL, array->size, &values, err);
    if (!code)
        code = check_tails(values, array->size, &rows, err);
    if (!code)
        code = array->size ? shape_of_rows(&values[0].shape, 1, rows, &shape, err)
                           : shape_of_rows(&tail, 0, 0, &shape, err);
    struct shape lengths = shape_vector(array->size);
    if (!code)
        code = op_call_alloc(call, 0, &shape, err);
    if (!code)
        code = op_call_alloc(call, 1, &lengths, err);
    if (code)
        return code;
    join(call, values, array->size);
    for (int64_t i = 0; i < array->size; i++)
        TENSOR_AT(call->out[1], int64_t)[i] = values[i].shape.dims[0];
    return CODE_OK;
}

/* ---- writing ---- */

/* Rows [first, first + count) of the kept value as element i; `drops` the dimension or keeps it. */
static enum code write_rows(struct tensor_array *array, int64_t i, const struct tensor *kept,
                            int64_t first, int64_t count, bool drops, struct error *err)
{
    struct tensor element = *kept;
    size_t row = kept->shape.dims[0] ? tensor_bytes(kept) / (size_t)kept->shape.dims[0] : 0;
    element.data = (char *)kept->data + (size_t)first * row;
    if (drops) {
        element.shape.rank--;
        memmove(element.shape.dims, element.shape.dims + 1,
                (size_t)element.shape.rank * sizeof *element.shape.dims);
    } else {
        element.shape.dims[0] = count;
    }
    return tensor_array_write(array, i, &element, err);
}

static enum code check_at_least_vector(const struct tensor *value, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (value->shape.rank >= 1)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Expected value to be at least a vector, but received shape: %s",
                     shape_text(&value->shape, text));
}

static enum code check_indices(const struct tensor_array *array, const struct tensor *indices,
                               int64_t rows, struct error *err)
{
    int64_t highest = -1;
    for (int64_t i = 0; i < tensor_elements(indices); i++) {
        int64_t index = tensor_int(indices, i);
        highest = index > highest ? index : highest;
    }
    if (highest >= array->size && !array->dynamic_size)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Max scatter index must be < array size (%lld vs. %lld)",
                         (long long)highest, (long long)array->size);
    if (tensor_elements(indices) == rows)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Expected len(indices) == values.shape[0], but saw: %lld vs. %lld",
                     (long long)tensor_elements(indices), (long long)rows);
}

/* handle, indices [n], value [n, ...], flow_in -> flow_out. */
static enum code scatter_run(struct op_call *call, struct error *err)
{
    struct tensor_array *array;
    struct tensor kept;
    const struct tensor *indices = call->in[1], *value = call->in[2];
    enum code code = check_vector(indices, "indices", err);
    if (!code)
        code = check_at_least_vector(value, err);
    if (!code)
        code = tensor_array_to_write(call, value->dtype, &array, err);
    if (!code)
        code = check_indices(array, indices, value->shape.dims[0], err);
    if (!code)
        code = tensor_array_keep(array, value, &kept, err);
    for (int64_t i = 0; !code && i < value->shape.dims[0]; i++)
        code = write_rows(array, tensor_int(indices, i), &kept, i, 1, true, err);
    return code ? code : tensor_array_flow(call, 3, err);
}

static enum code check_lengths(const struct tensor_array *array, const struct tensor *value,
                               const struct tensor *lengths, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    int64_t total = 0, count = tensor_elements(lengths);
    bool sound = true;
    for (int64_t i = 0; i < count; i++)
        sound &= TENSOR_AT(lengths, int64_t)[i] >= 0 &&
                 !__builtin_add_overflow(total, TENSOR_AT(lengths, int64_t)[i], &total);
    if (!sound)
        return error_set(err, CODE_INVALID_ARGUMENT, "lengths must be non-negative");
    if (total != value->shape.dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected sum of lengths to be equal to values.shape[0], but sum of "
                         "lengths is %lld and value's shape is: %s",
                         (long long)total, shape_text(&value->shape, text));
    if (count == array->size || array->dynamic_size)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "TensorArray's size is not equal to the size of lengths (%lld vs. %lld), and "
                     "the TensorArray is not marked as dynamically resizeable",
                     (long long)array->size, (long long)count);
}

/* handle, value [sum of lengths, ...], lengths [n], flow_in -> flow_out. */
static enum code split_run(struct op_call *call, struct error *err)
{
    struct tensor_array *array;
    struct tensor kept;
    const struct tensor *value = call->in[1], *lengths = call->in[2];
    enum code code = check_vector(lengths, "lengths", err);
    if (!code)
        code = check_at_least_vector(value, err);
    if (!code)
        code = tensor_array_to_write(call, value->dtype, &array, err);
    if (!code)
        code = check_lengths(array, value, lengths, err);
    if (!code)
        code = tensor_array_keep(array, value, &kept, err);
    int64_t first = 0;
    for (int64_t i = 0; !code && i < tensor_elements(lengths); i++) {
        int64_t count = TENSOR_AT(lengths, int64_t)[i];
        code = write_rows(array, i, &kept, first, count, false, err);
        first += count;
    }
    return code ? code : tensor_array_flow(call, 3, err);
}

const struct op op_TensorArrayGatherV3 = {
    .name = "TensorArrayGatherV3",
    .inputs = "handle:resource indices:int32 flow_in:float",
    .outputs = "value:dtype",
    .attrs = "dtype:type element_shape:shape=?",
    .flags = OP_STATEFUL | OP_DYNAMIC | OP_CHANGES_RUN,
    .run = gather_run,
};

const struct op op_TensorArrayConcatV3 = {
    .name = "TensorArrayConcatV3",
    .inputs = "handle:resource flow_in:float",
    .outputs = "value:dtype lengths:int64",
    .attrs = "dtype:type element_shape_except0:shape=?",
    .flags = OP_STATEFUL | OP_DYNAMIC | OP_CHANGES_RUN,
    .run = concat_run,
};

const struct op op_TensorArrayScatterV3 = {
    .name = "TensorArrayScatterV3",
    .inputs = "handle:resource indices:int32 value:T flow_in:float",
    .outputs = "flow_out:float",
    .attrs = "T:type",
    .flags = OP_STATEFUL | OP_DYNAMIC | OP_CHANGES_RUN | OP_HANDS_ON,
    .run = scatter_run,
};

const struct op op_TensorArraySplitV3 = {
    .name = "TensorArraySplitV3",
    .inputs = "handle:resource value:T lengths:int64 flow_in:float",
    .outputs = "flow_out:float",
    .attrs = "T:type",
    .flags = OP_STATEFUL | OP_DYNAMIC | OP_CHANGES_RUN | OP_HANDS_ON,
    .run = split_run,
};
