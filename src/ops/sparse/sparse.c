/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/sparse/sparse.h"

#include "ops/kernel.h"

enum code sparse_read_sizes(const struct tensor *sizes, struct shape *shape, struct error *err)
{
    int64_t count = tensor_elements(sizes);
    if (count > SHAPE_RANK_MAX)
        return error_set(err, CODE_UNIMPLEMENTED, "rank %lld is beyond %d", (long long)count,
                         SHAPE_RANK_MAX);
    *shape = (struct shape){.rank = (int)count};
    for (int k = 0; k < shape->rank; k++)
        shape->dims[k] = tensor_int(sizes, k);
    return CODE_OK;
}

enum code sparse_read_shape(const struct tensor *sizes, struct shape *shape, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    int64_t elements;
    enum code code = sparse_read_sizes(sizes, shape, err);
    if (code)
        return code;
    for (int k = 0; k < shape->rank; k++) {
        if (shape->dims[k] < 0)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Expected shape dimensions to be non-negative, got %lld",
                             (long long)shape->dims[k]);
    }
    if (!shape_elements_checked(shape, &elements))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Shape %s would have more than 2**63 - 1 elements",
                         shape_text(shape, text));
    return CODE_OK;
}

enum code sparse_read(const struct op_call *call, const int i[3], struct sparse *sparse,
                      struct error *err)
{
    const struct tensor *indices = call->in[i[0]], *values = call->in[i[1]];
    char text[SHAPE_TEXT_SIZE];
    enum code code = sparse_read_shape(call->in[i[2]], &sparse->shape, err);
    if (code)
        return code;
    if (indices->shape.rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "indices must be a matrix, but got: %s",
                         shape_text(&indices->shape, text));
    if (values->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "vals must be a vec, but got: %s",
                         shape_text(&values->shape, text));
    if (indices->shape.dims[0] != tensor_elements(values))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "indices and values rows (indexing dimension) must match. (indices = "
                         "%lld, values = %lld)",
                         (long long)indices->shape.dims[0], (long long)tensor_elements(values));
    if (indices->shape.dims[1] != sparse->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "Order length must be SparseTensor rank.");
    sparse->indices = indices->data;
    sparse->values = values;
    sparse->count = tensor_elements(values);
    return CODE_OK;
}

/* "indices[1] = [2,0]" */
static void set_row(const struct sparse *sparse, int64_t i, struct error *err)
{
    int rank = sparse->shape.rank;
    error_set(err, CODE_INVALID_ARGUMENT, "indices[%lld] = [", (long long)i);
    for (int k = 0; k < rank; k++)
        error_append(err, "%s%lld", k ? "," : "", (long long)sparse->indices[i * rank + k]);
    error_append(err, "]");
}

static enum code out_of_bounds(const struct sparse *sparse, int64_t i, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    set_row(sparse, i, err);
    error_append(err, " is out of bounds: need 0 <= index < %s", shape_text(&sparse->shape, text));
    return CODE_INVALID_ARGUMENT;
}

static enum code out_of_order(const struct sparse *sparse, int64_t i, bool repeated,
                              struct error *err)
{
    set_row(sparse, i, err);
    error_append(err, " is %s",
                 repeated ? "repeated"
                          : "out of order. Many sparse ops require sorted indices.\n    Use "
                            "`tf.sparse.reorder` to create a correctly ordered copy.\n\n");
    return CODE_INVALID_ARGUMENT;
}

int64_t sparse_position(const struct sparse *sparse, int64_t i)
{
    int64_t at = 0;
    int rank = sparse->shape.rank;
    for (int k = 0; k < rank; k++)
        at = at * sparse->shape.dims[k] + sparse->indices[i * rank + k];
    return at;
}

enum code sparse_check_indices(const struct sparse *sparse, bool ordered, struct error *err)
{
    int rank = sparse->shape.rank;
    int64_t before = -1;
    for (int64_t i = 0; i < sparse->count; i++) {
        for (int k = 0; k < rank; k++) {
            int64_t index = sparse->indices[i * rank + k];
            if (index < 0 || index >= sparse->shape.dims[k])
                return out_of_bounds(sparse, i, err);
        }
        int64_t at = sparse_position(sparse, i);
        if (ordered && at <= before)
            return out_of_order(sparse, i, at == before, err);
        before = at;
    }
    return CODE_OK;
}

static enum code wrong_rank(const char *what, int wanted, const struct tensor *t, struct error *err)
{
    return error_set(err, CODE_INVALID_ARGUMENT, "Sparse %s must be rank %d but is rank %d", what,
                     wanted, t->shape.rank);
}

/* "Sparse index tuple indices[0, :] = [9, 9] is out of bounds" */
static enum code tuple_out_of_bounds(const struct sparse *sparse, int64_t i, struct error *err)
{
    int rank = sparse->shape.rank;
    error_set(err, CODE_INVALID_ARGUMENT, "Sparse index tuple indices[%lld, :] = [", (long long)i);
    for (int k = 0; k < rank; k++)
        error_append(err, "%s%lld", k ? ", " : "", (long long)sparse->indices[i * rank + k]);
    return error_append(err, "] is out of bounds");
}

enum code sparse_validate(const struct op_call *call, const int i[3], bool bounded,
                          struct sparse *sparse, struct error *err)
{
    const struct tensor *indices = call->in[i[0]], *values = call->in[i[1]];
    const struct tensor *shape = call->in[i[2]];
    if (indices->shape.rank != 2)
        return wrong_rank("indices", 2, indices, err);
    if (values->shape.rank != 1)
        return wrong_rank("values", 1, values, err);
    if (shape->shape.rank != 1)
        return wrong_rank("shape", 1, shape, err);
    *sparse = (struct sparse){indices->data, values, values->shape.dims[0], {.rank = 0}};
    if (indices->shape.dims[0] != sparse->count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Number of elements in indices (%lld) and values (%lld) do not match",
                         (long long)indices->shape.dims[0], (long long)sparse->count);
    if (indices->shape.dims[1] != shape->shape.dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Index rank (%lld) and shape rank (%lld) do not match",
                         (long long)indices->shape.dims[1], (long long)shape->shape.dims[0]);
    enum code code = sparse_read_sizes(shape, &sparse->shape, err);
    if (code)
        return code;
    for (int64_t n = 0; bounded && n < sparse->count; n++) {
        for (int k = 0; k < sparse->shape.rank; k++) {
            int64_t index = sparse->indices[n * sparse->shape.rank + k];
            if (index < 0 || index >= sparse->shape.dims[k])
                return tuple_out_of_bounds(sparse, n, err);
        }
    }
    return CODE_OK;
}

int sparse_compare(const struct sparse *a, int64_t i, const struct sparse *b, int64_t k)
{
    int rank = a->shape.rank;
    for (int d = 0; d < rank; d++) {
        int64_t x = a->indices[i * rank + d], y = b->indices[k * rank + d];
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}
