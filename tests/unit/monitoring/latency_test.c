/* SPDX-License-Identifier: Apache-2.0 */
#include "monitoring/latency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct metric_family stock = {
    .name = "stock", .kind = METRIC_HISTOGRAM, .buckets = METRIC_LATENCY_BUCKETS};
static struct metric_family fine = {
    .name = "fine", .kind = METRIC_HISTOGRAM, .buckets = LATENCY_SECONDS};
static struct metric_family coarse = {
    .name = "coarse", .kind = METRIC_HISTOGRAM, .buckets = LATENCY_SECONDS_COARSE};

static void a_bucket_is_the_first_whose_limit_is_above(void **state)
{
    (void)state;
    for (int64_t ticks = 0; ticks < INT64_C(1) << 50; ticks += 1 + ticks / 997) {
        unsigned bucket = 0;
        while (ticks >= latency_limits[bucket])
            bucket++;
        assert_int_equal(latency_bucket(ticks), bucket);
    }
    assert_int_equal(latency_bucket(INT64_MAX), LATENCY_LIMITS);
}

static int64_t ticks_of_us(double us)
{
    return (int64_t)(us * 1e3 / clock_tick_ns());
}

static void one_record_serves_all_families(void **state)
{
    (void)state;
    static const struct {
        double us;
        int stock, fine, coarse;
    } rows[] = {
        {0.5, 0, 0, 0}, {1.5, 0, 1, 1},  {9, 0, 4, 2},       {17, 1, 5, 3},
        {20, 2, 5, 3},  {900, 8, 10, 5}, {20e6, 25, 25, 13},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct latency latency = {0};
        struct latency_sum sum = {0};
        struct metric_histogram h[3];
        latency_record(&latency, true, 3, ticks_of_us(rows[i].us));
        latency_add(&sum, &latency, 3);
        latency_histogram(&sum, &stock, 1, &h[0]);
        latency_histogram(&sum, &fine, 1e6, &h[1]);
        latency_histogram(&sum, &coarse, 1e6, &h[2]);
        assert_int_equal(h[0].buckets[rows[i].stock], 1);
        assert_int_equal(h[1].buckets[rows[i].fine], 1);
        assert_int_equal(h[2].buckets[rows[i].coarse], 1);
        assert_true(h[0].sum > rows[i].us * 0.999 - 0.01 && h[0].sum < rows[i].us * 1.001 + 0.01);
        assert_int_equal(latency_bucket_of(&fine, 1e6, ticks_of_us(rows[i].us)), rows[i].fine);
    }
}

static void what_did_not_take_place_took_no_time(void **state)
{
    (void)state;
    struct latency latency = {0};
    struct latency_sum sum = {0};
    struct metric_histogram h;
    latency_record(&latency, false, 0, -5);
    latency_record(&latency, false, 1, 7);
    latency_add(&sum, &latency, 0);
    latency_add_zeros(&sum, 3);
    latency_histogram(&sum, &fine, 1e6, &h);
    assert_int_equal(h.buckets[0], 4);
    assert_true(h.sum == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_is_the_first_whose_limit_is_above),
        cmocka_unit_test(one_record_serves_all_families),
        cmocka_unit_test(what_did_not_take_place_took_no_time),
    };
    clock_calibrate();
    latency_prepare();
    metric_register(&stock);
    metric_register(&fine);
    metric_register(&coarse);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
