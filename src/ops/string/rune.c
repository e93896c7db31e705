/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8: what a lead byte demands stands in a table (Unicode, table 3-7). */
#include "ops/string/rune.h"

int32_t rune_decode(struct span text, size_t at, size_t *length)
{
    static const struct {
        uint8_t lead_lo, lead_hi, second_lo, second_hi, length, mask;
    } forms[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2, 0x1f}, {0xe0, 0xe0, 0xa0, 0xbf, 3, 0x0f},
        {0xe1, 0xec, 0x80, 0xbf, 3, 0x0f}, {0xed, 0xed, 0x80, 0x9f, 3, 0x0f},
        {0xee, 0xef, 0x80, 0xbf, 3, 0x0f}, {0xf0, 0xf0, 0x90, 0xbf, 4, 0x07},
        {0xf1, 0xf3, 0x80, 0xbf, 4, 0x07}, {0xf4, 0xf4, 0x80, 0x8f, 4, 0x07},
    };
    const unsigned char *p = (const unsigned char *)text.ptr + at;
    size_t rest = text.len - at;
    *length = 1;
    if (p[0] < 0x80)
        return p[0];
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (p[0] < forms[i].lead_lo || p[0] > forms[i].lead_hi)
            continue;
        int32_t rune = p[0] & forms[i].mask;
        for (size_t k = 1; k < forms[i].length; k++) {
            uint8_t lo = k == 1 ? forms[i].second_lo : 0x80,
                    hi = k == 1 ? forms[i].second_hi : 0xbf;
            if (k >= rest || p[k] < lo || p[k] > hi)
                return RUNE_BAD;
            rune = rune << 6 | (p[k] & 0x3f);
            *length = k + 1;
        }
        return rune;
    }
    return RUNE_BAD;
}

bool rune_text_is_valid(struct span text)
{
    size_t length;
    for (size_t at = 0; at < text.len; at += length) {
        if (rune_decode(text, at, &length) == RUNE_BAD)
            return false;
    }
    return true;
}

enum code rune_text_repair(struct span text, struct arena *arena, struct span *result,
                           struct error *err)
{
    struct text_builder b = text_builder_in(arena);
    size_t length;
    *result = text;
    if (rune_text_is_valid(text))
        return CODE_OK;
    for (size_t at = 0; at < text.len; at += length) {
        if (rune_decode(text, at, &length) == RUNE_BAD)
            text_builder_add_rune(&b, RUNE_REPLACEMENT);
        else
            text_builder_add(&b, span_sub(text, at, length));
    }
    return text_builder_take(&b, result, err);
}
