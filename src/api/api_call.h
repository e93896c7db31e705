/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct api_call: an inference call on its way, the first member of what a method keeps of it. It
 * has two halves: `prepare` (read the message, find the model) and `finish` (run, answer). The
 * first is done on the loop unless the message is large; the second, too, where the run is known to
 * be tiny.
 */
#ifndef API_API_CALL_H
#define API_API_CALL_H

#include "api/api.h"
#include "engine/run.h"

struct api_call {
    struct job job; /* first */
    struct api *api;
    struct exchange *exchange;
    const struct api_call_ops *ops;
    struct servable *servable; /* set by prepare; stays until the exchange's arena is reset */
};

struct api_call_ops {
    /* Reads and finds; no answer yet. */
    enum code (*prepare)(struct api_call *call, struct error *err);

    /* Would running it take less time than handing it over (session_is_tiny)? (optional: never) */
    bool (*is_tiny)(struct api_call *call);

    /* Runs, and answers where all went well. */
    enum code (*finish)(struct api_call *call, struct error *err);

    /* Answers an error of either. */
    void (*fail)(struct api_call *call, const struct error *err);
};

/* Memory for a call, of the exchange's arena: `size` bytes that begin with a struct api_call. */
void *api_call_new(struct api *api, struct exchange *exchange, const struct api_call_ops *ops,
                   size_t size);

/* For the call's record: the model that is asked for, whether there is one or not; NULL: none. */
void api_call_note_model(struct api_call *call, const struct pb_model_spec *spec);

/* Takes it to its answer, here or on a worker. */
void api_call_start(struct api_call *call);

/* What the run of a call is given. */
struct run api_call_run(const struct api_call *call);

/* The `fail` of RPCs. */
void api_call_fail_rpc(struct api_call *call, const struct error *err);

/* What an answer says about the model: its name as asked for, the version that answers, and the
 * signature, where one is concerned. */
struct pb_model_spec *api_call_model_spec(const struct servable *servable, struct span name,
                                          struct span signature_name, struct arena *arena);

#endif
