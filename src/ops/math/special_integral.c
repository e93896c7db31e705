/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inverse error function (Wichura's AS 241, and a step of Newton's), Dawson's integral
 * (Rybicki's sum), the exponential integral, the dilogarithm and Fresnel's integrals (a continued
 * fraction of the complementary error function).
 */
#include <complex.h>
#include <float.h>
#include <math.h>
#include <stddef.h>

#include "ops/math/special.h"

enum { TERMS_MAX = 1000 };

/* ---- the normal distribution's quantile ---- */

enum { DEGREE = 7 };

/* Numerator and denominator, from the highest power on. */
struct rational {
    double p[DEGREE + 1], q[DEGREE + 1];
};

static const struct rational central = {
    {2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
     4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
     1.3314166789178437745e2, 3.3871328727963666080},
    {5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
     2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
     4.2313330701600911252e1, 1},
};

static const struct rational outer = {
    {7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
     1.27045825245236838258, 3.64784832476320460504, 5.76949722146069140550, 4.63033784615654529590,
     1.42343711074968357734},
    {1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
     1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940,
     2.05319162663775882187, 1},
};

static const struct rational tail = {
    {2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
     2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580,
     5.46378491116411436990, 6.65790464350110377720},
    {2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
     7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
     5.99832206555887937690e-1, 1},
};

static double evaluate(const struct rational *r, double x)
{
    double p = r->p[0], q = r->q[0];
    for (int i = 1; i <= DEGREE; i++) {
        p = p * x + r->p[i];
        q = q * x + r->q[i];
    }
    return p / q;
}

/* The quantile of 1/2 + q; `small` is the nearer of the two tails, 1/2 - |q|. */
static double quantile(double q, double small)
{
    if (fabs(q) <= 0.425)
        return q * evaluate(&central, 0.180625 - q * q);
    double r = sqrt(-log(small));
    double x = r <= 5 ? evaluate(&outer, r - 1.6) : evaluate(&tail, r - 5);
    return q < 0 ? -x : x;
}

double special_ndtri(double p)
{
    if (p == 0 || p == 1)
        return p > 0 ? INFINITY : -INFINITY;
    return p > 0 && p < 1 ? quantile(p - 0.5, p < 0.5 ? p : 1 - p) : NAN;
}

double special_erfinv(double x)
{
    if (fabs(x) == 1)
        return x * INFINITY;
    return fabs(x) < 1 ? quantile(x / 2, (1 - fabs(x)) / 2) * M_SQRT1_2 : NAN;
}

/* ---- Dawson's integral ---- */

double special_dawson(double x)
{
    const double h = 0.25;
    double size = fabs(x), sum = 0;
    if (isnan(x))
        return x;
    if (size > 50) {
        double y = 1 / (2 * x * x);
        return (1 + y * (1 + y * (3 + y * (15 + y * 105)))) / (2 * x);
    }
    if (size < 0.5) {
        /* x - 2x^3/3 + 4x^5/15 - ... */
        double term = x;
        for (int k = 1; k < TERMS_MAX && fabs(term) > fabs(sum) * DBL_EPSILON * 0.1; k++) {
            sum += term;
            term *= -2 * x * x / (2 * k + 1);
        }
        return sum;
    }
    /* Odd n, as near to x / h as exponentials are no zeros. */
    int middle = 2 * (int)(size / h / 2) + 1;
    for (int n = middle - 60; n <= middle + 60; n += 2)
        sum += exp(-(size - n * h) * (size - n * h)) / n;
    return copysign(sum / sqrt(M_PI), x);
}

/* ---- the exponential integral ---- */

static double expint_series(double x)
{
    double term = 1, sum = 0;
    for (int k = 1; k < TERMS_MAX; k++) {
        term *= x / k;
        sum += term / k;
        if (fabs(term / k) < fabs(sum) * DBL_EPSILON)
            break;
    }
    return 0.57721566490153286061 + log(fabs(x)) + sum;
}

/* e^x / x times 1 + 1!/x + 2!/x^2 + ..., as far as terms fall. */
static double expint_asymptotic(double x)
{
    double term = 1, sum = 1;
    for (int k = 1; k < x; k++) {
        term *= k / x;
        sum += term;
        if (term < sum * DBL_EPSILON)
            break;
    }
    return exp(x) / x * sum;
}

double special_expint(double x)
{
    if (x == 0)
        return -INFINITY;
    if (!(x > 0) || isinf(x))
        return NAN;
    return x > 40 ? expint_asymptotic(x) : expint_series(x);
}

/* ---- the dilogarithm ---- */

/* The sum of z^k / k^2, |z| <= 1/2. */
static double dilogarithm(double z)
{
    double power = z, sum = 0;
    for (int k = 1; k < TERMS_MAX && fabs(power) > DBL_MIN; k++, power *= z) {
        double term = power / ((double)k * k);
        sum += term;
        if (fabs(term) < fabs(sum) * DBL_EPSILON)
            break;
    }
    return sum;
}

/* Li2(1 - x), by its reflections where 1 - x is far from 0. */
double special_spence(double x)
{
    const double basel = M_PI * M_PI / 6;
    if (!(x >= 0) || isinf(x))
        return NAN;
    if (x == 0)
        return basel;
    if (x < 0.5)
        return basel - log(x) * log1p(-x) - dilogarithm(x);
    if (x <= 1.5)
        return dilogarithm(1 - x);
    if (x > 2)
        return -special_spence(1 / x) - 0.5 * log(x) * log(x);
    /* Li2(z) = -Li2(z / (z - 1)) - ln(1 - z)^2 / 2 with z = 1 - x */
    return -dilogarithm((x - 1) / x) - 0.5 * log(x) * log(x);
}

/* ---- Fresnel's integrals ---- */

/* Both power series at once: terms x (pi x^2 / 2)^n / (n! (2n + 1)), in turn of C and S. */
static void fresnel_series(double x, double *c, double *s)
{
    double y = M_PI_2 * x * x, term = x, sums[2] = {x, 0};
    for (int n = 1; n < TERMS_MAX; n++) {
        term *= y / n;
        double added = term / (2 * n + 1);
        sums[n % 2] += n / 2 % 2 ? -added : added;
        if (added < DBL_EPSILON * 0.01 * fabs(sums[n % 2]))
            break;
    }
    *c = sums[0];
    *s = sums[1];
}

static void fresnel_fraction(double x, double *c, double *s)
{
    double y = M_PI * x * x;
    double complex b = 1 - y * I, f = 1e300, d = 1 / b, h = d;
    for (int n = 1; n < TERMS_MAX; n++) {
        double a = -(2.0 * n - 1) * (2.0 * n);
        b += 4;
        d = 1 / (a * d + b);
        f = b + a / f;
        double complex change = f * d;
        h *= change;
        if (fabs(creal(change) - 1) + fabs(cimag(change)) < DBL_EPSILON)
            break;
    }
    double half = fmod(x * x, 4) * M_PI_2;
    double complex both = (0.5 + 0.5 * I) * (1 - (cos(half) + I * sin(half)) * h * (x - x * I));
    *c = creal(both);
    *s = cimag(both);
}

void special_fresnel(double x, double *c, double *s)
{
    double size = fabs(x);
    if (size > 1e8)
        *c = *s = 0.5;
    else if (size < 1.6)
        fresnel_series(size, c, s);
    else
        fresnel_fraction(size, c, s);
    *c = isnan(x) ? x : copysign(*c, x);
    *s = isnan(x) ? x : copysign(*s, x);
}
