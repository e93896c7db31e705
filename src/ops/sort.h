/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting for kernels: takes no memory by itself and does not recurse. */
#ifndef OPS_SORT_H
#define OPS_SORT_H

#include <stdint.h>

/* Below, at or above 0 as item a stands before, beside or behind item b. */
typedef int sort_order_fn(const void *context, int64_t a, int64_t b);

/* Sorts n items; equal ones keep their order. `scratch` has room for n and is overwritten; the
 * result is in `items`. */
void sort_items(int64_t *items, int64_t *scratch, int64_t n, sort_order_fn *order,
                const void *context);

#endif
