/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/math/newton.h"

#include <math.h>

#if defined(__x86_64__)
#include <immintrin.h>

enum { LANES = 8 };

/* Where the step makes no number, of 0 and infinity, the approximation is right already. */
__attribute__((target("avx"))) static __m256 unless_nan(__m256 refined, __m256 approximation)
{
    __m256 sound = _mm256_cmp_ps(refined, refined, _CMP_EQ_OQ);
    return _mm256_blendv_ps(approximation, refined, sound);
}

/* r - r / 2 * (x r r - 1), in this order of roundings. */
__attribute__((target("avx"))) static int64_t rsqrt_lanes(const float *in, float *out, int64_t n)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        __m256 x = _mm256_loadu_ps(in + i), r = _mm256_rsqrt_ps(x);
        __m256 off = _mm256_add_ps(_mm256_mul_ps(_mm256_mul_ps(x, r), r), _mm256_set1_ps(-1));
        __m256 half = _mm256_mul_ps(r, _mm256_set1_ps(-0.5f));
        __m256 refined = _mm256_add_ps(_mm256_mul_ps(half, off), r);
        _mm256_storeu_ps(out + i, unless_nan(refined, r));
    }
    return i;
}

/* r + r (1 - x r) */
__attribute__((target("avx"))) static int64_t reciprocal_lanes(const float *in, float *out,
                                                               int64_t n)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        __m256 x = _mm256_loadu_ps(in + i), r = _mm256_rcp_ps(x);
        __m256 off = _mm256_sub_ps(_mm256_set1_ps(1), _mm256_mul_ps(x, r));
        __m256 refined = _mm256_add_ps(_mm256_mul_ps(r, off), r);
        _mm256_storeu_ps(out + i, unless_nan(refined, r));
    }
    return i;
}

static int64_t lanes(int64_t (*fn)(const float *, float *, int64_t), const float *in, float *out,
                     int64_t n)
{
    return __builtin_cpu_supports("avx") ? fn(in, out, n) : 0;
}
#else
#define lanes(fn, in, out, n) 0
#endif

void newton_rsqrt(const void *in, void *out, int64_t n)
{
    const float *from = in;
    float *to = out;
    for (int64_t i = lanes(rsqrt_lanes, from, to, n); i < n; i++)
        to[i] = 1 / sqrtf(from[i]);
}

void newton_reciprocal(const void *in, void *out, int64_t n)
{
    const float *from = in;
    float *to = out;
    for (int64_t i = lanes(reciprocal_lanes, from, to, n); i < n; i++)
        to[i] = 1 / from[i];
}
