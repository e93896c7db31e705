/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/models/<name>:predict (reference 2.4 to 2.6, 2.9). */
#ifndef API_REST_PREDICT_H
#define API_REST_PREDICT_H

#include "api/api.h"
#include "api/rest_url.h"

/* Answers the exchange, here or from a worker. */
void rest_predict(struct api *api, struct exchange *exchange, const struct rest_url *url);

#endif
