/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Predict on a loaded SavedModel (reference 6.3, 10.2): the checks of a request against its
 * signature, in the original's order and words, the run, and the answer. Knows messages and
 * tensors, no transport and no model lookup.
 */
#ifndef SERVABLES_TENSORFLOW_PREDICT_H
#define SERVABLES_TENSORFLOW_PREDICT_H

#include "servables/tensorflow/session.h"
#include "tensor/tensor_json.h"
#include "wire/messages.h"

/* The signature that a request names (empty: "serving_default"). FAILED_PRECONDITION `Serving
 * signature key "S" not found.` */
enum code predict_signature(struct session *session, struct span name,
                            struct session_signature **signature, struct error *err);

/* Runs a signature on named tensors: checks the aliases, fills in the signature's defaults, applies
 * the output filter (in its order; NULL: all outputs, by alias). *outputs lies in run->arena, as
 * many as *output_count. */
struct predict_filter {
    const struct span *aliases;
    size_t count;
};
enum code predict_run(struct session_signature *signature, const struct named_tensor *inputs,
                      size_t input_count, const struct predict_filter *filter, struct run *run,
                      struct named_tensor **outputs, size_t *output_count, struct error *err);

/* A request's inputs as named tensors, in the arena, and back: with `content`, outputs are written
 * as tensor_content. The number of inputs is checked before they are decoded, and the signature's
 * method before that. */
enum code predict_decode(const struct session_signature *signature,
                         const struct pb_predict_request *request, struct arena *arena,
                         struct named_tensor **inputs, struct error *err);
void predict_encode(const struct named_tensor *outputs, size_t count, bool content,
                    struct arena *arena, struct pb_predict_response *response);

/* The same of JSON: what the reader is to find, one per input of the signature, and a request's
 * inputs as `found->tensors` (tensor/tensor_json.h). In the arena. */
struct tensor_json_input *predict_json_inputs(const struct session_signature *signature,
                                              struct arena *arena);
enum code predict_decode_json(const struct session_signature *signature,
                              const struct json_value *root, struct arena *arena,
                              struct tensor_json_found *found, struct error *err);

/* The whole of a Predict call but the model lookup; `response` lacks only model_spec.name and
 * version. */
enum code predict(struct session *session, const struct pb_predict_request *request, bool content,
                  struct run *run, struct pb_predict_response *response, struct error *err);

#endif
