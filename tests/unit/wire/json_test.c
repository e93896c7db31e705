/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/json.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;
static struct json_document doc;

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

static const struct json_value *parse(struct span text)
{
    struct error err = {0};
    if (json_parse(text, &arena, &doc, &err))
        fail_msg("%.*s: %s", SPAN_ARG(text), err.message);
    return doc.values;
}

/* Texts and offsets as RapidJSON 1.1.0 gives them with the original's flags. */
static void test_errors(void **state)
{
    (void)state;
    static const struct {
        struct span text;
        const char *message;
    } cases[] = {
        {{"", 0}, "The document is empty"},
        {SPAN_LITERAL("  "), "The document is empty. at offset: 2"},
        {SPAN_LITERAL("\xef\xbb\xbf"), "The document is empty. at offset: 3"},
        {SPAN_LITERAL(","), "The document is empty. at offset: 0"},
        {SPAN_LITERAL("\0[1]"), "The document is empty. at offset: 0"},
        {SPAN_LITERAL("instances = [1, 2]"), "Invalid value. at offset: 0"},
        {SPAN_LITERAL("{"), "Missing a name for object member. at offset: 1"},
        {SPAN_LITERAL("{1"), "Missing a name for object member. at offset: 1"},
        {SPAN_LITERAL("{\"a\":1,}"), "Missing a name for object member. at offset: 7"},
        {SPAN_LITERAL("{\"a\" 1}"), "Missing a colon after a name of object member. at offset: 5"},
        {SPAN_LITERAL("{\"a\":}"), "Invalid value. at offset: 5"},
        {SPAN_LITERAL("{\"a\":1 2}"),
         "Missing a comma or '}' after an object member. at offset: 7"},
        {SPAN_LITERAL("[1,]"), "Invalid value. at offset: 3"},
        {SPAN_LITERAL("[,"), "Invalid value. at offset: 1"},
        {SPAN_LITERAL("[1 2]"), "Missing a comma or ']' after an array element. at offset: 3"},
        {SPAN_LITERAL("[01]"), "Missing a comma or ']' after an array element. at offset: 2"},
        {SPAN_LITERAL("[1"), "Missing a comma or ']' after an array element. at offset: 2"},
        {SPAN_LITERAL("[1}"), "Missing a comma or ']' after an array element. at offset: 2"},
        {SPAN_LITERAL("[nul]"), "Invalid value. at offset: 4"},
        {SPAN_LITERAL("[tRue]"), "Invalid value. at offset: 2"},
        {SPAN_LITERAL("[-]"), "Invalid value. at offset: 2"},
        {SPAN_LITERAL("[+1]"), "Invalid value. at offset: 1"},
        {SPAN_LITERAL("[Nan]"), "Invalid value. at offset: 3"},
        {SPAN_LITERAL("[Infi]"), "Invalid value. at offset: 5"},
        {SPAN_LITERAL("['a']"), "Invalid value. at offset: 1"},
        {SPAN_LITERAL("[1.]"), "Miss fraction part in number. at offset: 3"},
        {SPAN_LITERAL("[1.5e]"), "Miss exponent in number. at offset: 5"},
        {SPAN_LITERAL("[1e+]"), "Miss exponent in number. at offset: 4"},
        {SPAN_LITERAL("[0, 1e309]"), "Number too big to be stored in double. at offset: 4"},
        {SPAN_LITERAL("[-0e999]"), "Number too big to be stored in double. at offset: 1"},
        {SPAN_LITERAL("[\"abc"), "Missing a closing quotation mark in string. at offset: 5"},
        {SPAN_LITERAL("[\"abc\\"), "Invalid escape character in string. at offset: 5"},
        {SPAN_LITERAL("[\"a\\x\"]"), "Invalid escape character in string. at offset: 3"},
        {SPAN_LITERAL("[\"a\nb\"]"), "Invalid escape character in string. at offset: 3"},
        {SPAN_LITERAL("[\"a\0b\"]"), "Missing a closing quotation mark in string. at offset: 3"},
        {SPAN_LITERAL("[\"\\u12g4\"]"),
         "Incorrect hex digit after \\u escape in string. at offset: 2"},
        {SPAN_LITERAL("[\"\\ud800x\"]"), "The surrogate pair in string is invalid. at offset: 2"},
        {SPAN_LITERAL("[\"\\ud800\\u0041\"]"),
         "The surrogate pair in string is invalid. at offset: 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err;
        char want[200];
        snprintf(want, sizeof want, "JSON Parse error: %s", cases[i].message);
        assert_int_equal(json_parse(cases[i].text, &arena, &doc, &err), CODE_INVALID_ARGUMENT);
        assert_string_equal(err.message, want);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum json_type type;
        double real;
    } cases[] = {
        {"0", JSON_INT, 0},
        {"-0", JSON_INT, 0},
        {"-0.0", JSON_NUMBER, -0.0},
        {"12", JSON_INT, 12},
        {"9223372036854775807", JSON_INT, 0x1p63},
        {"-9223372036854775808", JSON_INT, -0x1p63},
        {"-9223372036854775809", JSON_NUMBER, -0x1p63},
        {"9223372036854775808", JSON_UINT, 0x1p63},
        {"18446744073709551615", JSON_UINT, 0x1p64},
        {"18446744073709551616", JSON_NUMBER, 0x1p64},
        {"0.1", JSON_NUMBER, 0.1},
        {"0.30000000000000004", JSON_NUMBER, 0.30000000000000004},
        {"123456789012345678901234567890", JSON_NUMBER, 123456789012345678901234567890.0},
        {"1e23", JSON_NUMBER, 1e23},
        {"8.5E-3", JSON_NUMBER, 8.5e-3},
        {"9007199254740993.0", JSON_NUMBER, 9007199254740992.0},
        {"9007199254740993.00000000000000000000000000000000001", JSON_NUMBER, 9007199254740994.0},
        {"1.7976931348623157e308", JSON_NUMBER, 1.7976931348623157e308},
        {"9e308", JSON_NUMBER, INFINITY},
        {"5e-324", JSON_NUMBER, 5e-324},
        {"2.2250738585072011e-308", JSON_NUMBER, 2.2250738585072011e-308},
        {"1e-99999999999999999999", JSON_NUMBER, 0},
        {"0.000001e310", JSON_NUMBER, 1e304},
        {"Inf", JSON_NUMBER, INFINITY},
        {"-Infinity", JSON_NUMBER, -INFINITY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char array[100];
        snprintf(array, sizeof array, "[%s]", cases[i].text);
        const struct json_value *alone = parse(span_of(cases[i].text));
        assert_int_equal(alone->type, cases[i].type);
        assert_true(json_is_number(alone));
        const struct json_value *v = json_first(parse(span_of(array)));
        assert_int_equal(v->type, cases[i].type);
        double real = json_real(v);
        assert_true(real == cases[i].real && signbit(real) == signbit(cases[i].real));
    }
    assert_true(isnan(parse(SPAN_LITERAL("NaN"))->real));
}

static void test_strings(void **state)
{
    (void)state;
    static const struct {
        struct span text;
        struct span value;
    } cases[] = {
        {SPAN_LITERAL("\"\""), SPAN_LITERAL("")},
        {SPAN_LITERAL("\"plain text of some length\""), SPAN_LITERAL("plain text of some length")},
        {SPAN_LITERAL("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), SPAN_LITERAL("\"\\/\b\f\n\r\t")},
        {SPAN_LITERAL("\"before\\u0041after\""), SPAN_LITERAL("beforeAafter")},
        {SPAN_LITERAL("\"\\u00e9\\u20AC\\ud83d\\ude00\\u0000\""),
         SPAN_LITERAL("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\0")},
        {SPAN_LITERAL("\"\\udc00\""), SPAN_LITERAL("\xed\xb0\x80")},
        {SPAN_LITERAL("\"\xff\xfe\x7f\""), SPAN_LITERAL("\xff\xfe\x7f")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct json_value *v = parse(cases[i].text);
        assert_int_equal(v->type, JSON_STRING);
        assert_true(span_equal(json_string(v), cases[i].value));
    }
}

static void test_structure(void **state)
{
    (void)state;
    const struct json_value *root =
        parse(SPAN_LITERAL(" {\"a\": [1, [2, 3], {}, \"x\"], \"b\": null, \"a\": true} trailing"));
    assert_int_equal(root->type, JSON_OBJECT);
    assert_int_equal(root->count, 3);
    const struct json_value *a = json_member(root, SPAN_LITERAL("a"));
    assert_int_equal(a->type, JSON_ARRAY); /* of two the first */
    assert_int_equal(a->count, 4);
    const struct json_value *inner = json_next(json_first(a));
    assert_int_equal(inner->count, 2);
    assert_int_equal(json_next(json_first(inner))->integer, 3);
    assert_int_equal(json_next(inner)->type, JSON_OBJECT);
    const struct json_value *last = json_next(json_next(inner));
    assert_true(span_is(json_string(last), "x"));
    assert_ptr_equal(json_next(last), json_end(a));
    assert_int_equal(json_member(root, SPAN_LITERAL("b"))->type, JSON_NULL);
    assert_null(json_member(root, SPAN_LITERAL("c")));
    assert_ptr_equal(json_end(root), doc.values + doc.count);
}

static void test_depth_is_unlimited(void **state)
{
    (void)state;
    enum { DEPTH = 500000 };
    char *text = arena_alloc(&arena, 2 * DEPTH);
    memset(text, '[', DEPTH);
    memset(text + DEPTH, ']', DEPTH);
    assert_int_equal(parse(span_make(text, 2 * DEPTH))->extent, DEPTH);
    struct error err;
    assert_int_equal(json_parse(span_make(text, DEPTH), &arena, &doc, &err), CODE_INVALID_ARGUMENT);
    assert_string_equal(err.message, "JSON Parse error: Invalid value. at offset: 500000");
    struct span dump = json_dump(parse(span_make(text, 2 * DEPTH)), &arena);
    assert_int_equal(dump.len, 256);
}

static void test_dump(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *dump;
    } cases[] = {
        {"[1,2]", "[1, 2]"},
        {"[]", "[]"},
        {"{}", "{}"},
        {"{\"a\":[1.0,{\"b\":\"x\\n\"}],\"c\":null}",
         "{\n    \"a\": [1.0, {\n            \"b\": \"x\\n\"\n        }],\n    \"c\": null\n}"},
        {"[1e21,1e20,0.1,1e-6,0.000001234,1e-7,12345.678,1.5e-10,-0.0,123e30]",
         "[1e21, 100000000000000000000.0, 0.1, 0.000001, 0.000001234, 1e-7, 12345.678, 1.5e-10, "
         "-0.0, 1.23e32]"},
        {"[true,false,18446744073709551615,-5]", "[true, false, 18446744073709551615, -5]"},
        {"[1,NaN,2]", "[1, "},
        {"NaN", "NaN"},
        {"-Inf", "-Infinity"},
        {"1e6", "1e+06"},
        {"0.12345678901234", "0.123456791"},
        {"-1234567.5e40", "-1.2345674999999999e+46"},
        {"3.0", "3.0"},
        {"\"\x7f\xc3\xa9\\u0001\"", "\"\x7f\xc3\xa9\\u0001\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span dump = json_dump(parse(span_of(cases[i].text)), &arena);
        assert_int_equal(dump.len, strlen(cases[i].dump));
        assert_memory_equal(dump.ptr, cases[i].dump, dump.len);
    }
    assert_string_equal(json_type_name(parse(SPAN_LITERAL("1.5"))), "Number");
    assert_string_equal(json_type_name(parse(SPAN_LITERAL("{}"))), "Object");
}

static void test_write_layout(void **state)
{
    (void)state;
    struct json_writer w;
    json_writer_init(&w, &arena, 0);
    json_item(&w);
    json_open_object(&w);
    json_key(&w, SPAN_LITERAL("p"));
    json_open_array(&w);
    w.single_line = true;
    json_item(&w);
    json_write_int(&w, INT64_MIN);
    json_item(&w);
    json_open_object(&w);
    json_key(&w, SPAN_LITERAL("k"));
    json_write_string(&w, SPAN_LITERAL("a\"\\\b\f\n\r\t\x01/\xff"));
    json_close(&w);
    w.single_line = false;
    json_close(&w);
    json_key(&w, SPAN_LITERAL("q"));
    json_open_array(&w);
    json_item(&w);
    json_write_bool(&w, true);
    json_item(&w);
    json_open_array(&w);
    json_close(&w);
    json_close(&w);
    json_close(&w);
    static const char want[] = "{\n    \"p\": [-9223372036854775808, {\n            \"k\": "
                               "\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001/\xff\"\n        }\n    ],\n"
                               "    \"q\": [\n        true,\n        []\n    ]\n}";
    assert_int_equal(json_writer_text(&w).len, sizeof want - 1);
    assert_memory_equal(json_writer_text(&w).ptr, want, sizeof want - 1);
}

/* Digits are read eight at a time: every count of them on both sides of the point, every distance
 * from the end of the text, and what may stand behind them. strtod() knows the value. */
static void test_digits_of_every_length(void **state)
{
    (void)state;
    static const char digits[] = "98765432109876543210987654321098";
    static const char *const behind[] = {"]", ",7]", " ]", "\t, 7 ]", ",1234567]", ",12345678,9]"};
    for (int whole = 1; whole <= 20; whole++) {
        for (int places = 0; places <= 20; places++) {
            for (size_t i = 0; i < sizeof behind / sizeof *behind; i++) {
                char text[128], number[64];
                snprintf(number, sizeof number, "%s%.*s%s%.*s", i % 2 ? "-" : "", whole, digits,
                         places ? "." : "", places, digits + 3);
                snprintf(text, sizeof text, "[%s%s", number, behind[i]);
                const struct json_value *root = parse(span_of(text));
                double real = json_real(root + 1), want = strtod(number, NULL);
                if (memcmp(&real, &want, sizeof real) != 0)
                    fail_msg("%s: %.17g instead of %.17g", text, real, want);
                assert_int_equal(root->count, 1 + (strchr(behind[i], ',') != NULL) + (i == 5));
                assert_int_equal(root[1].type == JSON_NUMBER,
                                 places || (whole > 18 && i % 2) || whole > 19);
                arena_reset(&arena);
            }
        }
    }
}

/* The neighbours of the digits in ASCII, and bytes with the top bit, end a number. */
static void test_bytes_beside_digits(void **state)
{
    (void)state;
    static const unsigned char others[] = {'/', ':', 0x80, 0xb0, 0xb9, 0xff, 'x', '+'};
    for (size_t at = 1; at <= 17; at++) {
        for (size_t i = 0; i < sizeof others; i++) {
            char text[] = "[111111111111111111111111]", want[100];
            struct error err;
            text[at + 1] = (char)others[i];
            snprintf(
                want, sizeof want,
                "JSON Parse error: Missing a comma or ']' after an array element. at offset: %zu",
                at + 1);
            assert_int_equal(json_parse(span_of(text), &arena, &doc, &err), CODE_INVALID_ARGUMENT);
            assert_string_equal(err.message, want);
        }
    }
}

/* A number as people write it, or spoiled: digits, often a point, seldom another byte. */
static size_t make_number(char *text, unsigned *seed)
{
    static const char spoil[] = "..-+eE0 \x8a\xff:N";
    size_t n = 0;
    if (rand_r(seed) % 3 == 0)
        text[n++] = '-';
    size_t digits = 1 + (size_t)rand_r(seed) % 17, point = (size_t)rand_r(seed) % 20;
    for (size_t i = 0; i < digits; i++) {
        text[n++] = (char)('0' + rand_r(seed) % 10);
        if (i == point)
            text[n++] = '.';
    }
    if (rand_r(seed) % 8 == 0)
        text[(size_t)rand_r(seed) % n] = spoil[(size_t)rand_r(seed) % (sizeof spoil - 1)];
    return n;
}

/* Many numbers in a row are read in another way than one: value, type, error and its place must
 * not tell. */
static void test_numbers_in_a_row(void **state)
{
    (void)state;
    enum { BEFORE = 20, BEHIND = 40 };
    unsigned seed = 3;
    for (int turn = 0; turn < 300000; turn++) {
        char number[32], alone[64], many[512];
        size_t n = make_number(number, &seed), at = 1;
        const char *blank = turn % 3 ? " " : "";
        snprintf(alone, sizeof alone, "[%.*s,1]", (int)n, number);
        many[0] = '[';
        for (int i = 0; i < BEFORE; i++)
            at += (size_t)snprintf(many + at, sizeof many - at, "%d,%s", i % 10, blank);
        size_t len = at + (size_t)snprintf(many + at, sizeof many - at, "%.*s", (int)n, number);
        for (int i = 0; i < BEHIND; i++)
            len += (size_t)snprintf(many + len, sizeof many - len, ",%s1", blank);
        len += (size_t)snprintf(many + len, sizeof many - len, "]");
        struct json_document one, row;
        struct error want = {0}, got = {0};
        enum code code = json_parse(span_of(alone), &arena, &one, &want);
        assert_int_equal(json_parse(span_make(many, len), &arena, &row, &got), code);
        if (code) {
            /* The place is so many bytes on. */
            char *place = strstr(want.message, "offset: ");
            assert_non_null(place);
            size_t offset = strtoul(place + 8, NULL, 10) + at - 1;
            char message[sizeof want.message];
            snprintf(message, sizeof message, "%.*soffset: %zu", (int)(place - want.message),
                     want.message, offset);
            assert_string_equal(got.message, message);
        } else {
            assert_int_equal(row.values[0].count, BEFORE + 1 + BEHIND);
            assert_int_equal(row.values[1 + BEFORE].type, one.values[1].type);
            assert_int_equal(row.values[1 + BEFORE].integer, one.values[1].integer);
        }
        arena_reset(&arena);
    }
}

/* As if each were written by itself, whatever they are and however many. */
static void test_floats_in_a_row(void **state)
{
    (void)state;
    static const float some[] = {0.0f,       -0.0f,     1.5f,     NAN,       -2.25f,   1e-5f,
                                 999999.94f, 0.01f,     0.1f,     -INFINITY, 1e10f,    123456,
                                 0.3f,       555557.5f, 0.001f,   1e-4f,     16777216, 1e6f,
                                 -1e-45f,    3,         1.0f / 3, 1e5f,      0.025f,   FLT_MAX};
    float values[150];
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) /* blocks of plain ones, too */
        values[i] = i % 70 < 40 ? (float)i * -0.37f : some[i * 7 % (sizeof some / sizeof *some)];
    for (size_t n = 0; n <= sizeof values / sizeof *values; n++) {
        struct json_writer got, want;
        json_writer_init(&got, &arena, 0);
        json_writer_init(&want, &arena, 0);
        got.single_line = want.single_line = n % 2;
        json_open_array(&got);
        json_open_array(&want);
        json_write_floats(&got, values, n);
        for (size_t i = 0; i < n; i++) {
            json_item(&want);
            json_write_float(&want, values[i]);
        }
        json_close(&got);
        json_close(&want);
        assert_true(span_equal(json_writer_text(&got), json_writer_text(&want)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_digits_of_every_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bytes_beside_digits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_strings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_structure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_depth_is_unlimited, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dump, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_write_layout, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_numbers_in_a_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_floats_in_a_row, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
