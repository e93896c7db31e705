/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the availability-preserving policy, a row each. */
#include "core/transition_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define N TRANSITION_NEW
#define R TRANSITION_READY
#define O TRANSITION_OTHER

static const struct {
    const char *what;
    struct transition_version versions[4];
    size_t count;
    struct transition next;
} rows[] = {
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
        struct transition next = transition_next(rows[i].versions, rows[i].count);
        if (next.kind != rows[i].next.kind || next.index != rows[i].next.index)
            fail_msg("%s: %d of %zu", rows[i].what, (int)next.kind, next.index);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
