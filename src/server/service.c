/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of the start is the original's (reference 0): the model is loaded first, then the ports
 * open, so that whoever can connect gets answers. A base path that is missing is waited for; a
 * model that can not be loaded ends the start.
 *
 * The order of the end: no more versions, no more connections, answers go out, workers end, the
 * model is unloaded. A load that is under way is not waited for.
 */
#include "server/service.h"

#include <errno.h>
#include <malloc.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/api.h"
#include "api/rest.h"
#include "base/check.h"
#include "base/cpu.h"
#include "base/log.h"
#include "base/memory.h"
#include "core/file_system_source.h"
#include "engine/op_library.h"
#include "servables/tensorflow/loader.h"
#include "server/signals.h"

enum {
    /* Larger blocks go back to the system as soon as they are freed. glibc would raise this by
     * itself with the first large block that is freed, and keep what an unloaded model had. */
    HEAP_BLOCK_MAX = 4 << 20,
    IDLE_S = 5,                /* without a call until free memory is given back */
    HEAP_SPARE_MAX = 16 << 20, /* free memory at the heap's end that is kept for the next request */
};

struct service {
    const struct options *options;
    struct arena arena;
    struct file_system_servable servable;
    struct session_options session;
    struct state_monitor *monitor;
    struct manager *manager;
    struct file_system_source *source;
    struct worker_pool *workers;
    struct api_counters *counters;
    struct api api;
    struct net_server *net;
    sem_t stop; /* posted once by the first signal */
};

/* "serve,gpu": the tags of the MetaGraph. */
static void split_tags(struct service *s)
{
    struct span rest = span_of(s->options->saved_model_tags);
    struct span *tags = ARENA_ARRAY(&s->arena, struct span, rest.len + 1);
    size_t count = 0;
    while (rest.len) {
        size_t comma = span_find(rest, ',');
        if (comma)
            tags[count++] = span_sub(rest, 0, comma);
        rest = span_sub(rest, comma + 1, rest.len);
    }
    s->session = (struct session_options){.tags = tags, .tag_count = count};
}

static enum code make_core(struct service *s, struct error *err)
{
    const struct options *o = s->options;
    struct manager_options manager = {
        .load_threads = o->num_load_threads > 0 ? (unsigned)o->num_load_threads : 1,
        .low_priority = true,
        .load_retries = o->max_num_load_retries,
        .retry_interval_us = o->load_retry_interval_micros,
        .loader = &tensorflow_loader,
        .loader_context = &s->session,
        .monitor = s->monitor,
    };
    enum code code = manager_new(&manager, &s->manager, err);
    if (code)
        return code;
    s->servable = (struct file_system_servable){
        .name = o->model_name,
        .base_path = o->model_base_path,
        .policy = {.kind = VERSION_POLICY_LATEST, .latest = 1},
    };
    struct file_system_source_options source = {
        .poll_wait_s = o->file_system_poll_wait_seconds,
        .servables = &s->servable,
        .servable_count = 1,
        .target = manager_target(s->manager),
    };
    s->source = file_system_source_new(&source);
    return file_system_source_start(s->source, err);
}

/* What kept the model from being available, in the original's words. */
static enum code not_available(struct service *s, const struct version_state *version,
                               struct error *err)
{
    return error_set(err, CODE_UNKNOWN,
                     "1 servable(s) did not become available: {{{name: %s version: %lld} due to "
                     "error: %s: %s}, }",
                     s->options->model_name, (long long)version->version, code_name(version->code),
                     version->message);
}

/* *available false with OK: a signal came first. */
static enum code await_model(struct service *s, bool *available, struct error *err)
{
    struct span name = span_of(s->options->model_name);
    struct version_state *versions;
    if (!state_monitor_get(s->monitor, name, &s->arena, &versions))
        log_info("Waiting for a version of servable %s under %s", s->options->model_name,
                 s->options->model_base_path);
    *available = state_monitor_await(s->monitor, name, state_is_settled, NULL);
    size_t count = state_monitor_get(s->monitor, name, &s->arena, &versions);
    for (size_t i = 0; i < count; i++) {
        if (versions[i].state != STATE_END)
            return CODE_OK;
    }
    return *available ? not_available(s, &versions[0], err) : CODE_OK;
}

/* ---- the network ---- */

static void make_net(struct service *s)
{
    unsigned cores = cpu_count();
    s->workers = worker_pool_new("worker", cores);
    s->counters = aligned_alloc(SHARD_LINE, sizeof *s->counters);
    CHECK(s->counters && "out of memory");
    memset(s->counters, 0, sizeof *s->counters);
    s->api = (struct api){
        .manager = s->manager,
        .monitor = s->monitor,
        .workers = s->workers,
        .tensor_content = s->options->enable_serialization_as_tensor_content,
        .cors = s->options->rest_api_enable_cors_support,
        .rest_timeout_us = (int64_t)s->options->rest_api_timeout_in_ms * 1000,
        .counters = s->counters,
    };
    struct net_options net = {
        .loops = cores,
        .rpcs = api_rpcs,
        .rpc_count = api_rpc_count,
        .http = api_rest,
        .context = &s->api,
    };
    s->net = net_server_new(&net);
}

static enum code listen_grpc(struct service *s, struct error *err)
{
    const struct options *o = s->options;
    enum code code = CODE_OK;
    if (o->port)
        code = net_server_listen_tcp(s->net, NET_GRPC, "0.0.0.0", o->port, NULL, err);
    if (!code && o->grpc_socket_path[0])
        code = net_server_listen_unix(s->net, NET_GRPC, o->grpc_socket_path, err);
    if (!code)
        return code;
    log_error("%s", err->message);
    return error_set(err, CODE_INVALID_ARGUMENT, "Failed to BuildAndStart gRPC server");
}

/* The REST API is an extra to the original: without it the server goes on. */
static bool listen_rest(struct service *s)
{
    const struct options *o = s->options;
    struct error err;
    if (!o->rest_api_port)
        return false;
    if (o->rest_api_port == o->port) {
        log_error("server_options.http_port cannot be same as grpc_port. Please use a different "
                  "port for HTTP/REST API. Skipped exporting HTTP/REST API.");
        return false;
    }
    if (!net_server_listen_tcp(s->net, NET_HTTP, "::", o->rest_api_port, NULL, &err) ||
        !net_server_listen_tcp(s->net, NET_HTTP, "0.0.0.0", o->rest_api_port, NULL, &err))
        return true;
    log_error("Failed to start HTTP Server at localhost:%d: %s", o->rest_api_port, err.message);
    return false;
}

static enum code open_ports(struct service *s, struct error *err)
{
    const struct options *o = s->options;
    make_net(s);
    enum code code = listen_grpc(s, err);
    if (code)
        return code;
    bool has_rest = listen_rest(s);
    code = net_server_start(s->net, err);
    if (code)
        return code;
    if (o->port)
        log_info("Running gRPC ModelServer at 0.0.0.0:%d ...", o->port);
    if (o->grpc_socket_path[0])
        log_info("Running gRPC ModelServer at UNIX socket %s ...", o->grpc_socket_path);
    if (has_rest)
        log_info("Exporting HTTP/REST API at:localhost:%d ...", o->rest_api_port);
    return CODE_OK;
}

/* ---- life ---- */

/* On the thread of signals. */
static void on_signal(void *context)
{
    struct service *s = context;
    state_monitor_interrupt(s->monitor);
    sem_post(&s->stop);
}

/* Calls answered until now. */
static int64_t calls(const struct service *s)
{
    return shard_sum(&s->counters->on_loop) + shard_sum(&s->counters->on_worker);
}

/* False: the time is over and no signal came. */
static bool await_stop(struct service *s, int seconds)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += seconds;
    int failed;
    while ((failed = sem_timedwait(&s->stop, &end)) && errno == EINTR)
        ;
    return !failed;
}

/* Large requests leave free memory behind that malloc keeps for the next ones. When none came for a
 * while it goes back to the system: only then, for giving it back holds up whoever allocates. */
static void await_signal(struct service *s)
{
    int64_t before = calls(s), trimmed = before;
    while (!await_stop(s, IDLE_S)) {
        int64_t now = calls(s);
        if (now == before && now != trimmed) {
            malloc_trim(0);
            trimmed = now;
        }
        before = now;
    }
}

static enum code serve(struct service *s, struct error *err)
{
    bool available = false;
    enum code code = signals_start(on_signal, s, err);
    if (!code)
        code = make_core(s, err);
    if (!code)
        code = await_model(s, &available, err);
    if (code || !available)
        return code;
    code = open_ports(s, err);
    if (code)
        return code;
    await_signal(s);
    return code;
}

/* Libraries that are in use by a load would not survive the usual way out. */
static void leave_the_load(void)
{
    log_info("Ending without waiting for the load that is under way");
    fflush(NULL);
    _exit(0);
}

static void tear_down(struct service *s, bool failed)
{
    if (s->net)
        net_server_drain(s->net);
    file_system_source_free(s->source);
    if (s->net)
        net_server_join(s->net, INT64_MAX);
    worker_pool_free(s->workers);
    net_server_free(s->net);
    if (s->net && s->options->grpc_socket_path[0])
        unlink(s->options->grpc_socket_path);
    if (!failed && s->manager && manager_is_loading(s->manager))
        leave_the_load();
    manager_free(s->manager);
    state_monitor_free(s->monitor);
    free(s->counters);
    arena_release(&s->arena);
}

enum code service_run(const struct options *options, struct error *err)
{
    enum code code = options_check(options, err);
    for (int i = 0; !code && i < options->op_library.count; i++)
        code = op_library_load(options->op_library.items[i], err);
    if (code)
        return code;
    if (options->request_memory_limit_bytes > 0)
        memory_set_request_limit((size_t)options->request_memory_limit_bytes);
    mallopt(M_MMAP_THRESHOLD, HEAP_BLOCK_MAX);
    mallopt(M_TRIM_THRESHOLD, HEAP_SPARE_MAX);
    log_info("Building single TensorFlow model file config:  model_name: %s model_base_path: %s",
             options->model_name, options->model_base_path);
    /* The process's own: threads of a load that is not waited for still see it when this returns.
     */
    static struct service service;
    service.options = options;
    arena_init(&service.arena, ARENA_FIRST_BLOCK);
    sem_init(&service.stop, 0, 0);
    service.monitor = state_monitor_new();
    split_tags(&service);
    code = serve(&service, err);
    tear_down(&service, code != CODE_OK);
    return code;
}
