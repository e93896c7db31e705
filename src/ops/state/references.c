/* SPDX-License-Identifier: Apache-2.0 */
/* TensorFlow 1's reference variables: definitions only. engine/passes/references.c turns them into
 * the ops of variable.c. */
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
