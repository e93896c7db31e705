/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floats between 1e-4 and 1e6, which is what models mostly answer: a way to print them that is
 * exact in double arithmetic and hardly branches.
 *
 * A float has 24 bits and 5^12 has 28, so that value * 10^k is an exact double for k up to 12: for
 * the k that brings six digits before the point (9 at most here), and for that which brings nine.
 * Rounded to six digits it is off by so much; the text reads back as the same float if that is less
 * than half the distance to the next float. All of that is known exactly, too. What is on the edge
 * is left to decimal.c: ties, and powers of two, whose neighbour below is nearer. Integers need no
 * way of their own.
 */
#include <math.h>
#include <string.h>

#include "wire/decimal.h"

enum {
    FLOAT_FRACTION_BITS = 23,
    FLOAT_BIAS = 127,
    SHORT_DIGITS = 6, /* "%.6g" */
    LONG_MORE = 3,    /* "%.9g" */
};

/* The eight digits of n < 10^8 as bytes 0..9, the first in the lowest byte: halves, then pairs,
 * then digits are taken apart beside each other, divisions being multiplications. */
static inline uint64_t eight_digits(uint32_t n)
{
    uint64_t fours = n / 10000 | (uint64_t)(n % 10000) << 32;
    uint64_t hundreds = (fours * 10486 >> 20) & 0x0000007f0000007f;
    uint64_t pairs = hundreds | (fours - hundreds * 100) << 16;
    uint64_t tens = (pairs * 103 >> 10) & 0x000f000f000f000f;
    return tens | (pairs - tens * 10) << 8;
}

/* Digits and where the point goes: d.ddd * 10^exponent. */
struct digits {
    uint64_t eight; /* as eight_digits() has them */
    uint32_t ninth;
    int exponent;
};

/* As "123.456", "3.0" or "0.00123", without zeros at the end. Bytes are written eight at a time,
 * needed or not. */
static inline size_t lay_out(char *text, const struct digits *d)
{
    uint64_t ascii = d->eight + 0x3030303030303030;
    size_t count = d->ninth ? 9 : 8 - (size_t)__builtin_clzll(d->eight) / 8;
    if (d->exponent < 0) {
        size_t zeros = (size_t)-d->exponent;
        memcpy(text, "0.000", 5);
        memcpy(text + 1 + zeros, &ascii, 8);
        text[9 + zeros] = (char)('0' + d->ninth);
        return 1 + zeros + count;
    }
    size_t before = (size_t)d->exponent + 1;
    uint64_t behind = ascii >> 8 * before;
    memcpy(text, &ascii, 8);
    text[before] = '.';
    memcpy(text + before + 1, &behind, 8);
    text[9] = (char)('0' + d->ninth);
    return (count > before ? count : before + 1) + 1;
}

/* The double with this exponent of two and no other bits. */
static inline double power_of_two(int exponent)
{
    uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

size_t decimal_print_plain_float(char text[DECIMAL_TEXT_MAX], float signed_value)
{
    /* 10^-4 and up, by the exponent of ten plus 4. */
    static const double limits[] = {1e-4, 1e-3, 1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    float value = fabsf(signed_value);
    if (!(value >= 1e-4f && value < 1e6f))
        return 0;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    int binary = (int)(bits >> FLOAT_FRACTION_BITS) - FLOAT_BIAS;
    int exponent = (binary + 1) * 1233 >> 12; /* right, or one too many */
    exponent -= (double)value < limits[exponent + 4];
    const double *power = &decimal_exact_powers[SHORT_DIGITS - 1 - exponent];
    double scaled = (double)value * *power;
    uint32_t rounded = (uint32_t)(scaled + 0.5);
    double off = fabs(scaled - (double)rounded);
    double half = power_of_two(binary - FLOAT_FRACTION_BITS - 1) * *power; /* to the next float */
    bool is_power_of_two = !(bits & ((1u << FLOAT_FRACTION_BITS) - 1));
    if (off == half || (off > 0 && is_power_of_two))
        return 0;
    size_t sign = signbit(signed_value) != 0;
    text[0] = '-';
    if (off < half) {
        bool carried = rounded == 1000000; /* 0.01 is 0.00999999978 */
        struct digits d = {eight_digits(carried ? 10000000 : rounded * 100), 0, exponent + carried};
        return sign + lay_out(text + sign, &d);
    }
    scaled = (double)value * power[LONG_MORE];
    rounded = (uint32_t)(scaled + 0.5);
    if (scaled + 0.5 == (double)rounded) /* a tie */
        return 0;
    struct digits d = {eight_digits(rounded / 10), rounded % 10, exponent};
    return sign + lay_out(text + sign, &d);
}
