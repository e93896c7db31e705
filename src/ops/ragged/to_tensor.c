/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RaggedTensorToTensor: a ragged tensor padded with a default, or cut, to a dense one.
 *
 * Going inwards, each partition turns the places where its parents' rows begin in the output into
 * the places where their elements begin, -1 for what the output has no room for. The places of the
 * innermost dimension are where the values go.
 */
#include <stdio.h>

#include "ops/kernel.h"

enum partition { FIRST_DIM_SIZE, VALUE_ROWIDS, ROW_LENGTHS, ROW_SPLITS, PARTITION_KINDS };

static const char *const partition_names[] = {"FIRST_DIM_SIZE", "VALUE_ROWIDS", "ROW_LENGTHS",
                                              "ROW_SPLITS"};

enum { SHAPE_INPUT, VALUES_INPUT, DEFAULT_INPUT, PARTITION_INPUT };

struct to_tensor {
    const enum partition *kinds; /* by partition tensor */
    int skipped;                 /* 1 if the first tensor is a size, which partitions nothing */
    int rank;                    /* ragged dimensions */
};

/* The places of one dimension's elements. */
struct places {
    int64_t *at;
    int64_t count;
};

static enum code to_tensor_prepare(struct op_call *call, struct error *err)
{
    struct to_tensor *t = ARENA_NEW(call->arena, struct to_tensor);
    const struct span *names;
    size_t count = op_attr_strings(call, "row_partition_types", &names);
    enum partition *kinds = ARENA_ARRAY(call->arena, enum partition, count + 1);
    call->state = t;
    t->kinds = kinds;
    for (size_t i = 0; i < count; i++) {
        while (kinds[i] < PARTITION_KINDS && !span_is(names[i], partition_names[kinds[i]]))
            kinds[i]++;
        if (kinds[i] == PARTITION_KINDS)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Unknown string for partition info type: %.*s", SPAN_ARG(names[i]));
    }
    if (!count || count != (size_t)(call->in_count - PARTITION_INPUT))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "%d row partition tensors have %zu row_partition_types",
                         call->in_count - PARTITION_INPUT, count);
    t->skipped = kinds[0] == FIRST_DIM_SIZE;
    t->rank = (int)count - t->skipped;
    return CODE_OK;
}

/* The tensor that leads from dimension d to dimension d + 1. */
static const struct tensor *partition_of(const struct op_call *call, int d, enum partition *kind)
{
    const struct to_tensor *t = call->state;
    *kind = t->kinds[d + t->skipped];
    return call->in[PARTITION_INPUT + d + t->skipped];
}

/* ---- the output's shape ---- */

static enum code check_default(const struct op_call *call, struct error *err)
{
    const struct shape *given = &call->in[DEFAULT_INPUT]->shape;
    const struct shape *values = &call->in[VALUES_INPUT]->shape;
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    static const char start[] =
        "default_value.shape=%s and rt_input.flat_values.shape=%s are incompatible: ";
    error_set(err, CODE_INVALID_ARGUMENT, start, shape_text(given, left),
              shape_text(values, right));
    if (given->rank >= values->rank) {
        error_append(err,
                     "default_value.rank = %d  must be less than rt_input.flat_values.rank = %d",
                     given->rank, values->rank);
        return CODE_INVALID_ARGUMENT;
    }
    /* TensorFlow compares from the left what it broadcasts from the right. */
    for (int i = 0; i < given->rank; i++) {
        int64_t a = given->dims[i], b = values->dims[i + 1];
        if (a == 1 || a == b)
            continue;
        error_append(err,
                     "default_value.shape[%d] = %lld but rt_input.flat_values.shape[%d] = %lld",
                     i - given->rank, (long long)a, i - given->rank, (long long)b);
        return CODE_INVALID_ARGUMENT;
    }
    for (int i = 1; i <= given->rank; i++) {
        int64_t a = given->dims[given->rank - i], b = values->dims[values->rank - i];
        if (a != 1 && a != b)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Unable to broadcast default_value of shape %s to values of shape %s",
                             left, right);
    }
    error_clear(err);
    return CODE_OK;
}

/* "[?,2]" */
static const char *wanted_text(const struct shape *shape, char text[SHAPE_TEXT_SIZE])
{
    size_t length = 0;
    for (int i = 0; i < shape->rank && length < SHAPE_TEXT_SIZE; i++) {
        const char *gap = i ? "," : "[";
        size_t room = SHAPE_TEXT_SIZE - length;
        int n = shape->dims[i] < 0
                    ? snprintf(text + length, room, "%s?", gap)
                    : snprintf(text + length, room, "%s%lld", gap, (long long)shape->dims[i]);
        length += (size_t)n;
    }
    if (length + 1 < SHAPE_TEXT_SIZE)
        snprintf(text + length, SHAPE_TEXT_SIZE - length, "%s]", shape->rank ? "" : "[");
    return text;
}

/* The shape that the input asks for; -1 for what the values decide. */
static enum code wanted_shape(const struct op_call *call, struct shape *out, struct error *err)
{
    const struct to_tensor *t = call->state;
    const struct tensor *shape = call->in[SHAPE_INPUT];
    const struct shape *values = &call->in[VALUES_INPUT]->shape;
    char text[SHAPE_TEXT_SIZE];
    int rank = t->rank + values->rank;
    if (rank > SHAPE_RANK_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "the output has too many dimensions");
    *out = (struct shape){.rank = rank};
    if (!shape->shape.rank && tensor_int(shape, 0) != -1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "if shape is a scalar, it must be -1 (of unknown rank)");
    if (shape->shape.rank > 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "shape must be a scalar or vector");
    int64_t given = shape->shape.rank ? tensor_elements(shape) : rank;
    if (given > SHAPE_RANK_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "shape has %lld dimensions", (long long)given);
    out->rank = (int)given;
    for (int i = 0; i < out->rank; i++) {
        out->dims[i] = shape->shape.rank ? tensor_int(shape, i) : -1;
        if (out->dims[i] < -1)
            return error_set(err, CODE_INVALID_ARGUMENT, "Dimension %lld must be >= -1",
                             (long long)out->dims[i]);
    }
    if (out->rank != rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "rt_input.shape and shape=%s are incompatible: rt_input.rank = %d but "
                         "shape.rank = %d",
                         wanted_text(out, text), rank, out->rank);
    for (int i = 1; i < values->rank; i++) {
        int64_t *dim = &out->dims[t->rank + i];
        if (*dim >= 0 && *dim != values->dims[i])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "rt_input.shape and shape=%s are incompatible: rt_input.shape[%d] = "
                             "%lld but shape[%d] = %lld",
                             wanted_text(out, text), t->rank + i, (long long)values->dims[i],
                             t->rank + i, (long long)*dim);
    }
    for (int i = 1; i < values->rank; i++)
        out->dims[t->rank + i] = values->dims[i];
    return CODE_OK;
}

static enum code first_size(const struct op_call *call, int64_t *size, struct error *err)
{
    const struct to_tensor *t = call->state;
    const struct tensor *first = call->in[PARTITION_INPUT];
    int64_t n = tensor_elements(first);
    if (!n)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Invalid first partition input. Tensor requires at least one element.");
    if (t->kinds[0] == VALUE_ROWIDS)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Cannot handle VALUE_ROWIDS in first dimension.");
    if (t->kinds[0] == ROW_LENGTHS)
        return error_set(err, CODE_INVALID_ARGUMENT, "Cannot handle type ROW_LENGTHS");
    *size = t->kinds[0] == FIRST_DIM_SIZE ? tensor_int(first, 0) : n - 1;
    if (*size < 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "The first dimension has size %lld",
                         (long long)*size);
    return CODE_OK;
}

/* The longest row of a partition. */
static enum code longest_row(const struct op_call *call, int d, int64_t *longest, struct error *err)
{
    enum partition kind;
    const struct tensor *t = partition_of(call, d, &kind);
    int64_t n = tensor_elements(t), run = 0;
    *longest = 0;
    if (kind != VALUE_ROWIDS && kind != ROW_SPLITS)
        return error_set(err, CODE_INVALID_ARGUMENT, "Cannot handle partition type %s",
                         partition_names[kind]);
    for (int64_t i = 0; i < n; i++) {
        int64_t value = tensor_int(t, i), length;
        run = kind == VALUE_ROWIDS && i && value == tensor_int(t, i - 1) ? run + 1 : 1;
        length = run;
        if (kind == ROW_SPLITS &&
            (!i || __builtin_sub_overflow(value, tensor_int(t, i - 1), &length)))
            length = 0;
        *longest = length > *longest ? length : *longest;
    }
    return CODE_OK;
}

static enum code output_shape(const struct op_call *call, int64_t first, struct shape *out,
                              struct error *err)
{
    const struct to_tensor *t = call->state;
    enum code code = check_default(call, err);
    if (!code)
        code = wanted_shape(call, out, err);
    if (!code && out->dims[0] < 0)
        out->dims[0] = first;
    for (int i = 1; !code && i <= t->rank; i++) {
        if (out->dims[i] < 0)
            code = longest_row(call, i - 1, &out->dims[i], err);
    }
    return code;
}

/* ---- places ---- */

static enum code first_places(const struct op_call *call, const struct shape *out, int64_t count,
                              struct places *p, struct error *err)
{
    const struct to_tensor *t = call->state;
    int64_t step = kernel_span(out, 1, t->rank + 1);
    enum code code = kernel_array(call, count, sizeof *p->at, &p->at, err);
    p->count = count;
    for (int64_t i = 0; !code && i < count; i++)
        p->at[i] = i < out->dims[0] ? i * step : -1;
    return code;
}

static enum code places_by_splits(const struct op_call *call, const struct tensor *splits,
                                  const int64_t size[2], struct places *p, struct error *err)
{
    int64_t n = tensor_elements(splits), total = n ? tensor_int(splits, n - 1) : 0;
    struct places inner = {.count = 0};
    if (n - 1 > p->count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Row partition size is greater than output size: %lld > %lld",
                         (long long)(n - 1), (long long)p->count);
    bool good = !n || tensor_int(splits, 0) == 0;
    for (int64_t i = 1; i < n; i++)
        good &= tensor_int(splits, i) >= tensor_int(splits, i - 1);
    if (!good)
        return error_set(err, CODE_INVALID_ARGUMENT, "Invalid row split size.");
    /* More rows than values would be a way to make a request large. */
    if (total > tensor_elements(splits) + INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "Invalid row split size.");
    enum code code = kernel_array(call, total, sizeof *inner.at, &inner.at, err);
    for (int64_t i = 0; !code && i + 1 < n; i++) {
        int64_t length = tensor_int(splits, i + 1) - tensor_int(splits, i);
        for (int64_t j = 0; j < length; j++)
            inner.at[inner.count++] = p->at[i] < 0 || j >= size[0] ? -1 : p->at[i] + j * size[1];
    }
    *p = inner;
    return code;
}

static enum code places_by_rows(const struct op_call *call, const struct tensor *rows,
                                const int64_t size[2], struct places *p, struct error *err)
{
    int64_t n = tensor_elements(rows), column = 0, before = -1;
    struct places inner = {.count = n};
    enum code code = kernel_array(call, n, sizeof *inner.at, &inner.at, err);
    for (int64_t i = 0; !code && i < n; i++) {
        int64_t row = tensor_int(rows, i);
        column = i && row == before ? column + 1 : 0;
        before = row;
        if (row < 0 || row >= p->count)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Got %s_value_rowid=%lld which is not less than %lld",
                             i ? "next" : "current", (long long)row, (long long)p->count);
        bool fits = p->at[row] >= 0 && (column < size[0] || !column);
        inner.at[i] = fits ? p->at[row] + column * size[1] : -1;
    }
    *p = inner;
    return code;
}

static enum code find_places(const struct op_call *call, const struct shape *out, int64_t first,
                             struct places *p, struct error *err)
{
    const struct to_tensor *t = call->state;
    enum code code = first_places(call, out, first, p, err);
    for (int d = 0; !code && d < t->rank; d++) {
        enum partition kind;
        const struct tensor *partition = partition_of(call, d, &kind);
        int64_t size[2] = {out->dims[d + 1], kernel_span(out, d + 2, t->rank + 1)};
        if (kind == ROW_SPLITS)
            code = places_by_splits(call, partition, size, p, err);
        else if (kind == VALUE_ROWIDS)
            code = places_by_rows(call, partition, size, p, err);
        else
            code = error_set(err, CODE_INVALID_ARGUMENT, "Unsupported partition type:%s",
                             partition_names[kind]);
    }
    return code;
}

/* ---- the whole ---- */

/* Fills the output with the default, which is broadcast to a row of the values. */
static void fill(struct op_call *call, int64_t row)
{
    const struct tensor *given = call->in[DEFAULT_INPUT], *values = call->in[VALUES_INPUT];
    size_t size = dtype_size(values->dtype);
    char *to = call->out[0]->data;
    int64_t n = tensor_elements(call->out[0]);
    for (int64_t i = 0; i < n && i < row; i++) {
        int64_t from = 0, stride = 1, rest = i;
        for (int k = 1; k <= given->shape.rank; k++) {
            int64_t dim = values->shape.dims[values->shape.rank - k];
            int64_t own = given->shape.dims[given->shape.rank - k];
            from += own == 1 ? 0 : rest % dim * stride;
            rest /= dim;
            stride *= own;
        }
        memcpy(to + (size_t)i * size, (const char *)given->data + (size_t)from * size, size);
    }
    for (int64_t i = row; i + row <= n && row; i += row)
        memcpy(to + (size_t)i * size, to, (size_t)row * size);
}

static enum code to_tensor_run(struct op_call *call, struct error *err)
{
    const struct to_tensor *t = call->state;
    const struct tensor *values = call->in[VALUES_INPUT];
    struct shape out = {0};
    struct places p;
    int64_t first;
    enum code code = first_size(call, &first, err);
    if (!code)
        code = output_shape(call, first, &out, err);
    if (!code)
        code = op_call_alloc(call, 0, &out, err);
    if (code)
        return code;
    int64_t row = kernel_span(&values->shape, 1, values->shape.rank);
    int64_t room = kernel_span(&out, 0, t->rank + 1);
    size_t bytes = (size_t)row * dtype_size(values->dtype);
    fill(call, row);
    if (!tensor_elements(call->out[0]))
        return CODE_OK;
    code = find_places(call, &out, first, &p, err);
    for (int64_t i = 0; !code && i < p.count && i < values->shape.dims[0]; i++) {
        if (p.at[i] >= 0 && p.at[i] < room)
            memcpy((char *)call->out[0]->data + (size_t)p.at[i] * bytes,
                   (const char *)values->data + (size_t)i * bytes, bytes);
    }
    return code;
}

const struct op op_RaggedTensorToTensor = {
    .name = "RaggedTensorToTensor",
    .inputs = "shape:Tshape values:T default_value:T "
              "row_partition_tensors:num_row_partition_tensors*Tindex",
    .outputs = "result:T",
    .attrs = "T:type Tindex:index Tshape:index num_row_partition_tensors:int "
             "row_partition_types:list(string)",
    .flags = OP_DYNAMIC,
    .prepare = to_tensor_prepare,
    .run = to_tensor_run,
};
