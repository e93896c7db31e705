/* SPDX-License-Identifier: Apache-2.0 */
/* StringLower, StringUpper (ASCII), StringStrip, StringLength, AsString, StringToNumber: one string
 * at a time. */
#include <stdio.h>
#include <stdlib.h>

#include "ops/kernel.h"

/* ---- StringLower, StringUpper: of ASCII letters; encoding "utf-8" is refused ---- */

static enum code check_encoding(struct op_call *call, struct error *err)
{
    struct span encoding = op_attr_string(call, "encoding");
    if (!encoding.len)
        return CODE_OK;
    return error_set(err, CODE_UNIMPLEMENTED, "op %s with encoding '%.*s' is not supported",
                     call->node->op->name, SPAN_ARG(encoding));
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
    return turn_case(call, 'A', 'Z', err);
}

static enum code upper_run(struct op_call *call, struct error *err)
{
    return turn_case(call, 'a', 'z', err);
}

/* ---- StringStrip ---- */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static enum code strip_run(struct op_call *call, struct error *err)
{
    (void)err;
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++) {
        struct span text = TENSOR_AT(call->in[0], struct span)[i];
        while (text.len && is_blank(text.ptr[0]))
            text = span_sub(text, 1, text.len);
        while (text.len && is_blank(text.ptr[text.len - 1]))
            text.len--;
        TENSOR_AT(call->out[0], struct span)[i] = text;
    }
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

enum { NUMBER_SIZE = 512 };

struct as_string {
    char format[64];
    bool integer;
};

static enum code as_string_prepare(struct op_call *call, struct error *err)
{
    struct as_string *a = ARENA_NEW(call->arena, struct as_string);
    int64_t width = op_attr_int(call, "width"), precision = op_attr_int(call, "precision");
    struct span fill = op_attr_string(call, "fill");
    bool scientific = op_attr_bool(call, "scientific"), shortest = op_attr_bool(call, "shortest");
    char size[24] = "", digits[24] = "";
    call->state = a;
    a->integer = dtype_is_integer(call->in[0]->dtype);
    if (scientific && shortest)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Cannot select both scientific and shortest notation");
    if (fill.len > 1 || (fill.len && !strchr(" +-0#", fill.ptr[0])))
        return error_set(err, CODE_INVALID_ARGUMENT, "Fill argument not supported: \"%.*s\"",
                         SPAN_ARG(fill));
    if (width > 200 || precision > 200)
        return error_set(err, CODE_INVALID_ARGUMENT, "width and precision go up to 200");
    if (width > -1)
        snprintf(size, sizeof size, "%d", (int)width);
    if (precision > -1 && !a->integer)
        snprintf(digits, sizeof digits, ".%d", (int)precision);
    snprintf(a->format, sizeof a->format, "%%%.*s%s%s%s", SPAN_ARG(fill), size, digits,
             a->integer   ? call->in[0]->dtype == DTYPE_UINT64 ? "llu" : "lld"
             : scientific ? "e"
             : shortest   ? "g"
                          : "f");
    return CODE_OK;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static int print_number(const struct as_string *a, const struct tensor *t, int64_t i,
                        char text[NUMBER_SIZE])
{
    if (t->dtype == DTYPE_BOOL)
        return snprintf(text, NUMBER_SIZE, "%s", TENSOR_AT(t, bool)[i] ? "true" : "false");
    if (a->integer)
        return snprintf(text, NUMBER_SIZE, a->format, (long long)tensor_int(t, i));
    double value =
        t->dtype == DTYPE_FLOAT ? (double)TENSOR_AT(t, float)[i] : TENSOR_AT(t, double)[i];
    return snprintf(text, NUMBER_SIZE, a->format, value);
}
#pragma GCC diagnostic pop

static enum code as_string_run(struct op_call *call, struct error *err)
{
    (void)err;
    char text[NUMBER_SIZE];
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++) {
        int length = print_number(call->state, call->in[0], i, text);
        size_t kept = length < NUMBER_SIZE ? (size_t)length : NUMBER_SIZE - 1;
        TENSOR_AT(call->out[0], struct span)[i] = arena_copy(call->arena, span_make(text, kept));
    }
    return CODE_OK;
}

/* ---- StringToNumber ---- */

static enum code not_a_number(struct span text, struct error *err)
{
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "StringToNumberOp could not correctly convert "
                     "string: %.*s",
                     SPAN_ARG(text));
}

static bool to_real(struct span text, double *value)
{
    char copy[NUMBER_SIZE];
    char *end;
    if (!text.len || text.len >= sizeof copy)
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    *value = strtod(copy, &end);
    while (is_blank(*end))
        end++;
    return end != copy && (size_t)(end - copy) == text.len;
}

static enum code put_number(struct tensor *out, int64_t i, struct span text, struct error *err)
{
    double real;
    int64_t integer;
    while (out->dtype != DTYPE_FLOAT && out->dtype != DTYPE_DOUBLE && text.len &&
           is_blank(*text.ptr))
        text = span_sub(text, 1, text.len);
    if (out->dtype == DTYPE_FLOAT || out->dtype == DTYPE_DOUBLE) {
        if (!to_real(text, &real))
            return not_a_number(text, err);
        if (out->dtype == DTYPE_FLOAT)
            TENSOR_AT(out, float)[i] = (float)real;
        else
            TENSOR_AT(out, double)[i] = real;
        return CODE_OK;
    }
    if (!span_to_int64(text, &integer) ||
        (out->dtype == DTYPE_INT32 && integer != (int32_t)integer))
        return not_a_number(text, err);
    if (out->dtype == DTYPE_INT32)
        TENSOR_AT(out, int32_t)[i] = (int32_t)integer;
    else
        TENSOR_AT(out, int64_t)[i] = integer;
    return CODE_OK;
}

static enum code to_number_run(struct op_call *call, struct error *err)
{
    enum code code = CODE_OK;
    for (int64_t i = 0, n = tensor_elements(call->in[0]); !code && i < n; i++)
        code = put_number(call->out[0], i, TENSOR_AT(call->in[0], struct span)[i], err);
    return code;
}

#define CASE_OP(symbol, function)                                                                  \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "input:string",                                                                  \
        .outputs = "output:string",                                                                \
        .attrs = "encoding:string=''",                                                             \
        .prepare = check_encoding,                                                                 \
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
    .types = OP_TYPES_INTEGER | OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE) | OP_TYPE(DTYPE_BOOL),
    .prepare = as_string_prepare,
    .run = as_string_run,
};

const struct op op_StringToNumber = {
    .name = "StringToNumber",
    .inputs = "string_tensor:string",
    .outputs = "output:out_type",
    .attrs = "out_type:type=float",
    .types =
        OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE) | OP_TYPE(DTYPE_INT32) | OP_TYPE(DTYPE_INT64),
    .types_attr = "out_type",
    .run = to_number_run,
};
