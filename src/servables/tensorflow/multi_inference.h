/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MultiInference (reference 1.4, 10.4): several signatures of one model, as classifiers and
 * regressors, on the same examples. Their outputs come from one run of the graph.
 */
#ifndef SERVABLES_TENSORFLOW_MULTI_INFERENCE_H
#define SERVABLES_TENSORFLOW_MULTI_INFERENCE_H

#include "servables/tensorflow/inference.h"
#include "wire/messages.h"

/* A call on its way. */
struct multi_inference {
    const struct pb_serialized_multi_request *request;
    struct inference_head *heads; /* a head for each task of the request */
    size_t head_count;
    struct tensor examples;
    const struct savedmodel_signature *joined; /* of all heads; NULL: there is but one head, or more
                                                  choices of heads are in use than are kept */
};

/* The two halves around the run of `task`, whose `run` is set. Without a task->signature nothing
 * is to be run in between. */
enum code multi_inference_begin(struct session *session,
                                const struct pb_serialized_multi_request *request,
                                struct session_task *task, struct multi_inference *m,
                                struct error *err);
enum code multi_inference_end(const struct multi_inference *m, const struct session_task *task,
                              struct pb_multi_inference_response *response, struct error *err);

/* Both, with a run between them that waits for no other.
 *
 * A result for each task, in their order; of its model_spec the version is left to the caller. The
 * checks go task by task, in the original's order and words; the input is looked at after them. */
enum code multi_inference(struct session *session,
                          const struct pb_serialized_multi_request *request, struct run *run,
                          struct pb_multi_inference_response *response, struct error *err);

#endif
