/* SPDX-License-Identifier: Apache-2.0 */
#include "servables/tensorflow/warmup.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/progress.h"
#include "engine/run.h"
#include "monitoring/metrics.h"
#include "savedmodel/mapped_file.h"
#include "servables/tensorflow/classify.h"
#include "servables/tensorflow/examples.h"
#include "servables/tensorflow/multi_inference.h"
#include "servables/tensorflow/predict.h"
#include "servables/tensorflow/prediction_log.h"
#include "servables/tensorflow/regress.h"
#include "wire/tfrecord.h"

enum { RECORDS_MAX = 1000 };

static struct metric_family latency = {
    .name = "/tensorflow/serving/model_warmup_latency",
    .kind = METRIC_HISTOGRAM,
    .labels = {"model_path", "status"},
    .buckets = METRIC_LATENCY_BUCKETS,
};

static struct metric_family records = {
    .name = "/tensorflow/serving/model_warmup_records_read",
    .kind = METRIC_COUNTER,
    .labels = {"model_path", "status"},
};

struct warmup {
    struct session *session;
    const char *path;
    const struct warmup_options *options;
    struct arena arena; /* of one request */
};

typedef enum code warm_fn(struct warmup *w, struct span record, struct run *run, struct error *err);

/* ---- records ---- */

static enum code warm_predict(struct warmup *w, const struct pb_prediction_log *log,
                              struct run *run, struct error *err)
{
    struct pb_predict_response response = {0};
    const struct pb_predict_request *request = log->predict_log->request;
    if (!request)
        return error_set(err, CODE_INVALID_ARGUMENT, "Missing request");
    return predict(w->session, request, false, run, &response, err);
}

/* A log without a request has an empty one. */
static struct span bytes_of(struct warmup *w, const struct pb_message *type, const void *request)
{
    return request ? pb_encode(type, request, &w->arena) : (struct span){0};
}

/* The same bytes, read with each example left as it came. */
static enum code warm_examples(struct warmup *w, const struct inference_kind *kind,
                               struct span bytes, struct run *run, struct error *err)
{
    struct pb_serialized_request request;
    struct inference_head head;
    struct pb_inference_result result = {0};
    struct tensor examples;
    enum code code = pb_decode(&pb_serialized_request_type, bytes, &w->arena, &request, err);
    struct span name =
        !code && request.model_spec ? request.model_spec->signature_name : (struct span){0};
    if (!code)
        code = inference_find(w->session, name, kind, &w->arena, &head, err);
    if (!code)
        code = examples_to_tensor(request.input, &w->arena, &examples, err);
    if (!code)
        code = inference_run(&head, &examples, run, &result, err);
    return code;
}

static enum code warm_classify(struct warmup *w, const struct pb_prediction_log *log,
                               struct run *run, struct error *err)
{
    return warm_examples(
        w, &classify_kind,
        pb_encode(&pb_classification_request_type, log->classify_log->request, &w->arena), run,
        err);
}

static enum code warm_regress(struct warmup *w, const struct pb_prediction_log *log,
                              struct run *run, struct error *err)
{
    return warm_examples(w, &regress_kind,
                         bytes_of(w, &pb_regression_request_type, log->regress_log->request), run,
                         err);
}

static enum code warm_multi(struct warmup *w, const struct pb_prediction_log *log, struct run *run,
                            struct error *err)
{
    struct pb_serialized_multi_request request;
    struct pb_multi_inference_response response = {0};
    struct span bytes =
        pb_encode(&pb_multi_inference_request_type, log->multi_inference_log->request, &w->arena);
    enum code code = pb_decode(&pb_serialized_multi_request_type, bytes, &w->arena, &request, err);
    return code ? code : multi_inference(w->session, &request, run, &response, err);
}

static const struct {
    uint32_t log_type;
    enum code (*warm)(struct warmup *w, const struct pb_prediction_log *log, struct run *run,
                      struct error *err);
} kinds[] = {
    {PREDICTION_LOG_CLASSIFY, warm_classify},
    {PREDICTION_LOG_REGRESS, warm_regress},
    {PREDICTION_LOG_MULTI_INFERENCE, warm_multi},
    {PREDICTION_LOG_PREDICT, warm_predict},
};

static enum code warm_log(struct warmup *w, const struct pb_prediction_log *log, struct run *run,
                          struct error *err)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].log_type == log->log_type_case)
            return kinds[i].warm(w, log, run, err);
    }
    return error_set(err, CODE_UNIMPLEMENTED, "Unsupported log_type for warmup: %u",
                     log->log_type_case);
}

static enum code warm_record(struct warmup *w, struct span record, struct run *run,
                             struct error *err)
{
    struct pb_prediction_log log;
    struct error why;
    if (pb_decode(&pb_prediction_log_type, record, &w->arena, &log, &why))
        return error_set(err, CODE_INVALID_ARGUMENT, "Failed to parse warmup record: %s from %s",
                         why.message, w->path);
    return warm_log(w, &log, run, err);
}

/* ---- lines of JSON ---- */

static enum code find_signature(struct warmup *w, const struct json_value *root,
                                struct session_signature **signature, struct error *err)
{
    const struct json_value *name =
        root->type == JSON_OBJECT ? json_member(root, SPAN_LITERAL("signature_name")) : NULL;
    if (root->type != JSON_OBJECT || (name && name->type != JSON_STRING))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "an object is expected, with a string as signature_name if any");
    return predict_signature(w->session, name ? json_string(name) : (struct span){0}, signature,
                             err);
}

static enum code warm_line(struct warmup *w, struct span line, struct run *run, struct error *err)
{
    struct json_document document;
    struct session_signature *signature;
    struct tensor_json_found found;
    struct named_tensor *outputs;
    size_t output_count;
    enum code code = json_parse(line, &w->arena, &document, err);
    if (!code)
        code = find_signature(w, document.values, &signature, err);
    if (!code)
        code = predict_decode_json(signature, document.values, &w->arena, &found, err);
    if (!code)
        code = predict_run(signature, found.tensors, found.count, NULL, run, &outputs,
                           &output_count, err);
    return code;
}

/* ---- one request after the other ---- */

static void count(const struct warmup *w, enum code code, int64_t took_us)
{
    const struct span values[] = {span_of(w->path), span_of(code_name(code))};
    metric_observe(metric_at(&latency, values), (double)took_us);
    metric_add(metric_at(&records, values), 1);
}

static enum code warm(struct warmup *w, warm_fn *fn, struct span request, struct error *err)
{
    enum code code = CODE_OK;
    int32_t times = w->options->iterations > 0 ? w->options->iterations : 1;
    int64_t start_us = clock_now_us();
    for (int32_t i = 0; !code && i < times; i++) {
        struct run run = {.arena = &w->arena, .deadline_us = INT64_MAX};
        code = fn(w, request, &run, err);
        arena_reset(&w->arena);
    }
    count(w, code, clock_now_us() - start_us);
    return code;
}

/* A way to take a file apart. */
typedef enum code next_fn(struct span *rest, struct span *request, bool *done, struct error *err);

static enum code next_line(struct span *rest, struct span *request, bool *done, struct error *err)
{
    (void)err;
    do {
        *done = !rest->len;
        *request = span_cut(rest, '\n');
    } while (!*done && !request->len);
    return CODE_OK;
}

static enum code next_record(struct span *rest, struct span *request, bool *done, struct error *err)
{
    enum code code = tfrecord_next(rest, request, done, err);
    if (code)
        error_append(err, ". Please verify your warmup data is in TFRecord format.");
    return code;
}

static enum code warm_all(struct warmup *w, next_fn *next, warm_fn *fn, struct span bytes,
                          struct error *err)
{
    struct span request;
    int64_t start_us = clock_now_us();
    for (int done_count = 0;; done_count++) {
        bool done;
        enum code code = next(&bytes, &request, &done, err);
        if (!code && done) {
            log_info("Finished reading warmup data for model at %s. Number of warmup records read: "
                     "%d. Elapsed time (microseconds): %lld.",
                     w->path, done_count, (long long)(clock_now_us() - start_us));
            return CODE_OK;
        }
        if (!code && done_count == RECORDS_MAX)
            code = error_set(err, CODE_INVALID_ARGUMENT,
                             "Number of warmup records exceeds the maximum (%d) at %s", RECORDS_MAX,
                             w->path);
        if (!code)
            code = warm(w, fn, request, err);
        if (code)
            return code;
    }
}

static const struct {
    const char *name;
    next_fn *next;
    warm_fn *fn;
} files[] = {
    {"assets.extra/tf_serving_warmup_requests", next_record, warm_record},
    {"assets.extra/warmup_requests.jsonl", next_line, warm_line},
};

static enum code warm_file(struct warmup *w, size_t i, struct error *err)
{
    struct buffer *file;
    enum code code = mapped_file_open(w->path, &file, err);
    if (code)
        return code == CODE_NOT_FOUND ? CODE_OK : code;
    code = warm_all(w, files[i].next, files[i].fn, mapped_file_bytes(file), err);
    if (code)
        error_prefix(err, "Warm-up with %s: ", w->path);
    buffer_unref(file);
    return code;
}

enum code warmup_run(struct session *session, const char *dir, const struct warmup_options *options,
                     struct error *err)
{
    enum code code = CODE_OK;
    struct arena paths;
    struct warmup w = {.session = session, .options = options};
    arena_init(&paths, ARENA_FIRST_BLOCK);
    arena_init(&w.arena, ARENA_FIRST_BLOCK);
    metric_register(&latency);
    metric_register(&records);
    progress_enter(PROGRESS_WARM_UP);
    for (size_t i = 0; options->enabled && !code && i < sizeof files / sizeof *files; i++) {
        w.path = arena_printf(&paths, "%s/%s", dir, files[i].name);
        code = warm_file(&w, i, err);
    }
    arena_release(&w.arena);
    arena_release(&paths);
    return code;
}
