/* SPDX-License-Identifier: Apache-2.0 */
/* --enable_batching and its files: how requests are put together, and the threads that run them. */
#ifndef SERVER_BATCHING_H
#define SERVER_BATCHING_H

#include "servables/tensorflow/loader.h"
#include "server/options.h"

struct pb_batching_parameters;

/* Sets what a BatchingParameters says and starts its threads. `default_name` is theirs where it
 * says none. With `per_model` only what concerns the threads counts. It borrows from the message.
 * INVALID_ARGUMENT for what does not go together; RESOURCE_EXHAUSTED: there are no threads. */
enum code batching_begin(const struct pb_batching_parameters *message, bool per_model,
                         const char *default_name, struct arena *arena,
                         struct batching_options *batching, struct error *err);

/* The same of the flags, if they want batching; what config_text_read() says, too. */
enum code batching_begin_by_flags(const struct options *options, struct arena *arena,
                                  struct batching_options *batching, struct error *err);

/* No request waits for others any more. */
void batching_hurry(struct batching_options *batching);

/* Ends the threads; nothing is loaded any more. */
void batching_end(struct batching_options *batching);

#endif
