/* SPDX-License-Identifier: Apache-2.0 */
/* PredictionService.Predict (reference 1.4, 6.3, 10.2). */
#ifndef API_PREDICT_H
#define API_PREDICT_H

#include "net/exchange.h"

/* A row of api_rpcs. */
void api_predict(struct exchange *exchange, void *api);

#endif
