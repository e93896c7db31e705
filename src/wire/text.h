/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing text in an arena, for printers. Writes never fail: running out of memory ends the
 * process, for what is printed is no larger than what was read. Room doubles.
 */
#ifndef WIRE_TEXT_H
#define WIRE_TEXT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"

struct text {
    struct arena *arena; /* borrowed */
    char *ptr;           /* in the arena */
    size_t len;
    size_t room;
};

void text_init(struct text *text, struct arena *arena);
struct span text_span(const struct text *text);

void text_char(struct text *text, char c);
void text_repeat(struct text *text, char c, size_t count);
void text_span_add(struct text *text, struct span bytes);
void text_add(struct text *text, const char *zero_terminated);
void text_int(struct text *text, int64_t value);
void text_uint(struct text *text, uint64_t value);

/* As protobuf prints them: "%.6g", with nine digits where six do not read back the same ("%.15g"
 * and "%.17g" for double); "inf", "-inf", "nan". */
void text_float(struct text *text, float value);
void text_double(struct text *text, double value);

#endif
