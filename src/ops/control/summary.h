/* SPDX-License-Identifier: Apache-2.0 */
/* The elements of a tensor as text, for Assert and Print. */
#ifndef OPS_CONTROL_SUMMARY_H
#define OPS_CONTROL_SUMMARY_H

#include "ops/kernel.h"

/* Appends "[1 2 3...]": at most `most` elements, all if negative. */
void summary_append(struct error *err, const struct tensor *tensor, int64_t most);

#endif
