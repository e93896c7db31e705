/* SPDX-License-Identifier: Apache-2.0 */
#include "servables/tensorflow/inference.h"

#include "servables/tensorflow/examples.h"

#define INPUT_ALIAS "inputs"

struct span inference_signature_name(struct span name)
{
    return name.len ? name : SPAN_LITERAL("serving_default");
}

/* ---- for the kinds ---- */

struct span inference_signature_text(const struct inference_head *head, struct arena *arena)
{
    return pb_print_text(&pb_signature_def_type, head->info->proto, arena);
}

enum code inference_check_input(const struct inference_head *head, struct arena *arena,
                                struct error *err)
{
    if (span_is(head->info->inputs[0].alias, INPUT_ALIAS))
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT, "No %s inputs found in SignatureDef: %.*s",
                     head->kind->noun, SPAN_ARG(inference_signature_text(head, arena)));
}

bool inference_want(struct inference_head *head, const char *alias)
{
    for (size_t i = 0; i < head->info->output_count; i++) {
        if (span_is(head->info->outputs[i].alias, alias)) {
            head->wanted[head->wanted_count++] = (int)i;
            return true;
        }
    }
    return false;
}

void *inference_items(struct arena *arena, size_t count, size_t size, struct error *err)
{
    size_t bytes;
    bool fits = !__builtin_mul_overflow(count, size, &bytes);
    void *items = fits ? arena_try_alloc(arena, bytes, ARENA_ALIGN) : NULL;
    if (!items)
        error_set(err, CODE_RESOURCE_EXHAUSTED, "no memory for a result of %zu items", count);
    else
        memset(items, 0, bytes);
    return items;
}

/* ---- heads ---- */

enum code inference_check(struct inference_head *head, const struct inference_kind *kind,
                          struct session_signature *signature, struct arena *arena,
                          struct error *err)
{
    const struct savedmodel_signature *info = session_signature_info(signature);
    *head = (struct inference_head){.kind = kind, .signature = signature, .info = info};
    if (session_checks_method_names(signature) && !span_is(info->method_name, kind->method_name))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected %s signature method_name to be %s. Was: %.*s", kind->noun,
                         kind->method_name, SPAN_ARG(info->method_name));
    if (info->input_count != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "Expected one input Tensor.");
    return kind->check(head, arena, err);
}

enum code inference_find(struct session *session, struct span name,
                         const struct inference_kind *kind, struct arena *arena,
                         struct inference_head *head, struct error *err)
{
    name = inference_signature_name(name);
    struct session_signature *signature = session_find(session, name);
    if (!signature)
        return error_set(err, CODE_INVALID_ARGUMENT, "No signature was found with the name: %.*s",
                         SPAN_ARG(name));
    return inference_check(head, kind, signature, arena, err);
}

bool inference_is_tiny(const struct inference_head *head, const struct pb_serialized_input *input)
{
    return !examples_have_context(input) &&
           session_task_is_tiny(head->signature, head->wanted_count < head->info->output_count);
}

void inference_begin(const struct inference_head *head, const struct tensor *examples,
                     struct session_task *task)
{
    task->signature = head->signature;
    task->inputs = examples;
    task->wanted = head->wanted;
    task->wanted_count = head->wanted_count;
    task->outputs = ARENA_ARRAY(task->run->arena, struct tensor, INFERENCE_OUTPUTS_MAX);
}

enum code inference_end(const struct inference_head *head, const struct session_task *task,
                        struct pb_inference_result *result, struct error *err)
{
    return head->kind->fill(head, task->outputs, tensor_elements(task->inputs), task->run->arena,
                            result, err);
}

enum code inference_run(const struct inference_head *head, const struct tensor *examples,
                        struct run *run, struct pb_inference_result *result, struct error *err)
{
    struct session_task task = {.run = run};
    inference_begin(head, examples, &task);
    enum code code = session_task_run(&task, err);
    return code ? code : inference_end(head, &task, result, err);
}
