/* SPDX-License-Identifier: Apache-2.0 */
/* StringLower, StringUpper, StringStrip, StringLength, AsString, StringToNumber: one string at a
 * time. */
#include <stdio.h>
#include <stdlib.h>
#include <unicase.h>

#include "ops/kernel.h"
#include "ops/string/number.h"
#include "ops/string/rune.h"

/* ---- StringLower, StringUpper: of ASCII letters, or of all that Unicode knows ---- */

static enum code case_prepare(struct op_call *call, struct error *err)
{
    struct span encoding = op_attr_string(call, "encoding");
    bool *unicode = ARENA_NEW(call->arena, bool);
    *unicode = encoding.len;
    call->state = unicode;
    if (!encoding.len || span_is(encoding, "utf-8"))
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "only utf-8 or '' (no encoding) is supported, received %.*s",
                     SPAN_ARG(encoding));
}

typedef uint8_t *map_fn(const uint8_t *text, size_t length, const char *language,
                        uninorm_t normal_form, uint8_t *result, size_t *result_length);

/* With all the rules of Unicode: a letter may become two, a sigma is final at the end of a word. */
static enum code map_case(struct op_call *call, map_fn *map, struct error *err)
{
    enum { LONGEST = 3 }; /* times the text */
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++) {
        struct span text;
        enum code code =
            rune_text_repair(TENSOR_AT(call->in[0], struct span)[i], call->arena, &text, err);
        if (code)
            return code;
        size_t length = text.len * LONGEST + 1;
        uint8_t *room = arena_try_alloc(call->arena, length, 1);
        if (!room)
            return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a string");
        uint8_t *mapped = map((const uint8_t *)text.ptr, text.len, "", NULL, room, &length);
        if (!mapped)
            return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a string");
        TENSOR_AT(call->out[0], struct span)
        [i] = mapped == room ? span_make(mapped, length)
                             : arena_copy(call->arena, span_make(mapped, length));
        if (mapped != room)
            free(mapped);
    }
    return CODE_OK;
}

static enum code turn_case(struct op_call *call, char first, char last, struct error *err)
{
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++) {
        struct span text = TENSOR_AT(call->in[0], struct span)[i];
        char *copy = arena_try_alloc(call->arena, text.len + 1, 1);
        if (!copy)
            return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a string");
        for (size_t k = 0; k < text.len; k++) {
            bool turns = text.ptr[k] >= first && text.ptr[k] <= last;
            copy[k] = (char)(turns ? text.ptr[k] ^ 0x20 : text.ptr[k]);
        }
        TENSOR_AT(call->out[0], struct span)[i] = span_make(copy, text.len);
    }
    return CODE_OK;
}

static enum code lower_run(struct op_call *call, struct error *err)
{
    return *(const bool *)call->state ? map_case(call, u8_tolower, err)
                                      : turn_case(call, 'A', 'Z', err);
}

static enum code upper_run(struct op_call *call, struct error *err)
{
    return *(const bool *)call->state ? map_case(call, u8_toupper, err)
                                      : turn_case(call, 'a', 'z', err);
}

/* ---- StringStrip ---- */

static enum code strip_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct span *in = TENSOR_AT(call->in[0], struct span);
    struct span *out = TENSOR_AT(call->out[0], struct span);
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++)
        out[i] = span_strip(in[i]);
    return CODE_OK;
}

/* ---- StringLength: in bytes or UTF-8 characters ---- */

static enum code length_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    static const bool characters = true;
    call->state =
        span_is(op_attr_string(call, "unit"), "UTF8_CHAR") ? (void *)(uintptr_t)&characters : NULL;
    return CODE_OK;
}

static int32_t count_characters(struct span text)
{
    int32_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return count;
}

static enum code length_run(struct op_call *call, struct error *err)
{
    (void)err;
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++) {
        struct span text = TENSOR_AT(call->in[0], struct span)[i];
        TENSOR_AT(call->out[0], int32_t)
        [i] = call->state ? count_characters(text) : (int32_t)text.len;
    }
    return CODE_OK;
}

/* ---- AsString: a printf format made of the attributes ---- */

enum { NUMBER_SIZE = 512, WIDTH_MAX = 200 };

struct as_string {
    char format[64];
    size_t width; /* of strings */
    bool left;
};

static const char *conversion_of(const struct op_call *call)
{
    enum dtype dtype = call->in[0]->dtype;
    if (dtype_is_integer(dtype))
        return OP_TYPE(dtype) & (OP_TYPE(DTYPE_UINT8) | OP_TYPE(DTYPE_UINT16) |
                                 OP_TYPE(DTYPE_UINT32) | OP_TYPE(DTYPE_UINT64))
                   ? "llu"
                   : "lld";
    return op_attr_bool(call, "scientific") ? "e" : op_attr_bool(call, "shortest") ? "g" : "f";
}

static enum code check_as_string(const struct op_call *call, struct error *err)
{
    struct span fill = op_attr_string(call, "fill");
    bool scientific = op_attr_bool(call, "scientific"), shortest = op_attr_bool(call, "shortest");
    enum dtype dtype = call->in[0]->dtype;
    if (dtype_is_integer(dtype) || dtype == DTYPE_BOOL) {
        if (scientific || shortest)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "scientific and shortest format not supported for datatype %s",
                             dtype_name(dtype));
        if (op_attr_int(call, "precision") >= 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "precision not supported for datatype %s",
                             dtype_name(dtype));
    }
    if (fill.len > 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "Fill string must be one or fewer characters");
    if (scientific && shortest)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Cannot select both scientific and shortest notation");
    if (fill.len && !strchr(" +-0#", fill.ptr[0]))
        return error_set(err, CODE_INVALID_ARGUMENT, "Fill argument not supported: \"%.*s\"",
                         SPAN_ARG(fill));
    if (op_attr_int(call, "width") > WIDTH_MAX || op_attr_int(call, "precision") > WIDTH_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "width and precision go up to %d", WIDTH_MAX);
    return CODE_OK;
}

static enum code as_string_prepare(struct op_call *call, struct error *err)
{
    struct as_string *a = ARENA_NEW(call->arena, struct as_string);
    int64_t width = op_attr_int(call, "width"), precision = op_attr_int(call, "precision");
    struct span fill = op_attr_string(call, "fill");
    char size[24] = "", digits[24] = "";
    enum code code = check_as_string(call, err);
    call->state = a;
    if (code)
        return code;
    a->width = width > 0 ? (size_t)width : 0;
    a->left = span_is(fill, "-");
    if (width > -1)
        snprintf(size, sizeof size, "%d", (int)width);
    if (precision > -1)
        snprintf(digits, sizeof digits, ".%d", (int)precision);
    snprintf(a->format, sizeof a->format, "%%%.*s%s%s%s", SPAN_ARG(fill), size, digits,
             conversion_of(call));
    return CODE_OK;
}

/* Real number i of a tensor whose numbers are real, or part i of one of complex numbers. */
static double real_at(const struct tensor *t, int64_t i)
{
    switch (t->dtype) {
    case DTYPE_HALF:
        return (double)dtype_half_to_float(TENSOR_AT(t, uint16_t)[i]);
    case DTYPE_BFLOAT16:
        return (double)dtype_bfloat16_to_float(TENSOR_AT(t, uint16_t)[i]);
    case DTYPE_FLOAT:
    case DTYPE_COMPLEX64:
        return (double)TENSOR_AT(t, float)[i];
    default:
        return TENSOR_AT(t, double)[i];
    }
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static int print_number(const struct as_string *a, const struct tensor *t, int64_t i,
                        char text[NUMBER_SIZE])
{
    if (t->dtype == DTYPE_BOOL)
        return snprintf(text, NUMBER_SIZE, "%s", TENSOR_AT(t, bool)[i] ? "true" : "false");
    if (dtype_is_integer(t->dtype))
        return snprintf(text, NUMBER_SIZE, a->format, (long long)tensor_int(t, i));
    return snprintf(text, NUMBER_SIZE, a->format, real_at(t, i));
}

#pragma GCC diagnostic pop

/* A string gets blanks on its left, or on its right if `fill` is '-'. */
static enum code pad_text(const struct as_string *a, struct span text, struct arena *arena,
                          struct span *out, struct error *err)
{
    *out = text;
    if (text.len >= a->width)
        return CODE_OK;
    char *to = arena_try_alloc(arena, a->width, 1);
    if (!to)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a string");
    memset(to, ' ', a->width);
    if (text.len)
        memcpy(a->left ? to : to + a->width - text.len, text.ptr, text.len);
    *out = span_make(to, a->width);
    return CODE_OK;
}

static struct span copy_printed(struct arena *arena, const char *text, int length)
{
    size_t kept = length < NUMBER_SIZE ? (size_t)length : NUMBER_SIZE - 1;
    return arena_copy(arena, span_make(text, kept));
}

static struct span print_complex(const struct as_string *a, const struct tensor *t, int64_t i,
                                 struct arena *arena)
{
    struct tensor parts = *t;
    char real[NUMBER_SIZE], imaginary[NUMBER_SIZE];
    print_number(a, &parts, 2 * i, real);
    print_number(a, &parts, 2 * i + 1, imaginary);
    return span_of(arena_printf(arena, "(%s,%s)", real, imaginary));
}

static enum code as_string_run(struct op_call *call, struct error *err)
{
    char text[NUMBER_SIZE];
    const struct tensor *in = call->in[0];
    struct span *out = call->out[0]->data;
    enum code code = CODE_OK;
    for (int64_t i = 0, n = tensor_elements(in); !code && i < n; i++) {
        if (in->dtype == DTYPE_STRING)
            code = pad_text(call->state, TENSOR_AT(in, struct span)[i], call->arena, &out[i], err);
        else if (in->dtype == DTYPE_COMPLEX64 || in->dtype == DTYPE_COMPLEX128)
            out[i] = print_complex(call->state, in, i, call->arena);
        else
            out[i] = copy_printed(call->arena, text, print_number(call->state, in, i, text));
    }
    return code;
}

/* ---- StringToNumber ---- */

static enum code to_number_run(struct op_call *call, struct error *err)
{
    const struct span *in = call->in[0]->data;
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++) {
        if (!number_read(in[i], call->out[0], i))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "StringToNumberOp could not correctly convert string: %.*s",
                             SPAN_ARG(in[i]));
    }
    return CODE_OK;
}

#define CASE_OP(symbol, function)                                                                  \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "input:string",                                                                  \
        .outputs = "output:string",                                                                \
        .attrs = "encoding:string=''",                                                             \
        .prepare = case_prepare,                                                                   \
        .run = function,                                                                           \
    }

CASE_OP(StringLower, lower_run);
CASE_OP(StringUpper, upper_run);

const struct op op_StringStrip = {
    .name = "StringStrip",
    .inputs = "input:string",
    .outputs = "output:string",
    .attrs = "",
    .run = strip_run,
};

const struct op op_StringLength = {
    .name = "StringLength",
    .inputs = "input:string",
    .outputs = "output:int32",
    .attrs = "unit:string='BYTE'",
    .prepare = length_prepare,
    .run = length_run,
};

const struct op op_AsString = {
    .name = "AsString",
    .inputs = "input:T",
    .outputs = "output:string",
    .attrs = "T:type precision:int=-1 scientific:bool=false shortest:bool=false width:int=-1 "
             "fill:string=''",
    .types = OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL) | OP_TYPE(DTYPE_STRING),
    .prepare = as_string_prepare,
    .run = as_string_run,
};

const struct op op_StringToNumber = {
    .name = "StringToNumber",
    .inputs = "string_tensor:string",
    .outputs = "output:out_type",
    .attrs = "out_type:type=float",
    .types = OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE) | OP_TYPE(DTYPE_INT32) |
             OP_TYPE(DTYPE_INT64) | OP_TYPE(DTYPE_UINT32) | OP_TYPE(DTYPE_UINT64),
    .types_attr = "out_type",
    .run = to_number_run,
};
