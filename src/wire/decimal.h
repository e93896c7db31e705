/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decimal text to binary floating point and back, always correctly rounded, without locale. Any
 * thread.
 */
#ifndef WIRE_DECIMAL_H
#define WIRE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum {
    DECIMAL_TEXT_MAX = 48, /* what decimal_print_* may write to, more than the text they leave */
    DECIMAL_EXACT_POWER_MAX = 22, /* 10^22 is the last that a double holds exactly */
};

extern const double decimal_exact_powers[DECIMAL_EXACT_POWER_MAX + 1]; /* 10^0 and up */

/* The same as decimal_to_double for what nearly everybody writes: where both the mantissa and the
 * power are exact doubles, one division rounds once (Clinger). False: it is not that. */
static inline bool decimal_to_double_exact(uint64_t mantissa, int exponent, double *value)
{
    if (mantissa > (uint64_t)1 << 53 || exponent > 0 || exponent < -DECIMAL_EXACT_POWER_MAX)
        return false;
    *value = (double)(int64_t)mantissa / decimal_exact_powers[-exponent];
    return true;
}

/* mantissa * 10^exponent, rounded to the nearest double. False (seldom) when that needs more than
 * 128 bits of precision or an exponent out of the table: then ask decimal_parse. */
bool decimal_to_double(uint64_t mantissa, int exponent, double *value);

/* The value of `digits[.digits][e[+-]digits]` (no sign before), of any length; infinity when it is
 * too big. */
double decimal_parse(struct span text);

/* Prints a finite value as the original server's REST answers have it: "%.6g" if that reads back
 * the same, else "%.9g" for a float and "%.17g" for a double; then ".0" when there is neither '.'
 * nor 'e'. Not zero-terminated; returns the length. */
size_t decimal_print_float(char text[DECIMAL_TEXT_MAX], float value);
size_t decimal_print_double(char text[DECIMAL_TEXT_MAX], double value);

/* The same of nearly all floats between 1e-4 and 1e6, with either sign, and quickly; 0: it is none
 * of these. */
size_t decimal_print_plain_float(char text[DECIMAL_TEXT_MAX], float value);

/* Decimal digits of an integer; returns the length (at most 20). */
size_t decimal_print_uint(char *text, uint64_t value);

#endif
