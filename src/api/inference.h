/* SPDX-License-Identifier: Apache-2.0 */
/* PredictionService.Classify, Regress and MultiInference (reference 1.4, 6.4, 10.3, 10.4). */
#ifndef API_INFERENCE_H
#define API_INFERENCE_H

#include "net/exchange.h"

/* Rows of api_rpcs. */
void api_classify(struct exchange *exchange, void *api);
void api_regress(struct exchange *exchange, void *api);
void api_multi_inference(struct exchange *exchange, void *api);

#endif
