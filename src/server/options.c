/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The original's flags are all here, so that its command lines work: what this server does
 * (SERVED), what makes no difference to it (IDLE: accepted, and said so when it is given), and what
 * it does not do yet (LATER: refused when it asks for something, since silence would be wrong).
 */
#include "server/options.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/span.h"
#include "core/transition_policy.h"

#define TENSORD_VERSION "0.1.0"

enum flag_type {
    FLAG_BOOL,
    FLAG_INT32,
    FLAG_INT64,
    FLAG_DOUBLE,
    FLAG_TEXT,
    FLAG_TEXTS, /* each time it is given one more */
};

enum flag_effect {
    FLAG_SERVED,
    FLAG_IDLE,
    FLAG_LATER,
};

struct flag {
    const char *name;
    enum flag_type type;
    size_t member; /* offset in struct options */
    const char *initial;
    enum flag_effect effect;
    const char *help;
};

#define MEMBER(name) offsetof(struct options, name)

static const struct flag flags[] = {
    {"port", FLAG_INT32, MEMBER(port), "8500", FLAG_SERVED,
     "TCP port of gRPC on all IPv4 addresses; 0: none"},
    {"grpc_socket_path", FLAG_TEXT, MEMBER(grpc_socket_path), "", FLAG_SERVED,
     "Unix socket of gRPC, beside or instead of the port"},
    {"rest_api_port", FLAG_INT32, MEMBER(rest_api_port), "0", FLAG_SERVED,
     "TCP port of the REST API; 0: none"},
    {"rest_api_num_threads", FLAG_INT64, MEMBER(idle_int64), "0", FLAG_IDLE,
     "threads of the REST API: loops are as many as cores here"},
    {"rest_api_timeout_in_ms", FLAG_INT32, MEMBER(rest_api_timeout_in_ms), "30000", FLAG_SERVED,
     "time limit of a model's run over REST; 0: none"},
    {"rest_api_enable_cors_support", FLAG_BOOL, MEMBER(rest_api_enable_cors_support), "false",
     FLAG_SERVED, "let scripts of other origins use the REST API"},
    {"enable_batching", FLAG_BOOL, MEMBER(enable_batching), "false", FLAG_LATER,
     "batch requests of many clients"},
    {"batching_parameters_file", FLAG_TEXT, MEMBER(batching_parameters_file), "", FLAG_LATER,
     "BatchingParameters, text format"},
    {"enable_per_model_batching_parameters", FLAG_BOOL,
     MEMBER(enable_per_model_batching_parameters), "false", FLAG_LATER,
     "batching_params.pbtxt of each version"},
    {"allow_version_labels_for_unavailable_models", FLAG_BOOL,
     MEMBER(allow_version_labels_for_unavailable_models), "false", FLAG_SERVED,
     "a new label may stand for a version that is not available yet"},
    {"model_config_file", FLAG_TEXT, MEMBER(model_config_file), "", FLAG_SERVED,
     "ModelServerConfig, text format: many models; instead of model_name and model_base_path"},
    {"model_config_file_poll_wait_seconds", FLAG_INT32, MEMBER(model_config_file_poll_wait_seconds),
     "0", FLAG_SERVED,
     "how often to look whether the config file has changed; 0: never (SIGHUP has it read again)"},
    {"model_name", FLAG_TEXT, MEMBER(model_name), "default", FLAG_SERVED,
     "the name under which the model is served"},
    {"model_base_path", FLAG_TEXT, MEMBER(model_base_path), "", FLAG_SERVED,
     "the folder that has the version folders"},
    {"num_load_threads", FLAG_INT32, MEMBER(num_load_threads), "0", FLAG_SERVED,
     "threads that load versions; 0: as many as cores"},
    {"num_unload_threads", FLAG_INT32, MEMBER(num_unload_threads), "0", FLAG_SERVED,
     "threads that unload versions; 0: one"},
    {"max_num_load_retries", FLAG_INT32, MEMBER(max_num_load_retries), "5", FLAG_SERVED,
     "tries after a load that failed"},
    {"load_retry_interval_micros", FLAG_INT64, MEMBER(load_retry_interval_micros), "1000000",
     FLAG_SERVED, "time between these tries; negative: none"},
    {"file_system_poll_wait_seconds", FLAG_INT64, MEMBER(file_system_poll_wait_seconds), "1",
     FLAG_SERVED, "how often to look for versions; 0: once, negative: never"},
    {"version_quiet_ms", FLAG_INT64, MEMBER(version_quiet_ms), "500", FLAG_SERVED,
     "a version is taken when nothing was written to its folder for so long; 0: no matter"},
    {"aspired_version_policy", FLAG_TEXT, MEMBER(aspired_version_policy), "availability_preserving",
     FLAG_SERVED, "a new version comes before the old one goes, or (resource_preserving) after it"},
    {"model_memory_limit_bytes", FLAG_INT64, MEMBER(model_memory_limit_bytes), "0", FLAG_SERVED,
     "what all loaded versions may take together, by their files' sizes; 0: no limit"},
    {"open_ports_early", FLAG_BOOL, MEMBER(open_ports_early), "false", FLAG_SERVED,
     "open the ports at once, not when the first models are ready"},
    {"start_without_failed_models", FLAG_BOOL, MEMBER(start_without_failed_models), "false",
     FLAG_SERVED, "models that can not be loaded do not end the start"},
    {"flush_filesystem_caches", FLAG_BOOL, MEMBER(idle_bool), "true", FLAG_IDLE,
     "files are mapped here, there is no cache to flush"},
    {"tensorflow_session_parallelism", FLAG_INT64, MEMBER(tensorflow_session_parallelism), "0",
     FLAG_IDLE, "threads inside a run"},
    {"tensorflow_intra_op_parallelism", FLAG_INT64, MEMBER(tensorflow_intra_op_parallelism), "0",
     FLAG_IDLE, "threads inside an op"},
    {"tensorflow_inter_op_parallelism", FLAG_INT64, MEMBER(tensorflow_inter_op_parallelism), "0",
     FLAG_IDLE, "threads for ops beside each other"},
    {"tensorflow_session_config_file", FLAG_TEXT, MEMBER(idle_text), "", FLAG_IDLE,
     "ConfigProto, text format"},
    {"platform_config_file", FLAG_TEXT, MEMBER(platform_config_file), "", FLAG_LATER,
     "PlatformConfigMap, text format"},
    {"per_process_gpu_memory_fraction", FLAG_DOUBLE, MEMBER(idle_double), "0", FLAG_IDLE,
     "share of the GPU's memory"},
    {"saved_model_tags", FLAG_TEXT, MEMBER(saved_model_tags), "serve", FLAG_SERVED,
     "tags of the MetaGraph to load, comma separated; they must match exactly"},
    {"op_library", FLAG_TEXTS, MEMBER(op_library), "", FLAG_SERVED,
     "shared library with custom ops (tensord/op.h); may be given more than once"},
    {"request_memory_limit_bytes", FLAG_INT64, MEMBER(request_memory_limit_bytes), "0", FLAG_SERVED,
     "what a run of a model may hold at a time; 0: half of the machine's memory"},
    {"grpc_channel_arguments", FLAG_TEXT, MEMBER(idle_text), "", FLAG_IDLE,
     "arguments of the gRPC library"},
    {"grpc_max_threads", FLAG_INT32, MEMBER(idle_int32), "0", FLAG_IDLE,
     "threads of the gRPC library"},
    {"enable_model_warmup", FLAG_BOOL, MEMBER(enable_model_warmup), "true", FLAG_SERVED,
     "run the requests in a version's assets.extra before it is available"},
    {"num_request_iterations_for_warmup", FLAG_INT32, MEMBER(num_request_iterations_for_warmup),
     "0", FLAG_SERVED, "how often each of these is run; 0: once"},
    {"use_alts_credentials", FLAG_BOOL, MEMBER(use_alts_credentials), "false", FLAG_LATER, "ALTS"},
    {"ssl_config_file", FLAG_TEXT, MEMBER(ssl_config_file), "", FLAG_SERVED,
     "SSLConfig, text format, with the PEM texts inside: TLS for gRPC"},
    {"tls_cert_file", FLAG_TEXT, MEMBER(tls_cert_file), "", FLAG_SERVED,
     "PEM file with the server's certificate and those above it: TLS for gRPC and REST"},
    {"tls_key_file", FLAG_TEXT, MEMBER(tls_key_file), "", FLAG_SERVED,
     "PEM file with its private key"},
    {"tls_client_ca_file", FLAG_TEXT, MEMBER(tls_client_ca_file), "", FLAG_SERVED,
     "PEM file with roots: clients must have a certificate from one of these"},
    {"monitoring_config_file", FLAG_TEXT, MEMBER(monitoring_config_file), "", FLAG_SERVED,
     "MonitoringConfig, text format: a page of metrics for Prometheus on the REST port"},
    {"remove_unused_fields_from_bundle_metagraph", FLAG_BOOL, MEMBER(idle_bool), "true", FLAG_IDLE,
     "nothing unused is kept here"},
    {"prefer_tflite_model", FLAG_BOOL, MEMBER(prefer_tflite_model), "false", FLAG_LATER,
     "load model.tflite where there is one"},
    {"num_tflite_pools", FLAG_INT32, MEMBER(idle_int32), "0", FLAG_IDLE,
     "interpreters of TFLite models"},
    {"num_tflite_interpreters_per_pool", FLAG_INT32, MEMBER(idle_int32), "1", FLAG_IDLE,
     "interpreters of TFLite models"},
    {"enable_signature_method_name_check", FLAG_BOOL, MEMBER(enable_signature_method_name_check),
     "false", FLAG_SERVED, "refuse signatures that were exported for another method"},
    {"xla_cpu_compilation_enabled", FLAG_BOOL, MEMBER(idle_bool), "false", FLAG_IDLE, "XLA"},
    {"xla_gpu_compilation_enabled", FLAG_BOOL, MEMBER(idle_bool), "false", FLAG_IDLE, "XLA"},
    {"enable_profiler", FLAG_BOOL, MEMBER(idle_bool), "true", FLAG_IDLE,
     "TensorFlow's profiler service"},
    {"thread_pool_factory_config_file", FLAG_TEXT, MEMBER(thread_pool_factory_config_file), "",
     FLAG_LATER, "ThreadPoolFactoryConfig, text format"},
    {"mixed_precision", FLAG_TEXT, MEMBER(mixed_precision), "", FLAG_LATER, "run in bfloat16"},
    {"skip_initialize_tpu", FLAG_BOOL, MEMBER(idle_bool), "false", FLAG_IDLE, "TPU"},
    {"enable_grpc_healthcheck_service", FLAG_BOOL, MEMBER(idle_bool), "false", FLAG_IDLE,
     "grpc.health.v1.Health is always there"},
    {"enable_serialization_as_tensor_content", FLAG_BOOL,
     MEMBER(enable_serialization_as_tensor_content), "false", FLAG_SERVED,
     "answer with tensor_content over gRPC"},
    {"verbose", FLAG_BOOL, MEMBER(verbose), "false", FLAG_SERVED, "log details"},
    {"version", FLAG_BOOL, MEMBER(version), "false", FLAG_SERVED, "print the version and end"},
    {"help", FLAG_BOOL, MEMBER(help), "false", FLAG_SERVED, "print this and end"},
};
enum { FLAG_COUNT = sizeof flags / sizeof *flags };
_Static_assert(FLAG_COUNT <= 64, "options.given has a bit for each flag");

/* ---- values ---- */

typedef bool read_fn(const char *text, void *value);

static bool read_bool(const char *text, void *value)
{
    *(bool *)value = !strcmp(text, "true");
    return !strcmp(text, "true") || !strcmp(text, "false");
}

static bool read_int64(const char *text, void *value)
{
    return span_to_int64(span_of(text), value);
}

static bool read_int32(const char *text, void *value)
{
    int64_t wide;
    if (!read_int64(text, &wide) || wide < INT32_MIN || wide > INT32_MAX)
        return false;
    *(int32_t *)value = (int32_t)wide;
    return true;
}

static bool read_double(const char *text, void *value)
{
    char *end;
    *(double *)value = strtod(text, &end);
    return *text && !*end;
}

static bool read_text(const char *text, void *value)
{
    *(const char **)value = text;
    return true;
}

static bool read_texts(const char *text, void *value)
{
    struct options_texts *texts = value;
    if (*text && texts->count == OPTIONS_TEXTS_MAX)
        return false;
    if (*text)
        texts->items[texts->count++] = text;
    return true;
}

static const struct {
    read_fn *read;
    const char *expected;
} types[] = {
    [FLAG_BOOL] = {read_bool, "true or false"},
    [FLAG_INT32] = {read_int32, "a 32 bit integer"},
    [FLAG_INT64] = {read_int64, "a 64 bit integer"},
    [FLAG_DOUBLE] = {read_double, "a number"},
    [FLAG_TEXT] = {read_text, "a text"},
    [FLAG_TEXTS] = {read_texts, "a text, at most 32 times,"},
};

static bool set_flag(struct options *options, const struct flag *flag, const char *text)
{
    return types[flag->type].read(text, (char *)options + flag->member);
}

/* ---- arguments ---- */

static const struct flag *find_flag(struct span name)
{
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        if (span_is(name, flags[i].name))
            return &flags[i];
    }
    return NULL;
}

/* "--name=value" or "--name": the flag, and its value or NULL. */
static const struct flag *split(const char *argument, const char **value)
{
    struct span text = span_of(argument);
    if (!span_starts_with(text, SPAN_LITERAL("--")))
        return NULL;
    text = span_sub(text, 2, text.len);
    size_t equals = span_find(text, '=');
    *value = equals < text.len ? text.ptr + equals + 1 : NULL;
    return find_flag(span_sub(text, 0, equals));
}

/* The value of a flag that was given by its name alone: the next argument, or true for a bool. */
static const char *separate_value(const struct flag *flag, int argc, char **argv, int *i)
{
    if (flag->type == FLAG_BOOL)
        return "true";
    return *i + 1 < argc ? argv[++*i] : NULL;
}

static bool take_argument(struct options *options, int argc, char **argv, int *i, FILE *out)
{
    const char *value = NULL;
    const char *argument = argv[*i];
    const struct flag *flag = split(argument, &value);
    if (!flag) {
        fprintf(out, "unknown argument: %s\n", argument);
        options->unknown++;
        return true;
    }
    if (!value)
        value = separate_value(flag, argc, argv, i);
    if (!value || !set_flag(options, flag, value)) {
        fprintf(out, "--%s: %s is expected, not '%s'\n", flag->name, types[flag->type].expected,
                value ? value : "");
        return false;
    }
    options->given |= UINT64_C(1) << (flag - flags);
    return true;
}

static void set_defaults(struct options *options)
{
    *options = (struct options){0};
    for (size_t i = 0; i < FLAG_COUNT; i++)
        CHECK(set_flag(options, &flags[i], flags[i].initial));
}

enum options_outcome options_parse(struct options *options, int argc, char **argv, FILE *out)
{
    bool ok = true;
    set_defaults(options);
    for (int i = 1; i < argc && ok; i++)
        ok = take_argument(options, argc, argv, &i, out);
    if (!ok || options->help || options->unknown)
        options_print_help(out);
    if (!ok)
        return OPTIONS_WRONG;
    if (options->version)
        fprintf(out, "TensorFlow ModelServer: " TENSORD_VERSION " (tensord)\n"
                     "TensorFlow Library: none (tensord loads SavedModels by itself)\n");
    return options->help || options->version ? OPTIONS_DONE : OPTIONS_GO_ON;
}

static void print_flags(FILE *out, enum flag_effect effect, const char *title)
{
    fprintf(out, "\n%s\n", title);
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        if (flags[i].effect == effect)
            fprintf(out, "  --%-42s %s\n  %44s (%s)\n", flags[i].name, flags[i].help, "",
                    flags[i].initial[0] ? flags[i].initial : "empty");
    }
}

void options_print_help(FILE *out)
{
    fprintf(out,
            "usage: tensord --model_base_path=DIR [--model_name=NAME] [--port=8500] "
            "[--rest_api_port=8501]\n\n"
            "Serves the SavedModel in DIR/<number>/ over the TensorFlow Serving API (gRPC and "
            "REST). The highest\nnumber is served; a new one that appears is taken. Many models: "
            "--model_config_file=FILE.\n");
    print_flags(out, FLAG_SERVED, "Flags (default in parentheses):");
    print_flags(out, FLAG_IDLE, "Accepted without an effect:");
    print_flags(out, FLAG_LATER, "Not served yet, refused:");
}

/* ---- what goes together ---- */

static enum code check_together(const struct options *o, struct error *err)
{
    const char *wrong = NULL;
    if (!o->port && !o->grpc_socket_path[0])
        wrong = "At least one of server_options.grpc_port or server_options.grpc_socket_path must "
                "be set.";
    else if (o->use_alts_credentials && o->ssl_config_file[0])
        wrong = "Either use_alts_credentials must be false or ssl_config_file must be empty.";
    else if (!o->model_base_path[0] && !o->model_config_file[0])
        wrong = "Both server_options.model_base_path and server_options.model_config_file are "
                "empty!";
    else if (o->batching_parameters_file[0] && !o->enable_batching)
        wrong = "server_options.batching_parameters_file is set without setting "
                "server_options.enable_batching to true.";
    else if (o->tensorflow_session_parallelism > 0 && o->tensorflow_intra_op_parallelism > 0 &&
             o->tensorflow_inter_op_parallelism > 0)
        wrong = "Either configure server_options.tensorflow_session_parallelism or "
                "(server_options.tensorflow_intra_op_parallelism, "
                "server_options.tensorflow_inter_op_parallelism) separately. You cannot configure "
                "all.";
    if (!wrong && !transition_find(o->aspired_version_policy))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "--aspired_version_policy=%s: availability_preserving or "
                         "resource_preserving is expected",
                         o->aspired_version_policy);
    return wrong ? error_set(err, CODE_INVALID_ARGUMENT, "%s", wrong) : CODE_OK;
}

/* Does the flag ask for anything? Texts and bools that are refused are empty or false to begin
 * with. */
static bool asks(const struct options *options, const struct flag *flag)
{
    const char *member = (const char *)options + flag->member;
    if (flag->type == FLAG_BOOL)
        return *(const bool *)member;
    return flag->type != FLAG_TEXT || (*(const char *const *)member)[0];
}

/* It would be waited for until the end of time. */
static enum code check_base_path(const struct options *o, struct error *err)
{
    if (!strstr(o->model_base_path, "://"))
        return CODE_OK;
    return error_set(err, CODE_UNIMPLEMENTED,
                     "--model_base_path=%s: only folders of this machine can be served, not URIs",
                     o->model_base_path);
}

enum code options_check(const struct options *options, struct error *err)
{
    enum code code = check_together(options, err);
    if (!code)
        code = check_base_path(options, err);
    for (size_t i = 0; i < FLAG_COUNT && !code; i++) {
        if (!(options->given >> i & 1))
            continue;
        if (flags[i].effect == FLAG_LATER && asks(options, &flags[i]))
            code = error_set(err, CODE_UNIMPLEMENTED,
                             "--%s is not implemented by this server yet (%s)", flags[i].name,
                             flags[i].help);
        else if (flags[i].effect == FLAG_IDLE)
            log_info("--%s is accepted, but has no effect here (%s)", flags[i].name, flags[i].help);
    }
    return code;
}
