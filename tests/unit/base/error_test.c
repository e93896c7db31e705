/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void sets_prefixes_appends(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(error_set(&err, CODE_NOT_FOUND, "no %s", "file"), CODE_NOT_FOUND);
    assert_int_equal(error_prefix(&err, "%d: ", 3), CODE_NOT_FOUND);
    assert_int_equal(error_append(&err, "; %s", "make one"), CODE_NOT_FOUND);
    assert_string_equal(err.message, "3: no file; make one");
    error_set(&err, CODE_INTERNAL, "%s again", err.message);
    assert_string_equal(err.message, "3: no file; make one again");
    error_clear(&err);
    assert_int_equal(err.code, CODE_OK);
    assert_string_equal(err.message, "");
}

static void who_wants_no_text_gets_the_code(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, CODE_ABORTED, "x"), CODE_ABORTED);
    assert_int_equal(error_prefix(NULL, "x"), CODE_UNKNOWN);
    error_clear(NULL);
}

static void long_messages_are_cut_at_the_end(void **state)
{
    (void)state;
    struct error err;
    error_set(&err, CODE_INTERNAL, "%*d", ERROR_MESSAGE_SIZE * 2, 1);
    assert_int_equal(strlen(err.message), ERROR_MESSAGE_SIZE - 1);
    error_prefix(&err, "begin ");
    error_append(&err, "end");
    assert_int_equal(strlen(err.message), ERROR_MESSAGE_SIZE - 1);
    assert_memory_equal(err.message, "begin  ", 7);
}

static void codes_have_names(void **state)
{
    (void)state;
    assert_string_equal(code_name(CODE_OK), "OK");
    assert_string_equal(code_name(CODE_UNAUTHENTICATED), "UNAUTHENTICATED");
    assert_string_equal(code_name(17), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_prefixes_appends),
        cmocka_unit_test(who_wants_no_text_gets_the_code),
        cmocka_unit_test(long_messages_are_cut_at_the_end),
        cmocka_unit_test(codes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
