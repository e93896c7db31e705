/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modified Bessel functions: I by its power series or, beyond 30, its asymptotic one; K by the
 * trapezoidal rule on the integral of exp(-x cosh t) cosh(order t), which converges so fast that
 * some dozens of points give all digits.
 */
#include <float.h>
#include <math.h>

#include "ops/math/special.h"

/* exp(-x) I(x), x >= 0 */
static double scaled_i(int order, double x)
{
    double term = 1, sum = 1;
    if (x <= 30) {
        double y = x * x / 4;
        term = sum = order ? x / 2 : 1;
        for (int k = 1; term > sum * DBL_EPSILON * 0.1; k++) {
            term *= y / ((double)k * (k + order));
            sum += term;
        }
        return sum * exp(-x);
    }
    for (int k = 1; fabs(term) > DBL_EPSILON * 0.1; k++) {
        double odd = 2.0 * k - 1;
        term *= -(4.0 * order - odd * odd) / (8 * x * k);
        sum += term;
    }
    return sum / sqrt(2 * M_PI * x);
}

double special_bessel_i(int order, double x, int scaled)
{
    double size = fabs(x);
    if (isnan(x) || (isinf(x) && !scaled))
        return NAN;
    double value = isinf(x) ? 0 : scaled_i(order, size);
    if (!scaled && size > 700)
        value = exp(size / 2) * value * exp(size / 2);
    else if (!scaled)
        value *= exp(size);
    return order && x < 0 ? -value : value;
}

/* exp(x) K(x), x > 0 */
static double scaled_k(int order, double x)
{
    double step = 0.25, sum = 0.5;
    if (0.7 / sqrt(x) < step)
        step = 0.7 / sqrt(x);
    for (int i = 1;; i++) {
        double s = sinh(i * step / 2), added = exp(-2 * x * s * s) * (order ? cosh(i * step) : 1);
        sum += added;
        if (added < sum * DBL_EPSILON * 0.01)
            break;
    }
    return sum * step;
}

double special_bessel_k(int order, double x, int scaled)
{
    if (x <= 0)
        return INFINITY;
    if (isnan(x))
        return x;
    if (isinf(x))
        return 0;
    double value = scaled_k(order, x);
    return scaled ? value : value * exp(-x);
}

double special_bessel_j(int order, double x)
{
    if (isinf(x))
        return NAN;
    return order ? j1(x) : j0(x);
}

double special_bessel_y(int order, double x)
{
    if (x <= 0)
        return -INFINITY;
    if (isinf(x))
        return NAN;
    return order ? y1(x) : y0(x);
}
