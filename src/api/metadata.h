/* SPDX-License-Identifier: Apache-2.0 */
/* PredictionService.GetModelMetadata (reference 1.4, 10.5). */
#ifndef API_METADATA_H
#define API_METADATA_H

#include "api/api_call.h"

/* A row of api_rpcs. */
void api_metadata(struct exchange *exchange, void *api);

/* The signatures of the model that a call has found, in the exchange's arena, and the `is_tiny` of
 * calls that ask for no more. */
void metadata_signatures(const struct api_call *call, struct pb_signature_def_map *map);
bool metadata_is_tiny(struct api_call *call);

#endif
