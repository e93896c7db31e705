/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NormalizeUTF8: Unicode's normal forms. CaseFoldUTF8: NFKC_Casefold, for comparing texts: cases
 * folded, compatible characters made one, what nobody sees left out.
 */
#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

#include "ops/string/rune.h"
#include "ops/text/rows.h"

/* A text of libunistring's (malloc'd) becomes one of the arena's. */
static enum code adopt(uint8_t *bytes, size_t length, struct arena *arena, struct span *text,
                       struct error *err)
{
    char *copy = bytes ? arena_try_alloc(arena, length + 1, 1) : NULL;
    if (copy)
        memcpy(copy, bytes, length);
    free(bytes);
    *text = span_make(copy, length);
    return copy ? CODE_OK : error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a string");
}

static enum code normalize(struct span text, uninorm_t form, struct arena *arena,
                           struct span *result, struct error *err)
{
    size_t length;
    uint8_t *bytes = u8_normalize(form, (const uint8_t *)text.ptr, text.len, NULL, &length);
    if (text.len)
        return adopt(bytes, length, arena, result, err);
    free(bytes);
    *result = text;
    return CODE_OK;
}

/* ---- texts: bytes that are no characters stay as they are, and part what is before and behind
 * ---- */

typedef enum code map_fn(struct span text, const void *how, struct arena *arena,
                         struct span *result, struct error *err);

/* Where the characters that begin at `at` end, or (bad) the bytes that are none. */
static size_t end_of_run(struct span text, size_t at, bool *bad)
{
    size_t length;
    *bad = rune_decode(text, at, &length) == RUNE_BAD;
    for (at += length; at < text.len; at += length) {
        if ((rune_decode(text, at, &length) == RUNE_BAD) != *bad)
            break;
    }
    return at;
}

static enum code map_text(struct span text, map_fn *map, const void *how, struct op_call *call,
                          struct span *result, struct error *err)
{
    struct text_builder b = text_builder_in(call->arena);
    if (rune_text_is_valid(text))
        return map(text, how, call->arena, result, err);
    for (size_t at = 0, end; at < text.len; at = end) {
        bool bad;
        end = end_of_run(text, at, &bad);
        struct span part = span_sub(text, at, end - at);
        enum code code = bad ? CODE_OK : map(part, how, call->arena, &part, err);
        if (code)
            return code;
        text_builder_add(&b, part);
    }
    return text_builder_take(&b, result, err);
}

static enum code map_texts(struct op_call *call, map_fn *map, const void *how, struct error *err)
{
    const struct span *in = call->in[0]->data;
    enum code code = CODE_OK;
    for (int64_t i = 0, n = tensor_elements(call->in[0]); !code && i < n; i++)
        code = map_text(in[i], map, how, call, &TENSOR_AT(call->out[0], struct span)[i], err);
    return code;
}

/* ---- NormalizeUTF8 ---- */

static enum code normalize_prepare(struct op_call *call, struct error *err)
{
    struct span name = op_attr_string(call, "normalization_form");
    uninorm_t *form = ARENA_NEW(call->arena, uninorm_t);
    const struct {
        const char *name;
        uninorm_t form;
    } forms[] = {
        {"NFC", UNINORM_NFC},
        {"NFD", UNINORM_NFD},
        {"NFKC", UNINORM_NFKC},
        {"NFKD", UNINORM_NFKD},
    };
    char upper[8] = "";
    for (size_t i = 0; i < name.len && name.len < sizeof upper; i++)
        upper[i] =
            (char)(name.ptr[i] >= 'a' && name.ptr[i] <= 'z' ? name.ptr[i] ^ 0x20 : name.ptr[i]);
    call->state = form;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcmp(upper, forms[i].name) != 0)
            continue;
        *form = forms[i].form;
        return CODE_OK;
    }
    return error_set(err, CODE_INVALID_ARGUMENT, "Unknown normalization form requrested: %.*s",
                     SPAN_ARG(name));
}

static enum code normalize_part(struct span text, const void *form, struct arena *arena,
                                struct span *result, struct error *err)
{
    return normalize(text, *(const uninorm_t *)form, arena, result, err);
}

static enum code normalize_run(struct op_call *call, struct error *err)
{
    return map_texts(call, normalize_part, call->state, err);
}

/* ---- CaseFoldUTF8 ---- */

static enum code drop_ignorable(struct span text, struct arena *arena, struct span *result,
                                struct error *err)
{
    struct text_builder b = text_builder_in(arena);
    size_t length;
    bool any = false;
    for (size_t at = 0; at < text.len; at += length) {
        int32_t rune = rune_decode(text, at, &length);
        bool drop = rune != RUNE_BAD && uc_is_property_default_ignorable_code_point((ucs4_t)rune);
        any |= drop;
        if (!drop)
            text_builder_add(&b, span_sub(text, at, length));
    }
    *result = text;
    return any ? text_builder_take(&b, result, err) : CODE_OK;
}

/* Folding may make characters that decompose, and these fold again: twice is enough. */
static enum code fold(struct span text, struct arena *arena, struct span *result, struct error *err)
{
    enum code code = normalize(text, UNINORM_NFD, arena, result, err);
    for (int i = 0; !code && i < 2; i++) {
        size_t length;
        if (!result->len)
            return CODE_OK;
        uint8_t *bytes =
            u8_casefold((const uint8_t *)result->ptr, result->len, "", NULL, NULL, &length);
        code = adopt(bytes, length, arena, result, err);
        if (!code)
            code = drop_ignorable(*result, arena, result, err);
        if (!code)
            code = normalize(*result, UNINORM_NFKC, arena, result, err);
    }
    return code ? code : drop_ignorable(*result, arena, result, err);
}

static enum code fold_part(struct span text, const void *unused, struct arena *arena,
                           struct span *result, struct error *err)
{
    (void)unused;
    return fold(text, arena, result, err);
}

static enum code fold_run(struct op_call *call, struct error *err)
{
    return map_texts(call, fold_part, NULL, err);
}

const struct op op_NormalizeUTF8 = {
    .name = "NormalizeUTF8",
    .inputs = "input:string",
    .outputs = "output:string",
    .attrs = "normalization_form:string",
    .prepare = normalize_prepare,
    .run = normalize_run,
};

const struct op op_CaseFoldUTF8 = {
    .name = "CaseFoldUTF8",
    .inputs = "input:string",
    .outputs = "output:string",
    .attrs = "",
    .run = fold_run,
};
