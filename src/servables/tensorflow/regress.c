/* SPDX-License-Identifier: Apache-2.0 */
#include "servables/tensorflow/regress.h"

static enum code check(struct inference_head *head, struct arena *arena, struct error *err)
{
    if (head->info->output_count != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "Expected one output Tensor.");
    enum code code = inference_check_input(head, arena, err);
    if (code || inference_want(head, "outputs"))
        return code;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "No regression outputs found in SignatureDef: %.*s",
                     SPAN_ARG(inference_signature_text(head, arena)));
}

/* In the original's order: shape, batch size, dtype. */
static enum code check_output(const struct tensor *output, int64_t examples, struct error *err)
{
    const struct shape *shape = &output->shape;
    char text[SHAPE_TEXT_SIZE];
    if (shape->rank != 1 && (shape->rank != 2 || shape->dims[1] != 1))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected output Tensor shape to be either [batch_size] or "
                         "[batch_size, 1] but got %s",
                         shape_text(shape, text));
    if (shape->dims[0] != examples)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input batch size did not match output batch size: %lld vs. %lld",
                         (long long)examples, (long long)shape->dims[0]);
    /* Two blanks, as the original has them. */
    if (output->dtype != DTYPE_FLOAT)
        return error_set(err, CODE_INVALID_ARGUMENT, "Expected output Tensor of DT_FLOAT.  Got: %s",
                         dtype_enum_name(output->dtype));
    return CODE_OK;
}

static enum code fill(const struct inference_head *head, const struct tensor *outputs,
                      int64_t examples, struct arena *arena, struct pb_inference_result *result,
                      struct error *err)
{
    (void)head;
    enum code code = check_output(outputs, examples, err);
    if (code)
        return code;
    struct pb_regression *items = inference_items(arena, (size_t)examples, sizeof *items, err);
    if (!items)
        return CODE_RESOURCE_EXHAUSTED;
    for (int64_t i = 0; i < examples; i++)
        items[i].value = TENSOR_AT(outputs, float)[i];
    result->result_case = INFERENCE_REGRESSION;
    result->regression_result = ARENA_NEW(arena, struct pb_regression_result);
    result->regression_result->regressions.items = items;
    result->regression_result->regressions.count = (size_t)examples;
    return CODE_OK;
}

const struct inference_kind regress_kind = {
    .method_name = "tensorflow/serving/regress",
    .noun = "regression",
    .check = check,
    .fill = fill,
};
