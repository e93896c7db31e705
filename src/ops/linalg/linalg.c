/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cholesky, MatrixInverse, MatrixSolve, MatrixTriangularSolve, MatrixDeterminant,
 * LogMatrixDeterminant: small dense matrices [..., n, n], one after the other, in double or double
 * complex.
 */
#include <complex.h>
#include <math.h>

#include "ops/kernel.h"
#include "ops/math/number.h"

/* ---- shapes ---- */

static enum code check_rank(const struct op_call *call, int i, struct error *err)
{
    const struct shape *shape = &call->in[i]->shape;
    if (shape->rank < 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "Input tensor %d must have rank >= 2, got %d",
                         i, shape->rank);
    return CODE_OK;
}

static bool is_square(const struct shape *shape)
{
    return shape->dims[shape->rank - 1] == shape->dims[shape->rank - 2];
}

static enum code check_square(const struct op_call *call, struct error *err)
{
    enum code code = check_rank(call, 0, err);
    if (!code && !is_square(&call->in[0]->shape))
        code = error_set(err, CODE_INVALID_ARGUMENT, "Input matrix must be square.");
    return code;
}

static enum code square_shape(struct op_call *call, struct error *err)
{
    enum code code = check_square(call, err);
    if (!code)
        op_call_shape(call, 0, &call->in[0]->shape);
    return code;
}

static enum code batch_shape(struct op_call *call, struct error *err)
{
    enum code code = check_square(call, err);
    struct shape shape = call->in[0]->shape;
    shape.rank -= 2;
    for (int i = 0; !code && i < call->out_count; i++)
        op_call_shape(call, i, &shape);
    return code;
}

static enum code solve_shape(struct op_call *call, struct error *err)
{
    const struct shape *a = &call->in[0]->shape, *b = &call->in[1]->shape;
    enum code code = check_rank(call, 0, err);
    if (code)
        return code;
    const char *wrong = NULL;
    if (a->rank != b->rank)
        wrong = "All input tensors must have the same rank.";
    for (int i = 0; !wrong && i < a->rank - 2; i++) {
        if (a->dims[i] != b->dims[i])
            wrong = "All input tensors must have the same outer dimensions.";
    }
    if (!wrong && !is_square(a))
        wrong = "First input (lhs) must be a square matrix.";
    if (!wrong && a->dims[a->rank - 1] != b->dims[b->rank - 2])
        wrong = "Input matrix and rhs are incompatible.";
    if (wrong)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s", wrong);
    op_call_shape(call, 0, b);
    return CODE_OK;
}

/* The dimensions before the last two are broadcast. */
static bool broadcast_batch(const struct shape *a, const struct shape *b, struct shape *out)
{
    const struct shape *longer = a->rank > b->rank ? a : b, *other = longer == a ? b : a;
    *out = *longer;
    for (int i = 1; i <= other->rank - 2; i++) {
        int64_t *d = &out->dims[longer->rank - 2 - i], o = other->dims[other->rank - 2 - i];
        if (*d != o && *d != 1 && o != 1)
            return false;
        *d = *d == 1 ? o : *d;
    }
    return true;
}

static enum code triangular_shape(struct op_call *call, struct error *err)
{
    const struct shape *a = &call->in[0]->shape, *b = &call->in[1]->shape;
    char x[SHAPE_TEXT_SIZE], y[SHAPE_TEXT_SIZE];
    struct shape out;
    int64_t elements;
    for (int i = 0; i < 2; i++) {
        if (call->in[i]->shape.rank < 2)
            return error_set(err, CODE_INVALID_ARGUMENT, "In[%d] ndims must be >= 2: %d", i,
                             call->in[i]->shape.rank);
    }
    if (!broadcast_batch(a, b, &out))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "In[0] and In[1] must have compatible batch dimensions: %s vs. %s",
                         shape_text(a, x), shape_text(b, y));
    int64_t n = a->dims[a->rank - 1];
    if (!is_square(a))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "In[0] matrices in the last dimensions must be square (%lld =/= %lld)",
                         (long long)n, (long long)a->dims[a->rank - 2]);
    if (n != b->dims[b->rank - 2])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "In[0] mismatch In[1] shape: %lld vs. %lld: %s %s %d %d", (long long)n,
                         (long long)b->dims[b->rank - 2], shape_text(a, x), shape_text(b, y),
                         op_attr_bool(call, "lower"), op_attr_bool(call, "adjoint"));
    out.dims[out.rank - 2] = n;
    out.dims[out.rank - 1] = b->dims[b->rank - 1];
    if (!shape_elements_checked(&out, &elements))
        return error_set(err, CODE_INVALID_ARGUMENT, "the batches %s and %s are too large together",
                         shape_text(a, x), shape_text(b, y));
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

/* Which matrix of `in` belongs to number m of `out`. */
static int64_t batch_index(const struct shape *out, const struct shape *in, int64_t m)
{
    int64_t index = 0, stride = 1;
    for (int i = 1; i <= out->rank - 2; i++) {
        int64_t size = out->dims[out->rank - 2 - i];
        int64_t own = i <= in->rank - 2 ? in->dims[in->rank - 2 - i] : 1;
        index += (own == 1 ? 0 : m % size) * stride;
        stride *= own;
        m /= size;
    }
    return index;
}

/* ---- the two kinds of numbers ---- */

static double complex complex_at(const struct tensor *t, int64_t i)
{
    if (t->dtype == DTYPE_COMPLEX64)
        return (double complex)TENSOR_AT(t, float complex)[i];
    return TENSOR_AT(t, double complex)[i];
}

static void complex_put(struct tensor *t, int64_t i, double complex value)
{
    if (t->dtype == DTYPE_COMPLEX64)
        TENSOR_AT(t, float complex)[i] = (float complex)value;
    else
        TENSOR_AT(t, double complex)[i] = value;
}

#define NUMBER       double
#define NAME(x)      real_##x
#define SIZE(x)      fabs(x)
#define REAL(x)      (x)
#define CONJUGATE(x) (x)
#define GET          number_at
#define PUT          number_put
#define NO_FACTOR    NAN
#include "ops/linalg/systems.inc"
#undef NUMBER
#undef NAME
#undef SIZE
#undef REAL
#undef CONJUGATE
#undef GET
#undef PUT
#undef NO_FACTOR
#define NUMBER       double complex
#define NAME(x)      complex_##x
#define SIZE(x)      cabs(x)
#define REAL(x)      creal(x)
#define CONJUGATE(x) conj(x)
#define GET          complex_at
#define PUT          complex_put
#define NO_FACTOR    0 /* as TensorFlow has it */
#include "ops/linalg/systems.inc"

/* run() of an op: that of the kind of its input. */
#define DEFINE_RUN(name)                                                                           \
    static enum code name##_run(struct op_call *call, struct error *err)                           \
    {                                                                                              \
        bool is_complex = OP_TYPES_COMPLEX >> call->in[0]->dtype & 1;                              \
        return is_complex ? complex_##name##_run(call, err) : real_##name##_run(call, err);        \
    }

DEFINE_RUN(cholesky)
DEFINE_RUN(inverse)
DEFINE_RUN(solve)
DEFINE_RUN(triangular)
DEFINE_RUN(determinant)
DEFINE_RUN(log_determinant)

#define LINALG_TYPES (OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE) | OP_TYPES_COMPLEX)

#define LINALG_OP(SYMBOL, INPUTS, OUTPUTS, ATTRS, TYPES, SHAPE, RUN)                               \
    const struct op op_##SYMBOL = {                                                                \
        .name = #SYMBOL,                                                                           \
        .inputs = INPUTS,                                                                          \
        .outputs = OUTPUTS,                                                                        \
        .attrs = "T:type" ATTRS,                                                                   \
        .types = TYPES,                                                                            \
        .shape = SHAPE,                                                                            \
        .run = RUN,                                                                                \
    };
#define SYSTEM  "matrix:T rhs:T"
#define ADJOINT " adjoint:bool=false"

LINALG_OP(Cholesky, "input:T", "output:T", "", LINALG_TYPES, square_shape, cholesky_run)
LINALG_OP(MatrixInverse, "input:T", "output:T", ADJOINT, LINALG_TYPES | OP_TYPE(DTYPE_HALF),
          square_shape, inverse_run)
LINALG_OP(MatrixSolve, SYSTEM, "output:T", ADJOINT, LINALG_TYPES, solve_shape, solve_run)
LINALG_OP(MatrixTriangularSolve, SYSTEM, "output:T", " lower:bool=true" ADJOINT, LINALG_TYPES,
          triangular_shape, triangular_run)
LINALG_OP(MatrixDeterminant, "input:T", "output:T", "", LINALG_TYPES, batch_shape, determinant_run)
LINALG_OP(LogMatrixDeterminant, "input:T", "sign:T log_abs_determinant:T", "", LINALG_TYPES,
          batch_shape, log_determinant_run)

/* What TensorFlow 1 called them before version 1.0. */
#define REAL_TYPES (OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE))
LINALG_OP(BatchCholesky, "input:T", "output:T", "", REAL_TYPES, square_shape, cholesky_run)
LINALG_OP(BatchMatrixInverse, "input:T", "output:T", ADJOINT, REAL_TYPES, square_shape, inverse_run)
LINALG_OP(BatchMatrixSolve, SYSTEM, "output:T", ADJOINT, REAL_TYPES, solve_shape, solve_run)
LINALG_OP(BatchMatrixTriangularSolve, SYSTEM, "output:T", " lower:bool=true" ADJOINT, REAL_TYPES,
          triangular_shape, triangular_run)
LINALG_OP(BatchMatrixDeterminant, "input:T", "output:T", "", LINALG_TYPES, batch_shape,
          determinant_run)
