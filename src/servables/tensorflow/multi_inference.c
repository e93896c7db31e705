/* SPDX-License-Identifier: Apache-2.0 */
#include "servables/tensorflow/multi_inference.h"

#include "servables/tensorflow/classify.h"
#include "servables/tensorflow/examples.h"
#include "servables/tensorflow/regress.h"

/* Heads are no more than the session has signatures: none is taken twice. */
struct heads {
    struct inference_head *items;
    size_t count;
};

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
                          struct heads *heads, struct arena *arena, struct error *err)
{
    struct span name = inference_signature_name(task->model_spec->signature_name);
    for (size_t i = 0; i < heads->count; i++) {
        if (span_equal(heads->items[i].info->name, name))
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
    return inference_check(&heads->items[heads->count++], kind, signature, arena, err);
}

static enum code find_heads(struct session *session,
                            const struct pb_serialized_multi_request *request, struct heads *heads,
                            struct arena *arena, struct error *err)
{
    size_t room = session_model(session)->signature_count + 1;
    *heads = (struct heads){.items = ARENA_ARRAY(arena, struct inference_head, room)};
    enum code code = CODE_OK;
    for (size_t i = 0; !code && i < request->tasks.count; i++) {
        code = check_model(request, i, err);
        if (!code)
            code = add_head(session, &request->tasks.items[i], heads, arena, err);
    }
    return code;
}

/* ---- one run for all heads ---- */

static struct session_signature *join(struct session *session, const struct heads *heads,
                                      struct arena *arena)
{
    struct savedmodel_signature all = {0};
    all.inputs = ARENA_ARRAY(arena, struct savedmodel_tensor_info, heads->count);
    all.outputs =
        ARENA_ARRAY(arena, struct savedmodel_tensor_info, heads->count * INFERENCE_OUTPUTS_MAX);
    for (size_t i = 0; i < heads->count; i++) {
        const struct inference_head *head = &heads->items[i];
        all.inputs[all.input_count++] = head->info->inputs[0];
        for (size_t k = 0; k < head->wanted_count; k++)
            all.outputs[all.output_count++] = head->info->outputs[head->wanted[k]];
    }
    return session_join(session, &all);
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

static enum code run_joined(struct session_signature *joined, const struct heads *heads,
                            const struct tensor *examples, struct run *run,
                            struct pb_inference_result *results, struct error *err)
{
    const struct savedmodel_signature *info = session_signature_info(joined);
    struct tensor *feeds = ARENA_ARRAY(run->arena, struct tensor, info->input_count);
    struct tensor *all = ARENA_ARRAY(run->arena, struct tensor, info->output_count);
    for (size_t i = 0; i < info->input_count; i++)
        feeds[i] = *examples;
    enum code code = session_run(joined, feeds, NULL, info->output_count, run, all, err);
    for (size_t i = 0; !code && i < heads->count; i++) {
        struct tensor picked[INFERENCE_OUTPUTS_MAX];
        pick(&heads->items[i], info, all, picked);
        code = heads->items[i].kind->fill(&heads->items[i], picked, tensor_elements(examples),
                                          run->arena, &results[i], err);
    }
    return code;
}

/* Where too many choices of heads are in use for another plan to be kept. */
static enum code run_one_by_one(const struct heads *heads, const struct tensor *examples,
                                struct run *run, struct pb_inference_result *results,
                                struct error *err)
{
    enum code code = CODE_OK;
    for (size_t i = 0; !code && i < heads->count; i++)
        code = inference_run(&heads->items[i], examples, run, &results[i], err);
    return code;
}

enum code multi_inference(struct session *session,
                          const struct pb_serialized_multi_request *request, struct run *run,
                          struct pb_multi_inference_response *response, struct error *err)
{
    struct arena *arena = run->arena;
    struct heads heads;
    struct tensor examples;
    enum code code = find_heads(session, request, &heads, arena, err);
    if (!code)
        code = examples_to_tensor(request->input, arena, &examples, err);
    if (code)
        return code;
    struct pb_inference_result *results =
        ARENA_ARRAY(arena, struct pb_inference_result, heads.count);
    struct session_signature *joined = heads.count > 1 ? join(session, &heads, arena) : NULL;
    code = joined ? run_joined(joined, &heads, &examples, run, results, err)
                  : run_one_by_one(&heads, &examples, run, results, err);
    for (size_t i = 0; i < heads.count; i++) {
        results[i].model_spec = ARENA_NEW(arena, struct pb_model_spec);
        results[i].model_spec->name = request->tasks.items[i].model_spec->name;
        results[i].model_spec->signature_name = heads.items[i].info->name;
    }
    response->results.items = results;
    response->results.count = heads.count;
    return code;
}
