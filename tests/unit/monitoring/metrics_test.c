/* SPDX-License-Identifier: Apache-2.0 */
#include "monitoring/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/thread.h"
#include "monitoring/scrape.h"

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
static struct metric_family told = {
    .name = "told_total", .help = "What was told.", .kind = METRIC_COUNTER, .labels = {"who"}};
static struct metric_family seconds = {
    .name = "told_seconds", .help = "How long.", .kind = METRIC_HISTOGRAM, .buckets = {1, 10, 2}};

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
    struct span page = scrape_print(scrape_new(&arena), SCRAPE_TEXT);
    static const char *const expected =
        "# TYPE :9:latency histogram\n"
        ":9:latency_bucket{API=\"Predict\",le=\"10\"} 20000\n"
        ":9:latency_bucket{API=\"Predict\",le=\"18\"} 36000\n"
        ":9:latency_bucket{API=\"Predict\",le=\"32.4\"} 66000\n"
        ":9:latency_bucket{API=\"Predict\",le=\"+Inf\"} 80000\n"
        ":9:latency_sum{API=\"Predict\"} 1560000\n"
        ":9:latency_count{API=\"Predict\"} 80000\n"
        "# TYPE :tensorflow:serving:request_count counter\n"
        ":tensorflow:serving:request_count{model_name=\"m\",status=\"OK\"} 80000\n"
        ":tensorflow:serving:request_count{model_name=\"m\\\"\\\\x\",status=\"NOT_FOUND\"} 2\n"
        "# TYPE alone gauge\n"
        "alone{} -5\n";
    assert_string_equal(arena_strdup(&arena, page), expected);
    arena_release(&arena);
}

static void openmetrics(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct scrape *scrape = scrape_new(&arena);
    struct span me = span_of("me");
    const struct metric_exemplar exemplars[3] = {
        [1] = {"4bf92f3577b34da6a3ce929d0e0e4736", 2.5, 7}};
    const struct metric_histogram histogram = {{1, 2, 0}, 5.5, exemplars};
    scrape_number(scrape, &told, &me, 2);
    scrape_number(scrape, &told, &me, 0.25); /* added up */
    scrape_histogram(scrape, &seconds, NULL, &histogram);
    struct span page = scrape_print(scrape, SCRAPE_OPENMETRICS);
    static const char *const expected =
        "alone{} -5\n"
        "# HELP told_seconds How long.\n"
        "# TYPE told_seconds histogram\n"
        "told_seconds_bucket{le=\"1.0\"} 1\n"
        "told_seconds_bucket{le=\"10.0\"} 3 # {trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\"} 2.5 "
        "7.000\n"
        "told_seconds_bucket{le=\"+Inf\"} 3\n"
        "told_seconds_sum{} 5.5\n"
        "told_seconds_count{} 3\n"
        "# HELP told What was told.\n"
        "# TYPE told counter\n"
        "told_total{who=\"me\"} 2.25\n"
        "# EOF\n";
    char *text = arena_strdup(&arena, page);
    assert_non_null(strstr(text, ":tensorflow:serving:request_count_total{model_name="));
    assert_string_equal(strstr(text, "alone{}"), expected);
    arena_release(&arena);
}

static void accept_headers(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        enum scrape_format format;
    } rows[] = {
        {"", SCRAPE_TEXT},
        {"*/*", SCRAPE_TEXT},
        {"application/openmetrics-text", SCRAPE_OPENMETRICS},
        {"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/"
         "*;q=0.1",
         SCRAPE_OPENMETRICS},
        {"text/plain, application/openmetrics-text;q=0.3", SCRAPE_TEXT},
        {"application/openmetrics-text;q=0", SCRAPE_TEXT},
        {";;q=,,,;q=xxxxxxxxxxxxxxxxxxxxxxxxxxx", SCRAPE_TEXT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(scrape_format_of(span_of(rows[i].accept)), rows[i].format);
}

static void a_family_may_leave_little_room(void **state)
{
    (void)state;
    atomic_int room = 1;
    const struct span a[] = {span_of("a"), span_of("OK")}, b[] = {span_of("b"), span_of("OK")};
    metric_add(metric_at_within(&requests, a, &room), 1);
    metric_add(metric_at_within(&requests, a, &room), 1);
    metric_add(metric_at_within(&requests, b, &room), 1);
    assert_int_equal(metric_value(request_cell("a", "OK")), 2);
    assert_int_equal(metric_value(request_cell("other", "other")), 1);
}

static void names_from_outside_are_bounded(void **state)
{
    (void)state;
    char name[32];
    for (int i = 0; i < METRIC_CELLS_MAX + 10; i++) {
        snprintf(name, sizeof name, "no such model %d", i);
        metric_add(request_cell(name, "NOT_FOUND"), 1);
    }
    /* The four cells of the tests before are among the limit, and one counted there. */
    assert_int_equal(metric_value(request_cell("other", "other")), 10 + 4 + 1);
    assert_int_equal(metric_value(request_cell("no such model 7", "NOT_FOUND")), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_threads_record_into_one_cell),
        cmocka_unit_test(the_page_is_the_originals),
        cmocka_unit_test(openmetrics),
        cmocka_unit_test(accept_headers),
        cmocka_unit_test(a_family_may_leave_little_room),
        cmocka_unit_test(names_from_outside_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
