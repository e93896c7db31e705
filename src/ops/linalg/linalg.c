/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cholesky, MatrixInverse, MatrixSolve, MatrixTriangularSolve, MatrixDeterminant,
 * LogMatrixDeterminant: small dense matrices [..., n, n] of floats, one after the other, in double.
 */
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

/* ---- one matrix ---- */

/* Rows and columns change places when `adjoint`. */
static void load(const struct tensor *t, int64_t at, int64_t n, bool adjoint, double *a)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            a[adjoint ? j * n + i : i * n + j] = number_at(t, at + i * n + j);
}

static void swap_rows(double *a, int64_t n, int64_t i, int64_t j)
{
    for (int64_t k = 0; i != j && k < n; k++) {
        double t = a[i * n + k];
        a[i * n + k] = a[j * n + k];
        a[j * n + k] = t;
    }
}

/* a becomes L (below, with ones) and U; row i of them is row order[i] of a. Returns the sign of the
 * permutation. A pivot may be zero. */
static int factor(double *a, int64_t n, int64_t *order)
{
    int sign = 1;
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    for (int64_t k = 0; k < n; k++) {
        int64_t pivot = k;
        for (int64_t i = k + 1; i < n; i++)
            pivot = fabs(a[i * n + k]) > fabs(a[pivot * n + k]) ? i : pivot;
        if (pivot != k) {
            int64_t t = order[k];
            order[k] = order[pivot];
            order[pivot] = t;
            swap_rows(a, n, k, pivot);
            sign = -sign;
        }
        if (a[k * n + k] == 0)
            continue;
        for (int64_t i = k + 1; i < n; i++) {
            double f = a[i * n + k] /= a[k * n + k];
            for (int64_t j = k + 1; j < n; j++)
                a[i * n + j] -= f * a[k * n + j];
        }
    }
    return sign;
}

/* x = inverse(triangle) x in place, for one column. */
static void substitute(const double *a, int64_t n, bool lower, bool ones, double *x)
{
    for (int64_t s = 0; s < n; s++) {
        int64_t i = lower ? s : n - 1 - s;
        for (int64_t j = lower ? 0 : i + 1; j < (lower ? i : n); j++)
            x[i] -= a[i * n + j] * x[j];
        if (!ones)
            x[i] /= a[i * n + i];
    }
}

static bool has_zero_pivot(const double *a, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (a[i * n + i] == 0)
            return true;
    return false;
}

/* ---- kernels ---- */

struct work {
    int64_t n, count; /* size and number of the matrices */
    double *a;        /* [n, n] */
    double *x;        /* [n] */
    int64_t *order;   /* [n] */
};

static enum code begin(const struct op_call *call, struct work *w, struct error *err)
{
    const struct shape *shape = &call->in[0]->shape;
    w->n = shape->dims[shape->rank - 1];
    w->count = kernel_span(shape, 0, shape->rank - 2);
    int64_t square;
    if (__builtin_mul_overflow(w->n, w->n, &square))
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for matrices of %lld rows",
                         (long long)w->n);
    enum code code = kernel_array(call, square, sizeof *w->a, &w->a, err);
    if (!code)
        code = kernel_array(call, w->n, sizeof *w->x, &w->x, err);
    if (!code)
        code = kernel_array(call, w->n, sizeof *w->order, &w->order, err);
    return code;
}

/* a becomes L with L L^T = a; not numbers when there is none, as the original has it. */
static void cholesky(double *a, int64_t n)
{
    bool failed = false;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j <= i; j++) {
            double sum = a[i * n + j];
            for (int64_t k = 0; k < j; k++)
                sum -= a[i * n + k] * a[j * n + k];
            failed |= i == j && !(sum > 0);
            a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
        }
    }
    for (int64_t i = 0; failed && i < n * n; i++)
        a[i] = NAN;
}

/* input -> output: lower triangles; of the input the lower half is read. */
static enum code cholesky_run(struct op_call *call, struct error *err)
{
    struct work w;
    enum code code = begin(call, &w, err);
    int64_t n = w.n;
    for (int64_t m = 0; !code && m < w.count; m++) {
        load(call->in[0], m * n * n, n, false, w.a);
        cholesky(w.a, n);
        for (int64_t i = 0; i < n * n; i++)
            number_put(call->out[0], m * n * n + i, i % n > i / n ? 0 : w.a[i]);
    }
    return code;
}

/* Column j of the result of one system: b is the right side's column, or that of the identity. */
static void solve_column(const struct work *w, const struct tensor *b, int64_t at, int64_t columns,
                         int64_t j, struct tensor *out)
{
    for (int64_t i = 0; i < w->n; i++) {
        int64_t row = w->order[i];
        w->x[i] = b ? number_at(b, at + row * columns + j) : row == j;
    }
    substitute(w->a, w->n, true, true, w->x);
    substitute(w->a, w->n, false, false, w->x);
    for (int64_t i = 0; i < w->n; i++)
        number_put(out, at + i * columns + j, w->x[i]);
}

static enum code solve_all(struct op_call *call, const struct tensor *b, int64_t columns,
                           const char *singular, struct error *err)
{
    struct work w;
    bool adjoint = op_attr_bool(call, "adjoint");
    enum code code = begin(call, &w, err);
    for (int64_t m = 0; !code && m < w.count; m++) {
        load(call->in[0], m * w.n * w.n, w.n, adjoint, w.a);
        factor(w.a, w.n, w.order);
        if (has_zero_pivot(w.a, w.n))
            return error_set(err, CODE_INVALID_ARGUMENT, "%s", singular);
        for (int64_t j = 0; j < columns; j++)
            solve_column(&w, b, m * w.n * columns, columns, j, call->out[0]);
    }
    return code;
}

/* input -> its inverse */
static enum code inverse_run(struct op_call *call, struct error *err)
{
    const struct shape *shape = &call->in[0]->shape;
    return solve_all(call, NULL, shape->dims[shape->rank - 1], "Input is not invertible.", err);
}

/* matrix [..., n, n], rhs [..., n, k] -> [..., n, k] */
static enum code solve_run(struct op_call *call, struct error *err)
{
    const struct shape *shape = &call->in[1]->shape;
    return solve_all(call, call->in[1], shape->dims[shape->rank - 1],
                     "Input matrix is not invertible.", err);
}

/* The same with a triangle, of which the other half is not read. */
static enum code triangular_run(struct op_call *call, struct error *err)
{
    struct work w;
    bool adjoint = op_attr_bool(call, "adjoint"), lower = op_attr_bool(call, "lower") != adjoint;
    const struct tensor *b = call->in[1];
    const struct shape *out = &call->out[0]->shape;
    int64_t columns = out->dims[out->rank - 1];
    enum code code = begin(call, &w, err);
    for (int64_t m = 0, n = kernel_span(out, 0, out->rank - 2); !code && m < n; m++) {
        int64_t right = batch_index(out, &b->shape, m);
        load(call->in[0], batch_index(out, &call->in[0]->shape, m) * w.n * w.n, w.n, adjoint, w.a);
        for (int64_t j = 0; j < columns; j++) {
            for (int64_t i = 0; i < w.n; i++)
                w.x[i] = number_at(b, (right * w.n + i) * columns + j);
            substitute(w.a, w.n, lower, false, w.x);
            for (int64_t i = 0; i < w.n; i++)
                number_put(call->out[0], (m * w.n + i) * columns + j, w.x[i]);
        }
    }
    return code;
}

static enum code determinant_run(struct op_call *call, struct error *err)
{
    struct work w;
    enum code code = begin(call, &w, err);
    for (int64_t m = 0; !code && m < w.count; m++) {
        load(call->in[0], m * w.n * w.n, w.n, false, w.a);
        double value = factor(w.a, w.n, w.order);
        for (int64_t i = 0; i < w.n; i++)
            value *= w.a[i * w.n + i];
        number_put(call->out[0], m, value);
    }
    return code;
}

/* input -> sign, log_abs_determinant */
static enum code log_determinant_run(struct op_call *call, struct error *err)
{
    struct work w;
    enum code code = begin(call, &w, err);
    for (int64_t m = 0; !code && m < w.count; m++) {
        load(call->in[0], m * w.n * w.n, w.n, false, w.a);
        double sign = factor(w.a, w.n, w.order), sum = 0;
        for (int64_t i = 0; i < w.n; i++) {
            double d = w.a[i * w.n + i];
            sign *= d < 0 ? -1 : d > 0;
            sum += log(fabs(d));
        }
        number_put(call->out[0], m, sign);
        number_put(call->out[1], m, sum);
    }
    return code;
}

/* Complex matrices are not computed here. */
static enum code real_prepare(struct op_call *call, struct error *err)
{
    enum dtype dtype = call->in[0]->dtype;
    if (dtype != DTYPE_FLOAT && dtype != DTYPE_DOUBLE)
        return error_set(err, CODE_UNIMPLEMENTED, "%s of %s is not supported", call->node->op->name,
                         dtype_name(dtype));
    return CODE_OK;
}

#define LINALG_OP(NAME, INPUTS, OUTPUTS, ATTRS, SHAPE, RUN)                                        \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = INPUTS,                                                                          \
        .outputs = OUTPUTS,                                                                        \
        .attrs = "T:type" ATTRS,                                                                   \
        .shape = SHAPE,                                                                            \
        .prepare = real_prepare,                                                                   \
        .run = RUN,                                                                                \
    };
#define SYSTEM  "matrix:T rhs:T"
#define ADJOINT " adjoint:bool=false"

LINALG_OP(Cholesky, "input:T", "output:T", "", square_shape, cholesky_run)
LINALG_OP(MatrixInverse, "input:T", "output:T", ADJOINT, square_shape, inverse_run)
LINALG_OP(MatrixSolve, SYSTEM, "output:T", ADJOINT, solve_shape, solve_run)
LINALG_OP(MatrixTriangularSolve, SYSTEM, "output:T", " lower:bool=true" ADJOINT, triangular_shape,
          triangular_run)
LINALG_OP(MatrixDeterminant, "input:T", "output:T", "", batch_shape, determinant_run)
LINALG_OP(LogMatrixDeterminant, "input:T", "sign:T log_abs_determinant:T", "", batch_shape,
          log_determinant_run)
