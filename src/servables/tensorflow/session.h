/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct session: one loaded version of a SavedModel, ready to run: its state restored and
 * initialised, a plan per signature. Loading happens on one thread; afterwards any number of
 * threads run it.
 */
#ifndef SERVABLES_TENSORFLOW_SESSION_H
#define SERVABLES_TENSORFLOW_SESSION_H

#include "engine/plan.h"
#include "savedmodel/savedmodel.h"

struct session;

struct session_options {
    const struct span *tags; /* NULL: { serve } */
    size_t tag_count;
    bool only_check;          /* nothing is restored and nothing can be run: would it load? */
    bool checks_method_names; /* a call asks for a signature that was exported for its method */
    bool prefers_tflite;      /* a model.tflite counts, if there is one, not the SavedModel */
};

/* Loads `dir`. Codes and texts of reference 6.1; UNIMPLEMENTED with the list of all ops that are
 * missing; else what restoring or initialising says. A signature that can not be compiled otherwise
 * is no obstacle: calling it gives the error. */
enum code session_load(const char *dir, const struct session_options *options,
                       struct session **session, struct error *err);
void session_free(struct session *session);

/* How long the parts of loading took that have a name of their own; 0: there was none. */
struct session_setup {
    int64_t restore_us;
    int64_t init_us;
};
struct session_setup session_setup(const struct session *session);

const struct savedmodel *session_model(const struct session *session);

/* One signature, by name; NULL when there is none (or it is the initialiser's). */
struct session_signature;
struct session_signature *session_find(struct session *session, struct span name);
const struct savedmodel_signature *
session_signature_info(const struct session_signature *signature);

/* How its runs are put together (batching_session.h); owned by whoever set it, who takes it away
 * before the session goes. NULL, to begin with: each runs by itself. Before the first run. */
struct batching_session;
void session_set_batching(struct session *session, struct batching_session *batching);
struct batching_session *session_batching(const struct session *session);
struct session *session_of(const struct session_signature *signature);

/* Does a run write to variables, tables and the like, so that it may not be made twice? */
bool session_changes_state(const struct session_signature *signature);

/* The session's option of that name. */
bool session_checks_method_names(const struct session_signature *signature);

/* A signature made of others' tensors, to run several as one: its inputs and outputs are those
 * given, each tensor once, sorted by name, with the tensor's name as alias. Made when it is first
 * asked for and kept; NULL when so many are kept that another would be too much. Where it can not
 * be compiled, running it says why. Any thread. */
struct session_signature *session_join(struct session *session,
                                       const struct savedmodel_signature *tensors);

/* Runs it. `inputs`: one tensor per input of the signature, in the order of its (sorted) inputs.
 * `wanted`: output numbers in the order of the (sorted) outputs, NULL: all. `outputs` has room for
 * `wanted_count` (or all). The data lives until run->arena is reset. run->resources is set here. */
enum code session_run(struct session_signature *signature, const struct tensor *inputs,
                      const int *wanted, size_t wanted_count, struct run *run,
                      struct tensor *outputs, struct error *err);

/* Smoothed time of a run in nanoseconds; 0 before the first. Any thread. */
int64_t session_run_ns(const struct session_signature *signature);

/* Is a run so short that handing it to another thread would cost more than making it
 * (SESSION_TINY_NS; once tiny, up to twice as long)? For the first runs, and of a plan with a
 * loop, whose next run may take any time: no. Any thread. */
bool session_is_tiny(const struct session_signature *signature);

enum { SESSION_TINY_NS = 50 * 1000 }; /* about what waking an idle core costs */

/* What the plan looks like; false when the signature could not be compiled. */
bool session_describe(struct session_signature *signature, struct plan_info *info);

#endif
