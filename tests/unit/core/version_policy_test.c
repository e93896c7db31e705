/* SPDX-License-Identifier: Apache-2.0 */
#include "core/version_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const int64_t listed[] = {7, 2, 99};

static const struct {
    struct version_policy policy;
    int64_t found[6];
    size_t found_count;
    int64_t kept[6];
    size_t kept_count;
} rows[] = {
    {{.kind = VERSION_POLICY_LATEST, .latest = 1}, {3, 10, 2}, 3, {10}, 1},
    {{.kind = VERSION_POLICY_LATEST, .latest = 0}, {3, 10, 2}, 3, {10}, 1},
    {{.kind = VERSION_POLICY_LATEST, .latest = 2}, {3, 10, 2}, 3, {3, 10}, 2},
    {{.kind = VERSION_POLICY_LATEST, .latest = 9}, {3, -1}, 2, {-1, 3}, 2},
    {{.kind = VERSION_POLICY_LATEST, .latest = 2}, {5, 5, 4}, 3, {4, 5}, 2},
    {{.kind = VERSION_POLICY_LATEST, .latest = 1}, {0}, 0, {0}, 0},
    {{.kind = VERSION_POLICY_ALL}, {3, 10, 2}, 3, {2, 3, 10}, 3},
    {{.kind = VERSION_POLICY_SPECIFIC, .specific = listed, .specific_count = 3},
     {1, 2, 7, 8},
     4,
     {2, 7},
     2},
    {{.kind = VERSION_POLICY_SPECIFIC}, {1, 2}, 2, {0}, 0},
};

static void policies_keep_what_they_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct aspired_version versions[6];
        for (size_t k = 0; k < rows[i].found_count; k++)
            versions[k] = (struct aspired_version){rows[i].found[k], "", 0, NULL};
        assert_int_equal(version_policy_apply(&rows[i].policy, versions, rows[i].found_count),
                         rows[i].kept_count);
        for (size_t k = 0; k < rows[i].kept_count; k++)
            assert_int_equal(versions[k].version, rows[i].kept[k]);
    }
}

static void of_equal_numbers_the_last_stays(void **state)
{
    (void)state;
    struct aspired_version versions[] = {{1, "1", 0, NULL}, {1, "01", 0, NULL}, {0, "0", 0, NULL}};
    struct version_policy all = {.kind = VERSION_POLICY_ALL};
    assert_int_equal(version_policy_apply(&all, versions, 3), 2);
    assert_string_equal(versions[1].path, "01");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_keep_what_they_say),
        cmocka_unit_test(of_equal_numbers_the_last_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
