/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/base64.h"

enum {
    BAD = 255,
    SPACE = 254,
    PAD = 253,
};

static unsigned char value_of(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned char)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned char)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (unsigned char)(c - '0' + 52);
    if (c == '+' || c == '/')
        return c == '+' ? 62 : 63;
    if (c == ' ' || (c >= '\t' && c <= '\r'))
        return SPACE;
    return c == '=' ? PAD : BAD;
}

/* The end: `sextets` of the last group are there, then `pads` were seen. Unused bits need not be
 * zero. */
static bool ends_well(int sextets, int pads)
{
    if (sextets == 0)
        return pads == 0;
    return sextets != 1 && (pads == 0 || pads == 4 - sextets);
}

bool base64_decode(struct span text, struct arena *arena, struct span *bytes)
{
    unsigned char table[256];
    for (int i = 0; i < 256; i++)
        table[i] = value_of((unsigned char)i);
    char *out = arena_try_alloc(arena, text.len / 4 * 3 + 3, ARENA_ALIGN);
    if (!out)
        return false;
    uint32_t group = 0;
    int sextets = 0, pads = 0;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char value = table[(unsigned char)text.ptr[i]];
        if (value == SPACE)
            continue;
        if (value == BAD || (value != PAD && pads))
            return false;
        if (value == PAD) {
            if (++pads > 2)
                return false;
            continue;
        }
        group = group << 6 | value;
        if (++sextets < 4)
            continue;
        out[len++] = (char)(group >> 16);
        out[len++] = (char)(group >> 8);
        out[len++] = (char)group;
        sextets = 0;
    }
    if (!ends_well(sextets, pads))
        return false;
    if (sextets == 3)
        out[len++] = (char)(group >> 10);
    if (sextets >= 2)
        out[len++] = (char)(sextets == 2 ? group >> 4 : group >> 2);
    *bytes = span_make(out, len);
    return true;
}

char *base64_encode(struct span bytes, char *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = (const unsigned char *)bytes.ptr;
    size_t i = 0;
    for (; bytes.len - i >= 3; i += 3) {
        uint32_t group = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        *out++ = alphabet[group >> 6 & 63];
        *out++ = alphabet[group & 63];
    }
    if (i < bytes.len) {
        bool two = bytes.len - i == 2;
        uint32_t group = (uint32_t)in[i] << 16 | (two ? (uint32_t)in[i + 1] << 8 : 0);
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        *out++ = two ? alphabet[group >> 6 & 63] : '=';
        *out++ = '=';
    }
    return out;
}
