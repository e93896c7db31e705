/* SPDX-License-Identifier: Apache-2.0 */
/* struct charset: a reader per kind in a table. iconv is fed byte by byte until it gives one
 * character. */
#include "ops/string/charset.h"

#include <errno.h>
#include <iconv.h>

enum kind { KIND_UTF8, KIND_UTF16, KIND_UTF32, KIND_LATIN1, KIND_ASCII, KIND_ICONV };

/* Of UTF-16 and UTF-32. */
enum order { ORDER_BIG = 0, ORDER_LITTLE = 1, ORDER_MARKED = 2 };

static const struct {
    const char *name;
    enum kind kind;
    enum order order;
} charsets[] = {
    {"utf8", KIND_UTF8, ORDER_BIG},        {"utf16", KIND_UTF16, ORDER_MARKED},
    {"utf16be", KIND_UTF16, ORDER_BIG},    {"utf16le", KIND_UTF16, ORDER_LITTLE},
    {"utf32", KIND_UTF32, ORDER_MARKED},   {"utf32be", KIND_UTF32, ORDER_BIG},
    {"utf32le", KIND_UTF32, ORDER_LITTLE}, {"latin1", KIND_LATIN1, ORDER_BIG},
    {"iso88591", KIND_LATIN1, ORDER_BIG},  {"usascii", KIND_ASCII, ORDER_BIG},
    {"ascii", KIND_ASCII, ORDER_BIG},
};

enum { KIND_BITS = 3 };

static void normalise(struct span name, char *out)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (c != '-' && c != '_' && c != ' ')
            *out++ = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    *out = 0;
}

bool charset_find(struct span name, struct arena *arena, struct charset *charset)
{
    enum { LENGTH_MAX = 64 };
    char key[LENGTH_MAX + 1];
    if (!name.len || name.len > LENGTH_MAX || memchr(name.ptr, 0, name.len) ||
        memchr(name.ptr, '/', name.len))
        return false;
    normalise(name, key);
    charset->name = arena_strdup(arena, name);
    for (size_t i = 0; i < sizeof charsets / sizeof *charsets; i++) {
        if (strcmp(key, charsets[i].name) != 0)
            continue;
        charset->kind = (int)charsets[i].kind | (int)charsets[i].order << KIND_BITS;
        return true;
    }
    charset->kind = KIND_ICONV;
    iconv_t converter = iconv_open("UTF-32BE", charset->name);
    if (converter == (iconv_t)-1)
        return false;
    iconv_close(converter);
    return true;
}

enum code charset_reader_init(struct charset_reader *reader, const struct charset *charset,
                              struct error *err)
{
    *reader = (struct charset_reader){.charset = charset};
    if (charset->kind != KIND_ICONV)
        return CODE_OK;
    iconv_t converter = iconv_open("UTF-32BE", charset->name);
    if (converter == (iconv_t)-1)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "no converter for input encoding: %s",
                         charset->name);
    reader->converter = converter;
    return CODE_OK;
}

void charset_reader_release(struct charset_reader *reader)
{
    if (reader->converter)
        iconv_close(reader->converter);
    reader->converter = NULL;
}

void charset_reader_start(struct charset_reader *reader, struct span text)
{
    reader->text = text;
    reader->at = 0;
    reader->pending_count = 0;
    reader->little = reader->charset->kind >> KIND_BITS == ORDER_LITTLE;
    if (reader->converter)
        iconv(reader->converter, NULL, NULL, NULL, NULL);
}

/* ---- by kind: the character at the reader's place, which has at least one byte ---- */

static int32_t next_utf8(struct charset_reader *r, size_t *length)
{
    return rune_decode(r->text, r->at, length);
}

static int32_t next_byte(struct charset_reader *r, size_t *length)
{
    unsigned char c = (unsigned char)r->text.ptr[r->at];
    *length = 1;
    return r->charset->kind == KIND_ASCII && c >= 0x80 ? RUNE_BAD : c;
}

/* The number of `size` bytes at the place, or -1 if there are not as many. */
static int64_t unit_at(const struct charset_reader *r, size_t at, size_t size)
{
    int64_t unit = 0;
    if (r->text.len - at < size)
        return -1;
    for (size_t i = 0; i < size; i++)
        unit = unit << 8 | (unsigned char)r->text.ptr[at + (r->little ? size - 1 - i : i)];
    return unit;
}

/* The bytes of a mark at the start of a text whose order it tells. */
static size_t read_mark(struct charset_reader *r, size_t size)
{
    if (r->at || r->charset->kind >> KIND_BITS != ORDER_MARKED)
        return 0;
    for (int little = 0; little < 2; little++) {
        r->little = little;
        if (unit_at(r, 0, size) == 0xfeff)
            return size;
    }
    r->little = false;
    return 0;
}

static int32_t next_utf16(struct charset_reader *r, size_t *length)
{
    size_t mark = read_mark(r, 2), at = r->at + mark;
    int64_t first = unit_at(r, at, 2), second;
    *length = r->text.len - r->at;
    if (first < 0)
        return RUNE_BAD;
    *length = mark + 2;
    if (first < 0xd800 || first > 0xdfff)
        return (int32_t)first;
    if (first > 0xdbff)
        return RUNE_BAD;
    second = unit_at(r, at + 2, 2);
    if (second < 0)
        *length = r->text.len - r->at;
    if (second < 0xdc00 || second > 0xdfff)
        return RUNE_BAD;
    *length = mark + 4;
    return (int32_t)(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
}

static int32_t next_utf32(struct charset_reader *r, size_t *length)
{
    size_t mark = read_mark(r, 4);
    int64_t unit = unit_at(r, r->at + mark, 4);
    *length = unit < 0 ? r->text.len - r->at : mark + 4;
    return unit < 0 || unit > 0x10ffff || (unit >= 0xd800 && unit <= 0xdfff) ? RUNE_BAD
                                                                             : (int32_t)unit;
}

/* Characters of iconv's output: the first is the answer, the others wait. */
static int32_t take_output(struct charset_reader *r, const unsigned char *out, size_t count)
{
    int32_t first = RUNE_BAD;
    r->pending_count = 0;
    for (size_t i = 0; i < count; i++) {
        const unsigned char *p = out + 4 * i;
        int32_t rune =
            (int32_t)((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
        if (!i)
            first = rune;
        else
            r->pending[r->pending_count++] = rune;
    }
    return first;
}

static int32_t next_iconv(struct charset_reader *r, size_t *length)
{
    unsigned char out[16];
    size_t rest = r->text.len - r->at, taken = 0;
    while (taken < rest) {
        char *in = (char *)(uintptr_t)r->text.ptr + r->at + taken;
        size_t in_left = 1, out_left = sizeof out;
        char *to = (char *)out;
        /* What is not yet whole must be given again, with the next byte. */
        while (iconv(r->converter, &in, &in_left, &to, &out_left) == (size_t)-1 &&
               errno == EINVAL && taken + in_left < rest)
            in_left++;
        taken = (size_t)(in - (r->text.ptr + r->at));
        if (out_left < sizeof out) {
            *length = taken;
            return take_output(r, out, (sizeof out - out_left) / 4);
        }
        if (in_left) {
            bool cut = taken + in_left == rest && errno == EINVAL;
            *length = cut ? rest : taken + 1;
            return RUNE_BAD;
        }
    }
    *length = rest;
    return RUNE_BAD;
}

bool charset_reader_next(struct charset_reader *r, int32_t *rune, size_t *length)
{
    typedef int32_t next_fn(struct charset_reader *, size_t *);
    static next_fn *const readers[] = {
        [KIND_UTF8] = next_utf8,   [KIND_UTF16] = next_utf16, [KIND_UTF32] = next_utf32,
        [KIND_LATIN1] = next_byte, [KIND_ASCII] = next_byte,  [KIND_ICONV] = next_iconv,
    };
    if (r->pending_count) {
        *rune = r->pending[0];
        *length = 0;
        memmove(r->pending, r->pending + 1, sizeof r->pending - sizeof *r->pending);
        r->pending_count--;
        return true;
    }
    if (r->at >= r->text.len)
        return false;
    *rune = readers[r->charset->kind & ((1 << KIND_BITS) - 1)](r, length);
    r->at += *length;
    return true;
}
