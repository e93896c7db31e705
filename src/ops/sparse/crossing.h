/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct crossing: all combinations of the features of each row of a batch, one feature of each
 * column: SparseCross and its kin, RaggedCross. A combination is an index into each column's
 * features; it becomes a text or a hash.
 */
#ifndef OPS_SPARSE_CROSSING_H
#define OPS_SPARSE_CROSSING_H

#include "ops/kernel.h"

struct crossing_column {
    const struct tensor *values; /* int64 or string */
    const int64_t *starts;       /* [batch + 1] into values; NULL: every row has `width` */
    int64_t width;
};

struct crossing {
    struct op_call *call;
    struct crossing_column *columns;
    int count;
    int64_t batch;
    int64_t total, longest; /* combinations: of all rows, of the longest row */
};

/* How combinations are hashed. */
struct crossing_hash {
    bool starts_with_key; /* else with the first feature's hash */
    uint64_t key;
    bool hashes_numbers;    /* those of columns with `starts`; else a number is its own hash */
    const uint64_t *strong; /* the key of a strong hash, of all; NULL: fingerprints */
    uint64_t buckets;       /* 0: as many as int64 has */
};

/* Starts of a sparse column's rows, from its indices [n, 2], which lie in the order of the rows.
 * INVALID_ARGUMENT for an index outside of the batch, RESOURCE_EXHAUSTED. */
enum code crossing_find_rows(const struct crossing *x, const struct tensor *indices, int position,
                             const int64_t **starts, struct error *err);

/* Sets total and longest. RESOURCE_EXHAUSTED. */
enum code crossing_measure(struct crossing *x, struct error *err);

/* How many combinations a row has. After crossing_measure(). */
int64_t crossing_of_row(const struct crossing *x, int64_t row);

/* The next combination: the last column turns fastest. */
void crossing_next(const struct crossing *x, int64_t row, int64_t *picked);

int64_t crossing_hash(const struct crossing *x, int64_t row, const int64_t *picked,
                      const struct crossing_hash *how);

/* The features' texts with the separator between them, in the call's arena. RESOURCE_EXHAUSTED. */
enum code crossing_text(const struct crossing *x, int64_t row, const int64_t *picked,
                        struct span separator, struct span *result, struct error *err);

#endif
