/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Diag: diagonal [dims] -> [dims, dims] with zeros beside it; DiagPart takes it out again. Both
 * sides flattened it is the diagonal of a square matrix.
 */
#include "ops/kernel.h"

static enum code diag_shape(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    struct shape out = *in;
    if (in->rank < 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "Input must be at least rank 1, got %d",
                         in->rank);
    if (2 * in->rank > SHAPE_RANK_MAX)
        return error_set(err, CODE_UNIMPLEMENTED, "the result's rank is beyond %d", SHAPE_RANK_MAX);
    for (int i = 0; i < in->rank; i++)
        out.dims[out.rank++] = in->dims[i];
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code diag_run(struct op_call *call, struct error *err)
{
    (void)err;
    size_t size = dtype_size(call->in[0]->dtype);
    int64_t n = tensor_elements(call->in[0]);
    char *to = call->out[0]->data;
    memset(to, 0, tensor_bytes(call->out[0]));
    for (int64_t i = 0; i < n; i++)
        memcpy(to + (size_t)(i * (n + 1)) * size,
               (const char *)call->in[0]->data + (size_t)i * size, size);
    return CODE_OK;
}

static enum code diag_part_shape(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    char text[SHAPE_TEXT_SIZE];
    struct shape out = {.rank = in->rank / 2};
    /* A scalar is taken for its own diagonal; the gap is TensorFlow's. */
    if (in->rank % 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The rank of the tensor should be%*seven and positive, got shape %s", 42,
                         "", shape_text(in, text));
    for (int i = 0; i < out.rank; i++) {
        out.dims[i] = in->dims[i];
        if (in->dims[i] != in->dims[i + out.rank])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Invalid shape %s: dimensions %d and %d do not match.",
                             shape_text(in, text), i, i + out.rank);
    }
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code diag_part_run(struct op_call *call, struct error *err)
{
    (void)err;
    size_t size = dtype_size(call->in[0]->dtype);
    char *to = call->out[0]->data;
    for (int64_t i = 0, n = tensor_elements(call->out[0]); i < n; i++)
        memcpy(to + (size_t)i * size,
               (const char *)call->in[0]->data + (size_t)(i * (n + 1)) * size, size);
    return CODE_OK;
}

#define DIAG_TYPES                                                                                 \
    (OP_TYPES_COMPLEX | OP_TYPE(DTYPE_HALF) | OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE) |       \
     OP_TYPE(DTYPE_INT32) | OP_TYPE(DTYPE_INT64))

const struct op op_Diag = {
    .name = "Diag",
    .inputs = "diagonal:T",
    .outputs = "output:T",
    .attrs = "T:type",
    .types = DIAG_TYPES,
    .shape = diag_shape,
    .run = diag_run,
};

const struct op op_DiagPart = {
    .name = "DiagPart",
    .inputs = "input:T",
    .outputs = "diagonal:T",
    .attrs = "T:type",
    .types = DIAG_TYPES,
    .shape = diag_part_shape,
    .run = diag_part_run,
};
