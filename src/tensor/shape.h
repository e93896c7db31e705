/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct shape: the sizes of a tensor's dimensions, outermost first. Rank 0 is a scalar (one
 * element). In a signature or a graph's attribute a dimension may be -1 (unknown) and the rank
 * SHAPE_UNKNOWN_RANK; a tensor's own shape is always known.
 */
#ifndef TENSOR_SHAPE_H
#define TENSOR_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/span.h"

enum {
    SHAPE_RANK_MAX = 12, /* TensorFlow allows 254; its kernels go to 8 or 9, and every struct shape
                            has this room */
    SHAPE_UNKNOWN_RANK = -1,
    SHAPE_TEXT_SIZE = 320,
};

struct shape {
    int rank;
    int64_t dims[SHAPE_RANK_MAX];
};

struct pb_tensor_shape_proto;

static inline struct shape shape_unknown(void)
{
    return (struct shape){.rank = SHAPE_UNKNOWN_RANK};
}
static inline struct shape shape_scalar(void)
{
    return (struct shape){.rank = 0};
}
static inline struct shape shape_vector(int64_t n)
{
    return (struct shape){.rank = 1, .dims = {n}};
}
static inline struct shape shape_matrix(int64_t rows, int64_t columns)
{
    return (struct shape){.rank = 2, .dims = {rows, columns}};
}

/* Number of elements of a known shape. The product fits: whoever makes a shape from outside checks
 * with shape_elements_checked. */
int64_t shape_elements(const struct shape *shape);

/* The same; false when a dimension is negative or the product does not fit int64. */
bool shape_elements_checked(const struct shape *shape, int64_t *elements);

bool shape_equal(const struct shape *a, const struct shape *b);
bool shape_is_known(const struct shape *shape); /* rank and all dimensions */

/* Could a tensor of shape `actual` (known) be one of `declared` (with -1 and unknown rank)? */
bool shape_matches(const struct shape *declared, const struct shape *actual);

/* "[2,3]", "[]", "[?,3]", "<unknown>": as TensorFlow prints shapes in errors. Returns `text`. */
const char *shape_text(const struct shape *shape, char text[SHAPE_TEXT_SIZE]);

/* NULL is a scalar. INVALID_ARGUMENT when a size is below -1, the rank is beyond SHAPE_RANK_MAX or
 * (known shapes) the number of elements does not fit. */
enum code shape_from_proto(const struct pb_tensor_shape_proto *proto, struct shape *shape,
                           struct error *err);

#endif
