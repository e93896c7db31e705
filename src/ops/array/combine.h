/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How scatter and segment ops put a row of values onto another: assigned, added, and so on, for
 * every dtype that has it. Integers wrap; half and bfloat16 are rounded after each step.
 */
#ifndef OPS_ARRAY_COMBINE_H
#define OPS_ARRAY_COMBINE_H

#include "engine/op.h"

enum combine {
    COMBINE_UPDATE,
    COMBINE_ADD,
    COMBINE_SUB,
    COMBINE_MUL,
    COMBINE_DIV, /* integers: no value of `from` is 0 */
    COMBINE_MAX, /* a NaN that is there stays, one that comes is passed over */
    COMBINE_MIN,
    COMBINE_COUNT,
};

/* to[i] = to[i] op from[i] for i < n. */
typedef void combine_fn(void *to, const void *from, int64_t n);

/* NULL when the dtype does not have it. COMBINE_UPDATE has none: it is a memcpy. */
combine_fn *combine_find(enum combine combine, enum dtype dtype);

#endif
