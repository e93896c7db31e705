/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that a version runs after it is loaded and before it is available, so that the first
 * client does not pay for plans that are made and memory that is touched (reference 6.5):
 *
 *   <version>/assets.extra/tf_serving_warmup_requests   a TFRecord file of PredictionLog
 *   <version>/assets.extra/warmup_requests.jsonl        a REST predict body a line (ours)
 */
#ifndef SERVABLES_TENSORFLOW_WARMUP_H
#define SERVABLES_TENSORFLOW_WARMUP_H

#include "servables/tensorflow/session.h"

struct warmup_options {
    bool enabled;
    int32_t iterations; /* how often each is run; <= 0: once */
};

/* Runs what is there; OK when nothing is. What a request fails with, and, in the original's words:
 * INVALID_ARGUMENT `Number of warmup records exceeds the maximum (1000) at P`, `Failed to parse
 * warmup record: ... from P`; UNIMPLEMENTED `Unsupported log_type for warmup: N`; DATA_LOSS for
 * what is no TFRecord file. On the load thread. */
enum code warmup_run(struct session *session, const char *dir, const struct warmup_options *options,
                     struct error *err);

#endif
