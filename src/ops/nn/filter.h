/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct filter: input 1 of a convolution packed for ops/nn/tile.h, group by group: once for the
 * plan where it is constant, else by each run. Filled in by prepare(), read by run().
 */
#ifndef OPS_NN_FILTER_H
#define OPS_NN_FILTER_H

#include "engine/op.h"
#include "ops/nn/tile.h"

struct filter {
    int64_t groups;
    int64_t group_step;        /* elements between the groups */
    struct tile_weights group; /* of each; `at` is filled in */
    /* Set by filter_prepare: */
    size_t packed_floats; /* of one group */
    const float *packed;  /* NULL: by each run */
};

/* Input 1 is a constant that can be packed in prepare(). */
bool filter_is_constant(const struct op_call *call);

/* Packs a constant one. Returns the bytes of scratch that filter_packed() takes. */
size_t filter_prepare(struct filter *filter, const struct op_call *call);

/* Of group g, from g * packed_floats on. Moves *scratch on behind what it took of it. */
const float *filter_packed(const struct filter *filter, const struct op_call *call, char **scratch);

#endif
