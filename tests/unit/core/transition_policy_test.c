/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the availability-preserving policy, a row each. */
#include "core/transition_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define N TRANSITION_NEW
#define R TRANSITION_READY
#define O TRANSITION_BUSY

struct row {
    const char *what;
    struct transition_version versions[4];
    size_t count;
    struct transition next;
};

static const struct row rows[] = {
    {"nothing", {{0}}, 0, {TRANSITION_NONE, 0}},
    {"the highest new one is loaded first",
     {{1, N, true}, {3, N, true}, {2, N, true}},
     3,
     {TRANSITION_LOAD, 1}},
    {"the old one stays while the new one is not there",
     {{1, R, false}, {2, N, true}},
     2,
     {TRANSITION_LOAD, 1}},
    {"the old one stays while the new one loads",
     {{1, R, false}, {2, O, true}},
     2,
     {TRANSITION_NONE, 0}},
    {"the old one goes when the new one is ready",
     {{1, R, false}, {2, R, true}},
     2,
     {TRANSITION_UNLOAD, 0}},
    {"the lowest of the old ones goes first",
     {{5, R, false}, {2, R, false}, {7, R, true}},
     3,
     {TRANSITION_UNLOAD, 1}},
    {"one old one is enough",
     {{1, R, false}, {2, R, false}, {3, N, true}},
     3,
     {TRANSITION_UNLOAD, 0}},
    {"nothing wanted: all go", {{4, R, false}}, 1, {TRANSITION_UNLOAD, 0}},
    {"going before coming", {{1, R, false}, {2, R, true}, {3, N, true}}, 3, {TRANSITION_UNLOAD, 0}},
    {"all is well", {{1, R, true}, {2, O, false}}, 2, {TRANSITION_NONE, 0}},
    {"a new one that nobody wants is left alone", {{1, N, false}}, 1, {TRANSITION_NONE, 0}},
};

static void rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct transition next =
            transition_availability_preserving(rows[i].versions, rows[i].count);
        if (next.kind != rows[i].next.kind || next.index != rows[i].next.index)
            fail_msg("%s: %d of %zu", rows[i].what, (int)next.kind, next.index);
    }
}

static const struct row resource_rows[] = {
    {"the old one goes first", {{1, R, false}, {2, N, true}}, 2, {TRANSITION_UNLOAD, 0}},
    {"nothing comes while it goes", {{1, O, false}, {2, N, true}}, 2, {TRANSITION_NONE, 0}},
    {"one that failed is not waited for",
     {{1, TRANSITION_ENDED, false}, {2, N, true}},
     2,
     {TRANSITION_LOAD, 1}},
    {"the highest comes first", {{1, N, true}, {2, N, true}}, 2, {TRANSITION_LOAD, 1}},
    {"all is well", {{1, R, true}}, 1, {TRANSITION_NONE, 0}},
};

static void resource_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof resource_rows / sizeof *resource_rows; i++) {
        const struct row *row = &resource_rows[i];
        struct transition next = transition_resource_preserving(row->versions, row->count);
        if (next.kind != row->next.kind || next.index != row->next.index)
            fail_msg("%s: %d of %zu", row->what, (int)next.kind, next.index);
    }
}

static void policies_have_names(void **state)
{
    (void)state;
    assert_ptr_equal(transition_find("resource_preserving"), transition_resource_preserving);
    assert_null(transition_find("none"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules),
        cmocka_unit_test(resource_rules),
        cmocka_unit_test(policies_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
