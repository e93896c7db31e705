/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct options: what the command line asks for (reference 3). Every flag is a row of the table in
 * flags.c; `--name=value` and `--name value` both work, a bool also by its name alone.
 */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/error.h"

enum {
    OPTIONS_TEXTS_MAX = 32, /* of a flag that may be given more than once */
    OPTIONS_FLAGS_MAX = 128,
};

/* Where a value comes from; the later, the stronger. */
enum options_source {
    OPTIONS_DEFAULT,
    OPTIONS_FILE,
    OPTIONS_ENVIRONMENT,
    OPTIONS_ARGUMENT,
};

struct options_texts {
    const char *items[OPTIONS_TEXTS_MAX];
    int count;
};

struct options {
    int32_t port;
    const char *grpc_socket_path;
    int32_t rest_api_port;
    int32_t rest_api_timeout_in_ms;
    bool rest_api_enable_cors_support;
    const char *model_name;
    const char *model_base_path;
    const char *saved_model_tags;
    struct options_texts op_library;
    struct options_texts platform_library;
    int64_t file_system_poll_wait_seconds;
    int64_t version_quiet_ms;
    const char *aspired_version_policy;
    int64_t model_memory_limit_bytes;
    bool lazy_load;
    int64_t load_report_seconds;
    bool open_ports_early;
    bool start_without_failed_models;
    const char *model_config_file;
    int32_t model_config_file_poll_wait_seconds;
    bool allow_version_labels_for_unavailable_models;
    int32_t num_load_threads;
    int32_t num_unload_threads;
    int32_t max_num_load_retries;
    int64_t load_retry_interval_micros;
    int64_t request_memory_limit_bytes;
    bool enable_serialization_as_tensor_content;
    bool enable_model_warmup;
    int32_t num_request_iterations_for_warmup;
    const char *tls_cert_file;
    const char *tls_key_file;
    const char *tls_client_ca_file;
    bool reuse_port;
    const char *grpc_channel_arguments;
    const char *grpc_bind;
    const char *rest_bind;
    const char *rest_api_socket_path;
    const char *socket_mode;
    int32_t admin_port;
    int32_t admin_rest_api_port;
    const char *admin_socket_path;
    const char *admin_bind;
    const char *inference_token_file;
    const char *admin_token_file;
    int64_t max_connections;
    int64_t max_requests_in_flight;
    const char *config;
    bool print_config;
    const char *log_format;
    const char *log_level;
    const char *access_log;
    int64_t request_log_file_bytes;
    bool verbose;
    bool version;
    bool help;
    /* Flags that are understood and refused, or checked only. */
    bool enable_batching;
    const char *batching_parameters_file;
    int64_t tensorflow_session_parallelism;
    int64_t tensorflow_intra_op_parallelism;
    int64_t tensorflow_inter_op_parallelism;
    bool use_alts_credentials;
    const char *ssl_config_file;
    bool enable_per_model_batching_parameters;
    const char *platform_config_file;
    const char *monitoring_config_file;
    bool enable_signature_method_name_check;
    bool enable_profiler;
    bool prefer_tflite_model;
    const char *thread_pool_factory_config_file;
    /* Where the values of flags without an effect end up; nobody reads them. */
    bool idle_bool;
    int32_t idle_int32;
    int64_t idle_int64;
    double idle_double;
    const char *idle_text;
    uint8_t source[OPTIONS_FLAGS_MAX]; /* enum options_source of each row of the table */
    struct arena arena;                /* owned: texts of the file */
    int unknown;                       /* arguments that are no flags */
};

enum options_outcome {
    OPTIONS_GO_ON,
    OPTIONS_DONE,  /* --help, --version or --print_config: printed */
    OPTIONS_WRONG, /* a value is none; usage is printed */
};

/* Reads the file, the environment and the arguments; strings are borrowed from argv and the
 * environment. To be released whatever it returns. Arguments that are no flags are reported
 * on `out` and passed over, as the original does it. */
enum options_outcome options_parse(struct options *options, int argc, char **argv, FILE *out);

/* What does not go together, in the original's words (INVALID_ARGUMENT), and flags that ask for
 * something that this server does not do yet (UNIMPLEMENTED, naming the flag). Logs the flags that
 * have no effect. Not before options_parse(). */
enum code options_check(const struct options *options, struct error *err);

void options_print_help(FILE *out);

void options_release(struct options *options);

#endif
