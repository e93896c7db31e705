/* SPDX-License-Identifier: Apache-2.0 */
/* sort_items: sorted, stable, whatever the order before. */
#include "ops/sort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { COUNT_MAX = 100 };

static int by_value(const void *context, int64_t a, int64_t b)
{
    const int *values = context;
    return (values[a] > values[b]) - (values[a] < values[b]);
}

/* All numbers of items up to COUNT_MAX, with values that repeat. */
static void test_sorted_and_stable(void **state)
{
    (void)state;
    for (int64_t n = 0; n <= COUNT_MAX; n++) {
        int values[COUNT_MAX] = {0};
        int64_t items[COUNT_MAX] = {0}, scratch[COUNT_MAX];
        for (int64_t i = 0; i < n; i++) {
            values[i] = (int)(i * 37 % 11);
            items[i] = i;
        }
        sort_items(items, scratch, n, by_value, values);
        for (int64_t i = 1; i < n; i++) {
            int before = values[items[i - 1]], after = values[items[i]];
            assert_true(before < after || (before == after && items[i - 1] < items[i]));
        }
    }
}

static void test_in_order_already(void **state)
{
    (void)state;
    static const int values[] = {1, 1, 2, 3};
    int64_t items[] = {0, 1, 2, 3}, scratch[4];
    sort_items(items, scratch, 4, by_value, values);
    for (int64_t i = 0; i < 4; i++)
        assert_int_equal(items[i], i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sorted_and_stable),
        cmocka_unit_test(test_in_order_already),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
