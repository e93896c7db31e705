/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stockham's form of the fast Fourier transform, which needs no reordering: after a stage there are
 * n / length interleaved transforms of `length` numbers, number k of transform j at [k * (n /
 * length) + j]; a stage of radix p makes transforms p times as long of p neighbours. Lengths whose
 * prime factors are small are done so. Others go through a convolution of a power of two
 * (Bluestein, "A linear filtering approach to the computation of discrete Fourier transform",
 * 1970). Everything is computed in double and so is right to the last bit of a float.
 */
#include "ops/signal/fourier.h"

#include <math.h>

enum {
    RADIX_MAX = 13,
    STAGES_MAX = 64,
};

struct fourier {
    int64_t n;
    int stages;
    int radix[STAGES_MAX];
    const double complex *roots; /* e^(-2 pi i k / n), k < n */
    /* Of other lengths: */
    const struct fourier *inner;    /* of a power of two, at least 2 n - 1; NULL: n is smooth */
    const double complex *chirp;    /* e^(-pi i k k / n), k < n */
    const double complex *response; /* of the filter, transformed, over inner->n */
};

static double complex unit(double turns)
{
    return cos(2 * M_PI * turns) + I * sin(2 * M_PI * turns);
}

/* Splits n into radices, largest first; false if a prime factor is too large. */
static bool split(struct fourier *plan, int64_t n)
{
    static const int radices[] = {4, 13, 11, 7, 5, 3, 2};
    for (size_t i = 0; i < sizeof radices / sizeof *radices; i++) {
        for (; n % radices[i] == 0; n /= radices[i])
            plan->radix[plan->stages++] = radices[i];
    }
    return n == 1;
}

static enum code make_roots(const struct op_call *call, struct fourier *plan, struct error *err)
{
    double complex *roots;
    enum code code = kernel_array(call, plan->n, sizeof *roots, &roots, err);
    for (int64_t k = 0; !code && k < plan->n; k++)
        roots[k] = unit(-(double)k / (double)plan->n);
    plan->roots = roots;
    return code;
}

static enum code make_chirp(const struct op_call *call, struct fourier *plan, struct error *err)
{
    int64_t size = 1, n = plan->n;
    while (size < 2 * n - 1)
        size *= 2;
    enum code code = fourier_new(call, size, &plan->inner, err);
    double complex *chirp, *response, *work;
    if (!code)
        code = kernel_array(call, n, sizeof *chirp, &chirp, err);
    if (!code)
        code = kernel_array(call, size, sizeof *response, &response, err);
    if (!code)
        code = kernel_array(call, size, sizeof *work, &work, err);
    if (code)
        return code;
    for (int64_t k = 0; k < n; k++) {
        /* k k mod 2 n: the angle of a large k would have lost its digits. */
        int64_t square = (int64_t)((__int128)k * k % (2 * n));
        chirp[k] = unit(-(double)square / (2 * (double)n));
        response[k] = conj(chirp[k]);
        if (k)
            response[size - k] = conj(chirp[k]);
    }
    fourier_run(plan->inner, false, response, work);
    plan->chirp = chirp;
    plan->response = response;
    return CODE_OK;
}

enum code fourier_new(const struct op_call *call, int64_t n, const struct fourier **result,
                      struct error *err)
{
    struct fourier *plan = ARENA_NEW(call->arena, struct fourier);
    *result = plan;
    plan->n = n;
    if (n > INT64_C(1) << 40)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a transform of %lld numbers",
                         (long long)n);
    bool smooth = split(plan, n);
    return smooth ? make_roots(call, plan, err) : make_chirp(call, plan, err);
}

int64_t fourier_work(const struct fourier *plan)
{
    return plan->inner ? 2 * plan->inner->n : plan->n;
}

/* ---- smooth lengths ---- */

/* Without the rules for infinities that C has for complex products. */
static inline double complex times(double complex a, double complex b)
{
    double ar = creal(a), ai = cimag(a), br = creal(b), bi = cimag(b);
    return number_complex(ar * br - ai * bi, ar * bi + ai * br);
}

struct stage {
    const struct fourier *plan;
    int64_t length; /* before the stage */
    int64_t step;   /* n / length after it */
    int radix;
    double sign; /* of the angles: 1, -1 for the inverse */
};

static double complex root(const struct stage *s, int64_t k)
{
    double complex value = s->plan->roots[k % s->plan->n];
    return s->sign < 0 ? conj(value) : value;
}

static void butterflies_2(const struct stage *s, const double complex *x, double complex *y)
{
    int64_t step = s->step;
    for (int64_t k = 0; k < s->length; k++) {
        double complex w = root(s, k * step);
        const double complex *a = x + k * step * 2, *b = a + step;
        double complex *c = y + k * step, *d = c + s->length * step;
        for (int64_t j = 0; j < step; j++) {
            double complex t = times(w, b[j]);
            c[j] = a[j] + t;
            d[j] = a[j] - t;
        }
    }
}

static void butterflies_4(const struct stage *s, const double complex *x, double complex *y)
{
    int64_t step = s->step, far = s->length * step;
    for (int64_t k = 0; k < s->length; k++) {
        double complex w1 = root(s, k * step), w2 = root(s, 2 * k * step);
        double complex w3 = root(s, 3 * k * step);
        const double complex *a = x + k * step * 4;
        double complex *c = y + k * step;
        for (int64_t j = 0; j < step; j++) {
            double complex t0 = a[j], t1 = times(w1, a[j + step]);
            double complex t2 = times(w2, a[j + 2 * step]), t3 = times(w3, a[j + 3 * step]);
            double complex even = t0 + t2, odd = t1 + t3, half = t0 - t2, turn = t1 - t3;
            /* -i times the difference, i for the inverse */
            turn = number_complex(s->sign * cimag(turn), -s->sign * creal(turn));
            c[j] = even + odd;
            c[j + far] = half + turn;
            c[j + 2 * far] = even - odd;
            c[j + 3 * far] = half - turn;
        }
    }
}

static void butterflies(const struct stage *s, const double complex *x, double complex *y)
{
    int64_t step = s->step, far = s->length * step, turn = s->plan->n / s->radix;
    for (int64_t k = 0; k < s->length; k++) {
        for (int64_t j = 0; j < step; j++) {
            double complex t[RADIX_MAX];
            for (int q = 0; q < s->radix; q++)
                t[q] = times(root(s, q * k * step), x[k * step * s->radix + q * step + j]);
            for (int r = 0; r < s->radix; r++) {
                double complex sum = t[0];
                for (int q = 1; q < s->radix; q++)
                    sum += times(root(s, q * r % s->radix * turn), t[q]);
                y[k * step + r * far + j] = sum;
            }
        }
    }
}

static void run_smooth(const struct fourier *plan, bool inverse, double complex *data,
                       double complex *work)
{
    double complex *from = data, *to = work;
    struct stage s = {.plan = plan, .length = 1, .sign = inverse ? -1 : 1};
    for (int i = 0; i < plan->stages; i++) {
        s.radix = plan->radix[i];
        s.step = plan->n / (s.length * s.radix);
        if (s.radix == 2)
            butterflies_2(&s, from, to);
        else if (s.radix == 4)
            butterflies_4(&s, from, to);
        else
            butterflies(&s, from, to);
        s.length *= s.radix;
        double complex *swap = from;
        from = to;
        to = swap;
    }
    if (from != data)
        memcpy(data, from, (size_t)plan->n * sizeof *data);
}

/* ---- other lengths ---- */

static void run_chirp(const struct fourier *plan, bool inverse, double complex *data,
                      double complex *work)
{
    int64_t size = plan->inner->n;
    double complex *signal = work, *inner_work = work + size;
    memset(signal, 0, (size_t)size * sizeof *signal);
    for (int64_t k = 0; k < plan->n; k++)
        signal[k] = times(inverse ? conj(data[k]) : data[k], plan->chirp[k]);
    fourier_run(plan->inner, false, signal, inner_work);
    for (int64_t k = 0; k < size; k++)
        signal[k] = times(signal[k], plan->response[k]);
    fourier_run(plan->inner, true, signal, inner_work);
    for (int64_t k = 0; k < plan->n; k++) {
        double complex value = times(signal[k] / (double)size, plan->chirp[k]);
        data[k] = inverse ? conj(value) : value;
    }
}

void fourier_run(const struct fourier *plan, bool inverse, double complex *data,
                 double complex *work)
{
    if (plan->inner)
        run_chirp(plan, inverse, data, work);
    else
        run_smooth(plan, inverse, data, work);
}
