/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/models/<name>/metadata (reference 2.8). */
#ifndef API_REST_METADATA_H
#define API_REST_METADATA_H

#include "api/api.h"
#include "api/rest_url.h"

/* Answers the exchange, here or from a worker. */
void rest_metadata(struct api *api, struct exchange *exchange, const struct rest_url *url);

#endif
