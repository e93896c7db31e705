/* SPDX-License-Identifier: Apache-2.0 */
/* PredictionService.Classify, Regress and MultiInference (reference 1.4, 6.4, 10.3, 10.4). */
#ifndef API_INFERENCE_H
#define API_INFERENCE_H

#include "api/api_call.h"
#include "servables/tensorflow/inference.h"

/* Rows of api_rpcs. */
void api_classify(struct exchange *exchange, void *api);
void api_regress(struct exchange *exchange, void *api);
void api_multi_inference(struct exchange *exchange, void *api);

/* ---- Classify and Regress, by whatever protocol ---- */

struct inference_call {
    struct api_call call; /* first */
    const struct inference_kind *kind;
    struct pb_serialized_request request;
    struct inference_head head;
    struct tensor examples;
    struct session_task task;
};

/* Finds model and signature for a request that was read. */
enum code inference_call_find(struct inference_call *call, struct error *err);

/* What struct api_call_ops wants of them. */
bool inference_call_is_tiny(struct api_call *call);
enum code inference_call_start(struct api_call *call, struct error *err);

enum prediction_log_kind inference_call_log_kind(const struct inference_call *call);

/* The bytes of a ClassificationResponse or RegressionResponse. RESOURCE_EXHAUSTED. */
enum code inference_call_encode(const struct inference_call *call,
                                const struct pb_inference_result *result, struct span *bytes,
                                struct error *err);

#endif
