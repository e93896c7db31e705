/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain ASCII, the usual case, is passed eight bytes at a time. For the rest the first byte
 * decides, by a table, how many bytes follow and between which bounds the second one must lie: that
 * alone excludes overlong forms, surrogates and what is above U+10FFFF (RFC 3629, section 4).
 */
#include "wire/utf8.h"

struct lead {
    uint8_t first, last;       /* first bytes of this row */
    uint8_t more;              /* bytes that follow */
    uint8_t second, second_to; /* bounds of the second byte */
};

static const struct lead leads[] = {
    {0xc2, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf}, {0xe1, 0xec, 2, 0x80, 0xbf},
    {0xed, 0xed, 2, 0x80, 0x9f}, {0xee, 0xef, 2, 0x80, 0xbf}, {0xf0, 0xf0, 3, 0x90, 0xbf},
    {0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f},
};

/* The bytes of the character at `p`, 0 if it is none. */
static size_t character(const uint8_t *p, const uint8_t *end)
{
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
        const struct lead *row = &leads[i];
        if (*p < row->first || *p > row->last)
            continue;
        if (end - p <= row->more || p[1] < row->second || p[1] > row->second_to)
            return 0;
        for (size_t k = 2; k <= row->more; k++) {
            if ((p[k] & 0xc0) != 0x80)
                return 0;
        }
        return row->more + 1u;
    }
    return 0;
}

bool utf8_valid(struct span text)
{
    if (!text.len) /* its pointer may be NULL */
        return true;
    const uint8_t *p = (const uint8_t *)text.ptr, *end = p + text.len;
    while (p < end) {
        uint64_t word;
        if (end - p >= 8 && (memcpy(&word, p, 8), (word & 0x8080808080808080u) == 0)) {
            p += 8;
        } else if (*p < 0x80) {
            p++;
        } else {
            size_t n = character(p, end);
            if (!n)
                return false;
            p += n;
        }
    }
    return true;
}

size_t utf8_decode(struct span text, uint32_t *code_point)
{
    const uint8_t *p = (const uint8_t *)text.ptr;
    if (text.len && *p < 0x80) {
        *code_point = *p;
        return 1;
    }
    size_t n = text.len ? character(p, p + text.len) : 0;
    if (!n)
        return 0;
    uint32_t c = *p & (0x7fu >> n);
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3f);
    *code_point = c;
    return n;
}

struct span utf8_prefix(struct span text, size_t max)
{
    size_t len = 0, n;
    uint32_t code_point;
    while (len < text.len && (n = utf8_decode(span_sub(text, len, 4), &code_point)) &&
           len + n <= max)
        len += n;
    return span_sub(text, 0, len);
}
