/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Predict on a loaded SavedModel (reference 6.3, 10.2): the checks of a request against its
 * signature, in the original's order and words, the run, and the answer. Knows messages and
 * tensors, no transport and no model lookup.
 */
#ifndef SERVABLES_TENSORFLOW_PREDICT_H
#define SERVABLES_TENSORFLOW_PREDICT_H

#include "servables/tensorflow/batching_session.h"
#include "tensor/tensor_json.h"
#include "wire/messages.h"

/* The signature that a request names (empty: "serving_default"). FAILED_PRECONDITION `Serving
 * signature key "S" not found.` */
enum code predict_signature(struct session *session, struct span name,
                            struct session_signature **signature, struct error *err);

struct predict_filter {
    const struct span *aliases;
    size_t count;
};

/* The two halves around the run of a task, whose signature and run are set. The first takes named
 * tensors: it checks the aliases, fills in the signature's defaults, applies the output filter (in
 * its order; NULL: all outputs, by alias). The second names what came out. All lies in
 * run->arena. */
enum code predict_begin(struct session_task *task, const struct named_tensor *inputs,
                        size_t input_count, const struct predict_filter *filter, struct error *err);
enum code predict_end(const struct session_task *task, struct named_tensor **outputs,
                      size_t *output_count, struct error *err);

/* Both, with a run between them that waits for no other. */
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

/* Is starting the run of a request sure to be short: session_task_is_tiny(), and none of its inputs
 * is large? A message of a few bytes may be a large one (TENSOR_PROTO_SPLAT_MAX). */
bool predict_is_tiny(const struct session_signature *signature,
                     const struct pb_predict_request *request);

/* The same of JSON: what the reader is to find, one per input of the signature, and a request's
 * inputs as `found->tensors` (tensor/tensor_json.h). In the arena. */
struct tensor_json_input *predict_json_inputs(const struct session_signature *signature,
                                              struct arena *arena);
enum code predict_decode_json(const struct session_signature *signature,
                              const struct json_value *root, struct arena *arena,
                              struct tensor_json_found *found, struct error *err);

/* The two halves of a Predict call but for the model lookup, around the run of a task, whose `run`
 * is set; `response` lacks only model_spec.name and version. */
enum code predict_message_begin(struct session *session, const struct pb_predict_request *request,
                                struct session_task *task, struct error *err);
enum code predict_message_end(const struct session_task *task, bool content,
                              struct pb_predict_response *response, struct error *err);

/* Both, with a run between them that waits for no other. */
enum code predict(struct session *session, const struct pb_predict_request *request, bool content,
                  struct run *run, struct pb_predict_response *response, struct error *err);

#endif
