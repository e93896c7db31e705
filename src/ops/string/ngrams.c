/* SPDX-License-Identifier: Apache-2.0 */
/*
 * StringNGrams: of each row of a ragged vector (data, data_splits), all runs of ngram_widths
 * tokens, joined by a separator, the widths one after the other. A row is padded on both sides with
 * pad_width pads, at most width - 1 (-1: as many).
 */
#include "ops/kernel.h"

struct ngrams {
    const int64_t *widths;
    size_t width_count;
    int64_t pad_width;
    bool keep_short;
    struct span separator, left, right;
};

static enum code ngrams_prepare(struct op_call *call, struct error *err)
{
    struct ngrams *g = ARENA_NEW(call->arena, struct ngrams);
    call->state = g;
    g->width_count = op_attr_ints(call, "ngram_widths", &g->widths);
    g->pad_width = op_attr_int(call, "pad_width");
    g->keep_short = op_attr_bool(call, "preserve_short_sequences");
    g->separator = op_attr_string(call, "separator");
    g->left = op_attr_string(call, "left_pad");
    g->right = op_attr_string(call, "right_pad");
    for (size_t i = 0; i < g->width_count; i++) {
        if (g->widths[i] <= 0)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "ngram_widths must contain positive values");
    }
    return CODE_OK;
}

static int64_t pad_of(const struct ngrams *g, int64_t width)
{
    int64_t most = width - 1;
    return g->pad_width < 0 || g->pad_width > most ? most : g->pad_width;
}

/* How many n-grams a row of `length` tokens has. -1: more than can be counted. */
static int64_t count_of(const struct ngrams *g, int64_t length, int64_t width)
{
    int64_t padded, count;
    if (__builtin_mul_overflow(pad_of(g, width), 2, &padded) ||
        __builtin_add_overflow(padded, length, &padded) ||
        __builtin_sub_overflow(padded, width - 1, &count))
        return -1;
    return count > 0 ? count : 0;
}

static enum code check_splits(const struct op_call *call, struct error *err)
{
    int64_t size = tensor_elements(call->in[0]), n = tensor_elements(call->in[1]);
    int64_t before = tensor_int(call->in[1], 0);
    if (before != 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "First split value must be 0, got %lld",
                         (long long)before);
    for (int64_t i = 1; i < n; i++) {
        int64_t split = tensor_int(call->in[1], i);
        if (split < before || split > size)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Invalid split value %lld, must be in [%lld, %lld]", (long long)split,
                             (long long)before, (long long)size);
        before = split;
    }
    if (before != size)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Last split value must be data size. Expected %lld, got %lld",
                         (long long)size, (long long)before);
    return CODE_OK;
}

struct row {
    const struct span *tokens;
    int64_t length;
};

/* Token i of the padded row; left of 0 and right of the length lie the pads. */
static struct span token_at(const struct ngrams *g, const struct row *row, int64_t i)
{
    return i < 0 ? g->left : i >= row->length ? g->right : row->tokens[i];
}

static enum code make_ngram(struct op_call *call, const struct row *row, int64_t start,
                            int64_t width, struct span *out, struct error *err)
{
    const struct ngrams *g = call->state;
    size_t length = 0;
    for (int64_t i = start; i < start + width; i++)
        length += token_at(g, row, i).len + (i > start ? g->separator.len : 0);
    char *to = arena_try_alloc(call->arena, length + 1, 1);
    if (!to)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for an n-gram");
    *out = span_make(to, length);
    for (int64_t i = start; i < start + width; i++) {
        struct span token = token_at(g, row, i);
        if (i > start && g->separator.len)
            to = mempcpy(to, g->separator.ptr, g->separator.len);
        if (token.len)
            to = mempcpy(to, token.ptr, token.len);
    }
    return CODE_OK;
}

/* The n-grams of a row, or the one of a row too short for any; *count of them. */
static int64_t count_row(const struct ngrams *g, int64_t length)
{
    int64_t total = 0;
    for (size_t w = 0; w < g->width_count; w++) {
        int64_t count = count_of(g, length, g->widths[w]);
        if (count < 0 || __builtin_add_overflow(total, count, &total))
            return -1;
    }
    return !total && g->keep_short && length ? 1 : total;
}

static enum code make_row(struct op_call *call, const struct row *row, struct span **out,
                          struct error *err)
{
    const struct ngrams *g = call->state;
    enum code code = CODE_OK;
    int64_t made = 0;
    for (size_t w = 0; w < g->width_count; w++) {
        int64_t width = g->widths[w], count = count_of(g, row->length, width);
        for (int64_t i = 0; !code && i < count; i++)
            code = make_ngram(call, row, i - pad_of(g, width), width, (*out)++, err);
        made += count;
    }
    if (code || made || !g->keep_short || !row->length)
        return code;
    /* Only a pad_width that is given can be this short; the row is one n-gram. */
    int64_t pad = g->pad_width < 0 ? 0 : g->pad_width, width = row->length + 2 * pad;
    return make_ngram(call, row, -pad_of(g, width), width, (*out)++, err);
}

static void put_split(struct tensor *splits, int64_t i, int64_t value)
{
    if (splits->dtype == DTYPE_INT32)
        TENSOR_AT(splits, int32_t)[i] = (int32_t)value;
    else
        TENSOR_AT(splits, int64_t)[i] = value;
}

/* The splits of the result; *total is the last of them. */
static enum code make_splits(struct op_call *call, int64_t *total, struct error *err)
{
    int64_t n = tensor_elements(call->in[1]);
    int64_t most = call->out[1]->dtype == DTYPE_INT32 ? INT32_MAX : INT64_MAX / 32;
    *total = 0;
    put_split(call->out[1], 0, 0);
    for (int64_t i = 1; i < n; i++) {
        int64_t length = tensor_int(call->in[1], i) - tensor_int(call->in[1], i - 1);
        int64_t count = count_row(call->state, length);
        if (count < 0 || __builtin_add_overflow(*total, count, total) || *total > most)
            return error_set(err, CODE_INVALID_ARGUMENT, "there are too many n-grams");
        put_split(call->out[1], i, *total);
    }
    return CODE_OK;
}

/* Without data or rows, there is nothing even where pads would be. */
static enum code make_nothing(struct op_call *call, struct error *err)
{
    enum code code = op_call_alloc(call, 0, &call->in[0]->shape, err);
    for (int64_t i = 0; !code && i < tensor_elements(call->in[0]); i++)
        TENSOR_AT(call->out[0], struct span)[i] = span_make(NULL, 0);
    for (int64_t i = 0; !code && i < tensor_elements(call->in[1]); i++)
        put_split(call->out[1], i, 0);
    return code;
}

static enum code ngrams_run(struct op_call *call, struct error *err)
{
    struct shape splits = call->in[1]->shape, vector;
    int64_t n = tensor_elements(call->in[1]), total = 0;
    enum code code = op_call_alloc(call, 1, &splits, err);
    if (code)
        return code;
    if (n)
        code = check_splits(call, err);
    if (!n || !tensor_elements(call->in[0]))
        return code ? code : make_nothing(call, err);
    if (!code)
        code = make_splits(call, &total, err);
    vector = shape_vector(total);
    if (!code)
        code = op_call_alloc(call, 0, &vector, err);
    struct span *out = call->out[0]->data;
    for (int64_t i = 1; !code && i < n; i++) {
        int64_t from = tensor_int(call->in[1], i - 1);
        struct row row = {TENSOR_AT(call->in[0], struct span) + from,
                          tensor_int(call->in[1], i) - from};
        code = make_row(call, &row, &out, err);
    }
    return code;
}

const struct op op_StringNGrams = {
    .name = "StringNGrams",
    .inputs = "data:string data_splits:Tsplits",
    .outputs = "ngrams:string ngrams_splits:Tsplits",
    .attrs = "separator:string ngram_widths:list(int) left_pad:string right_pad:string "
             "pad_width:int preserve_short_sequences:bool Tsplits:index=int64",
    .flags = OP_DYNAMIC,
    .prepare = ngrams_prepare,
    .run = ngrams_run,
};
