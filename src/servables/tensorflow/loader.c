/* SPDX-License-Identifier: Apache-2.0 */
#include "servables/tensorflow/loader.h"

#include "base/clock.h"
#include "base/memory.h"
#include "monitoring/metrics.h"
#include "savedmodel/files.h"
#include "savedmodel/tflite/tflite.h"
#include "servables/tensorflow/session.h"
#include "wire/config_text.h"
#include "wire/messages.h"

static struct metric_family attempts = {
    .name = "/tensorflow/cc/saved_model/load_attempt_count",
    .kind = METRIC_COUNTER,
    .labels = {"model_path", "status"},
};

/* Microseconds, of the loads that succeeded. */
static struct metric_family latency = {
    .name = "/tensorflow/cc/saved_model/load_latency",
    .kind = METRIC_COUNTER,
    .labels = {"model_path"},
};

static struct metric_family stages = {
    .name = "/tensorflow/cc/saved_model/load_latency_by_stage",
    .kind = METRIC_HISTOGRAM,
    .labels = {"model_path", "stage"},
    .buckets = METRIC_LATENCY_BUCKETS,
};

/* One that there was nothing to do in counts, too, as in the original. */
static void count_stage(const char *path, const char *stage, int64_t took_us)
{
    const struct span values[] = {span_of(path), span_of(stage)};
    metric_observe(metric_at(&stages, values), (double)took_us);
}

static void count_load(const char *path, enum code code, int64_t took_us)
{
    const struct span values[] = {span_of(path), span_of(code ? "fail" : "success")};
    metric_add(metric_at(&attempts, values), 1);
    if (!code)
        metric_add(metric_at(&latency, values), took_us);
}

/* A version's own parameters. *found: there are any. */
static enum code read_own(const char *path, struct arena *arena, struct batching_parameters *own,
                          bool *found, struct error *err)
{
    struct pb_batching_parameters message;
    const char *file = arena_printf(arena, "%s/batching_params.pbtxt", path);
    enum code code = config_text_read(file, &pb_batching_parameters_type, arena, &message, err);
    *found = code != CODE_NOT_FOUND;
    if (code)
        return *found ? code : CODE_OK;
    code = batching_parameters_read(&message, own, err);
    return code ? error_prefix(err, "%s: ", file) : CODE_OK;
}

static enum code set_batching(struct session *session, const char *path,
                              const struct batching_options *options, struct error *err)
{
    struct arena arena;
    struct batching_parameters parameters = options->parameters;
    bool found = true;
    enum code code = CODE_OK;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    if (options->per_model)
        code = read_own(path, &arena, &parameters, &found, err);
    if (!code && found)
        session_set_batching(session, batching_session_new(options->scheduler, &parameters));
    arena_release(&arena);
    return code;
}

static void unload(void *object)
{
    struct session *session = object;
    batching_session_free(session_batching(session));
    session_free(session);
    memory_drop_spares();
}

static enum code load(const char *path, void *context, void **object, struct error *err)
{
    const struct tensorflow_options *options = context;
    struct session *session;
    int64_t start_us = clock_now_us();
    enum code code = session_load(path, &options->session, &session, err);
    count_load(path, code, clock_now_us() - start_us);
    if (code)
        return code;
    struct session_setup setup = session_setup(session);
    count_stage(path, "restore_graph", setup.restore_us);
    count_stage(path, "init_graph", setup.init_us);
    if (options->batching.scheduler)
        code = set_batching(session, path, &options->batching, err);
    if (!code)
        code = warmup_run(session, path, &options->warmup, err);
    if (code)
        unload(session);
    else
        *object = session;
    return code;
}

static enum code check(const char *path, void *context, struct error *err)
{
    const struct tensorflow_options *options = context;
    return options->session.prefers_tflite && tflite_is_in(path)
               ? tflite_check_file(path, err)
               : savedmodel_check_files(path, err);
}

/* As the original reckons (reference 4.7): graph, weights and what is made of them. */
static enum code estimate(const char *path, void *context, size_t *bytes, struct error *err)
{
    (void)context;
    enum code code = savedmodel_file_bytes(path, bytes, err);
    *bytes += *bytes / 5;
    return code;
}

const struct loader tensorflow_loader = {
    .platform = "tensorflow",
    .load = load,
    .unload = unload,
    .check = check,
    .estimate = estimate,
};
