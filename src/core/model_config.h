/* SPDX-License-Identifier: Apache-2.0 */
/* struct model_configs: which models there are to be: what a configuration file or a reload request
 * says, read. */
#ifndef CORE_MODEL_CONFIG_H
#define CORE_MODEL_CONFIG_H

#include "base/map.h"
#include "core/version_policy.h"

struct model_label {
    struct span label;
    int64_t version;
};

/* Where requests are logged, and how many of them. */
struct model_logging {
    struct span type;   /* of the collector */
    struct span prefix; /* of its files' names */
    double rate;        /* 0 to 1 */
    struct span config; /* the whole message; whoever has the same shares a logger */
};

struct model_config {
    const char *name;
    const char *base_path;
    struct span platform; /* what it asks for */
    struct version_policy policy;
    bool always_loaded; /* where models are lazy */
    const struct model_label *labels;
    size_t label_count;
    const struct model_logging *loggings;
    size_t logging_count;
};

/* Owned by whoever has it; it and all that it points to lies in its own arena. */
struct model_configs {
    struct arena arena;
    struct model_config *models;
    size_t count;
    struct map by_name; /* to struct model_config; filled by server_core_reload() */
};

struct model_configs *model_configs_new(void);
void model_configs_free(struct model_configs *configs); /* NULL is fine */

#endif
