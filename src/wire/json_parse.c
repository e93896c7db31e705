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
 */
#include "base/kernel.h"
#include "wire/json_parser.h"

/* What is missing when the next token does not fit. */
static const char *const missing[] = {
    [STATE_START] = "The document is empty.",
    [STATE_OBJECT_FIRST] = "Missing a name for object member.",
    [STATE_MEMBER_NEXT] = "Missing a name for object member.",
    [STATE_KEY] = "Missing a colon after a name of object member.",
    [STATE_COLON] = "Invalid value.",
    [STATE_MEMBER] = "Missing a comma or '}' after an object member.",
    [STATE_ARRAY_FIRST] = "Invalid value.",
    [STATE_ELEMENT_NEXT] = "Invalid value.",
    [STATE_ELEMENT] = "Missing a comma or ']' after an array element.",
};

enum code json_parser_fail(struct json_parser *p, const char *what, const char *where)
{
    return error_set(p->err, CODE_INVALID_ARGUMENT, "JSON Parse error: %s at offset: %zu", what,
                     (size_t)(where - p->begin));
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
            prefetch_ahead(text.ptr + i);
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

/* The state behind a complete value, which the open container now counts. */
static inline void value_ended(struct json_parser *p)
{
    if (p->open == NO_SLOT) {
        p->state = STATE_DONE;
        return;
    }
    struct json_value *container = &p->slots[p->open];
    container->count++;
    p->state = container->type == JSON_ARRAY ? STATE_ELEMENT : STATE_MEMBER;
}

static void open_container(struct json_parser *p, enum json_type type)
{
    struct json_value *slot = push(p, type);
    slot->extent = p->open;
    slot->count = 0;
    p->open = p->count - 1;
    p->state = type == JSON_ARRAY ? STATE_ARRAY_FIRST : STATE_OBJECT_FIRST;
    p->at++;
}

static void close_container(struct json_parser *p)
{
    struct json_value *slot = &p->slots[p->open];
    uint32_t around = slot->extent;
    slot->extent = p->count - p->open;
    p->open = around;
    p->at++;
    value_ended(p);
}

/* ---- strings ---- */

/* Moves to the first quotation mark, backslash or control byte. */
static void skip_plain(struct json_parser *p)
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

static bool take_hex4(struct json_parser *p, uint32_t *value)
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
static enum code unescape_point(struct json_parser *p, const char *escape, char **out)
{
    static const char bad_hex[] = "Incorrect hex digit after \\u escape in string.";
    static const char bad_pair[] = "The surrogate pair in string is invalid.";
    uint32_t point, low;
    if (!take_hex4(p, &point))
        return json_parser_fail(p, bad_hex, escape);
    if (point >= 0xd800 && point <= 0xdbff) {
        if (!consume(p, '\\') || !consume(p, 'u'))
            return json_parser_fail(p, bad_pair, escape);
        if (!take_hex4(p, &low))
            return json_parser_fail(p, bad_hex, escape);
        if (low < 0xdc00 || low > 0xdfff)
            return json_parser_fail(p, bad_pair, escape);
        point = ((point - 0xd800) << 10 | (low - 0xdc00)) + 0x10000;
    }
    *out = put_utf8(*out, point);
    return CODE_OK;
}

static enum code unescape(struct json_parser *p, char **out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *escape = p->at++;
    char c = peek(p);
    if (consume(p, 'u'))
        return unescape_point(p, escape, out);
    const char *hit = c ? strchr(from, c) : NULL;
    if (!hit)
        return json_parser_fail(p, "Invalid escape character in string.", escape);
    *(*out)++ = to[hit - from];
    p->at++;
    return CODE_OK;
}

/* Copies the rest of a string that has escapes to `out`, which has room for its raw length. */
static enum code copy_string(struct json_parser *p, char *out, size_t *len)
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
            return json_parser_fail(p, "Missing a closing quotation mark in string.", p->at);
        if (c != '\\')
            return json_parser_fail(p, "Invalid escape character in string.", p->at);
        enum code code = unescape(p, &out);
        if (code)
            return code;
    }
}

/* The raw length of the string that begins at `at`, up to its quotation mark or whatever ends it.
 */
static size_t raw_length(struct json_parser p)
{
    const char *start = p.at;
    for (;;) {
        skip_plain(&p);
        if (peek(&p) != '\\' || p.end - p.at < 2)
            return (size_t)(p.at - start);
        p.at += 2;
    }
}

static enum code parse_string(struct json_parser *p)
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

static enum code parse_word(struct json_parser *p, const char *word, enum json_type type)
{
    for (; *word; word++)
        if (!consume(p, *word))
            return json_parser_fail(p, "Invalid value.", p->at);
    push(p, type);
    return CODE_OK;
}

static enum code parse_scalar(struct json_parser *p, char c)
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
        return json_parser_number(p);
    }
}

static enum code not_expected(struct json_parser *p)
{
    return json_parser_fail(p, missing[p->state], p->at);
}

static enum code step_value(struct json_parser *p, char c)
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
        return json_parser_elements(p);
    enum code code = parse_scalar(p, c);
    if (!code)
        value_ended(p);
    return code;
}

/* Behind something complete: only punctuation may come. */
static enum code step_punctuation(struct json_parser *p, char c)
{
    /* The most frequent first. */
    static const struct {
        enum json_state state;
        char token;
        enum json_state next; /* STATE_DONE: the container ends */
    } moves[] = {
        {STATE_ELEMENT, ',', STATE_ELEMENT_NEXT},
        {STATE_ELEMENT, ']', STATE_DONE},
        {STATE_KEY, ':', STATE_COLON},
        {STATE_MEMBER, ',', STATE_MEMBER_NEXT},
        {STATE_MEMBER, '}', STATE_DONE},
        {STATE_OBJECT_FIRST, '}', STATE_DONE},
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

static enum code step(struct json_parser *p)
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
    struct json_parser p = {.at = text.ptr,
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
