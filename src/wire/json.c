/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked of a parsed tape: members, types, dumps for error texts.
 *
 * A dump is what RapidJSON's PrettyWriter would write, cut at 256 bytes; a lone number is dressed
 * as in answers. Writing stops soon behind the cut, which also bounds the depth that has to be
 * remembered: a level costs a byte at least.
 */
#include "wire/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "wire/decimal.h"

enum {
    DUMP_MAX = 256,
    DUMP_INDENT = 4,
};

#define FLOAT_RANGE 3.4028234e38

double json_real(const struct json_value *v)
{
    if (v->type == JSON_INT)
        return (double)v->integer;
    if (v->type == JSON_UINT)
        return (double)v->unsigned_integer;
    return v->real;
}

struct span json_string(const struct json_value *v)
{
    return span_make(v->text, v[1].count);
}

const struct json_value *json_member(const struct json_value *object, struct span key)
{
    const struct json_value *end = json_end(object);
    for (const struct json_value *m = json_first(object); m != end; m = json_next(json_next(m)))
        if (span_equal(json_string(m), key))
            return json_next(m);
    return NULL;
}

const char *json_type_name(const struct json_value *v)
{
    static const char *const names[] = {
        [JSON_NULL] = "Null",     [JSON_FALSE] = "False", [JSON_TRUE] = "True",
        [JSON_NUMBER] = "Number", [JSON_INT] = "Number",  [JSON_UINT] = "Number",
        [JSON_STRING] = "String", [JSON_ARRAY] = "Array", [JSON_OBJECT] = "Object",
    };
    return names[v->type];
}

/* ---- dumps ---- */

/* RapidJSON's own dress of a double: shortest digits; 21 places before the point, 6 zeros behind
 * it, else an exponent. */
static void dump_real(struct json_writer *w, double value)
{
    char text[64], digits[32], out[64];
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision - 1, value);
        if (decimal_parse(span_of(text + (text[0] == '-'))) == fabs(value))
            break;
    }
    size_t count = 0;
    const char *c = text + (text[0] == '-');
    for (; *c != 'e'; c++)
        if (*c >= '0' && *c <= '9')
            digits[count++] = *c;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    int64_t exponent = 0;
    span_to_int64(span_of(c[1] == '+' ? c + 2 : c + 1), &exponent);
    int point = (int)exponent + 1; /* digits before it */
    int n = (int)count;
    const char *sign = signbit(value) ? "-" : "";
    if (value == 0)
        snprintf(out, sizeof out, "%s0.0", sign);
    else if (n <= point && point <= 21)
        snprintf(out, sizeof out, "%s%.*s%.*s.0", sign, n, digits, point - n,
                 "000000000000000000000");
    else if (point > 0 && point <= 21)
        snprintf(out, sizeof out, "%s%.*s.%.*s", sign, point, digits, n - point, digits + point);
    else if (point > -6 && point <= 0)
        snprintf(out, sizeof out, "%s0.%.*s%.*s", sign, -point, "000000", n, digits);
    else if (n == 1)
        snprintf(out, sizeof out, "%s%ce%d", sign, digits[0], point - 1);
    else
        snprintf(out, sizeof out, "%s%c.%.*se%d", sign, digits[0], n - 1, digits + 1, point - 1);
    json_write_raw(w, span_of(out));
}

/* False: nothing more is written; RapidJSON's writer stops at a NaN or an infinity. */
static bool dump_scalar(struct json_writer *w, const struct json_value *v)
{
    switch (v->type) {
    case JSON_NULL:
        json_write_raw(w, SPAN_LITERAL("null"));
        return true;
    case JSON_FALSE:
    case JSON_TRUE:
        json_write_bool(w, v->type == JSON_TRUE);
        return true;
    case JSON_INT:
        json_write_int(w, v->integer);
        return true;
    case JSON_UINT:
        json_write_uint(w, v->unsigned_integer);
        return true;
    case JSON_STRING:
        json_write_string(w, span_sub(json_string(v), 0, DUMP_MAX));
        return true;
    default:
        if (isfinite(v->real))
            dump_real(w, v->real);
        return isfinite(v->real);
    }
}

struct dump {
    struct json_writer *w;
    const struct json_value *open[DUMP_MAX + 1]; /* containers, outermost first */
    size_t done[DUMP_MAX + 1];                   /* values written in each; keys count too */
    int depth;
};

static void dump_line(struct dump *d)
{
    char blanks[DUMP_MAX];
    size_t n = (size_t)d->depth * DUMP_INDENT;
    memset(blanks, ' ', sizeof blanks);
    json_write_raw(d->w, SPAN_LITERAL("\n"));
    json_write_raw(d->w, span_make(blanks, n < sizeof blanks ? n : sizeof blanks));
}

/* What stands before the next value of the innermost container. */
static void dump_prefix(struct dump *d)
{
    if (d->depth == 0)
        return;
    size_t done = d->done[d->depth - 1]++;
    if (d->open[d->depth - 1]->type == JSON_ARRAY) {
        if (done)
            json_write_raw(d->w, SPAN_LITERAL(", "));
    } else if (done % 2) {
        json_write_raw(d->w, SPAN_LITERAL(": "));
    } else {
        if (done)
            json_write_raw(d->w, SPAN_LITERAL(","));
        dump_line(d);
    }
}

/* Closes the containers that end before `next`. */
static void dump_closes(struct dump *d, const struct json_value *next)
{
    while (d->depth && json_end(d->open[d->depth - 1]) <= next) {
        const struct json_value *container = d->open[--d->depth];
        if (container->type == JSON_ARRAY) {
            json_write_raw(d->w, SPAN_LITERAL("]"));
            continue;
        }
        if (container->count)
            dump_line(d);
        json_write_raw(d->w, SPAN_LITERAL("}"));
    }
}

/* A number by itself is printed as answers have it, and so may be NaN or an infinity; as a float if
 * it is in the range that RapidJSON takes for a float's. */
static void dump_lone_real(struct json_writer *w, double value)
{
    if (fabs(value) <= FLOAT_RANGE)
        json_write_float(w, (float)value);
    else
        json_write_double(w, value);
}

struct span json_dump(const struct json_value *v, struct arena *arena)
{
    struct json_writer w;
    json_writer_init(&w, arena, 2 * DUMP_MAX);
    struct dump d = {.w = &w};
    if (v->type == JSON_NUMBER) {
        dump_lone_real(&w, v->real);
        return json_writer_text(&w);
    }
    const struct json_value *end = json_end(v);
    while (v < end && w.len < DUMP_MAX) {
        dump_prefix(&d);
        if (v->type != JSON_ARRAY && v->type != JSON_OBJECT) {
            if (!dump_scalar(&w, v))
                break;
            v = json_next(v);
        } else {
            json_write_raw(&w, v->type == JSON_ARRAY ? SPAN_LITERAL("[") : SPAN_LITERAL("{"));
            d.open[d.depth] = v;
            d.done[d.depth++] = 0;
            v++;
        }
        dump_closes(&d, v);
    }
    return span_sub(json_writer_text(&w), 0, DUMP_MAX);
}
