/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tensors become {"predictions": [...]} or {"outputs": ...}. The layout is the original's: in the
 * row format values stand on single lines, but an object of several outputs, and the bracket that
 * closes "predictions", on lines of their own; the column format has a line for every value.
 * Recursion goes as deep as a tensor has dimensions.
 */
#include <inttypes.h>

#include "tensor/tensor_json.h"

/* Writes element `i`. */
typedef void write_fn(struct json_writer *w, const void *data, int64_t i);

#define WRITE(name, type, function)                                                                \
    static void write_##name(struct json_writer *w, const void *data, int64_t i)                   \
    {                                                                                              \
        function(w, ((const type *)data)[i]);                                                      \
    }

WRITE(float, float, json_write_float)
WRITE(double, double, json_write_double)
WRITE(int32, int32_t, json_write_int)
WRITE(int16, int16_t, json_write_int)
WRITE(int8, int8_t, json_write_int)
WRITE(uint8, uint8_t, json_write_int)
WRITE(int64, int64_t, json_write_int)
WRITE(uint32, uint32_t, json_write_uint)
WRITE(uint64, uint64_t, json_write_uint)
WRITE(bool, uint8_t, json_write_bool)
WRITE(string, struct span, json_write_string)

static void write_base64(struct json_writer *w, const void *data, int64_t i)
{
    json_open_object(w);
    json_key(w, SPAN_LITERAL("b64"));
    json_write_base64(w, ((const struct span *)data)[i]);
    json_close(w);
}

static write_fn *const writers[DTYPE_COUNT] = {
    [DTYPE_FLOAT] = write_float,   [DTYPE_DOUBLE] = write_double, [DTYPE_INT32] = write_int32,
    [DTYPE_INT16] = write_int16,   [DTYPE_INT8] = write_int8,     [DTYPE_UINT8] = write_uint8,
    [DTYPE_INT64] = write_int64,   [DTYPE_BOOL] = write_bool,     [DTYPE_UINT32] = write_uint32,
    [DTYPE_UINT64] = write_uint64, [DTYPE_STRING] = write_string,
};

enum { EMPTY_LISTS_MAX = 1 << 20 }; /* far more than anybody has asked for */

/* One tensor on its way out. */
struct values {
    const struct tensor *tensor;
    write_fn *write;
    int64_t next; /* element */
};

/* A tensor without elements may have any number of rows: it costs its maker nothing, and its text a
 * pair of brackets for each. */
static enum code check_empty_lists(const struct named_tensor *named, struct error *err)
{
    const struct shape *shape = &named->tensor.shape;
    int64_t lists = 1;
    if (tensor_elements(&named->tensor) > 0)
        return CODE_OK;
    for (int i = 0; i < shape->rank && shape->dims[i]; i++) {
        if (__builtin_mul_overflow(lists, shape->dims[i], &lists) || lists > EMPTY_LISTS_MAX)
            return error_set(err, CODE_RESOURCE_EXHAUSTED,
                             "Tensor name: %.*s has no elements, but more than %d empty lists in "
                             "JSON",
                             SPAN_ARG(named->name), EMPTY_LISTS_MAX);
    }
    return CODE_OK;
}

static enum code start_values(struct values *values, const struct named_tensor *named,
                              struct error *err)
{
    *values = (struct values){.tensor = &named->tensor};
    enum dtype dtype = named->tensor.dtype;
    if (dtype_is_valid((int)dtype))
        values->write = writers[dtype];
    if (dtype == DTYPE_STRING && span_ends_with(named->name, SPAN_LITERAL("_bytes")))
        values->write = write_base64;
    if (!values->write && tensor_elements(&named->tensor) > 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Failed to write JSON value for tensor type: %s", dtype_name(dtype));
    return check_empty_lists(named, err);
}

/* The next `count` elements, as those of the open array. */
static void write_run(struct json_writer *w, struct values *values, int64_t count)
{
    if (values->tensor->dtype == DTYPE_FLOAT) {
        json_write_floats(w, TENSOR_AT(values->tensor, float) + values->next, (size_t)count);
        values->next += count;
        return;
    }
    for (int64_t i = 0; i < count && !w->failed; i++) {
        json_item(w);
        values->write(w, values->tensor->data, values->next++);
    }
}

/* The elements from dimension `level` on, at a place that the caller has made. */
static void write_values(struct json_writer *w, struct values *values, int level)
{
    const struct shape *shape = &values->tensor->shape;
    if (level == shape->rank) {
        values->write(w, values->tensor->data, values->next++);
        return;
    }
    json_open_array(w);
    if (level + 1 == shape->rank)
        write_run(w, values, shape->dims[level]);
    for (int64_t i = 0; level + 1 < shape->rank && i < shape->dims[level] && !w->failed; i++) {
        json_item(w);
        write_values(w, values, level + 1);
    }
    json_close(w);
}

static enum code check_batch(const struct named_tensor *tensors, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct shape *shape = &tensors[i].tensor.shape;
        if (shape->rank == 0)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Tensor name: %.*s has no shape information ",
                             SPAN_ARG(tensors[i].name));
        if (shape->dims[0] != tensors[0].tensor.shape.dims[0])
            return error_set(
                err, CODE_INVALID_ARGUMENT,
                "Tensor name: %.*s has inconsistent batch size: %" PRId64 " expecting: %" PRId64,
                SPAN_ARG(tensors[i].name), shape->dims[0], tensors[0].tensor.shape.dims[0]);
    }
    return CODE_OK;
}

static void write_named_row(struct json_writer *w, const struct named_tensor *tensors, size_t count,
                            struct values *values)
{
    json_item(w);
    json_open_object(w);
    w->single_line = true;
    for (size_t i = 0; i < count; i++) {
        json_key(w, tensors[i].name);
        write_values(w, &values[i], 1);
    }
    w->single_line = false;
    json_close(w);
}

static void write_plain_rows(struct json_writer *w, struct values *values, int64_t rows)
{
    bool are_scalars = values->tensor->shape.rank == 1;
    w->single_line = true;
    if (are_scalars)
        write_run(w, values, rows);
    for (int64_t row = 0; !are_scalars && row < rows && !w->failed; row++) {
        json_item(w);
        write_values(w, values, 1);
    }
    w->single_line = false;
}

static void write_rows(struct json_writer *w, const struct named_tensor *tensors, size_t count,
                       struct values *values)
{
    int64_t rows = tensors[0].tensor.shape.dims[0];
    json_key(w, SPAN_LITERAL("predictions"));
    json_open_array(w);
    if (count == 1)
        write_plain_rows(w, values, rows);
    for (int64_t row = 0; count > 1 && row < rows && !w->failed; row++)
        write_named_row(w, tensors, count, values);
    json_close(w);
}

static void write_columns(struct json_writer *w, const struct named_tensor *tensors, size_t count,
                          struct values *values)
{
    json_key(w, SPAN_LITERAL("outputs"));
    if (count == 1) {
        write_values(w, &values[0], 0);
        return;
    }
    json_open_object(w);
    for (size_t i = 0; i < count; i++) {
        json_key(w, tensors[i].name);
        write_values(w, &values[i], 0);
    }
    json_close(w);
}

enum code tensor_json_write(struct json_writer *w, enum tensor_json_format format,
                            const struct named_tensor *tensors, size_t count, struct error *err)
{
    if (count == 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "Cannot convert empty tensor map to JSON");
    enum code code = format == TENSOR_JSON_ROW ? check_batch(tensors, count, err) : CODE_OK;
    struct values *values = ARENA_ARRAY(w->arena, struct values, count);
    for (size_t i = 0; i < count && !code; i++)
        code = start_values(&values[i], &tensors[i], err);
    if (code)
        return code;
    json_item(w);
    json_open_object(w);
    if (format == TENSOR_JSON_ROW)
        write_rows(w, tensors, count, values);
    else
        write_columns(w, tensors, count, values);
    json_close(w);
    if (w->failed)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM when writing the answer as JSON");
    return CODE_OK;
}
