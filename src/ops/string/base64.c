/* SPDX-License-Identifier: Apache-2.0 */
/* EncodeBase64, DecodeBase64: the alphabet that is safe in URLs (RFC 4648, section 5). */
#include "ops/kernel.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int value_of(char c)
{
    const char *hit = c ? strchr(alphabet, c) : NULL;
    return hit ? (int)(hit - alphabet) : -1;
}

static char *take(const struct op_call *call, size_t size, struct error *err)
{
    char *to = arena_try_alloc(call->arena, size + 1, 1);
    if (!to)
        error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a string");
    return to;
}

/* ---- encoding ---- */

static enum code encode_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    bool *pad = ARENA_NEW(call->arena, bool);
    *pad = op_attr_bool(call, "pad");
    call->state = pad;
    return CODE_OK;
}

static size_t encode(struct span text, bool pad, char *to)
{
    char *start = to;
    for (size_t i = 0; i < text.len; i += 3) {
        size_t count = text.len - i < 3 ? text.len - i : 3;
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < count ? (unsigned char)text.ptr[i + k] : 0);
        for (size_t k = 0; k < 4; k++) {
            if (k <= count)
                *to++ = alphabet[bits >> (18 - 6 * k) & 63];
            else if (pad)
                *to++ = '=';
        }
    }
    return (size_t)(to - start);
}

static enum code encode_run(struct op_call *call, struct error *err)
{
    bool pad = *(const bool *)call->state;
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++) {
        struct span text = TENSOR_AT(call->in[0], struct span)[i];
        char *to = take(call, text.len / 3 * 4 + 4, err);
        if (!to)
            return CODE_RESOURCE_EXHAUSTED;
        TENSOR_AT(call->out[0], struct span)[i] = span_make(to, encode(text, pad, to));
    }
    return CODE_OK;
}

/* ---- decoding: padding may be left out, but what there is must be right ---- */

static enum code decode(struct span text, char *to, size_t *length, struct error *err)
{
    char *start = to;
    if (text.len % 4 == 0 && text.len) {
        for (int k = 0; k < 2 && text.ptr[text.len - 1] == '='; k++)
            text.len--;
    }
    for (size_t i = 0; i < text.len; i += 4) {
        size_t count = text.len - i < 4 ? text.len - i : 4;
        uint32_t bits = 0;
        if (count == 1)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Base64 string length cannot be 1 modulo 4.");
        for (size_t k = 0; k < 4; k++) {
            int value = k < count ? value_of(text.ptr[i + k]) : 0;
            if (value < 0)
                return error_set(err, CODE_INVALID_ARGUMENT, "Invalid character found in base64.");
            bits = bits << 6 | (uint32_t)value;
        }
        for (size_t k = 0; k + 1 < count; k++)
            *to++ = (char)(bits >> (16 - 8 * k));
    }
    *length = (size_t)(to - start);
    return CODE_OK;
}

static enum code decode_run(struct op_call *call, struct error *err)
{
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++) {
        struct span text = TENSOR_AT(call->in[0], struct span)[i];
        size_t length;
        char *to = take(call, text.len / 4 * 3 + 3, err);
        if (!to)
            return CODE_RESOURCE_EXHAUSTED;
        enum code code = decode(text, to, &length, err);
        if (code)
            return code;
        TENSOR_AT(call->out[0], struct span)[i] = span_make(to, length);
    }
    return CODE_OK;
}

const struct op op_EncodeBase64 = {
    .name = "EncodeBase64",
    .inputs = "input:string",
    .outputs = "output:string",
    .attrs = "pad:bool=false",
    .prepare = encode_prepare,
    .run = encode_run,
};

const struct op op_DecodeBase64 = {
    .name = "DecodeBase64",
    .inputs = "input:string",
    .outputs = "output:string",
    .attrs = "",
    .run = decode_run,
};
