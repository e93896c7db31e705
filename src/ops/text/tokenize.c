/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WhitespaceTokenizeWithOffsets, UnicodeScriptTokenizeWithOffsets: rows of code points cut into
 * tokens, at white space and where the script changes. Offsets count code points of the row.
 *
 * TFText>WhitespaceTokenizeWithOffsetsV2 reads UTF-8 itself; what is white space says a table of
 * bits among its inputs, which we need not look at: it has Unicode's white space.
 */
#include <unictype.h>

#include "ops/string/rune.h"
#include "ops/string/script.h"
#include "ops/text/rows.h"

/* ICU's u_isUWhiteSpace. */
static bool is_space(int32_t rune)
{
    return rune >= 0 && rune <= 0x10ffff && uc_is_property_white_space((ucs4_t)rune);
}

struct tokens {
    const struct op_call *call;
    bool by_script, keep_space;
    struct row_numbers values, inner, starts, limits, outer;
};

enum { NO_SCRIPT = -2 };

static void tokenize_row(struct tokens *t, const int32_t *runes, int64_t count)
{
    int32_t script = NO_SCRIPT;
    bool open = false, was_space = false;
    int64_t skipped = 0;
    for (int64_t i = 0; i < count; i++) {
        bool space = is_space(runes[i]);
        int32_t own = t->by_script ? script_of(runes[i]) : NO_SCRIPT;
        bool cut = t->by_script ? own != script || (t->keep_space && space != was_space) : space;
        if (cut && open)
            row_numbers_add(&t->limits, t->call, i - skipped);
        open &= !cut;
        script = own;
        was_space = space;
        if (space && !t->keep_space) {
            skipped++;
            continue;
        }
        skipped = 0;
        if (!open) {
            row_numbers_add(&t->starts, t->call, i);
            row_numbers_add(&t->inner, t->call, t->values.count);
            open = true;
        }
        row_numbers_add(&t->values, t->call, runes[i]);
    }
    if (open)
        row_numbers_add(&t->limits, t->call, count - skipped);
}

static enum code tokenize(struct op_call *call, struct tokens *t, struct error *err)
{
    const struct tensor *splits = call->in[1];
    enum code code = row_check_splits(splits, tensor_elements(call->in[0]), "input_splits", err);
    if (code)
        return code;
    for (int64_t i = 0, n = tensor_elements(splits); i + 1 < n; i++) {
        int64_t from = tensor_int(splits, i), to = tensor_int(splits, i + 1);
        row_numbers_add(&t->outer, call, t->starts.count);
        tokenize_row(t, TENSOR_AT(call->in[0], int32_t) + from, to - from);
    }
    row_numbers_add(&t->outer, call, t->starts.count);
    row_numbers_add(&t->inner, call, t->values.count);
    const struct row_numbers *const outputs[] = {&t->values, &t->inner, &t->starts, &t->limits,
                                                 &t->outer};
    for (int i = 0; !code && i < 5; i++)
        code = row_numbers_give(outputs[i], call, i, err);
    return code;
}

static enum code whitespace_run(struct op_call *call, struct error *err)
{
    struct tokens t = {.call = call};
    return tokenize(call, &t, err);
}

static enum code script_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    bool *keep = ARENA_NEW(call->arena, bool);
    *keep = op_attr_bool(call, "keep_whitespace");
    call->state = keep;
    return CODE_OK;
}

static enum code script_run(struct op_call *call, struct error *err)
{
    struct tokens t = {.call = call, .by_script = true, .keep_space = *(const bool *)call->state};
    return tokenize(call, &t, err);
}

/* ---- WhitespaceTokenizeWithOffsetsV2: offsets count bytes ----
 *
 * In tensorflow-text a token ends one byte before the end of the white space behind it: white space
 * of more than one byte leaves the others to the token. Vocabularies have been made with that. */

struct byte_tokens {
    struct row_texts tokens;
    struct row_numbers splits, starts, limits;
};

static void tokenize_text(const struct op_call *call, struct byte_tokens *t, struct span text)
{
    size_t start = SIZE_MAX, length;
    for (size_t at = 0; at <= text.len; at += length) {
        length = 1;
        bool space = at == text.len || is_space(rune_decode(text, at, &length));
        if (!space && start == SIZE_MAX)
            start = at;
        if (!space || start == SIZE_MAX)
            continue;
        size_t limit = at == text.len ? at : at + length - 1;
        row_texts_add(&t->tokens, call, span_sub(text, start, limit - start));
        row_numbers_add(&t->starts, call, (int64_t)start);
        row_numbers_add(&t->limits, call, (int64_t)limit);
        start = SIZE_MAX;
    }
}

static enum code whitespace_v2_run(struct op_call *call, struct error *err)
{
    struct byte_tokens t = {0};
    row_numbers_add(&t.splits, call, 0);
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++) {
        tokenize_text(call, &t, TENSOR_AT(call->in[0], struct span)[i]);
        row_numbers_add(&t.splits, call, t.tokens.count);
    }
    enum code code = row_texts_give(&t.tokens, call, 0, err);
    if (!code)
        code = row_numbers_give(&t.splits, call, 1, err);
    if (!code)
        code = row_numbers_give(&t.starts, call, 2, err);
    return code ? code : row_numbers_give(&t.limits, call, 3, err);
}

#define TOKENIZE_OUTPUTS                                                                           \
    "output_values:int32 output_values_inner_splits:Tsplits output_offset_starts:int64 "           \
    "output_offset_limits:int64 output_outer_splits:Tsplits"

const struct op op_WhitespaceTokenizeWithOffsets = {
    .name = "WhitespaceTokenizeWithOffsets",
    .inputs = "input_values:int32 input_splits:Tsplits",
    .outputs = TOKENIZE_OUTPUTS,
    .attrs = "Tsplits:index=int64",
    .flags = OP_DYNAMIC,
    .run = whitespace_run,
};

const struct op op_UnicodeScriptTokenizeWithOffsets = {
    .name = "UnicodeScriptTokenizeWithOffsets",
    .inputs = "input_values:int32 input_splits:Tsplits",
    .outputs = TOKENIZE_OUTPUTS,
    .attrs = "Tsplits:index=int64 keep_whitespace:bool=false",
    .flags = OP_DYNAMIC,
    .prepare = script_prepare,
    .run = script_run,
};

const struct op op_TFText_WhitespaceTokenizeWithOffsetsV2 = {
    .name = "TFText>WhitespaceTokenizeWithOffsetsV2",
    .inputs = "input_values:string input_config:string",
    .outputs = "output_tokens:string output_row_splits:int64 output_start_offsets:int32 "
               "output_end_offsets:int32",
    .attrs = "",
    .flags = OP_DYNAMIC,
    .run = whitespace_v2_run,
};
