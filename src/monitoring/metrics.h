/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics: families (a name, a kind, names of labels) of cells (one for each tuple of labels'
 * values). A family is a static record; a cell is found, or made, by the values, and stays until
 * the process ends, so that whoever records often keeps the pointer.
 *
 * Recording takes no lock and touches a cache line of the calling thread only; reading sums up. A
 * family has at most METRIC_CELLS_MAX cells: label values come from outside (names of models that
 * there are not), and what comes beyond shares one cell whose values are all "other".
 *
 * What somebody keeps elsewhere (a state, what a version has served) has no cells: it is told to
 * each page that is made, see scrape.h.
 */
#ifndef MONITORING_METRICS_H
#define MONITORING_METRICS_H

#include <pthread.h>

#include "base/arena.h"
#include "base/shard.h"

enum {
    METRIC_LABELS_MAX = 7,
    METRIC_BUCKETS_MAX = 64,
    METRIC_CELLS_MAX = 20000,
    METRIC_SLOTS = 1024, /* of a family's hash table */
};

enum metric_kind {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_HISTOGRAM,
};

/* Limits of a histogram's buckets: first, first * factor, ... `count` of them; one more takes the
 * rest. */
struct metric_buckets {
    double first;
    double factor;
    int count;
};

/* Of all of TensorFlow Serving's latencies, in microseconds. */
#define METRIC_LATENCY_BUCKETS                                                                     \
    {                                                                                              \
        10, 1.8, 33                                                                                \
    }

struct metric_cell;

struct metric_family {
    const char *name; /* "/tensorflow/serving/request_count" */
    const char *help; /* a sentence; NULL: TensorFlow Serving's own, which have none */
    enum metric_kind kind;
    const char *labels[METRIC_LABELS_MAX]; /* NULL ends them */
    struct metric_buckets buckets;         /* of a histogram */
    /* Filled by the code: zero in a record. */
    struct {
        _Atomic(struct metric_cell *) slots[METRIC_SLOTS];
        pthread_mutex_t mutex; /* of whoever adds */
        size_t count;
        double limits[METRIC_BUCKETS_MAX];
        struct metric_family *next; /* of those that have been registered */
        atomic_bool registered;
    } state;
};

/* What a histogram has seen. */
struct metric_histogram {
    int64_t buckets[METRIC_BUCKETS_MAX + 1]; /* not summed up */
    double sum;
    const struct metric_exemplar *exemplars; /* one for each bucket; NULL: none */
};

/* A request that fell into a bucket, for whoever wants to look at one. */
struct metric_exemplar {
    char trace_id[33]; /* empty: there is none */
    double value;
    double time_s; /* since 1970 */
};

/* The cell of these values (as many as the family has labels; copied when it is new). Any thread;
 * no lock when it is there. */
struct metric_cell *metric_at(struct metric_family *family, const struct span *values);

/* The same; but a cell that is not there yet, and would be one more than *room allows, is the one
 * whose values are all "other". *room is lowered for each that is made. */
struct metric_cell *metric_at_within(struct metric_family *family, const struct span *values,
                                     atomic_int *room);

/* A counter's increment; what a histogram observes; so much of it at once. Any thread; no lock. */
void metric_add(struct metric_cell *cell, int64_t n);
void metric_observe(struct metric_cell *cell, double value);
void metric_merge(struct metric_cell *cell, const struct metric_histogram *more);

/* A gauge's value. Any thread. */
void metric_set(struct metric_cell *cell, int64_t value);

/* A counter's or gauge's value; how often a histogram has observed something. */
int64_t metric_value(const struct metric_cell *cell);

/* Shows the family on the page even before it has a cell. */
void metric_register(struct metric_family *family);

#endif
