/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct view: a walk over a tensor with a stride of its own for each dimension of the result:
 * slices, transposes, reversals and broadcasts are views, and one loop copies them all.
 * Neighbouring dimensions that continue each other are joined when the view is made.
 */
#ifndef OPS_ARRAY_VIEW_H
#define OPS_ARRAY_VIEW_H

#include "engine/op.h"

struct view {
    int rank;
    int64_t dims[SHAPE_RANK_MAX];
    int64_t strides[SHAPE_RANK_MAX]; /* in elements; 0 repeats, negative goes back */
    int64_t offset;                  /* first element */
    size_t size;                     /* bytes of an element */
};

/* The strides of a row-major tensor. */
void view_strides(const struct shape *shape, int64_t strides[SHAPE_RANK_MAX]);

/* A tensor of shape `in` repeated to shape `out`, to which it can be broadcast; not simplified. */
struct view view_broadcast(const struct shape *in, const struct shape *out);

/* Joins dimensions and drops those of size 1: rank is at least 1 afterwards. */
void view_simplify(struct view *view);

/* Writes the view's elements in order. */
void view_copy(const struct view *view, const void *from, void *to);

/* The other way round: elements in order go to the view's places. */
void view_put(const struct view *view, const void *from, void *to);

/* run() of ops whose prepare() leaves a simplified view of input 0 in call->state. */
enum code view_op_run(struct op_call *call, struct error *err);

/* Simplifies the view, of elements of output 0's dtype, into call->state. */
void view_op_set(struct op_call *call, const struct view *view);

#endif
