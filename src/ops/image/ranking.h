/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders by score in which equal scores come out as they do where TensorFlow was compiled: by the
 * steps of libstdc++'s std::priority_queue and std::sort, which keep no order among equals but
 * always the same one. No score is NaN.
 */
#ifndef OPS_IMAGE_RANKING_H
#define OPS_IMAGE_RANKING_H

#include <stdbool.h>
#include <stdint.h>

struct ranked {
    float score;
    int32_t item;
};

/* A heap of *n, the best first; room for one more. */
void ranking_push(struct ranked *heap, int64_t *n, struct ranked value);
struct ranked ranking_pop(struct ranked *heap, int64_t *n);

/* Best first. */
void ranking_sort(struct ranked *items, int64_t n);

#endif
