/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors as rows along dimension 0: put together into a batch and taken apart again. */
#ifndef SERVABLES_TENSORFLOW_BATCH_ROWS_H
#define SERVABLES_TENSORFLOW_BATCH_ROWS_H

#include "tensor/tensor.h"

/* Some rows of a tensor of rank 1 or more. */
struct batch_rows {
    const struct tensor *tensor;
    int64_t first;
    int64_t count;
};

/* Can they be in one tensor: same dtype, same dimensions behind the first? With `pads`, dimensions
 * may differ if both have elements to pad with and a rank of at most BATCH_PAD_RANK_MAX. */
bool batch_rows_fit(const struct tensor *a, const struct tensor *b, bool pads);

enum { BATCH_PAD_RANK_MAX = 6 }; /* TensorFlow Serving's */

/* All parts, one below the other, and then `padding` rows that are copies of the last part's first
 * one. The parts fit. What is narrower than others is padded with its own tensor's first element.
 * Strings stay where they are. RESOURCE_EXHAUSTED. */
enum code batch_rows_merge(const struct batch_rows *parts, size_t count, int64_t padding,
                           struct arena *arena, struct tensor *to, struct error *err);

/* Copies rows into `to` at its row `at`; the dimensions behind the first are the same. Strings'
 * bytes are copied into the arena, which nothing else needs. RESOURCE_EXHAUSTED. */
enum code batch_rows_copy(const struct batch_rows *from, struct tensor *to, int64_t at,
                          struct arena *arena, struct error *err);

#endif
