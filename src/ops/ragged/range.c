/* SPDX-License-Identifier: Apache-2.0 */
/* RaggedRange: row i counts from starts[i] to limits[i] by deltas[i]; scalars count for all rows.
 */
#include <math.h>

#include "ops/kernel.h"
#include "ops/math/number.h"

/* ---- one row, by type: its length (-1: no limit that memory could hold), its elements ---- */

static int64_t length_of_real(double start, double limit, double delta)
{
    double length = ceil(fabs((limit - start) / delta));
    bool none = (delta > 0 && limit < start) || (delta < 0 && limit > start);
    if (none)
        return 0;
    return length >= 0 && length < (double)INT64_MAX ? (int64_t)length : -1;
}

static int64_t length_of_integer(int64_t start, int64_t limit, int64_t delta)
{
    if (delta > 0 ? start >= limit : start <= limit)
        return 0;
    uint64_t span =
        delta > 0 ? (uint64_t)limit - (uint64_t)start : (uint64_t)start - (uint64_t)limit;
    uint64_t step = delta > 0 ? (uint64_t)delta : -(uint64_t)delta;
    uint64_t length = span / step + (span % step != 0);
    return length < INT64_MAX ? (int64_t)length : -1;
}

/* Of input `in`, the element for row i. */
static int64_t index_of(const struct op_call *call, int in, int64_t i)
{
    return call->in[in]->shape.rank ? i : 0;
}

static int64_t row_length(const struct op_call *call, int64_t i, bool *zero)
{
    int64_t at[3] = {index_of(call, 0, i), index_of(call, 1, i), index_of(call, 2, i)};
    if (dtype_is_integer(call->in[0]->dtype)) {
        int64_t delta = tensor_int(call->in[2], at[2]);
        *zero = delta == 0;
        return *zero ? 0
                     : length_of_integer(tensor_int(call->in[0], at[0]),
                                         tensor_int(call->in[1], at[1]), delta);
    }
    double delta = number_at(call->in[2], at[2]);
    *zero = delta == 0;
    return *zero ? 0
                 : length_of_real(number_at(call->in[0], at[0]), number_at(call->in[1], at[1]),
                                  delta);
}

#define COUNT(dtype_, type, name)                                                                  \
    static void count_##name(type *restrict to, type start, type delta, int64_t n)                 \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                          \
            to[i] = start;                                                                         \
            start = (type)(start + delta);                                                         \
        }                                                                                          \
    }
COUNT(DTYPE_FLOAT, float, float)
COUNT(DTYPE_DOUBLE, double, double)

static void count_bfloat16(uint16_t *to, uint16_t start, uint16_t delta, int64_t n)
{
    float step = dtype_bfloat16_to_float(delta);
    for (int64_t i = 0; i < n; i++) {
        to[i] = start;
        start = dtype_bfloat16_from_float(dtype_bfloat16_to_float(start) + step);
    }
}

static void count_integers(struct tensor *out, int64_t at, int64_t start, int64_t delta, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        kernel_put_index(out, at + i, start);
        start = (int64_t)((uint64_t)start + (uint64_t)delta);
    }
}

static void put_row(const struct op_call *call, int64_t i, int64_t at, int64_t n)
{
    const struct tensor *starts = call->in[0], *deltas = call->in[2];
    struct tensor *out = call->out[1];
    int64_t s = index_of(call, 0, i), d = index_of(call, 2, i);
    switch (out->dtype) {
    case DTYPE_FLOAT:
        count_float(TENSOR_AT(out, float) + at, TENSOR_AT(starts, float)[s],
                    TENSOR_AT(deltas, float)[d], n);
        break;
    case DTYPE_DOUBLE:
        count_double(TENSOR_AT(out, double) + at, TENSOR_AT(starts, double)[s],
                     TENSOR_AT(deltas, double)[d], n);
        break;
    case DTYPE_BFLOAT16:
        count_bfloat16(TENSOR_AT(out, uint16_t) + at, TENSOR_AT(starts, uint16_t)[s],
                       TENSOR_AT(deltas, uint16_t)[d], n);
        break;
    default:
        count_integers(out, at, tensor_int(starts, s), tensor_int(deltas, d), n);
    }
}

static enum code count_rows(const struct op_call *call, int64_t *rows, struct error *err)
{
    static const char *const names[] = {"starts", "limits", "deltas"};
    bool any = false;
    *rows = 1;
    for (int i = 0; i < 3; i++) {
        if (call->in[i]->shape.rank > 1)
            return error_set(err, CODE_INVALID_ARGUMENT, "%s must be a scalar or vector", names[i]);
    }
    for (int i = 0; i < 3; i++) {
        if (!call->in[i]->shape.rank)
            continue;
        int64_t n = call->in[i]->shape.dims[0];
        if (any && n != *rows)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "starts, limits, and deltas must have the same shape");
        any = true;
        *rows = n;
    }
    return CODE_OK;
}

static enum code range_run(struct op_call *call, struct error *err)
{
    int64_t rows, total = 0;
    enum code code = count_rows(call, &rows, err);
    struct shape shape = shape_vector(rows + 1);
    if (!code)
        code = op_call_alloc(call, 0, &shape, err);
    if (code)
        return code;
    int64_t most = call->out[0]->dtype == DTYPE_INT32 ? INT32_MAX : INT64_MAX;
    kernel_put_index(call->out[0], 0, 0);
    for (int64_t i = 0; i < rows; i++) {
        bool zero;
        int64_t length = row_length(call, i, &zero);
        if (zero)
            return error_set(err, CODE_INVALID_ARGUMENT, "Requires delta != 0");
        if (length < 0 || length > most - total)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Requires ((limit - start) / delta) <= %lld", (long long)most);
        total += length;
        kernel_put_index(call->out[0], i + 1, total);
    }
    shape = shape_vector(total);
    code = op_call_alloc(call, 1, &shape, err);
    for (int64_t i = 0; !code && i < rows; i++) {
        int64_t at = tensor_int(call->out[0], i);
        put_row(call, i, at, tensor_int(call->out[0], i + 1) - at);
    }
    return code;
}

const struct op op_RaggedRange = {
    .name = "RaggedRange",
    .inputs = "starts:T limits:T deltas:T",
    .outputs = "rt_nested_splits:Tsplits rt_dense_values:T",
    .attrs = "T:type=int32 Tsplits:index=int64",
    .flags = OP_DYNAMIC,
    .types =
        OP_TYPE(DTYPE_BFLOAT16) | OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE) | OP_TYPES_INDEX,
    .run = range_run,
};
