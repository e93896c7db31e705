/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct api_call: an inference call on its way, the first member of what a method keeps of it. It
 * has three parts: `prepare` (read the message, find the model), `start` (read the values, begin
 * the run) and, once the run is over, `answer`. The first is done on the loop unless the message is
 * large; the second, too, where it is known to be short; the third wherever the run ended.
 */
#ifndef API_API_CALL_H
#define API_API_CALL_H

#include "api/api.h"
#include "api/request_log.h"
#include "servables/tensorflow/batching_session.h"

struct api_call {
    struct job job; /* first */
    struct api *api;
    struct exchange *exchange;
    const struct api_call_ops *ops;
    struct servable *servable; /* set by prepare; stays until the exchange's arena is reset */
    struct run run;            /* what runs are given: the exchange's, or an earlier deadline */
    /* Set by api_call_find() when the model is not in memory: prepare fails, the call waits for it,
     * and is prepared again. */
    bool waits;
    struct servable_request wanted;
    struct api_call *next_waiting; /* the waiting room's */
};

struct api_call_ops {
    /* Reads and finds; no answer yet. May be called again after it found a model to wait for. */
    enum code (*prepare)(struct api_call *call, struct error *err);

    /* Would starting it take less time than handing it over (session_task_is_tiny)? (optional:
     * never) */
    bool (*is_tiny)(struct api_call *call);

    /* Begins the run, at whose end api_call_end() is called: by this, or later by any thread. With
     * a code it has not begun. (optional: there is nothing to run) */
    enum code (*start)(struct api_call *call, struct error *err);

    /* Answers, after a run that went well. */
    enum code (*answer)(struct api_call *call, struct error *err);

    /* Answers an error of either. */
    void (*fail)(struct api_call *call, const struct error *err);
};

/* Memory for a call, of the exchange's arena: `size` bytes that begin with a struct api_call. */
void *api_call_new(struct api *api, struct exchange *exchange, const struct api_call_ops *ops,
                   size_t size);

/* For the call's record: the model that is asked for, whether there is one or not; NULL: none. */
void api_call_note_model(struct api_call *call, const struct pb_model_spec *spec);

/* Ditto: the signature, by the version's own name for it. */
void api_call_note_signature(struct api_call *call, struct span name);

/* The call has succeeded: logs it if that is asked for and it is drawn. */
void api_call_log(struct api_call *call, enum prediction_log_kind kind, struct span request,
                  struct span response);

/* The same where the messages have yet to be made: draws, and true if they are to be. */
bool api_call_is_logged(struct api_call *call, struct request_log_choice *choice);
void api_call_log_chosen(struct api_call *call, struct request_log_choice *choice,
                         enum prediction_log_kind kind, struct span request, struct span response);

/* Takes it to its answer, here or on a worker. */
void api_call_start(struct api_call *call);

/* Goes on with one that has waited: on a worker. */
void api_call_resume(struct api_call *call);

/* Finds the servable that a model_spec asks for (reference 4.13, 10.1), for call->servable:
 * `Missing ModelSpec`, `ModelSpec has no name specified.`, and what manager_want() says. It stays
 * until the arena is reset: what a run leaves there (frames of a plan, references on variables)
 * goes back to the servable then, and may be part of the answer before. To be called by `prepare`,
 * which returns its code. */
enum code api_call_find_any(struct api_call *call, const struct pb_model_spec *spec,
                            struct error *err);

/* The same, which must be a SavedModel: INVALID_ARGUMENT `Servable type doesn't match the asked for
 * type.` */
enum code api_call_find(struct api_call *call, const struct pb_model_spec *spec, struct error *err);

/* The run that `start` has begun is over: answers, or fails with the error. */
void api_call_end(struct api_call *call, enum code code, const struct error *err);

/* Makes a task one for the call's run, with whose end the call goes on. */
void api_call_set_task(struct api_call *call, struct session_task *task);

/* The `fail` of RPCs. */
void api_call_fail_rpc(struct api_call *call, const struct error *err);

/* What an answer says about the model: its name as asked for, the version that answers, and the
 * signature, where one is concerned. */
struct pb_model_spec *api_call_model_spec(const struct servable *servable, struct span name,
                                          struct span signature_name, struct arena *arena);

#endif
