/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WordpieceTokenizeWithOffsets: words cut into the longest pieces that a table of the vocabulary
 * has, from left to right; pieces inside of a word are looked up behind a suffix indicator ("##").
 */
#include "ops/handle.h"
#include "ops/string/rune.h"
#include "ops/table/table.h"
#include "ops/text/rows.h"

struct wordpiece {
    struct span suffix, unknown;
    int64_t bytes_max, chars_max;
    bool use_unknown, split_unknown, splits;
};

struct pieces {
    const struct op_call *call;
    const struct wordpiece *w;
    struct table *table;
    char *key; /* room for the suffix indicator and a word */
    struct row_texts texts;
    struct row_numbers starts, limits, partition;
};

static enum code wordpiece_prepare(struct op_call *call, struct error *err)
{
    struct wordpiece *w = ARENA_NEW(call->arena, struct wordpiece);
    struct span partition = op_attr_string(call, "output_row_partition_type");
    call->state = w;
    w->suffix = op_attr_string(call, "suffix_indicator");
    w->unknown = op_attr_string(call, "unknown_token");
    w->bytes_max = op_attr_int(call, "max_bytes_per_word");
    w->chars_max = op_attr_int(call, "max_chars_per_token");
    w->use_unknown = op_attr_bool(call, "use_unknown_token");
    w->split_unknown = op_attr_bool(call, "split_unknown_characters");
    w->splits = span_is(partition, "row_splits");
    if (!w->splits && !span_is(partition, "row_lengths"))
        return error_set(err, CODE_INTERNAL, "Unexpected value for output_row_partition_type");
    return CODE_OK;
}

/* The table behind input 1, which must map strings to int64. */
static enum code vocabulary_of(const struct op_call *call, struct table **table, struct error *err)
{
    struct resource *resource = handle_resource(call->in[1], &table_ops);
    if (!resource)
        return error_set(err, CODE_INVALID_ARGUMENT, "vocab_lookup_table is no table");
    *table = (struct table *)(void *)resource;
    if ((*table)->key_dtype != DTYPE_STRING || (*table)->value_dtype != DTYPE_INT64 ||
        (*table)->value_shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "vocab_lookup_table must lead from strings to int64");
    if (!(*table)->is_mutable && !atomic_load_explicit(&(*table)->filled, memory_order_acquire))
        return error_set(err, CODE_FAILED_PRECONDITION, "Table not initialized.");
    return CODE_OK;
}

static bool is_known(const struct pieces *p, struct span word, size_t from, size_t to)
{
    struct span key = span_sub(word, from, to - from);
    if (from) {
        size_t suffix = p->w->suffix.len;
        memcpy(p->key, p->w->suffix.ptr, suffix);
        memcpy(p->key + suffix, key.ptr, key.len);
        key = span_make(p->key, suffix + key.len);
    }
    const int64_t *value = map_get(&p->table->map, key);
    return value && *value != -1;
}

static void add_piece(struct pieces *p, struct span text, size_t from, size_t to)
{
    row_texts_add(&p->texts, p->call, text);
    row_numbers_add(&p->starts, p->call, (int64_t)from);
    row_numbers_add(&p->limits, p->call, (int64_t)to);
}

/* Both, in memory of the arena. */
static struct span join(struct pieces *p, struct span a, struct span b)
{
    char *to = arena_try_alloc(p->call->arena, a.len + b.len + 1, 1);
    if (!to) {
        p->texts.failed = true;
        return b;
    }
    if (a.len)
        memcpy(to, a.ptr, a.len);
    if (b.len)
        memcpy(to + a.len, b.ptr, b.len);
    return span_make(to, a.len + b.len);
}

/* The end of the longest known piece that begins at `from`; 0 if there is none. *first is where the
 * first character ends. */
static size_t longest_piece(const struct pieces *p, struct span word, size_t from, size_t *first)
{
    size_t end = from, length;
    int64_t chars = 0;
    *first = 0;
    for (; end < word.len && (p->w->chars_max <= 0 || chars < p->w->chars_max); chars++) {
        rune_decode(word, end, &length);
        end += length;
        *first = *first ? *first : end;
    }
    while (end > from) {
        if (is_known(p, word, from, end))
            return end;
        /* Back over one character: it begins where decoding from the left says. */
        size_t at = from, before = from;
        for (; at < end; at += length) {
            before = at;
            rune_decode(word, at, &length);
        }
        end = before;
    }
    return 0;
}

static void cut_word(struct pieces *p, struct span word)
{
    const struct wordpiece *w = p->w;
    int64_t begun = p->texts.count;
    if ((int64_t)word.len > w->bytes_max) {
        add_piece(p, w->use_unknown ? w->unknown : word, 0,
                  w->use_unknown ? w->unknown.len : word.len);
        return;
    }
    for (size_t from = 0, to, first; from < word.len; from = to) {
        to = longest_piece(p, word, from, &first);
        if (!to && !w->split_unknown) {
            p->texts.count = p->starts.count = p->limits.count = begun;
            add_piece(p, w->use_unknown ? w->unknown : word, 0, word.len);
            return;
        }
        struct span piece = span_sub(word, from, (to ? to : first) - from);
        if (!to && w->use_unknown)
            piece = w->unknown;
        to = to ? to : first;
        add_piece(p, from ? join(p, w->suffix, piece) : piece, from, to);
    }
}

static enum code cut_words(struct op_call *call, struct pieces *p, struct error *err)
{
    const struct span *words = call->in[0]->data;
    size_t longest = 0;
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++)
        longest = words[i].len > longest ? words[i].len : longest;
    p->key = arena_try_alloc(call->arena, p->w->suffix.len + longest + 1, 1);
    if (!p->key)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a word");
    if (p->w->splits)
        row_numbers_add(&p->partition, call, 0);
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++) {
        int64_t before = p->texts.count;
        cut_word(p, words[i]);
        row_numbers_add(&p->partition, call,
                        p->w->splits ? p->texts.count : p->texts.count - before);
    }
    return CODE_OK;
}

static enum code wordpiece_run(struct op_call *call, struct error *err)
{
    struct pieces p = {.call = call, .w = call->state};
    enum code code = vocabulary_of(call, &p.table, err);
    if (code)
        return code;
    if (p.table->is_mutable)
        pthread_rwlock_rdlock(&p.table->lock);
    code = cut_words(call, &p, err);
    if (p.table->is_mutable)
        pthread_rwlock_unlock(&p.table->lock);
    if (!code)
        code = row_texts_give(&p.texts, call, 0, err);
    if (!code)
        code = row_numbers_give(&p.partition, call, 1, err);
    if (!code)
        code = row_numbers_give(&p.starts, call, 2, err);
    return code ? code : row_numbers_give(&p.limits, call, 3, err);
}

const struct op op_WordpieceTokenizeWithOffsets = {
    .name = "WordpieceTokenizeWithOffsets",
    .inputs = "input_values:string vocab_lookup_table:resource",
    .outputs = "output_values:string output_row_lengths:int64 start_values:int64 "
               "limit_values:int64",
    .attrs = "suffix_indicator:string max_bytes_per_word:int max_chars_per_token:int=0 "
             "use_unknown_token:bool unknown_token:string split_unknown_characters:bool=false "
             "output_row_partition_type:string='row_lengths'",
    .flags = OP_DYNAMIC | OP_STATEFUL,
    .prepare = wordpiece_prepare,
    .run = wordpiece_run,
};
