/* SPDX-License-Identifier: Apache-2.0 */
#include "api/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define ID     "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"

static void good_and_bad_ones(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"00-" ID "-" PARENT "-01", true},
        {"00-" ID "-" PARENT "-00", true},
        {"00-" ID "-" PARENT "-ff", true},
        {"cc-" ID "-" PARENT "-01", true},
        {"cc-" ID "-" PARENT "-01-what comes later", true},
        {"", false},
        {"00-" ID "-" PARENT "-0", false},
        {"00-" ID "-" PARENT "-01-", false},
        {"00-" ID "-" PARENT "-01 ", false},
        {" 00-" ID "-" PARENT "-01", false},
        {"cc-" ID "-" PARENT "-01.", false},
        {"ff-" ID "-" PARENT "-01", false},
        {"0-" ID "-" PARENT "-001", false},
        {"00_" ID "-" PARENT "-01", false},
        {"00-" ID "_" PARENT "-01", false},
        {"00-" ID "-" PARENT "_01", false},
        {"00-00000000000000000000000000000000-" PARENT "-01", false},
        {"00-" ID "-0000000000000000-01", false},
        {"00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01", false},
        {"00-" ID "-" PARENT "-0g", false},
        {"0x-" ID "-" PARENT "-01", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct trace trace;
        if (trace_parse(span_of(rows[i].text), &trace) != rows[i].good)
            fail_msg("'%s'", rows[i].text);
    }
}

static void what_it_says(void **state)
{
    (void)state;
    struct trace trace, other;
    char text[TRACE_PARENT_SIZE];
    assert_true(trace_parse(span_of("00-" ID "-" PARENT "-03"), &trace));
    assert_string_equal(trace.id, ID);
    assert_string_equal(trace.parent, PARENT);
    assert_true(trace.sampled);
    trace_begin(&trace);
    assert_true(trace_parse(trace_response(&trace, text), &other));
    assert_string_equal(other.id, ID);
    assert_string_equal(other.parent, trace.span);
    assert_true(other.sampled);
    trace_begin(&other);
    assert_string_not_equal(other.span, trace.span);
    assert_true(trace_parse(span_of("00-" ID "-" PARENT "-02"), &trace));
    assert_false(trace.sampled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_and_bad_ones),
        cmocka_unit_test(what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
