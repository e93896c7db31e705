/* SPDX-License-Identifier: Apache-2.0 */
/*
 * If and Case: one of several functions runs in the request's own memory, so that its results live
 * as long as the step's outputs must. What it merely hands on is the caller's tensor (OP_CALLS
 * brings OP_HANDS_ON).
 */
#include "ops/control/region_call.h"

struct tensor *region_inputs(const struct op_call *call, int first)
{
    struct tensor *inputs =
        ARENA_ARRAY(call->arena, struct tensor, (size_t)(call->in_count - first));
    for (int i = first; i < call->in_count; i++)
        inputs[i - first] = *call->in[i];
    return inputs;
}

/* Any bit but a float's sign counts: a zero is zero bytes in every dtype. */
static bool is_zero(const struct tensor *tensor)
{
    if (tensor->dtype == DTYPE_FLOAT)
        return *TENSOR_AT(tensor, float) == 0;
    if (tensor->dtype == DTYPE_DOUBLE)
        return *TENSOR_AT(tensor, double) == 0;
    const unsigned char *bytes = tensor->data;
    unsigned any = 0;
    for (size_t i = 0; i < tensor_bytes(tensor); i++)
        any |= bytes[i];
    return !any;
}

/* The node itself is to blame: the executor names no OP_CALLS node. */
static enum code region_error(const struct op_call *call, enum code code, struct error *err)
{
    node_error(call->node, err);
    return code;
}

enum code region_condition(const struct op_call *call, const struct tensor *tensor, bool *holds,
                           struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (tensor->shape.rank != 0) {
        error_set(err, CODE_INVALID_ARGUMENT,
                  "The second input must be a scalar, but it has shape %s",
                  shape_text(&tensor->shape, text));
        return region_error(call, CODE_INVALID_ARGUMENT, err);
    }
    bool is_string = tensor->dtype == DTYPE_STRING;
    *holds = is_string ? TENSOR_AT(tensor, struct span)->len > 0 : !is_zero(tensor);
    return CODE_OK;
}

static enum code run_branch(struct op_call *call, int branch, struct error *err)
{
    struct tensor *inputs = region_inputs(call, 1);
    struct tensor *outputs = ARENA_ARRAY(call->arena, struct tensor, (size_t)call->out_count);
    enum code code = plan_run(call->node->regions[branch].plan, inputs, call->run, outputs, err);
    for (int i = 0; !code && i < call->out_count; i++)
        *call->out[i] = outputs[i];
    return code;
}

/* cond [], input... -> output...: those of then_branch or else_branch. */
static enum code if_run(struct op_call *call, struct error *err)
{
    bool holds;
    enum code code = region_condition(call, call->in[0], &holds, err);
    return code ? code : run_branch(call, holds ? 0 : 1, err);
}

/* branch_index [], input... -> output...: those of that branch; out of range it is the last. */
static enum code case_run(struct op_call *call, struct error *err)
{
    int last = call->node->region_count - 1;
    if (call->in[0]->shape.rank != 0) {
        char text[SHAPE_TEXT_SIZE];
        error_set(err, CODE_INVALID_ARGUMENT, "branch_index must be a scalar, got shape %s",
                  shape_text(&call->in[0]->shape, text));
        return region_error(call, CODE_INVALID_ARGUMENT, err);
    }
    int32_t index = *TENSOR_AT(call->in[0], int32_t);
    return run_branch(call, index < 0 || index > last ? last : index, err);
}

#define BRANCH_FLAGS OP_STATEFUL | OP_DYNAMIC | OP_HANDS_ON | OP_CALLS

const struct op op_If = {
    .name = "If",
    .inputs = "cond:Tcond input:Tin",
    .outputs = "output:Tout",
    .attrs = "Tcond:type Tin:list(type) Tout:list(type) then_branch:func else_branch:func "
             "output_shapes:list(shape)=[]",
    .flags = BRANCH_FLAGS,
    .run = if_run,
};

const struct op op_StatelessIf = {
    .name = "StatelessIf",
    .inputs = "cond:Tcond input:Tin",
    .outputs = "output:Tout",
    .attrs = "Tcond:type Tin:list(type) Tout:list(type) then_branch:func else_branch:func "
             "output_shapes:list(shape)=[]",
    .flags = BRANCH_FLAGS,
    .run = if_run,
};

const struct op op_Case = {
    .name = "Case",
    .inputs = "branch_index:int32 input:Tin",
    .outputs = "output:Tout",
    .attrs = "Tin:list(type) Tout:list(type) branches:list(func) output_shapes:list(shape)=[]",
    .flags = BRANCH_FLAGS,
    .run = case_run,
};

const struct op op_StatelessCase = {
    .name = "StatelessCase",
    .inputs = "branch_index:int32 input:Tin",
    .outputs = "output:Tout",
    .attrs = "Tin:list(type) Tout:list(type) branches:list(func) output_shapes:list(shape)=[]",
    .flags = BRANCH_FLAGS,
    .run = case_run,
};
