/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decimal_plain.c says why this arithmetic is exact; here it is done without branches, in loops
 * over a block of floats that the compiler turns into vector instructions. Both ways of rounding
 * are computed for every float, and that they apply is known afterwards. Zero and floats
 * out of range are computed as if they were 1, so that nothing leaves the range of an integer.
 *
 * What differs from float to float, the number of digits and where the point goes, is left to
 * decimal_block_print(), which only shifts and stores.
 */
#include "wire/decimal_block.h"

#include <math.h>

#include "base/kernel.h"

enum {
    NINE_DIGITS = 1000000000, /* one more than they can say */
};

#define FORM_BELOW_1(zeros, text)                                                                  \
    {                                                                                              \
        .between = text, .shift = 8 * (1 + (zeros)), .more = 1 + (zeros)                           \
    }
#define FORM(before)                                                                               \
    {                                                                                              \
        .kept = ((uint64_t)1 << 8 * (before)) - 1, .between = (uint64_t)'.' << 8 * (before),       \
        .shift = 8, .at_least = (before) + 1, .more = 1                                            \
    }

/* "0.000" from its end, as the first byte is the lowest. */
const struct decimal_block_form decimal_block_forms[DECIMAL_BLOCK_FORMS] = {
    FORM_BELOW_1(4, 0x3030302e30), /* 1e-4 */
    FORM_BELOW_1(3, 0x30302e30),
    FORM_BELOW_1(2, 0x302e30),
    FORM_BELOW_1(1, 0x2e30),
    FORM(1),
    FORM(2),
    FORM(3),
    FORM(4),
    FORM(5),
    FORM(6),
    {0}, /* odd */
};

/* Floats as the loops below want them. */
struct magnitudes {
    float value[DECIMAL_BLOCK];      /* 1 for zero and what is odd */
    float half[DECIMAL_BLOCK];       /* the distance to the next float, halved */
    int32_t exponent[DECIMAL_BLOCK]; /* of ten, rounded down */
    float scale[DECIMAL_BLOCK];      /* brings six digits before the point: exact up to 10^10 */
    int32_t flags[DECIMAL_BLOCK];
};

enum {
    FLAG_ODD = 1,
    FLAG_ZERO = 2,
    FLAG_POWER = 4, /* of two: the next float below is nearer */
};

/* The first float of each power of ten behind 10^-4, and the scale from there on. */
enum { POWERS = 10 };
static const float powers_from[] = {
    0x1.0624dep-10f, 0x1.47ae16p-7f, 0x1.99999ap-4f, 1e0f, 1e1f, 1e2f, 1e3f, 1e4f, 1e5f};
static const float scales[] = {1e8f, 1e7f, 1e6f, 1e5f, 1e4f, 1e3f, 1e2f, 1e1f, 1e0f};

/* The greatest power of two that is not greater. */
static inline float power_below(float value)
{
    uint32_t bits;
    float power;
    memcpy(&bits, &value, sizeof bits);
    bits &= 0x7f800000;
    memcpy(&power, &bits, sizeof power);
    return power;
}

KERNEL void take_apart(struct decimal_block *restrict block, struct magnitudes *restrict m,
                       const float *restrict values)
{
    for (int i = 0; i < DECIMAL_BLOCK; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        block->sign[i] = bits >> 31;
        float value = fabsf(values[i]);
        int32_t is_zero = value == 0, in_range = (value >= 1e-4f) & (value < 1e6f);
        m->flags[i] = is_zero * FLAG_ZERO | (!is_zero & !in_range) * FLAG_ODD;
        m->value[i] = in_range ? value : 1;
    }
}

KERNEL void find_scale(struct magnitudes *restrict m)
{
    for (int i = 0; i < DECIMAL_BLOCK; i++) {
        float value = m->value[i], power = power_below(value);
        m->half[i] = power * 0x1p-24f;
        m->flags[i] |= (value == power) * FLAG_POWER;
        int32_t exponent = -4;
        float scale = 1e9f;
        for (int k = 0; k < POWERS - 1; k++) {
            exponent += value >= powers_from[k];
            scale = value >= powers_from[k] ? scales[k] : scale;
        }
        m->exponent[i] = exponent;
        m->scale[i] = scale;
    }
}

/* To nine digits, zeros behind six if those read back the same. */
KERNEL void round_off(int32_t *restrict nine, struct magnitudes *restrict m)
{
    for (int i = 0; i < DECIMAL_BLOCK; i++) {
        double scale = (double)m->scale[i];
        double scaled = (double)m->value[i] * scale, half = (double)m->half[i] * scale;
        double longer = scaled * 1000 + 0.5;
        int32_t rounded = (int32_t)(scaled + 0.5), rounded_longer = (int32_t)longer;
        double off = fabs(scaled - (double)rounded);
        int32_t is_power = (m->flags[i] & FLAG_POWER) / FLAG_POWER;
        int32_t is_tie = (off > half) & (longer == (double)rounded_longer);
        m->flags[i] |= ((off == half) | ((off > 0) & is_power) | is_tie) * FLAG_ODD;
        nine[i] = off < half ? rounded * 1000 : rounded_longer;
    }
}

/* Two digits at a time are taken out of four, then one out of two, beside each other. */
static inline uint32_t four_digits(uint32_t n)
{
    uint32_t hundreds = n * 10486 >> 20;
    uint32_t pairs = hundreds | (n - hundreds * 100) << 16;
    uint32_t tens = (pairs * 103 >> 10) & 0x000f000f;
    return tens | (pairs - tens * 10) << 8;
}

KERNEL void split(struct decimal_block *restrict block, const int32_t *restrict nine,
                  const struct magnitudes *restrict m)
{
    for (int i = 0; i < DECIMAL_BLOCK; i++) {
        bool carried = nine[i] == NINE_DIGITS; /* 0.01 is 0.00999999978 */
        uint32_t n = carried ? NINE_DIGITS / 10 : (uint32_t)nine[i];
        n = m->flags[i] & FLAG_ZERO ? 0 : n;
        uint32_t eight = n / 10, four = eight / 10000;
        block->digits[i] = four_digits(four) | (uint64_t)four_digits(eight - four * 10000) << 32;
        block->ninth[i] = n - eight * 10;
        int32_t form = m->exponent[i] + carried + DECIMAL_BLOCK_FORM_1;
        block->form[i] = m->flags[i] & FLAG_ODD ? DECIMAL_BLOCK_FORM_ODD : form;
    }
}

void decimal_block_compute(struct decimal_block *block, const float values[DECIMAL_BLOCK])
{
    struct magnitudes m;
    int32_t nine[DECIMAL_BLOCK];
    take_apart(block, &m, values);
    find_scale(&m);
    round_off(nine, &m);
    split(block, nine, &m);
}
