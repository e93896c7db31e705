/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/example.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static struct span from_json(const char *text)
{
    struct json_document doc;
    struct span bytes;
    struct error err = {0};
    const struct json_value *fault;
    assert_int_equal(json_parse(span_of(text), &arena, &doc, &err), CODE_OK);
    if (example_from_json(doc.values, &arena, &bytes, &fault, &err))
        fail_msg("%s", err.message);
    return bytes;
}

static void test_json_to_example_and_back(void **state)
{
    (void)state;
    struct span bytes =
        from_json("{\"i\": [1, true, false, -5], \"f\": 2.5, \"s\": [\"x\", {\"b64\": \"AP8=\"}], "
                  "\"none\": [], \"d\": 1, \"d\": [3.0, NaN]}");
    struct example example;
    assert_int_equal(example_parse(bytes, &arena, &example, NULL), CODE_OK);
    assert_int_equal(example.count, 5);
    const struct example_feature *i = example_find(&example, SPAN_LITERAL("i"));
    int64_t ints[4];
    assert_int_equal(i->dtype, DTYPE_INT64);
    assert_int_equal(i->count, 4);
    example_read_int64s(i, ints);
    assert_true(ints[0] == 1 && ints[1] == 1 && ints[2] == 0 && ints[3] == -5);
    const struct example_feature *s = example_find(&example, SPAN_LITERAL("s"));
    struct span strings[2];
    assert_int_equal(s->dtype, DTYPE_STRING);
    assert_int_equal(s->count, 2);
    example_read_strings(s, strings);
    assert_true(span_is(strings[0], "x") && span_equal(strings[1], SPAN_LITERAL("\0\xff")));
    const struct example_feature *none = example_find(&example, SPAN_LITERAL("none"));
    assert_int_equal(none->dtype, DTYPE_INVALID);
    assert_int_equal(none->count, 0);
    const struct example_feature *d = example_find(&example, SPAN_LITERAL("d"));
    float floats[2];
    assert_int_equal(d->dtype, DTYPE_FLOAT); /* the later one */
    assert_int_equal(d->count, 2);
    example_read_floats(d, floats);
    assert_true(floats[0] == 3.0f && floats[1] != floats[1]);
    assert_null(example_find(&example, SPAN_LITERAL("x")));
}

static void test_json_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message;
        ptrdiff_t fault; /* slots from the root */
    } cases[] = {
        {"[1]", "Example must be JSON object but got JSON Array", 0},
        {"{\"a\": null}", "Feature: a has element with unexpected JSON type: Null", 3},
        {"{\"a\": [[1]]}", "Feature: a has element with unexpected JSON type: Array", 4},
        {"{\"a\": {\"c\": 1}}", "Feature: a has element with unexpected JSON type: Object", 3},
        {"{\"a\": [1, 2.0]}", "Unexpected element type in feature: a expecting type: int64", 5},
        {"{\"a\": [2.5, \"x\"]}", "Unexpected element type in feature: a expecting type: float", 5},
        {"{\"a\": [\"x\", true]}", "Unexpected element type in feature: a expecting type: bytes",
         6},
        {"{\"a\": 18446744073709551615}",
         "Feature: a has uint64_t element. Only int64_t is supported.", 3},
        {"{\"a\": {\"b64\": \"!\"}}", "Unable to base64 decode", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json_document doc;
        struct span bytes;
        struct error err;
        const struct json_value *fault;
        assert_int_equal(json_parse(span_of(cases[i].text), &arena, &doc, NULL), CODE_OK);
        assert_int_equal(example_from_json(doc.values, &arena, &bytes, &fault, &err),
                         CODE_INVALID_ARGUMENT);
        assert_string_equal(err.message, cases[i].message);
        assert_int_equal(fault - doc.values, cases[i].fault);
    }
}

/* Written by hand: Example{1: Features{1: {1: "a", 2: Feature}}}. */
static void test_wire_forms(void **state)
{
    (void)state;
    static const struct {
        struct span feature;
        enum dtype dtype;
        int64_t count;
    } cases[] = {
        {SPAN_LITERAL("\x12\x06\x0a\x04\0\0\x80\x3f"), DTYPE_FLOAT, 1},           /* packed */
        {SPAN_LITERAL("\x12\x0a\x0d\0\0\x80\x3f\x0d\0\0\0\x40"), DTYPE_FLOAT, 2}, /* not packed */
        {SPAN_LITERAL("\x1a\x05\x0a\x03\x01\x80\x01"), DTYPE_INT64, 2},           /* packed */
        {SPAN_LITERAL("\x1a\x05\x08\x07\x0a\x01\x09"), DTYPE_INT64, 2},           /* both */
        {SPAN_LITERAL("\x0a\x05\x0a\x01x\x0a\x00"), DTYPE_STRING, 2},             /* bytes */
        {SPAN_LITERAL("\x1a\x02\x08\x07\x1a\x02\x08\x08"), DTYPE_INT64, 2},       /* merged */
        {SPAN_LITERAL("\x1a\x02\x08\x07\x0a\x00\x1a\x02\x08\x08"), DTYPE_INT64,
         1}, /* the last kind wins */
        {SPAN_LITERAL("\x0a\x00"), DTYPE_STRING, 0},
        {SPAN_LITERAL(""), DTYPE_INVALID, 0},
        {SPAN_LITERAL("\x23\x2b\x2c\x24\x1a\x00"), DTYPE_INT64, 0}, /* unknown groups */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = cases[i].feature.len;
        char bytes[64] = {0x0a, (char)(n + 7), 0x0a, (char)(n + 5), 0x0a, 1, 'a', 0x12, (char)n};
        memcpy(bytes + 9, cases[i].feature.ptr, n);
        struct example example;
        assert_int_equal(example_parse(span_make(bytes, n + 9), &arena, &example, NULL), CODE_OK);
        assert_int_equal(example.count, 1);
        assert_int_equal(example.features[0].dtype, cases[i].dtype);
        assert_int_equal(example.features[0].count, cases[i].count);
        int64_t ints[2] = {0};
        if (cases[i].dtype == DTYPE_INT64)
            example_read_int64s(&example.features[0], ints);
        if (cases[i].dtype == DTYPE_INT64 && cases[i].count == 2 && i == 3)
            assert_true(ints[0] == 7 && ints[1] == 9);
        if (i == 5)
            assert_true(ints[0] == 7 && ints[1] == 8);
    }
}

/* bytes(context) || bytes(example): the later entry of a name wins, the others are kept. */
static void test_concatenation_merges(void **state)
{
    (void)state;
    struct span a = from_json("{\"x\": 1, \"only_a\": 5}"),
                b = from_json("{\"x\": [2, 3], \"only_b\": \"s\"}");
    char *both = arena_alloc(&arena, a.len + b.len);
    memcpy(both, a.ptr, a.len);
    memcpy(both + a.len, b.ptr, b.len);
    struct example example;
    assert_int_equal(example_parse(span_make(both, a.len + b.len), &arena, &example, NULL),
                     CODE_OK);
    assert_int_equal(example.count, 3);
    assert_int_equal(example_find(&example, SPAN_LITERAL("x"))->count, 2);
}

static void test_many_features(void **state)
{
    (void)state;
    char text[8192];
    int n = snprintf(text, sizeof text, "{\"f0\": 0");
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 100; i++)
            n += snprintf(text + n, sizeof text - (size_t)n, ", \"f%d\": %d", i, i + 1000 * round);
    snprintf(text + n, sizeof text - (size_t)n, "}");
    struct example example;
    assert_int_equal(example_parse(from_json(text), &arena, &example, NULL), CODE_OK);
    assert_int_equal(example.count, 100);
    for (size_t i = 0; i < 100; i++) {
        int64_t value;
        example_read_int64s(&example.features[i], &value);
        assert_int_equal(value, 1000 + (int64_t)i);
    }
}

static void test_refuses_damage(void **state)
{
    (void)state;
    struct span whole = from_json("{\"f\": [1.5, 2.5], \"i\": [300, 70000], \"s\": \"text\"}");
    struct example example;
    struct error err;
    for (size_t n = 1; n < whole.len; n++)
        assert_int_equal(example_parse(span_sub(whole, 0, n), &arena, &example, &err),
                         CODE_INVALID_ARGUMENT);
    assert_string_equal(err.message, "Could not parse example input");
    static const struct span bad[] = {
        SPAN_LITERAL("\x00"),
        SPAN_LITERAL("\x0c"),
        SPAN_LITERAL("\x0b"),
        SPAN_LITERAL("\x0b\x14"),
        SPAN_LITERAL("\x0f\x00"),
        SPAN_LITERAL("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        /* a packed float list of three bytes; a varint that does not end */
        SPAN_LITERAL("\x0a\x0c\x0a\x0a\x12\x08\x12\x05\x0a\x03\0\0\0\0\0\0"),
        SPAN_LITERAL("\x0a\x09\x0a\x07\x12\x05\x1a\x03\x0a\x01\x80"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(example_parse(bad[i], &arena, &example, &err), CODE_INVALID_ARGUMENT);
    assert_int_equal(example_parse((struct span){0}, &arena, &example, &err), CODE_OK);
    assert_int_equal(example.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_json_to_example_and_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json_refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wire_forms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_concatenation_merges, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_features, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refuses_damage, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
