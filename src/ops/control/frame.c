/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nodes that TensorFlow 1 makes loops of. A pass (engine/passes/loops.c) puts other nodes in
 * their place before anything runs, so they have definitions only. A LoopCond that the body reads
 * hands its condition on.
 */
#include "engine/op.h"

#define FRAME_OP(NAME, ARGUMENT, ...)                                                              \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = ARGUMENT,                                                                        \
        .outputs = "output:T",                                                                     \
        .flags = OP_STRUCTURAL,                                                                    \
        __VA_ARGS__,                                                                               \
    };
FRAME_OP(Enter, "data:T",
         .attrs = "T:type frame_name:string is_constant:bool=false parallel_iterations:int=10")
FRAME_OP(RefEnter, "data:T",
         .attrs = "T:type frame_name:string is_constant:bool=false parallel_iterations:int=10")
FRAME_OP(Exit, "data:T", .attrs = "T:type")
FRAME_OP(NextIteration, "data:T", .attrs = "T:type")
FRAME_OP(RefExit, "data:T", .attrs = "T:type")
FRAME_OP(RefNextIteration, "data:T", .attrs = "T:type")

const struct op op_LoopCond = {
    .name = "LoopCond",
    .inputs = "input:bool",
    .outputs = "output:bool",
    .attrs = "",
    .flags = OP_ALIAS,
};
