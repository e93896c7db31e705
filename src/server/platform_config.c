/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each platform's configuration is an Any, whose type says how the original would load it. Of those
 * for SavedModels the tags, the warm-up, batching and whether a TFLite model is preferred count
 * here; sessions, thread pools and the like have no meaning.
 */
#include "server/platform_config.h"

#include <string.h>

#include "base/log.h"
#include "server/batching.h"
#include "wire/config_text.h"
#include "wire/messages.h"

#define TYPE(name) "tensorflow.serving." name

struct reading {
    struct arena *arena;
    struct tensorflow_options *tensorflow;
};

static enum code take_bundle(struct reading *r, const struct pb_session_bundle_config *c,
                             struct error *err)
{
    struct tensorflow_options *t = r->tensorflow;
    if (c->enable_saved_model_config)
        return error_set(err, CODE_UNIMPLEMENTED,
                         "Saved model config functionality is not implemented.");
    if (c->session_config)
        log_info("session_config is accepted, but has no effect here");
    if (c->saved_model_tags.count) {
        t->session.tags = c->saved_model_tags.items;
        t->session.tag_count = c->saved_model_tags.count;
    }
    const struct pb_model_warmup_options *warmup = c->model_warmup_options;
    t->session.prefers_tflite = c->prefer_tflite_model;
    t->warmup.enabled = c->enable_model_warmup;
    t->warmup.iterations =
        warmup && warmup->num_request_iterations ? warmup->num_request_iterations->value : 0;
    if (!c->batching_parameters)
        return CODE_OK;
    return batching_begin(c->batching_parameters, c->enable_per_model_batching_params,
                          "batch_threads", r->arena, &t->batching, err);
}

static enum code take_saved_models(struct reading *r, struct span bytes, struct error *err)
{
    struct pb_saved_model_bundle_source_adapter_config config;
    static const struct pb_session_bundle_config none;
    enum code code =
        pb_decode(&pb_saved_model_bundle_source_adapter_config_type, bytes, r->arena, &config, err);
    if (code)
        return code;
    return take_bundle(r, config.legacy_config ? config.legacy_config : &none, err);
}

static enum code take_hashmap(struct reading *r, struct span bytes, struct error *err)
{
    struct pb_hashmap_source_adapter_config config;
    enum code code =
        pb_decode(&pb_hashmap_source_adapter_config_type, bytes, r->arena, &config, err);
    if (!code && config.format)
        code = error_set(err, CODE_INVALID_ARGUMENT, "Unrecognized format enum value: %d",
                         config.format);
    return code;
}

static const struct {
    const char *platform;
    const char *type;
    enum code (*take)(struct reading *r, struct span bytes, struct error *err);
} kinds[] = {
    {"tensorflow", TYPE("SavedModelBundleSourceAdapterConfig"), take_saved_models},
    {"hashmap", TYPE("HashmapSourceAdapterConfig"), take_hashmap},
};

/* "type.googleapis.com/full.Name" */
static bool has_type(const struct pb_any *any, const char *name)
{
    size_t slash = 0;
    for (size_t i = 0; i < any->type_url.len; i++)
        slash = any->type_url.ptr[i] == '/' ? i + 1 : slash;
    return span_is(span_sub(any->type_url, slash, any->type_url.len), name);
}

static enum code take(struct reading *r,
                      const struct pb_platform_config_map_platform_configs_entry *e,
                      struct error *err)
{
    const struct pb_any *any = e->value ? e->value->source_adapter_config : NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!span_is(e->key, kinds[i].platform))
            continue;
        if (!any || !has_type(any, kinds[i].type))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "a source_adapter_config of type %s is expected, not '%.*s'",
                             kinds[i].type, any ? (int)any->type_url.len : 0,
                             any ? any->type_url.ptr : "");
        return kinds[i].take(r, any->value, err);
    }
    return CODE_OK; /* another's, from a library: whether there is one shows when it is named */
}

enum code platform_config_read(const char *path, struct arena *arena,
                               struct tensorflow_options *tensorflow,
                               struct platform_config *config, struct error *err)
{
    struct pb_platform_config_map map;
    struct reading r = {arena, tensorflow};
    enum code code = config_text_read(path, &pb_platform_config_map_type, arena, &map, err);
    if (code)
        return code;
    struct span *names = ARENA_ARRAY(arena, struct span, map.platform_configs.count);
    for (size_t i = 0; !code && i < map.platform_configs.count; i++) {
        const struct pb_platform_config_map_platform_configs_entry *entry =
            &map.platform_configs.items[i];
        names[i] = entry->key;
        code = take(&r, entry, err);
        if (code)
            error_prefix(err, "%s: platform '%.*s': ", path, SPAN_ARG(entry->key));
    }
    *config = (struct platform_config){names, map.platform_configs.count};
    return code;
}

bool platform_config_has(const struct platform_config *config, const char *name)
{
    for (size_t i = 0; i < config->count; i++)
        if (span_is(config->names[i], name))
            return true;
    return false;
}
