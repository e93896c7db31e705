/* SPDX-License-Identifier: Apache-2.0 */
/* struct batching_parameters: how a model's requests are put together (reference 5.1). */
#ifndef SERVABLES_TENSORFLOW_BATCHING_PARAMETERS_H
#define SERVABLES_TENSORFLOW_BATCHING_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "wire/pb.h"

struct pb_batching_parameters;

struct batching_parameters {
    int64_t max_batch_size;
    int64_t max_execution_batch_size;
    int64_t timeout_us;
    int64_t max_enqueued_batches;
    struct pb_int64s allowed_sizes; /* borrowed; none: any */
    bool pads;                      /* dimensions behind the first may differ */
    bool splits;                    /* a task may go into several batches */
};

/* What the message says, and the defaults for what it does not. It borrows from the message.
 * INVALID_ARGUMENT in the original's words for what does not go together. */
enum code batching_parameters_read(const struct pb_batching_parameters *message,
                                   struct batching_parameters *parameters, struct error *err);

/* The smallest allowed size that is not below `rows`; `rows` where any is allowed. */
int64_t batching_parameters_round_up(const struct batching_parameters *parameters, int64_t rows);

#endif
