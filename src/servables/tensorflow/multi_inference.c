/* SPDX-License-Identifier: Apache-2.0 */
#include "servables/tensorflow/multi_inference.h"

#include "servables/tensorflow/classify.h"
#include "servables/tensorflow/examples.h"
#include "servables/tensorflow/regress.h"

static const struct inference_kind *const kinds[] = {&classify_kind, &regress_kind};

static const struct inference_kind *find_kind(struct span method_name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (span_is(method_name, kinds[i]->method_name))
            return kinds[i];
    }
    return NULL;
}

static enum code check_model(const struct pb_serialized_multi_request *request, size_t task,
                             struct error *err)
{
    const struct pb_model_spec *first = request->tasks.items[0].model_spec;
    const struct pb_model_spec *spec = request->tasks.items[task].model_spec;
    if (!spec || !spec->name.len)
        return error_set(err, CODE_INVALID_ARGUMENT, "Found ModelSpec with an empty model name.");
    if (!first || !span_equal(spec->name, first->name))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "All ModelSpecs in a MultiInferenceRequest must access the same model "
                         "name.");
    return CODE_OK;
}

static enum code add_head(struct session *session, const struct pb_inference_task *task,
                          struct multi_inference *m, struct arena *arena, struct error *err)
{
    struct span name = inference_signature_name(task->model_spec->signature_name);
    for (size_t i = 0; i < m->head_count; i++) {
        if (span_equal(m->heads[i].info->name, name))
            return error_set(err, CODE_INVALID_ARGUMENT, "Duplicate evaluation of signature: %.*s",
                             SPAN_ARG(name));
    }
    struct session_signature *signature = session_find(session, name);
    if (!signature)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Requested signature not found in model graph: %.*s", SPAN_ARG(name));
    const struct inference_kind *kind = find_kind(task->method_name);
    if (!kind)
        return error_set(err, CODE_UNIMPLEMENTED, "Unsupported signature method_name: %.*s",
                         SPAN_ARG(task->method_name));
    return inference_check(&m->heads[m->head_count++], kind, signature, arena, err);
}

/* Heads are no more than the session has signatures: none is taken twice. */
static enum code find_heads(struct session *session, struct multi_inference *m, struct arena *arena,
                            struct error *err)
{
    size_t room = session_model(session)->signature_count + 1;
    m->heads = ARENA_ARRAY(arena, struct inference_head, room);
    enum code code = CODE_OK;
    for (size_t i = 0; !code && i < m->request->tasks.count; i++) {
        code = check_model(m->request, i, err);
        if (!code)
            code = add_head(session, &m->request->tasks.items[i], m, arena, err);
    }
    return code;
}

/* ---- one run for all heads ---- */

static struct session_signature *join(struct session *session, const struct multi_inference *m,
                                      struct arena *arena)
{
    struct savedmodel_signature all = {0};
    all.inputs = ARENA_ARRAY(arena, struct savedmodel_tensor_info, m->head_count);
    all.outputs =
        ARENA_ARRAY(arena, struct savedmodel_tensor_info, m->head_count * INFERENCE_OUTPUTS_MAX);
    for (size_t i = 0; i < m->head_count; i++) {
        const struct inference_head *head = &m->heads[i];
        all.inputs[all.input_count++] = head->info->inputs[0];
        for (size_t k = 0; k < head->wanted_count; k++)
            all.outputs[all.output_count++] = head->info->outputs[head->wanted[k]];
    }
    return session_join(session, &all);
}

static void begin_joined(struct multi_inference *m, struct session_signature *joined,
                         struct session_task *task)
{
    struct arena *arena = task->run->arena;
    m->joined = session_signature_info(joined);
    struct tensor *feeds = ARENA_ARRAY(arena, struct tensor, m->joined->input_count);
    for (size_t i = 0; i < m->joined->input_count; i++)
        feeds[i] = m->examples;
    task->signature = joined;
    task->inputs = feeds;
    task->wanted = NULL;
    task->wanted_count = m->joined->output_count;
    task->outputs = ARENA_ARRAY(arena, struct tensor, m->joined->output_count);
}

enum code multi_inference_begin(struct session *session,
                                const struct pb_serialized_multi_request *request,
                                struct session_task *task, struct multi_inference *m,
                                struct error *err)
{
    struct arena *arena = task->run->arena;
    *m = (struct multi_inference){.request = request};
    enum code code = find_heads(session, m, arena, err);
    if (!code)
        code = examples_to_tensor(request->input, arena, &m->examples, err);
    if (code)
        return code;
    struct session_signature *joined = m->head_count > 1 ? join(session, m, arena) : NULL;
    task->signature = NULL;
    if (joined)
        begin_joined(m, joined, task);
    else if (m->head_count == 1)
        inference_begin(&m->heads[0], &m->examples, task);
    return CODE_OK;
}

/* The outputs of one head among those of the joined signature, whose aliases are their names. */
static void pick(const struct inference_head *head, const struct savedmodel_signature *joined,
                 const struct tensor *all, struct tensor *picked)
{
    for (size_t k = 0; k < head->wanted_count; k++) {
        struct span name = head->info->outputs[head->wanted[k]].name;
        for (size_t i = 0; i < joined->output_count; i++) {
            if (span_equal(joined->outputs[i].name, name))
                picked[k] = all[i];
        }
    }
}

/* What came out for one head. Where too many choices of heads are in use for another plan to be
 * kept, it is run only now. */
static enum code end_head(const struct multi_inference *m, const struct inference_head *head,
                          const struct session_task *task, struct pb_inference_result *result,
                          struct error *err)
{
    struct tensor picked[INFERENCE_OUTPUTS_MAX];
    if (!task->signature)
        return inference_run(head, &m->examples, task->run, result, err);
    if (!m->joined)
        return inference_end(head, task, result, err);
    pick(head, m->joined, task->outputs, picked);
    return head->kind->fill(head, picked, tensor_elements(&m->examples), task->run->arena, result,
                            err);
}

enum code multi_inference_end(const struct multi_inference *m, const struct session_task *task,
                              struct pb_multi_inference_response *response, struct error *err)
{
    struct arena *arena = task->run->arena;
    struct pb_inference_result *results =
        ARENA_ARRAY(arena, struct pb_inference_result, m->head_count);
    enum code code = CODE_OK;
    for (size_t i = 0; !code && i < m->head_count; i++) {
        code = end_head(m, &m->heads[i], task, &results[i], err);
        results[i].model_spec = ARENA_NEW(arena, struct pb_model_spec);
        results[i].model_spec->name = m->request->tasks.items[i].model_spec->name;
        results[i].model_spec->signature_name = m->heads[i].info->name;
    }
    response->results.items = results;
    response->results.count = m->head_count;
    return code;
}

enum code multi_inference(struct session *session,
                          const struct pb_serialized_multi_request *request, struct run *run,
                          struct pb_multi_inference_response *response, struct error *err)
{
    struct multi_inference m;
    struct session_task task = {.run = run};
    enum code code = multi_inference_begin(session, request, &task, &m, err);
    if (!code && task.signature)
        code = session_task_run(&task, err);
    return code ? code : multi_inference_end(&m, &task, response, err);
}
