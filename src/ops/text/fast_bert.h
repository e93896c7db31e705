/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model of FastBertNormalize, read from its FlatBuffer in place: a trie from characters to what
 * replaces them.
 */
#ifndef OPS_TEXT_FAST_BERT_H
#define OPS_TEXT_FAST_BERT_H

#include "base/error.h"
#include "ops/text/double_array.h"

struct fast_bert {
    struct double_array trie;
    uint32_t of_zero; /* the value of U+0000, which a trie can not have */
    struct span pool; /* replacements */
};

/* The model borrows the bytes. INVALID_ARGUMENT when they are none. */
enum code fast_bert_read(struct span bytes, struct fast_bert *model, struct error *err);

/* What replaces the character of these bytes; false when it stays. */
bool fast_bert_replacement(const struct fast_bert *model, struct span character,
                           struct span *replacement);

#endif
