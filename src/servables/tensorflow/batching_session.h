/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs that need not be over when their start returns: of a session that batches, those of one
 * signature (and choice of outputs) wait for each other and are run as one (reference 5.2, 5.4).
 *
 * Unlike in the original no request spoils another's: those whose shapes do not go together are run
 * one after the other, and when a batch fails each of its requests is run alone, unless the
 * signature changes state. Who has given up is dropped before the run.
 */
#ifndef SERVABLES_TENSORFLOW_BATCHING_SESSION_H
#define SERVABLES_TENSORFLOW_BATCHING_SESSION_H

#include "batching/batch_scheduler.h"
#include "servables/tensorflow/batching_parameters.h"
#include "servables/tensorflow/session.h"

struct batching_session;

/* Of one session, for session_set_batching(). `parameters` are copied, `scheduler` is borrowed. */
struct batching_session *batching_session_new(struct batch_scheduler *scheduler,
                                              const struct batching_parameters *parameters);

/* No run is under way; a thread may still be on its way out of one. NULL is fine. */
void batching_session_free(struct batching_session *batching);

/* One run: what session_run() takes. All of it is the caller's, and stays until on_done(). */
struct session_task {
    struct session_signature *signature;
    const struct tensor *inputs;
    const int *wanted; /* NULL: all */
    size_t wanted_count;
    struct run *run;
    struct tensor *outputs; /* room for all that are wanted */

    /* Called once, with what session_run() would have returned or with what batching says
     * (`Batching Run() ...`, the codes of batch_queue_add(), RESOURCE_EXHAUSTED `Run() timeout
     * exceeded while waiting in batching queue`): by session_task_start() or, later, by a thread of
     * the scheduler. `err` is only read where there is a code. */
    void (*on_done)(struct session_task *task, enum code code, struct error *err);
    void *context; /* the caller's */

    /* The batching session's. */
    struct {
        struct batch_task task;
        struct batching_queue *queue;
        bool is_empty;       /* no rows: nothing can be run with it */
        int done_count;      /* pieces; like the others guarded by the queue's lock */
        bool has_memory;     /* `outputs` have */
        struct error *error; /* the first one; NULL: none */
    } batch;
};

void session_task_start(struct session_task *task);

/* The same run, which waits for no other and is over when this returns: what session_run() says;
 * on_done() is not called. */
enum code session_task_run(const struct session_task *task, struct error *err);

/* Is starting a run sure to be short: is the run, or does it wait for others? `filtered`: it is for
 * some of the outputs only, and a plan may have to be made for them. */
bool session_task_is_tiny(const struct session_signature *signature, bool filtered);

#endif
