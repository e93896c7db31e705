/* SPDX-License-Identifier: Apache-2.0 */
/* What the CTC decoders share: their input and the sparse matrices that they give. */
#ifndef OPS_SIGNAL_CTC_H
#define OPS_SIGNAL_CTC_H

#include "engine/op.h"

struct ctc {
    const struct tensor *inputs; /* [time, batch, classes] */
    int64_t time, batch, classes;
    int64_t blank;
    bool merges;
};

/* Checks inputs and sequence_length; INVALID_ARGUMENT, FAILED_PRECONDITION. The blank is the last
 * class. */
enum code ctc_begin(const struct op_call *call, struct ctc *c, struct error *err);

/* Element i of the inputs. */
double ctc_score(const struct ctc *c, int64_t i);
/* The score `i` of output `out`. */
void ctc_put_score(struct tensor *out, int64_t i, double score);

/* Which outputs a sparse matrix [batch, longest] consists of. */
struct ctc_outputs {
    int indices, values, shape;
};

/* classes [batch, stride], of which counts [batch] are used. */
struct ctc_decoded {
    const int64_t *classes;
    const int64_t *counts;
    int64_t stride;
};

enum code ctc_give(struct op_call *call, const struct ctc *c, struct ctc_decoded decoded,
                   struct ctc_outputs outputs, struct error *err);

#endif
