/* SPDX-License-Identifier: Apache-2.0 */
#include "server/flags.h"

#include <stdlib.h>
#include <string.h>

#define MEMBER(name) offsetof(struct options, name)

const struct flag flags[] = {
    /* What is served */
    {"model_name", FLAG_TEXT, MEMBER(model_name), "default", FLAG_SERVED,
     "the name under which the model is served"},
    {"model_base_path", FLAG_TEXT, MEMBER(model_base_path), "", FLAG_SERVED,
     "the folder that has the version folders"},
    {"model_config_file", FLAG_TEXT, MEMBER(model_config_file), "", FLAG_SERVED,
     "ModelServerConfig, text format: many models; instead of model_name and model_base_path"},
    {"model_config_file_poll_wait_seconds", FLAG_INT32, MEMBER(model_config_file_poll_wait_seconds),
     "0", FLAG_SERVED,
     "how often to look whether the config file has changed; 0: never (SIGHUP has it read again)"},
    {"allow_version_labels_for_unavailable_models", FLAG_BOOL,
     MEMBER(allow_version_labels_for_unavailable_models), "false", FLAG_SERVED,
     "a new label may stand for a version that is not available yet"},
    {"saved_model_tags", FLAG_TEXT, MEMBER(saved_model_tags), "serve", FLAG_SERVED,
     "tags of the MetaGraph to load, comma separated; they must match exactly"},
    {"platform_config_file", FLAG_TEXT, MEMBER(platform_config_file), "", FLAG_SERVED,
     "PlatformConfigMap, text format: the platforms that there are, and tags and warm-up of "
     "SavedModels"},
    {"platform_library", FLAG_TEXTS, MEMBER(platform_library), "", FLAG_SERVED,
     "a library with a kind of servable of its own (tensord/servable.h); may be given more than "
     "once"},
    {"op_library", FLAG_TEXTS, MEMBER(op_library), "", FLAG_SERVED,
     "shared library with custom ops (tensord/op.h); may be given more than once"},
    {"thread_pool_factory_config_file", FLAG_TEXT, MEMBER(thread_pool_factory_config_file), "",
     FLAG_SERVED,
     "ThreadPoolFactoryConfig, text format: names a factory, of which there are none, so that the "
     "start fails as the original's"},
    {"prefer_tflite_model", FLAG_BOOL, MEMBER(prefer_tflite_model), "false", FLAG_SERVED,
     "serve a version's model.tflite, where it has one, instead of its saved_model.pb"},
    {"enable_signature_method_name_check", FLAG_BOOL, MEMBER(enable_signature_method_name_check),
     "false", FLAG_SERVED, "refuse signatures that were exported for another method"},
    {"enable_serialization_as_tensor_content", FLAG_BOOL,
     MEMBER(enable_serialization_as_tensor_content), "false", FLAG_SERVED,
     "answer with tensor_content over gRPC"},
    /* Ports and sockets */
    {"port", FLAG_INT32, MEMBER(port), "8500", FLAG_SERVED,
     "TCP port of gRPC on all IPv4 addresses; 0: none"},
    {"grpc_bind", FLAG_TEXT, MEMBER(grpc_bind), "0.0.0.0", FLAG_SERVED,
     "address of the gRPC port; '::' is all of IPv4 and IPv6; ADDRESS:PORT counts before --port, "
     "port 0 takes a free one and logs it"},
    {"grpc_socket_path", FLAG_TEXT, MEMBER(grpc_socket_path), "", FLAG_SERVED,
     "Unix socket of gRPC, beside or instead of the port"},
    {"rest_api_port", FLAG_INT32, MEMBER(rest_api_port), "0", FLAG_SERVED,
     "TCP port of the REST API; 0: none"},
    {"rest_bind", FLAG_TEXT, MEMBER(rest_bind), "", FLAG_SERVED,
     "address of the REST port, likewise; empty: all"},
    {"rest_api_socket_path", FLAG_TEXT, MEMBER(rest_api_socket_path), "", FLAG_SERVED,
     "Unix socket of the REST API"},
    {"socket_mode", FLAG_TEXT, MEMBER(socket_mode), "", FLAG_SERVED,
     "mode of the Unix sockets' files, octal: 0660; empty: what the umask leaves"},
    {"reuse_port", FLAG_BOOL, MEMBER(reuse_port), "false", FLAG_SERVED,
     "share the ports with another tensord that does so too, to take over from it"},
    {"grpc_channel_arguments", FLAG_TEXT, MEMBER(grpc_channel_arguments), "", FLAG_SERVED,
     "key=value,... of the gRPC library: age, idle time, keepalive, streams, sizes of messages"},
    {"rest_api_timeout_in_ms", FLAG_INT32, MEMBER(rest_api_timeout_in_ms), "30000", FLAG_SERVED,
     "time limit of a model's run over REST; 0: none"},
    {"rest_api_enable_cors_support", FLAG_BOOL, MEMBER(rest_api_enable_cors_support), "false",
     FLAG_SERVED, "let scripts of other origins use the REST API"},
    /* TLS, tokens, administration */
    {"ssl_config_file", FLAG_TEXT, MEMBER(ssl_config_file), "", FLAG_SERVED,
     "SSLConfig, text format, with the PEM texts inside: TLS for gRPC"},
    {"use_alts_credentials", FLAG_BOOL, MEMBER(use_alts_credentials), "false", FLAG_SERVED,
     "ALTS, refused: it needs the handshaker of Google's cloud"},
    {"tls_cert_file", FLAG_TEXT, MEMBER(tls_cert_file), "", FLAG_SERVED,
     "PEM file with the server's certificate and those above it: TLS for gRPC and REST"},
    {"tls_key_file", FLAG_TEXT, MEMBER(tls_key_file), "", FLAG_SERVED,
     "PEM file with its private key"},
    {"tls_client_ca_file", FLAG_TEXT, MEMBER(tls_client_ca_file), "", FLAG_SERVED,
     "PEM file with roots: clients must have a certificate from one of these"},
    {"inference_token_file", FLAG_TEXT, MEMBER(inference_token_file), "", FLAG_SERVED,
     "tokens, one a line, of which inference needs one: Authorization: Bearer TOKEN"},
    {"admin_token_file", FLAG_TEXT, MEMBER(admin_token_file), "", FLAG_SERVED,
     "tokens of which administration needs one"},
    {"admin_port", FLAG_INT32, MEMBER(admin_port), "0", FLAG_SERVED,
     "TCP port of gRPC on which alone administration (reload) is answered; 0: none"},
    {"admin_rest_api_port", FLAG_INT32, MEMBER(admin_rest_api_port), "0", FLAG_SERVED,
     "the same for HTTP"},
    {"admin_socket_path", FLAG_TEXT, MEMBER(admin_socket_path), "", FLAG_SERVED,
     "the same as a Unix socket of gRPC"},
    {"admin_bind", FLAG_TEXT, MEMBER(admin_bind), "127.0.0.1", FLAG_SERVED,
     "address of the ports for administration"},
    /* Limits */
    {"max_connections", FLAG_INT64, MEMBER(max_connections), "0", FLAG_SERVED,
     "open connections, more are closed at once; 0: as many as file descriptors"},
    {"max_requests_in_flight", FLAG_INT64, MEMBER(max_requests_in_flight), "0", FLAG_SERVED,
     "requests at a time, more get RESOURCE_EXHAUSTED (429) and when to come again; 0: no limit"},
    {"request_memory_limit_bytes", FLAG_INT64, MEMBER(request_memory_limit_bytes), "0", FLAG_SERVED,
     "what a run of a model may hold at a time; 0: half of the machine's memory"},
    {"model_memory_limit_bytes", FLAG_INT64, MEMBER(model_memory_limit_bytes), "0", FLAG_SERVED,
     "what all loaded versions may take together, by their files' sizes; 0: no limit"},
    /* Versions: when they come and go */
    {"file_system_poll_wait_seconds", FLAG_INT64, MEMBER(file_system_poll_wait_seconds), "1",
     FLAG_SERVED, "how often to look for versions; 0: once, negative: never"},
    {"version_quiet_ms", FLAG_INT64, MEMBER(version_quiet_ms), "500", FLAG_SERVED,
     "a version is taken when nothing was written to its folder for so long; 0: no matter"},
    {"aspired_version_policy", FLAG_TEXT, MEMBER(aspired_version_policy), "availability_preserving",
     FLAG_SERVED, "a new version comes before the old one goes, or (resource_preserving) after it"},
    {"lazy_load", FLAG_BOOL, MEMBER(lazy_load), "false", FLAG_SERVED,
     "load a model when its first request comes, and let it go again when others need the memory"},
    {"num_load_threads", FLAG_INT32, MEMBER(num_load_threads), "0", FLAG_SERVED,
     "threads that load versions; 0: as many as cores"},
    {"num_unload_threads", FLAG_INT32, MEMBER(num_unload_threads), "0", FLAG_SERVED,
     "threads that unload versions; 0: one"},
    {"max_num_load_retries", FLAG_INT32, MEMBER(max_num_load_retries), "5", FLAG_SERVED,
     "tries after a load that failed"},
    {"load_retry_interval_micros", FLAG_INT64, MEMBER(load_retry_interval_micros), "1000000",
     FLAG_SERVED, "time between these tries; negative: none"},
    {"load_report_seconds", FLAG_INT64, MEMBER(load_report_seconds), "10", FLAG_SERVED,
     "how often a load that takes long says how far it is; 0: never"},
    {"enable_model_warmup", FLAG_BOOL, MEMBER(enable_model_warmup), "true", FLAG_SERVED,
     "run the requests in a version's assets.extra before it is available"},
    {"num_request_iterations_for_warmup", FLAG_INT32, MEMBER(num_request_iterations_for_warmup),
     "0", FLAG_SERVED, "how often each of these is run; 0: once"},
    {"open_ports_early", FLAG_BOOL, MEMBER(open_ports_early), "false", FLAG_SERVED,
     "open the ports at once, not when the first models are ready"},
    {"start_without_failed_models", FLAG_BOOL, MEMBER(start_without_failed_models), "false",
     FLAG_SERVED, "models that can not be loaded do not end the start"},
    /* Batching */
    {"enable_batching", FLAG_BOOL, MEMBER(enable_batching), "false", FLAG_SERVED,
     "run requests of many clients together"},
    {"batching_parameters_file", FLAG_TEXT, MEMBER(batching_parameters_file), "", FLAG_SERVED,
     "BatchingParameters, text format: how large batches are and how long they wait"},
    {"enable_per_model_batching_parameters", FLAG_BOOL,
     MEMBER(enable_per_model_batching_parameters), "false", FLAG_SERVED,
     "batching_params.pbtxt in a version's folder says how, without it the version is not batched"},
    /* Watching */
    {"enable_profiler", FLAG_BOOL, MEMBER(enable_profiler), "true", FLAG_SERVED,
     "answer tensorflow.ProfilerService: profiles for TensorBoard"},
    {"monitoring_config_file", FLAG_TEXT, MEMBER(monitoring_config_file), "", FLAG_SERVED,
     "MonitoringConfig, text format: a page of metrics for Prometheus on the REST port"},
    {"log_format", FLAG_TEXT, MEMBER(log_format), "text", FLAG_SERVED,
     "of the log and the access log: text, or json: an object a line"},
    {"log_level", FLAG_TEXT, MEMBER(log_level), "info", FLAG_SERVED,
     "debug, info, warning or error; SIGUSR2 turns debug on and off"},
    {"access_log", FLAG_TEXT, MEMBER(access_log), "", FLAG_SERVED,
     "file with a line for each request, '-' is the standard output; SIGUSR1 opens it anew"},
    {"request_log_file_bytes", FLAG_INT64, MEMBER(request_log_file_bytes), "268435456", FLAG_SERVED,
     "a file of logged requests (logging_config) is followed by the next then"},
    {"verbose", FLAG_BOOL, MEMBER(verbose), "false", FLAG_SERVED, "--log_level=debug"},
    /* The program */
    {"config", FLAG_TEXT, MEMBER(config), "", FLAG_SERVED,
     "file with lines 'flag = value', for what neither the command line nor the environment says"},
    {"print_config", FLAG_BOOL, MEMBER(print_config), "false", FLAG_SERVED,
     "print all of these as they are, and where that comes from, and end"},
    {"version", FLAG_BOOL, MEMBER(version), "false", FLAG_SERVED, "print the version and end"},
    {"help", FLAG_BOOL, MEMBER(help), "false", FLAG_SERVED, "print this and end"},
    /* Without an effect here */
    {"rest_api_num_threads", FLAG_INT64, MEMBER(idle_int64), "0", FLAG_IDLE,
     "threads of the REST API: loops are as many as cores here"},
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
    {"per_process_gpu_memory_fraction", FLAG_DOUBLE, MEMBER(idle_double), "0", FLAG_IDLE,
     "share of the GPU's memory"},
    {"grpc_max_threads", FLAG_INT32, MEMBER(idle_int32), "0", FLAG_IDLE,
     "threads of the gRPC library"},
    {"remove_unused_fields_from_bundle_metagraph", FLAG_BOOL, MEMBER(idle_bool), "true", FLAG_IDLE,
     "nothing unused is kept here"},
    {"num_tflite_pools", FLAG_INT32, MEMBER(idle_int32), "0", FLAG_IDLE,
     "interpreters of TFLite models: a plan serves any number of threads here"},
    {"num_tflite_interpreters_per_pool", FLAG_INT32, MEMBER(idle_int32), "1", FLAG_IDLE,
     "interpreters of TFLite models: a plan serves any number of threads here"},
    {"xla_cpu_compilation_enabled", FLAG_BOOL, MEMBER(idle_bool), "false", FLAG_IDLE, "XLA"},
    {"xla_gpu_compilation_enabled", FLAG_BOOL, MEMBER(idle_bool), "false", FLAG_IDLE, "XLA"},
    {"mixed_precision", FLAG_TEXT, MEMBER(idle_text), "", FLAG_IDLE,
     "graphs are run with the dtypes that they have"},
    {"skip_initialize_tpu", FLAG_BOOL, MEMBER(idle_bool), "false", FLAG_IDLE, "TPU"},
    {"enable_grpc_healthcheck_service", FLAG_BOOL, MEMBER(idle_bool), "false", FLAG_IDLE,
     "grpc.health.v1.Health is always there"},
};
const size_t flag_count = sizeof flags / sizeof *flags;

const struct flag_group flag_groups[] = {
    {"model_name", "What is served"},
    {"port", "Ports and sockets"},
    {"ssl_config_file", "TLS, tokens, administration"},
    {"max_connections", "Limits"},
    {"file_system_poll_wait_seconds", "Versions: when they come and go"},
    {"enable_batching", "Batching"},
    {"monitoring_config_file", "Watching"},
    {"config", "The program"},
    {"rest_api_num_threads", "Accepted without an effect"},
};
const size_t flag_group_count = sizeof flag_groups / sizeof *flag_groups;

_Static_assert(sizeof flags / sizeof *flags <= OPTIONS_FLAGS_MAX,
               "struct options has a place for each");

const struct flag *flag_find(struct span name)
{
    for (size_t i = 0; i < flag_count; i++) {
        if (span_is(name, flags[i].name))
            return &flags[i];
    }
    return NULL;
}

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

typedef void print_fn(const void *value, FILE *out);

static void print_bool(const void *value, FILE *out)
{
    fputs(*(const bool *)value ? "true" : "false", out);
}

static void print_int32(const void *value, FILE *out)
{
    fprintf(out, "%d", *(const int32_t *)value);
}

static void print_int64(const void *value, FILE *out)
{
    fprintf(out, "%lld", (long long)*(const int64_t *)value);
}

static void print_double(const void *value, FILE *out)
{
    fprintf(out, "%g", *(const double *)value);
}

static void print_text(const void *value, FILE *out)
{
    fputs(*(const char *const *)value, out);
}

static void print_texts(const void *value, FILE *out)
{
    const struct options_texts *texts = value;
    for (int i = 0; i < texts->count; i++)
        fprintf(out, "%s%s", i ? " " : "", texts->items[i]);
}

static const struct {
    read_fn *read;
    print_fn *print;
    const char *expected;
} types[] = {
    [FLAG_BOOL] = {read_bool, print_bool, "true or false"},
    [FLAG_INT32] = {read_int32, print_int32, "a 32 bit integer"},
    [FLAG_INT64] = {read_int64, print_int64, "a 64 bit integer"},
    [FLAG_DOUBLE] = {read_double, print_double, "a number"},
    [FLAG_TEXT] = {read_text, print_text, "a text"},
    [FLAG_TEXTS] = {read_texts, print_texts, "a text, at most 32 times,"},
};

bool flag_set(struct options *options, const struct flag *flag, const char *text)
{
    return types[flag->type].read(text, (char *)options + flag->member);
}

const char *flag_expected(const struct flag *flag)
{
    return types[flag->type].expected;
}

void flag_print(const struct options *options, const struct flag *flag, FILE *out)
{
    types[flag->type].print((const char *)options + flag->member, out);
}
