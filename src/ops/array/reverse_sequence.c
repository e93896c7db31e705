/* SPDX-License-Identifier: Apache-2.0 */
/* ReverseSequence: of each batch entry the first seq_lengths[b] elements along seq_dim turned
 * round. */
#include "ops/array/view.h"
#include "ops/kernel.h"

static enum code reverse_shape(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape, *lengths = &call->in[1]->shape;
    int64_t seq = op_attr_int(call, "seq_dim"), batch = op_attr_int(call, "batch_dim");
    op_call_shape(call, 0, in);
    if (lengths->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "seq_lengths must be 1-dim, not %d",
                         lengths->rank);
    if (seq < 0 || batch < 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "Invalid %s %lld",
                         seq < 0 ? "seq_dim" : "batch_dim", (long long)(seq < 0 ? seq : batch));
    if (batch == seq)
        return error_set(err, CODE_INVALID_ARGUMENT, "batch_dim == seq_dim == %lld",
                         (long long)seq);
    if (seq >= in->rank || batch >= in->rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s must be < input rank ( %lld vs. %d)",
                         seq >= in->rank ? "seq_dim" : "batch_dim",
                         (long long)(seq >= in->rank ? seq : batch), in->rank);
    if (lengths->dims[0] != in->dims[batch])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Length of seq_lengths != input.dims(%lld), (%lld vs. %lld)",
                         (long long)batch, (long long)lengths->dims[0], (long long)in->dims[batch]);
    return CODE_OK;
}

/* Blocks of `bytes` lie behind both dimensions; block n stands at `seq` and `batch`. */
struct reverse {
    int64_t blocks;
    int64_t seq_size, seq_stride;
    int64_t batch_size, batch_stride;
    size_t bytes;
};

static enum code reverse_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    struct reverse *r = ARENA_NEW(call->arena, struct reverse);
    const struct shape *in = &call->in[0]->shape;
    int seq = (int)op_attr_int(call, "seq_dim"), batch = (int)op_attr_int(call, "batch_dim");
    int last = seq > batch ? seq : batch;
    *r = (struct reverse){
        .blocks = kernel_span(in, 0, last + 1),
        .seq_size = in->dims[seq],
        .seq_stride = kernel_span(in, seq + 1, last + 1),
        .batch_size = in->dims[batch],
        .batch_stride = kernel_span(in, batch + 1, last + 1),
        .bytes = (size_t)kernel_span(in, last + 1, in->rank) * dtype_size(call->in[0]->dtype),
    };
    call->state = r;
    return CODE_OK;
}

static enum code check_lengths(const struct op_call *call, struct error *err)
{
    const struct reverse *r = call->state;
    for (int64_t i = 0; i < r->batch_size; i++) {
        int64_t length = tensor_int(call->in[1], i);
        if (length < 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "seq_lens(%lld) < 0", (long long)i);
        if (length > r->seq_size)
            return error_set(err, CODE_INVALID_ARGUMENT, "seq_lens(%lld) > input.dims(%lld)",
                             (long long)i, (long long)op_attr_int(call, "seq_dim"));
    }
    return CODE_OK;
}

static enum code reverse_run(struct op_call *call, struct error *err)
{
    const struct reverse *r = call->state;
    enum code code = check_lengths(call, err);
    if (code)
        return code;
    const char *from = call->in[0]->data;
    char *to = call->out[0]->data;
    for (int64_t n = 0; n < r->blocks; n++) {
        int64_t at = n / r->seq_stride % r->seq_size;
        int64_t length = tensor_int(call->in[1], n / r->batch_stride % r->batch_size);
        int64_t source = at < length ? n + (length - 1 - 2 * at) * r->seq_stride : n;
        memcpy(to + (size_t)n * r->bytes, from + (size_t)source * r->bytes, r->bytes);
    }
    return CODE_OK;
}

const struct op op_ReverseSequence = {
    .name = "ReverseSequence",
    .inputs = "input:T seq_lengths:Tlen",
    .outputs = "output:T",
    .attrs = "seq_dim:int batch_dim:int=0 T:type Tlen:index=int64",
    .types = OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL) | OP_TYPE(DTYPE_STRING),
    .shape = reverse_shape,
    .prepare = reverse_prepare,
    .run = reverse_run,
};
