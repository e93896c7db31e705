/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models of tensorflow-text that are FlatBuffers: the first byte says of which op, the rest is the
 * model. One that can be read gets texts with what the algorithms tell apart.
 */
#include <stdlib.h>

#include "base/check.h"
#include "ops/string/rune.h"
#include "ops/text/fast_bert.h"
#include "ops/text/fast_wordpiece.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

static const struct span texts[] = {
    TEXT(""),
    TEXT("a"),
    TEXT("##"),
    TEXT("unwanted, running ##!"),
    TEXT("\0 a\xff"),
    TEXT("\xe6\x97\xa5\xe6\x9c\xac (a) \xc3\x80"),
    TEXT("abcdabcdabcd"),
};

enum { TEXTS = sizeof texts / sizeof *texts };

static void tokenize(struct span bytes, struct arena *arena)
{
    struct op_call call = {.arena = arena};
    struct fast_wordpiece model;
    struct error err;
    if (fast_wordpiece_read(bytes, &model, &err))
        return;
    for (int i = 0; i < TEXTS; i++) {
        struct fast_wordpiece_rows rows = {.call = &call};
        if (fast_wordpiece_tokenize(&model, texts[i], &rows, &err))
            continue;
        CHECK(rows.ids.count == rows.pieces.count);
        for (int64_t k = 0; k < rows.ids.count; k++)
            CHECK(rows.starts.at[k] <= rows.limits.at[k] &&
                  rows.limits.at[k] <= (int64_t)texts[i].len);
    }
    for (size_t i = 0; i < model.vocabulary.count; i++) {
        struct span piece;
        if (flatbuffer_vector_string(&model.vocabulary, i, &piece))
            (void)arena_copy(arena, piece);
    }
}

static void normalize(struct span bytes, struct arena *arena)
{
    struct fast_bert model;
    struct error err;
    if (fast_bert_read(bytes, &model, &err))
        return;
    for (int i = 0; i < TEXTS; i++) {
        size_t length;
        for (size_t at = 0; at < texts[i].len; at += length) {
            struct span replacement;
            rune_decode(texts[i], at, &length);
            if (fast_bert_replacement(&model, span_sub(texts[i], at, length), &replacement))
                (void)arena_copy(arena, replacement);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    if (!size)
        return 0;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    if (data[0] & 1)
        normalize(span_make(data + 1, size - 1), &arena);
    else
        tokenize(span_make(data + 1, size - 1), &arena);
    arena_release(&arena);
    return 0;
}
