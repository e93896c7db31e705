/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The float product that matrix products and convolutions share: rows of inputs times packed
 * weights,
 *
 *     out[r][j] = sum over p < k of row r [p] * weights[p][j]        j < n
 *
 * where a row is `segments` runs of `length` consecutive floats (a matrix: one run of k; a
 * convolution: one run per row of its window). The order of additions of an element depends on n
 * and on the segments only, never on how many rows are computed together: a row's result does not
 * depend on its batch.
 */
#ifndef OPS_NN_TILE_H
#define OPS_NN_TILE_H

#include <stddef.h>
#include <stdint.h>

/* Floats that the packed form of weights [k, n] takes. */
size_t tile_packed_floats(int64_t k, int64_t n);

/* weights[p][j] is at weights[p * row_step + j * column_step]. `packed` at TENSOR_ALIGN. */
struct tile_weights {
    const float *at;
    int64_t row_step;
    int64_t column_step;
    int64_t k;
    int64_t n;
};
void tile_pack(const struct tile_weights *weights, float *packed);

struct tile_rows {
    const float *in; /* row r begins at in + r * in_step */
    int64_t in_step;
    float *out; /* row r of the result at out + r * out_step */
    int64_t out_step;
    int64_t rows;
    const int64_t *offsets; /* of each segment from the row's begin */
    int64_t segments;
    int64_t length;
    int64_t n;
    const float *bias; /* n floats, added last; may be NULL */
};
void tile_run(const struct tile_rows *rows, const float *packed);

#endif
