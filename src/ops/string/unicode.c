/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UnicodeDecode, UnicodeDecodeWithOffsets, UnicodeEncode, UnicodeTranscode: texts to code points
 * and back. What is no character is replaced, left out, or an error, as `errors` says.
 */
#include "ops/kernel.h"
#include "ops/string/charset.h"

enum output { OUTPUT_UTF8, OUTPUT_UTF16, OUTPUT_UTF32 };

struct unicode {
    struct charset charset; /* of the input */
    enum output output;
    bool ignore, strict;
    bool controls; /* are errors as well */
    int32_t replacement;
};

/* ---- attributes ---- */

static enum code read_errors(struct op_call *call, struct unicode *u, struct error *err)
{
    struct span errors = op_attr_string(call, "errors");
    int64_t replacement = op_attr_int(call, "replacement_char");
    u->ignore = span_is(errors, "ignore");
    u->strict = span_is(errors, "strict");
    u->replacement = (int32_t)replacement;
    if (!u->ignore && !u->strict && !span_is(errors, "replace"))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "errors policy must be one of 'strict', 'replace', or 'ignore'");
    if (replacement < 0 || replacement > 0x10ffff)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "replacement_char out of unicode codepoint range");
    return CODE_OK;
}

static enum code read_input(struct op_call *call, struct unicode *u, struct error *err)
{
    struct span name = op_attr_string(call, "input_encoding");
    u->controls = op_attr_bool(call, "replace_control_characters");
    if (charset_find(name, call->arena, &u->charset))
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Could not create converter for input encoding: %.*s", SPAN_ARG(name));
}

static enum code read_output(struct op_call *call, struct unicode *u, struct error *err)
{
    static const char *const names[] = {"UTF-8", "UTF-16-BE", "UTF-32-BE"};
    struct span name = op_attr_string(call, "output_encoding");
    for (u->output = OUTPUT_UTF8; u->output <= OUTPUT_UTF32; u->output++) {
        if (span_is(name, names[u->output]))
            return CODE_OK;
    }
    return error_set(err, CODE_INVALID_ARGUMENT, "Invalid encoding \"%.*s\"", SPAN_ARG(name));
}

static enum code decode_prepare(struct op_call *call, struct error *err)
{
    struct unicode *u = ARENA_NEW(call->arena, struct unicode);
    call->state = u;
    enum code code = read_errors(call, u, err);
    return code ? code : read_input(call, u, err);
}

static enum code transcode_prepare(struct op_call *call, struct error *err)
{
    enum code code = decode_prepare(call, err);
    return code ? code : read_output(call, call->state, err);
}

static enum code encode_prepare(struct op_call *call, struct error *err)
{
    struct unicode *u = ARENA_NEW(call->arena, struct unicode);
    call->state = u;
    enum code code = read_errors(call, u, err);
    return code ? code : read_output(call, u, err);
}

/* ---- decoding ---- */

/* What becomes of a character that was read. False: it is left out. */
static bool settle(const struct unicode *u, int32_t *rune)
{
    if (*rune != RUNE_BAD && !(u->controls && *rune <= 0x1f))
        return true;
    *rune = u->replacement;
    return !u->ignore;
}

/* Reads all texts: once to count, and once to put the characters at `runes` and their places at
 * `starts` (may be NULL). */
static enum code read_all(struct op_call *call, struct charset_reader *r, int32_t *runes,
                          int64_t *starts, struct error *err)
{
    const struct unicode *u = call->state;
    struct tensor *splits = call->out[0];
    int64_t total = 0;
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++) {
        int32_t rune;
        size_t length, at = 0;
        charset_reader_start(r, TENSOR_AT(call->in[0], struct span)[i]);
        for (; charset_reader_next(r, &rune, &length); at += length) {
            if (u->strict && rune == RUNE_BAD)
                return error_set(err, CODE_INVALID_ARGUMENT, "Invalid formatting on input string");
            if (!settle(u, &rune))
                continue;
            if (runes)
                runes[total] = rune;
            if (starts)
                starts[total] = (int64_t)at;
            total++;
        }
        if (splits->dtype == DTYPE_INT32 && total > INT32_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT, "too many characters for int32");
        if (splits->dtype == DTYPE_INT32)
            TENSOR_AT(splits, int32_t)[i + 1] = (int32_t)total;
        else
            TENSOR_AT(splits, int64_t)[i + 1] = total;
    }
    return CODE_OK;
}

static enum code decode_with(struct op_call *call, struct charset_reader *r, struct error *err)
{
    int64_t n = tensor_elements(call->in[0]);
    struct shape shape = shape_vector(n + 1);
    bool offsets = call->out_count > 2;
    enum code code = op_call_alloc(call, 0, &shape, err);
    if (code)
        return code;
    memset(call->out[0]->data, 0, tensor_bytes(call->out[0]));
    code = read_all(call, r, NULL, NULL, err);
    shape = shape_vector(tensor_int(call->out[0], n));
    for (int i = 1; !code && i < call->out_count; i++)
        code = op_call_alloc(call, i, &shape, err);
    return code ? code
                : read_all(call, r, call->out[1]->data, offsets ? call->out[2]->data : NULL, err);
}

static enum code decode_run(struct op_call *call, struct error *err)
{
    struct charset_reader r;
    enum code code = charset_reader_init(&r, &((const struct unicode *)call->state)->charset, err);
    if (code)
        return code;
    code = decode_with(call, &r, err);
    charset_reader_release(&r);
    return code;
}

/* ---- encoding ---- */

static void add_unit(struct text_builder *out, uint32_t unit, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        text_builder_add_byte(out, (char)(unit >> 8 * i));
}

static void add_rune(const struct unicode *u, struct text_builder *out, uint32_t rune)
{
    if (u->output == OUTPUT_UTF32) {
        add_unit(out, rune, 4);
    } else if (u->output == OUTPUT_UTF16 && rune >= 0x10000) {
        add_unit(out, 0xd800 + ((rune - 0x10000) >> 10), 2);
        add_unit(out, 0xdc00 + ((rune - 0x10000) & 0x3ff), 2);
    } else if (u->output == OUTPUT_UTF16) {
        add_unit(out, rune, 2);
    } else {
        /* A surrogate can only be the replacement that the model asks for. */
        bool surrogate = rune >= 0xd800 && rune <= 0xdfff;
        text_builder_add_rune(out, surrogate ? RUNE_REPLACEMENT : rune);
    }
}

static enum code transcode_one(const struct op_call *call, struct charset_reader *r,
                               struct span text, struct span *result, struct error *err)
{
    const struct unicode *u = call->state;
    struct text_builder out = text_builder_in(call->arena);
    int32_t rune;
    size_t length;
    charset_reader_start(r, text);
    while (charset_reader_next(r, &rune, &length)) {
        bool bad = rune == RUNE_BAD || (u->controls && rune <= 0x1f);
        if (u->strict && bad)
            return error_set(err, CODE_INVALID_ARGUMENT, "Invalid formatting on input string");
        if (settle(u, &rune))
            add_rune(u, &out, (uint32_t)rune);
    }
    return text_builder_take(&out, result, err);
}

static enum code transcode_run(struct op_call *call, struct error *err)
{
    struct charset_reader r;
    enum code code = charset_reader_init(&r, &((const struct unicode *)call->state)->charset, err);
    if (code)
        return code;
    for (int64_t i = 0, n = tensor_elements(call->in[0]); !code && i < n; i++)
        code = transcode_one(call, &r, TENSOR_AT(call->in[0], struct span)[i],
                             &TENSOR_AT(call->out[0], struct span)[i], err);
    charset_reader_release(&r);
    return code;
}

/* ---- UnicodeEncode: rows of code points ---- */

static enum code check_splits(const struct op_call *call, struct error *err)
{
    const struct tensor *values = call->in[0], *splits = call->in[1];
    int64_t n = tensor_elements(splits);
    if (!n)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input_splits should contain elements, but given input_values has 0 "
                         "elements");
    if (values->shape.rank != 1 || splits->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Both the input_tensor and input_splits should be of rank 1. ");
    if (tensor_int(splits, 0) != 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "First value in input_splits must be zero.");
    if (tensor_int(splits, n - 1) != tensor_elements(values))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Last value in input_splits must be equal to length of input_tensor.");
    for (int64_t i = 1; i < n; i++) {
        if (tensor_int(splits, i) < tensor_int(splits, i - 1))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Values in input_splits must be equal or in ascending order.");
    }
    return CODE_OK;
}

static enum code encode_row(const struct op_call *call, int64_t row, struct span *result,
                            struct error *err)
{
    const struct unicode *u = call->state;
    struct text_builder out = text_builder_in(call->arena);
    const int32_t *values = call->in[0]->data;
    for (int64_t i = tensor_int(call->in[1], row); i < tensor_int(call->in[1], row + 1); i++) {
        int32_t rune = values[i];
        bool bad = rune < 0 || rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff);
        if (bad && u->strict)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Code point is out of range for Unicode, or is a surrogate.");
        if (bad && u->ignore)
            continue;
        add_rune(u, &out, (uint32_t)(bad ? u->replacement : rune));
    }
    return text_builder_take(&out, result, err);
}

static enum code encode_run(struct op_call *call, struct error *err)
{
    enum code code = check_splits(call, err);
    if (code)
        return code;
    struct shape shape = shape_vector(tensor_elements(call->in[1]) - 1);
    code = op_call_alloc(call, 0, &shape, err);
    for (int64_t i = 0; !code && i < shape.dims[0]; i++)
        code = encode_row(call, i, &TENSOR_AT(call->out[0], struct span)[i], err);
    return code;
}

#define DECODE_ATTRS                                                                               \
    "input_encoding:string errors:string='replace' replacement_char:int=65533 "                    \
    "replace_control_characters:bool=false Tsplits:index=int64"

const struct op op_UnicodeDecode = {
    .name = "UnicodeDecode",
    .inputs = "input:string",
    .outputs = "row_splits:Tsplits char_values:int32",
    .attrs = DECODE_ATTRS,
    .flags = OP_DYNAMIC,
    .prepare = decode_prepare,
    .run = decode_run,
};

const struct op op_UnicodeDecodeWithOffsets = {
    .name = "UnicodeDecodeWithOffsets",
    .inputs = "input:string",
    .outputs = "row_splits:Tsplits char_values:int32 char_to_byte_starts:int64",
    .attrs = DECODE_ATTRS,
    .flags = OP_DYNAMIC,
    .prepare = decode_prepare,
    .run = decode_run,
};

const struct op op_UnicodeTranscode = {
    .name = "UnicodeTranscode",
    .inputs = "input:string",
    .outputs = "output:string",
    .attrs = "input_encoding:string output_encoding:string errors:string='replace' "
             "replacement_char:int=65533 replace_control_characters:bool=false",
    .prepare = transcode_prepare,
    .run = transcode_run,
};

const struct op op_UnicodeEncode = {
    .name = "UnicodeEncode",
    .inputs = "input_values:int32 input_splits:Tsplits",
    .outputs = "output:string",
    .attrs = "errors:string='replace' output_encoding:string replacement_char:int=65533 "
             "Tsplits:index=int64",
    .flags = OP_DYNAMIC,
    .prepare = encode_prepare,
    .run = encode_run,
};
