/* SPDX-License-Identifier: Apache-2.0 */
/* FastBertNormalize: texts character by character, as a model says. */
#include "ops/text/fast_bert.h"

#include "ops/string/rune.h"
#include "ops/text/rows.h"
#include "wire/flatbuffer.h"

enum { FIELD_TRIE = 1, FIELD_OF_ZERO, FIELD_POOL }; /* 0: what the model was made for */

enum code fast_bert_read(struct span bytes, struct fast_bert *m, struct error *err)
{
    struct flatbuffer_table t;
    struct flatbuffer_vector trie = {.count = 0};
    uint64_t of_zero = 0;
    bool good = flatbuffer_root(bytes, &t) && flatbuffer_vector(&t, FIELD_TRIE, 4, &trie) &&
                flatbuffer_number(&t, FIELD_OF_ZERO, 4, &of_zero) &&
                flatbuffer_string(&t, FIELD_POOL, &m->pool);
    if (!good || !trie.count)
        return error_set(err, CODE_INVALID_ARGUMENT, "the FastBertNormalizer model is malformed");
    m->trie.units = trie.elements;
    m->of_zero = (uint32_t)of_zero;
    return CODE_OK;
}

/* A value has a bit that says that the character is replaced, where in the pool, how many bytes. */
bool fast_bert_replacement(const struct fast_bert *m, struct span character,
                           struct span *replacement)
{
    enum { LENGTH_BITS = 6, REPLACED = 1 << 30 };
    struct double_array_cursor cursor;
    uint32_t value = 0;
    if (!character.len || !character.ptr[0])
        value = m->of_zero;
    else if (!double_array_stand(m->trie, 0, &cursor) ||
             !double_array_walk(m->trie, character, &cursor) ||
             !double_array_value(m->trie, &cursor, &value))
        return false;
    *replacement = span_sub(m->pool, (value & (REPLACED - 1)) >> LENGTH_BITS,
                            value & ((1 << LENGTH_BITS) - 1));
    return value & REPLACED;
}

struct normalizer {
    struct op_call *call;
    struct fast_bert model;
    struct row_numbers offsets; /* of each byte of the output in the input, and of the end */
    bool wants_offsets;
};

static void add_offsets(struct normalizer *n, size_t first, size_t count, size_t step)
{
    for (size_t i = 0; n->wants_offsets && i < count; i++)
        row_numbers_add(&n->offsets, n->call, (int64_t)(first + i * step));
}

static enum code normalize(struct normalizer *n, struct span text, struct span *result,
                           struct error *err)
{
    struct text_builder b = text_builder_in(n->call->arena);
    size_t copied = 0, length;
    for (size_t at = 0; at < text.len; at += length) {
        struct span replacement;
        rune_decode(text, at, &length);
        if (!fast_bert_replacement(&n->model, span_sub(text, at, length), &replacement))
            continue;
        text_builder_add(&b, span_sub(text, copied, at - copied));
        add_offsets(n, copied, at - copied, 1);
        text_builder_add(&b, replacement);
        add_offsets(n, at, replacement.len, 0);
        copied = at + length;
    }
    add_offsets(n, copied, text.len - copied + 1, 1);
    if (!copied) {
        *result = text;
        return CODE_OK;
    }
    text_builder_add(&b, span_sub(text, copied, text.len));
    return text_builder_take(&b, result, err);
}

static enum code normalize_prepare(struct op_call *call, struct error *err)
{
    bool *offsets = ARENA_NEW(call->arena, bool);
    (void)err;
    *offsets = op_attr_bool(call, "get_offsets");
    call->state = offsets;
    return CODE_OK;
}

/* input_values [n], fast_bert_normalizer_model -> output_values [n], output_offsets,
 * output_row_splits [n + 1]: zeros without offsets */
static enum code normalize_run(struct op_call *call, struct error *err)
{
    struct normalizer n = {.call = call, .wants_offsets = *(const bool *)call->state};
    const struct tensor *in = call->in[0], *model = call->in[1];
    struct row_numbers splits = {.count = 0};
    enum code code = fast_bert_read(span_make(model->data, tensor_bytes(model)), &n.model, err);
    if (!code)
        code = op_call_alloc(call, 0, &in->shape, err);
    if (code)
        return code;
    row_numbers_add(&splits, call, 0);
    for (int64_t i = 0, count = tensor_elements(in); !code && i < count; i++) {
        code = normalize(&n, TENSOR_AT(in, struct span)[i],
                         &TENSOR_AT(call->out[0], struct span)[i], err);
        row_numbers_add(&splits, call, n.offsets.count);
    }
    if (!code)
        code = row_numbers_give(&n.offsets, call, 1, err);
    return code ? code : row_numbers_give(&splits, call, 2, err);
}

const struct op op_FastBertNormalize = {
    .name = "FastBertNormalize",
    .inputs = "input_values:string fast_bert_normalizer_model:uint8",
    .outputs = "output_values:string output_offsets:int64 output_row_splits:int64",
    .attrs = "get_offsets:bool=false",
    .flags = OP_DYNAMIC,
    .prepare = normalize_prepare,
    .run = normalize_run,
};
