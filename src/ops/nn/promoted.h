/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products whose operands have another dtype than the result (XlaDotV2, BatchMatMulV3): what has
 * it not is cast to it, and the product of one dtype does the rest.
 */
#ifndef OPS_NN_PROMOTED_H
#define OPS_NN_PROMOTED_H

#include "engine/op.h"

/* `prepare` and `run` are those of an op whose two inputs have the dtype of the output.
 * UNIMPLEMENTED where a cast is. */
enum code promoted_prepare(struct op_call *call, op_fn *prepare, op_fn *run, struct error *err);

enum code promoted_run(struct op_call *call, struct error *err);

#endif
