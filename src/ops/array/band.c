/* SPDX-License-Identifier: Apache-2.0 */
/* MatrixBandPart: matrices with zeros outside of a band around the diagonal. LinSpace. */
#include "ops/kernel.h"

static enum code read_limit(const struct op_call *call, int i, const char *name, int64_t size,
                            int64_t *limit, struct error *err)
{
    const struct tensor *t = call->in[i];
    char text[SHAPE_TEXT_SIZE];
    if (t->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s must be scalar, got shape %s", name,
                         shape_text(&t->shape, text));
    *limit = tensor_int(t, 0);
    if (*limit > size)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "%s must be negative or less or equal to number of %s (%lld) got: %lld",
                         name, i == 1 ? "rows" : "columns", (long long)size, (long long)*limit);
    return CODE_OK;
}

static enum code band_shape(struct op_call *call, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (call->in[0]->shape.rank < 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "input must be at least 2-dim, received shape: %s",
                         shape_text(&call->in[0]->shape, text));
    op_call_shape(call, 0, &call->in[0]->shape);
    return CODE_OK;
}

/* input [..., rows, columns], num_lower [], num_upper [] -> band: of the same shape. */
static enum code band_run(struct op_call *call, struct error *err)
{
    const struct shape *shape = &call->in[0]->shape;
    int64_t rows = shape->dims[shape->rank - 2], columns = shape->dims[shape->rank - 1];
    int64_t lower, upper;
    enum code code = read_limit(call, 1, "num_lower", rows, &lower, err);
    if (!code)
        code = read_limit(call, 2, "num_upper", columns, &upper, err);
    if (code)
        return code;
    size_t size = dtype_size(call->in[0]->dtype);
    const char *in = call->in[0]->data;
    char *out = call->out[0]->data;
    int64_t lines = columns ? tensor_elements(call->in[0]) / columns : 0;
    memset(out, 0, tensor_bytes(call->out[0]));
    for (int64_t i = 0; i < lines; i++) {
        int64_t row = i % rows;
        int64_t first = lower < 0 || row < lower ? 0 : row - lower;
        int64_t end = upper < 0 || upper >= columns - row ? columns : row + upper + 1;
        if (first < end)
            memcpy(out + (size_t)(i * columns + first) * size,
                   in + (size_t)(i * columns + first) * size, (size_t)(end - first) * size);
    }
    return CODE_OK;
}

/* ---- LinSpace ---- */

static double number_at(const struct tensor *t)
{
    switch (t->dtype) {
    case DTYPE_FLOAT:
        return (double)*TENSOR_AT(t, float);
    case DTYPE_DOUBLE:
        return *TENSOR_AT(t, double);
    case DTYPE_HALF:
        return (double)dtype_half_to_float(*TENSOR_AT(t, uint16_t));
    default:
        return (double)dtype_bfloat16_to_float(*TENSOR_AT(t, uint16_t));
    }
}

static void put_number(struct tensor *t, int64_t i, double value)
{
    if (t->dtype == DTYPE_FLOAT)
        TENSOR_AT(t, float)[i] = (float)value;
    else if (t->dtype == DTYPE_DOUBLE)
        TENSOR_AT(t, double)[i] = value;
    else if (t->dtype == DTYPE_HALF)
        TENSOR_AT(t, uint16_t)[i] = dtype_half_from_float((float)value);
    else
        TENSOR_AT(t, uint16_t)[i] = dtype_bfloat16_from_float((float)value);
}

/* start [], stop [], num [] -> output [num]. */
static enum code lin_space_run(struct op_call *call, struct error *err)
{
    static const char *const names[] = {"start", "stop", "num"};
    char text[SHAPE_TEXT_SIZE];
    for (int i = 0; i < 3; i++) {
        if (call->in[i]->shape.rank != 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "%s must be a scalar, not shape %s",
                             names[i], shape_text(&call->in[i]->shape, text));
    }
    int64_t n = tensor_int(call->in[2], 0);
    if (n <= 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "Requires num > 0: %lld", (long long)n);
    struct shape shape = shape_vector(n);
    enum code code = op_call_alloc(call, 0, &shape, err);
    if (code)
        return code;
    double start = number_at(call->in[0]), stop = number_at(call->in[1]);
    bool narrow = call->out[0]->dtype == DTYPE_FLOAT;
    double step = n > 1 ? (stop - start) / (double)(n - 1) : 0;
    if (narrow)
        step = n > 1 ? (double)(((float)stop - (float)start) / (float)(n - 1)) : 0;
    for (int64_t i = 0; i < n; i++) {
        double value = start + step * (double)i;
        if (narrow)
            value = (double)((float)start + (float)step * (float)i);
        put_number(call->out[0], i, i && i == n - 1 ? stop : value);
    }
    return CODE_OK;
}

#define BAND_OP(NAME, INPUTS, ATTRS)                                                               \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = INPUTS,                                                                          \
        .outputs = "band:T",                                                                       \
        .attrs = ATTRS,                                                                            \
        .types = OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL),                                            \
        .shape = band_shape,                                                                       \
        .run = band_run,                                                                           \
    };
BAND_OP(MatrixBandPart, "input:T num_lower:Tindex num_upper:Tindex", "T:type Tindex:index=int64")
BAND_OP(BatchMatrixBandPart, "input:T num_lower:int64 num_upper:int64", "T:type")

const struct op op_LinSpace = {
    .name = "LinSpace",
    .inputs = "start:T stop:T num:Tidx",
    .outputs = "output:T",
    .attrs = "T:type Tidx:index=int32",
    .flags = OP_DYNAMIC,
    .types = OP_TYPES_FLOAT,
    .run = lin_space_run,
};
