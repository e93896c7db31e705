/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct sentencepiece: a model of Google's SentencePiece: a vocabulary of pieces with scores, how
 * texts are normalised first, and one of four ways to cut them: unigram (the pieces of largest
 * total score), BPE (the best pair is merged first), words, characters.
 *
 * A model is immutable. Its bytes are borrowed: spans point into the serialised ModelProto.
 */
#ifndef OPS_TEXT_SENTENCEPIECE_H
#define OPS_TEXT_SENTENCEPIECE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"

enum sentencepiece_type {
    SENTENCEPIECE_NORMAL = 1,
    SENTENCEPIECE_UNKNOWN = 2,
    SENTENCEPIECE_CONTROL = 3,
    SENTENCEPIECE_USER_DEFINED = 4,
    SENTENCEPIECE_UNUSED = 5,
    SENTENCEPIECE_BYTE = 6,
};

enum sentencepiece_kind {
    SENTENCEPIECE_UNIGRAM = 1,
    SENTENCEPIECE_BPE = 2,
    SENTENCEPIECE_WORD = 3,
    SENTENCEPIECE_CHAR = 4,
};

struct sentencepiece_piece {
    struct span text;
    float score;
    enum sentencepiece_type type;
};

/* Sorted pieces, for prefixes. */
struct sentencepiece_index {
    int32_t *ids;
    int32_t count;
};

struct sentencepiece_rules {
    struct span trie;         /* a double array (darts-clone); empty: nothing is replaced */
    struct span replacements; /* zero-terminated texts */
    bool dummy_prefix, drop_spaces, escape_spaces;
};

struct sentencepiece {
    struct sentencepiece_piece *pieces;
    int32_t count;
    enum sentencepiece_kind kind;
    struct sentencepiece_rules rules, denormal;
    bool space_behind; /* words end with their blank, and do not begin with it */
    bool byte_fallback;
    struct span unknown_surface, bos, eos;
    int32_t unknown;
    float score_min, score_max;         /* of normal pieces */
    struct map ids;                     /* piece -> &pieces[id] */
    struct sentencepiece_index index;   /* of pieces that a text may be cut into */
    struct sentencepiece_index symbols; /* of user-defined ones */
};

struct sentencepiece_token {
    struct span piece;
    int32_t id;
    int64_t start, limit; /* bytes of the text */
};

struct sentencepiece_tokens {
    struct sentencepiece_token *at;
    int64_t count;
};

/* A text after normalisation; origins[i] is where in the text byte i comes from, for one byte more
 * than there are. */
struct sentencepiece_normal {
    struct span text;
    uint32_t *origins;
};

/* INTERNAL for what is no model; RESOURCE_EXHAUSTED. */
enum code sentencepiece_load(struct span proto, struct arena *arena, struct sentencepiece **model,
                             struct error *err);

/* The id of a piece, that of the unknown piece if it is none. */
int32_t sentencepiece_id(const struct sentencepiece *model, struct span piece);

/* The next byte of a prefix that is being looked up: pieces [range[0], range[1]) of the index have
 * the bytes so far, `depth` of them. False if none goes on with `byte`. */
bool sentencepiece_narrow(const struct sentencepiece *model,
                          const struct sentencepiece_index *index, int32_t range[2], size_t depth,
                          char byte);

/* Bytes of the longest user-defined piece that the text begins with, or 0. */
size_t sentencepiece_symbol(const struct sentencepiece *model, struct span text);

/* RESOURCE_EXHAUSTED; INVALID_ARGUMENT for texts of 2 GiB and more. */
enum code sentencepiece_normalize(const struct sentencepiece *model,
                                  const struct sentencepiece_rules *rules, struct span text,
                                  struct arena *arena, struct sentencepiece_normal *normal,
                                  struct error *err);

/* Cuts a text. RESOURCE_EXHAUSTED; INVALID_ARGUMENT. */
enum code sentencepiece_encode(const struct sentencepiece *model, struct span text,
                               struct arena *arena, struct sentencepiece_tokens *tokens,
                               struct error *err);

/* Joins pieces to a text. RESOURCE_EXHAUSTED. */
enum code sentencepiece_decode(const struct sentencepiece *model, const struct span *pieces,
                               int64_t count, struct arena *arena, struct span *text,
                               struct error *err);

#endif
