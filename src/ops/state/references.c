/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TensorFlow 1's reference variables: definitions only. engine/passes/references.c turns them into
 * the ops of variable.c and scatter.c. Ops that hand references on are taken as the ops on values
 * that they are behind a read.
 */
#include "engine/op.h"

#define VARIABLE_ATTRS "shape:shape dtype:type container:string='' shared_name:string=''"

const struct op op_VariableV2 = {
    .name = "VariableV2",
    .inputs = "",
    .outputs = "ref:&dtype",
    .attrs = VARIABLE_ATTRS,
    .flags = OP_STRUCTURAL,
};

const struct op op_Variable = {
    .name = "Variable",
    .inputs = "",
    .outputs = "ref:&dtype",
    .attrs = VARIABLE_ATTRS,
    .flags = OP_STRUCTURAL,
};

const struct op op_Assign = {
    .name = "Assign",
    .inputs = "ref:&T value:T",
    .outputs = "output_ref:&T",
    .attrs = "T:type validate_shape:bool=true use_locking:bool=true",
    .flags = OP_STRUCTURAL,
};

const struct op op_AssignAdd = {
    .name = "AssignAdd",
    .inputs = "ref:&T value:T",
    .outputs = "output_ref:&T",
    .attrs = "T:type use_locking:bool=false",
    .flags = OP_STRUCTURAL,
};

const struct op op_AssignSub = {
    .name = "AssignSub",
    .inputs = "ref:&T value:T",
    .outputs = "output_ref:&T",
    .attrs = "T:type use_locking:bool=false",
    .flags = OP_STRUCTURAL,
};

const struct op op_IsVariableInitialized = {
    .name = "IsVariableInitialized",
    .inputs = "ref:&dtype",
    .outputs = "is_initialized:bool",
    .attrs = "dtype:type",
    .flags = OP_STRUCTURAL,
};

#define SCATTER_OP(NAME)                                                                           \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = "ref:&T indices:Tindices updates:T",                                             \
        .outputs = "output_ref:&T",                                                                \
        .attrs = "T:type Tindices:index use_locking:bool=false bad_indices_policy:string=''",      \
        .flags = OP_STRUCTURAL,                                                                    \
    };
SCATTER_OP(ScatterUpdate)
SCATTER_OP(ScatterAdd)
SCATTER_OP(ScatterSub)
SCATTER_OP(ScatterMul)
SCATTER_OP(ScatterDiv)
SCATTER_OP(ScatterMin)
SCATTER_OP(ScatterMax)
SCATTER_OP(ScatterNdUpdate)
SCATTER_OP(ScatterNdAdd)
SCATTER_OP(ScatterNdSub)
SCATTER_OP(ScatterNdMin)
SCATTER_OP(ScatterNdMax)

#define VALUE_OP(NAME, INPUTS, OUTPUTS, ATTRS)                                                     \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = INPUTS,                                                                          \
        .outputs = OUTPUTS,                                                                        \
        .attrs = ATTRS,                                                                            \
        .flags = OP_STRUCTURAL,                                                                    \
    };
VALUE_OP(RefIdentity, "input:T", "output:T", "T:type")
VALUE_OP(RefSwitch, "data:T pred:bool", "output_false:T output_true:T", "T:type")
VALUE_OP(RefMerge, "inputs:N*T", "output:T value_index:int32", "T:type N:int")
