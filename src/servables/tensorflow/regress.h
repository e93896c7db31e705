/* SPDX-License-Identifier: Apache-2.0 */
/* A signature as a regressor: `outputs` (floats), [batch] or [batch, 1] (reference 6.4, 10.3). */
#ifndef SERVABLES_TENSORFLOW_REGRESS_H
#define SERVABLES_TENSORFLOW_REGRESS_H

#include "servables/tensorflow/inference.h"

extern const struct inference_kind regress_kind;

#endif
