/* SPDX-License-Identifier: Apache-2.0 */
#include "api/monitor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Before clock_calibrate() a tick is a nanosecond. */
enum { US = 1000, MS = 1000 * US };

static struct arena arena;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    latency_prepare();
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static void add_times(struct latency_sum *sum, size_t count, int64_t ticks)
{
    static struct latency latency;
    memset(&latency, 0, sizeof latency);
    for (size_t i = 0; i < count; i++)
        latency_record(&latency, true, 0, ticks);
    latency_add(sum, &latency, 0);
}

/* So many requests of `ticks` each, of which a tenth was the run, and so many failed. */
static struct served_total total_of(const char *model, size_t count, int64_t ticks, int64_t failed)
{
    struct served_total total = {
        .model = span_of(model), .version = 3, .signature = SPAN_LITERAL("sums")};
    total.codes[CODE_OK] = (int64_t)count;
    total.codes[CODE_NOT_FOUND] = failed;
    add_times(&total.all, count, ticks);
    add_times(&total.stages[SERVED_RUN], count, ticks / 10);
    return total;
}

static const char *text_of(struct served_total *before, size_t before_count,
                           struct served_total *after, size_t after_count, bool details)
{
    const struct monitor_state first = {.us = 1000000, .totals = before, .count = before_count};
    struct monitor_state then = {
        .us = 3000000, .cpu_ns = 500 * MS, .totals = after, .count = after_count};
    const struct monitor_options options = {.details = details};
    return arena_strdup(&arena, monitor_text(&first, &then, &options, &arena));
}

static void only_what_came_since_counts(void **state)
{
    (void)state;
    struct served_total before[] = {total_of("a", 100, 50 * MS, 7), total_of("b", 5, MS, 0)};
    struct served_total after[] = {total_of("b", 5, MS, 0), before[0], total_of("c", 1, MS, 0)};
    after[1].codes[CODE_OK] += 99;
    after[1].codes[CODE_INTERNAL] += 2;
    add_times(&after[1].all, 99, 100 * US);
    add_times(&after[1].stages[SERVED_RUN], 99, 10 * US);
    const char *text = text_of(before, 2, after, 3, true);
    /* The last of a hundred is the slow one. */
    const char *head = "102 requests in 2.0 s (51.0 per second), 2 failed\n"
                       "Latency: mean 0.109 ms, 50 % within 0.105 ms, 99 % within 0.105 ms\n"
                       "Processor: 0.25 of ";
    assert_memory_equal(text, head, strlen(head));
    assert_non_null(strstr(text, "  a, version 3, signature sums, predict over gRPC: 101 requests "
                                 "in 2.0 s (50.5 per second), 2 failed\n"
                                 "    mean 0.100 ms, 50 % within "));
    assert_non_null(strstr(text, "queue 0.000 ms, run 0.010 ms, encode 0.000 ms"));
    assert_non_null(strstr(text, "  c, version 3, "));
    assert_null(strstr(text, "  b, ")); /* nothing new */
}

/* A version that came again under its name and number begins at nothing. */
static void counters_that_began_again(void **state)
{
    (void)state;
    struct served_total before[] = {total_of("a", 100, 50 * MS, 7)};
    struct served_total after[] = {total_of("a", 10, MS, 1)};
    const char *head = "11 requests in 2.0 s (5.5 per second), 1 failed\nLatency: mean 1.000 ms";
    assert_memory_equal(text_of(before, 1, after, 1, false), head, strlen(head));
}

static void nothing_was_asked(void **state)
{
    (void)state;
    const char *head = "0 requests in 2.0 s (0.0 per second), 0 failed\n"
                       "Latency: mean 0.000 ms, 50 % within 0.000 ms, 99 % within 0.000 ms\n";
    assert_memory_equal(text_of(NULL, 0, NULL, 0, true), head, strlen(head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_what_came_since_counts, begin, end),
        cmocka_unit_test_setup_teardown(counters_that_began_again, begin, end),
        cmocka_unit_test_setup_teardown(nothing_was_asked, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
