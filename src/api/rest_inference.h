/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/models/<name>:classify and :regress (reference 2.7, 2.9). */
#ifndef API_REST_INFERENCE_H
#define API_REST_INFERENCE_H

#include "api/api.h"
#include "api/rest_url.h"

/* Each answers the exchange, here or from a worker. */
void rest_classify(struct api *api, struct exchange *exchange, const struct rest_url *url);
void rest_regress(struct api *api, struct exchange *exchange, const struct rest_url *url);

#endif
