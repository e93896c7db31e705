/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Broadcasting of two tensors (numpy's rules) as TensorFlow has it, and the loop over the result
 * that elementwise ops of two inputs share. Neighbouring dimensions that behave alike are joined
 * first, so that most cases are one inner loop.
 */
#ifndef OPS_MATH_BROADCAST_H
#define OPS_MATH_BROADCAST_H

#include "engine/op.h"

/* out[i] = f(a[i], b[i]) for i < n; an operand whose step is 0 stays at its first element, else its
 * step is 1. */
typedef void broadcast_inner_fn(const void *a, const void *b, void *out, int64_t n, int a_step,
                                int b_step);

struct broadcast {
    int rank; /* outer dimensions, without the inner loop */
    int64_t dims[SHAPE_RANK_MAX];
    int64_t a_strides[SHAPE_RANK_MAX]; /* in elements */
    int64_t b_strides[SHAPE_RANK_MAX];
    int64_t inner; /* elements of the inner loop */
    int a_step;
    int b_step;
    size_t in_size; /* bytes of an element */
    size_t out_size;
    broadcast_inner_fn *fn;
};

/* The common shape. INVALID_ARGUMENT "Incompatible shapes: [2,3] vs. [4]". */
enum code broadcast_shape(const struct shape *a, const struct shape *b, struct shape *out,
                          struct error *err);

/* Fills all but `fn` and the sizes. The shapes are compatible. */
void broadcast_init(struct broadcast *plan, const struct shape *a, const struct shape *b);

void broadcast_run(const struct broadcast *plan, const void *a, const void *b, void *out);

/* shape() and run() of ops whose prepare() leaves a struct broadcast in call->state. */
enum code broadcast_op_shape(struct op_call *call, struct error *err);
enum code broadcast_op_run(struct op_call *call, struct error *err);

/* prepare(): the inner loop for the dtype of input 0 out of `table` (DTYPE_COUNT entries). */
enum code broadcast_op_prepare(struct op_call *call, broadcast_inner_fn *const *table,
                               struct error *err);

#endif
