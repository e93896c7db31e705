/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tensorctl versions: which versions of a model a running server is to serve. The configuration is
 * read (tensord.Administration/GetConfig), one model's policy changed, and all of it given back
 * (HandleReloadConfigRequest), so the server's own rules hold: a version leaves when another one
 * answers. A version that is not there yet is first loaded beside those that are; when it does not
 * come the configuration is put back as it was.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/remote.h"
#include "wire/messages.h"
#include "wire/pb.h"

#define NAME       "versions"
#define GET_CONFIG "/tensord.Administration/GetConfig"
#define RELOAD     "/tensorflow.serving.ModelService/HandleReloadConfigRequest"
#define STATUS     "/tensorflow.serving.ModelService/GetModelStatus"

/* The numbers of the messages' fields. */
enum {
    CONFIG_LIST = 1,
    POLICY_LATEST = 100,
    POLICY_ALL = 101,
    POLICY_SPECIFIC = 102,
};

enum {
    PINNED_MAX = 64,
    LOOK_MS = 50,
};

typedef struct pb_file_system_storage_path_source_config_servable_version_policy policy_message;

struct versions {
    struct remote remote;
    struct span model;
    struct arena *arena;
    struct grpc_client *client;
    struct pb_get_config_response config; /* as it was read, with what is changed in it */
    struct pb_model_config *entry;        /* the model's, in `config` */
    struct pb_get_model_status_response status;
    int64_t pinned[PINNED_MAX];
    size_t pinned_count;
    int64_t latest; /* unpin: how many */
};

/* ---- asking the server ---- */

static enum code call(struct versions *v, const char *method, struct span request,
                      const struct pb_message *type, void *response, struct error *err)
{
    struct span bytes;
    enum code code =
        grpc_client_call(v->client, method, request, v->remote.timeout_us, v->arena, &bytes, err);
    return code ? code : pb_decode(type, bytes, v->arena, response, err);
}

static enum code read_config(struct versions *v, struct error *err)
{
    enum code code =
        call(v, GET_CONFIG, (struct span){0}, &pb_get_config_response_type, &v->config, err);
    if (code == CODE_UNIMPLEMENTED)
        return error_set(err, code, "%s does not tell its configuration: is it a tensord?",
                         v->remote.target);
    if (code)
        return code;
    const struct pb_model_server_config *config = v->config.config;
    bool has_list = config && config->config_case == CONFIG_LIST;
    for (size_t i = 0; has_list && i < config->model_config_list->config.count; i++) {
        if (span_equal(config->model_config_list->config.items[i].name, v->model))
            v->entry = &config->model_config_list->config.items[i];
    }
    return v->entry ? CODE_OK
                    : error_set(err, CODE_NOT_FOUND, "the server has no model '%.*s'",
                                SPAN_ARG(v->model));
}

static enum code give_config(struct versions *v, policy_message *policy, struct error *err)
{
    struct pb_reload_config_request request = {.config = v->config.config};
    struct pb_reload_config_response response;
    v->entry->model_version_policy = policy;
    return call(v, RELOAD, pb_encode(&pb_reload_config_request_type, &request, v->arena),
                &pb_reload_config_response_type, &response, err);
}

/* Without a version that is known there is nothing in it. */
static enum code read_status(struct versions *v, struct error *err)
{
    struct pb_model_spec spec = {.name = v->model};
    struct pb_get_model_status_request request = {.model_spec = &spec};
    v->status = (struct pb_get_model_status_response){0};
    enum code code =
        call(v, STATUS, pb_encode(&pb_get_model_status_request_type, &request, v->arena),
             &pb_get_model_status_response_type, &v->status, err);
    return code == CODE_NOT_FOUND ? CODE_OK : code;
}

static const struct pb_model_version_status *status_of(const struct versions *v, int64_t version)
{
    for (size_t i = 0; i < v->status.model_version_status.count; i++) {
        if (v->status.model_version_status.items[i].version == version)
            return &v->status.model_version_status.items[i];
    }
    return NULL;
}

static bool is_available(const struct pb_model_version_status *status)
{
    return status && status->state == PB_MODEL_VERSION_STATUS_STATE_AVAILABLE;
}

static struct span message_of(const struct pb_model_version_status *status)
{
    return status->status ? status->status->error_message : (struct span){0};
}

/* ---- policies ---- */

static policy_message *specific(struct versions *v, const int64_t *versions, size_t count)
{
    policy_message *policy = ARENA_NEW(v->arena, policy_message);
    policy->policy_choice_case = POLICY_SPECIFIC;
    policy->specific = ARENA_NEW(v->arena, __typeof__(*policy->specific));
    policy->specific->versions = (struct pb_int64s){versions, count};
    return policy;
}

static policy_message *latest(struct versions *v, int64_t count)
{
    policy_message *policy = ARENA_NEW(v->arena, policy_message);
    policy->policy_choice_case = POLICY_LATEST;
    policy->latest = ARENA_NEW(v->arena, __typeof__(*policy->latest));
    policy->latest->num_versions = (uint32_t)count;
    return policy;
}

/* Those that are available, and those that are to be pinned. */
static policy_message *both(struct versions *v)
{
    size_t room = v->status.model_version_status.count + v->pinned_count, count = 0;
    int64_t *versions = ARENA_ARRAY(v->arena, int64_t, room);
    for (size_t i = 0; i < v->status.model_version_status.count; i++) {
        if (is_available(&v->status.model_version_status.items[i]))
            versions[count++] = v->status.model_version_status.items[i].version;
    }
    for (size_t i = 0; i < v->pinned_count; i++) {
        if (!is_available(status_of(v, v->pinned[i])))
            versions[count++] = v->pinned[i];
    }
    return specific(v, versions, count);
}

static bool are_available(const struct versions *v)
{
    bool all = true;
    for (size_t i = 0; i < v->pinned_count; i++)
        all &= is_available(status_of(v, v->pinned[i]));
    return all;
}

/* ---- pin ---- */

/* Why a version will not come; OK: it may. */
static enum code check_coming(const struct versions *v, int64_t version, struct error *err)
{
    const struct pb_model_version_status *status = status_of(v, version);
    bool ended = status && status->state == PB_MODEL_VERSION_STATUS_STATE_END;
    if (ended && status->status && status->status->error_code)
        return error_set(err, (enum code)status->status->error_code, "version %lld: %.*s",
                         (long long)version, SPAN_ARG(message_of(status)));
    if (!status || ended)
        return error_set(err, CODE_NOT_FOUND, "there is no version %lld under %.*s",
                         (long long)version, SPAN_ARG(v->entry->base_path));
    return CODE_OK;
}

static enum code await_pinned(struct versions *v, struct error *err)
{
    int64_t until_us = clock_now_us() + v->remote.timeout_us;
    enum code code;
    while (!(code = read_status(v, err)) && !are_available(v)) {
        for (size_t i = 0; !code && i < v->pinned_count; i++)
            code = check_coming(v, v->pinned[i], err);
        if (!code && clock_now_us() >= until_us)
            code = error_set(err, CODE_DEADLINE_EXCEEDED,
                             "it is not available after %lld s (--timeout)",
                             (long long)(v->remote.timeout_us / 1000000));
        if (code)
            break;
        poll(NULL, 0, LOOK_MS);
    }
    return code;
}

/* Loads what is to be pinned beside what answers now; undone when it does not come. */
static enum code load_beside(struct versions *v, struct error *err)
{
    policy_message *before = v->entry->model_version_policy;
    struct error undo;
    enum code code = give_config(v, both(v), err);
    if (!code)
        code = await_pinned(v, err);
    if (code && give_config(v, before, &undo))
        error_append(err, "; putting the configuration back failed, too: %s", undo.message);
    else if (code)
        error_append(err, " (the configuration is as it was)");
    return code;
}

static enum code pin(struct versions *v, struct error *err)
{
    enum code code = read_status(v, err);
    bool loaded = !code && are_available(v);
    if (!code && !loaded)
        code = load_beside(v, err);
    if (!code)
        code = give_config(v, specific(v, v->pinned, v->pinned_count), err);
    for (size_t i = 0; !code && i < v->pinned_count; i++)
        printf("%.*s: version %lld is pinned%s\n", SPAN_ARG(v->model), (long long)v->pinned[i],
               loaded ? "; it was available already" : "");
    return code;
}

static enum code unpin(struct versions *v, struct error *err)
{
    enum code code = give_config(v, latest(v, v->latest), err);
    if (!code)
        printf("%.*s: the latest %lld\n", SPAN_ARG(v->model), (long long)v->latest);
    return code;
}

/* ---- list ---- */

static void print_policy(const struct versions *v)
{
    const policy_message *policy = v->entry->model_version_policy;
    printf("%.*s: %.*s\n", SPAN_ARG(v->model), SPAN_ARG(v->entry->base_path));
    if (policy && policy->policy_choice_case == POLICY_SPECIFIC) {
        printf("pinned:");
        for (size_t i = 0; i < policy->specific->versions.count; i++)
            printf(" %lld", (long long)pb_get_int64(policy->specific->versions, i));
        printf("\n");
    } else if (policy && policy->policy_choice_case == POLICY_ALL) {
        printf("all versions\n");
    } else {
        unsigned count = policy && policy->policy_choice_case == POLICY_LATEST
                             ? policy->latest->num_versions
                             : 1;
        printf("the latest %u\n", count ? count : 1);
    }
    for (size_t i = 0; i < v->entry->version_labels.count; i++)
        printf("label %.*s: %lld\n", SPAN_ARG(v->entry->version_labels.items[i].key),
               (long long)v->entry->version_labels.items[i].value);
}

static enum code list(struct versions *v, struct error *err)
{
    enum code code = read_status(v, err);
    if (code)
        return code;
    print_policy(v);
    for (size_t i = 0; i < v->status.model_version_status.count; i++) {
        const struct pb_model_version_status *s = &v->status.model_version_status.items[i];
        const char *name = pb_enum_name(&pb_model_version_status_state_enum, s->state);
        printf("%20lld  %-9s  ", (long long)s->version, name ? name : "?");
        command_print_line(message_of(s));
    }
    return CODE_OK;
}

/* ---- the command ---- */

typedef enum code action_fn(struct versions *v, struct error *err);

static int act(struct versions *v, action_fn *action)
{
    struct error err;
    error_clear(&err);
    if (remote_connect(&v->remote, &v->client, &err))
        return command_failed(NAME, &err);
    enum code code = read_config(v, &err);
    if (!code)
        code = action(v, &err);
    grpc_client_free(v->client);
    return code ? command_failed(NAME, &err) : EXIT_DONE;
}

/* HOST:PORT/MODEL, or MODEL at localhost:8500. */
static bool take_model(struct versions *v, const char *text)
{
    const char *slash = strrchr(text, '/');
    v->remote.target =
        slash ? arena_strdup(v->arena, span_make(text, (size_t)(slash - text))) : "localhost:8500";
    v->model = span_of(slash ? slash + 1 : text);
    return v->model.len > 0 && v->remote.target[0];
}

/* What stands behind the action's name. */
static bool take_number(struct versions *v, const char *action, const char *text)
{
    int64_t number;
    if (!span_to_int64(span_of(text), &number))
        return false;
    if (!strcmp(action, "pin") && v->pinned_count < PINNED_MAX && number >= 0) {
        v->pinned[v->pinned_count++] = number;
        return true;
    }
    v->latest = number;
    return !strcmp(action, "unpin") && number >= 1 && number <= 1000;
}

static int run(int argc, char **argv, struct arena *arena)
{
    static const struct {
        const char *name;
        action_fn *fn;
    } actions[] = {{"list", list}, {"pin", pin}, {"unpin", unpin}};
    struct versions v = {.arena = arena, .remote.timeout_us = 600 * 1000000LL, .latest = 1};
    const char *name = NULL;
    for (int i = 1, taken; i < argc; i += taken) {
        taken = remote_take(&v.remote, argc - i, argv + i, arena);
        if (taken > 0)
            continue;
        if (!taken && !v.remote.target)
            taken = argv[i][0] != '-' && take_model(&v, argv[i]);
        else if (!taken && !name)
            taken = (name = argv[i])[0] != '-';
        else if (!taken)
            taken = take_number(&v, name, argv[i]);
        if (taken <= 0)
            return command_usage(NAME, "unexpected argument, or without its value: %s", argv[i]);
    }
    if (!v.remote.target)
        return command_usage(NAME, "which model? [HOST:PORT/]MODEL");
    name = name ? name : "list";
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(name, actions[i].name) != 0)
            continue;
        if (actions[i].fn == pin && !v.pinned_count)
            return command_usage(NAME, "pin: which version?");
        return act(&v, actions[i].fn);
    }
    return command_usage(NAME, "list, pin or unpin is expected, not '%s'", name);
}

const struct command command_versions = {
    .name = NAME,
    .arguments = "[HOST:PORT/]MODEL [list | pin VERSION... | unpin [N]] [OPTIONS]",
    .summary = "which versions of a model a running server is to serve",
    .help =
        "Over gRPC; without HOST:PORT at localhost:8500; unix:PATH/MODEL takes a Unix socket.\n"
        "\n"
        "  list            the policy, the labels, and the state of every version\n"
        "  pin VERSION...  serve these and no others. What is not loaded is loaded beside what "
        "answers; when\n"
        "                  it fails the configuration is put back. What is loaded answers at "
        "once.\n"
        "  unpin [N]       serve the N latest ones (1)\n"
        "\n"
        "  --timeout SECONDS   for a version to be loaded; default: 600\n" REMOTE_TOKEN_HELP "\n"
        "A configuration file that changes, or SIGHUP, puts the file's policies into force "
        "again.\n"
        "\n"
        "Examples:\n"
        "  tensorctl versions half\n"
        "  tensorctl versions localhost:8500/half pin 41\n",
    .run = run,
};
