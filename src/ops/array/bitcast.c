/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bitcast: the bytes of a tensor under another type. Of a smaller type there are more: the result
 * gets a dimension behind the others; of a larger one fewer: the last dimension goes. The error
 * names the types by their numbers, as TensorFlow's does.
 */
#include "ops/kernel.h"

static enum code bitcast_shape(struct op_call *call, struct error *err)
{
    struct shape out = call->in[0]->shape;
    int64_t from = (int64_t)dtype_size(call->in[0]->dtype);
    int64_t to = (int64_t)dtype_size(call->out[0]->dtype);
    if (from < to) {
        int64_t last = out.rank ? out.dims[out.rank - 1] : -1;
        if (last != to / from)
            return error_set(err, CODE_INVALID_ARGUMENT, "Cannot bitcast from %d to %d",
                             (int)call->in[0]->dtype, (int)call->out[0]->dtype);
        out.rank--;
    } else if (from > to) {
        if (out.rank == SHAPE_RANK_MAX)
            return error_set(err, CODE_UNIMPLEMENTED, "the result's rank is beyond %d",
                             SHAPE_RANK_MAX);
        out.dims[out.rank++] = from / to;
    }
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code bitcast_run(struct op_call *call, struct error *err)
{
    (void)err;
    memcpy(call->out[0]->data, call->in[0]->data, tensor_bytes(call->in[0]));
    return CODE_OK;
}

#define BITCAST_TYPES                                                                              \
    (OP_TYPES_NUMBER | OP_TYPE(DTYPE_QINT8) | OP_TYPE(DTYPE_QUINT8) | OP_TYPE(DTYPE_QINT16) |      \
     OP_TYPE(DTYPE_QUINT16) | OP_TYPE(DTYPE_QINT32))

const struct op op_Bitcast = {
    .name = "Bitcast",
    .inputs = "input:T",
    .outputs = "output:type",
    .attrs = "T:type type:type",
    .types = BITCAST_TYPES,
    .shape = bitcast_shape,
    .run = bitcast_run,
};
