/* SPDX-License-Identifier: Apache-2.0 */
/* Every value of a document is found again: its path is written, its first byte looked at. */
#include "wire/json_where.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char text[] =
    "\xef\xbb\xbf {\"a\\\"]\": [1, [], {\"b\": {}}, [ [-2.5e1 , \"x,\\\\\" ] ]],"
    " \"\": null, \"c\" : {\"d\":[NaN,true]}} rest";

static const struct {
    size_t slot;
    const char *path;
    const char *starts;
} cases[] = {
    {0, "", "{\"a"},
    {1, "a\"]", "\"a\\\""},
    {3, "a\"]", "[1,"},
    {4, "a\"][0]", "1, ["},
    {5, "a\"][1]", "[], {"},
    {6, "a\"][2]", "{\"b\""},
    {7, "a\"][2].b", "\"b\""},
    {9, "a\"][2].b", "{}}"},
    {10, "a\"][3]", "[ [-"},
    {11, "a\"][3][0]", "[-2"},
    {12, "a\"][3][0][0]", "-2.5"},
    {13, "a\"][3][0][1]", "\"x,"},
    {15, "", "\"\":"},
    {17, "", "null"},
    {18, "c", "\"c\""},
    {20, "c", "{\"d\""},
    {21, "c.d", "\"d\""},
    {23, "c.d", "[NaN"},
    {24, "c.d[0]", "NaN,"},
    {25, "c.d[1]", "true"},
};

static void values_are_found(void **state)
{
    (void)state;
    struct arena arena;
    struct json_document document;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    assert_int_equal(json_parse(span_of(text), &arena, &document, NULL), CODE_OK);
    assert_int_equal(document.count, 26);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json_where where =
            json_where(span_of(text), document.values, document.values + cases[i].slot, &arena);
        assert_true(span_is(where.path, cases[i].path));
        assert_memory_equal(text + where.offset, cases[i].starts, strlen(cases[i].starts));
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(values_are_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
