/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MultiInference (reference 1.4, 10.4): several signatures of one model, as classifiers and
 * regressors, on the same examples. Their outputs come from one run of the graph.
 */
#ifndef SERVABLES_TENSORFLOW_MULTI_INFERENCE_H
#define SERVABLES_TENSORFLOW_MULTI_INFERENCE_H

#include "servables/tensorflow/session.h"
#include "wire/messages.h"

/* A result for each task, in their order; of its model_spec the version is left to the caller. The
 * checks go task by task, in the original's order and words; the input is looked at after them. */
enum code multi_inference(struct session *session,
                          const struct pb_serialized_multi_request *request, struct run *run,
                          struct pb_multi_inference_response *response, struct error *err);

#endif
