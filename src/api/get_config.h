/* SPDX-License-Identifier: Apache-2.0 */
/* tensord.Administration/GetConfig: the configuration in force, as HandleReloadConfigRequest takes
 * it. */
#ifndef API_GET_CONFIG_H
#define API_GET_CONFIG_H

#include "api/api.h"

/* A row of api_rpcs. */
void api_get_config(struct exchange *exchange, void *api);

#endif
