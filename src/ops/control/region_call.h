/* SPDX-License-Identifier: Apache-2.0 */
/* What the control flow kernels share: the functions they run, and how a tensor is a condition. */
#ifndef OPS_CONTROL_REGION_CALL_H
#define OPS_CONTROL_REGION_CALL_H

#include "engine/region.h"
#include "ops/kernel.h"

/* Copies of the tensors (not of their data) from input `first` on, in call->arena, for plan_run. */
struct tensor *region_inputs(const struct op_call *call, int first);

/* Does the condition hold: is the scalar not zero, the string not empty? INVALID_ARGUMENT, with the
 * node's name, for what is no scalar, in the words of the Switch that TensorFlow makes of these
 * ops.
 */
enum code region_condition(const struct op_call *call, const struct tensor *tensor, bool *holds,
                           struct error *err);

#endif
