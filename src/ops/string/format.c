/* SPDX-License-Identifier: Apache-2.0 */
/*
 * StringFormat: a template whose placeholders become the inputs, each printed as TensorFlow prints
 * a tensor: nested brackets, at most `summarize` elements from either end of a dimension.
 */
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops/kernel.h"
#include "ops/string/rune.h"
#include "ops/string/text_builder.h"

struct format {
    struct span template, placeholder;
    int64_t ends;
};

static size_t count_placeholders(const struct format *f)
{
    size_t count = 0;
    struct span rest = f->template;
    while (rest.len && f->placeholder.len) {
        const char *hit = memmem(rest.ptr, rest.len, f->placeholder.ptr, f->placeholder.len);
        if (!hit)
            break;
        count++;
        rest = span_sub(rest, (size_t)(hit - rest.ptr) + f->placeholder.len, rest.len);
    }
    return count;
}

static enum code format_prepare(struct op_call *call, struct error *err)
{
    struct format *f = ARENA_NEW(call->arena, struct format);
    call->state = f;
    f->template = op_attr_string(call, "template");
    f->placeholder = op_attr_string(call, "placeholder");
    f->ends = op_attr_int(call, "summarize");
    size_t count = count_placeholders(f);
    if (count != (size_t)call->in_count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "num placeholders in template and num inputs must match: %zu vs. %d",
                         count, call->in_count);
    return CODE_OK;
}

/* ---- one element ---- */

static void add_text(struct text_builder *out, const char *text)
{
    text_builder_add(out, span_of(text));
}

/* The shortest of two lengths that reads back as the same number. */
static void add_real(struct text_builder *out, double value, bool single)
{
    char text[40];
    int digits = single ? FLT_DIG : DBL_DIG;
    snprintf(text, sizeof text, "%.*g", digits, value);
    bool same = single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
    if (!same && !isnan(value))
        snprintf(text, sizeof text, "%.*g", digits + (single ? 3 : 2), value);
    add_text(out, isnan(value) ? "nan" : text);
}

/* As a C string literal, but UTF-8 stays. */
static void add_quoted(struct text_builder *out, struct span text)
{
    static const char special[] = "\n\r\t\"'\\", letters[] = "nrt\"'\\";
    char octal[8];
    text_builder_add_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        const char *hit = c ? strchr(special, c) : NULL;
        if (hit) {
            text_builder_add_byte(out, '\\');
            text_builder_add_byte(out, letters[hit - special]);
        } else if (c >= 0x80 || isprint(c)) {
            text_builder_add_byte(out, (char)c);
        } else {
            snprintf(octal, sizeof octal, "\\%03o", c);
            add_text(out, octal);
        }
    }
    text_builder_add_byte(out, '"');
}

static void add_element(struct text_builder *out, const struct tensor *t, int64_t i)
{
    char text[32];
    switch (t->dtype) {
    case DTYPE_FLOAT:
        add_real(out, (double)TENSOR_AT(t, float)[i], true);
        return;
    case DTYPE_DOUBLE:
        add_real(out, TENSOR_AT(t, double)[i], false);
        return;
    case DTYPE_HALF:
        add_real(out, (double)dtype_half_to_float(TENSOR_AT(t, uint16_t)[i]), true);
        return;
    case DTYPE_BFLOAT16:
        add_real(out, (double)dtype_bfloat16_to_float(TENSOR_AT(t, uint16_t)[i]), true);
        return;
    case DTYPE_STRING:
        add_quoted(out, TENSOR_AT(t, struct span)[i]);
        return;
    case DTYPE_UINT64:
        snprintf(text, sizeof text, "%llu", (unsigned long long)TENSOR_AT(t, uint64_t)[i]);
        break;
    default:
        if (dtype_is_integer(t->dtype) || t->dtype == DTYPE_BOOL)
            snprintf(text, sizeof text, "%lld", (long long)tensor_int(t, i));
        else
            snprintf(text, sizeof text, "?");
    }
    add_text(out, text);
}

/* ---- a tensor ---- */

static void add_gap(struct text_builder *out, int dimension, int rank)
{
    if (dimension == rank - 1) {
        text_builder_add_byte(out, ' ');
        return;
    }
    for (int i = dimension; i < rank - 1; i++)
        text_builder_add_byte(out, '\n');
    for (int i = 0; i <= dimension; i++)
        text_builder_add_byte(out, ' ');
}

/* Goes down by calls, at most SHAPE_RANK_MAX deep. */
static void add_dimension(struct text_builder *out, const struct tensor *t, int64_t ends,
                          int dimension, int64_t at)
{
    int rank = t->shape.rank;
    if (dimension == rank) {
        add_element(out, t, at);
        return;
    }
    int64_t count = t->shape.dims[dimension], step = kernel_span(&t->shape, dimension + 1, rank);
    int64_t first = ends < count ? ends : count, last = count - ends > ends ? count - ends : first;
    text_builder_add_byte(out, '[');
    for (int64_t i = 0; i < first && !out->failed; i++) {
        if (i)
            add_gap(out, dimension, rank);
        add_dimension(out, t, ends, dimension + 1, at + i * step);
    }
    if (last > first) {
        add_gap(out, dimension, rank);
        add_text(out, "...");
    }
    for (int64_t i = last; i < count && !out->failed; i++) {
        add_gap(out, dimension, rank);
        add_dimension(out, t, ends, dimension + 1, at + i * step);
    }
    text_builder_add_byte(out, ']');
}

static void add_tensor(struct text_builder *out, const struct tensor *t, int64_t ends)
{
    int64_t count = tensor_elements(t);
    add_dimension(out, t, ends < 0 || ends > count ? count : ends, 0, 0);
}

static enum code format_run(struct op_call *call, struct error *err)
{
    const struct format *f = call->state;
    struct text_builder out = text_builder_in(call->arena);
    struct span rest = f->template;
    for (int i = 0; i < call->in_count; i++) {
        const char *hit = memmem(rest.ptr, rest.len, f->placeholder.ptr, f->placeholder.len);
        size_t plain = (size_t)(hit - rest.ptr);
        text_builder_add(&out, span_sub(rest, 0, plain));
        add_tensor(&out, call->in[i], f->ends);
        rest = span_sub(rest, plain + f->placeholder.len, rest.len);
    }
    text_builder_add(&out, rest);
    return text_builder_take(&out, TENSOR_AT(call->out[0], struct span), err);
}

const struct op op_StringFormat = {
    .name = "StringFormat",
    .inputs = "inputs:T",
    .outputs = "output:string",
    .attrs = "T:list(type) template:string='%s' placeholder:string='%s' summarize:int=3",
    .types_attr = "T",
    .shape = kernel_shape_scalar,
    .prepare = format_prepare,
    .run = format_run,
};
