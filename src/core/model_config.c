/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model_config.h"

#include <stdlib.h>

#include "base/check.h"

struct model_configs *model_configs_new(void)
{
    struct model_configs *configs = calloc(1, sizeof *configs);
    CHECK(configs && "out of memory");
    arena_init(&configs->arena, ARENA_FIRST_BLOCK);
    map_init(&configs->by_name, &configs->arena);
    return configs;
}

void model_configs_free(struct model_configs *configs)
{
    if (!configs)
        return;
    arena_release(&configs->arena);
    free(configs);
}
