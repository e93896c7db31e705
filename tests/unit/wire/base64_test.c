/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void test_base64(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    static const struct {
        const char *text;
        const char *bytes; /* NULL: refused */
        bool canonical;
    } cases[] = {
        {"", "", true},
        {"Zg==", "f", true},
        {"Zg", "f", false},
        {"Zm8=", "fo", true},
        {"Zm9v", "foo", true},
        {"Zm9vYg==", "foob", true},
        {"Zm 9v\n", "foo", false},
        {"+/+/", "\xfb\xff\xbf", true},
        {"Z", NULL, false},
        {"Zg=", NULL, false},
        {"Zg===", NULL, false},
        {"Zm9v=", NULL, false},
        {"Z-==", NULL, false},
        {"Zg==Zg==", NULL, false},
        {"=", NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span bytes;
        assert_int_equal(base64_decode(span_of(cases[i].text), &arena, &bytes),
                         cases[i].bytes != NULL);
        if (!cases[i].bytes)
            continue;
        assert_true(span_is(bytes, cases[i].bytes));
        char text[16];
        size_t len = (size_t)(base64_encode(bytes, text) - text);
        assert_int_equal(len, BASE64_SIZE(bytes.len));
        if (cases[i].canonical)
            assert_true(span_is(span_make(text, len), cases[i].text));
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
