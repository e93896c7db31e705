/* SPDX-License-Identifier: Apache-2.0 */
/* Assert: condition [], data: fails the request with the data, as TensorFlow writes it. */
#include "ops/control/summary.h"

static enum code assert_run(struct op_call *call, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (call->in[0]->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "In[0] should be a scalar: %s",
                         shape_text(&call->in[0]->shape, text));
    if (*TENSOR_AT(call->in[0], bool))
        return CODE_OK;
    error_set(err, CODE_INVALID_ARGUMENT, "assertion failed:");
    for (int i = 1; err && i < call->in_count; i++) {
        error_append(err, " ");
        summary_append(err, call->in[i], op_attr_int(call, "summarize"));
    }
    return CODE_INVALID_ARGUMENT;
}

const struct op op_Assert = {
    .name = "Assert",
    .inputs = "condition:bool data:T",
    .outputs = "",
    .attrs = "T:list(type) summarize:int=3",
    .flags = OP_STATEFUL,
    .run = assert_run,
};
