/* SPDX-License-Identifier: Apache-2.0 */
#include "api/model_server_config.h"

#include "base/check.h"

/* pb_model_server_config.config_case, policy_choice_case: the numbers of the fields. */
enum {
    CONFIG_LIST = 1,
    CONFIG_CUSTOM = 2,
    POLICY_LATEST = 100,
    POLICY_ALL = 101,
    POLICY_SPECIFIC = 102,
};

static enum code read_platform(const struct pb_model_config *message, struct model_config *model,
                               struct error *err)
{
    bool has_type = message->model_type != PB_MODEL_TYPE_MODEL_TYPE_UNSPECIFIED;
    bool has_platform = message->model_platform.len > 0;
    if (has_type == has_platform)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Illegal setting %s ModelServerConfig::model_type (deprecated) %s "
                         "ModelServerConfig::model_platform, model name is %s",
                         has_type ? "both" : "neither", has_type ? "and" : "nor", model->name);
    if (has_type && message->model_type != PB_MODEL_TYPE_TENSORFLOW)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "ModelServerConfig::model_type choice %d not supported.",
                         message->model_type);
    model->platform = has_type ? SPAN_LITERAL("tensorflow") : message->model_platform;
    return CODE_OK;
}

static enum code read_path(const struct pb_model_config *message, struct model_config *model,
                           struct error *err)
{
    if (strstr(model->base_path, "://"))
        return error_set(err, CODE_UNIMPLEMENTED,
                         "Model %s: base_path %s: only folders of this machine can be served, not "
                         "URIs",
                         model->name, model->base_path);
    if (!span_starts_with(message->base_path, SPAN_LITERAL("/")))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected model %s to have an absolute path or URI; got base_path()=%s",
                         model->name, model->base_path);
    return CODE_OK;
}

static struct version_policy read_policy(const struct pb_model_config *message, struct arena *arena)
{
    const struct pb_file_system_storage_path_source_config_servable_version_policy *policy =
        message->model_version_policy;
    struct version_policy read = {.kind = VERSION_POLICY_LATEST, .latest = 1};
    if (policy && policy->policy_choice_case == POLICY_LATEST) {
        read.latest = policy->latest->num_versions;
    } else if (policy && policy->policy_choice_case == POLICY_ALL) {
        read.kind = VERSION_POLICY_ALL;
    } else if (policy && policy->policy_choice_case == POLICY_SPECIFIC) {
        size_t count = policy->specific->versions.count;
        int64_t *versions = ARENA_ARRAY(arena, int64_t, count + 1);
        for (size_t i = 0; i < count; i++)
            versions[i] = pb_get_int64(policy->specific->versions, i);
        read = (struct version_policy){
            .kind = VERSION_POLICY_SPECIFIC, .specific = versions, .specific_count = count};
    }
    return read;
}

/* Of a map's entries with one key the last one counts. */
static void read_labels(const struct pb_model_config *message, struct model_config *model,
                        struct arena *arena)
{
    size_t count = message->version_labels.count;
    struct model_label *labels = ARENA_ARRAY(arena, struct model_label, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct pb_model_config_version_labels_entry *entry =
            &message->version_labels.items[i];
        size_t k = 0;
        while (k < model->label_count && !span_equal(labels[k].label, entry->key))
            k++;
        labels[k] = (struct model_label){arena_copy(arena, entry->key), entry->value};
        model->label_count += k == model->label_count;
    }
    model->labels = labels;
}

/* Of the tasks that have a rate of their own we are the one without a name and a number. */
static double rate_of(const struct pb_sampling_config *sampling)
{
    for (size_t i = 0; sampling && i < sampling->per_task_sampling_configs.count; i++) {
        const struct pb_per_task_sampling_config *task =
            &sampling->per_task_sampling_configs.items[i];
        if (!task->dc.len && !task->has_task_index)
            return task->sampling_rate;
    }
    return sampling ? sampling->sampling_rate : 0;
}

static void read_loggings(const struct pb_model_config *message, struct model_config *model,
                          struct arena *arena)
{
    size_t count = message->logging_config.count;
    struct model_logging *loggings = ARENA_ARRAY(arena, struct model_logging, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct pb_logging_config *config = &message->logging_config.items[i];
        const struct pb_log_collector_config *collector = config->log_collector_config;
        loggings[i] = (struct model_logging){
            .type = collector ? arena_copy(arena, collector->type) : (struct span){0},
            .prefix = collector ? arena_copy(arena, collector->filename_prefix) : (struct span){0},
            .rate = rate_of(config->sampling_config),
            .config = pb_encode(&pb_logging_config_type, config, arena),
        };
    }
    model->loggings = loggings;
    model->logging_count = count;
}

static enum code read_model(const struct pb_model_config *message, struct arena *arena,
                            struct model_config *model, struct error *err)
{
    model->name = arena_strdup(arena, message->name);
    model->base_path = arena_strdup(arena, message->base_path);
    model->policy = read_policy(message, arena);
    model->always_loaded = message->always_loaded;
    read_labels(message, model, arena);
    if (!message->name.len)
        return error_set(err, CODE_INVALID_ARGUMENT, "A model without a name: base_path is '%s'",
                         model->base_path);
    enum code code = read_path(message, model, err);
    if (!code)
        code = read_platform(message, model, err);
    model->platform = arena_copy(arena, model->platform);
    read_loggings(message, model, arena);
    return code;
}

bool api_is_model_list(const struct pb_model_server_config *message)
{
    return message->config_case == CONFIG_LIST;
}

enum code api_model_configs(const struct pb_model_server_config *message,
                            struct model_configs **result, struct error *err)
{
    *result = NULL;
    if (message->config_case == CONFIG_CUSTOM)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "ModelServer does not yet support custom model config.");
    if (message->config_case != CONFIG_LIST)
        return CODE_OK;
    const struct pb_model_config_list *list = message->model_config_list;
    struct model_configs *configs = model_configs_new();
    configs->models = ARENA_ARRAY(&configs->arena, struct model_config, list->config.count + 1);
    configs->count = list->config.count;
    enum code code = CODE_OK;
    for (size_t i = 0; !code && i < configs->count; i++)
        code = read_model(&list->config.items[i], &configs->arena, &configs->models[i], err);
    if (code)
        model_configs_free(configs);
    else
        *result = configs;
    return code;
}

/* ---- the way back ---- */

typedef struct pb_file_system_storage_path_source_config_servable_version_policy policy_message;

static policy_message *write_policy(const struct version_policy *policy, struct arena *arena)
{
    policy_message *message = ARENA_NEW(arena, policy_message);
    switch (policy->kind) {
    case VERSION_POLICY_LATEST:
        message->policy_choice_case = POLICY_LATEST;
        message->latest = ARENA_NEW(arena, __typeof__(*message->latest));
        message->latest->num_versions = policy->latest;
        break;
    case VERSION_POLICY_ALL:
        message->policy_choice_case = POLICY_ALL;
        message->all = ARENA_NEW(arena, __typeof__(*message->all));
        break;
    case VERSION_POLICY_SPECIFIC:
        message->policy_choice_case = POLICY_SPECIFIC;
        message->specific = ARENA_NEW(arena, __typeof__(*message->specific));
        message->specific->versions = (struct pb_int64s){
            arena_copy(arena, span_make(policy->specific,
                                        policy->specific_count * sizeof *policy->specific))
                .ptr,
            policy->specific_count};
        break;
    }
    return message;
}

static void write_model(const struct model_config *model, struct arena *arena,
                        struct pb_model_config *message)
{
    message->name = arena_copy(arena, span_of(model->name));
    message->base_path = arena_copy(arena, span_of(model->base_path));
    message->model_platform = arena_copy(arena, model->platform);
    message->always_loaded = model->always_loaded;
    message->model_version_policy = write_policy(&model->policy, arena);
    message->version_labels.count = model->label_count;
    message->version_labels.items =
        ARENA_ARRAY(arena, struct pb_model_config_version_labels_entry, model->label_count + 1);
    for (size_t i = 0; i < model->label_count; i++)
        message->version_labels.items[i] = (struct pb_model_config_version_labels_entry){
            .key = arena_copy(arena, model->labels[i].label),
            .value = model->labels[i].version,
        };
}

static void write_loggings(const struct model_config *model, struct arena *arena,
                           struct pb_model_config *message)
{
    size_t count = model->logging_count;
    message->logging_config.count = count;
    message->logging_config.items = ARENA_ARRAY(arena, struct pb_logging_config, count + 1);
    for (size_t i = 0; i < count; i++)
        CHECK(!pb_decode(&pb_logging_config_type, arena_copy(arena, model->loggings[i].config),
                         arena, &message->logging_config.items[i], NULL));
}

struct pb_model_server_config *api_model_configs_message(const struct model_configs *configs,
                                                         struct arena *arena)
{
    struct pb_model_server_config *message = ARENA_NEW(arena, struct pb_model_server_config);
    message->config_case = CONFIG_LIST;
    message->model_config_list = ARENA_NEW(arena, struct pb_model_config_list);
    message->model_config_list->config.count = configs->count;
    message->model_config_list->config.items =
        ARENA_ARRAY(arena, struct pb_model_config, configs->count + 1);
    for (size_t i = 0; i < configs->count; i++) {
        struct pb_model_config *item = &message->model_config_list->config.items[i];
        write_model(&configs->models[i], arena, item);
        write_loggings(&configs->models[i], arena, item);
    }
    return message;
}
