/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exponential, hyperbolic tangent and error function of floats as straight lines of arithmetic, so
 * that the loop around them becomes vector code. Range reduction and polynomials are the classical
 * ones of the Cephes library; the error is at most 3 units in the last place where nothing else is
 * said. Infinities, NaN and denormal results come out as from libm.
 */
#ifndef OPS_NN_VECTOR_MATH_H
#define OPS_NN_VECTOR_MATH_H

#include <stdint.h>
#include <string.h>

static inline float vector_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t vector_to_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* e to the x. x = n ln 2 + r with |r| <= ln 2 / 2; the polynomial gives e^r; 2^n is multiplied in
 * two halves, for n may lie beyond a float's exponent on both sides. Adding 1.5 * 2^23 rounds to
 * an integer that then stands in the low bits. */
static inline float vector_exp(float x)
{
    const float rounder = 12582912.0f;
    const uint32_t rounder_bits = 0x4b400000;
    x = x > 89.0f ? 89.0f : x;
    x = x < -105.0f ? -105.0f : x;
    float shifted = x * 1.44269504088896341f + rounder;
    float n = shifted - rounder;
    float r = x - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    int32_t exponent = (int32_t)(vector_to_bits(shifted) - rounder_bits);
    int32_t half = exponent >> 1;
    uint32_t first = (uint32_t)(half + 127) << 23;
    uint32_t second = (uint32_t)(exponent - half + 127) << 23;
    return p * vector_from_bits(first) * vector_from_bits(second);
}

/* An odd polynomial near zero, 1 - 2 / (e^2|x| + 1) beyond. */
static inline float vector_tanh(float x)
{
    float size = __builtin_fabsf(x);
    float z = x * x;
    float p = -5.70498872745e-3f;
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    float near = p * z * x + x;
    float far = 1.0f - 2.0f / (vector_exp(2.0f * size) + 1.0f);
    far = __builtin_copysignf(far, x);
    return size < 0.625f ? near : far;
}

/* An odd rational function up to 3.92, from where on floats next to 1 are all there is; fitted by
 * least squares to within 2e-9. */
static inline float vector_erf(float x)
{
    float c = x > 3.92f ? 3.92f : x;
    c = c < -3.92f ? -3.92f : c;
    float t = c * c;
    float p = -1.27988883e-8f;
    p = p * t + 4.60904458e-6f;
    p = p * t + 3.76752298e-4f;
    p = p * t + 3.83862882e-3f;
    p = p * t + 5.42439114e-2f;
    p = p * t + 1.85135987e-1f;
    p = p * t + 1.12837917f;
    float q = 6.23973634e-5f;
    q = q * t + 1.30151705e-3f;
    q = q * t + 1.54300383e-2f;
    q = q * t + 1.13873903e-1f;
    q = q * t + 4.97405903e-1f;
    q = q * t + 1.0f;
    float y = c * p / q;
    y = y > 1.0f ? 1.0f : y;
    return y < -1.0f ? -1.0f : y;
}

/* t e^(p(t) - x^2) with t = 1 / (1 + |x| / 2), the square in two parts, for the rounding of one
 * would be seen; reflected for negative x. Within 5e-6 of the value, however small it is. */
static inline float vector_erfc(float x)
{
    float size = __builtin_fabsf(x);
    size = size > 11.0f ? 11.0f : size;
    float t = 1.0f / (1.0f + 0.5f * size);
    float p = -0.13384070f;
    p = p * t + 0.92570522f;
    p = p * t - 2.67220130f;
    p = p * t + 4.07329342f;
    p = p * t - 3.40495599f;
    p = p * t + 1.58159377f;
    p = p * t - 0.67878878f;
    p = p * t + 0.21733507f;
    p = p * t + 0.35586668f;
    p = p * t + 1.00155988f;
    p = p * t - 1.26556727f;
    float high = vector_from_bits(vector_to_bits(size) & 0xfffff000u);
    float y = t * vector_exp((p - (size - high) * (size + high)) - high * high);
    y = x < 0 ? 2.0f - y : y;
    return x != x ? x : y;
}

static inline float vector_sigmoid(float x)
{
    return 1.0f / (1.0f + vector_exp(-x));
}

#endif
