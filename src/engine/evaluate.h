/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one step through all its phases at once: for folding, and for steps whose shapes are known
 * only when they run. */
#ifndef ENGINE_EVALUATE_H
#define ENGINE_EVALUATE_H

#include "engine/op.h"

/* call->node, in, out, counts, arena and run are set. Sets the outputs; their memory is
 * call->arena's. The step's own code and message. */
enum code op_evaluate(struct op_call *call, struct error *err);

/* The first phase: dtypes from the node, shapes by the op's rule; SHAPE_UNKNOWN_RANK where they
 * depend on values not known. */
enum code op_infer(struct op_call *call, struct error *err);

/* Input i's elements under output 0's shape: what an OP_ALIAS op does. */
void op_alias(struct op_call *call);

#endif
