/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/linalg/matrix.h"

#include <float.h>
#include <math.h>

#include "ops/math/number.h"

enum { SWEEPS_MAX = 60 };

enum code matrix_new(const struct op_call *call, int64_t rows, int64_t columns, struct matrix *m,
                     struct error *err)
{
    int64_t count;
    m->rows = rows;
    m->columns = columns;
    if (__builtin_mul_overflow(rows, columns, &count) || count == INT64_MAX)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a matrix");
    return kernel_array(call, count + 1, sizeof *m->at, &m->at, err);
}

void matrix_load(const struct tensor *from, int64_t index, struct matrix *m)
{
    int64_t n = m->rows * m->columns, first = index * n;
    for (int64_t i = 0; i < n; i++) {
        if (from->dtype == DTYPE_COMPLEX64)
            m->at[i] = TENSOR_AT(from, float complex)[first + i];
        else if (from->dtype == DTYPE_COMPLEX128)
            m->at[i] = TENSOR_AT(from, double complex)[first + i];
        else
            m->at[i] = number_at(from, first + i);
    }
}

void matrix_store(const struct matrix *m, struct tensor *to, int64_t index)
{
    int64_t n = m->rows * m->columns, first = index * n;
    for (int64_t i = 0; i < n; i++) {
        if (to->dtype == DTYPE_COMPLEX64)
            TENSOR_AT(to, float complex)[first + i] = (float complex)m->at[i];
        else if (to->dtype == DTYPE_COMPLEX128)
            TENSOR_AT(to, double complex)[first + i] = m->at[i];
        else
            number_put(to, first + i, creal(m->at[i]));
    }
}

void matrix_adjoint(const struct matrix *a, struct matrix *to)
{
    for (int64_t i = 0; i < a->rows; i++) {
        for (int64_t k = 0; k < a->columns; k++)
            MATRIX_AT(to, k, i) = conj(MATRIX_AT(a, i, k));
    }
}

void matrix_multiply(const struct matrix *a, const struct matrix *b, struct matrix *to)
{
    for (int64_t i = 0; i < a->rows; i++) {
        for (int64_t k = 0; k < b->columns; k++) {
            double complex sum = 0;
            for (int64_t j = 0; j < a->columns; j++)
                sum += MATRIX_AT(a, i, j) * MATRIX_AT(b, j, k);
            MATRIX_AT(to, i, k) = sum;
        }
    }
}

static double size2(double complex z)
{
    return creal(z) * creal(z) + cimag(z) * cimag(z);
}

static void make_identity(struct matrix *m)
{
    for (int64_t i = 0; i < m->rows; i++) {
        for (int64_t k = 0; k < m->columns; k++)
            MATRIX_AT(m, i, k) = i == k;
    }
}

/* ---- QR ---- */

/* m (I - tau v v^H) from the right, or (I - conj(tau) v v^H) m from the left; v begins at `first`.
 */
static void reflect_right(struct matrix *m, const double complex *v, double complex tau,
                          int64_t first)
{
    for (int64_t i = 0; i < m->rows; i++) {
        double complex sum = 0;
        for (int64_t k = first; k < m->columns; k++)
            sum += MATRIX_AT(m, i, k) * v[k];
        for (int64_t k = first; k < m->columns; k++)
            MATRIX_AT(m, i, k) -= tau * sum * conj(v[k]);
    }
}

static void reflect_left(struct matrix *m, const double complex *v, double complex tau,
                         int64_t first)
{
    for (int64_t k = 0; k < m->columns; k++) {
        double complex sum = 0;
        for (int64_t i = first; i < m->rows; i++)
            sum += conj(v[i]) * MATRIX_AT(m, i, k);
        for (int64_t i = first; i < m->rows; i++)
            MATRIX_AT(m, i, k) -= conj(tau) * sum * v[i];
    }
}

void matrix_qr(struct matrix *a, struct matrix *q, double complex *v)
{
    int64_t steps = a->rows < a->columns ? a->rows : a->columns;
    make_identity(q);
    for (int64_t j = 0; j < steps; j++) {
        double complex first = MATRIX_AT(a, j, j);
        double tail = 0;
        for (int64_t i = j + 1; i < a->rows; i++)
            tail += size2(MATRIX_AT(a, i, j));
        if (tail <= DBL_MIN && fabs(cimag(first)) <= DBL_MIN)
            continue;
        double beta = sqrt(size2(first) + tail);
        beta = creal(first) >= 0 ? -beta : beta;
        v[j] = 1;
        for (int64_t i = j + 1; i < a->rows; i++)
            v[i] = MATRIX_AT(a, i, j) / (first - beta);
        double complex tau = conj((beta - first) / beta);
        reflect_left(a, v, conj(tau), j);
        reflect_right(q, v, conj(tau), j);
        for (int64_t i = j + 1; i < a->rows; i++)
            MATRIX_AT(a, i, j) = 0;
    }
}

/* ---- Jacobi's rotations ---- */

/* What makes the off-diagonal element c of [[a, c], [conj(c), b]] zero: columns p and q become
 * cosine p - conj(sine) q and sine p + cosine q. */
struct rotation {
    double cosine;
    double complex sine;
};

static struct rotation rotation_of(double a, double b, double complex c)
{
    double size = cabs(c), theta = (b - a) / (2 * size);
    double t = copysign(1, theta) / (fabs(theta) + sqrt(1 + theta * theta));
    double cosine = 1 / sqrt(1 + t * t);
    return (struct rotation){cosine, t * cosine * (c / size)};
}

static void rotate_columns(struct matrix *m, int64_t p, int64_t q, struct rotation r)
{
    for (int64_t i = 0; i < m->rows; i++) {
        double complex x = MATRIX_AT(m, i, p), y = MATRIX_AT(m, i, q);
        MATRIX_AT(m, i, p) = r.cosine * x - conj(r.sine) * y;
        MATRIX_AT(m, i, q) = r.sine * x + r.cosine * y;
    }
}

static void rotate_rows(struct matrix *m, int64_t p, int64_t q, struct rotation r)
{
    for (int64_t k = 0; k < m->columns; k++) {
        double complex x = MATRIX_AT(m, p, k), y = MATRIX_AT(m, q, k);
        MATRIX_AT(m, p, k) = r.cosine * x - r.sine * y;
        MATRIX_AT(m, q, k) = conj(r.sine) * x + r.cosine * y;
    }
}

static bool is_finite(const struct matrix *m)
{
    bool good = true;
    for (int64_t i = 0, n = m->rows * m->columns; i < n; i++)
        good &= isfinite(creal(m->at[i])) && isfinite(cimag(m->at[i]));
    return good;
}

static void swap_columns(struct matrix *m, int64_t p, int64_t q)
{
    for (int64_t i = 0; i < m->rows; i++) {
        double complex kept = MATRIX_AT(m, i, p);
        MATRIX_AT(m, i, p) = MATRIX_AT(m, i, q);
        MATRIX_AT(m, i, q) = kept;
    }
}

static void sort_eigen(struct matrix *a, struct matrix *v)
{
    for (int64_t i = 0; i < a->rows; i++) {
        int64_t least = i;
        for (int64_t k = i + 1; k < a->rows; k++) {
            if (creal(MATRIX_AT(a, k, k)) < creal(MATRIX_AT(a, least, least)))
                least = k;
        }
        double complex kept = MATRIX_AT(a, i, i);
        MATRIX_AT(a, i, i) = MATRIX_AT(a, least, least);
        MATRIX_AT(a, least, least) = kept;
        swap_columns(v, i, least);
    }
}

bool matrix_eigen(struct matrix *a, struct matrix *v)
{
    int64_t n = a->rows;
    if (!is_finite(a))
        return false;
    for (int64_t i = 0; i < n; i++) {
        MATRIX_AT(a, i, i) = creal(MATRIX_AT(a, i, i));
        for (int64_t k = i + 1; k < n; k++)
            MATRIX_AT(a, i, k) = conj(MATRIX_AT(a, k, i));
    }
    make_identity(v);
    for (int sweep = 0; sweep < SWEEPS_MAX; sweep++) {
        bool rotated = false;
        for (int64_t p = 0; p < n; p++) {
            for (int64_t q = p + 1; q < n; q++) {
                double complex c = MATRIX_AT(a, p, q);
                double x = creal(MATRIX_AT(a, p, p)), y = creal(MATRIX_AT(a, q, q));
                if (cabs(c) <= DBL_MIN || cabs(c) <= DBL_EPSILON * 0.01 * sqrt(fabs(x * y)))
                    continue;
                struct rotation r = rotation_of(x, y, c);
                rotate_columns(a, p, q, r);
                rotate_rows(a, p, q, r);
                rotate_columns(v, p, q, r);
                MATRIX_AT(a, p, q) = MATRIX_AT(a, q, p) = 0;
                rotated = true;
            }
        }
        if (!rotated)
            break;
    }
    sort_eigen(a, v);
    return true;
}

/* ---- singular values ---- */

/* Makes columns p and q of a orthogonal. Were they not? */
static bool separate(struct matrix *a, struct matrix *v, int64_t p, int64_t q)
{
    double x = 0, y = 0;
    double complex c = 0;
    for (int64_t i = 0; i < a->rows; i++) {
        x += size2(MATRIX_AT(a, i, p));
        y += size2(MATRIX_AT(a, i, q));
        c += conj(MATRIX_AT(a, i, p)) * MATRIX_AT(a, i, q);
    }
    if (cabs(c) <= DBL_MIN || cabs(c) <= DBL_EPSILON * sqrt(x * y))
        return false;
    struct rotation r = rotation_of(x, y, c);
    rotate_columns(a, p, q, r);
    rotate_columns(v, p, q, r);
    return true;
}

static void normalize_columns(struct matrix *a, double *s)
{
    double most = 0;
    for (int64_t k = 0; k < a->columns; k++) {
        double sum = 0;
        for (int64_t i = 0; i < a->rows; i++)
            sum += size2(MATRIX_AT(a, i, k));
        s[k] = sqrt(sum);
        most = s[k] > most ? s[k] : most;
    }
    for (int64_t k = 0; k < a->columns; k++) {
        bool is_zero = s[k] <= most * DBL_EPSILON * 0.01;
        for (int64_t i = 0; i < a->rows; i++)
            MATRIX_AT(a, i, k) = is_zero ? 0 : MATRIX_AT(a, i, k) / s[k];
        s[k] = is_zero ? 0 : s[k];
    }
}

static void sort_singular(struct matrix *a, double *s, struct matrix *v)
{
    for (int64_t i = 0; i < a->columns; i++) {
        int64_t most = i;
        for (int64_t k = i + 1; k < a->columns; k++)
            most = s[k] > s[most] ? k : most;
        double kept = s[i];
        s[i] = s[most];
        s[most] = kept;
        swap_columns(a, i, most);
        swap_columns(v, i, most);
    }
}

bool matrix_svd(struct matrix *a, double *s, struct matrix *v)
{
    if (!is_finite(a))
        return false;
    make_identity(v);
    for (int sweep = 0; sweep < SWEEPS_MAX; sweep++) {
        bool rotated = false;
        for (int64_t p = 0; p < a->columns; p++) {
            for (int64_t q = p + 1; q < a->columns; q++)
                rotated |= separate(a, v, p, q);
        }
        if (!rotated)
            break;
    }
    normalize_columns(a, s);
    sort_singular(a, s, v);
    return true;
}
