/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers of a distribution, in TensorFlow's order, for all ops that give them. */
#ifndef OPS_RANDOM_DISTRIBUTION_H
#define OPS_RANDOM_DISTRIBUTION_H

#include "ops/kernel.h"
#include "ops/random/philox.h"

enum distribution {
    DISTRIBUTION_UNIFORM,          /* [0, 1), of floats */
    DISTRIBUTION_NORMAL,           /* of floats */
    DISTRIBUTION_TRUNCATED_NORMAL, /* within two standard deviations, of floats */
    DISTRIBUTION_RANGE,            /* [low, high), of integers */
    DISTRIBUTION_BITS,             /* all values of an integer type */
};

#define DISTRIBUTION_INTEGERS                                                                      \
    (OP_TYPE(DTYPE_INT32) | OP_TYPE(DTYPE_INT64) | OP_TYPE(DTYPE_UINT32) | OP_TYPE(DTYPE_UINT64))

/* Numbers of a float dtype that one step of the generator gives. */
static inline int distribution_step_size(enum dtype dtype)
{
    return dtype == DTYPE_DOUBLE ? 2 : PHILOX_WORDS;
}

/* The numbers of a step whose words are x: [0, 1), or normal ones. */
typedef void distribution_step_fn(enum dtype dtype, const uint32_t x[PHILOX_WORDS],
                                  double out[PHILOX_WORDS]);
distribution_step_fn distribution_uniforms;
distribution_step_fn distribution_normals;

/* For DISTRIBUTION_RANGE, in two's complement; low < high in the tensor's dtype. */
struct distribution_range {
    uint64_t low;
    uint64_t high;
};

/* Inputs `first` and first + 1, minval and maxval. INVALID_ARGUMENT when they are no scalars or no
 * range. */
enum code distribution_read_range(const struct op_call *call, int first,
                                  struct distribution_range *range, struct error *err);

/* Fills the tensor, of a dtype that the distribution has; `range` is for DISTRIBUTION_RANGE only.
 */
void distribution_fill(enum distribution distribution, struct philox philox,
                       const struct distribution_range *range, struct tensor *tensor);

/* A shape rule: the output has the shape that input i says. */
enum code distribution_shape(struct op_call *call, int i, struct error *err);

#endif
