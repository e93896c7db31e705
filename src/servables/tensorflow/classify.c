/* SPDX-License-Identifier: Apache-2.0 */
#include "servables/tensorflow/classify.h"

#define CLASSES "classes"
#define SCORES  "scores"

static enum code check(struct inference_head *head, struct arena *arena, struct error *err)
{
    size_t outputs = head->info->output_count;
    if (outputs != 1 && outputs != 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected one or two output Tensors, found %zu", outputs);
    enum code code = inference_check_input(head, arena, err);
    if (code)
        return code;
    bool has_classes = inference_want(head, CLASSES);
    bool has_scores = inference_want(head, SCORES);
    if (has_classes || has_scores)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Expected classification signature outputs to contain at least one of "
                     "\"classes\" or \"scores\". Signature was: %.*s",
                     SPAN_ARG(inference_signature_text(head, arena)));
}

/* In the original's order: rank, dtype, batch size. */
static enum code check_output(const struct tensor *tensor, const char *name, enum dtype dtype,
                              int64_t examples, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (tensor->shape.rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected Tensor shape: [batch_size num_classes] but got %s",
                         shape_text(&tensor->shape, text));
    if (tensor->dtype != dtype)
        return error_set(err, CODE_INVALID_ARGUMENT, "Expected %s Tensor of %s. Got: %s", name,
                         dtype_enum_name(dtype), dtype_enum_name(tensor->dtype));
    if (tensor->shape.dims[0] != examples)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected %s output batch size of %lld. Got: %lld", name,
                         (long long)examples, (long long)tensor->shape.dims[0]);
    return CODE_OK;
}

/* Which of the fetched tensors is which; NULL: the signature has none. */
struct fetched {
    const struct tensor *classes;
    const struct tensor *scores;
};

static enum code check_outputs(const struct inference_head *head, const struct tensor *outputs,
                               int64_t examples, struct fetched *fetched, struct error *err)
{
    *fetched = (struct fetched){0};
    for (size_t i = 0; i < head->wanted_count; i++) {
        bool is_classes = span_is(head->info->outputs[head->wanted[i]].alias, CLASSES);
        *(is_classes ? &fetched->classes : &fetched->scores) = &outputs[i];
    }
    enum code code = CODE_OK;
    if (fetched->classes)
        code = check_output(fetched->classes, CLASSES, DTYPE_STRING, examples, err);
    if (!code && fetched->scores)
        code = check_output(fetched->scores, SCORES, DTYPE_FLOAT, examples, err);
    if (!code && fetched->classes && fetched->scores &&
        fetched->classes->shape.dims[1] != fetched->scores->shape.dims[1])
        code = error_set(err, CODE_INVALID_ARGUMENT,
                         "Tensors class and score should match in dim_size(1). Got %lld vs. %lld",
                         (long long)fetched->classes->shape.dims[1],
                         (long long)fetched->scores->shape.dims[1]);
    return code;
}

static void fill_classes(const struct fetched *fetched, size_t count, struct pb_class *classes)
{
    for (size_t i = 0; i < count; i++) {
        if (fetched->classes)
            classes[i].label = TENSOR_AT(fetched->classes, struct span)[i];
        if (fetched->scores)
            classes[i].score = TENSOR_AT(fetched->scores, float)[i];
    }
}

static enum code fill(const struct inference_head *head, const struct tensor *outputs,
                      int64_t examples, struct arena *arena, struct pb_inference_result *result,
                      struct error *err)
{
    struct fetched fetched;
    enum code code = check_outputs(head, outputs, examples, &fetched, err);
    if (code)
        return code;
    const struct tensor *any = fetched.classes ? fetched.classes : fetched.scores;
    size_t rows = (size_t)examples, columns = (size_t)any->shape.dims[1];
    struct pb_classifications *items = inference_items(arena, rows, sizeof *items, err);
    struct pb_class *classes =
        items ? inference_items(arena, (size_t)tensor_elements(any), sizeof *classes, err) : NULL;
    if (!classes)
        return CODE_RESOURCE_EXHAUSTED;
    fill_classes(&fetched, rows * columns, classes);
    for (size_t i = 0; i < rows; i++) {
        items[i].classes.items = classes + i * columns;
        items[i].classes.count = columns;
    }
    result->result_case = INFERENCE_CLASSIFICATION;
    result->classification_result = ARENA_NEW(arena, struct pb_classification_result);
    result->classification_result->classifications.items = items;
    result->classification_result->classifications.count = rows;
    return CODE_OK;
}

const struct inference_kind classify_kind = {
    .method_name = "tensorflow/serving/classify",
    .noun = "classification",
    .check = check,
    .fill = fill,
};
