/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FastWordpieceTokenizeWithOffsets, TFText>FastWordpieceDetokenize. The model comes as a tensor of
 * bytes and is read in place, which costs nothing: there is nothing to prepare.
 */
#include "ops/string/text_builder.h"
#include "ops/text/fast_wordpiece.h"

static enum code read_model(const struct op_call *call, struct fast_wordpiece *model,
                            struct error *err)
{
    const struct tensor *bytes = call->in[call->in_count - 1];
    return fast_wordpiece_read(span_make(bytes->data, tensor_bytes(bytes)), model, err);
}

/* input_values [n], wp_model -> output_subwords, output_ids, output_row_splits [n + 1],
 * start_values, end_values */
static enum code tokenize_run(struct op_call *call, struct error *err)
{
    struct fast_wordpiece model;
    struct fast_wordpiece_rows rows = {.call = call};
    struct row_numbers splits = {.count = 0};
    enum code code = read_model(call, &model, err);
    if (code)
        return code;
    row_numbers_add(&splits, call, 0);
    for (int64_t i = 0, n = tensor_elements(call->in[0]); !code && i < n; i++) {
        struct span text = TENSOR_AT(call->in[0], struct span)[i];
        code = fast_wordpiece_tokenize(&model, text, &rows, err);
        row_numbers_add(&splits, call, rows.ids.count);
    }
    if (!code)
        code = row_texts_give(&rows.pieces, call, 0, err);
    const struct row_numbers *const numbers[] = {&rows.ids, &splits, &rows.starts, &rows.limits};
    for (int i = 0; !code && i < 4; i++)
        code = row_numbers_give(numbers[i], call, i + 1, err);
    return code;
}

/* Pieces of a word are joined, words are parted by blanks; a piece that continues a word keeps the
 * indicator where there is none to continue. */
static enum code join_row(const struct fast_wordpiece *m, const int32_t *ids, int64_t count,
                          struct text_builder *b, struct error *err)
{
    for (int64_t i = 0; i < count; i++) {
        struct span piece;
        if (ids[i] < 0 || (size_t)ids[i] >= m->is_suffix.count ||
            !flatbuffer_vector_string(&m->vocabulary, (size_t)ids[i], &piece))
            return error_set(err, CODE_INVALID_ARGUMENT, "%d is no id of the vocabulary", ids[i]);
        bool continues = m->is_suffix.elements.ptr[ids[i]] != 0;
        if (i && !continues)
            text_builder_add_byte(b, ' ');
        if (!i && continues)
            text_builder_add(b, m->suffix);
        text_builder_add(b, piece);
    }
    return CODE_OK;
}

/* input_values, input_row_splits [n + 1], wp_model -> output_words [n] */
static enum code detokenize_run(struct op_call *call, struct error *err)
{
    struct fast_wordpiece model;
    enum code code = read_model(call, &model, err);
    if (!code)
        code = row_check_splits(call->in[1], tensor_elements(call->in[0]), "input_row_splits", err);
    if (code)
        return code;
    if (!model.detokenizes)
        return error_set(err, CODE_FAILED_PRECONDITION,
                         "Detokenize function is only enabled when support_detokenization is true "
                         "in the config flatbuffer. Please rebuild the model flatbuffer by setting "
                         "support_detokenization=true.");
    struct shape shape = shape_vector(tensor_elements(call->in[1]) - 1);
    code = op_call_alloc(call, 0, &shape, err);
    for (int64_t i = 0; !code && i < shape.dims[0]; i++) {
        struct text_builder b = text_builder_in(call->arena);
        int64_t from = tensor_int(call->in[1], i), to = tensor_int(call->in[1], i + 1);
        code = join_row(&model, TENSOR_AT(call->in[0], int32_t) + from, to - from, &b, err);
        if (!code)
            code = text_builder_take(&b, &TENSOR_AT(call->out[0], struct span)[i], err);
    }
    return code;
}

const struct op op_FastWordpieceTokenizeWithOffsets = {
    .name = "FastWordpieceTokenizeWithOffsets",
    .inputs = "input_values:string wp_model:uint8",
    .outputs = "output_subwords:string output_ids:int64 output_row_splits:int64 "
               "start_values:int64 end_values:int64",
    .attrs = "",
    .flags = OP_DYNAMIC,
    .run = tokenize_run,
};

const struct op op_TFText_FastWordpieceDetokenize = {
    .name = "TFText>FastWordpieceDetokenize",
    .inputs = "input_values:int32 input_row_splits:int64 wp_model:uint8",
    .outputs = "output_words:string",
    .attrs = "",
    .flags = OP_DYNAMIC,
    .run = detokenize_run,
};
