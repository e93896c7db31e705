/* SPDX-License-Identifier: Apache-2.0 */
#include "monitoring/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/thread.h"

enum { THREADS = 4, ROUNDS = 20000 };

static struct metric_family requests = {
    .name = "/tensorflow/serving/request_count",
    .kind = METRIC_COUNTER,
    .labels = {"model_name", "status"},
};
static struct metric_family latency = {
    .name = "/9 latency",
    .kind = METRIC_HISTOGRAM,
    .labels = {"API"},
    .buckets = {10, 1.8, 3},
};
static struct metric_family alone = {.name = "alone", .kind = METRIC_GAUGE};

static struct metric_cell *request_cell(const char *model, const char *status)
{
    const struct span values[] = {span_of(model), span_of(status)};
    return metric_at(&requests, values);
}

static void record(void *context)
{
    (void)context;
    struct span api = span_of("Predict");
    for (int i = 0; i < ROUNDS; i++) {
        metric_add(request_cell("m", "OK"), 1);
        metric_observe(metric_at(&latency, &api), i % 40);
    }
}

static void many_threads_record_into_one_cell(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(thread_start(&threads[i], "record", record, NULL, NULL), CODE_OK);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    struct span api = span_of("Predict");
    assert_int_equal(metric_value(request_cell("m", "OK")), THREADS * ROUNDS);
    assert_int_equal(metric_value(metric_at(&latency, &api)), THREADS * ROUNDS);
}

static void the_page_is_the_originals(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    metric_add(request_cell("m\"\\x", "NOT_FOUND"), 2);
    metric_set(metric_at(&alone, NULL), -5);
    struct span page = metric_page(&arena);
    static const char *const expected =
        "# TYPE :9:latency histogram\n"
        ":9:latency_bucket{API=\"Predict\",le=\"10\"} 20000\n"
        ":9:latency_bucket{API=\"Predict\",le=\"18\"} 36000\n"
        ":9:latency_bucket{API=\"Predict\",le=\"32.4\"} 66000\n"
        ":9:latency_bucket{API=\"Predict\",le=\"+Inf\"} 80000\n"
        ":9:latency_sum{API=\"Predict\"} 1.56e+06\n"
        ":9:latency_count{API=\"Predict\"} 80000\n"
        "# TYPE :tensorflow:serving:request_count counter\n"
        ":tensorflow:serving:request_count{model_name=\"m\",status=\"OK\"} 80000\n"
        ":tensorflow:serving:request_count{model_name=\"m\\\"\\\\x\",status=\"NOT_FOUND\"} 2\n"
        "# TYPE alone gauge\n"
        "alone{} -5\n";
    assert_string_equal(arena_strdup(&arena, page), expected);
    arena_release(&arena);
}

static void names_from_outside_are_bounded(void **state)
{
    (void)state;
    char name[32];
    for (int i = 0; i < METRIC_CELLS_MAX + 10; i++) {
        snprintf(name, sizeof name, "no such model %d", i);
        metric_add(request_cell(name, "NOT_FOUND"), 1);
    }
    /* The two cells of the tests before are among the limit. */
    assert_int_equal(metric_value(request_cell("other", "other")), 12);
    assert_int_equal(metric_value(request_cell("no such model 7", "NOT_FOUND")), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_threads_record_into_one_cell),
        cmocka_unit_test(the_page_is_the_originals),
        cmocka_unit_test(names_from_outside_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
