/* SPDX-License-Identifier: Apache-2.0 */
/* ShardedFilename, ShardedFilespec: "name-00001-of-00004", "name-?????-of-00004". */
#include <stdio.h>

#include "ops/kernel.h"

static enum code sharded_shape(struct op_call *call, struct error *err)
{
    static const char *const names[] = {"basename", "shard", "num_shards"};
    struct shape scalar = shape_scalar();
    char text[SHAPE_TEXT_SIZE];
    for (int i = 0; i < call->in_count; i++) {
        const struct shape *own = &call->in[i]->shape;
        int name = call->in_count == 2 && i ? 2 : i;
        if (own->rank)
            return error_set(err, CODE_INVALID_ARGUMENT, "%s must be a scalar, got shape %s",
                             names[name], shape_text(own, text));
    }
    op_call_shape(call, 0, &scalar);
    return CODE_OK;
}

static enum code sharded_run(struct op_call *call, struct error *err)
{
    enum { MARK_SIZE = 32 };
    struct span base = *TENSOR_AT(call->in[0], struct span);
    int count = *TENSOR_AT(call->in[call->in_count - 1], int32_t), length;
    char *text = arena_try_alloc(call->arena, base.len + MARK_SIZE, 1);
    if (!text)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a file name");
    if (base.len)
        memcpy(text, base.ptr, base.len);
    if (call->in_count == 3)
        length = snprintf(text + base.len, MARK_SIZE, "-%05d-of-%05d",
                          *TENSOR_AT(call->in[1], int32_t), count);
    else
        length = snprintf(text + base.len, MARK_SIZE, "-\?\?\?\?\?-of-%05d", count);
    *TENSOR_AT(call->out[0], struct span) = span_make(text, base.len + (size_t)length);
    return CODE_OK;
}

const struct op op_ShardedFilename = {
    .name = "ShardedFilename",
    .inputs = "basename:string shard:int32 num_shards:int32",
    .outputs = "filename:string",
    .attrs = "",
    .shape = sharded_shape,
    .run = sharded_run,
};

const struct op op_ShardedFilespec = {
    .name = "ShardedFilespec",
    .inputs = "basename:string num_shards:int32",
    .outputs = "filename:string",
    .attrs = "",
    .shape = sharded_shape,
    .run = sharded_run,
};
