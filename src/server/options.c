/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the values of the flags come from, and what does not go together. Sources are read from the
 * weakest to the strongest: defaults, the file of --config, the environment, the command line.
 */
#include "server/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "core/transition_policy.h"
#include "server/flags.h"
#include "server/ports.h"

#define TENSORD_VERSION "0.1.0"

/* ---- the command line ---- */

/* "--name=value" or "--name": the flag, and its value or NULL. */
static const struct flag *split(const char *argument, const char **value)
{
    struct span text = span_of(argument);
    if (!span_starts_with(text, SPAN_LITERAL("--")))
        return NULL;
    text = span_sub(text, 2, text.len);
    size_t equals = span_find(text, '=');
    *value = equals < text.len ? text.ptr + equals + 1 : NULL;
    return flag_find(span_sub(text, 0, equals));
}

/* The value of a flag that was given by its name alone: the next argument, or true for a bool. */
static const char *separate_value(const struct flag *flag, int argc, char **argv, int *i)
{
    if (flag->type == FLAG_BOOL)
        return "true";
    return *i + 1 < argc ? argv[++*i] : NULL;
}

static bool set(struct options *options, const struct flag *flag, const char *value,
                enum options_source source, FILE *out)
{
    if (value && flag_set(options, flag, value)) {
        options->source[flag - flags] = (uint8_t)source;
        return true;
    }
    fprintf(out, "--%s: %s is expected, not '%s'\n", flag->name, flag_expected(flag),
            value ? value : "");
    return false;
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
    return set(options, flag, value, OPTIONS_ARGUMENT, out);
}

/* ---- the environment ---- */

/* TENSORD_PORT for port. */
static const char *from_environment(const struct flag *flag)
{
    char name[128] = "TENSORD_";
    size_t len = strlen(name);
    for (const char *c = flag->name; *c && len + 1 < sizeof name; c++)
        name[len++] = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    name[len] = 0;
    return getenv(name);
}

static bool take_environment(struct options *options, FILE *out)
{
    for (size_t i = 0; i < flag_count; i++) {
        const char *value = from_environment(&flags[i]);
        if (value && !set(options, &flags[i], value, OPTIONS_ENVIRONMENT, out))
            return false;
    }
    return true;
}

/* ---- the file ---- */

static struct span trim(struct span text)
{
    while (text.len && strchr(" \t\r", text.ptr[0]))
        text = span_sub(text, 1, text.len);
    while (text.len && strchr(" \t\r", text.ptr[text.len - 1]))
        text.len--;
    return text;
}

/* "flag = value", or nothing, or a comment. */
static bool take_line(struct options *options, struct span line, int number, FILE *out)
{
    line = trim(line);
    if (!line.len || line.ptr[0] == '#')
        return true;
    size_t equals = span_find(line, '=');
    const struct flag *flag = flag_find(trim(span_sub(line, 0, equals)));
    if (equals == line.len || !flag) {
        fprintf(out, "%s: line %d: 'flag = value' is expected, not '%.*s'\n", options->config,
                number, (int)(line.len < 80 ? line.len : 80), line.ptr);
        return false;
    }
    const char *value = arena_strdup(&options->arena, trim(span_sub(line, equals + 1, line.len)));
    if (set(options, flag, value, OPTIONS_FILE, out))
        return true;
    fprintf(out, "in %s, line %d\n", options->config, number);
    return false;
}

static bool take_file(struct options *options, FILE *out)
{
    struct span text;
    struct error err;
    if (file_read(options->config, &options->arena, &text, &err)) {
        fprintf(out, "--config: %s\n", err.message);
        return false;
    }
    bool ok = true;
    for (int number = 1; ok && text.len; number++)
        ok = take_line(options, span_cut(&text, '\n'), number, out);
    return ok;
}

/* ---- all of them ---- */

static void set_defaults(struct options *options)
{
    *options = (struct options){0};
    arena_init(&options->arena, ARENA_FIRST_BLOCK);
    for (size_t i = 0; i < flag_count; i++)
        CHECK(flag_set(options, &flags[i], flags[i].initial));
}

/* The file's name may come from the environment or the command line. */
static const char *find_config(int argc, char **argv)
{
    const struct flag *config = flag_find(SPAN_LITERAL("config"));
    const char *path = from_environment(config), *value;
    for (int i = 1; i < argc; i++) {
        value = NULL;
        if (split(argv[i], &value) == config)
            path = value ? value : i + 1 < argc ? argv[i + 1] : path;
    }
    return path ? path : "";
}

/* From the weakest source to the strongest. */
static bool take_all(struct options *options, int argc, char **argv, FILE *out)
{
    options->config = find_config(argc, argv);
    if (options->config[0] && !take_file(options, out))
        return false;
    if (!take_environment(options, out))
        return false;
    bool ok = true;
    for (int i = 1; i < argc && ok; i++)
        ok = take_argument(options, argc, argv, &i, out);
    return ok;
}

static void print_config(const struct options *options, FILE *out)
{
    static const char *const sources[] = {
        [OPTIONS_DEFAULT] = "default",
        [OPTIONS_FILE] = "file",
        [OPTIONS_ENVIRONMENT] = "environment",
        [OPTIONS_ARGUMENT] = "command line",
    };
    for (size_t i = 0; i < flag_count; i++) {
        bool acts = flags[i].effect == FLAG_SERVED && strcmp(flags[i].name, "print_config") != 0;
        if (!acts || (flags[i].type == FLAG_TEXTS && options->source[i] == OPTIONS_DEFAULT))
            continue;
        fprintf(out, "# %s (%s)\n%s = ", flags[i].help, sources[options->source[i]], flags[i].name);
        flag_print(options, &flags[i], out);
        fputc('\n', out);
    }
}

enum options_outcome options_parse(struct options *options, int argc, char **argv, FILE *out)
{
    set_defaults(options);
    bool ok = take_all(options, argc, argv, out);
    if (!ok || options->help || options->unknown)
        options_print_help(out);
    if (!ok)
        return OPTIONS_WRONG;
    if (options->version)
        fprintf(out, "TensorFlow ModelServer: " TENSORD_VERSION " (tensord)\n"
                     "TensorFlow Library: none (tensord loads SavedModels by itself)\n");
    if (options->print_config)
        print_config(options, out);
    return options->help || options->version || options->print_config ? OPTIONS_DONE
                                                                      : OPTIONS_GO_ON;
}

void options_release(struct options *options)
{
    arena_release(&options->arena);
}

static void print_flags(FILE *out)
{
    for (size_t i = 0, group = 0; i < flag_count; i++) {
        if (group < flag_group_count && !strcmp(flags[i].name, flag_groups[group].first))
            fprintf(out, "\n%s:\n", flag_groups[group++].title);
        fprintf(out, "  --%-43s %s (%s)\n", flags[i].name, flags[i].help,
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
            "--model_config_file=FILE.\n\n"
            "Each flag is also an environment variable (TENSORD_PORT for --port) and a line of the "
            "file of --config.\nThe command line counts before the environment, the environment "
            "before the file. Defaults stand in\nparentheses.\n");
    print_flags(out);
}

/* ---- what goes together ---- */

/* Numbers, modes and names that are none; what concerns the log counts from here on. */
static enum code check_values(const struct options *o, struct error *err)
{
    unsigned mode;
    if (o->request_log_file_bytes < 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "--request_log_file_bytes=%lld: at least 1 is expected",
                         (long long)o->request_log_file_bytes);
    if (o->max_connections < 0 || o->max_requests_in_flight < 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "--max_connections and --max_requests_in_flight can not be negative");
    if (log_set_format(o->log_format))
        return error_set(err, CODE_INVALID_ARGUMENT, "--log_format=%s: text or json is expected",
                         o->log_format);
    if (log_set_level_name(o->verbose ? "debug" : o->log_level))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "--log_level=%s: debug, info, warning or error is expected", o->log_level);
    if (!ports_parse_mode(o->socket_mode, &mode))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "--socket_mode=%s: octal digits up to 0777 are expected", o->socket_mode);
    return CODE_OK;
}

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

/* It would be waited for until the end of time. */
static enum code check_base_path(const struct options *o, struct error *err)
{
    if (o->model_config_file[0] || !strstr(o->model_base_path, "://"))
        return CODE_OK;
    return error_set(err, CODE_UNIMPLEMENTED,
                     "--model_base_path=%s: only folders of this machine can be served, not URIs",
                     o->model_base_path);
}

/* The keys come from a service that only Google's cloud has; the original ends there, too. */
static enum code check_alts(const struct options *o, struct error *err)
{
    if (!o->use_alts_credentials)
        return CODE_OK;
    return error_set(err, CODE_UNIMPLEMENTED,
                     "--use_alts_credentials: ALTS needs the handshaker service of Google's cloud "
                     "and is not served; TLS is, with --ssl_config_file, or --tls_cert_file and "
                     "--tls_key_file");
}

enum code options_check(const struct options *options, struct error *err)
{
    enum code code = check_together(options, err);
    if (!code)
        code = check_alts(options, err);
    if (!code)
        code = check_base_path(options, err);
    if (!code)
        code = check_values(options, err);
    for (size_t i = 0; i < flag_count && !code; i++) {
        if (options->source[i] != OPTIONS_DEFAULT && flags[i].effect == FLAG_IDLE)
            log_info("--%s is accepted, but has no effect here (%s)", flags[i].name, flags[i].help);
    }
    return code;
}
