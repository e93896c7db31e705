/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct latency: the times of the parts of something, recorded so cheaply that every stage of
 * every request can be. Their buckets are the union of all those that are ever shown (1.8^i * 10 us
 * as TensorFlow Serving has them, 2^i us and 4^i us as we do), so that one increment serves several
 * families; a page takes from it what it needs.
 *
 * What a request touches lies together: a cache line has the count and the sums of all parts, and
 * one has a bucket of all parts, for most parts fall into the same few.
 *
 * One is written by the thread (or the threads beyond SHARDS) whose index it belongs to.
 */
#ifndef MONITORING_LATENCY_H
#define MONITORING_LATENCY_H

#include "base/clock.h"
#include "monitoring/metrics.h"

enum {
    LATENCY_LIMITS = 58,
    LATENCY_BUCKETS = LATENCY_LIMITS + 1,
    LATENCY_PARTS = 7, /* a cache line, with the count */
    LATENCY_BITS = 52, /* of ticks: weeks; what takes longer counts as that */
    LATENCY_SLOTS = (LATENCY_BITS + 1) * 16,
};

/* In seconds: 1 us to 16.8 s. The finer ones for a whole request, the others for its parts. */
#define LATENCY_SECONDS                                                                            \
    {                                                                                              \
        1e-6, 2, 25                                                                                \
    }
#define LATENCY_SECONDS_COARSE                                                                     \
    {                                                                                              \
        1e-6, 4, 13                                                                                \
    }

struct latency {
    _Alignas(SHARD_LINE) _Atomic int64_t count;                  /* the owner's own */
    _Atomic int64_t ticks[LATENCY_PARTS];                        /* in all */
    _Atomic int64_t buckets[LATENCY_BUCKETS][LATENCY_PARTS + 1]; /* the last is not used */
};

/* Before the first is recorded, after clock_calibrate(); any number of times. */
void latency_prepare(void);

extern int64_t latency_limits[LATENCY_BUCKETS]; /* in ticks; the last is never reached */
extern uint8_t latency_first[LATENCY_SLOTS];    /* the bucket where a slot begins */

/* Slots are sixteenths of powers of two, narrow enough that there are at most two limits within
 * each: a bucket is found without a branch that could be guessed wrong. */
static inline unsigned latency_slot(int64_t ticks)
{
    uint64_t shifted = (uint64_t)ticks + 16;
    unsigned width = 63 - (unsigned)__builtin_clzll(shifted);
    return width << 4 | (unsigned)(shifted >> (width - 4) & 15);
}

static inline unsigned latency_bucket(int64_t ticks)
{
    const int64_t most = (INT64_C(1) << LATENCY_BITS) - 1;
    ticks = ticks < most ? ticks : most;
    unsigned bucket = latency_first[latency_slot(ticks)];
    bucket += ticks >= latency_limits[bucket];
    return bucket + (ticks >= latency_limits[bucket]);
}

/* `own`: as for shard_add_to(). What is negative, by two processors' counters, counts as nothing.
 */
static inline void latency_record(struct latency *latency, bool own, int part, int64_t ticks)
{
    ticks = ticks > 0 ? ticks : 0;
    shard_add_to(&latency->buckets[latency_bucket(ticks)][part], own, 1);
    shard_add_to(&latency->ticks[part], own, ticks);
}

/* One part of several of them, added up. */
struct latency_sum {
    int64_t ticks;
    int64_t count;
    int64_t buckets[LATENCY_BUCKETS];
};

void latency_add(struct latency_sum *sum, const struct latency *latency, int part);

/* So many that took no time at all. */
void latency_add_zeros(struct latency_sum *sum, int64_t count);

/* As a histogram of the family, whose buckets are among ours; `unit_us` microseconds are its unit
 * (1, or 1e6 for seconds). */
void latency_histogram(const struct latency_sum *sum, const struct metric_family *family,
                       double unit_us, struct metric_histogram *histogram);

/* The bucket of the family that so many ticks fall into. */
int latency_bucket_of(const struct metric_family *family, double unit_us, int64_t ticks);

#endif
