/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merge sort from the bottom up: runs of 1, 2, 4, ... items are merged from one array into the
 * other. Items that are in order already, as most are, cost one comparison each.
 */
#include "ops/sort.h"

#include <stdbool.h>
#include <string.h>

struct sorting {
    sort_order_fn *order;
    const void *context;
};

/* from[left, middle) and from[middle, right) into to[left, right). */
static void merge(const struct sorting *s, const int64_t *from, int64_t *to,
                  const int64_t bounds[3])
{
    int64_t a = bounds[0], b = bounds[1];
    for (int64_t i = bounds[0]; i < bounds[2]; i++) {
        bool takes_a =
            b >= bounds[2] || (a < bounds[1] && s->order(s->context, from[a], from[b]) <= 0);
        to[i] = takes_a ? from[a++] : from[b++];
    }
}

static bool is_sorted(const struct sorting *s, const int64_t *items, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        if (s->order(s->context, items[i - 1], items[i]) > 0)
            return false;
    }
    return true;
}

void sort_items(int64_t *items, int64_t *scratch, int64_t n, sort_order_fn *order,
                const void *context)
{
    struct sorting s = {order, context};
    int64_t *from = items, *to = scratch;
    if (is_sorted(&s, items, n))
        return;
    for (int64_t run = 1; run < n; run *= 2) {
        for (int64_t left = 0; left < n; left += 2 * run) {
            int64_t middle = left + run < n ? left + run : n;
            int64_t right = middle + run < n ? middle + run : n;
            merge(&s, from, to, (int64_t[]){left, middle, right});
        }
        int64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, (size_t)n * sizeof *items);
}
