/* SPDX-License-Identifier: Apache-2.0 */
#include "monitoring/latency.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"

int64_t latency_limits[LATENCY_BUCKETS];
uint8_t latency_first[LATENCY_SLOTS];

static double limits_us[LATENCY_LIMITS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int compare_limits(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void fill_slots(void)
{
    uint8_t bucket = 0;
    for (unsigned slot = latency_slot(0); slot < LATENCY_SLOTS; slot++) {
        int64_t least = ((INT64_C(16) | (slot & 15)) << (slot >> 4) >> 4) - 16;
        while (least >= latency_limits[bucket])
            bucket++;
        latency_first[slot] = bucket;
    }
}

static void prepare(void)
{
    static const struct metric_buckets all[] = {METRIC_LATENCY_BUCKETS, {1, 2, 25}};
    int count = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        double limit = all[i].first;
        for (int k = 0; k < all[i].count; k++, limit *= all[i].factor)
            limits_us[count++] = limit;
    }
    CHECK(count == LATENCY_LIMITS);
    qsort(limits_us, LATENCY_LIMITS, sizeof *limits_us, compare_limits);
    for (int i = 0; i < LATENCY_LIMITS; i++)
        latency_limits[i] = (int64_t)ceil(limits_us[i] * 1e3 / clock_tick_ns());
    latency_limits[LATENCY_LIMITS] = INT64_MAX;
    fill_slots();
}

void latency_prepare(void)
{
    pthread_once(&once, prepare);
}

void latency_add(struct latency_sum *sum, const struct latency *latency, int part)
{
    sum->ticks += atomic_load_explicit(&latency->ticks[part], memory_order_relaxed);
    for (int i = 0; i < LATENCY_BUCKETS; i++) {
        int64_t n = atomic_load_explicit(&latency->buckets[i][part], memory_order_relaxed);
        sum->buckets[i] += n;
        sum->count += n;
    }
}

void latency_add_zeros(struct latency_sum *sum, int64_t count)
{
    sum->buckets[0] += count;
    sum->count += count;
}

/* The family's first limit that is not below this one; limits are products, hence the slack. */
static int bucket_at(const struct metric_family *family, double unit_us, double limit_us)
{
    int bucket = 0;
    while (bucket < family->buckets.count &&
           family->state.limits[bucket] * unit_us < limit_us * (1 - 1e-9))
        bucket++;
    return bucket;
}

void latency_histogram(const struct latency_sum *sum, const struct metric_family *family,
                       double unit_us, struct metric_histogram *histogram)
{
    *histogram = (struct metric_histogram){
        .sum = round((double)sum->ticks * clock_tick_ns()) / 1e3 / unit_us,
    };
    for (int i = 0; i < LATENCY_BUCKETS; i++) {
        int bucket =
            i < LATENCY_LIMITS ? bucket_at(family, unit_us, limits_us[i]) : family->buckets.count;
        histogram->buckets[bucket] += sum->buckets[i];
    }
}

int latency_bucket_of(const struct metric_family *family, double unit_us, int64_t ticks)
{
    int i = (int)latency_bucket(ticks);
    return i < LATENCY_LIMITS ? bucket_at(family, unit_us, limits_us[i]) : family->buckets.count;
}
