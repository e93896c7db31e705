/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hand-written tokenizer. The rules and the wording of errors are those of protobuf 3.21
 * (io/tokenizer.h) with the settings that its text format uses: '#' begins a comment, strings may
 * go over lines, a float may end in 'f', no space is needed behind a number. Only the first error
 * is kept; the parser stops at it.
 */
#include "wire/pb_token.h"

#include <stdio.h>
#include <stdlib.h>

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

static bool is_alphanumeric(char c)
{
    return is_letter(c) || is_digit(c);
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_hex(char c)
{
    return hex_value(c) >= 0;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The byte at `next`; 0 at the end, where no byte of a token stands either. */
static char peek(const struct pb_tokens *t)
{
    return t->next < t->end ? *t->next : 0;
}

static void advance(struct pb_tokens *t)
{
    char c = *t->next++;
    if (c == '\n') {
        t->line++;
        t->column = 0;
    } else if (c == '\t') {
        t->column += 8 - t->column % 8;
    } else {
        t->column++;
    }
}

static bool take(struct pb_tokens *t, char c)
{
    if (t->next == t->end || *t->next != c)
        return false;
    advance(t);
    return true;
}

static bool take_if(struct pb_tokens *t, bool (*is)(char))
{
    if (t->next == t->end || !is(*t->next))
        return false;
    advance(t);
    return true;
}

static size_t take_while(struct pb_tokens *t, bool (*is)(char))
{
    size_t count = 0;
    while (take_if(t, is))
        count++;
    return count;
}

static void complain_at(struct pb_tokens *t, const char *what, size_t line, size_t column)
{
    if (t->error)
        return;
    t->error = what;
    t->error_line = line;
    t->error_column = column;
}

static void complain(struct pb_tokens *t, const char *what)
{
    complain_at(t, what, t->line, t->column);
}

static void skip_space_and_comments(struct pb_tokens *t)
{
    for (;;) {
        take_while(t, is_space);
        if (!take(t, '#'))
            return;
        while (t->next < t->end && *t->next != '\n' && *t->next)
            advance(t); /* up to a zero, too: there the text is wrong */
    }
}

/* A number whose first byte, a zero if `zero`, a dot if `dot`, is taken already. */
static enum pb_token_type take_number(struct pb_tokens *t, bool zero, bool dot)
{
    bool is_float = dot;
    if (zero && (take(t, 'x') || take(t, 'X'))) {
        if (!take_while(t, is_hex))
            complain(t, "\"0x\" must be followed by hex digits.");
    } else if (zero && is_digit(peek(t))) {
        take_while(t, is_octal);
        if (is_digit(peek(t)))
            complain(t, "Numbers starting with leading zero must be in octal.");
    } else {
        take_while(t, is_digit);
        if (!dot && take(t, '.')) {
            is_float = true;
            take_while(t, is_digit);
        }
        if (take(t, 'e') || take(t, 'E')) {
            is_float = true;
            if (!take(t, '-'))
                take(t, '+');
            if (!take_while(t, is_digit))
                complain(t, "\"e\" must be followed by exponent.");
        }
        is_float |= take(t, 'f') || take(t, 'F');
    }
    if (is_letter(peek(t)))
        complain(t, "Need space between number and identifier.");
    else if (peek(t) == '.')
        complain(t, is_float ? "Already saw decimal point or exponent; can't have another one."
                             : "Hex and octal numbers must be integers.");
    return is_float ? PB_TOKEN_FLOAT : PB_TOKEN_INTEGER;
}

static bool take_hex(struct pb_tokens *t, size_t count)
{
    while (count > 0 && take_if(t, is_hex))
        count--;
    return count == 0;
}

static bool is_simple_escape(char c)
{
    return c && strchr("abfnrtv\\?'\"", c);
}

/* What stands behind a backslash. */
static void take_escape(struct pb_tokens *t)
{
    if (take_if(t, is_simple_escape) || take_if(t, is_octal))
        return;
    if (take(t, 'x')) {
        if (!take_hex(t, 1))
            complain(t, "Expected hex digits for escape sequence.");
    } else if (take(t, 'u')) {
        if (!take_hex(t, 4))
            complain(t, "Expected four hex digits for \\u escape sequence.");
    } else if (take(t, 'U')) {
        if (!take(t, '0') || !take(t, '0') || !(take(t, '0') || take(t, '1')) || !take_hex(t, 5))
            complain(t, "Expected eight hex digits up to 10ffff for \\U escape sequence");
    } else {
        complain(t, "Invalid escape sequence in string literal.");
    }
}

static void take_string(struct pb_tokens *t, char quote)
{
    while (peek(t)) {
        if (take(t, quote))
            return;
        if (peek(t) == '\n') {
            complain(t, "String literals cannot cross line boundaries.");
            return;
        }
        if (take(t, '\\'))
            take_escape(t);
        else
            advance(t);
    }
    complain(t, "Unexpected end of string.");
}

static enum pb_token_type take_token(struct pb_tokens *t)
{
    if (take_if(t, is_letter)) {
        take_while(t, is_alphanumeric);
        return PB_TOKEN_IDENTIFIER;
    }
    if (take(t, '0'))
        return take_number(t, true, false);
    if (take(t, '.'))
        return take_if(t, is_digit) ? take_number(t, false, true) : PB_TOKEN_SYMBOL;
    if (take_if(t, is_digit))
        return take_number(t, false, false);
    char c = *t->next;
    if (c == '"' || c == '\'') {
        advance(t);
        take_string(t, c);
        return PB_TOKEN_STRING;
    }
    if ((uint8_t)c < ' ') {
        complain(t, "Invalid control characters encountered in text.");
    } else if ((uint8_t)c >= 0x80 && !t->error) {
        snprintf(t->error_buffer, sizeof t->error_buffer, "Interpreting non ascii codepoint %d.",
                 (uint8_t)c);
        complain(t, t->error_buffer);
    }
    advance(t);
    return PB_TOKEN_SYMBOL;
}

void pb_tokens_next(struct pb_tokens *t)
{
    const char *previous_end = t->next;
    bool after_identifier = t->type == PB_TOKEN_IDENTIFIER;
    skip_space_and_comments(t);
    t->token_line = t->line;
    t->token_column = t->column;
    const char *begin = t->next;
    t->type = begin < t->end ? take_token(t) : PB_TOKEN_END;
    t->text = span_make(begin, (size_t)(t->next - begin));
    if (t->type == PB_TOKEN_FLOAT && *begin == '.' && after_identifier && begin == previous_end)
        complain_at(t, "Need space between identifier and decimal point.", t->token_line,
                    t->token_column);
}

void pb_tokens_init(struct pb_tokens *t, struct span input)
{
    *t = (struct pb_tokens){.next = input.ptr, .end = input.ptr + input.len};
    pb_tokens_next(t);
}

bool pb_token_integer(struct span text, uint64_t max, uint64_t *value)
{
    uint64_t base = 10, sum = 0;
    size_t i = 0;
    if (text.len > 1 && text.ptr[0] == '0') {
        bool hex = text.ptr[1] == 'x' || text.ptr[1] == 'X';
        base = hex ? 16 : 8;
        i = hex ? 2 : 1;
    }
    for (; i < text.len; i++) {
        if (__builtin_mul_overflow(sum, base, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)hex_value(text.ptr[i]), &sum))
            return false;
    }
    *value = sum;
    return sum <= max;
}

double pb_token_double(struct span text, struct arena *arena)
{
    char small[64];
    if (text.len >= sizeof small)
        return strtod(arena_strdup(arena, text), NULL);
    memcpy(small, text.ptr, text.len);
    small[text.len] = 0;
    return strtod(small, NULL);
}

/* UTF-8 of a code point, surrogates that stand alone included; returns the bytes. */
static size_t put_code_point(char *at, uint32_t c)
{
    if (c < 0x80) {
        at[0] = (char)c;
        return 1;
    }
    size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    at[0] = (char)(lead[more] | c >> (6 * more));
    for (size_t i = 1; i <= more; i++)
        at[i] = (char)(0x80 | (c >> (6 * (more - i)) & 0x3f));
    return more + 1;
}

/* Up to `count` digits of base 8 or 16 at *p. */
static uint32_t digits(const char **p, size_t count, uint32_t base, bool (*is)(char))
{
    uint32_t value = 0;
    for (; count > 0 && is(**p); count--)
        value = value * base + (uint32_t)hex_value(*(*p)++);
    return value;
}

/* \uD83D\uDE00 is one code point above U+FFFF. */
static uint32_t unicode_escape(const char **p, char kind)
{
    uint32_t c = digits(p, kind == 'u' ? 4 : 8, 16, is_hex);
    if (c < 0xd800 || c >= 0xdc00 || (*p)[0] != '\\' || (*p)[1] != 'u')
        return c;
    const char *second = *p + 2;
    uint32_t low = digits(&second, 4, 16, is_hex);
    if (low < 0xdc00 || low >= 0xe000)
        return c;
    *p = second;
    return 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
}

/* One escape at *p, behind the backslash. No escape means more bytes than it is written with. */
static size_t unescape(const char **p, char *at)
{
    static const char names[] = "abfnrtv", values[] = "\a\b\f\n\r\t\v";
    char c = *(*p)++;
    if (c == 'u' || c == 'U')
        return put_code_point(at, unicode_escape(p, c));
    const char *name = memchr(names, c, sizeof names - 1);
    if (name) {
        *at = values[name - names];
    } else if (c == 'x') {
        *at = (char)digits(p, 2, 16, is_hex);
    } else if (is_octal(c)) {
        (*p)--;
        *at = (char)digits(p, 3, 8, is_octal);
    } else {
        *at = c;
    }
    return 1;
}

size_t pb_token_string(struct span text, char *bytes)
{
    /* The closing quote stops the scanners of digits: they need no end. */
    const char *p = text.ptr + 1, *end = text.ptr + text.len - 1;
    char *at = bytes;
    while (p < end) {
        const char *backslash = memchr(p, '\\', (size_t)(end - p));
        size_t plain = backslash ? (size_t)(backslash - p) : (size_t)(end - p);
        memcpy(at, p, plain);
        at += plain;
        p += plain;
        if (backslash) {
            p++;
            at += unescape(&p, at);
        }
    }
    return (size_t)(at - bytes);
}
