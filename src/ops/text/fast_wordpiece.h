/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A FastWordpiece model, read from its FlatBuffer in place, and the algorithm that it is made for:
 * longest matches from the left in one pass ("Fast WordPiece Tokenization", Song et al. 2021). A
 * trie of all pieces; each node has the pieces that are certain when the next byte has no edge
 * (pops) and the node that the rest of the text has reached (failure link).
 */
#ifndef OPS_TEXT_FAST_WORDPIECE_H
#define OPS_TEXT_FAST_WORDPIECE_H

#include "ops/text/double_array.h"
#include "ops/text/rows.h"
#include "wire/flatbuffer.h"

struct fast_wordpiece {
    struct double_array trie;
    struct flatbuffer_vector failures;      /* by node: failure link, pops */
    struct flatbuffer_vector pops;          /* pieces */
    struct flatbuffer_vector suffix_pieces; /* what the suffix indicator alone becomes */
    struct flatbuffer_vector vocabulary, is_suffix;
    struct span suffix, unknown;
    uint32_t suffix_root, punctuation_end; /* nodes where all that was read has become pieces */
    uint32_t bytes_max, unknown_id;
    bool whole_texts; /* else the inputs are words */
    bool detokenizes;
};

struct fast_wordpiece_rows {
    const struct op_call *call; /* for its arena */
    struct row_texts pieces;
    struct row_numbers ids, starts, limits;
};

/* The model borrows the bytes. INVALID_ARGUMENT when they are none. */
enum code fast_wordpiece_read(struct span bytes, struct fast_wordpiece *model, struct error *err);

/* Adds the text's pieces to the rows. INVALID_ARGUMENT when the model contradicts itself. */
enum code fast_wordpiece_tokenize(const struct fast_wordpiece *model, struct span text,
                                  struct fast_wordpiece_rows *rows, struct error *err);

#endif
