/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows put into a tensor at places that indices name: indices [rows..., depth], each row of `depth`
 * numbers names a slice of the target; updates [rows..., slice]. What ScatterNd, TensorScatter* and
 * the ops that scatter into variables share.
 */
#ifndef OPS_ARRAY_SCATTER_ND_H
#define OPS_ARRAY_SCATTER_ND_H

#include "ops/array/combine.h"

struct scatter_nd {
    const struct tensor *indices;
    const struct tensor *updates;
    enum combine combine;
    bool skips; /* bad_indices_policy: rows whose index is out of range are left out */
};

/* Do shapes agree? INVALID_ARGUMENT in the words of TensorFlow's TensorScatter ops. */
enum code scatter_nd_check(const struct scatter_nd *s, const struct shape *target,
                           struct error *err);

/* The same in the words of the ops that scatter into variables. */
enum code scatter_nd_check_variable(const struct scatter_nd *s, const struct shape *target,
                                    struct error *err);

/* Puts all rows into the target, whose shape was checked. INVALID_ARGUMENT at an index out of range
 * unless `skips`; UNIMPLEMENTED when the dtype can not be combined so. */
enum code scatter_nd_apply(const struct scatter_nd *s, const struct tensor *target,
                           struct error *err);

#endif
