/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ops that compute nothing: names for values and points in time. The importer, the passes and the
 * executor know most of them by their flags; only those with a kernel ever become a step.
 */
#include "engine/op.h"

static enum code noop_run(struct op_call *call, struct error *err)
{
    (void)call;
    (void)err;
    return CODE_OK;
}

/* A placeholder that nobody fed. */
static enum code placeholder_run(struct op_call *call, struct error *err)
{
    struct shape shape = op_attr_shape(call, "shape");
    char text[SHAPE_TEXT_SIZE];
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "You must feed a value for placeholder tensor '%.*s' with dtype %s and shape "
                     "%s",
                     SPAN_ARG(call->node->name), dtype_name(call->out[0]->dtype),
                     shape_text(&shape, text));
}

static enum code identity_n_run(struct op_call *call, struct error *err)
{
    (void)err;
    for (int i = 0; i < call->in_count; i++)
        *call->out[i] = *call->in[i];
    return CODE_OK;
}

const struct op op_NoOp = {
    .name = "NoOp",
    .inputs = "",
    .outputs = "",
    .attrs = "",
    .run = noop_run,
};

const struct op op_ControlTrigger = {
    .name = "ControlTrigger",
    .inputs = "",
    .outputs = "",
    .attrs = "",
    .flags = OP_CONTROL_FLOW,
    .run = noop_run,
};

const struct op op_Const = {
    .name = "Const",
    .inputs = "",
    .outputs = "output:dtype",
    .attrs = "value:tensor dtype:type",
    .flags = OP_STRUCTURAL,
};

const struct op op_Placeholder = {
    .name = "Placeholder",
    .inputs = "",
    .outputs = "output:dtype",
    .attrs = "dtype:type shape:shape=?",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = placeholder_run,
};

const struct op op_PlaceholderV2 = {
    .name = "PlaceholderV2",
    .inputs = "",
    .outputs = "output:dtype",
    .attrs = "dtype:type shape:shape",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = placeholder_run,
};

const struct op op_PlaceholderWithDefault = {
    .name = "PlaceholderWithDefault",
    .inputs = "input:dtype",
    .outputs = "output:dtype",
    .attrs = "dtype:type shape:shape",
    .flags = OP_ALIAS,
};

const struct op op_Identity = {
    .name = "Identity",
    .inputs = "input:T",
    .outputs = "output:T",
    .attrs = "T:type",
    .flags = OP_ALIAS,
};

const struct op op_Snapshot = {
    .name = "Snapshot",
    .inputs = "input:T",
    .outputs = "output:T",
    .attrs = "T:type",
    .flags = OP_ALIAS,
};

const struct op op_StopGradient = {
    .name = "StopGradient",
    .inputs = "input:T",
    .outputs = "output:T",
    .attrs = "T:type",
    .flags = OP_ALIAS,
};

/* Ops with which TensorFlow looks at tensors on their way. */
#define WATCH_OP(NAME, ATTRS)                                                                      \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = "input:T",                                                                       \
        .outputs = "output:T",                                                                     \
        .attrs = "T:type" ATTRS,                                                                   \
        .flags = OP_ALIAS,                                                                         \
    };
WATCH_OP(Copy, " tensor_name:string='' debug_ops_spec:list(string)=[]")
WATCH_OP(CopyHost, " tensor_name:string='' debug_ops_spec:list(string)=[]")
WATCH_OP(DebugGradientIdentity, "")
WATCH_OP(XlaSharding, " sharding:string='' unspecified_dims:list(int)=[]")

const struct op op_PreventGradient = {
    .name = "PreventGradient",
    .inputs = "input:T",
    .outputs = "output:T",
    .attrs = "T:type message:string=''",
    .flags = OP_ALIAS,
};

const struct op op_IdentityN = {
    .name = "IdentityN",
    .inputs = "input:T",
    .outputs = "output:T",
    .attrs = "T:list(type)",
    .flags = OP_DYNAMIC | OP_HANDS_ON,
    .run = identity_n_run,
};

const struct op op_XlaOptimizationBarrier = {
    .name = "XlaOptimizationBarrier",
    .inputs = "input:T",
    .outputs = "output:T",
    .attrs = "T:list(type)",
    .flags = OP_DYNAMIC | OP_HANDS_ON,
    .run = identity_n_run,
};

const struct op op_PartitionedCall = {
    .name = "PartitionedCall",
    .inputs = "args:Tin",
    .outputs = "output:Tout",
    .attrs = "Tin:list(type) Tout:list(type) f:func config:string='' config_proto:string='' "
             "executor_type:string=''",
    .flags = OP_STRUCTURAL,
};

const struct op op_StatefulPartitionedCall = {
    .name = "StatefulPartitionedCall",
    .inputs = "args:Tin",
    .outputs = "output:Tout",
    .attrs = "Tin:list(type) Tout:list(type) f:func config:string='' config_proto:string='' "
             "executor_type:string=''",
    .flags = OP_STRUCTURAL,
};

const struct op op_BatchFunction = {
    .name = "BatchFunction",
    .inputs = "in_tensors:Tin captured_tensors:Tcaptured",
    .outputs = "out_tensors:Tout",
    .attrs =
        "f:func num_batch_threads:int max_batch_size:int batch_timeout_micros:int "
        "max_enqueued_batches:int=10 allowed_batch_sizes:list(int)=[] container:string='' "
        "shared_name:string='' batching_queue:string='' low_priority_max_batch_size:int=0 "
        "low_priority_batch_timeout_micros:int=0 low_priority_allowed_batch_sizes:list(int)=[] "
        "low_priority_max_enqueued_batches:int=0 "
        "mixed_priority_policy:string='low_priority_padding_with_max_batch_size' "
        "batch_padding_policy:string='PAD_UP' Tin:list(type) Tcaptured:list(type) "
        "Tout:list(type) enable_large_batch_splitting:bool=false",
    .flags = OP_STRUCTURAL,
};

const struct op op_XlaCallModule = {
    .name = "XlaCallModule",
    .inputs = "args:Tin",
    .outputs = "output:Tout",
    .attrs = "version:int module:string Sout:list(shape) Tout:list(type) Tin:list(type) "
             "dim_args_spec:list(string)=[] platforms:list(string)=[] function_list:list(func)=[] "
             "has_token_input_output:bool=false disabled_checks:list(string)=[] "
             "use_shardy_partitioner:bool=false",
    .flags = OP_STRUCTURAL,
};
