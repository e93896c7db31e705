/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Qr, Svd, SelfAdjointEigV2, Lu: matrices [..., m, n] taken apart, one after the other. The signs
 * of singular vectors and eigenvectors are nobody's to choose: they need not be TensorFlow's.
 */
#include <float.h>
#include <math.h>

#include "ops/linalg/matrix.h"

static enum code check_rank(const struct op_call *call, struct error *err)
{
    if (call->in[0]->shape.rank >= 2)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT, "Input tensor 0 must have rank >= 2, got %d",
                     call->in[0]->shape.rank);
}

static int64_t rows_of(const struct op_call *call)
{
    return call->in[0]->shape.dims[call->in[0]->shape.rank - 2];
}

static int64_t columns_of(const struct op_call *call)
{
    return call->in[0]->shape.dims[call->in[0]->shape.rank - 1];
}

static int64_t batch_of(const struct op_call *call)
{
    return kernel_span(&call->in[0]->shape, 0, call->in[0]->shape.rank - 2);
}

/* Output i: the input's batch of matrices [rows, columns]; of vectors when columns is -1. */
static void set_shape(struct op_call *call, int i, int64_t rows, int64_t columns)
{
    struct shape shape = call->in[0]->shape;
    shape.dims[shape.rank - 2] = rows;
    shape.dims[shape.rank - 1] = columns;
    shape.rank -= columns < 0;
    op_call_shape(call, i, &shape);
}

static enum code check_square(const struct op_call *call, struct error *err)
{
    enum code code = check_rank(call, err);
    if (!code && rows_of(call) != columns_of(call))
        code = error_set(err, CODE_INVALID_ARGUMENT, "Input matrix must be square.");
    return code;
}

/* ---- Qr ---- */

static enum code qr_shape(struct op_call *call, struct error *err)
{
    enum code code = check_rank(call, err);
    if (code)
        return code;
    int64_t m = rows_of(call), n = columns_of(call);
    int64_t inner = op_attr_bool(call, "full_matrices") || m < n ? m : n;
    set_shape(call, 0, m, inner);
    set_shape(call, 1, inner, n);
    return CODE_OK;
}

/* The upper left corner of `from`. */
static void take_corner(const struct matrix *from, struct matrix *to)
{
    for (int64_t i = 0; i < to->rows; i++) {
        for (int64_t k = 0; k < to->columns; k++)
            MATRIX_AT(to, i, k) = MATRIX_AT(from, i, k);
    }
}

static enum code qr_run(struct op_call *call, struct error *err)
{
    int64_t m = rows_of(call), n = columns_of(call);
    int64_t inner = call->out[0]->shape.dims[call->out[0]->shape.rank - 1];
    struct matrix a, q, narrow, r;
    double complex *column;
    enum code code = matrix_new(call, m, n, &a, err);
    if (!code)
        code = matrix_new(call, m, m, &q, err);
    if (!code)
        code = matrix_new(call, m, inner, &narrow, err);
    if (!code)
        code = matrix_new(call, inner, n, &r, err);
    if (!code)
        code = kernel_array(call, m + 1, sizeof *column, &column, err);
    for (int64_t i = 0, batch = batch_of(call); !code && i < batch; i++) {
        matrix_load(call->in[0], i, &a);
        matrix_qr(&a, &q, column);
        take_corner(&q, &narrow);
        take_corner(&a, &r);
        matrix_store(&narrow, call->out[0], i);
        matrix_store(&r, call->out[1], i);
    }
    return code;
}

/* ---- SelfAdjointEigV2 ---- */

static enum code eigen_shape(struct op_call *call, struct error *err)
{
    enum code code = check_square(call, err);
    if (code)
        return code;
    int64_t n = rows_of(call);
    struct shape empty = shape_vector(0);
    set_shape(call, 0, n, -1);
    if (op_attr_bool(call, "compute_v"))
        set_shape(call, 1, n, n);
    else
        op_call_shape(call, 1, &empty);
    return CODE_OK;
}

static enum code eigen_run(struct op_call *call, struct error *err)
{
    int64_t n = rows_of(call);
    bool vectors = call->out[1]->shape.rank == call->in[0]->shape.rank;
    struct matrix a, v, values;
    enum code code = matrix_new(call, n, n, &a, err);
    if (!code)
        code = matrix_new(call, n, n, &v, err);
    if (!code)
        code = matrix_new(call, n, 1, &values, err);
    for (int64_t i = 0, batch = batch_of(call); !code && i < batch; i++) {
        matrix_load(call->in[0], i, &a);
        if (!matrix_eigen(&a, &v))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Self-adjoint eigen decomposition was not successful. The input might "
                             "not be valid.");
        for (int64_t k = 0; k < n; k++)
            values.at[k] = MATRIX_AT(&a, k, k);
        matrix_store(&values, call->out[0], i);
        if (vectors)
            matrix_store(&v, call->out[1], i);
    }
    return code;
}

/* ---- Svd ---- */

static enum code svd_shape(struct op_call *call, struct error *err)
{
    struct shape empty = shape_vector(0);
    enum code code = check_rank(call, err);
    if (code)
        return code;
    int64_t m = rows_of(call), n = columns_of(call), p = m < n ? m : n;
    bool full = op_attr_bool(call, "full_matrices");
    set_shape(call, 0, p, -1);
    for (int i = 1; i < 3; i++) {
        int64_t size = i == 1 ? m : n;
        if (op_attr_bool(call, "compute_uv"))
            set_shape(call, i, size, full ? size : p);
        else
            op_call_shape(call, i, &empty);
    }
    return CODE_OK;
}

/* Columns from `known` on, and those that are zero, become unit vectors orthogonal to all others:
 * what is left of the axis that is left most, by Gram and Schmidt. */
static void complete(struct matrix *u, int64_t known)
{
    for (int64_t k = 0; k < u->columns; k++) {
        double size = 0;
        for (int64_t i = 0; i < u->rows; i++)
            size += cabs(MATRIX_AT(u, i, k));
        if (k < known && size > 0)
            continue;
        for (int64_t axis = 0; axis < u->rows; axis++) {
            for (int64_t i = 0; i < u->rows; i++)
                MATRIX_AT(u, i, k) = i == axis;
            for (int twice = 0; twice < 2; twice++) {
                for (int64_t j = 0; j < u->columns; j++) {
                    double complex sum = 0;
                    for (int64_t i = 0; j != k && i < u->rows; i++)
                        sum += conj(MATRIX_AT(u, i, j)) * MATRIX_AT(u, i, k);
                    for (int64_t i = 0; j != k && i < u->rows; i++)
                        MATRIX_AT(u, i, k) -= sum * MATRIX_AT(u, i, j);
                }
            }
            size = 0;
            for (int64_t i = 0; i < u->rows; i++)
                size += creal(MATRIX_AT(u, i, k) * conj(MATRIX_AT(u, i, k)));
            if (size * (double)(2 * u->rows) > 1)
                break;
        }
        for (int64_t i = 0; i < u->rows; i++)
            MATRIX_AT(u, i, k) /= sqrt(size);
    }
}

/* What one matrix needs: tall is the input, or its adjoint when that is wide. */
struct svd {
    struct matrix a, tall, v, left, right;
    double *s;
};

static enum code svd_begin(const struct op_call *call, struct svd *w, struct error *err)
{
    int64_t m = rows_of(call), n = columns_of(call), p = m < n ? m : n, most = m < n ? n : m;
    bool vectors = call->out[1]->shape.rank == call->in[0]->shape.rank;
    const struct shape *u = &call->out[1]->shape, *v = &call->out[2]->shape;
    enum code code = matrix_new(call, m, n, &w->a, err);
    if (!code)
        code = matrix_new(call, most, p, &w->tall, err);
    if (!code)
        code = matrix_new(call, p, p, &w->v, err);
    if (!code)
        code = kernel_array(call, p + 1, sizeof *w->s, &w->s, err);
    if (!code && vectors)
        code = matrix_new(call, m, u->dims[u->rank - 1], &w->left, err);
    if (!code && vectors)
        code = matrix_new(call, n, v->dims[v->rank - 1], &w->right, err);
    return code;
}

static void put_not_finite(struct op_call *call, int64_t index, struct svd *w, bool vectors)
{
    struct matrix *const outputs[] = {&w->left, &w->right};
    for (int o = 0; vectors && o < 2; o++) {
        for (int64_t i = 0; i < outputs[o]->rows * outputs[o]->columns; i++)
            outputs[o]->at[i] = NAN;
        matrix_store(outputs[o], call->out[1 + o], index);
    }
    for (int64_t i = 0; i < w->tall.columns; i++)
        w->s[i] = NAN;
}

static void put_vectors(struct op_call *call, int64_t index, struct svd *w)
{
    bool wide = w->a.rows < w->a.columns;
    const struct matrix *u = wide ? &w->v : &w->tall, *v = wide ? &w->tall : &w->v;
    int64_t p = w->tall.columns;
    for (int64_t k = 0; k < p; k++) {
        for (int64_t i = 0; i < w->left.rows; i++)
            MATRIX_AT(&w->left, i, k) = MATRIX_AT(u, i, k);
        for (int64_t i = 0; i < w->right.rows; i++)
            MATRIX_AT(&w->right, i, k) = MATRIX_AT(v, i, k);
    }
    for (int side = 0; side < 2; side++) {
        struct matrix *m = side ? &w->right : &w->left;
        for (int64_t k = p; k < m->columns; k++) {
            for (int64_t i = 0; i < m->rows; i++)
                MATRIX_AT(m, i, k) = 0;
        }
        complete(m, p);
        matrix_store(m, call->out[1 + side], index);
    }
}

static enum code svd_run(struct op_call *call, struct error *err)
{
    bool vectors = call->out[1]->shape.rank == call->in[0]->shape.rank;
    struct svd w;
    struct matrix values;
    enum code code = svd_begin(call, &w, err);
    if (!code)
        code = matrix_new(call, w.tall.columns, 1, &values, err);
    for (int64_t i = 0, batch = batch_of(call); !code && i < batch; i++) {
        matrix_load(call->in[0], i, &w.a);
        if (w.a.rows < w.a.columns)
            matrix_adjoint(&w.a, &w.tall);
        else
            take_corner(&w.a, &w.tall);
        if (!matrix_svd(&w.tall, w.s, &w.v))
            put_not_finite(call, i, &w, vectors);
        else if (vectors)
            put_vectors(call, i, &w);
        for (int64_t k = 0; k < w.tall.columns; k++)
            values.at[k] = w.s[k];
        matrix_store(&values, call->out[0], i);
    }
    return code;
}

/* ---- Lu ---- */

static enum code lu_shape(struct op_call *call, struct error *err)
{
    if (call->in[0]->shape.rank < 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "Input tensor must have rank >= 2, got %d",
                         call->in[0]->shape.rank);
    enum code code = check_square(call, err);
    if (code)
        return code;
    set_shape(call, 0, rows_of(call), columns_of(call));
    set_shape(call, 1, rows_of(call), -1);
    return CODE_OK;
}

static void swap_rows(struct matrix *m, int64_t p, int64_t q)
{
    for (int64_t k = 0; k < m->columns; k++) {
        double complex kept = MATRIX_AT(m, p, k);
        MATRIX_AT(m, p, k) = MATRIX_AT(m, q, k);
        MATRIX_AT(m, q, k) = kept;
    }
}

/* With row pivots; false when one is zero. */
static bool lu_of(struct matrix *a, int64_t *order)
{
    for (int64_t j = 0; j < a->rows; j++)
        order[j] = j;
    for (int64_t j = 0; j < a->rows; j++) {
        int64_t pivot = j;
        for (int64_t i = j + 1; i < a->rows; i++)
            pivot = cabs(MATRIX_AT(a, i, j)) > cabs(MATRIX_AT(a, pivot, j)) ? i : pivot;
        if (!(cabs(MATRIX_AT(a, pivot, j)) > 0))
            return false;
        swap_rows(a, j, pivot);
        int64_t kept = order[j];
        order[j] = order[pivot];
        order[pivot] = kept;
        for (int64_t i = j + 1; i < a->rows; i++) {
            double complex f = MATRIX_AT(a, i, j) /= MATRIX_AT(a, j, j);
            for (int64_t k = j + 1; k < a->columns; k++)
                MATRIX_AT(a, i, k) -= f * MATRIX_AT(a, j, k);
        }
    }
    return true;
}

static enum code lu_run(struct op_call *call, struct error *err)
{
    int64_t n = rows_of(call), *order;
    struct matrix a;
    enum code code = matrix_new(call, n, n, &a, err);
    if (!code)
        code = kernel_array(call, n + 1, sizeof *order, &order, err);
    for (int64_t i = 0, batch = batch_of(call); !code && i < batch; i++) {
        matrix_load(call->in[0], i, &a);
        if (!lu_of(&a, order))
            return error_set(err, CODE_INVALID_ARGUMENT, "Input is not invertible.");
        matrix_store(&a, call->out[0], i);
        for (int64_t k = 0; k < n; k++)
            kernel_put_index(call->out[1], i * n + k, order[k]);
    }
    return code;
}

#define DECOMPOSITION_TYPES (OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE) | OP_TYPES_COMPLEX)

#define DECOMPOSITION_OP(NAME, OUTPUTS, ATTRS, TYPES, SHAPE, RUN)                                  \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = "input:T",                                                                       \
        .outputs = OUTPUTS,                                                                        \
        .attrs = "T:type " ATTRS,                                                                  \
        .types = TYPES,                                                                            \
        .shape = SHAPE,                                                                            \
        .run = RUN,                                                                                \
    };
#define SVD_ATTRS "compute_uv:bool=true full_matrices:bool=false"

DECOMPOSITION_OP(Qr, "q:T r:T", "full_matrices:bool=false",
                 DECOMPOSITION_TYPES | OP_TYPE(DTYPE_HALF), qr_shape, qr_run)
DECOMPOSITION_OP(Svd, "s:T u:T v:T", SVD_ATTRS, DECOMPOSITION_TYPES, svd_shape, svd_run)
DECOMPOSITION_OP(BatchSvd, "s:T u:T v:T", SVD_ATTRS, DECOMPOSITION_TYPES, svd_shape, svd_run)
DECOMPOSITION_OP(SelfAdjointEigV2, "e:T v:T", "compute_v:bool=true", DECOMPOSITION_TYPES,
                 eigen_shape, eigen_run)
DECOMPOSITION_OP(BatchSelfAdjointEigV2, "e:T v:T", "compute_v:bool=true",
                 OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE), eigen_shape, eigen_run)
DECOMPOSITION_OP(Lu, "lu:T p:output_idx_type", "output_idx_type:index=int32", DECOMPOSITION_TYPES,
                 lu_shape, lu_run)
