/* SPDX-License-Identifier: Apache-2.0 */
/* Einsum for ops that say their equation in another way: shape(), prepare() and run() of an op with
 * one or two inputs of a dtype of op_Einsum and one output. */
#ifndef OPS_NN_EINSUM_H
#define OPS_NN_EINSUM_H

#include "engine/op.h"

/* "ab,bc->ac". INVALID_ARGUMENT when it does not fit the inputs. */
enum code einsum_shape(struct op_call *call, struct span equation, struct error *err);

/* Leaves in call->state what einsum_run() needs. */
enum code einsum_prepare(struct op_call *call, struct span equation, struct error *err);
enum code einsum_run(struct op_call *call, struct error *err);

#endif
