/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct sparse: a sparse tensor among a call's inputs: indices [count, rank], values [count] and a
 * dense shape [rank]. What the ops of this folder check and compute alike.
 */
#ifndef OPS_SPARSE_SPARSE_H
#define OPS_SPARSE_SPARSE_H

#include "engine/op.h"

struct sparse {
    const int64_t *indices; /* row-major */
    const struct tensor *values;
    int64_t count;
    struct shape shape; /* its rank is that of a row of indices */
};

/* Inputs i_indices, i_values, i_shape = i[0], i[1], i[2] as TensorFlow's SparseTensor::Create
 * checks them. INVALID_ARGUMENT; UNIMPLEMENTED beyond SHAPE_RANK_MAX. Says nothing of the indices'
 * values. */
enum code sparse_read(const struct op_call *call, const int i[3], struct sparse *sparse,
                      struct error *err);

/* The same in the words of TensorFlow's ValidateSparseTensor; all indices within the shape, too,
 * when `bounded`. The shape's sizes may be anything. */
enum code sparse_validate(const struct op_call *call, const int i[3], bool bounded,
                          struct sparse *sparse, struct error *err);

/* Below, at or above 0 as row `i` of a's indices comes before, is, or comes behind row k of b's. */
int sparse_compare(const struct sparse *a, int64_t i, const struct sparse *b, int64_t k);

/* All indices within the shape, INVALID_ARGUMENT otherwise; rows in order and different, too, when
 * `ordered`. */
enum code sparse_check_indices(const struct sparse *sparse, bool ordered, struct error *err);

/* The dense position of entry i, whose index was checked. */
int64_t sparse_position(const struct sparse *sparse, int64_t i);

/* The dimensions of the vector `sizes` as they are. UNIMPLEMENTED beyond SHAPE_RANK_MAX. */
enum code sparse_read_sizes(const struct tensor *sizes, struct shape *shape, struct error *err);

/* The same as a shape. INVALID_ARGUMENT, too, when one is negative or the product overflows. */
enum code sparse_read_shape(const struct tensor *sizes, struct shape *shape, struct error *err);

#endif
