/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct reducer: the function of an OP_COMBINES op while the op runs: takes `count` accumulators
 * and as many values, all scalars, gives new accumulators. Lives in call->arena.
 *
 * What the function is decides how fast it is: one that hands the value on, or is one operation on
 * both, is a loop; one of elementwise operations alone runs once for thousands of elements, as
 * vectors in the place of its scalars; any other runs once for each.
 */
#ifndef OPS_XLA_REDUCER_H
#define OPS_XLA_REDUCER_H

#include "engine/op.h"

struct reducer;

/* For a function of op_call's outputs. */
struct reducer *reducer_new(const struct op_call *call);

/* accumulators[i][k] = the function's i-th result upon element k of all accumulators and values,
 * for k < n; arrays of output i's dtype, none of which overlap. The function's errors;
 * INVALID_ARGUMENT when it gives no scalars. */
enum code reducer_apply(struct reducer *reducer, void *const *accumulators,
                        const void *const *values, int64_t n, struct error *err);

#endif
