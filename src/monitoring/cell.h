/* SPDX-License-Identifier: Apache-2.0 */
/* What a cell is: for metrics.c, which writes it, and page.c, which reads it. */
#ifndef MONITORING_CELL_H
#define MONITORING_CELL_H

#include "monitoring/metrics.h"

/* What one thread recorded (or several, when there are more than SHARDS). */
struct metric_part {
    _Alignas(SHARD_LINE) _Atomic int64_t count; /* or a counter's sum */
    _Atomic double sum;                         /* of a histogram */
    _Atomic int64_t buckets[];                  /* one more than there are limits */
};

struct metric_cell {
    struct metric_family *family;
    struct metric_cell *next; /* in its slot */
    size_t hash;
    struct span values[METRIC_LABELS_MAX];
    _Atomic int64_t gauge;
    _Atomic(struct metric_part *) parts[SHARDS]; /* made when a thread first records */
};

int metric_label_count(const struct metric_family *family);

/* The head of the list of families; families are only ever added. */
struct metric_family *metric_families(void);

#endif
