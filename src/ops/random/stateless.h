/* SPDX-License-Identifier: Apache-2.0 */
/* What ops with a seed as their input share. */
#ifndef OPS_RANDOM_STATELESS_H
#define OPS_RANDOM_STATELESS_H

#include "ops/kernel.h"
#include "ops/random/philox.h"

/* The generator of input i, a seed of two numbers, scrambled as TensorFlow does it.
 * INVALID_ARGUMENT when its shape is not [2]. */
enum code stateless_seed(const struct op_call *call, int i, struct philox *philox,
                         struct error *err);

/* The generator of inputs first, first + 1 and first + 2: a key [1], a counter [2] and an
 * algorithm []. INVALID_ARGUMENT. */
enum code stateless_key(const struct op_call *call, int first, struct philox *philox,
                        struct error *err);

#endif
