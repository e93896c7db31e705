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

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/access.h"
#include "api/api.h"
#include "api/health_watch.h"
#include "api/profiler.h"
#include "api/record.h"
#include "api/request_log.h"
#include "api/rest.h"
#include "api/waiting_room.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/fence.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "engine/op_library.h"
#include "monitoring/log_file.h"
#include "servables/kinds.h"
#include "servables/plugin/plugin.h"
#include "servables/tensorflow/loader.h"
#include "server/batching.h"
#include "server/channel_arguments.h"
#include "server/config_file.h"
#include "server/platform_config.h"
#include "server/ports.h"
#include "server/signals.h"
#include "server/thread_pool_config.h"
#include "server/tls_files.h"
#include "server/token_files.h"
#include "wire/config_text.h"

enum {
    /* Larger blocks go back to the system as soon as they are freed. glibc would raise this by
     * itself with the first large block that is freed, and keep what an unloaded model had. */
    HEAP_BLOCK_MAX = 4 << 20,
    DAY_S = 86400,
    IDLE_S = 5,                /* without a call until free memory is given back */
    RELOADS_MAX = 16,          /* that wait for their models at once */
    HEAP_SPARE_MAX = 16 << 20, /* free memory at the heap's end that is kept for the next request */
};

#define METRICS_PATH "/monitoring/prometheus/metrics" /* unless the configuration says another */

struct service {
    const struct options *options;
    struct arena arena;
    struct tensorflow_options tensorflow;
    struct platform_config named; /* of --platform_config_file */
    struct platform *platforms;   /* one for each kind of servable, or for those that are named */
    size_t platform_count;
    struct server_core core;
    atomic_bool has_core;            /* for the thread of signals, like the next */
    atomic_bool has_models;          /* core and config_file stay as they are from now on */
    struct config_file *config_file; /* NULL: one model, given by flags */
    struct tls_files *tls;           /* NULL: the ports go without */
    struct access *access;           /* NULL: anybody may ask anything */
    struct token_files *tokens;      /* NULL: no tokens */
    struct worker_pool *workers;
    struct worker_pool *reloads;
    struct api_counters *counters;
    struct api_life life;
    const char *metrics_path; /* NULL: no page */
    struct request_logs *logs;
    struct log_file *access_log;
    struct api api;
    struct net_server *net;
    pthread_mutex_t mutex;
    pthread_cond_t stopped;
    bool stop; /* the first signal has come; guarded by mutex */
};

/* "serve,gpu" are the tags of the MetaGraph. */
static void set_tensorflow(struct service *s)
{
    struct span rest = span_of(s->options->saved_model_tags);
    struct span *tags = ARENA_ARRAY(&s->arena, struct span, rest.len + 1);
    size_t count = 0;
    while (rest.len) {
        tags[count] = span_cut(&rest, ',');
        count += tags[count].len > 0;
    }
    s->tensorflow.session = (struct session_options){
        .tags = tags,
        .tag_count = count,
        .checks_method_names = s->options->enable_signature_method_name_check,
        .prefers_tflite = s->options->prefer_tflite_model,
    };
    s->tensorflow.warmup = (struct warmup_options){
        .enabled = s->options->enable_model_warmup,
        .iterations = s->options->num_request_iterations_for_warmup,
    };
}

/* At most a day of them, in microseconds. */
static int64_t seconds_us(int64_t seconds)
{
    return (seconds < DAY_S ? seconds : DAY_S) * 1000000;
}

static unsigned thread_count(int32_t wanted, unsigned otherwise)
{
    return wanted > 0 ? (unsigned)wanted : otherwise;
}

static enum code make_core(struct service *s, struct error *err)
{
    const struct options *o = s->options;
    static const struct span serve = {"serve", 5};
    size_t tag_count = s->tensorflow.session.tag_count;
    s->logs = request_logs_new((size_t)o->request_log_file_bytes,
                               tag_count ? s->tensorflow.session.tags : &serve,
                               tag_count ? tag_count : 1);
    s->platforms = ARENA_ARRAY(&s->arena, struct platform, servable_kind_count);
    for (size_t i = 0; i < servable_kind_count; i++) {
        const struct servable_kind *kind = servable_kinds[i];
        bool is_tensorflow = kind->loader == &tensorflow_loader;
        if (o->platform_config_file[0] && !platform_config_has(&s->named, kind->loader->platform))
            continue;
        s->platforms[s->platform_count++] = (struct platform){
            .loader = kind->loader,
            .context = is_tensorflow ? &s->tensorflow : kind->context,
        };
    }
    struct server_core_options options = {
        .manager =
            {
                .load_threads = thread_count(o->num_load_threads, cpu_count()),
                .unload_threads = thread_count(o->num_unload_threads, 1),
                .low_priority = true,
                .report_us = seconds_us(o->load_report_seconds),
                .lifecycle =
                    {
                        .policy = transition_find(o->aspired_version_policy),
                        .load_retries = o->max_num_load_retries,
                        .retry_interval_us = o->load_retry_interval_micros,
                        .memory_limit = (size_t)o->model_memory_limit_bytes,
                        .lazy = o->lazy_load,
                    },
            },
        .follower = {request_logs_prepare, request_logs_commit, s->logs},
        .poll_wait_s = o->file_system_poll_wait_seconds,
        .quiet_us = o->version_quiet_ms * 1000,
        .labels_for_unavailable = o->allow_version_labels_for_unavailable_models,
        .platforms = s->platforms,
        .platform_count = s->platform_count,
    };
    enum code code = server_core_init(&s->core, &options, err);
    /* A signal that came before found no core to interrupt. */
    atomic_store(&s->has_core, !code);
    if (!code && atomic_load(&s->life.ending))
        server_core_interrupt(&s->core);
    return code;
}

/* The model of --model_name and --model_base_path. */
static struct model_configs *single_model(const struct options *o)
{
    struct model_configs *configs = model_configs_new();
    configs->models = ARENA_NEW(&configs->arena, struct model_config);
    configs->count = 1;
    configs->models[0] = (struct model_config){
        .name = o->model_name,
        .base_path = o->model_base_path,
        .platform = span_of(tensorflow_loader.platform),
        .policy = {.kind = VERSION_POLICY_LATEST, .latest = 1},
    };
    log_info("Building single TensorFlow model file config:  model_name: %s model_base_path: %s",
             o->model_name, o->model_base_path);
    return configs;
}

static enum code first_configs(struct service *s, struct model_configs **configs, struct error *err)
{
    const struct options *o = s->options;
    if (!o->model_config_file[0]) {
        *configs = single_model(o);
        return CODE_OK;
    }
    s->config_file =
        config_file_new(o->model_config_file, o->model_config_file_poll_wait_seconds, &s->core);
    return config_file_read(s->config_file, configs, err);
}

/* Puts the first configuration into force: the models begin to load. */
static enum code begin_models(struct service *s, struct server_core_news *news, struct error *err)
{
    struct model_configs *configs;
    enum code code = make_core(s, err);
    if (!code)
        code = first_configs(s, &configs, err);
    if (!code && configs)
        code = server_core_reload(&s->core, configs, news, err);
    for (size_t i = 0; !code && i < news->count; i++) {
        struct version_state *versions;
        if (!state_monitor_get(s->core.monitor, news->names[i], &news->arena, &versions))
            log_info("Waiting for a version of servable %.*s", SPAN_ARG(news->names[i]));
    }
    if (!code && s->config_file)
        code = config_file_start(s->config_file, err);
    atomic_store(&s->has_models, !code);
    return code;
}

/* *goes_on false with OK: a signal came first. */
static enum code await_models(struct service *s, const struct server_core_news *news, bool *goes_on,
                              struct error *err)
{
    enum code code = server_core_await(&s->core, news, "servable", err);
    *goes_on = code != CODE_CANCELLED;
    if (code == CODE_CANCELLED)
        return CODE_OK;
    if (code && s->options->start_without_failed_models) {
        log_error("Going on without: %s", err->message);
        return CODE_OK;
    }
    return code;
}

/* ---- the network ---- */

static void make_net(struct service *s)
{
    unsigned cores = cpu_count();
    s->workers = worker_pool_new("worker", cores);
    s->reloads = worker_pool_new("reload", RELOADS_MAX);
    s->counters = aligned_alloc(SHARD_LINE, sizeof *s->counters);
    CHECK(s->counters && "out of memory");
    memset(s->counters, 0, sizeof *s->counters);
    s->api = (struct api){
        .core = &s->core,
        .workers = s->workers,
        .reloads = s->reloads,
        .life = &s->life,
        .watch = health_watch_new(),
        .access = s->access,
        .waiting = waiting_room_new(),
        .profiler = s->options->enable_profiler ? profiler_new() : NULL,
        .metrics_path = s->metrics_path,
        .tells_state = s->options->open_ports_early,
        .tensor_content = s->options->enable_serialization_as_tensor_content,
        .cors = s->options->rest_api_enable_cors_support,
        .rest_timeout_us = (int64_t)s->options->rest_api_timeout_in_ms * 1000,
        .counters = s->counters,
        .logs = s->logs,
        .access_log = s->access_log,
        .watched = s->metrics_path || s->access_log,
    };
    struct net_options net = {
        .loops = cores,
        .rpcs = api_rpcs,
        .rpc_count = api_rpc_count(&s->api),
        .http = api_rest,
        .admit = s->access ? api_admit : NULL,
        .finished = record_finished,
        .watched = &s->api.watched,
        .context = &s->api,
        .reuse_port = s->options->reuse_port,
        .connections_max = (size_t)s->options->max_connections,
        .tls =
            {
                [NET_GRPC] = tls_files_context(s->tls, NET_GRPC),
                [NET_HTTP] = tls_files_context(s->tls, NET_HTTP),
            },
    };
    channel_arguments_apply(s->options->grpc_channel_arguments, &net);
    s->net = net_server_new(&net);
    s->api.net = s->net;
}

static enum code open_ports(struct service *s, struct error *err)
{
    make_net(s);
    if (s->api.profiler)
        log_info("Profiler service is enabled");
    return ports_open(s->net, s->options, err);
}

/* ---- life ---- */

/* On the thread of signals, like the next. */
static void on_end(void *context)
{
    struct service *s = context;
    atomic_store(&s->life.ending, true);
    if (atomic_load(&s->has_core))
        server_core_interrupt(&s->core);
    pthread_mutex_lock(&s->mutex);
    s->stop = true;
    pthread_cond_signal(&s->stopped);
    pthread_mutex_unlock(&s->mutex);
}

static void on_reload(void *context)
{
    struct service *s = context;
    if (!atomic_load(&s->has_models))
        return; /* what is being read is news enough */
    tls_files_reload(s->tls);
    token_files_reload(s->tokens);
    if (s->config_file)
        config_file_reload(s->config_file);
    else
        file_system_source_poll(s->core.source, NULL);
}

static void on_reopen(void *context)
{
    struct service *s = context;
    if (!atomic_load(&s->has_models))
        return;
    request_logs_reopen(s->logs);
    if (s->access_log)
        log_file_reopen(s->access_log);
}

/* Calls answered until now. */
static int64_t calls(const struct service *s)
{
    return shard_sum(&s->counters->on_loop) + shard_sum(&s->counters->on_worker);
}

/* False: the time is over and no signal came. */
static bool await_stop(struct service *s, int seconds)
{
    int64_t until_us = clock_now_us() + seconds_us(seconds);
    bool in_time = true;
    pthread_mutex_lock(&s->mutex);
    while (!s->stop && in_time)
        in_time = thread_wait_until(&s->stopped, &s->mutex, until_us);
    bool stop = s->stop;
    pthread_mutex_unlock(&s->mutex);
    return stop;
}

/* Large requests leave free memory behind that malloc keeps for the next ones. When none came for a
 * while it goes back to the system: only then, for giving it back holds up whoever allocates. */
static void await_signal(struct service *s)
{
    int64_t before = calls(s), trimmed = before;
    while (!await_stop(s, IDLE_S)) {
        int64_t now = calls(s);
        memory_age_spares();
        if (now == before && now != trimmed) {
            malloc_trim(0);
            trimmed = now;
        }
        before = now;
    }
}

/* The ports open when the models are ready, or at once if that is asked for. */
static enum code start(struct service *s, bool *goes_on, struct error *err)
{
    struct server_core_news news = {0};
    bool early = s->options->open_ports_early;
    arena_init(&news.arena, ARENA_FIRST_BLOCK);
    enum code code = begin_models(s, &news, err);
    if (!code && early)
        code = open_ports(s, err);
    if (!code)
        code = await_models(s, &news, goes_on, err);
    atomic_store(&s->life.started, !code);
    if (!code && *goes_on && !early)
        code = open_ports(s, err);
    server_core_news_release(&news);
    return code;
}

/* --monitoring_config_file: whether there is a page of metrics, and where. */
static enum code read_monitoring(struct service *s, struct error *err)
{
    struct pb_monitoring_config config;
    const char *file = s->options->monitoring_config_file;
    if (!file[0])
        return CODE_OK;
    if (!ports_speak_http(s->options)) {
        log_warning(
            "--monitoring_config_file has no effect: the page of metrics needs a REST port");
        return CODE_OK;
    }
    enum code code = config_text_read(file, &pb_monitoring_config_type, &s->arena, &config, err);
    if (code || !config.prometheus_config || !config.prometheus_config->enable)
        return code;
    struct span path = config.prometheus_config->path;
    s->metrics_path = path.len ? arena_strdup(&s->arena, path) : METRICS_PATH;
    if (s->metrics_path[0] != '/')
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "%s: prometheus_config: a path that begins with '/' is expected, not '%s'",
                         file, s->metrics_path);
    return CODE_OK;
}

static enum code make_access(struct service *s, struct error *err)
{
    const struct options *o = s->options;
    const struct access_options options = {
        .admin_apart = ports_administration_is_apart(o),
        .requests_max = o->max_requests_in_flight,
    };
    if (!options.admin_apart && options.requests_max <= 0 && !o->inference_token_file[0] &&
        !o->admin_token_file[0])
        return CODE_OK;
    s->access = access_new(&options);
    return token_files_new(o, s->access, &s->tokens, err);
}

static enum code serve(struct service *s, struct error *err)
{
    const struct signals signals = {on_end, on_reload, on_reopen, s};
    bool goes_on = false;
    const char *platforms = s->options->platform_config_file;
    const char *thread_pools = s->options->thread_pool_factory_config_file;
    enum code code = read_monitoring(s, err);
    if (!code && thread_pools[0])
        code = thread_pool_config_read(thread_pools, err);
    if (!code && platforms[0])
        code = platform_config_read(platforms, &s->arena, &s->tensorflow, &s->named, err);
    else if (!code)
        code = batching_begin_by_flags(s->options, &s->arena, &s->tensorflow.batching, err);
    if (!code)
        code = tls_files_new(s->options, &s->tls, err);
    if (!code)
        code = make_access(s, err);
    if (!code)
        code = signals_start(&signals, err);
    if (!code && s->options->access_log[0])
        code = log_file_open(s->options->access_log, &s->access_log, err);
    if (!code)
        code = tls_files_start(s->tls, err);
    if (!code)
        code = token_files_start(s->tokens, err);
    if (!code)
        code = start(s, &goes_on, err);
    if (!code && goes_on)
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
    atomic_store(&s->has_models, false);
    config_file_free(s->config_file);
    if (s->net)
        net_server_drain(s->net);
    batching_hurry(&s->tensorflow.batching);
    if (s->has_core)
        server_core_stop(&s->core);
    if (s->net)
        net_server_join(s->net, INT64_MAX);
    health_watch_free(s->api.watch);
    waiting_room_free(s->api.waiting);
    profiler_free(s->api.profiler);
    worker_pool_free(s->workers);
    worker_pool_free(s->reloads);
    net_server_free(s->net);
    request_logs_free(s->logs);
    log_file_close(s->access_log);
    tls_files_free(s->tls);
    token_files_free(s->tokens);
    access_free(s->access);
    if (!failed && s->has_core && manager_is_loading(s->core.manager))
        leave_the_load();
    if (s->has_core)
        server_core_release(&s->core);
    batching_end(&s->tensorflow.batching);
    free(s->counters);
    arena_release(&s->arena);
}

enum code service_run(const struct options *options, struct error *err)
{
    enum code code = options_check(options, err);
    for (int i = 0; !code && i < options->op_library.count; i++)
        code = op_library_load(options->op_library.items[i], err);
    for (int i = 0; !code && i < options->platform_library.count; i++)
        code = plugin_load(options->platform_library.items[i], err);
    if (code)
        return code;
    if (options->request_memory_limit_bytes > 0)
        memory_set_request_limit((size_t)options->request_memory_limit_bytes);
    clock_calibrate();
    fence_init(); /* with one thread: with more the system takes 20 ms for it */
    mallopt(M_MMAP_THRESHOLD, HEAP_BLOCK_MAX);
    mallopt(M_TRIM_THRESHOLD, HEAP_SPARE_MAX);
    /* The process's own: threads of a load that is not waited for still see it when this returns.
     */
    static struct service service;
    service.options = options;
    arena_init(&service.arena, ARENA_FIRST_BLOCK);
    pthread_mutex_init(&service.mutex, NULL);
    thread_condition_init(&service.stopped);
    set_tensorflow(&service);
    code = serve(&service, err);
    tear_down(&service, code != CODE_OK);
    return code;
}
