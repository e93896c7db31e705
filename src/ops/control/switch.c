/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Switch and Merge of TensorFlow 1 conditionals. A dead tensor has no data (engine/frame.c); the
 * values themselves are handed on, not copied.
 */
#include "engine/op.h"

/* data [any], pred [] -> output_false, output_true: the data on the side that pred names, death on
 * the other. */
static enum code switch_run(struct op_call *call, struct error *err)
{
    const struct tensor *data = call->in[0];
    const struct tensor *predicate = call->in[1];
    call->out[0]->data = call->out[1]->data = NULL;
    if (!data->data || !predicate->data)
        return CODE_OK;
    char text[SHAPE_TEXT_SIZE];
    if (predicate->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The second input must be a scalar, but it has shape %s",
                         shape_text(&predicate->shape, text));
    *call->out[*TENSOR_AT(predicate, bool) ? 1 : 0] = *data;
    return CODE_OK;
}

/* N inputs of which one lives -> output: that one, value_index []: its number. */
static enum code merge_run(struct op_call *call, struct error *err)
{
    call->out[0]->data = call->out[1]->data = NULL;
    for (int i = 0; i < call->in_count; i++) {
        if (!call->in[i]->data)
            continue;
        struct shape scalar = shape_scalar();
        *call->out[0] = *call->in[i];
        call->out[1]->dtype = DTYPE_INT32;
        enum code code = op_call_alloc(call, 1, &scalar, err);
        if (!code)
            *TENSOR_AT(call->out[1], int32_t) = i;
        return code;
    }
    return CODE_OK;
}

const struct op op_Switch = {
    .name = "Switch",
    .inputs = "data:T pred:bool",
    .outputs = "output_false:T output_true:T",
    .attrs = "T:type",
    .flags = OP_CONTROL_FLOW | OP_DYNAMIC,
    .run = switch_run,
};

const struct op op_Merge = {
    .name = "Merge",
    .inputs = "inputs:N*T",
    .outputs = "output:T value_index:int32",
    .attrs = "T:type N:int",
    .flags = OP_CONTROL_FLOW | OP_DYNAMIC,
    .run = merge_run,
};
