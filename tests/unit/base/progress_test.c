/* SPDX-License-Identifier: Apache-2.0 */
#include "base/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"

static void stages_are_timed(void **state)
{
    (void)state;
    struct progress progress;
    progress_begin(&progress);
    progress_enter(PROGRESS_READ);
    int64_t until_us = clock_now_us() + 2000;
    while (clock_now_us() < until_us)
        ;
    progress_enter(PROGRESS_RESTORE);
    progress_add(3);
    progress_add(4);
    assert_int_equal(atomic_load(&progress.stage), PROGRESS_RESTORE);
    progress_end();
    assert_int_equal(atomic_load(&progress.bytes), 7);
    assert_true(atomic_load(&progress.took_us[PROGRESS_READ]) >= 2000);
    assert_int_equal(atomic_load(&progress.took_us[PROGRESS_WARM_UP]), 0);
}

static void without_one_nothing_is_written(void **state)
{
    (void)state;
    struct progress progress;
    progress_begin(&progress);
    progress_end();
    progress_enter(PROGRESS_READ);
    progress_add(1);
    assert_int_equal(atomic_load(&progress.bytes), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_are_timed),
        cmocka_unit_test(without_one_nothing_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
