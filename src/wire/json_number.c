/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers in JSON. Where many stand in a row, take_sight finds their ends first and reads those of
 * up to 16 characters from there; number_fast takes what nearly everybody writes, up to 19 digits
 * in one tight loop, without knowing where it ends. Both hand anything else back untouched, and
 * number_slow knows all rules of the original: which integers stay integers, which numbers are too
 * big, and its words NaN, Inf and Infinity. All round correctly (wire/decimal.h), which the
 * original does not.
 */
#include <math.h>

#include "base/kernel.h"
#include "wire/decimal.h"
#include "wire/json_parser.h"

static const char invalid_value[] = "Invalid value.";

/* The value of eight digits as bytes 0..9, the first in the lowest byte: neighbours are joined to
 * pairs, those to fours, those to all eight, in three multiplications. */
static inline uint64_t join_digits(uint64_t digits)
{
    const uint64_t pairs = 0x000000ff000000ff;
    digits = digits * 10 + (digits >> 8);
    uint64_t outer = (digits & pairs) * (100 + ((uint64_t)1000000 << 32));
    uint64_t inner = (digits >> 16 & pairs) * (1 + ((uint64_t)10000 << 32));
    return (outer + inner) >> 32;
}

/* The top bit of each byte that is no digit, of bytes that digits are 0..9 in; what stands behind
 * a byte from 0x8a up may be wrong. */
static inline uint64_t find_others(uint64_t bytes)
{
    const uint64_t ones = 0x0101010101010101;
    return ((bytes + ones * (0x80 - 10)) | bytes) & ones * 0x80;
}

/* Number of the lowest byte that find_others() has marked. */
static inline int lowest(uint64_t others)
{
    return __builtin_ctzll(others) / 8;
}

/* Reads digits, eight at a time, without a branch on how many the last ones are: that is different
 * from number to number. The value wraps beyond 19 digits. */
static inline const char *take_digits(const char *at, const char *end, uint64_t *value)
{
    static const uint64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
    const uint64_t ones = 0x0101010101010101;
    uint64_t v = *value;
    while (end - at >= 8) {
        uint64_t digits;
        memcpy(&digits, at, 8);
        digits ^= ones * '0';
        uint64_t others = find_others(digits);
        if (others) {
            int count = lowest(others);
            /* Leading zeros instead of what follows; two shifts, as there may be no digit. */
            *value = v * powers[count] + join_digits(digits << 8 << (56 - 8 * count));
            return at + count;
        }
        v = v * 100000000 + join_digits(digits);
        at += 8;
    }
    while (at < end && is_digit(*at))
        v = v * 10 + (uint64_t)(*at++ - '0');
    *value = v;
    return at;
}

/* Reads "e-12" and the like of at most three digits; NULL for anything else. */
static const char *take_small_exponent(const char *at, const char *end, int *exponent)
{
    uint64_t value = 0;
    bool minus = false;
    at++;
    if (at < end && (*at == '-' || *at == '+'))
        minus = *at++ == '-';
    const char *digits = at;
    at = take_digits(at, end, &value);
    if (at == digits || at - digits > 3 || value > 280)
        return NULL;
    *exponent = minus ? -(int)value : (int)value;
    return at;
}

/* A well-formed number of at most 19 digits (18 for an integer): onto the tape, and returns what
 * follows it. NULL: nothing was done, ask number_slow. */
static inline const char *number_fast(struct json_parser *p, const char *at)
{
    const char *end = p->end;
    bool minus = at < end && *at == '-';
    at += minus;
    uint64_t mantissa = 0;
    const char *digits = at;
    at = at < end && *at == '0' ? at + 1 : take_digits(at, end, &mantissa);
    if (at == digits || at == end)
        return NULL;
    if (*at != '.' && (*at | 32) != 'e') {
        if (at - digits > 18)
            return NULL;
        push(p, JSON_INT)->integer = minus ? -(int64_t)mantissa : (int64_t)mantissa;
        return at;
    }
    int exponent = 0, places = 0;
    if (*at == '.') {
        const char *fraction = ++at;
        at = take_digits(at, end, &mantissa);
        places = at - fraction > 19 ? 20 : (int)(at - fraction);
        if (places == 0)
            return NULL;
    }
    if (at - digits > 20 || at == end) /* 19 digits and a point */
        return NULL;
    if ((*at | 32) == 'e') {
        bool too_long = at - digits > 19 && places == 0;
        at = take_small_exponent(at, end, &exponent);
        if (!at || too_long)
            return NULL;
    }
    double value;
    if (!decimal_to_double_exact(mantissa, exponent - places, &value) &&
        !decimal_to_double(mantissa, exponent - places, &value))
        return NULL;
    push(p, JSON_NUMBER)->real = minus ? -value : value;
    return at;
}

/* NaN, Inf or Infinity, letter by letter as the original does: "NaInf" passes there too. */
static enum code take_word(struct json_parser *p, bool minus, double *value)
{
    if (consume(p, 'N') && consume(p, 'a') && consume(p, 'N')) {
        *value = NAN;
        return CODE_OK;
    }
    if (!(consume(p, 'I') && consume(p, 'n') && consume(p, 'f')))
        return json_parser_fail(p, invalid_value, p->at);
    *value = minus ? -INFINITY : INFINITY;
    if (peek(p) == 'i' && !(consume(p, 'i') && consume(p, 'n') && consume(p, 'i') &&
                            consume(p, 't') && consume(p, 'y')))
        return json_parser_fail(p, invalid_value, p->at);
    return CODE_OK;
}

static size_t skip_digits(struct json_parser *p)
{
    const char *start = p->at;
    while (is_digit(peek(p)))
        p->at++;
    return (size_t)(p->at - start);
}

/* A number's parts, borrowed from the text. */
struct number {
    const char *start;    /* with the sign */
    struct span integer;  /* digits before the point */
    struct span fraction; /* digits behind it */
    bool minus;
    bool is_real; /* has a fraction or an exponent */
    bool is_word; /* NaN or Inf; `word` */
    double word;
};

/* Does the integer part fit 64 bits? */
static bool integer_fits(const struct number *n, uint64_t *value)
{
    uint64_t limit = n->minus ? (uint64_t)1 << 63 : UINT64_MAX;
    *value = 0;
    for (size_t i = 0; i < n->integer.len; i++) {
        uint64_t digit = (uint64_t)(n->integer.ptr[i] - '0');
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, digit, value) || *value > limit)
            return false;
    }
    return true;
}

/* An integer part of 309 digits may, one of 310 must be refused. */
static bool integer_is_too_big(const struct number *n)
{
    return n->integer.len > 309 ||
           (n->integer.len == 309 &&
            decimal_parse(span_sub(n->integer, 0, 308)) >= 1.7976931348623157e307);
}

/* How many fraction digits the original's parser counts: those that entered its mantissa. It allows
 * exponents up to 308 and as many more. */
static int counted_places(const struct number *n)
{
    enum { SIGNIFICANT = 17 };
    uint64_t mantissa;
    bool exact = integer_fits(n, &mantissa), positive = mantissa > 0 || !exact;
    size_t significant = positive && n->integer.len ? n->integer.len - 1 : 0;
    int places = 0;
    for (size_t i = 0; i < n->fraction.len; i++) {
        exact = exact && mantissa <= ((uint64_t)1 << 53) - 1;
        if (!exact && significant >= SIGNIFICANT)
            break;
        if (exact)
            mantissa = mantissa * 10 + (uint64_t)(n->fraction.ptr[i] - '0');
        positive |= n->fraction.ptr[i] != '0';
        significant += positive;
        places++;
    }
    return places;
}

static enum code take_exponent(struct json_parser *p, struct number *n)
{
    p->at++;
    bool minus = false;
    if (!consume(p, '+'))
        minus = consume(p, '-');
    if (!is_digit(peek(p)))
        return json_parser_fail(p, "Miss exponent in number.", p->at);
    int exponent = *p->at++ - '0', limit = 308 + counted_places(n);
    for (; is_digit(peek(p)); p->at++) {
        if (exponent < 100000)
            exponent = exponent * 10 + (*p->at - '0');
        if (!minus && exponent > limit)
            return json_parser_fail(p, "Number too big to be stored in double.", n->start);
    }
    n->is_real = true;
    return CODE_OK;
}

static enum code take_number(struct json_parser *p, struct number *n)
{
    *n = (struct number){.start = p->at, .minus = consume(p, '-')};
    const char *digits = p->at;
    if (!consume(p, '0') && skip_digits(p) == 0) {
        enum code code = take_word(p, n->minus, &n->word);
        if (code)
            return code;
        n->is_word = true;
        digits = p->at;
    }
    n->integer = span_make(digits, (size_t)(p->at - digits));
    if (integer_is_too_big(n))
        return json_parser_fail(p, "Number too big to be stored in double.", n->start);
    if (consume(p, '.')) {
        const char *fraction = p->at;
        if (skip_digits(p) == 0)
            return json_parser_fail(p, "Miss fraction part in number.", p->at);
        n->fraction = span_make(fraction, (size_t)(p->at - fraction));
        n->is_real = true;
    }
    if ((peek(p) | 32) == 'e')
        return take_exponent(p, n);
    return CODE_OK;
}

static enum code number_slow(struct json_parser *p)
{
    struct number n;
    enum code code = take_number(p, &n);
    if (code)
        return code;
    uint64_t value;
    if (n.is_word && !n.is_real) {
        push(p, JSON_NUMBER)->real = n.word;
    } else if (n.is_real || !integer_fits(&n, &value)) {
        double real = decimal_parse(span_make(n.integer.ptr, (size_t)(p->at - n.integer.ptr)));
        push(p, JSON_NUMBER)->real = n.minus ? -real : real;
    } else if (n.minus || value <= INT64_MAX) {
        push(p, JSON_INT)->integer = (int64_t)(n.minus ? -value : value);
    } else {
        push(p, JSON_UINT)->unsigned_integer = value;
    }
    return CODE_OK;
}

enum code json_parser_number(struct json_parser *p)
{
    const char *after = number_fast(p, p->at);
    if (!after)
        return number_slow(p);
    p->at = after;
    return CODE_OK;
}

/* ---- runs of numbers ---- */

enum {
    SIGHT = 64,         /* bytes in which commas are looked for at once */
    SIGHT_NUMBERS = 32, /* that may stand there */
    TOKEN_MAX = 16,     /* the longest number, without its sign, that is read from its end */
    PATIENCE = 16,      /* numbers before that is tried again, after one that was not like this */
};

/* Which of eight bytes are commas: a bit each. */
static inline uint64_t commas_of_eight(const char *at)
{
    const uint64_t ones = 0x0101010101010101;
    uint64_t bytes;
    memcpy(&bytes, at, 8);
    bytes ^= ones * ',';
    uint64_t others = ((bytes & ones * 0x7f) + ones * 0x7f) | bytes;
    return (~others & ones * 0x80) * 0x0002040810204081 >> 56; /* gathers the top bits */
}

static inline uint64_t commas_in_sight(const char *at)
{
    uint64_t commas = 0;
    for (int i = 0; i < SIGHT; i += 8)
        commas |= commas_of_eight(at + i) << i;
    return commas;
}

/* What a number without its sign says. */
struct token {
    uint64_t mantissa;
    int places; /* behind the point; -1: there is none */
};

static inline uint64_t load_digits(const char *at)
{
    uint64_t bytes;
    memcpy(&bytes, at, 8);
    return bytes ^ 0x3030303030303030;
}

/* The `len` characters, 1 to 8, before `end`: in a word the last is the highest byte, and zeros
 * stand before the first. Digits before the point move up into its place. False: there is more than
 * digits and one point. */
static inline bool read_short(const char *end, int len, struct token *token)
{
    uint64_t bytes = load_digits(end - 8) & UINT64_MAX << (64 - 8 * len);
    uint64_t others = find_others(bytes);
    token->places = -1;
    if (others) {
        token->places = __builtin_clzll(others) / 8;
        uint64_t point = (uint64_t)1 << (56 - 8 * token->places), before = point - 1;
        if (others != point << 7 || (bytes & point * 0xff) != point * ('.' ^ '0'))
            return false;
        bytes = (bytes & before) << 8 | (bytes & ~(before | point * 0xff));
    }
    token->mantissa = join_digits(bytes);
    return true;
}

/* The same of 9 to 16 characters. */
static inline bool read_long(const char *end, int len, struct token *token)
{
    typedef unsigned __int128 uint128;
    uint64_t high = load_digits(end - 8);
    uint64_t low = load_digits(end - 16) & UINT64_MAX << (128 - 8 * len);
    uint64_t in_high = find_others(high), in_low = find_others(low);
    token->places = -1;
    if (in_high | in_low) {
        token->places = in_high ? __builtin_clzll(in_high) / 8 : 8 + __builtin_clzll(in_low) / 8;
        uint128 bytes = (uint128)high << 64 | low, others = (uint128)in_high << 64 | in_low;
        uint128 point = (uint128)1 << (120 - 8 * token->places), before = point - 1;
        if (others != point << 7 || (bytes & point * 0xff) != point * ('.' ^ '0'))
            return false;
        bytes = (bytes & before) << 8 | (bytes & ~(before | point * 0xff));
        high = (uint64_t)(bytes >> 64);
        low = (uint64_t)bytes;
    }
    token->mantissa = join_digits(low) * 100000000 + join_digits(high);
    return true;
}

/* The number from `at` up to `end` into `slot`; at least TOKEN_MAX bytes of text stand before it.
 * False: it is one for number_fast, or none. */
static inline bool read_token(struct json_value *slot, const char *at, const char *end)
{
    bool minus = *at == '-';
    at += minus;
    ptrdiff_t len = end - at;
    bool leading_zero = *at == '0' && is_digit(at[1]);
    if (len < 1 || len > TOKEN_MAX || leading_zero)
        return false;
    struct token token;
    if (!(len <= 8 ? read_short : read_long)(end, (int)len, &token))
        return false;
    if (token.places < 0) {
        int64_t value = (int64_t)token.mantissa;
        *slot = (struct json_value){JSON_INT, 1, {.integer = minus ? -value : value}};
        return true;
    }
    if (token.places == 0 || token.places == len - 1)
        return false;
    double value = (double)(int64_t)token.mantissa / decimal_exact_powers[token.places];
    *slot = (struct json_value){JSON_NUMBER, 1, {.real = minus ? -value : value}};
    return true;
}

/* Takes the numbers from `*at` on that end at the commas in sight, and leaves `*at` at what follows
 * the last one's comma and blanks. False: the next is not like these, or longer than what is in
 * sight. Where numbers end is known before any of them is read, so that the processor works on
 * several at once. */
static inline bool take_sight(const struct json_parser *p, const char **at,
                              struct json_value **slot)
{
    const char *base = *at;
    prefetch_ahead(base);
    uint64_t commas = commas_in_sight(base);
    if (!commas)
        return false;
    for (; commas; commas &= commas - 1) {
        const char *end = base + __builtin_ctzll(commas);
        prefetch_ahead_to_write(*slot);
        if (!read_token(*slot, *at, end))
            return false;
        ++*slot;
        *at = skip_blanks(end + 1, p->end);
    }
    return true;
}

/* As many as there are, while text and tape go on for long enough. */
static inline const char *take_tokens(struct json_parser *p, const char *at)
{
    struct json_value *slot = p->slots + p->count, *end = p->slots + p->room;
    bool more = at - p->begin >= TOKEN_MAX;
    while (more && p->end - at > SIGHT && end - slot >= SIGHT_NUMBERS)
        more = take_sight(p, &at, &slot);
    p->count = (uint32_t)(slot - p->slots);
    return at;
}

/* Onto the tape, however it is written. */
static inline enum code take_any(struct json_parser *p, const char **at)
{
    const char *after = number_fast(p, *at);
    if (after) {
        *at = after;
        return CODE_OK;
    }
    p->at = *at;
    enum code code = number_slow(p);
    *at = p->at;
    return code;
}

static inline bool begins_number(const char *at, const char *end)
{
    return at < end && (is_digit(*at) || *at == '-');
}

/* The place in the text stays in a register: numbers are short, a store each would be felt. */
enum code json_parser_elements(struct json_parser *p)
{
    const char *at = p->at, *end = p->end;
    uint32_t before = p->count;
    p->state = STATE_ELEMENT;
    for (int wait = 0; begins_number(at, end); wait--) {
        if (wait <= 0) {
            uint32_t count = p->count;
            at = take_tokens(p, at);
            wait = p->count - count < PATIENCE / 2 ? PATIENCE : 0;
            if (!begins_number(at, end))
                break;
        }
        enum code code = take_any(p, &at);
        if (code)
            return code;
        at = skip_blanks(at, end);
        if (at == end || *at != ',')
            goto done;
        at = skip_blanks(at + 1, end);
    }
    p->state = STATE_ELEMENT_NEXT;
done:
    p->at = at;
    p->slots[p->open].count += p->count - before;
    return CODE_OK;
}
