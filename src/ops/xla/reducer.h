/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct reducer: the function of an OP_COMBINES op while the op runs: takes `count` accumulators
 * and as many values, all scalars, gives new accumulators. Lives in call->arena.
 */
#ifndef OPS_XLA_REDUCER_H
#define OPS_XLA_REDUCER_H

#include "engine/op.h"

struct reducer;

/* For a function of op_call's outputs. */
struct reducer *reducer_new(const struct op_call *call);

/* accumulators[i] (an element of output i's dtype) = the function's i-th result. The function's
 * errors; INVALID_ARGUMENT when it gives no scalars. */
enum code reducer_apply(struct reducer *reducer, void *const *accumulators,
                        const void *const *values, struct error *err);

#endif
