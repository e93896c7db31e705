/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SplitMergeTokenizeWithOffsets: each character of a text has a label that says whether it begins a
 * token (0) or goes on with the last one. RegexSplitWithOffsets: texts cut where a regular
 * expression matches; what another one matches whole stays as a token.
 */
#include <unictype.h>

#include "ops/string/regex.h"
#include "ops/string/rune.h"
#include "ops/text/rows.h"

struct tokens {
    struct row_texts texts;
    struct row_numbers starts, limits, splits;
};

static void add_token(const struct op_call *call, struct tokens *t, struct span text, size_t from,
                      size_t to)
{
    row_texts_add(&t->texts, call, span_sub(text, from, to - from));
    row_numbers_add(&t->starts, call, (int64_t)from);
    row_numbers_add(&t->limits, call, (int64_t)to);
}

/* ---- SplitMergeTokenizeWithOffsets ---- */

/* How many bytes a character has, by its first. */
static size_t length_at(struct span text, size_t at)
{
    static const uint8_t lengths[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4};
    size_t length = lengths[(unsigned char)text.ptr[at] >> 4];
    return length < text.len - at ? length : text.len - at;
}

static bool is_break(struct span text, size_t at)
{
    size_t length;
    int32_t rune = rune_decode(text, at, &length);
    return rune != RUNE_BAD && uc_is_property_white_space((ucs4_t)rune);
}

struct labels {
    const int32_t *at;
    int64_t count;
    bool cut_at_space;
};

/* A token's text: its characters without the white space among them. */
static struct span token_text(const struct op_call *call, struct span text, size_t from, size_t to,
                              bool gaps, struct tokens *t)
{
    if (!gaps)
        return span_sub(text, from, to - from);
    char *copy = arena_try_alloc(call->arena, to - from, 1), *end = copy;
    if (!copy) {
        t->texts.failed = true;
        return text;
    }
    for (size_t at = from, length; at < to; at += length) {
        length = length_at(text, at);
        if (!is_break(text, at))
            end = mempcpy(end, text.ptr + at, length);
    }
    return span_make(copy, (size_t)(end - copy));
}

/* The token in that range is whole. */
static void close_token(const struct op_call *call, struct tokens *t, struct span text,
                        const size_t range[2], bool gaps)
{
    struct span token = token_text(call, text, range[0], range[1], gaps, t);
    row_texts_add(&t->texts, call, token);
    row_numbers_add(&t->starts, call, (int64_t)range[0]);
    row_numbers_add(&t->limits, call, (int64_t)range[1]);
}

static enum code split_text(const struct op_call *call, struct tokens *t, struct span text,
                            const struct labels *labels, struct error *err)
{
    size_t range[2] = {0, 0}, length;
    bool open = false, gaps = false, after_space = false;
    int64_t i = 0;
    for (size_t at = 0; at < text.len; at += length, i++)
        length = length_at(text, at);
    if (i > labels->count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Number of labels %lld is insufficient for text %.*s",
                         (long long)labels->count, SPAN_ARG(text));
    i = 0;
    for (size_t at = 0; at < text.len; at += length, i++) {
        length = length_at(text, at);
        bool space = is_break(text, at);
        bool begins = labels->at[i] == 0 || !open || (after_space && labels->cut_at_space);
        after_space = space;
        if (space)
            continue;
        if (begins && open)
            close_token(call, t, text, range, gaps);
        if (begins) {
            range[0] = at;
            gaps = false;
        } else {
            gaps |= range[1] != at;
        }
        open = true;
        range[1] = at + length;
    }
    if (open)
        close_token(call, t, text, range, gaps);
    return CODE_OK;
}

static enum code give_tokens(const struct tokens *t, struct op_call *call, int splits, int starts,
                             struct error *err)
{
    enum code code = row_texts_give(&t->texts, call, 0, err);
    if (!code)
        code = row_numbers_give(&t->splits, call, splits, err);
    if (!code)
        code = row_numbers_give(&t->starts, call, starts, err);
    return code ? code : row_numbers_give(&t->limits, call, starts + 1, err);
}

static enum code split_merge_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    bool *cut = ARENA_NEW(call->arena, bool);
    *cut = op_attr_bool(call, "force_split_at_break_character");
    call->state = cut;
    return CODE_OK;
}

static enum code split_merge_run(struct op_call *call, struct error *err)
{
    const struct tensor *texts = call->in[0], *splits = call->in[2];
    struct tokens t = {0};
    int64_t n = texts->shape.rank ? texts->shape.dims[0] : 0;
    if (texts->shape.rank != 1 || splits->shape.rank != 1 || tensor_elements(splits) != n + 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expecting row_splits have %lld elements, got %lld", (long long)(n + 1),
                         (long long)tensor_elements(splits));
    enum code code = row_check_splits(splits, tensor_elements(call->in[1]), "row_splits", err);
    row_numbers_add(&t.splits, call, 0);
    for (int64_t i = 0; !code && i < n; i++) {
        int32_t from = TENSOR_AT(splits, int32_t)[i], to = TENSOR_AT(splits, int32_t)[i + 1];
        struct labels labels = {TENSOR_AT(call->in[1], int32_t) + from, to - from,
                                *(const bool *)call->state};
        code = split_text(call, &t, TENSOR_AT(texts, struct span)[i], &labels, err);
        row_numbers_add(&t.splits, call, t.texts.count);
    }
    return code ? code : give_tokens(&t, call, 1, 2, err);
}

/* ---- RegexSplitWithOffsets ---- */

struct regex_split {
    struct regex *cut, *keep; /* NULL: known only when it runs */
};

static enum code compile(const struct op_call *call, int i, unsigned flags, struct regex **regex,
                         struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (call->in[i]->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "Pattern must be scalar, but received %s",
                         shape_text(&call->in[i]->shape, text));
    struct span pattern = *TENSOR_AT(call->in[i], struct span);
    enum code code = regex_compile(pattern, flags, call->arena, regex, err);
    if (code == CODE_INVALID_ARGUMENT)
        error_prefix(err, "Invalid pattern: %.*s, error: ", SPAN_ARG(pattern));
    return code;
}

static enum code regex_split_prepare(struct op_call *call, struct error *err)
{
    struct regex_split *s = ARENA_NEW(call->arena, struct regex_split);
    enum code code = CODE_OK;
    call->state = s;
    if (call->in_const & 2)
        code = compile(call, 1, REGEX_MANY_TEXTS, &s->cut, err);
    if (!code && call->in_const & 4)
        code = compile(call, 2, REGEX_MANY_TEXTS, &s->keep, err);
    return code;
}

struct splitter {
    struct regex_matcher *cut, *keep;
    bool keeps;
};

/* The delimiter is the first group; the search goes on behind the whole match, as in a new text. */
static void cut_text(const struct op_call *call, struct tokens *t, const struct splitter *s,
                     struct span text)
{
    struct regex_range r[2];
    size_t at = 0;
    text.len = span_find(text, 0);
    while (regex_match(s->cut, span_sub(text, at, text.len), 0, REGEX_SEARCH, r)) {
        if (r[1].start == REGEX_NONE || !r[0].end)
            break;
        size_t from = at + r[1].start, to = at + r[1].end;
        struct span delimiter = span_sub(text, from, to - from);
        if (from > at)
            add_token(call, t, text, at, from);
        if (s->keeps && regex_match(s->keep, delimiter, 0, REGEX_FULL, NULL))
            add_token(call, t, text, from, to);
        at += r[0].end;
    }
    if (at < text.len)
        add_token(call, t, text, at, text.len);
}

static enum code regex_split_run(struct op_call *call, struct error *err)
{
    struct regex_split s = *(const struct regex_split *)call->state;
    struct splitter splitter;
    struct tokens t = {0};
    enum code code = s.cut ? CODE_OK : compile(call, 1, 0, &s.cut, err);
    if (!code && !s.keep)
        code = compile(call, 2, 0, &s.keep, err);
    if (!code)
        code = regex_matcher_new(s.cut, 2, call->arena, &splitter.cut, err);
    if (!code)
        code = regex_matcher_new(s.keep, 0, call->arena, &splitter.keep, err);
    if (code)
        return code;
    splitter.keeps = TENSOR_AT(call->in[2], struct span)->len;
    bool cuts = regex_groups(s.cut) > 0;
    row_numbers_add(&t.splits, call, 0);
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++) {
        struct span text = TENSOR_AT(call->in[0], struct span)[i];
        if (cuts)
            cut_text(call, &t, &splitter, text);
        else if ((text.len = span_find(text, 0)))
            add_token(call, &t, text, 0, text.len);
        row_numbers_add(&t.splits, call, t.texts.count);
    }
    return give_tokens(&t, call, 3, 1, err);
}

const struct op op_SplitMergeTokenizeWithOffsets = {
    .name = "SplitMergeTokenizeWithOffsets",
    .inputs = "input_values:string labels:int32 row_splits:int32",
    .outputs = "output_values:string output_row_splits:int64 start_values:int64 "
               "limit_values:int64",
    .attrs = "force_split_at_break_character:bool=true",
    .flags = OP_DYNAMIC,
    .prepare = split_merge_prepare,
    .run = split_merge_run,
};

const struct op op_RegexSplitWithOffsets = {
    .name = "RegexSplitWithOffsets",
    .inputs = "input:string delim_regex_pattern:string keep_delim_regex_pattern:string",
    .outputs = "tokens:string begin_offsets:int64 end_offsets:int64 row_splits:int64",
    .attrs = "",
    .flags = OP_DYNAMIC,
    .prepare = regex_split_prepare,
    .run = regex_split_run,
};
