/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void fractions_fill_their_range(void **state)
{
    (void)state;
    int tenths[10] = {0};
    for (int i = 0; i < 100000; i++) {
        double x = random_fraction();
        assert_true(x >= 0 && x < 1);
        tenths[(int)(x * 10)]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(tenths[i], 9000, 11000);
    assert_true(random_next() != random_next());
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fractions_fill_their_range)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
