/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the server, or one model, answers requests: grpc.health.v1, and what the probes of
 * orchestrators ask over HTTP. */
#ifndef API_HEALTH_H
#define API_HEALTH_H

#include "api/api.h"

/*
 * grpc.health.v1.Health/Check. Services: "" and those of the original ("PredictionService",
 * "ModelService", also with their package) are the server as a whole; any other name is a model's:
 * SERVING when a version of it is available. NOT_FOUND `unknown service` for what is neither.
 */
void api_health_check(struct exchange *exchange, void *context);

/* The same as a value of HealthCheckResponse.ServingStatus; SERVICE_UNKNOWN for what is neither. */
int32_t api_health_of(const struct api *api, struct span service);

/* Does the server as a whole take requests: its first models have come up, and it does not end. */
bool api_is_ready(const struct api *api);

#endif
