/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
    const char *text;
    unsigned cores;
} quotas[] = {
    {"max 100000\n", 0},
    {"200000 100000\n", 2},
    {"150000 100000", 2},
    {"1 100000\n", 1},
    {"", 0},
    {"100000", 0},
    {"100000 0\n", 0},
    {"-1 100000\n", 0},
    {"a b", 0},
    {"9223372036854775807 1\n", UINT16_MAX},
};

static void quotas_are_rounded_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof quotas / sizeof *quotas; i++)
        if (cpu_quota(span_of(quotas[i].text)) != quotas[i].cores)
            fail_msg("'%s': %u", quotas[i].text, cpu_quota(span_of(quotas[i].text)));
}

static void there_is_a_core(void **state)
{
    (void)state;
    assert_true(cpu_count() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotas_are_rounded_up),
        cmocka_unit_test(there_is_a_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
