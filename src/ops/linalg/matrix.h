/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small dense matrices of double complex, for decompositions of all dtypes: real ones just have no
 * imaginary parts. Row-major, in an arena.
 */
#ifndef OPS_LINALG_MATRIX_H
#define OPS_LINALG_MATRIX_H

#include <complex.h>

#include "ops/kernel.h"

struct matrix {
    int64_t rows, columns;
    double complex *at;
};

#define MATRIX_AT(m, i, k) ((m)->at[(i) * (m)->columns + (k)])

/* Zeros, in call->arena. RESOURCE_EXHAUSTED. */
enum code matrix_new(const struct op_call *call, int64_t rows, int64_t columns, struct matrix *m,
                     struct error *err);

/* Matrix `index` of a tensor [..., rows, columns] (m's sizes), and back. */
void matrix_load(const struct tensor *from, int64_t index, struct matrix *m);
void matrix_store(const struct matrix *m, struct tensor *to, int64_t index);

/* to = a^H, which has the sizes for it. */
void matrix_adjoint(const struct matrix *a, struct matrix *to);

/* to = a b. */
void matrix_multiply(const struct matrix *a, const struct matrix *b, struct matrix *to);

/* Householder's QR: a becomes r (upper), q [rows, rows] unitary, with the signs that Eigen gives.
 */
void matrix_qr(struct matrix *a, struct matrix *q, double complex *column);

/* Jacobi's rotations: a, Hermitian by its lower triangle, becomes diagonal, its real diagonal
 * ascending; the columns of v [n, n] are the vectors. False when a number is not finite. */
bool matrix_eigen(struct matrix *a, struct matrix *v);

/* One-sided Jacobi: a [m, n], m >= n, becomes u with orthonormal columns (zero columns where the
 * singular value is zero), s [n] descending, v [n, n]. False when a number is not finite. */
bool matrix_svd(struct matrix *a, double *s, struct matrix *v);

#endif
