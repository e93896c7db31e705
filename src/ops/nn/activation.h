/* SPDX-License-Identifier: Apache-2.0 */
/* Activation functions over a run of elements: ops of their own, and the last part of fused ops. */
#ifndef OPS_NN_ACTIVATION_H
#define OPS_NN_ACTIVATION_H

#include "base/span.h"
#include "tensor/dtype.h"

enum activation {
    ACTIVATION_NONE,
    ACTIVATION_RELU,
    ACTIVATION_RELU6,
    ACTIVATION_LEAKY_RELU, /* alpha: the slope below zero */
    ACTIVATION_ELU,
    ACTIVATION_SELU,
    ACTIVATION_SOFTPLUS,
    ACTIVATION_SOFTSIGN,
    ACTIVATION_SIGMOID,
    ACTIVATION_TANH,
    ACTIVATION_COUNT,
};

/* to[i] = f(from[i]) for i < n; `from` and `to` may be the same. */
typedef void activation_fn(const void *from, void *to, int64_t n, float alpha);

/* The loop for that dtype; NULL when there is none, and for ACTIVATION_NONE. */
activation_fn *activation_loop(enum activation activation, enum dtype dtype);

/* By the op's name ("Relu6"); ACTIVATION_NONE for any other. */
enum activation activation_of_op(struct span op_name);

#endif
