/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct generator: the stream of random numbers that a node has, keyed by its attributes seed and
 * seed2 (random when both are 0). Its counter goes on from run to run: it is a resource of the
 * loaded version.
 */
#ifndef OPS_RANDOM_GENERATOR_H
#define OPS_RANDOM_GENERATOR_H

#include "ops/kernel.h"
#include "ops/random/philox.h"

/* A prepare function: call->state is the node's generator. */
enum code generator_prepare(struct op_call *call, struct error *err);

/* The node's generator as it stands; it goes on by `steps`. Any thread. */
struct philox generator_reserve(struct op_call *call, uint64_t steps);

/* Random bits that no seed gives. */
uint64_t generator_random_bits(void);

#endif
