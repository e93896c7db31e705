/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RaggedTensorToVariant, RaggedTensorFromVariant: ragged tensors as elements of a variant tensor,
 * whole or one for each row, and stacked again. That is how tf.map_fn takes ragged tensors through
 * its lists. A variant owns copies of the splits and the values.
 */
#include <stdlib.h>

#include "ops/ragged/ragged.h"
#include "tensor/variant.h"

struct ragged_value {
    struct variant variant; /* first */
    int ranks;
    struct tensor parts[]; /* the splits from the outside, then the values; their buffers are owned
                            */
};

static void ragged_value_free(struct variant *variant)
{
    struct ragged_value *value = (struct ragged_value *)(void *)variant;
    for (int i = 0; i <= value->ranks; i++)
        buffer_unref(value->parts[i].buffer);
    free(value);
}

static const struct variant_ops ragged_value_ops = {.kind = "ragged tensor",
                                                    .free = ragged_value_free};

/* Element i of output 0, whose one reference is the arena's. Its parts are not set yet. */
static enum code make_value(struct op_call *call, int64_t i, int ranks, struct ragged_value **value,
                            struct error *err)
{
    struct ragged_value *v = calloc(1, sizeof *v + ((size_t)ranks + 1) * sizeof v->parts[0]);
    if (!v)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a ragged tensor");
    v->variant.ops = &ragged_value_ops;
    v->ranks = ranks;
    variant_keep(&v->variant, call->arena);
    TENSOR_AT(call->out[0], struct ragged_value *)[i] = v;
    *value = v;
    return CODE_OK;
}

/* The shape of a row. */
static struct shape inner_shape(const struct shape *shape)
{
    struct shape inner = {.rank = shape->rank - 1};
    memcpy(inner.dims, &shape->dims[1], (size_t)inner.rank * sizeof inner.dims[0]);
    return inner;
}

/* Rows [start, limit) of a tensor. */
static struct tensor rows_of(const struct tensor *tensor, int64_t start, int64_t limit)
{
    struct tensor rows = *tensor;
    rows.shape.dims[0] = limit - start;
    size_t row = (size_t)kernel_span(&rows.shape, 1, rows.shape.rank) * dtype_size(rows.dtype);
    rows.data = (char *)tensor->data + (size_t)start * row;
    return rows;
}

/* ---- RaggedTensorToVariant ---- */

static enum code to_variant_whole(struct op_call *call, struct error *err)
{
    struct shape scalar = shape_scalar();
    struct ragged_value *value;
    enum code code = op_call_alloc(call, 0, &scalar, err);
    if (!code)
        code = make_value(call, 0, call->in_count - 1, &value, err);
    for (int i = 0; !code && i < call->in_count; i++)
        code = tensor_copy_to_buffer(call->in[i], &value->parts[i], err);
    return code;
}

/* Every dimension's splits end where the next has its end. */
static enum code check_splits(const struct op_call *call, struct error *err)
{
    int ranks = call->in_count - 1;
    const struct shape *values = &call->in[ranks]->shape;
    if (ranks && !values->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Requires flat_values to have rank>=1 when nested_row_splits is not "
                         "empty, but is 0.");
    enum code code = CODE_OK;
    for (int d = ranks - 1; !code && d >= 0; d--) {
        int64_t most = d + 1 < ranks ? tensor_elements(call->in[d + 1]) - 1 : values->dims[0];
        code = ragged_check_splits(call->in[d], most, err);
    }
    return code;
}

/* A vector that begins with 0 instead of with its first element. */
static void begin_with_zero(struct tensor *splits)
{
    int64_t first = tensor_int(splits, 0);
    for (int64_t i = 0; i < splits->shape.dims[0]; i++)
        kernel_put_index(splits, i, tensor_int(splits, i) - first);
}

/* Row `row` of a batch: its part of each inner dimension. */
static enum code unbatch(struct op_call *call, int64_t row, struct error *err)
{
    int ranks = call->in_count - 1;
    int64_t start = tensor_int(call->in[0], row), limit = tensor_int(call->in[0], row + 1);
    struct ragged_value *value;
    enum code code = make_value(call, row, ranks - 1, &value, err);
    for (int d = 1; !code && d < ranks; d++) {
        struct tensor part = rows_of(call->in[d], start, limit + 1);
        code = tensor_copy_to_buffer(&part, &value->parts[d - 1], err);
        if (code)
            return code;
        begin_with_zero(&value->parts[d - 1]);
        start = tensor_int(call->in[d], start);
        limit = tensor_int(call->in[d], limit);
    }
    if (code)
        return code;
    struct tensor values = rows_of(call->in[ranks], start, limit);
    return tensor_copy_to_buffer(&values, &value->parts[ranks - 1], err);
}

/* The rows of a tensor without ragged dimensions: each loses the first. */
static enum code unbatch_dense(struct op_call *call, int64_t row, struct error *err)
{
    struct ragged_value *value;
    struct tensor part = rows_of(call->in[0], row, row + 1);
    enum code code = make_value(call, row, 0, &value, err);
    part.shape = inner_shape(&part.shape);
    return code ? code : tensor_copy_to_buffer(&part, &value->parts[0], err);
}

/* rt_nested_splits..., rt_dense_values -> encoded_ragged: [] or, batched, [rows] */
static enum code to_variant_run(struct op_call *call, struct error *err)
{
    bool ragged = call->in_count > 1;
    enum code code = check_splits(call, err);
    if (code)
        return code;
    if (!*(const bool *)call->state)
        return to_variant_whole(call, err);
    if (!ragged && !call->in[0]->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "Can't unbatch rank-0 tensor.");
    struct shape shape = shape_vector(call->in[0]->shape.dims[0] - ragged);
    code = op_call_alloc(call, 0, &shape, err);
    for (int64_t row = 0; !code && row < shape.dims[0]; row++)
        code = ragged ? unbatch(call, row, err) : unbatch_dense(call, row, err);
    return code;
}

static enum code to_variant_prepare(struct op_call *call, struct error *err)
{
    bool *batched = ARENA_NEW(call->arena, bool);
    (void)err;
    *batched = op_attr_bool(call, "batched_input");
    call->state = batched;
    return CODE_OK;
}

/* ---- RaggedTensorFromVariant ---- */

struct from_variant {
    int64_t given, wanted; /* ragged dimensions: of each element (-1: what fits), of the output */
    enum dtype splits;
};

static enum code from_variant_prepare(struct op_call *call, struct error *err)
{
    struct from_variant *f = ARENA_NEW(call->arena, struct from_variant);
    (void)err;
    f->given = op_attr_int(call, "input_ragged_rank");
    f->wanted = op_attr_int(call, "output_ragged_rank");
    f->splits = op_attr_type(call, "Tsplits");
    call->state = f;
    return CODE_OK;
}

static enum code check_element(const struct op_call *call, int64_t i, int ranks, struct error *err)
{
    const struct from_variant *f = call->state;
    const struct ragged_value *v = TENSOR_AT(call->in[0], const struct ragged_value *)[i];
    enum dtype dtype = call->out[call->out_count - 1]->dtype, splits = f->splits;
    if (!v || v->variant.ops != &ragged_value_ops)
        return error_set(
            err, CODE_INVALID_ARGUMENT,
            "Input Variant element at index %lld doesn't hold a RaggedTensorVariant: %s",
            (long long)i, v ? v->variant.ops->kind : "nothing");
    if (v->ranks != ranks)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Encoded input RaggedTensorVariant has ragged_rank=%d.  Expected "
                         "ragged_rank=%d.",
                         v->ranks, ranks);
    if (v->parts[ranks].dtype != dtype)
        return error_set(err, CODE_INVALID_ARGUMENT, "Expected values Tensor dtype: %s, found: %s",
                         dtype_name(dtype), dtype_name(v->parts[ranks].dtype));
    if (!v->parts[ranks].shape.rank && f->wanted)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Ragged values must have rank >= 1; encoded scalar element at index %lld "
                         "has values Tensor of shape []",
                         (long long)i);
    for (int d = 0; d < ranks; d++) {
        if (v->parts[d].dtype != splits)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Expected row_splits Tensor dtype: %s, found: %s", dtype_name(splits),
                             dtype_name(v->parts[d].dtype));
    }
    return CODE_OK;
}

/* May the values of all elements lie in one tensor? As rows when the elements are ragged. */
static enum code check_values(const struct op_call *call, int ranks, bool ragged, struct error *err)
{
    static const char hint[] =
        ".  If you are using tf.map_fn, then you may need to specify an explicit "
        "fn_output_signature with appropriate ragged_rank, and/or convert output tensors to "
        "RaggedTensors.";
    const struct ragged_value *const *v = call->in[0]->data;
    char x[SHAPE_TEXT_SIZE], y[SHAPE_TEXT_SIZE];
    for (int64_t i = 1; i < tensor_elements(call->in[0]); i++) {
        struct shape first = v[0]->parts[ranks].shape, own = v[i]->parts[ranks].shape;
        if (ragged && own.rank != first.rank)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Rank of values must match for all components; values shape at index "
                             "0: %s, values shape at index %lld: %s",
                             shape_text(&first, x), (long long)i, shape_text(&own, y));
        first = ragged ? inner_shape(&first) : first;
        own = ragged ? inner_shape(&own) : own;
        if (!shape_equal(&own, &first))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "All flat_values must have compatible shapes.  Shape at index 0: %s.  "
                             "Shape at index %lld: %s%s",
                             shape_text(&first, x), (long long)i, shape_text(&own, y),
                             ragged ? hint : "");
    }
    return CODE_OK;
}

/* Splits of the dimensions that the variant tensor has: uniform, but for the last, which counts the
 * rows of the elements. */
static enum code put_outer(struct op_call *call, int ranks, struct error *err)
{
    const struct shape *dims = &call->in[0]->shape;
    const struct ragged_value *const *v = call->in[0]->data;
    enum code code = CODE_OK;
    for (int d = 0; !code && d < dims->rank; d++) {
        bool last = d == dims->rank - 1;
        int64_t rows = last ? tensor_elements(call->in[0]) : dims->dims[d], at = 0;
        struct shape shape = shape_vector(rows + 1);
        code = op_call_alloc(call, d, &shape, err);
        for (int64_t i = 0; !code && i <= rows; i++) {
            kernel_put_index(call->out[d], i, at);
            if (i < rows)
                at += last ? v[i]->parts[0].shape.dims[0] - (ranks > 0) : dims->dims[d + 1];
        }
    }
    return code;
}

/* Splits of the elements' dimension d, one element's behind the other's. */
static enum code put_inner(struct op_call *call, int d, struct error *err)
{
    const struct ragged_value *const *v = call->in[0]->data;
    int output = call->in[0]->shape.rank + d;
    int64_t total = 1, made = 1, before = 0, n = tensor_elements(call->in[0]);
    for (int64_t i = 0; i < n; i++)
        total += v[i]->parts[d].shape.dims[0] - 1;
    struct shape shape = shape_vector(total);
    enum code code = op_call_alloc(call, output, &shape, err);
    if (code)
        return code;
    kernel_put_index(call->out[output], 0, 0);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t k = 1; k < v[i]->parts[d].shape.dims[0]; k++)
            kernel_put_index(call->out[output], made++, before + tensor_int(&v[i]->parts[d], k));
        before = tensor_int(call->out[output], made - 1);
    }
    return CODE_OK;
}

/* The values, one element's rows behind the other's; elements that are not ragged are rows. */
static enum code put_values(struct op_call *call, int ranks, struct error *err)
{
    const struct ragged_value *const *v = call->in[0]->data;
    int64_t n = tensor_elements(call->in[0]);
    bool rows = call->out_count == 1;
    struct shape shape = n ? v[0]->parts[ranks].shape : shape_vector(0);
    if (n && rows) {
        if (shape.rank == SHAPE_RANK_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT, "the output has too many dimensions");
        memmove(&shape.dims[1], shape.dims, (size_t)shape.rank++ * sizeof shape.dims[0]);
        shape.dims[0] = n;
    }
    for (int64_t i = 1; i < n && !rows; i++)
        shape.dims[0] += v[i]->parts[ranks].shape.dims[0];
    enum code code = op_call_alloc(call, call->out_count - 1, &shape, err);
    char *to = code ? NULL : call->out[call->out_count - 1]->data;
    for (int64_t i = 0; !code && i < n; i++) {
        const struct tensor *part = &v[i]->parts[ranks];
        if (tensor_bytes(part))
            to = mempcpy(to, part->data, tensor_bytes(part));
    }
    return code;
}

static enum code put_single(struct op_call *call, int ranks, struct error *err)
{
    const struct ragged_value *v = *TENSOR_AT(call->in[0], const struct ragged_value *);
    enum code code = CODE_OK;
    for (int i = 0; !code && i <= ranks; i++) {
        code = op_call_alloc(call, i, &v->parts[i].shape, err);
        if (!code && tensor_bytes(&v->parts[i]))
            memcpy(call->out[i]->data, v->parts[i].data, tensor_bytes(&v->parts[i]));
    }
    return code;
}

/* How many ragged dimensions each element has. */
static enum code element_ranks(const struct op_call *call, int *ranks, struct error *err)
{
    const struct from_variant *f = call->state;
    int64_t wanted = f->wanted, given = f->given;
    int dims = call->in[0]->shape.rank;
    if (given == -1) {
        given = wanted - dims;
        if (!wanted && given < 0)
            given = 0;
        if (given < 0)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Inferred input_ragged_rank (output_ragged_rank - "
                             "encoded_variant.dims()) must be >= 0, found output_ragged_rank: "
                             "%lld, encoded_variant.dims(): %d, inferred input_ragged_rank: %lld",
                             (long long)wanted, dims, (long long)given);
    }
    if (wanted != dims + given && (wanted || given))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "output_ragged_rank must be equal to input_ragged_rank + "
                         "encoded_ragged.dims(); output_ragged_rank: %lld, input_ragged_rank: "
                         "%lld, encoded_variant.dims(): %d.",
                         (long long)wanted, (long long)given, dims);
    *ranks = (int)given;
    return CODE_OK;
}

/* encoded_ragged -> output_nested_splits..., output_dense_values */
static enum code from_variant_run(struct op_call *call, struct error *err)
{
    int ranks = 0;
    enum code code = element_ranks(call, &ranks, err);
    for (int64_t i = 0; !code && i < tensor_elements(call->in[0]); i++)
        code = check_element(call, i, ranks, err);
    if (!code && !call->in[0]->shape.rank)
        return put_single(call, ranks, err);
    if (!code)
        code = check_values(call, ranks, call->out_count > 1, err);
    if (!code && call->out_count > 1)
        code = put_outer(call, ranks, err);
    for (int d = 0; !code && d < ranks; d++)
        code = put_inner(call, d, err);
    return code ? code : put_values(call, ranks, err);
}

#define VALUE_TYPES                                                                                \
    (OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL) | OP_TYPE(DTYPE_STRING) | OP_TYPE(DTYPE_QINT8) |        \
     OP_TYPE(DTYPE_QUINT8) | OP_TYPE(DTYPE_QINT32) | OP_TYPE(DTYPE_QINT16) |                       \
     OP_TYPE(DTYPE_QUINT16))

const struct op op_RaggedTensorToVariant = {
    .name = "RaggedTensorToVariant",
    .inputs = "rt_nested_splits:RAGGED_RANK*Tsplits rt_dense_values:Tvalues",
    .outputs = "encoded_ragged:variant",
    .attrs = "RAGGED_RANK:int Tvalues:type Tsplits:index=int64 batched_input:bool",
    .flags = OP_DYNAMIC | OP_STATEFUL,
    .types = VALUE_TYPES,
    .types_attr = "Tvalues",
    .prepare = to_variant_prepare,
    .run = to_variant_run,
};

const struct op op_RaggedTensorFromVariant = {
    .name = "RaggedTensorFromVariant",
    .inputs = "encoded_ragged:variant",
    .outputs = "output_nested_splits:output_ragged_rank*Tsplits output_dense_values:Tvalues",
    .attrs = "input_ragged_rank:int output_ragged_rank:int Tvalues:type Tsplits:index=int64",
    .flags = OP_DYNAMIC | OP_STATEFUL,
    .types = VALUE_TYPES,
    .types_attr = "Tvalues",
    .prepare = from_variant_prepare,
    .run = from_variant_run,
};
