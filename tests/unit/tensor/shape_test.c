/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/shape.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_elements(void **state)
{
    (void)state;
    static const struct {
        struct shape shape;
        bool fits;
        int64_t elements;
    } cases[] = {
        {{0, {0}}, true, 1},
        {{1, {7}}, true, 7},
        {{3, {2, 3, 4}}, true, 24},
        {{2, {0, 5}}, true, 0},
        {{1, {-1}}, false, 0},
        {{2, {1LL << 32, 1LL << 32}}, false, 0},
        {{3, {1LL << 32, 1LL << 32, 0}}, false, 0},
        {{3, {0, 1LL << 32, 1LL << 32}}, false, 0},
        {{1, {INT64_MAX}}, true, INT64_MAX},
        {{SHAPE_UNKNOWN_RANK, {0}}, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t n = -5;
        assert_int_equal(shape_elements_checked(&cases[i].shape, &n), cases[i].fits);
        if (!cases[i].fits)
            continue;
        assert_int_equal(n, cases[i].elements);
        assert_int_equal(shape_elements(&cases[i].shape), cases[i].elements);
    }
}

static void test_matches(void **state)
{
    (void)state;
    static const struct {
        struct shape declared, actual;
        bool matches;
    } cases[] = {
        {{SHAPE_UNKNOWN_RANK, {0}}, {2, {3, 4}}, true},
        {{2, {-1, 4}}, {2, {3, 4}}, true},
        {{2, {-1, 4}}, {2, {3, 5}}, false},
        {{2, {-1, 4}}, {1, {3}}, false},
        {{0, {0}}, {0, {0}}, true},
        {{1, {0}}, {1, {0}}, true},
        {{1, {0}}, {1, {1}}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(shape_matches(&cases[i].declared, &cases[i].actual), cases[i].matches);
}

static void test_equal_and_known(void **state)
{
    (void)state;
    struct shape a = shape_matrix(2, 3), b = shape_matrix(2, 3), c = shape_vector(2);
    struct shape open = shape_matrix(-1, 3), none = shape_unknown(), scalar = shape_scalar();
    assert_true(shape_equal(&a, &b));
    assert_false(shape_equal(&a, &c));
    assert_false(shape_equal(&a, &open));
    assert_true(shape_equal(&none, &none));
    assert_true(shape_is_known(&a));
    assert_true(shape_is_known(&scalar));
    assert_false(shape_is_known(&open));
    assert_false(shape_is_known(&none));
}

static void test_text(void **state)
{
    (void)state;
    struct shape longest = {.rank = SHAPE_RANK_MAX};
    for (int i = 0; i < SHAPE_RANK_MAX; i++)
        longest.dims[i] = INT64_MAX;
    const struct {
        struct shape shape;
        const char *text;
    } cases[] = {
        {shape_scalar(), "[]"},         {shape_vector(3), "[3]"},
        {shape_matrix(2, 3), "[2,3]"},  {shape_matrix(-1, 3), "[?,3]"},
        {shape_unknown(), "<unknown>"},
    };
    char text[SHAPE_TEXT_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(shape_text(&cases[i].shape, text), cases[i].text);
    assert_int_equal(strlen(shape_text(&longest, text)), 12 * 19 + 11 + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements),
        cmocka_unit_test(test_matches),
        cmocka_unit_test(test_equal_and_known),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
