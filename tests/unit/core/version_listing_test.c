/* SPDX-License-Identifier: Apache-2.0 */
#include "core/version_listing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
    const char *name;
    bool is;
    int64_t version;
} names[] = {
    {"0", true, 0},
    {"00000123", true, 123},
    {"-3", true, -3},
    {"+3", true, 3},
    {" 12 ", true, 12},
    {"9223372036854775807", true, INT64_MAX},
    {"9223372036854775808", false, 0},
    {"", false, 0},
    {"1.0", false, 0},
    {"0x10", false, 0},
    {"+-3", false, 0},
    {"1 2", false, 0},
    {"..", false, 0},
};

static void names_are_numbers_or_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int64_t version = 0;
        bool is = version_listing_number(span_of(names[i].name), &version);
        if (is != names[i].is || (is && version != names[i].version))
            fail_msg("'%s': %d, %lld", names[i].name, is, (long long)version);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_are_numbers_or_not)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
