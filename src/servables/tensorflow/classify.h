/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signature as a classifier: `classes` (strings), `scores` (floats) or both, each [batch, k];
 * without classes labels are empty, without scores they are 0 (reference 6.4, 10.3).
 */
#ifndef SERVABLES_TENSORFLOW_CLASSIFY_H
#define SERVABLES_TENSORFLOW_CLASSIFY_H

#include "servables/tensorflow/inference.h"

extern const struct inference_kind classify_kind;

#endif
