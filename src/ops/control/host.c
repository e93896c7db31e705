/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timestamp: seconds since 1970. Abort: ends the run; TensorFlow ends the process, which a model
 * may not do here.
 */
#include "base/clock.h"
#include "ops/kernel.h"

static enum code timestamp_run(struct op_call *call, struct error *err)
{
    (void)err;
    *TENSOR_AT(call->out[0], double) = (double)clock_wall_us() / 1e6;
    return CODE_OK;
}

static enum code abort_run(struct op_call *call, struct error *err)
{
    struct span message = op_attr_string(call, "error_msg");
    return error_set(err, CODE_ABORTED, "Abort: %.*s", SPAN_ARG(message));
}

const struct op op_Timestamp = {
    .name = "Timestamp",
    .inputs = "",
    .outputs = "ts:double",
    .attrs = "",
    .flags = OP_STATEFUL,
    .shape = kernel_shape_scalar,
    .run = timestamp_run,
};

const struct op op_Abort = {
    .name = "Abort",
    .inputs = "",
    .outputs = "",
    .attrs = "error_msg:string='' exit_without_error:bool=false",
    .flags = OP_STATEFUL,
    .run = abort_run,
};
