/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/timer.h"

enum { COUNT = 500 };

static struct timer *fired[COUNT];
static size_t fired_count;

static void on_fire(struct timer *timer)
{
    assert_int_equal(timer->slot, 0);
    fired[fired_count++] = timer;
}

static void fires_in_order_and_only_what_is_due(void **state)
{
    (void)state;
    static struct timer list[COUNT];
    struct timers timers;
    timers_init(&timers);
    assert_int_equal(timers_next(&timers), INT64_MAX);
    unsigned random = 7;
    for (size_t i = 0; i < COUNT; i++) {
        list[i].fn = on_fire;
        random = random * 1103515245 + 12345;
        timers_arm(&timers, &list[i], random >> 16 & 1023);
    }
    /* Every third is moved, every fifth disarmed. */
    for (size_t i = 0; i < COUNT; i += 3) {
        random = random * 1103515245 + 12345;
        timers_arm(&timers, &list[i], random >> 16 & 1023);
    }
    for (size_t i = 0; i < COUNT; i += 5)
        timers_disarm(&timers, &list[i]);
    timers_disarm(&timers, &list[0]);
    size_t due = 0;
    for (size_t i = 0; i < COUNT; i++)
        due += i % 5 && list[i].at_us <= 600;
    timers_run(&timers, 600);
    assert_int_equal(fired_count, due);
    assert_true(timers_next(&timers) > 600);
    timers_run(&timers, 2000);
    assert_int_equal(fired_count, COUNT - COUNT / 5);
    for (size_t i = 1; i < fired_count; i++)
        assert_true(fired[i - 1]->at_us <= fired[i]->at_us);
    timers_release(&timers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_in_order_and_only_what_is_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
