/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1 / sqrt(x) and 1 / x of floats as TensorFlow's builds for x86 compute them: eight at a time the
 * processor's approximation and one step of Newton's, the rest by division. They miss the nearest
 * float for one number in three, and so must we: a sum that cancels shows it. Elsewhere, and
 * without AVX, all by division.
 */
#ifndef OPS_MATH_NEWTON_H
#define OPS_MATH_NEWTON_H

#include <stdint.h>

/* in and out have n floats and may be the same. */
void newton_rsqrt(const void *in, void *out, int64_t n);
void newton_reciprocal(const void *in, void *out, int64_t n);

#endif
