/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api_call.h"

#include "api/record.h"
#include "api/waiting_room.h"
#include "servables/tensorflow/loader.h"

/* ---- finding the model ---- */

void api_call_note_model(struct api_call *call, const struct pb_model_spec *spec)
{
    struct record *record = call->exchange->note;
    if (record && spec)
        record->model = spec->name;
}

void api_call_note_signature(struct api_call *call, struct span name)
{
    struct record *record = call->exchange->note;
    if (record)
        record->run.signature = name;
}

/* ---- logging ---- */

bool api_call_is_logged(struct api_call *call, struct request_log_choice *choice)
{
    return request_logs_choose(call->api->logs, call->servable->id.name, choice);
}

void api_call_log_chosen(struct api_call *call, struct request_log_choice *choice,
                         enum prediction_log_kind kind, struct span request, struct span response)
{
    const struct record *record = call->exchange->note;
    const struct request_log_entry entry = {
        .kind = kind,
        .request = request,
        .response = response,
        .servable = call->servable,
        .signature = record ? record->run.signature : (struct span){0},
        .trace = record ? record->trace : NULL,
    };
    request_logs_add(call->api->logs, choice, &entry, &call->exchange->arena);
}

void api_call_log(struct api_call *call, enum prediction_log_kind kind, struct span request,
                  struct span response)
{
    struct request_log_choice choice;
    if (api_call_is_logged(call, &choice))
        api_call_log_chosen(call, &choice, kind, request, response);
}

/* ---- the model ---- */

static enum code check_spec(const struct pb_model_spec *spec, struct error *err)
{
    if (!spec)
        return error_set(err, CODE_INVALID_ARGUMENT, "Missing ModelSpec");
    if (!spec->name.len)
        return error_set(err, CODE_INVALID_ARGUMENT, "ModelSpec has no name specified.");
    return CODE_OK;
}

static struct servable_request request_of(const struct pb_model_spec *spec)
{
    struct servable_request request = {.name = spec->name};
    if (spec->version_choice_case == API_SPEC_VERSION) {
        request.choice = SERVABLE_VERSION;
        request.version = spec->version->value;
    } else if (spec->version_choice_case == API_SPEC_LABEL) {
        request.choice = SERVABLE_LABEL;
        request.label = spec->version_label;
    }
    return request;
}

static void release(void *handle)
{
    handle_release(handle);
}

/* Of a model that is wanted and of which nothing answers yet. */
static void tell_state(const struct api *api, struct span name, struct arena *arena,
                       struct error *err)
{
    struct version_state *versions;
    size_t count = state_monitor_get(api->core->monitor, name, arena, &versions), i = 0;
    if (!server_core_wants(api->core, name))
        return;
    while (i < count && versions[i].state != STATE_START && versions[i].state != STATE_LOADING)
        i++;
    const char *state = "no version is known";
    if (i < count)
        state = arena_printf(arena, "version %lld is %s", (long long)versions[i].version,
                             versions[i].state == STATE_START ? "waiting" : "loading");
    if (i < count || !count)
        error_set(err, CODE_UNAVAILABLE, "%s: the model is not ready yet, %s", err->message, state);
}

enum code api_call_find_any(struct api_call *call, const struct pb_model_spec *spec,
                            struct error *err)
{
    const struct api *api = call->api;
    struct arena *arena = &call->exchange->arena;
    enum code code = check_spec(spec, err);
    if (code)
        return code;
    call->wanted = request_of(spec);
    struct handle *handle = ARENA_NEW(arena, struct handle);
    code = manager_want(api->core->manager, &call->wanted, handle, &call->waits, err);
    if (code == CODE_NOT_FOUND && api->tells_state) {
        tell_state(api, spec->name, arena, err);
        return err->code;
    }
    if (code)
        return code;
    if (call->waits)
        return error_set(err, CODE_UNAVAILABLE, "Model %.*s is not in memory",
                         SPAN_ARG(spec->name));
    /* What the run defers after this is released before it. */
    arena_defer(arena, release, handle);
    call->servable = handle->servable;
    return CODE_OK;
}

enum code api_call_find(struct api_call *call, const struct pb_model_spec *spec, struct error *err)
{
    enum code code = api_call_find_any(call, spec, err);
    if (!code && call->servable->loader != &tensorflow_loader)
        code = error_set(err, CODE_INVALID_ARGUMENT,
                         "Servable type doesn't match the asked for type.");
    return code;
}

/* ---- the three parts ---- */

static enum code prepare(struct api_call *call, struct error *err)
{
    call->waits = false;
    enum code code = call->ops->prepare(call, err);
    struct record *record = call->exchange->note;
    if (record)
        record->servable = call->servable;
    return code;
}

void api_call_end(struct api_call *call, enum code code, const struct error *err)
{
    struct error own;
    if (!code && call->ops->answer(call, &own))
        call->ops->fail(call, &own);
    else if (code)
        call->ops->fail(call, err);
}

static void start(struct api_call *call)
{
    struct error err;
    if (run_check(&call->run, &err))
        call->ops->fail(call, &err);
    else if (!call->ops->start)
        api_call_end(call, CODE_OK, NULL);
    else if (call->ops->start(call, &err))
        call->ops->fail(call, &err);
}

static void on_done(struct session_task *task, enum code code, struct error *err)
{
    api_call_end(task->context, code, err);
}

void api_call_set_task(struct api_call *call, struct session_task *task)
{
    task->run = &call->run;
    task->on_done = on_done;
    task->context = call;
}

/* Waits for the model if that is all that is missing; else answers. */
static void wait_or_fail(struct api_call *call, struct error *err)
{
    const struct api *api = call->api;
    bool waits = call->waits && !atomic_load(&api->life->ending);
    record_stage(call->exchange, SERVED_PARSE);
    if (!waits || waiting_room_enter(api->waiting, call, err))
        call->ops->fail(call, err);
}

static void start_on_worker(struct job *job)
{
    struct api_call *call = (struct api_call *)job;
    record_stage(call->exchange, SERVED_QUEUE);
    start(call);
}

/* A large message is not even read for a client that has given up. */
static void do_on_worker(struct job *job)
{
    struct api_call *call = (struct api_call *)job;
    record_stage(call->exchange, SERVED_QUEUE);
    struct error err;
    if (run_check(&call->run, &err))
        call->ops->fail(call, &err);
    else if (prepare(call, &err))
        wait_or_fail(call, &err);
    else
        start(call);
}

static void submit(struct api_call *call, void (*fn)(struct job *job))
{
    record_stage(call->exchange, SERVED_PARSE);
    call->job.fn = fn;
    shard_add(&call->api->counters->on_worker, 1);
    worker_pool_submit(call->api->workers, &call->job);
}

void *api_call_new(struct api *api, struct exchange *exchange, const struct api_call_ops *ops,
                   size_t size)
{
    struct api_call *call = arena_calloc(&exchange->arena, 1, size);
    struct record *record = exchange->note;
    call->api = api;
    call->exchange = exchange;
    call->ops = ops;
    call->run = (struct run){
        .arena = &exchange->arena,
        .cancelled = &exchange->cancelled,
        .deadline_us = exchange->deadline_us,
        .note = record ? &record->run : NULL,
    };
    return call;
}

void api_call_start(struct api_call *call)
{
    struct error err;
    if (call->exchange->body.len > API_LARGE) {
        submit(call, do_on_worker);
    } else if (prepare(call, &err)) {
        wait_or_fail(call, &err);
    } else if (!call->ops->is_tiny || !call->ops->is_tiny(call)) {
        submit(call, start_on_worker);
    } else {
        shard_add(&call->api->counters->on_loop, 1);
        start(call);
    }
}

void api_call_resume(struct api_call *call)
{
    record_stage(call->exchange, SERVED_QUEUE);
    submit(call, do_on_worker);
}

void api_call_fail_rpc(struct api_call *call, const struct error *err)
{
    api_answer_error(call->exchange, err);
}

struct pb_model_spec *api_call_model_spec(const struct servable *servable, struct span name,
                                          struct span signature_name, struct arena *arena)
{
    struct pb_model_spec *spec = ARENA_NEW(arena, struct pb_model_spec);
    spec->name = name;
    spec->signature_name = signature_name;
    spec->version_choice_case = API_SPEC_VERSION;
    spec->version = ARENA_NEW(arena, struct pb_int64_value);
    spec->version->value = servable->id.version;
    return spec;
}
