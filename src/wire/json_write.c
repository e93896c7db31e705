/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer: a text that doubles in its arena when it is full. Layout is RapidJSON's
 * PrettyWriter's, which clients see: four blanks a level, every array element on a line of its own
 * unless `single_line` is on. The flag may change while an array is open (the original switches it
 * around the elements of "predictions"), so each place decides by what it is then.
 */
#include <math.h>
#include <string.h>

#include "base/check.h"
#include "wire/base64.h"
#include "wire/decimal.h"
#include "wire/decimal_block.h"
#include "wire/json.h"

enum { INDENT = 4 };

void json_writer_init(struct json_writer *w, struct arena *arena, size_t expected)
{
    *w = (struct json_writer){.arena = arena, .room = expected < 64 ? 64 : expected};
    w->ptr = arena_try_alloc(arena, w->room, ARENA_ALIGN);
    if (w->ptr)
        return;
    w->failed = true;
    w->room = 64;
    w->ptr = arena_alloc(arena, w->room);
}

struct span json_writer_text(const struct json_writer *w)
{
    return span_make(w->ptr, w->len);
}

/* Without memory the text starts over: nobody reads it. One piece more than it holds is as large
 * as a string that is already there. */
static void grow(struct json_writer *w, size_t n)
{
    size_t room = w->room * 2 > w->len + n ? w->room * 2 : w->len + n;
    char *grown = w->failed ? NULL : arena_try_alloc(w->arena, room, ARENA_ALIGN);
    if (grown) {
        memcpy(grown, w->ptr, w->len);
    } else {
        w->failed = true;
        w->len = 0;
        if (n <= w->room)
            return;
        room = n;
        grown = arena_alloc(w->arena, room);
    }
    w->ptr = grown;
    w->room = room;
}

char *json_reserve(struct json_writer *w, size_t n)
{
    if (__builtin_expect(w->room - w->len < n, 0))
        grow(w, n);
    return w->ptr + w->len;
}

void json_write_raw(struct json_writer *w, struct span text)
{
    if (text.len)
        memcpy(json_reserve(w, text.len), text.ptr, text.len);
    w->len += text.len;
}

static void put(struct json_writer *w, char c)
{
    *json_reserve(w, 1) = c;
    w->len++;
}

/* ---- values ---- */

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

static void put_escaped(struct json_writer *w, unsigned char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt", hex[] = "0123456789ABCDEF";
    const char *hit = c ? strchr(from, c) : NULL;
    char *out = json_reserve(w, 6);
    out[0] = '\\';
    if (hit) {
        out[1] = to[hit - from];
        w->len += 2;
        return;
    }
    memcpy(out + 1, "u00", 3);
    out[4] = hex[c >> 4];
    out[5] = hex[c & 15];
    w->len += 6;
}

void json_write_string(struct json_writer *w, struct span text)
{
    put(w, '"');
    size_t i = 0;
    while (i < text.len) {
        size_t start = i;
        while (i < text.len && is_plain((unsigned char)text.ptr[i]))
            i++;
        json_write_raw(w, span_make(text.ptr + start, i - start));
        if (i < text.len)
            put_escaped(w, (unsigned char)text.ptr[i++]);
    }
    put(w, '"');
}

void json_write_bool(struct json_writer *w, bool value)
{
    json_write_raw(w, value ? SPAN_LITERAL("true") : SPAN_LITERAL("false"));
}

void json_write_uint(struct json_writer *w, uint64_t value)
{
    w->len += decimal_print_uint(json_reserve(w, DECIMAL_TEXT_MAX), value);
}

void json_write_int(struct json_writer *w, int64_t value)
{
    if (value < 0)
        put(w, '-');
    json_write_uint(w, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

static void write_special(struct json_writer *w, double value)
{
    if (isnan(value))
        json_write_raw(w, SPAN_LITERAL("NaN"));
    else
        json_write_raw(w, value < 0 ? SPAN_LITERAL("-Infinity") : SPAN_LITERAL("Infinity"));
}

void json_write_float(struct json_writer *w, float value)
{
    if (isfinite(value))
        w->len += decimal_print_float(json_reserve(w, DECIMAL_TEXT_MAX), value);
    else
        write_special(w, (double)value);
}

void json_write_double(struct json_writer *w, double value)
{
    if (isfinite(value))
        w->len += decimal_print_double(json_reserve(w, DECIMAL_TEXT_MAX), value);
    else
        write_special(w, value);
}

void json_write_base64(struct json_writer *w, struct span bytes)
{
    char *out = json_reserve(w, BASE64_SIZE(bytes.len) + 2), *start = out;
    *out++ = '"';
    out = base64_encode(bytes, out);
    *out++ = '"';
    json_wrote(w, (size_t)(out - start));
}

/* ---- layout ---- */

/* What stands before the second and later elements of an open array. */
struct between {
    char text[2 + JSON_DEPTH_MAX * INDENT];
    size_t len;
};

enum { BETWEEN_SHORT = 16 };

static struct between find_between(const struct json_writer *w)
{
    struct between b = {.text = {',', w->single_line ? ' ' : '\n'}, .len = 2};
    if (!w->single_line) {
        memset(b.text + b.len, ' ', (size_t)w->depth * INDENT);
        b.len += (size_t)w->depth * INDENT;
    }
    return b;
}

static inline char *put_between(char *out, const struct between *b)
{
    if (b->len <= BETWEEN_SHORT) /* a copy of fixed size is two instructions */
        memcpy(out, b->text, BETWEEN_SHORT);
    else
        memcpy(out, b->text, b->len);
    return out + b->len;
}

/* One that json_item() has not been called for. */
static void write_next(struct json_writer *w, const struct between *b, float value)
{
    char *out = json_reserve(w, sizeof b->text + DECIMAL_TEXT_MAX);
    json_wrote(w, (size_t)(put_between(out, b) - out));
    json_write_float(w, value);
}

static void write_block(struct json_writer *w, const struct between *b,
                        const float values[DECIMAL_BLOCK])
{
    struct decimal_block block;
    decimal_block_compute(&block, values);
    size_t room = DECIMAL_BLOCK * (b->len + DECIMAL_BLOCK_TEXT_MAX);
    char *start = json_reserve(w, room), *out = start;
    for (size_t i = 0; i < DECIMAL_BLOCK; i++) {
        char *text = put_between(out, b);
        size_t len = decimal_block_print(text, &block, i);
        if (__builtin_expect(len != 0, 1)) {
            out = text + len;
            continue;
        }
        json_wrote(w, (size_t)(out - start));
        write_next(w, b, values[i]);
        out = start = json_reserve(w, room);
    }
    json_wrote(w, (size_t)(out - start));
}

/* Many floats in a row are worth loops of their own: what stands between two of them is made once.
 */
void json_write_floats(struct json_writer *w, const float *values, size_t count)
{
    if (!count)
        return;
    json_item(w);
    json_write_float(w, values[0]);
    struct between b = find_between(w);
    size_t i = 1;
    for (; count - i >= DECIMAL_BLOCK && !w->failed; i += DECIMAL_BLOCK)
        write_block(w, &b, values + i);
    for (; i < count && !w->failed; i++)
        write_next(w, &b, values[i]);
}

static void new_line(struct json_writer *w)
{
    size_t n = (size_t)w->depth * INDENT;
    char *out = json_reserve(w, n + 1);
    out[0] = '\n';
    memset(out + 1, ' ', n);
    w->len += n + 1;
}

void json_item(struct json_writer *w)
{
    if (w->depth == 0)
        return;
    bool is_first = !w->levels[w->depth - 1].has_items;
    w->levels[w->depth - 1].has_items = true;
    if (w->single_line) {
        if (!is_first)
            json_write_raw(w, SPAN_LITERAL(", "));
        return;
    }
    if (!is_first)
        put(w, ',');
    new_line(w);
}

void json_key(struct json_writer *w, struct span key)
{
    CHECK(w->depth > 0 && !w->levels[w->depth - 1].is_array);
    if (w->levels[w->depth - 1].has_items)
        put(w, ',');
    w->levels[w->depth - 1].has_items = true;
    new_line(w);
    json_write_string(w, key);
    json_write_raw(w, SPAN_LITERAL(": "));
}

static void open_level(struct json_writer *w, bool is_array)
{
    CHECK(w->depth < JSON_DEPTH_MAX);
    put(w, is_array ? '[' : '{');
    w->levels[w->depth].is_array = is_array;
    w->levels[w->depth++].has_items = false;
}

void json_open_array(struct json_writer *w)
{
    open_level(w, true);
}

void json_open_object(struct json_writer *w)
{
    open_level(w, false);
}

void json_close(struct json_writer *w)
{
    CHECK(w->depth > 0);
    w->depth--;
    bool is_array = w->levels[w->depth].is_array;
    if (w->levels[w->depth].has_items && !(is_array && w->single_line))
        new_line(w);
    put(w, is_array ? ']' : '}');
}
