/* SPDX-License-Identifier: Apache-2.0 */
/* A ModelServerConfig message, from a file or a request, as what the core reads (reference 1.7,
 * 4.12). */
#ifndef API_MODEL_SERVER_CONFIG_H
#define API_MODEL_SERVER_CONFIG_H

#include "core/model_config.h"
#include "wire/messages.h"

bool api_is_model_list(const struct pb_model_server_config *message);

/*
 * *configs, owned by the caller; NULL with OK when the message has no list, which asks for nothing.
 * INVALID_ARGUMENT, in the original's words: `ModelServer does not yet support custom model
 * config.`, `Illegal setting both ModelServerConfig::model_type (deprecated) and
 * ModelServerConfig::model_platform, model name is X`, `Illegal setting neither ...`,
 * `ModelServerConfig::model_type choice N not supported.`, `Expected model X to have an absolute
 * path or URI; got base_path()=P`; UNIMPLEMENTED for a URI.
 */
enum code api_model_configs(const struct pb_model_server_config *message,
                            struct model_configs **configs, struct error *err);

/* The way back, copied into the arena: a message that reads as the same configuration. */
struct pb_model_server_config *api_model_configs_message(const struct model_configs *configs,
                                                         struct arena *arena);

#endif
