/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RestoreV2: tensors out of a checkpoint. They stay in the mapped file where their place in it
 * allows; each output's buffer carries a reference, which the request's arena gives back and a
 * variable that keeps the tensor takes again.
 */
#include "base/progress.h"
#include "engine/op.h"
#include "savedmodel/bundle.h"

static void unref_buffer(void *buffer)
{
    buffer_unref(buffer);
}

static void unref_bundle(void *bundle)
{
    bundle_unref(bundle);
}

static enum code check_arguments(const struct op_call *call, struct error *err)
{
    const struct tensor *prefix = call->in[0];
    const struct tensor *names = call->in[1];
    const struct tensor *slices = call->in[2];
    if (tensor_elements(prefix) != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input 0 (prefix) must be a string scalar; got %lld elements",
                         (long long)tensor_elements(prefix));
    if (names->shape.rank != 1 || slices->shape.rank != 1 ||
        tensor_elements(names) != call->out_count || tensor_elements(slices) != call->out_count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Inputs 1 (tensor_names) and 2 (shape_and_slices) must be vectors of %d "
                         "elements, as dtypes has",
                         call->out_count);
    return CODE_OK;
}

static enum code restore_one(struct op_call *call, struct bundle *bundle, int i, struct error *err)
{
    struct span name = TENSOR_AT(call->in[1], struct span)[i];
    struct span slice = TENSOR_AT(call->in[2], struct span)[i];
    struct tensor value;
    enum code code = bundle_read_slice(bundle, name, slice, &value, err);
    if (code)
        return code;
    arena_defer(call->arena, unref_buffer, value.buffer);
    if (value.dtype != call->out[i]->dtype)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "tensor_name = %.*s; expected dtype %s does not equal original dtype %s",
                         SPAN_ARG(name), dtype_name(call->out[i]->dtype), dtype_name(value.dtype));
    *call->out[i] = value;
    progress_add((int64_t)tensor_bytes(&value));
    return CODE_OK;
}

static enum code restore_run(struct op_call *call, struct error *err)
{
    enum code code = check_arguments(call, err);
    if (code)
        return code;
    const char *prefix = arena_strdup(call->arena, *TENSOR_AT(call->in[0], struct span));
    struct bundle *bundle;
    code = bundle_open(prefix, &bundle, err);
    if (code)
        return code;
    arena_defer(call->arena, unref_bundle, bundle);
    for (int i = 0; !code && i < call->out_count; i++)
        code = restore_one(call, bundle, i, err);
    return code;
}

const struct op op_RestoreV2 = {
    .name = "RestoreV2",
    .inputs = "prefix:string tensor_names:string shape_and_slices:string",
    .outputs = "tensors:dtypes",
    .attrs = "dtypes:list(type)",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = restore_run,
};
