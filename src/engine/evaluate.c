/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/evaluate.h"

#include "base/check.h"
#include "engine/run.h"

enum { OUTPUT_BYTES_MAX_LOG2 = 42 }; /* far beyond any memory; keeps sums of sizes in size_t */

/* The rule may have multiplied sizes that come from outside. */
static enum code check_sizes(const struct op_call *call, struct error *err)
{
    for (int i = 0; i < call->out_count; i++) {
        const struct tensor *out = call->out[i];
        int64_t elements;
        if (out->shape.rank == SHAPE_UNKNOWN_RANK)
            continue;
        if (shape_elements_checked(&out->shape, &elements) &&
            elements < INT64_C(1) << (OUTPUT_BYTES_MAX_LOG2 - 4))
            continue;
        char text[SHAPE_TEXT_SIZE];
        return error_set(err, CODE_RESOURCE_EXHAUSTED,
                         "OOM when allocating tensor with shape%s and type %s",
                         shape_text(&out->shape, text), dtype_name(out->dtype));
    }
    return CODE_OK;
}

enum code op_infer(struct op_call *call, struct error *err)
{
    const struct op *op = call->node->op;
    for (int i = 0; i < call->out_count; i++) {
        call->out[i]->dtype = call->node->output_types[i];
        call->out[i]->buffer = NULL;
        call->out[i]->data = NULL;
        bool first = !op->shape && !(op->flags & OP_DYNAMIC) && call->in_count;
        call->out[i]->shape = first ? call->in[0]->shape : shape_unknown();
    }
    if (!op->shape || (op->flags & OP_DYNAMIC))
        return CODE_OK;
    enum code code = op->shape(call, err);
    return code ? code : check_sizes(call, err);
}

void op_alias(struct op_call *call)
{
    call->out[0]->data = call->in[0]->data;
    call->out[0]->buffer = call->in[0]->buffer;
}

/* Memory for the outputs whose shape is known; run() takes the others'. */
static enum code alloc_outputs(struct op_call *call, struct error *err)
{
    for (int i = 0; i < call->out_count; i++) {
        struct tensor *out = call->out[i];
        if (out->shape.rank == SHAPE_UNKNOWN_RANK)
            continue;
        enum code code = tensor_alloc(out, out->dtype, &out->shape, call->arena, err);
        if (code)
            return code;
    }
    return CODE_OK;
}

enum code op_evaluate(struct op_call *call, struct error *err)
{
    const struct op *op = call->node->op;
    enum code code = op_infer(call, err);
    if (code)
        return code;
    if ((op->flags & OP_ALIAS) && call->out[0]->shape.rank != SHAPE_UNKNOWN_RANK) {
        op_alias(call);
        return CODE_OK;
    }
    code = alloc_outputs(call, err);
    if (!code && op->prepare)
        code = op->prepare(call, err);
    if (code)
        return code;
    call->scratch = arena_try_alloc(call->arena, call->scratch_size, TENSOR_ALIGN);
    if (!call->scratch)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM when allocating scratch memory");
    code = op->run(call, err);
    for (int i = 0; !code && i < call->out_count && !(op->flags & OP_CONTROL_FLOW); i++)
        CHECK(call->out[i]->data);
    return code;
}
