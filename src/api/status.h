/* SPDX-License-Identifier: Apache-2.0 */
/* ModelService.GetModelStatus (reference 1.5, 10.1), also for the REST page. */
#ifndef API_STATUS_H
#define API_STATUS_H

#include "api/api.h"

/* A row of api_rpcs. */
void api_status(struct exchange *exchange, void *api);

/* The states of a name's versions, highest first, or of one version; a label is ignored, as the
 * original does. NOT_FOUND `Could not find any versions of model <name>`, `Could not find version V
 * of model M`. */
enum code api_status_get(const struct api *api, const struct pb_model_spec *spec,
                         struct arena *arena, struct pb_get_model_status_response *response,
                         struct error *err);

/* A JSON object with the names of all models and the states of their versions; ours, not the
 * original's. */
struct span api_status_list(const struct api *api, struct arena *arena);

#endif
