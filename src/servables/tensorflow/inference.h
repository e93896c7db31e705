/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Classify, Regress and MultiInference have in common (reference 6.4, 10.3). A struct
 * inference_head is one signature seen as a classifier or a regressor: checked once for its
 * structure, it says which outputs to fetch and how they become a result.
 */
#ifndef SERVABLES_TENSORFLOW_INFERENCE_H
#define SERVABLES_TENSORFLOW_INFERENCE_H

#include "servables/tensorflow/batching_session.h"
#include "wire/messages.h"

enum { INFERENCE_OUTPUTS_MAX = 2 };

struct inference_head {
    const struct inference_kind *kind;
    struct session_signature *signature;
    const struct savedmodel_signature *info;
    int wanted[INFERENCE_OUTPUTS_MAX]; /* numbers of the signature's outputs, rising */
    size_t wanted_count;
};

struct inference_kind {
    const char *method_name; /* "tensorflow/serving/classify" */
    const char *noun;        /* "classification": for messages */

    /* Finds the outputs to fetch. INVALID_ARGUMENT for a signature of another structure; `arena` is
     * for the text. */
    enum code (*check)(struct inference_head *head, struct arena *arena, struct error *err);

    /* Writes the fetched tensors, as many as head->wanted_count, into the result. INVALID_ARGUMENT
     * where they are not what the method returns for `examples` examples. */
    enum code (*fill)(const struct inference_head *head, const struct tensor *outputs,
                      int64_t examples, struct arena *arena, struct pb_inference_result *result,
                      struct error *err);
};

/* The name that stands for no name. */
struct span inference_signature_name(struct span name);

/* Checks `head->signature` as one of a kind; with the session's checks_method_names its declared
 * method too. */
enum code inference_check(struct inference_head *head, const struct inference_kind *kind,
                          struct session_signature *signature, struct arena *arena,
                          struct error *err);

/* The same by name. INVALID_ARGUMENT `No signature was found with the name: S`. */
enum code inference_find(struct session *session, struct span name,
                         const struct inference_kind *kind, struct arena *arena,
                         struct inference_head *head, struct error *err);

/* Is starting a run sure to be short (session_task_is_tiny)? A context is copied before each
 * example, which may take long. */
bool inference_is_tiny(const struct inference_head *head, const struct pb_serialized_input *input);

/* The two halves around the run of a task, whose `run` is set: what is to be run on the examples
 * (which stay), and the result's oneof of what came out. */
void inference_begin(const struct inference_head *head, const struct tensor *examples,
                     struct session_task *task);
enum code inference_end(const struct inference_head *head, const struct session_task *task,
                        struct pb_inference_result *result, struct error *err);

/* Both, with a run between them that waits for no other. */
enum code inference_run(const struct inference_head *head, const struct tensor *examples,
                        struct run *run, struct pb_inference_result *result, struct error *err);

/* pb_inference_result.result_case: the numbers of its fields. */
enum {
    INFERENCE_CLASSIFICATION = 2,
    INFERENCE_REGRESSION = 3,
};

/* ---- for the kinds ---- */

/* The input is named "inputs": else `No <noun> inputs found in SignatureDef: <text>`. */
enum code inference_check_input(const struct inference_head *head, struct arena *arena,
                                struct error *err);

/* Adds the output of this alias to those that are fetched; false if there is none. */
bool inference_want(struct inference_head *head, const char *alias);

/* The signature in protobuf's text format. */
struct span inference_signature_text(const struct inference_head *head, struct arena *arena);

/* Cleared memory for `count` items of a result, which are as many as a client asks for; NULL when
 * there is none. */
void *inference_items(struct arena *arena, size_t count, size_t size, struct error *err);

#endif
