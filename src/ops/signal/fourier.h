/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct fourier: discrete Fourier transforms of one length, any length. Made once for a binding,
 * used by any number of threads.
 */
#ifndef OPS_SIGNAL_FOURIER_H
#define OPS_SIGNAL_FOURIER_H

#include <complex.h>

#include "ops/kernel.h"
#include "ops/math/number.h"

struct fourier;

/* A plan in call->arena for transforms of n > 0 numbers. RESOURCE_EXHAUSTED. */
enum code fourier_new(const struct op_call *call, int64_t n, const struct fourier **plan,
                      struct error *err);

/* How many numbers of work space a transform needs. */
int64_t fourier_work(const struct fourier *plan);

/* data[k] becomes the sum over i of data[i] e^(-2 pi i k / n); +2 and no division when `inverse`.
 * `work`: fourier_work() numbers, not shared. */
void fourier_run(const struct fourier *plan, bool inverse, double complex *data,
                 double complex *work);

#endif
