/* SPDX-License-Identifier: Apache-2.0 */
/* SerializeTensor, ParseTensor: a tensor as a TensorProto and back. */
#include "ops/kernel.h"
#include "tensor/tensor_proto.h"
#include "wire/messages.h"

static enum code serialize_run(struct op_call *call, struct error *err)
{
    const struct tensor *in = call->in[0];
    struct pb_tensor_proto proto = {0};
    struct shape scalar = shape_scalar();
    enum code code = op_call_alloc(call, 0, &scalar, err);
    if (code)
        return code;
    if (in->dtype == DTYPE_STRING)
        tensor_to_proto(in, call->arena, &proto);
    else
        tensor_to_proto_content(in, call->arena, &proto);
    return pb_encode_large(&pb_tensor_proto_type, &proto, call->arena, call->out[0]->data, err);
}

static enum code parse_run(struct op_call *call, struct error *err)
{
    const struct tensor *in = call->in[0];
    struct pb_tensor_proto *proto = ARENA_NEW(call->arena, struct pb_tensor_proto);
    char text[SHAPE_TEXT_SIZE];
    enum dtype wanted = call->out[0]->dtype;
    struct tensor tensor;
    if (in->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected `serialized` to be a scalar, got shape: %s",
                         shape_text(&in->shape, text));
    struct span bytes = *TENSOR_AT(in, struct span);
    if (pb_decode(&pb_tensor_proto_type, bytes, call->arena, proto, NULL))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Could not parse `serialized` as TensorProto.");
    enum code code = tensor_from_proto(proto, call->arena, &tensor, err);
    if (code)
        return code;
    if (tensor.dtype != wanted)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Type mismatch between parsed tensor (%s) and dtype (%s)",
                         dtype_name(tensor.dtype), dtype_name(wanted));
    code = op_call_alloc(call, 0, &tensor.shape, err);
    if (!code && tensor_bytes(&tensor))
        memcpy(call->out[0]->data, tensor.data, tensor_bytes(&tensor));
    return code;
}

#define SERIALIZED_TYPES (OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL) | OP_TYPE(DTYPE_STRING))

const struct op op_SerializeTensor = {
    .name = "SerializeTensor",
    .inputs = "tensor:T",
    .outputs = "serialized:string",
    .attrs = "T:type",
    .flags = OP_DYNAMIC,
    .types = SERIALIZED_TYPES,
    .run = serialize_run,
};

const struct op op_ParseTensor = {
    .name = "ParseTensor",
    .inputs = "serialized:string",
    .outputs = "output:out_type",
    .attrs = "out_type:type",
    .flags = OP_DYNAMIC,
    .types = SERIALIZED_TYPES,
    .types_attr = "out_type",
    .run = parse_run,
};
