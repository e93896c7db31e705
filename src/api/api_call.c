/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api_call.h"

#include "api/record.h"

void api_call_note_model(struct api_call *call, const struct pb_model_spec *spec)
{
    struct record *record = call->exchange->note;
    if (record && spec)
        record->model = spec->name;
}

static enum code prepare(struct api_call *call, struct error *err)
{
    enum code code = call->ops->prepare(call, err);
    struct record *record = call->exchange->note;
    if (record)
        record->servable = call->servable;
    return code;
}

static void finish(struct api_call *call)
{
    struct error err;
    if (call->ops->finish(call, &err))
        call->ops->fail(call, &err);
}

static void finish_on_worker(struct job *job)
{
    finish((struct api_call *)job);
}

/* A large message is not even read for a client that has given up. */
static void do_on_worker(struct job *job)
{
    struct api_call *call = (struct api_call *)job;
    struct run run = api_call_run(call);
    struct error err;
    if (run_check(&run, &err) || prepare(call, &err))
        call->ops->fail(call, &err);
    else
        finish(call);
}

static void submit(struct api_call *call, void (*fn)(struct job *job))
{
    call->job.fn = fn;
    shard_add(&call->api->counters->on_worker, 1);
    worker_pool_submit(call->api->workers, &call->job);
}

void *api_call_new(struct api *api, struct exchange *exchange, const struct api_call_ops *ops,
                   size_t size)
{
    struct api_call *call = arena_calloc(&exchange->arena, 1, size);
    call->api = api;
    call->exchange = exchange;
    call->ops = ops;
    return call;
}

void api_call_start(struct api_call *call)
{
    struct error err;
    if (call->exchange->body.len > API_LARGE) {
        submit(call, do_on_worker);
    } else if (prepare(call, &err)) {
        call->ops->fail(call, &err);
    } else if (!call->ops->is_tiny || !call->ops->is_tiny(call)) {
        submit(call, finish_on_worker);
    } else {
        shard_add(&call->api->counters->on_loop, 1);
        finish(call);
    }
}

struct run api_call_run(const struct api_call *call)
{
    struct exchange *exchange = call->exchange;
    struct record *record = exchange->note;
    return (struct run){
        .arena = &exchange->arena,
        .cancelled = &exchange->cancelled,
        .deadline_us = exchange->deadline_us,
        .took_ns = record ? &record->run_ns : NULL,
    };
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
