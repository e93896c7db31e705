/* SPDX-License-Identifier: Apache-2.0 */
#include "server/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/log.h"

enum { ARGUMENTS_MAX = 8 };

static char *printed; /* what the last parse wrote */
static size_t printed_size;
static struct options last;

static enum options_outcome parse(struct options *options, const char *const *arguments)
{
    char *argv[ARGUMENTS_MAX + 1] = {(char *)(uintptr_t) "tensord"};
    int argc = 1;
    for (; arguments[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)arguments[argc - 1];
    free(printed);
    FILE *out = open_memstream(&printed, &printed_size);
    options_release(&last);
    enum options_outcome outcome = options_parse(options, argc, argv, out);
    last.arena = options->arena; /* for the next time */
    fclose(out);
    return outcome;
}
#define PARSE(options, ...) parse((options), (const char *const[]){__VA_ARGS__, NULL})

static void defaults_are_the_originals(void **state)
{
    (void)state;
    struct options o;
    assert_int_equal(parse(&o, (const char *const[]){NULL}), OPTIONS_GO_ON);
    assert_int_equal(o.port, 8500);
    assert_int_equal(o.rest_api_port, 0);
    assert_int_equal(o.rest_api_timeout_in_ms, 30000);
    assert_string_equal(o.model_name, "default");
    assert_string_equal(o.model_base_path, "");
    assert_string_equal(o.saved_model_tags, "serve");
    assert_int_equal(o.file_system_poll_wait_seconds, 1);
    assert_int_equal(o.max_num_load_retries, 5);
    assert_string_equal(printed, "");
}

static void both_ways_of_writing_work(void **state)
{
    (void)state;
    struct options o;
    assert_int_equal(PARSE(&o, "--port=9", "--model_name", "m", "--model_base_path=/a=b",
                           "--rest_api_enable_cors_support", "--file_system_poll_wait_seconds",
                           "-1", "--enable_serialization_as_tensor_content=true"),
                     OPTIONS_GO_ON);
    assert_int_equal(o.port, 9);
    assert_string_equal(o.model_name, "m");
    assert_string_equal(o.model_base_path, "/a=b");
    assert_true(o.rest_api_enable_cors_support);
    assert_int_equal(o.file_system_poll_wait_seconds, -1);
    assert_true(o.enable_serialization_as_tensor_content);
    assert_string_equal(printed, "");
}

static const struct {
    const char *argument;
    const char *said;
} malformed[] = {
    {"--port=x", "--port: a 32 bit integer is expected, not 'x'\n"},
    {"--port=", "--port: a 32 bit integer is expected, not ''\n"},
    {"--port=3000000000", "--port: a 32 bit integer is expected, not '3000000000'\n"},
    {"--port", "--port: a 32 bit integer is expected, not ''\n"},
    {"--enable_batching=yes", "--enable_batching: true or false is expected, not 'yes'\n"},
    {"--per_process_gpu_memory_fraction=1x",
     "--per_process_gpu_memory_fraction: a number is expected, not '1x'\n"},
};

static void malformed_values_end_it(void **state)
{
    (void)state;
    struct options o;
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        assert_int_equal(PARSE(&o, malformed[i].argument), OPTIONS_WRONG);
        assert_memory_equal(printed, malformed[i].said, strlen(malformed[i].said));
        assert_non_null(strstr(printed, "usage: tensord"));
    }
}

static void unknown_arguments_are_told_and_passed_over(void **state)
{
    (void)state;
    struct options o;
    assert_int_equal(PARSE(&o, "--no_such_flag=1", "-v", "word", "--port=7"), OPTIONS_GO_ON);
    assert_int_equal(o.port, 7);
    assert_non_null(strstr(printed, "unknown argument: --no_such_flag=1\nunknown argument: -v\n"
                                    "unknown argument: word\nusage: tensord"));
}

static void help_and_version_are_printed(void **state)
{
    (void)state;
    struct options o;
    assert_int_equal(PARSE(&o, "--help"), OPTIONS_DONE);
    assert_non_null(strstr(printed, "--model_base_path"));
    assert_non_null(strstr(printed, "(8500)"));
    assert_int_equal(PARSE(&o, "--version"), OPTIONS_DONE);
    assert_memory_equal(printed, "TensorFlow ModelServer: ", 24);
    assert_non_null(strstr(printed, "\nTensorFlow Library: "));
}

#define FILE_NAME "/tmp/tensord-options-test.conf"

static void sources_from_the_weakest_to_the_strongest(void **state)
{
    (void)state;
    struct options o;
    struct span text =
        SPAN_LITERAL("# a comment\n\n  port = 1 \r\nmodel_name=from file\nrest_api_port = 3\n"
                     "verbose = true");
    assert_int_equal(file_write(FILE_NAME, text, NULL), CODE_OK);
    setenv("TENSORD_CONFIG", FILE_NAME, 1);
    setenv("TENSORD_REST_API_PORT", "4", 1);
    setenv("TENSORD_MODEL_BASE_PATH", "/env", 1);
    assert_int_equal(PARSE(&o, "--port=2"), OPTIONS_GO_ON);
    assert_int_equal(o.port, 2);
    assert_int_equal(o.rest_api_port, 4);
    assert_string_equal(o.model_name, "from file");
    assert_string_equal(o.model_base_path, "/env");
    assert_true(o.verbose);
    assert_int_equal(PARSE(&o, "--port=2", "--print_config"), OPTIONS_DONE);
    assert_non_null(strstr(printed, "(command line)\nport = 2\n"));
    assert_non_null(strstr(printed, "(environment)\nrest_api_port = 4\n"));
    assert_non_null(strstr(printed, "(file)\nmodel_name = from file\n"));
    assert_non_null(strstr(printed, "(default)\nsaved_model_tags = serve\n"));
    setenv("TENSORD_REST_API_PORT", "four", 1);
    assert_int_equal(parse(&o, (const char *const[]){NULL}), OPTIONS_WRONG);
    assert_memory_equal(printed, "--rest_api_port: a 32 bit integer is expected, not 'four'\n", 57);
    unsetenv("TENSORD_REST_API_PORT");
    unsetenv("TENSORD_MODEL_BASE_PATH");
    unsetenv("TENSORD_CONFIG");
}

static const struct {
    const char *text;
    const char *said;
} bad_files[] = {
    {"port = 1\nno such thing\n",
     FILE_NAME ": line 2: 'flag = value' is expected, not 'no such thing'\n"},
    {"prt = 1\n", FILE_NAME ": line 1: 'flag = value' is expected, not 'prt = 1'\n"},
    {"\nport = x\n", "--port: a 32 bit integer is expected, not 'x'\nin " FILE_NAME ", line 2\n"},
};

static void files_that_are_none(void **state)
{
    (void)state;
    struct options o;
    for (size_t i = 0; i < sizeof bad_files / sizeof *bad_files; i++) {
        assert_int_equal(file_write(FILE_NAME, span_of(bad_files[i].text), NULL), CODE_OK);
        assert_int_equal(PARSE(&o, "--config=" FILE_NAME), OPTIONS_WRONG);
        assert_memory_equal(printed, bad_files[i].said, strlen(bad_files[i].said));
    }
    remove(FILE_NAME);
    assert_int_equal(PARSE(&o, "--config", FILE_NAME), OPTIONS_WRONG);
    assert_memory_equal(printed, "--config: " FILE_NAME ": No such file", 42);
}

static const struct {
    const char *arguments[ARGUMENTS_MAX];
    enum code code;
    const char *message;
} checks[] = {
    {{"--model_base_path=/m"}, CODE_OK, ""},
    {{"--model_base_path=/m", "--port=0", "--grpc_socket_path=/s"}, CODE_OK, ""},
    {{"--model_base_path=/m", "--rest_api_num_threads=8", "--enable_batching=false",
      "--ssl_config_file="},
     CODE_OK,
     ""},
    {{"--model_base_path=/m", "--port=0"},
     CODE_INVALID_ARGUMENT,
     "At least one of server_options.grpc_port or server_options.grpc_socket_path must be set."},
    {{"--port=1"},
     CODE_INVALID_ARGUMENT,
     "Both server_options.model_base_path and server_options.model_config_file are empty!"},
    {{"--model_base_path=/m", "--use_alts_credentials", "--ssl_config_file=/x"},
     CODE_INVALID_ARGUMENT,
     "Either use_alts_credentials must be false or ssl_config_file must be empty."},
    {{"--model_base_path=/m", "--use_alts_credentials"},
     CODE_UNIMPLEMENTED,
     "--use_alts_credentials: ALTS needs the handshaker service of Google's cloud and is not "
     "served; TLS is, with --ssl_config_file, or --tls_cert_file and --tls_key_file"},
    {{"--model_base_path=/m", "--batching_parameters_file=/x"},
     CODE_INVALID_ARGUMENT,
     "server_options.batching_parameters_file is set without setting "
     "server_options.enable_batching to true."},
    {{"--model_base_path=/m", "--tensorflow_session_parallelism=1",
      "--tensorflow_intra_op_parallelism=1", "--tensorflow_inter_op_parallelism=1"},
     CODE_INVALID_ARGUMENT,
     "Either configure server_options.tensorflow_session_parallelism or "
     "(server_options.tensorflow_intra_op_parallelism, "
     "server_options.tensorflow_inter_op_parallelism) separately. You cannot configure all."},
    {{"--model_base_path=gs://b/m"},
     CODE_UNIMPLEMENTED,
     "--model_base_path=gs://b/m: only folders of this machine can be served, not URIs"},
    {{"--model_config_file=/x"}, CODE_OK, ""},
    {{"--model_config_file=/x", "--model_base_path=gs://b/m"}, CODE_OK, ""},
    {{"--model_base_path=/m", "--aspired_version_policy=none"},
     CODE_INVALID_ARGUMENT,
     "--aspired_version_policy=none: availability_preserving or resource_preserving is expected"},
};

static void contradictions_are_refused(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        struct options o;
        struct error err;
        error_clear(&err);
        assert_int_equal(parse(&o, checks[i].arguments), OPTIONS_GO_ON);
        assert_int_equal(options_check(&o, &err), checks[i].code);
        assert_string_equal(err.message, checks[i].message);
    }
    free(printed);
    printed = NULL;
    options_release(&last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_originals),
        cmocka_unit_test(both_ways_of_writing_work),
        cmocka_unit_test(malformed_values_end_it),
        cmocka_unit_test(unknown_arguments_are_told_and_passed_over),
        cmocka_unit_test(help_and_version_are_printed),
        cmocka_unit_test(sources_from_the_weakest_to_the_strongest),
        cmocka_unit_test(files_that_are_none),
        cmocka_unit_test(contradictions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
