/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/text.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FIRST_ROOM = 256,
    NUMBER_SIZE = 32, /* the longest number, "-2.2250738585072014e-308", has 24 */
};

void text_init(struct text *text, struct arena *arena)
{
    *text = (struct text){.arena = arena};
}

struct span text_span(const struct text *text)
{
    return span_make(text->ptr, text->len);
}

static char *reserve(struct text *text, size_t more)
{
    if (!text->ptr || more > text->room - text->len) {
        size_t room = text->room ? 2 * text->room : FIRST_ROOM;
        if (room - text->len < more)
            room = text->len + more;
        char *larger = arena_alloc(text->arena, room);
        if (text->len)
            memcpy(larger, text->ptr, text->len);
        text->ptr = larger;
        text->room = room;
    }
    char *at = text->ptr + text->len;
    text->len += more;
    return at;
}

void text_char(struct text *text, char c)
{
    *reserve(text, 1) = c;
}

void text_repeat(struct text *text, char c, size_t count)
{
    memset(reserve(text, count), c, count);
}

void text_span_add(struct text *text, struct span bytes)
{
    char *at = reserve(text, bytes.len);
    if (bytes.len)
        memcpy(at, bytes.ptr, bytes.len);
}

void text_add(struct text *text, const char *zero_terminated)
{
    text_span_add(text, span_of(zero_terminated));
}

void text_int(struct text *text, int64_t value)
{
    char number[NUMBER_SIZE];
    snprintf(number, sizeof number, "%" PRId64, value);
    text_add(text, number);
}

void text_uint(struct text *text, uint64_t value)
{
    char number[NUMBER_SIZE];
    snprintf(number, sizeof number, "%" PRIu64, value);
    text_add(text, number);
}

void text_float(struct text *text, float value)
{
    char number[NUMBER_SIZE];
    if (isnan(value)) { /* whatever its sign */
        text_add(text, "nan");
        return;
    }
    snprintf(number, sizeof number, "%.*g", FLT_DIG, (double)value);
    /* protobuf takes the range error of a subnormal number for a difference. */
    if (strtof(number, NULL) != value || fpclassify(value) == FP_SUBNORMAL)
        snprintf(number, sizeof number, "%.*g", FLT_DIG + 3, (double)value);
    text_add(text, number);
}

void text_double(struct text *text, double value)
{
    char number[NUMBER_SIZE];
    if (isnan(value)) {
        text_add(text, "nan");
        return;
    }
    snprintf(number, sizeof number, "%.*g", DBL_DIG, value);
    if (strtod(number, NULL) != value)
        snprintf(number, sizeof number, "%.*g", DBL_DIG + 2, value);
    text_add(text, number);
}
