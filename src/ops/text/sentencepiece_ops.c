/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tensorflow-text's ops on SentencePiece models. SentencepieceOp makes the model of its attribute a
 * resource of the loaded version; TFText>FastSentencepieceTokenize has a format of its own and is
 * not here. Of several ways to cut a text only the best is given: sampling and n-best lists are
 * refused.
 */
#include <stdlib.h>

#include "base/check.h"
#include "engine/resource.h"
#include "engine/run.h"
#include "ops/handle.h"
#include "ops/text/rows.h"
#include "ops/text/sentencepiece.h"

struct model_resource {
    struct resource resource; /* first */
    struct arena arena;
    struct sentencepiece *model;
    enum code code; /* of loading */
    struct error err;
};

static void model_free(struct resource *resource)
{
    arena_release(&((struct model_resource *)(void *)resource)->arena);
}

static const struct resource_ops model_ops = {.kind = "sentencepiece", .free = model_free};

static struct resource *model_make(const void *proto)
{
    struct model_resource *r = calloc(1, sizeof *r);
    CHECK(r);
    arena_init(&r->arena, ARENA_FIRST_BLOCK);
    struct span copy = arena_copy(&r->arena, *(const struct span *)proto);
    r->code = copy.len
                  ? sentencepiece_load(copy, &r->arena, &r->model, &r->err)
                  : error_set(&r->err, CODE_INVALID_ARGUMENT, "Model argument must be specified.");
    return &r->resource;
}

static enum code handle_run(struct op_call *call, struct error *err)
{
    struct span model = op_attr_string(call, "model");
    struct resource *resource;
    enum code code = handle_make(call, &model_ops, model_make, &model, &resource, err);
    if (code)
        return code;
    struct model_resource *r = (struct model_resource *)(void *)resource;
    return r->code ? error_set(err, r->code, "%s", r->err.message) : CODE_OK;
}

static enum code model_of(const struct op_call *call, const struct sentencepiece **model,
                          struct error *err)
{
    const struct resource *resource = handle_resource(call->in[0], &model_ops);
    if (!resource)
        return error_set(err, CODE_INVALID_ARGUMENT, "sp_handle is no SentencePiece model");
    const struct model_resource *r = (const struct model_resource *)(const void *)resource;
    *model = r->model;
    return r->code ? error_set(err, r->code, "%s", r->err.message) : CODE_OK;
}

/* ---- options: scalars among the inputs ---- */

struct options {
    bool bos, eos, reverse;
};

static enum code read_options(const struct op_call *call, int first,
                              const struct sentencepiece *model, struct options *o,
                              struct error *err)
{
    bool *const flags[] = {&o->bos, &o->eos, &o->reverse};
    for (int i = 0; i < 3; i++) {
        if (tensor_elements(call->in[first + i]) != 1)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "add_bos, add_eos and reverse must be scalars");
        *flags[i] = *TENSOR_AT(call->in[first + i], bool);
    }
    const struct span names[] = {model->bos, model->eos};
    for (int i = 0; i < 2; i++) {
        if (*flags[i] && sentencepiece_id(model, names[i]) == model->unknown)
            return error_set(err, CODE_INTERNAL, "id for `%.*s` is not defined.",
                             SPAN_ARG(names[i]));
    }
    return CODE_OK;
}

static enum code check_best(const struct op_call *call, struct error *err)
{
    const struct tensor *sizes = call->in[2];
    bool nbest = *(const bool *)call->state;
    for (int64_t i = 0, n = tensor_elements(sizes); i < n; i++) {
        int32_t size = TENSOR_AT(sizes, int32_t)[i];
        if (nbest && size < 1)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "When return_nbest is true nbest_size must be >= 1; got %d", size);
        if (size < 0 || size > 1)
            return error_set(err, CODE_UNIMPLEMENTED,
                             "op %s with nbest_size %d (sampling, n-best) is not supported",
                             call->node->op->name, size);
    }
    return CODE_OK;
}

/* ---- tokenizing ---- */

struct rows {
    struct row_numbers ids, splits, starts, limits;
    struct row_texts pieces;
};

static void add_token(const struct op_call *call, struct rows *rows,
                      const struct sentencepiece_token *t)
{
    row_numbers_add(&rows->ids, call, t->id);
    row_texts_add(&rows->pieces, call, t->piece);
    row_numbers_add(&rows->starts, call, t->start);
    row_numbers_add(&rows->limits, call, t->limit);
}

/* The text's tokens between its marks, or all of that from the end to the beginning. */
static void add_tokens(const struct op_call *call, struct rows *rows, const struct sentencepiece *m,
                       const struct sentencepiece_tokens *tokens, const struct options *o)
{
    struct sentencepiece_token bos = {.piece = m->bos, .id = sentencepiece_id(m, m->bos)};
    struct sentencepiece_token eos = {.piece = m->eos, .id = sentencepiece_id(m, m->eos)};
    if (o->reverse ? o->eos : o->bos)
        add_token(call, rows, o->reverse ? &eos : &bos);
    for (int64_t i = 0; i < tokens->count; i++)
        add_token(call, rows, &tokens->at[o->reverse ? tokens->count - 1 - i : i]);
    if (o->reverse ? o->bos : o->eos)
        add_token(call, rows, o->reverse ? &bos : &eos);
    row_numbers_add(&rows->splits, call, rows->ids.count);
}

static enum code tokenize_run(struct op_call *call, struct error *err)
{
    const struct sentencepiece *model;
    struct options options;
    struct rows rows = {0};
    enum code code = model_of(call, &model, err);
    if (!code)
        code = read_options(call, 4, model, &options, err);
    if (!code)
        code = check_best(call, err);
    row_numbers_add(&rows.splits, call, 0);
    for (int64_t i = 0, n = tensor_elements(call->in[1]); !code && i < n; i++) {
        struct sentencepiece_tokens tokens;
        code = sentencepiece_encode(model, TENSOR_AT(call->in[1], struct span)[i], call->arena,
                                    &tokens, err);
        if (!code)
            add_tokens(call, &rows, model, &tokens, &options);
    }
    if (!code && call->out[0]->dtype == DTYPE_STRING)
        code = row_texts_give(&rows.pieces, call, 0, err);
    else if (!code)
        code = row_numbers_give(&rows.ids, call, 0, err);
    if (!code)
        code = row_numbers_give(&rows.splits, call, 1, err);
    if (code || call->out_count == 2)
        return code;
    code = row_numbers_give(&rows.starts, call, 2, err);
    return code ? code : row_numbers_give(&rows.limits, call, 3, err);
}

static enum code tokenize_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    bool *nbest = ARENA_NEW(call->arena, bool);
    *nbest = op_attr_bool(call, "return_nbest");
    call->state = nbest;
    return CODE_OK;
}

/* ---- and back ---- */

/* The piece of that id; OUT_OF_RANGE. */
static enum code piece_of(const struct sentencepiece *m, int32_t id, struct span *piece,
                          struct error *err)
{
    if (id < 0 || id >= m->count)
        return error_set(err, CODE_OUT_OF_RANGE, "Invalid id: %d", id);
    *piece = m->pieces[id].text;
    return CODE_OK;
}

static enum code take_pieces(const struct op_call *call, const struct sentencepiece *m,
                             struct span **pieces, struct error *err)
{
    const struct tensor *values = call->in[1];
    int64_t n = tensor_elements(values);
    if (values->dtype == DTYPE_STRING) {
        *pieces = values->data;
        return CODE_OK;
    }
    enum code code = kernel_array(call, n, sizeof **pieces, pieces, err);
    for (int64_t i = 0; !code && i < n; i++)
        code = piece_of(m, TENSOR_AT(values, int32_t)[i], &(*pieces)[i], err);
    return code;
}

static enum code detokenize_run(struct op_call *call, struct error *err)
{
    const struct sentencepiece *model;
    const struct tensor *splits = call->in[2];
    struct options options;
    struct span *pieces = NULL, *row = NULL;
    int64_t total = tensor_elements(call->in[1]);
    enum code code = model_of(call, &model, err);
    if (!code)
        code = read_options(call, 3, model, &options, err);
    if (!code)
        code = row_check_splits(splits, total, "input_splits", err);
    if (!code)
        code = take_pieces(call, model, &pieces, err);
    if (!code)
        code = kernel_array(call, total, sizeof *row, &row, err);
    if (code)
        return code;
    struct shape shape = shape_vector(tensor_elements(splits) - 1);
    code = op_call_alloc(call, 0, &shape, err);
    for (int64_t i = 0; !code && i < shape.dims[0]; i++) {
        int64_t from = tensor_int(splits, i), count = tensor_int(splits, i + 1) - from;
        for (int64_t k = 0; k < count; k++)
            row[k] = pieces[options.reverse ? from + count - 1 - k : from + k];
        code = sentencepiece_decode(model, row, count, call->arena,
                                    &TENSOR_AT(call->out[0], struct span)[i], err);
    }
    return code;
}

/* ---- the vocabulary ---- */

static enum code values_shape(struct op_call *call, struct error *err)
{
    (void)err;
    op_call_shape(call, 0, &call->in[1]->shape);
    return CODE_OK;
}

static enum code vocab_size_run(struct op_call *call, struct error *err)
{
    const struct sentencepiece *model;
    enum code code = model_of(call, &model, err);
    if (!code)
        *TENSOR_AT(call->out[0], int32_t) = model->count;
    return code;
}

static enum code id_to_string_run(struct op_call *call, struct error *err)
{
    const struct sentencepiece *model;
    enum code code = model_of(call, &model, err);
    for (int64_t i = 0, n = tensor_elements(call->in[1]); !code && i < n; i++)
        code = piece_of(model, TENSOR_AT(call->in[1], int32_t)[i],
                        &TENSOR_AT(call->out[0], struct span)[i], err);
    return code;
}

static enum code string_to_id_run(struct op_call *call, struct error *err)
{
    const struct sentencepiece *model;
    enum code code = model_of(call, &model, err);
    for (int64_t i = 0, n = tensor_elements(call->in[1]); !code && i < n; i++)
        TENSOR_AT(call->out[0], int32_t)
    [i] = sentencepiece_id(model, TENSOR_AT(call->in[1], struct span)[i]);
    return code;
}

#define TOKENIZE_INPUTS                                                                            \
    "sp_handle:resource input:string nbest_size:int32 alpha:float add_bos:bool add_eos:bool "      \
    "reverse:bool"
#define TOKENIZE_ATTRS "out_type:type=int32 Tsplits:index=int64 return_nbest:bool=false"
#define VALUE_TYPES    (OP_TYPE(DTYPE_INT32) | OP_TYPE(DTYPE_STRING))

const struct op op_SentencepieceOp = {
    .name = "SentencepieceOp",
    .inputs = "",
    .outputs = "handle:resource",
    .attrs = "model:string='' container:string='' shared_name:string='' "
             "use_node_name_sharing:bool=false",
    .flags = OP_DYNAMIC | OP_MAKES_RESOURCE,
    .run = handle_run,
};

const struct op op_SentencepieceTokenizeOp = {
    .name = "SentencepieceTokenizeOp",
    .inputs = TOKENIZE_INPUTS,
    .outputs = "output_values:out_type output_splits:Tsplits",
    .attrs = TOKENIZE_ATTRS,
    .flags = OP_DYNAMIC | OP_STATEFUL,
    .types = VALUE_TYPES,
    .types_attr = "out_type",
    .prepare = tokenize_prepare,
    .run = tokenize_run,
};

const struct op op_SentencepieceTokenizeWithOffsetsOp = {
    .name = "SentencepieceTokenizeWithOffsetsOp",
    .inputs = TOKENIZE_INPUTS,
    .outputs = "output_values:out_type output_splits:Tsplits output_offset_starts:int64 "
               "output_offset_limits:int64",
    .attrs = TOKENIZE_ATTRS,
    .flags = OP_DYNAMIC | OP_STATEFUL,
    .types = VALUE_TYPES,
    .types_attr = "out_type",
    .prepare = tokenize_prepare,
    .run = tokenize_run,
};

const struct op op_SentencepieceDetokenizeOp = {
    .name = "SentencepieceDetokenizeOp",
    .inputs = "sp_handle:resource input_values:T input_splits:Tsplits add_bos:bool add_eos:bool "
              "reverse:bool",
    .outputs = "output:string",
    .attrs = "T:type=int32 Tsplits:index=int64",
    .flags = OP_DYNAMIC | OP_STATEFUL,
    .types = VALUE_TYPES,
    .run = detokenize_run,
};

const struct op op_SentencepieceVocabSizeOp = {
    .name = "SentencepieceVocabSizeOp",
    .inputs = "sp_handle:resource",
    .outputs = "vocab_size:int32",
    .attrs = "",
    .flags = OP_STATEFUL,
    .shape = kernel_shape_scalar,
    .run = vocab_size_run,
};

const struct op op_SentencepieceIdToStringOp = {
    .name = "SentencepieceIdToStringOp",
    .inputs = "sp_handle:resource input:int32",
    .outputs = "values:string",
    .attrs = "",
    .flags = OP_STATEFUL,
    .shape = values_shape,
    .run = id_to_string_run,
};

const struct op op_SentencepieceStringToIdOp = {
    .name = "SentencepieceStringToIdOp",
    .inputs = "sp_handle:resource input:string",
    .outputs = "values:int32",
    .attrs = "",
    .flags = OP_STATEFUL,
    .shape = values_shape,
    .run = string_to_id_run,
};
