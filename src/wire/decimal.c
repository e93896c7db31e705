/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading. A decimal is mantissa * 10^exponent. Up to 2^53 and 10^22 both are exact doubles, and
 * one multiplication or division rounds once: correct (Clinger). Otherwise Eisel and Lemire's way
 * ("Number Parsing at a Gigabyte per Second", 2021): the mantissa times a 128-bit power of five
 * tells the double except in cases that it recognises. Those, and exponents beyond the table, which
 * hardly anybody writes, go to strtod_l in the "C" locale, digits beyond 770 folded into one (no
 * double needs more to be told apart).
 *
 * Printing to N significant digits. value * 10^k, with k such that N digits stand before the point,
 * is computed with known error; if the part behind the point is farther from one half than the
 * error, the rounding is certain. If not (ties, chiefly), snprintf decides. float   in double
 * arithmetic: an exact power, one rounding, relative error 2^-53 double  in 192-bit integers on the
 * same table as above, relative error below 2^-63
 */
#include "wire/decimal.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum {
    POWER_FIRST = -64,
    POWER_LAST = 64,
    DIGITS_KEPT = 770,
    DOUBLE_FRACTION_BITS = 52,
    DOUBLE_BIAS = 1023,
};

struct power {
    uint64_t high;
    uint64_t low;
};

static const struct power powers[] = {
#include "wire/powers.inc"
};
_Static_assert(sizeof powers / sizeof *powers == POWER_LAST - POWER_FIRST + 1, "table of powers");

const double decimal_exact_powers[DECIMAL_EXACT_POWER_MAX + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

typedef unsigned __int128 uint128;

/* The exponent of two that goes with powers[q]: floor(q * log2(10)) + 63, by a fraction that is
 * exact in the table's range. */
static int binary_exponent(int q)
{
    return (217706 * q >> 16) + 63;
}

/* ---- reading ---- */

static double from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The top 128 bits of mantissa (highest bit set) times the power; the lowest ones only as far as
 * they matter. */
static uint128 multiply(uint64_t mantissa, const struct power *power)
{
    uint128 product = (uint128)mantissa * power->high;
    if (((uint64_t)(product >> 64) & 0x1ff) == 0x1ff)
        product += (uint64_t)((uint128)mantissa * power->low >> 64);
    return product;
}

static bool eisel_lemire(uint64_t mantissa, int exponent, double *value)
{
    int zeros = __builtin_clzll(mantissa);
    uint128 product = multiply(mantissa << zeros, &powers[exponent - POWER_FIRST]);
    uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
    if (low == UINT64_MAX && (exponent < -27 || exponent > 55))
        return false;
    int upper = (int)(high >> 63), shift = upper + 64 - DOUBLE_FRACTION_BITS - 3;
    uint64_t bits = high >> shift;
    int biased = binary_exponent(exponent) + upper - zeros + DOUBLE_BIAS;
    /* Exactly between two doubles: only small powers can be. To even, then. */
    if (low <= 1 && exponent >= -4 && exponent <= 23 && (bits & 3) == 1 && bits << shift == high)
        bits &= ~(uint64_t)1;
    bits += bits & 1;
    bits >>= 1;
    if (bits >> (DOUBLE_FRACTION_BITS + 1)) {
        bits >>= 1;
        biased++;
    }
    /* The table's exponents keep far from the ends of the range: no subnormals, no infinity. */
    bits &= ((uint64_t)1 << DOUBLE_FRACTION_BITS) - 1;
    *value = from_bits(bits | (uint64_t)biased << DOUBLE_FRACTION_BITS);
    return true;
}

bool decimal_to_double(uint64_t mantissa, int exponent, double *value)
{
    if (decimal_to_double_exact(mantissa, exponent, value))
        return true;
    if (mantissa <= (uint64_t)1 << 53 && exponent > 0 && exponent <= DECIMAL_EXACT_POWER_MAX) {
        *value = (double)mantissa * decimal_exact_powers[exponent];
        return true;
    }
    if (mantissa == 0) {
        *value = 0;
        return true;
    }
    if (exponent < POWER_FIRST || exponent > POWER_LAST)
        return false;
    return eisel_lemire(mantissa, exponent, value);
}

static locale_t c_locale;

static void make_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", NULL);
    CHECK(c_locale);
}

/* A number taken apart: the first significant digits and the exponent of the last of them. */
struct digits {
    char kept[DIGITS_KEPT + 1 + 24]; /* with room for a folded digit, 'e' and the exponent */
    int count;
    int64_t exponent;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes the digits of one side of the point. */
static void take_digits(struct span *text, bool is_fraction, struct digits *digits)
{
    size_t i = 0;
    for (; i < text->len && is_digit(text->ptr[i]); i++) {
        char c = text->ptr[i];
        bool is_leading = digits->count == 0 && c == '0';
        if (!is_leading && digits->count < DIGITS_KEPT)
            digits->kept[digits->count++] = c;
        else if (!is_leading) {
            /* Beyond the precision: whether anything follows is all that matters. */
            if (c != '0')
                digits->kept[DIGITS_KEPT - 1] |= 1;
            digits->exponent++;
        }
        digits->exponent -= is_fraction;
    }
    *text = span_sub(*text, i, text->len);
}

static void take_exponent(struct span text, struct digits *digits)
{
    enum { FAR = 100000000 }; /* beyond this the rest does not matter */
    if (text.len == 0)
        return;
    bool minus = text.len > 1 && text.ptr[1] == '-';
    size_t i = text.len > 1 && !is_digit(text.ptr[1]) ? 2 : 1;
    int64_t exponent = 0;
    for (; i < text.len && is_digit(text.ptr[i]); i++)
        exponent = exponent < FAR ? exponent * 10 + (text.ptr[i] - '0') : exponent;
    digits->exponent += minus ? -exponent : exponent;
}

double decimal_parse(struct span text)
{
    struct digits digits;
    digits.count = 0;
    digits.exponent = 0;
    take_digits(&text, false, &digits);
    if (text.len && text.ptr[0] == '.') {
        text = span_sub(text, 1, text.len);
        take_digits(&text, true, &digits);
    }
    take_exponent(text, &digits);
    if (digits.count == 0)
        return 0;
    snprintf(digits.kept + digits.count, sizeof digits.kept - (size_t)digits.count, "e%lld",
             (long long)digits.exponent);
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_locale);
    return strtod_l(digits.kept, NULL, c_locale);
}

/* ---- printing ---- */

static const char digit_pairs[201] =
    "00010203040506070809101112131415161718192021222324252627282930313233"
    "34353637383940414243444546474849505152535455565758596061626364656667"
    "6869707172737475767778798081828384858687888990919293949596979899";

static const uint64_t integer_powers[20] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
    10000000000000000000u,
};

static int count_digits(uint64_t value)
{
    int bits = 64 - __builtin_clzll(value | 1);
    int guess = bits * 1233 >> 12; /* bits * log10(2): right, or one too few */
    return guess + ((value | 1) >= integer_powers[guess]);
}

size_t decimal_print_uint(char *text, uint64_t value)
{
    size_t count = (size_t)count_digits(value), n = count;
    for (; value >= 100; value /= 100) {
        n -= 2;
        memcpy(text + n, digit_pairs + value % 100 * 2, 2);
    }
    if (value >= 10)
        memcpy(text, digit_pairs + value * 2, 2);
    else
        text[0] = (char)('0' + value);
    return count;
}

/* A value rounded to `precision` significant digits: digits * 10^(exponent - precision + 1), digits
 * with that many places. */
struct rounded {
    uint64_t digits;
    int exponent; /* of ten, of the first digit */
    int precision;
};

/* "%.<precision>g" of it, with ".0" where neither '.' nor 'e' stands. Digits are copied
 * DIGITS_COPIED at a time, needed or not: a copy of fixed size is a few instructions, and
 * DECIMAL_TEXT_MAX leaves room. */
static size_t format(char *text, const struct rounded *r)
{
    enum { DIGITS_COPIED = 20 };
    char digits[2 * DIGITS_COPIED] = {0};
    size_t count = decimal_print_uint(digits, r->digits);
    while (count > 1 && digits[count - 1] == '0')
        count--;
    int exponent = r->exponent;
    char *out = text;
    if (exponent < -4 || exponent >= r->precision) {
        *out++ = digits[0];
        if (count > 1) {
            *out++ = '.';
            memcpy(out, digits + 1, DIGITS_COPIED);
            out += count - 1;
        }
        *out++ = 'e';
        *out++ = exponent < 0 ? '-' : '+';
        exponent = exponent < 0 ? -exponent : exponent;
        if (exponent < 10)
            *out++ = '0';
        return (size_t)(out - text) + decimal_print_uint(out, (uint64_t)exponent);
    }
    if (exponent < 0) {
        memcpy(out, "0.000", 5);
        out += 1 - exponent;
        memcpy(out, digits, DIGITS_COPIED);
        return (size_t)(out - text) + count;
    }
    size_t before = (size_t)exponent + 1;
    memcpy(out, digits, DIGITS_COPIED);
    if (count <= before) {
        memset(out + count, '0', before - count);
        memcpy(out + before, ".0", 2);
        return before + 2;
    }
    out[before] = '.';
    memcpy(out + before + 1, digits + before, DIGITS_COPIED);
    return count + 1;
}

/* Rounding carried into one more digit. */
static void settle(struct rounded *r)
{
    if (r->digits == integer_powers[r->precision]) {
        r->digits /= 10;
        r->exponent++;
    }
}

/* The slow and certain way. */
static size_t print_slowly(char *text, double value, int precision)
{
    int n = snprintf(text, DECIMAL_TEXT_MAX, "%.*g", precision, value);
    /* A locale that somebody set may print another point. */
    bool has_point = false;
    for (int i = 0; i < n; i++) {
        bool is_plain = is_digit(text[i]) || strchr("e+-", text[i]);
        text[i] = is_plain ? text[i] : '.';
        has_point |= text[i] == '.' || text[i] == 'e';
    }
    if (has_point)
        return (size_t)n;
    memcpy(text + n, ".0", 2);
    return (size_t)n + 2;
}

/* 10^k as a product or quotient of an exact power. */
static double scale(double value, int k)
{
    return k < 0 ? value / decimal_exact_powers[-k] : value * decimal_exact_powers[k];
}

/* floor(log10(value)) of a positive normal double, or one more: from the exponent of two. */
static int guess_exponent(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int binary = (int)(bits >> DOUBLE_FRACTION_BITS) - DOUBLE_BIAS;
    return (binary + 1) * 1233 >> 12;
}

/* Of a float, given as a positive double. False: uncertain. */
static bool round_float(double value, int precision, struct rounded *r)
{
    int exponent = guess_exponent(value), k = precision - 1 - exponent;
    if (k < -DECIMAL_EXACT_POWER_MAX || k >= DECIMAL_EXACT_POWER_MAX)
        return false;
    double scaled = scale(value, k);
    if (scaled < (double)integer_powers[precision - 1]) {
        scaled = scale(value, k + 1);
        exponent--;
    }
    /* Below 2^30 with a relative error of 2^-53: 2^-20 is ample. */
    int64_t whole = (int64_t)scaled;
    double rest = scaled - (double)whole;
    if (fabs(rest - 0.5) < 0x1p-20 || scaled < (double)integer_powers[precision - 1] ||
        scaled >= (double)integer_powers[precision])
        return false;
    *r = (struct rounded){(uint64_t)whole + (rest > 0.5), exponent, precision};
    settle(r);
    return true;
}

/* Do the digits read back as exactly this float? Undecided (false) where rounding to double first
 * could mislead. */
static bool reads_back_as_float(const struct rounded *r, float value, bool *same)
{
    double back;
    uint64_t bits;
    if (!decimal_to_double(r->digits, r->exponent - r->precision + 1, &back))
        return false;
    memcpy(&bits, &back, sizeof bits);
    if ((bits & 0x1fffffff) == 0x10000000)
        return false;
    *same = (float)back == value;
    return true;
}

static size_t print_float_slowly(char *text, float value)
{
    size_t n = print_slowly(text, (double)value, 6);
    text[n] = '\0';
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_locale);
    if (strtof_l(text, NULL, c_locale) == value)
        return n;
    return print_slowly(text, (double)value, 9);
}

size_t decimal_print_float(char text[DECIMAL_TEXT_MAX], float value)
{
    size_t plain = decimal_print_plain_float(text, value);
    if (plain)
        return plain;
    char *out = text;
    if (signbit(value)) {
        *out++ = '-';
        value = -value;
    }
    size_t sign = (size_t)(out - text);
    if (value == 0) {
        memcpy(out, "0.0", 3);
        return sign + 3;
    }
    struct rounded r;
    bool same;
    bool is_subnormal =
        value < 0x1p-126f; /* its neighbours are farther apart than reads_back_as_float assumes */
    if (is_subnormal || !round_float((double)value, 6, &r) ||
        !reads_back_as_float(&r, value, &same))
        return sign + print_float_slowly(out, value);
    if (same)
        return sign + format(out, &r);
    if (round_float((double)value, 9, &r))
        return sign + format(out, &r);
    return sign + print_slowly(out, (double)value, 9);
}

/* Of a positive normal double. False: uncertain. */
static bool round_double(double value, int precision, struct rounded *r)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t mantissa =
        (bits & (((uint64_t)1 << DOUBLE_FRACTION_BITS) - 1)) | (uint64_t)1 << DOUBLE_FRACTION_BITS;
    int binary = (int)(bits >> DOUBLE_FRACTION_BITS) - DOUBLE_BIAS - DOUBLE_FRACTION_BITS;
    int exponent = guess_exponent(value);
    for (int tries = 0; tries < 2; tries++, exponent--) {
        int k = precision - 1 - exponent;
        if (k < POWER_FIRST || k > POWER_LAST)
            return false;
        /* (mantissa << 11) * 2^(binary - 11) times power * 2^(log2 - 127), the low 64 bits cut off:
         * the point lies `shift` bits up. */
        const struct power *power = &powers[k - POWER_FIRST];
        uint128 product = (uint128)(mantissa << 11) * power->high;
        product += (uint64_t)((uint128)(mantissa << 11) * power->low >> 64);
        int shift = 137 - binary - binary_exponent(k);
        if (shift < 66 || shift > 126)
            return false;
        uint64_t whole = (uint64_t)(product >> shift);
        if (whole < integer_powers[precision - 1])
            continue;
        /* The top 64 bits behind the point; the error of the product is a few units in bit 0. */
        uint64_t rest = (uint64_t)(product >> (shift - 64));
        uint64_t half = (uint64_t)1 << 63, distance = rest > half ? rest - half : half - rest;
        if (distance < 64 || whole >= integer_powers[precision - 1] * 10)
            return false;
        *r = (struct rounded){whole + (rest > half), exponent, precision};
        settle(r);
        return true;
    }
    return false;
}

static size_t print_double_slowly(char *text, double value)
{
    size_t n = print_slowly(text, value, 6);
    if (decimal_parse(span_make(text, n)) == value)
        return n;
    return print_slowly(text, value, 17);
}

size_t decimal_print_double(char text[DECIMAL_TEXT_MAX], double value)
{
    char *out = text;
    if (signbit(value)) {
        *out++ = '-';
        value = -value;
    }
    size_t sign = (size_t)(out - text);
    if (value < 1e6 && value == (double)(uint32_t)value) {
        size_t n = decimal_print_uint(out, (uint32_t)value);
        memcpy(out + n, ".0", 2);
        return sign + n + 2;
    }
    struct rounded r;
    double back;
    if (value < 0x1p-1022 || !round_double(value, 6, &r) ||
        !decimal_to_double(r.digits, r.exponent - r.precision + 1, &back))
        return sign + print_double_slowly(out, value);
    if (back == value || round_double(value, 17, &r))
        return sign + format(out, &r);
    return sign + print_slowly(out, value, 17);
}
