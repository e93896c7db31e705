/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ops on ragged tensors share. Row i of a ragged dimension has the elements [splits[i],
 * splits[i + 1]) of the next one; splits are vectors of int32 or int64.
 */
#ifndef OPS_RAGGED_RAGGED_H
#define OPS_RAGGED_RAGGED_H

#include "ops/kernel.h"

/* Do the splits begin with 0, never fall and end with `values`? INVALID_ARGUMENT in TensorFlow's
 * words. */
enum code ragged_check_splits(const struct tensor *splits, int64_t values, struct error *err);

#endif
