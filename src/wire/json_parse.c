/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser: one pass over the text, one tape out, no recursion.
 *
 * The tape is sized beforehand: a value is the first one or follows one of , : [ {, and a string
 * takes one slot more and two quotation marks, so that counting those bytes bounds the slots.
 * Untouched pages of a bound too large cost nothing. Open containers form a list through the tape
 * itself: while one is open its `extent` holds the slot of the one around it, which is replaced by
 * the extent when it closes. So depth costs no memory but the tape's.
 *
 * What is an error, its text and its offset follow the state machine of RapidJSON's iterative
 * parser (the original's): a state knows which token may come and what is missing otherwise; the
 * end of the text and a zero byte are the same to it. A character that begins nothing is taken for
 * a number and fails there.
 *
 * Numbers of up to 19 digits are read in a tight loop (number_fast); anything odd is read again by
 * number_slow, which knows all rules.
 */
#include <math.h>

#include "base/check.h"
#include "wire/decimal.h"
#include "wire/json.h"

enum state {
    STATE_START,
    STATE_OBJECT_FIRST, /* behind '{' */
    STATE_MEMBER_NEXT,  /* behind ',' in an object */
    STATE_KEY,          /* behind a key */
    STATE_COLON,        /* behind its colon */
    STATE_MEMBER,       /* behind a member's value */
    STATE_ARRAY_FIRST,  /* behind '[' */
    STATE_ELEMENT_NEXT, /* behind ',' in an array */
    STATE_ELEMENT,      /* behind an element */
    STATE_DONE,
};

/* What is missing when the next token does not fit. */
static const char *const missing[] = {
    [STATE_START] = "The document is empty.",
    [STATE_OBJECT_FIRST] = "Missing a name for object member.",
    [STATE_MEMBER_NEXT] = "Missing a name for object member.",
    [STATE_KEY] = "Missing a colon after a name of object member.",
    [STATE_COLON] = "Invalid value.",
    [STATE_MEMBER] = "Missing a comma or } after an object member.",
    [STATE_ARRAY_FIRST] = "Invalid value.",
    [STATE_ELEMENT_NEXT] = "Invalid value.",
    [STATE_ELEMENT] = "Missing a comma or ] after an array element.",
};

static const char invalid_value[] = "Invalid value.";

#define NO_SLOT UINT32_MAX

struct parser {
    const char *at;
    const char *end;
    const char *begin;
    struct json_value *slots;
    uint32_t count;
    uint32_t room;
    uint32_t open; /* the innermost open container, or NO_SLOT */
    enum state state;
    struct arena *arena;
    struct error *err;
};

static enum code fail(struct parser *p, const char *what, const char *where)
{
    return error_set(p->err, CODE_INVALID_ARGUMENT, "JSON Parse error: %s at offset: %zu", what,
                     (size_t)(where - p->begin));
}

static inline char peek(const struct parser *p)
{
    return p->at < p->end ? *p->at : '\0';
}

static inline bool consume(struct parser *p, char c)
{
    if (p->at == p->end || *p->at != c)
        return false;
    p->at++;
    return true;
}

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static inline void skip_space(struct parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\r' || *p->at == '\t'))
        p->at++;
}

/* ---- sizing ---- */

typedef unsigned char bytes16 __attribute__((vector_size(16)));

/* Bytes that separate values, plus half the quotation marks. */
static size_t count_slots(struct span text)
{
    size_t twice = 4, i = 0; /* in halves; the root and rounding */
    while (text.len - i >= 16) {
        /* A byte of `sum` gains at most 2 a turn. */
        size_t turns = (text.len - i) / 16 < 127 ? (text.len - i) / 16 : 127;
        bytes16 sum = {0};
        for (size_t k = 0; k < turns; k++, i += 16) {
            bytes16 v;
            memcpy(&v, text.ptr + i, 16);
            /* Comparisons give 255, which is -1. '[' and '{' differ in one bit. */
            bytes16 hits = (bytes16)(v == ',') | (bytes16)(v == ':') | (bytes16)((v | 32) == '{');
            sum -= hits + hits + (bytes16)(v == '"');
        }
        for (int k = 0; k < 16; k++)
            twice += sum[k];
    }
    for (; i < text.len; i++) {
        char c = text.ptr[i];
        twice += c == ',' || c == ':' || c == '[' || c == '{' ? 2 : c == '"';
    }
    return twice / 2;
}

/* ---- the tape ---- */

static inline struct json_value *push(struct parser *p, enum json_type type)
{
    CHECK(p->count < p->room);
    struct json_value *slot = &p->slots[p->count++];
    slot->type = type;
    slot->extent = 1;
    return slot;
}

/* The state behind a complete value, which the open container now counts. */
static inline void value_ended(struct parser *p)
{
    if (p->open == NO_SLOT) {
        p->state = STATE_DONE;
        return;
    }
    struct json_value *container = &p->slots[p->open];
    container->count++;
    p->state = container->type == JSON_ARRAY ? STATE_ELEMENT : STATE_MEMBER;
}

static void open_container(struct parser *p, enum json_type type)
{
    struct json_value *slot = push(p, type);
    slot->extent = p->open;
    slot->count = 0;
    p->open = p->count - 1;
    p->state = type == JSON_ARRAY ? STATE_ARRAY_FIRST : STATE_OBJECT_FIRST;
    p->at++;
}

static void close_container(struct parser *p)
{
    struct json_value *slot = &p->slots[p->open];
    uint32_t around = slot->extent;
    slot->extent = p->count - p->open;
    p->open = around;
    p->at++;
    value_ended(p);
}

/* ---- numbers ---- */

/* Reads digits; the value wraps beyond 19 of them. */
static inline const char *take_digits(const char *at, const char *end, uint64_t *value)
{
    uint64_t v = *value;
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

static inline bool finish_real(struct parser *p, const char *at, uint64_t mantissa, int exponent,
                               bool minus)
{
    double value;
    if (!decimal_to_double(mantissa, exponent, &value))
        return false;
    push(p, JSON_NUMBER)->real = minus ? -value : value;
    p->at = at;
    return true;
}

/* A well-formed number of at most 19 digits (18 for an integer). False: nothing was consumed, ask
 * number_slow. */
static inline bool number_fast(struct parser *p)
{
    const char *at = p->at, *end = p->end;
    bool minus = *at == '-';
    at += minus;
    uint64_t mantissa = 0;
    const char *digits = at;
    at = at < end && *at == '0' ? at + 1 : take_digits(at, end, &mantissa);
    if (at == digits || at == end)
        return false;
    if (*at != '.' && (*at | 32) != 'e') {
        if (at - digits > 18)
            return false;
        push(p, JSON_INT)->integer = minus ? -(int64_t)mantissa : (int64_t)mantissa;
        p->at = at;
        return true;
    }
    int exponent = 0, places = 0;
    if (*at == '.') {
        const char *fraction = ++at;
        at = take_digits(at, end, &mantissa);
        places = at - fraction > 19 ? 20 : (int)(at - fraction);
        if (places == 0)
            return false;
    }
    if (at - digits > 20 || at == end) /* 19 digits and a point */
        return false;
    if ((*at | 32) == 'e') {
        bool too_long = at - digits > 19 && places == 0;
        at = take_small_exponent(at, end, &exponent);
        if (!at || too_long)
            return false;
    }
    return finish_real(p, at, mantissa, exponent - places, minus);
}

/* NaN, Inf or Infinity, letter by letter as the original does: "NaInf" passes there too. */
static enum code take_word(struct parser *p, bool minus, double *value)
{
    if (consume(p, 'N') && consume(p, 'a') && consume(p, 'N')) {
        *value = NAN;
        return CODE_OK;
    }
    if (!(consume(p, 'I') && consume(p, 'n') && consume(p, 'f')))
        return fail(p, invalid_value, p->at);
    *value = minus ? -INFINITY : INFINITY;
    if (peek(p) == 'i' && !(consume(p, 'i') && consume(p, 'n') && consume(p, 'i') &&
                            consume(p, 't') && consume(p, 'y')))
        return fail(p, invalid_value, p->at);
    return CODE_OK;
}

static size_t skip_digits(struct parser *p)
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

static enum code take_exponent(struct parser *p, struct number *n)
{
    p->at++;
    bool minus = false;
    if (!consume(p, '+'))
        minus = consume(p, '-');
    if (!is_digit(peek(p)))
        return fail(p, "Miss exponent in number.", p->at);
    int exponent = *p->at++ - '0', limit = 308 + counted_places(n);
    for (; is_digit(peek(p)); p->at++) {
        if (exponent < 100000)
            exponent = exponent * 10 + (*p->at - '0');
        if (!minus && exponent > limit)
            return fail(p, "Number too big to be stored in double.", n->start);
    }
    n->is_real = true;
    return CODE_OK;
}

static enum code take_number(struct parser *p, struct number *n)
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
        return fail(p, "Number too big to be stored in double.", n->start);
    if (consume(p, '.')) {
        const char *fraction = p->at;
        if (skip_digits(p) == 0)
            return fail(p, "Miss fraction part in number.", p->at);
        n->fraction = span_make(fraction, (size_t)(p->at - fraction));
        n->is_real = true;
    }
    if ((peek(p) | 32) == 'e')
        return take_exponent(p, n);
    return CODE_OK;
}

static enum code number_slow(struct parser *p)
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

static enum code parse_number(struct parser *p)
{
    if (number_fast(p))
        return CODE_OK;
    return number_slow(p);
}

/* A run of numbers in an array, as far as it goes. */
static enum code parse_elements(struct parser *p)
{
    struct json_value *array = &p->slots[p->open];
    for (;;) {
        enum code code = parse_number(p);
        if (code)
            return code;
        array->count++;
        p->state = STATE_ELEMENT;
        if (p->at < p->end && *p->at != ',')
            skip_space(p);
        if (!consume(p, ','))
            return CODE_OK;
        p->state = STATE_ELEMENT_NEXT;
        skip_space(p);
        if (!is_digit(peek(p)) && peek(p) != '-')
            return CODE_OK;
    }
}

/* ---- strings ---- */

/* Moves to the first quotation mark, backslash or control byte. */
static void skip_plain(struct parser *p)
{
    const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    while (p->end - p->at >= 8) {
        uint64_t v;
        memcpy(&v, p->at, 8);
        uint64_t quote = v ^ ones * '"', slash = v ^ ones * '\\';
        uint64_t stop = (quote - ones) & ~quote;
        stop |= (slash - ones) & ~slash;
        stop |= (v - ones * 0x20) & ~v;
        if (stop & tops)
            break;
        p->at += 8;
    }
    while (p->at < p->end && *p->at != '"' && *p->at != '\\' && (unsigned char)*p->at >= 0x20)
        p->at++;
}

static bool take_hex4(struct parser *p, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 4; i++) {
        char c = peek(p), letter = (char)(c | 32);
        if (is_digit(c))
            *value = *value << 4 | (uint32_t)(c - '0');
        else if (letter >= 'a' && letter <= 'f')
            *value = *value << 4 | (uint32_t)(letter - 'a' + 10);
        else
            return false;
        p->at++;
    }
    return true;
}

static char *put_utf8(char *out, uint32_t point)
{
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    int size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (int i = size - 1; i > 0; i--, point >>= 6)
        out[i] = (char)((point & 0x3f) | 0x80);
    out[0] = (char)(point | marks[size]);
    return out + size;
}

/* Behind "\\u"; `escape` is the backslash. A lone low surrogate passes, as it does in the original.
 */
static enum code unescape_point(struct parser *p, const char *escape, char **out)
{
    static const char bad_hex[] = "Incorrect hex digit after \\u escape in string.";
    static const char bad_pair[] = "The surrogate pair in string is invalid.";
    uint32_t point, low;
    if (!take_hex4(p, &point))
        return fail(p, bad_hex, escape);
    if (point >= 0xd800 && point <= 0xdbff) {
        if (!consume(p, '\\') || !consume(p, 'u'))
            return fail(p, bad_pair, escape);
        if (!take_hex4(p, &low))
            return fail(p, bad_hex, escape);
        if (low < 0xdc00 || low > 0xdfff)
            return fail(p, bad_pair, escape);
        point = ((point - 0xd800) << 10 | (low - 0xdc00)) + 0x10000;
    }
    *out = put_utf8(*out, point);
    return CODE_OK;
}

static enum code unescape(struct parser *p, char **out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *escape = p->at++;
    char c = peek(p);
    if (consume(p, 'u'))
        return unescape_point(p, escape, out);
    const char *hit = c ? strchr(from, c) : NULL;
    if (!hit)
        return fail(p, "Invalid escape character in string.", escape);
    *(*out)++ = to[hit - from];
    p->at++;
    return CODE_OK;
}

/* Copies the rest of a string that has escapes to `out`, which has room for its raw length. */
static enum code copy_string(struct parser *p, char *out, size_t *len)
{
    char *start = out;
    for (;;) {
        const char *run = p->at;
        skip_plain(p);
        memcpy(out, run, (size_t)(p->at - run));
        out += p->at - run;
        if (consume(p, '"')) {
            *len = (size_t)(out - start);
            return CODE_OK;
        }
        char c = peek(p);
        if (c == '\0')
            return fail(p, "Missing a closing quotation mark in string.", p->at);
        if (c != '\\')
            return fail(p, "Invalid escape character in string.", p->at);
        enum code code = unescape(p, &out);
        if (code)
            return code;
    }
}

/* The raw length of the string that begins at `at`, up to its quotation mark or whatever ends it.
 */
static size_t raw_length(struct parser p)
{
    const char *start = p.at;
    for (;;) {
        skip_plain(&p);
        if (peek(&p) != '\\' || p.end - p.at < 2)
            return (size_t)(p.at - start);
        p.at += 2;
    }
}

static enum code parse_string(struct parser *p)
{
    struct json_value *slot = push(p, JSON_STRING);
    slot->extent = 2;
    slot->text = ++p->at;
    struct json_value *length = push(p, JSON_NULL);
    skip_plain(p);
    length->count = (size_t)(p->at - slot->text);
    if (consume(p, '"'))
        return CODE_OK;
    p->at = slot->text;
    size_t room = raw_length(*p);
    char *copy = arena_try_alloc(p->arena, room + 1, 1);
    if (!copy)
        return error_set(p->err, CODE_RESOURCE_EXHAUSTED,
                         "No memory for a JSON string of %zu bytes", room);
    slot->text = copy;
    return copy_string(p, copy, &length->count);
}

/* ---- the machine ---- */

static enum code parse_word(struct parser *p, const char *word, enum json_type type)
{
    for (; *word; word++)
        if (!consume(p, *word))
            return fail(p, invalid_value, p->at);
    push(p, type);
    return CODE_OK;
}

static enum code parse_scalar(struct parser *p, char c)
{
    switch (c) {
    case '"':
        return parse_string(p);
    case 'n':
        return parse_word(p, "null", JSON_NULL);
    case 't':
        return parse_word(p, "true", JSON_TRUE);
    case 'f':
        return parse_word(p, "false", JSON_FALSE);
    default:
        return parse_number(p);
    }
}

static enum code not_expected(struct parser *p)
{
    return fail(p, missing[p->state], p->at);
}

static enum code step_value(struct parser *p, char c)
{
    if (c == '[' || c == '{') {
        open_container(p, c == '[' ? JSON_ARRAY : JSON_OBJECT);
        return CODE_OK;
    }
    if (c == ']' && p->state == STATE_ARRAY_FIRST) {
        close_container(p);
        return CODE_OK;
    }
    if (c == ']' || c == '}' || c == ',' || c == ':')
        return not_expected(p);
    if ((is_digit(c) || c == '-') && p->state != STATE_START && p->state != STATE_COLON)
        return parse_elements(p);
    enum code code = parse_scalar(p, c);
    if (!code)
        value_ended(p);
    return code;
}

/* Behind something complete: only punctuation may come. */
static enum code step_punctuation(struct parser *p, char c)
{
    static const struct {
        enum state state;
        char token;
        enum state next; /* STATE_DONE: the container ends */
    } moves[] = {
        {STATE_KEY, ':', STATE_COLON},    {STATE_MEMBER, ',', STATE_MEMBER_NEXT},
        {STATE_MEMBER, '}', STATE_DONE},  {STATE_ELEMENT, ',', STATE_ELEMENT_NEXT},
        {STATE_ELEMENT, ']', STATE_DONE}, {STATE_OBJECT_FIRST, '}', STATE_DONE},
    };
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
        if (moves[i].state != p->state || moves[i].token != c)
            continue;
        if (moves[i].next == STATE_DONE) {
            close_container(p);
        } else {
            p->state = moves[i].next;
            p->at++;
        }
        return CODE_OK;
    }
    return not_expected(p);
}

static enum code step(struct parser *p)
{
    char c = peek(p);
    if (c == '\0')
        return not_expected(p);
    switch (p->state) {
    case STATE_START:
    case STATE_COLON:
    case STATE_ARRAY_FIRST:
    case STATE_ELEMENT_NEXT:
        return step_value(p, c);
    case STATE_OBJECT_FIRST:
    case STATE_MEMBER_NEXT:
        if (c == '"') {
            enum code code = parse_string(p);
            p->state = STATE_KEY;
            return code;
        }
        return step_punctuation(p, c);
    default:
        return step_punctuation(p, c);
    }
}

enum code json_parse(struct span text, struct arena *arena, struct json_document *document,
                     struct error *err)
{
    *document = (struct json_document){0};
    if (text.len == 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "JSON Parse error: The document is empty");
    size_t room = count_slots(text);
    struct json_value *slots = NULL;
    if (room < NO_SLOT)
        slots = arena_try_alloc(arena, room * sizeof *slots, ARENA_ALIGN);
    if (!slots)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "JSON text of %zu values is too large",
                         room);
    struct parser p = {.at = text.ptr,
                       .end = text.ptr + text.len,
                       .begin = text.ptr,
                       .slots = slots,
                       .room = (uint32_t)room,
                       .open = NO_SLOT,
                       .arena = arena,
                       .err = err};
    /* The byte order mark; its bytes are optional one by one in the original. */
    consume(&p, '\xef');
    consume(&p, '\xbb');
    consume(&p, '\xbf');
    enum code code = CODE_OK;
    while (!code && p.state != STATE_DONE) {
        skip_space(&p);
        code = step(&p);
    }
    *document = (struct json_document){slots, p.count};
    return code;
}
