/* SPDX-License-Identifier: Apache-2.0 */
/* PredictionService.GetModelMetadata (reference 1.4, 10.5), also for the REST page (2.8). */
#ifndef API_METADATA_H
#define API_METADATA_H

#include "api/api.h"

/* A row of api_rpcs. */
void api_metadata(struct exchange *exchange, void *api);

/* The REST page: {"model_spec": ..., "metadata": {"signature_def": ...}}. */
enum code api_metadata_json(const struct api *api, const struct pb_model_spec *spec,
                            struct arena *arena, struct span *json, struct error *err);

#endif
