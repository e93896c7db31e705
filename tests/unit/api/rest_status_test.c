/* SPDX-License-Identifier: Apache-2.0 */
/* Codes as HTTP statuses. */
#include "api/rest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void every_code_has_one(void **state)
{
    (void)state;
    static const int expected[] = {200, 499, 500, 400, 504, 404, 409, 403, 429,
                                   400, 409, 400, 501, 500, 503, 500, 401};
    for (int code = CODE_OK; code <= CODE_UNAUTHENTICATED; code++)
        assert_int_equal(rest_http_status(code), expected[code]);
    assert_int_equal(rest_http_status(CODE_UNAUTHENTICATED + 1), 500);
    assert_int_equal(rest_http_status(-1), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
