/* SPDX-License-Identifier: Apache-2.0 */
/* SparseTensorDenseMatMul: a sparse matrix times a dense one, entry by entry. */
#include <complex.h>

#include "ops/kernel.h"

struct sizes {
    int64_t rows, columns; /* of the sparse matrix after transposing */
    int64_t width;         /* columns of the result */
    bool adjoint_a, adjoint_b;
};

static enum code check_ranks(const struct op_call *call, struct error *err)
{
    const struct tensor *indices = call->in[0], *values = call->in[1], *shape = call->in[2];
    if (call->in[3]->shape.rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "Tensor 'b' is not a matrix");
    if (shape->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "Tensor 'a_shape' is not a vector");
    if (tensor_elements(shape) != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "Tensor 'a_shape' must have 2 elements");
    if (values->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "Tensor 'a_values' is not a vector");
    if (indices->shape.rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "Tensor 'a_indices' is not a matrix");
    if (indices->shape.dims[0] != tensor_elements(values))
        return error_set(
            err, CODE_INVALID_ARGUMENT,
            "Number of rows of a_indices does not match number of entries in a_values");
    if (indices->shape.dims[1] != 2)
        return error_set(
            err, CODE_INVALID_ARGUMENT,
            "Number of columns of a_indices does not match number of entries in a_shape");
    return CODE_OK;
}

static enum code measure(const struct op_call *call, struct sizes *s, struct error *err)
{
    enum code code = check_ranks(call, err);
    if (code)
        return code;
    const int64_t *a = call->in[2]->data;
    const struct shape *b = &call->in[3]->shape;
    s->adjoint_a = op_attr_bool(call, "adjoint_a");
    s->adjoint_b = op_attr_bool(call, "adjoint_b");
    s->rows = a[s->adjoint_a ? 1 : 0];
    s->columns = a[s->adjoint_a ? 0 : 1];
    s->width = b->dims[s->adjoint_b ? 0 : 1];
    int64_t inner = b->dims[s->adjoint_b ? 1 : 0];
    if (s->rows < 0 || s->columns < 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "a_shape has a negative size");
    if (s->columns != inner)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Cannot multiply A and B because inner dimension does not match: %lld vs. "
                         "%lld.  Did you forget a transpose?  Dimensions of A: [%lld, %lld).  "
                         "Dimensions of B: [%lld,%lld]",
                         (long long)s->columns, (long long)inner, (long long)a[0], (long long)a[1],
                         (long long)b->dims[0], (long long)b->dims[1]);
    return CODE_OK;
}

static enum code check_entries(const struct op_call *call, const struct sizes *s, struct error *err)
{
    const struct tensor *indices = call->in[0];
    for (int64_t i = 0; i < indices->shape.dims[0]; i++) {
        int64_t m = tensor_int(indices, 2 * i + s->adjoint_a);
        int64_t k = tensor_int(indices, 2 * i + !s->adjoint_a);
        if (k < 0 || k >= s->columns)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "k (%lld) from index[%lld,%d] out of bounds (>=%lld)", (long long)k,
                             (long long)i, !s->adjoint_a, (long long)s->columns);
        if (m < 0 || m >= s->rows)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "m (%lld) from index[%lld,%d] out of bounds (>=%lld)", (long long)m,
                             (long long)i, (int)s->adjoint_a, (long long)s->rows);
    }
    return CODE_OK;
}

/* out += value times a row (or, of the adjoint, a column) of b. */
#define MULTIPLY(dtype, type, name)                                                                \
    static void multiply_##name(const struct op_call *call, const struct sizes *s, int64_t i,      \
                                int64_t m, int64_t k)                                              \
    {                                                                                              \
        type *out = TENSOR_AT(call->out[0], type) + m * s->width;                                  \
        const type *b = call->in[3]->data;                                                         \
        type value = TENSOR_AT(call->in[1], type)[i];                                              \
        value = s->adjoint_a ? CONJUGATE_##name(value) : value;                                    \
        int64_t step = s->adjoint_b ? s->columns : 1;                                              \
        b += s->adjoint_b ? k : k * s->width;                                                      \
        for (int64_t j = 0; j < s->width; j++) {                                                   \
            type x = b[j * step];                                                                  \
            out[j] += value * (s->adjoint_b ? CONJUGATE_##name(x) : x);                            \
        }                                                                                          \
    }
#define CONJUGATE_float(v)      (v)
#define CONJUGATE_double(v)     (v)
#define CONJUGATE_int32(v)      (v)
#define CONJUGATE_complex64(v)  conjf(v)
#define CONJUGATE_complex128(v) conj(v)
MULTIPLY(DTYPE_FLOAT, float, float)
MULTIPLY(DTYPE_DOUBLE, double, double)
MULTIPLY(DTYPE_INT32, uint32_t, int32)
MULTIPLY(DTYPE_COMPLEX64, float complex, complex64)
MULTIPLY(DTYPE_COMPLEX128, double complex, complex128)

/* Each sum is rounded. */
#define MULTIPLY_SMALL(name)                                                                       \
    static void multiply_##name(const struct op_call *call, const struct sizes *s, int64_t i,      \
                                int64_t m, int64_t k)                                              \
    {                                                                                              \
        uint16_t *out = TENSOR_AT(call->out[0], uint16_t) + m * s->width;                          \
        const uint16_t *b = call->in[3]->data;                                                     \
        float value = dtype_##name##_to_float(TENSOR_AT(call->in[1], uint16_t)[i]);                \
        int64_t step = s->adjoint_b ? s->columns : 1;                                              \
        b += s->adjoint_b ? k : k * s->width;                                                      \
        for (int64_t j = 0; j < s->width; j++)                                                     \
            out[j] = dtype_##name##_from_float(dtype_##name##_to_float(out[j]) +                   \
                                               value * dtype_##name##_to_float(b[j * step]));      \
    }
MULTIPLY_SMALL(half)
MULTIPLY_SMALL(bfloat16)

typedef void multiply_fn(const struct op_call *call, const struct sizes *s, int64_t i, int64_t m,
                         int64_t k);
static multiply_fn *const multiply[DTYPE_COUNT] = {
    [DTYPE_HALF] = multiply_half,
    [DTYPE_BFLOAT16] = multiply_bfloat16,
    [DTYPE_FLOAT] = multiply_float,
    [DTYPE_DOUBLE] = multiply_double,
    [DTYPE_INT32] = multiply_int32,
    [DTYPE_COMPLEX64] = multiply_complex64,
    [DTYPE_COMPLEX128] = multiply_complex128,
};

/* a_indices [n, 2], a_values [n], a_shape [2], b [k, width] -> product [m, width]. */
static enum code matmul_run(struct op_call *call, struct error *err)
{
    struct sizes s;
    enum code code = measure(call, &s, err);
    if (!code)
        code = check_entries(call, &s, err);
    struct shape shape = {2, {s.rows, s.width}};
    int64_t total;
    if (!code && !shape_elements_checked(&shape, &total))
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a product");
    if (!code)
        code = op_call_alloc(call, 0, &shape, err);
    if (code)
        return code;
    const struct tensor *indices = call->in[0];
    memset(call->out[0]->data, 0, tensor_bytes(call->out[0]));
    for (int64_t i = 0; i < indices->shape.dims[0]; i++)
        multiply[call->in[1]->dtype](call, &s, i, tensor_int(indices, 2 * i + s.adjoint_a),
                                     tensor_int(indices, 2 * i + !s.adjoint_a));
    return CODE_OK;
}

const struct op op_SparseTensorDenseMatMul = {
    .name = "SparseTensorDenseMatMul",
    .inputs = "a_indices:Tindices a_values:T a_shape:int64 b:T",
    .outputs = "product:T",
    .attrs = "T:type Tindices:index=int64 adjoint_a:bool=false adjoint_b:bool=false",
    .flags = OP_DYNAMIC,
    .types = OP_TYPES_FLOAT | OP_TYPE(DTYPE_INT32) | OP_TYPES_COMPLEX,
    .run = matmul_run,
};
