/* SPDX-License-Identifier: Apache-2.0 */
#include "api/get_config.h"

#include "api/model_server_config.h"

struct answer {
    struct arena *arena;
    struct pb_model_server_config *config;
};

/* The core's lock is held. */
static void write_config(const struct model_configs *configs, void *context)
{
    struct answer *answer = context;
    answer->config = api_model_configs_message(configs, answer->arena);
}

void api_get_config(struct exchange *exchange, void *context)
{
    const struct api *api = context;
    struct answer answer = {.arena = &exchange->arena};
    server_core_read_configs(api->core, write_config, &answer);
    struct pb_get_config_response response = {.config = answer.config};
    api_answer(exchange, &pb_get_config_response_type, &response);
}
