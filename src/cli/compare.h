/* SPDX-License-Identifier: Apache-2.0 */
/* Two answers to one request, as far as a tolerance goes: numbers with a fraction may differ by
 * tolerance * max(1, |wanted|), everything else is the same or different. How a tensor was written
 * and which version answered does not matter. */
#ifndef CLI_COMPARE_H
#define CLI_COMPARE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"
#include "servables/tensorflow/prediction_log.h"

struct compare {
    double tolerance;
    struct arena *arena; /* borrowed; of one comparison */
    char text[256];      /* the first difference: "output 'y'[3]: 2.5, wanted 2.6" */
};

/* Encoded responses; *same says it. What pb_decode() or tensor_from_proto() says. */
enum code compare_responses(struct compare *compare, enum prediction_log_kind kind,
                            struct span given, struct span wanted, bool *same, struct error *err);

#endif
