/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Denormal floats count as zero while a plan runs, as they do on TensorFlow's threads: its answers
 * depend on it, and a processor takes many times as long for a denormal. The mode belongs to the
 * thread and is put back after the run.
 */
#ifndef ENGINE_DENORMALS_H
#define ENGINE_DENORMALS_H

#if defined(__SSE2__)
#include <immintrin.h>

enum { DENORMALS_FLUSH = 0x8040 }; /* flush results to zero, take inputs as zero */

/* The mode before. */
static inline unsigned denormals_off(void)
{
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | DENORMALS_FLUSH);
    return before;
}

static inline void denormals_restore(unsigned before)
{
    _mm_setcsr(before);
}
#else
static inline unsigned denormals_off(void)
{
    return 0;
}

static inline void denormals_restore(unsigned before)
{
    (void)before;
}
#endif

#endif
