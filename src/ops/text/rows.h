/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tokenizers share: outputs whose length is known only when all input is read. They grow in
 * the call's arena and are handed to an output at the end. Lack of memory is remembered until then.
 */
#ifndef OPS_TEXT_ROWS_H
#define OPS_TEXT_ROWS_H

#include "ops/kernel.h"

struct row_numbers {
    int64_t *at;
    int64_t count, room;
    bool failed;
};

struct row_texts {
    struct span *at; /* the bytes are not copied */
    int64_t count, room;
    bool failed;
};

void row_numbers_add(struct row_numbers *numbers, const struct op_call *call, int64_t value);
void row_texts_add(struct row_texts *texts, const struct op_call *call, struct span text);

/* Output i becomes the vector, in the output's dtype (int32 or int64; strings). RESOURCE_EXHAUSTED;
 * INVALID_ARGUMENT when a number does not fit. */
enum code row_numbers_give(const struct row_numbers *numbers, struct op_call *call, int output,
                           struct error *err);
enum code row_texts_give(const struct row_texts *texts, struct op_call *call, int output,
                         struct error *err);

/* Are the splits a vector that begins with 0, does not fall and goes no further than `size`?
 * INVALID_ARGUMENT naming `what`. */
enum code row_check_splits(const struct tensor *splits, int64_t size, const char *what,
                           struct error *err);

#endif
