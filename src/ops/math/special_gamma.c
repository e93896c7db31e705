/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digamma and Hurwitz' zeta function by Euler and Maclaurin's sum behind enough terms; incomplete
 * gamma and beta functions by their power series or continued fractions (Abramowitz and Stegun
 * 6.5.29, 6.5.31, 26.5.8), whichever converges.
 */
#include <float.h>
#include <math.h>
#include <stddef.h>

#include "ops/math/special.h"

enum { TERMS_MAX = 20000 };

/* B(2k) / (2k)! for k from 1 on. */
static const double bernoulli_over_factorial[] = {
    8.3333333333333333333e-2,   -1.3888888888888888889e-3,  3.3068783068783068783e-5,
    -8.2671957671957671958e-7,  2.0876756987868098979e-8,   -5.2841901386874931848e-10,
    1.3382536530684678833e-11,  -3.3896802963225828668e-13, 8.5860620562778445641e-15,
    -2.1748686985580618730e-16, 5.5090028283602295152e-18,  -1.3954464685812523341e-19,
};

enum { BERNOULLI = sizeof bernoulli_over_factorial / sizeof *bernoulli_over_factorial };

double special_digamma(double x)
{
    double reflected = 0, sum = 0;
    if (x <= 0) {
        if (x == floor(x))
            return NAN;
        /* psi(1 - x) - pi cot(pi x) */
        double r = x - floor(x);
        reflected = r == 0.5 ? 0 : M_PI / tan(M_PI * r);
        x = 1 - x;
    }
    for (; x < 10; x++)
        sum += 1 / x;
    /* ln x - 1/2x - sum of B(2k) / (2k x^2k) */
    double y = 1 / (x * x), power = y, tail = 0, factorial = 1;
    for (int k = 1; k <= BERNOULLI; k++) {
        tail += bernoulli_over_factorial[k - 1] * factorial * power;
        factorial *= 2.0 * k * (2.0 * k + 1);
        power *= y;
    }
    return log(x) - 0.5 / x - tail - sum - reflected;
}

double special_zeta(double x, double q)
{
    enum { HEAD = 10 };
    if (x == 1)
        return INFINITY;
    if (x < 1 || isnan(x) || isnan(q))
        return NAN;
    if (q <= 0) {
        if (q == floor(q))
            return x == floor(x) && fmod(x, 2) == 0 ? INFINITY : NAN;
        if (x != floor(x))
            return NAN; /* a power of what is negative */
    }
    double sum = 0, a = q;
    for (int i = 0; i < HEAD || a < HEAD; i++, a++)
        sum += pow(a, -x);
    /* The integral of the rest, half of its first term, and corrections. */
    double term = pow(a, -x), factor = x * term / a;
    sum += term * a / (x - 1) + 0.5 * term;
    for (int k = 0; k < BERNOULLI; k++) {
        double added = bernoulli_over_factorial[k] * factor;
        sum += added;
        if (fabs(added) < fabs(sum) * DBL_EPSILON)
            break;
        factor *= (x + 2 * k + 1) * (x + 2 * k + 2) / (a * a);
    }
    return sum;
}

double special_polygamma(double n, double x)
{
    if (n != floor(n) || n < 0)
        return NAN;
    if (n == 0)
        return special_digamma(x);
    double size = exp(lgamma(n + 1)) * special_zeta(n + 1, x);
    return fmod(n, 2) == 0 ? -size : size;
}

/* ---- incomplete gamma ---- */

/* x^a e^-x / gamma(a) */
static double gamma_factor(double a, double x)
{
    return exp(a * log(x) - x - lgamma(a));
}

static double igamma_series(double a, double x)
{
    double term = 1, sum = 1;
    for (int n = 1; n < TERMS_MAX; n++) {
        term *= x / (a + n);
        sum += term;
        if (term < sum * DBL_EPSILON)
            break;
    }
    return sum * gamma_factor(a, x) / a;
}

/* Continued fractions by Lentz' way: what would be zero is a little more. */
static double not_zero(double v)
{
    return fabs(v) < DBL_MIN ? DBL_MIN : v;
}

static double igammac_fraction(double a, double x)
{
    double b = x + 1 - a, c = 1 / DBL_MIN, d = 1 / not_zero(b), h = d;
    for (int i = 1; i < TERMS_MAX; i++) {
        double an = -i * (i - a);
        b += 2;
        d = 1 / not_zero(an * d + b);
        c = not_zero(b + an / c);
        h *= d * c;
        if (fabs(d * c - 1) < DBL_EPSILON)
            break;
    }
    return gamma_factor(a, x) * h;
}

double special_igamma(double a, double x)
{
    if (x == 0)
        return 0;
    if (!(x > 0) || !(a > 0))
        return NAN;
    if (isinf(a))
        return 0;
    if (isinf(x))
        return 1;
    return x > 1 && x > a ? 1 - igammac_fraction(a, x) : igamma_series(a, x);
}

double special_igammac(double a, double x)
{
    if (!(x >= 0) || !(a > 0))
        return NAN;
    if (isinf(x))
        return 0;
    if (isinf(a))
        return 1;
    if (x == 0)
        return 1;
    return x < 1 || x < a ? 1 - igamma_series(a, x) : igammac_fraction(a, x);
}

/* ---- incomplete beta ---- */

static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 / not_zero(1 - (a + b) * x / (a + 1)), h = d;
    for (int m = 1; m < TERMS_MAX; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / not_zero(1 + even * d);
        c = not_zero(1 + even / c);
        h *= d * c;
        d = 1 / not_zero(1 + odd * d);
        c = not_zero(1 + odd / c);
        h *= d * c;
        if (fabs(d * c - 1) < DBL_EPSILON)
            break;
    }
    return h;
}

double special_betainc(double a, double b, double x)
{
    if (!(a > 0) || !(b > 0) || !(x >= 0 && x <= 1))
        return NAN;
    if (x == 0 || x == 1)
        return x;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}
