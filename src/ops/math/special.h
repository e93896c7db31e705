/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Special functions that libm lacks, in double. Outside of a function's domain the answers are
 * those that TensorFlow (Eigen's port of Cephes) gives: NaN or an infinity.
 */
#ifndef OPS_MATH_SPECIAL_H
#define OPS_MATH_SPECIAL_H

/* ---- the gamma function's kin (special_gamma.c) ---- */

double special_digamma(double x);
double special_zeta(double x, double q); /* Hurwitz: the sum of (q + k)^-x */
double special_polygamma(double n, double x);
double special_igamma(double a, double x);  /* regularised, from 0 to x */
double special_igammac(double a, double x); /* regularised, from x to infinity */
double special_betainc(double a, double b, double x);

/* ---- integrals of exponentials and trigonometric functions (special_integral.c) ---- */

double special_erfinv(double x);
double special_ndtri(double p); /* the normal distribution's quantile */
double special_dawson(double x);
double special_expint(double x); /* Ei */
double special_spence(double x); /* the integral of ln t / (1 - t) from 1 to x */
void special_fresnel(double x, double *c, double *s);

/* ---- Bessel functions (special_bessel.c) ---- */

/* I of order 0 or 1, times exp(-|x|) if scaled. */
double special_bessel_i(int order, double x, int scaled);
/* K of order 0 or 1, times exp(x) if scaled. */
double special_bessel_k(int order, double x, int scaled);
double special_bessel_j(int order, double x);
double special_bessel_y(int order, double x);

#endif
