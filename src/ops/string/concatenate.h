/* SPDX-License-Identifier: Apache-2.0 */
/* Add of strings: one text behind the other, broadcast. prepare() and run() of an op of two inputs
 * that are strings and an output whose shape is the broadcast one. */
#ifndef OPS_STRING_CONCATENATE_H
#define OPS_STRING_CONCATENATE_H

#include "engine/op.h"

enum code concatenate_prepare(struct op_call *call, struct error *err);
/* RESOURCE_EXHAUSTED. */
enum code concatenate_run(struct op_call *call, struct error *err);

#endif
