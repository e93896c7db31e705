/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/tensor_json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/memory.h"

static struct arena arena;
static struct error err;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    error_clear(&err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static struct named_tensor *named;
static enum tensor_json_format format;
static struct tensor_json_found found;

static enum code read_text(const char *text, const struct tensor_json_input *inputs, size_t count)
{
    struct json_document doc;
    assert_int_equal(json_parse(span_of(text), &arena, &doc, &err), CODE_OK);
    enum code code = tensor_json_read(doc.values, inputs, count, &arena, &found, &err);
    assert_int_equal(found.count, code ? 0 : count);
    named = found.tensors;
    format = found.format;
    return code;
}

/* One input; the tensor written again as columns says what was read. */
static void test_reads_values_and_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum dtype dtype;
        const char *shape;
        const char *values; /* the tensor as a dump */
    } cases[] = {
        {"{\"instances\": [1, 2]}", DTYPE_FLOAT, "[2]", "[1.0, 2.0]"},
        {"{\"instances\": [[1], [2.5]]}", DTYPE_FLOAT, "[2,1]", "[[1.0], [2.5]]"},
        {"{\"instances\": [[[1, 2]], [[3, 4]]]}", DTYPE_DOUBLE, "[2,1,2]",
         "[[[1.0, 2.0]], [[3.0, 4.0]]]"},
        {"{\"instances\": [[], []]}", DTYPE_FLOAT, "[2,0]", "[[], []]"},
        {"{\"instances\": [{\"x\": 7}, {\"x\": 8}]}", DTYPE_INT32, "[2]", "[7, 8]"},
        {"{\"instances\": [{\"x\": 7, \"x\": 9}, {\"x\": 8}]}", DTYPE_INT32, "[2]", "[7, 9]"},
        {"{\"inputs\": 5}", DTYPE_INT64, "[]", "5"},
        {"{\"inputs\": [[1, -2], [3, 4]]}", DTYPE_INT64, "[2,2]", "[[1, -2], [3, 4]]"},
        {"{\"inputs\": {\"x\": [], \"extra\": null}}", DTYPE_INT64, "[0]", "[]"},
        {"{\"inputs\": [1435774380]}", DTYPE_FLOAT, "[1]", "[1435774340.0]"},
        {"{\"inputs\": [1.7976931348623157e308, -1e300]}", DTYPE_FLOAT, "[2]", "["},
        {"{\"inputs\": [2.2250738585072014e-308]}", DTYPE_FLOAT, "[1]", "[0.0]"},
        {"{\"inputs\": [18446744073709551615, 0]}", DTYPE_UINT64, "[2]",
         "[18446744073709551615, 0]"},
        {"{\"inputs\": [4294967295]}", DTYPE_UINT32, "[1]", "[4294967295]"},
        {"{\"inputs\": [300, -1]}", DTYPE_UINT8, "[2]", "[44, 255]"},
        {"{\"inputs\": [32768]}", DTYPE_INT16, "[1]", "[-32768]"},
        {"{\"inputs\": [200]}", DTYPE_INT8, "[1]", "[-56]"},
        {"{\"inputs\": [true, false]}", DTYPE_BOOL, "[2]", "[true, false]"},
        {"{\"inputs\": [\"a\", {\"b64\": \"YmI=\"}]}", DTYPE_STRING, "[2]", "[\"a\", \"bb\"]"},
        {"{\"inputs\": {\"b64\": \"YmI\"}}", DTYPE_STRING, "[]", "\"bb\""},
        {"{\"instances\": [{\"b64\": \"YmI\"}, \"c\"]}", DTYPE_STRING, "[2]", "[\"bb\", \"c\"]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tensor_json_input input = {SPAN_LITERAL("x"), cases[i].dtype};
        char text[SHAPE_TEXT_SIZE];
        if (read_text(cases[i].text, &input, 1))
            fail_msg("%s: %s", cases[i].text, err.message);
        assert_true(span_is(named[0].name, "x"));
        assert_int_equal(named[0].tensor.dtype, cases[i].dtype);
        assert_string_equal(shape_text(&named[0].tensor.shape, text), cases[i].shape);
        struct json_writer w;
        json_writer_init(&w, &arena, 0);
        assert_int_equal(tensor_json_write(&w, TENSOR_JSON_COLUMN, named, 1, &err), CODE_OK);
        struct json_document doc;
        assert_int_equal(json_parse(json_writer_text(&w), &arena, &doc, &err), CODE_OK);
        struct span dump = json_dump(json_member(doc.values, SPAN_LITERAL("outputs")), &arena);
        assert_int_equal(dump.len, strlen(cases[i].values));
        assert_memory_equal(dump.ptr, cases[i].values, dump.len);
    }
}

static void test_reads_several_inputs(void **state)
{
    (void)state;
    static const struct tensor_json_input inputs[] = {{{"b", 1}, DTYPE_FLOAT},
                                                      {{"a", 1}, DTYPE_STRING}};
    static const char *const texts[] = {
        "{\"instances\": [{\"a\": \"s\", \"b\": [1, NaN]}, {\"b\": [-Infinity, 4], \"a\": \"t\"}]}",
        "{\"inputs\": {\"b\": [[1, NaN], [-Infinity, 4]], \"a\": [\"s\", \"t\"]}}",
    };
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(read_text(texts[i], inputs, 2), CODE_OK);
        assert_int_equal(format, i == 0 ? TENSOR_JSON_ROW : TENSOR_JSON_COLUMN);
        const float *b = named[0].tensor.data;
        assert_true(b[0] == 1 && isnan(b[1]) && b[2] == -INFINITY && b[3] == 4);
        assert_true(span_is(TENSOR_AT(&named[1].tensor, struct span)[1], "t"));
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum dtype dtype;
        size_t inputs; /* "x", then "a" */
        const char *message;
    } cases[] = {
        {"[1]", DTYPE_FLOAT, 1, "JSON Value: [1] Is not object"},
        {"{}", DTYPE_FLOAT, 1, "Missing 'inputs' or 'instances' key"},
        {"{\"inputs\": 1, \"instances\": 2}", DTYPE_FLOAT, 1,
         "JSON Value: {\n    \"inputs\": 1,\n    \"instances\": 2\n} Not formatted correctly "
         "expecting only one of "
         "'inputs' or 'instances' keys to exist "},
        {"{\"instances\": 1}", DTYPE_FLOAT, 1,
         "JSON Value: {\n    \"instances\": 1\n} Expecting 'instances' to be an list/array"},
        {"{\"instances\": []}", DTYPE_FLOAT, 1,
         "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array"},
        {"{\"instances\": [1]}", DTYPE_FLOAT, 2,
         "instances is a plain list, but expecting list of objects as multiple input tensors "
         "required as per "
         "tensorinfo_map"},
        {"{\"instances\": [{\"x\": 1}, [2]]}", DTYPE_FLOAT, 1,
         "Expecting object but got list at item 1 of input list"},
        {"{\"instances\": [1, {\"x\": 1}]}", DTYPE_FLOAT, 1,
         "Expecting value/list but got object at item 1 of input list"},
        {"{\"instances\": [{\"y\": 1}]}", DTYPE_FLOAT, 1,
         "Failed to process element: 0 key: y of 'instances' list. Error: INVALID_ARGUMENT: JSON "
         "object: does not have "
         "named input: y"},
        {"{\"instances\": [{\"x\": 1}]}", DTYPE_FLOAT, 2,
         "Failed to process element: 0 of 'instances' list. JSON object: {\n    \"x\": 1\n} keys "
         "must be equal to: a,x"},
        {"{\"instances\": [[1, 2], [3, 4], [5, 6, 7]]}", DTYPE_FLOAT, 1,
         "Failed to process element: 2 of 'instances' list. Error: INVALID_ARGUMENT: Expecting "
         "tensor size: 2 but got: "
         "3"},
        {"{\"instances\": [[1, 2], [3, 4], [[5, 6]]]}", DTYPE_FLOAT, 1,
         "Failed to process element: 2 of 'instances' list. Error: INVALID_ARGUMENT: Expecting "
         "shape [2] but got: "
         "[1,2]"},
        {"{\"instances\": [1, [1]]}", DTYPE_FLOAT, 1,
         "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting "
         "shape [] but got: [1]"},
        {"{\"instances\": [1, 2.5, 3, \"a\", 4]}", DTYPE_FLOAT, 1,
         "Failed to process element: 3 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: "
         "\"a\" Type: String is not of expected type: float"},
        {"{\"instances\": [1, 2, [3, 4], 5]}", DTYPE_INT32, 1,
         "Failed to process element: 2 of 'instances' list. Error: INVALID_ARGUMENT: Expecting "
         "tensor size: 1 but got: 2"},
        {"{\"instances\": [true, false, {\"x\": true}]}", DTYPE_BOOL, 1,
         "Expecting value/list but got object at item 2 of input list"},
        {"{\"instances\": [[1, 2], [\"a\", \"b\"]]}", DTYPE_FLOAT, 1,
         "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: "
         "\"a\" Type: String is "
         "not of expected type: float"},
        {"{\"instances\": [1]}", DTYPE_HALF, 1,
         "Failed to process element: 0 of 'instances' list. Error: UNIMPLEMENTED: Conversion of "
         "JSON Value: 1 to type: "
         "half"},
        {"{\"inputs\": 1}", DTYPE_FLOAT, 2,
         "inputs is a plain value/list, but expecting an object as multiple input tensors required "
         "as per "
         "tensorinfo_map"},
        {"{\"inputs\": {\"x\": 1}}", DTYPE_FLOAT, 2, "Missing named input: a in 'inputs' object."},
        {"{\"inputs\": [[1, 2], 3]}", DTYPE_FLOAT, 1,
         "JSON Value: 3 found at incorrect level: 2 in the JSON DOM. Expected at level: 2"},
        {"{\"inputs\": [1, [2]]}", DTYPE_FLOAT, 1,
         "Encountered list at unexpected level: 1 expected < 1"},
        {"{\"inputs\": [[1, 2], [3]]}", DTYPE_FLOAT, 1,
         "Encountered list at unexpected size: 1 at level: 1 expected size: 2"},
        {"{\"inputs\": [1.0]}", DTYPE_INT32, 1,
         "JSON Value: 1.0 Type: Number is not of expected type: int32"},
        {"{\"inputs\": [2147483648]}", DTYPE_INT8, 1,
         "JSON Value: 2147483648 Type: Number is not of expected type: int8"},
        {"{\"inputs\": [-1]}", DTYPE_UINT64, 1,
         "JSON Value: -1 Type: Number is not of expected type: uint64"},
        {"{\"inputs\": [1]}", DTYPE_BOOL, 1,
         "JSON Value: 1 Type: Number is not of expected type: bool"},
        {"{\"inputs\": [null]}", DTYPE_STRING, 1,
         "JSON Value: null Type: Null is not of expected type: string"},
        {"{\"inputs\": [{\"b64\": 1}]}", DTYPE_STRING, 1,
         "JSON Value: {\n    \"b64\": 1\n} not formatted correctly for base64 data"},
        {"{\"inputs\": [{\"b64\": \"?\"}]}", DTYPE_STRING, 1, "Unable to base64 decode"},
        {"{\"inputs\": [[[[[[[[[[[[[1]]]]]]]]]]]]]}", DTYPE_FLOAT, 1,
         "Encountered list nested deeper than 12 levels, the most supported"},
        {"{\"instances\": [[[[[[[[[[[[[1]]]]]]]]]]]]]}", DTYPE_FLOAT, 1,
         "Input x has 13 dimensions; at most 12 are supported"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tensor_json_input inputs[] = {{{"x", 1}, cases[i].dtype}, {{"a", 1}, DTYPE_FLOAT}};
        assert_int_equal(read_text(cases[i].text, inputs, cases[i].inputs), CODE_INVALID_ARGUMENT);
        assert_string_equal(err.message, cases[i].message);
    }
    struct tensor_json_input half = {{"x", 1}, DTYPE_HALF};
    assert_int_equal(read_text("{\"inputs\": [1]}", &half, 1), CODE_UNIMPLEMENTED);
    assert_string_equal(err.message, "Conversion of JSON Value: 1 to type: half");
}

static void check_text(enum tensor_json_format how, const struct named_tensor *tensors,
                       size_t count, const char *want)
{
    struct json_writer w;
    json_writer_init(&w, &arena, 0);
    if (tensor_json_write(&w, how, tensors, count, &err))
        fail_msg("%s", err.message);
    assert_int_equal(json_writer_text(&w).len, strlen(want));
    assert_memory_equal(json_writer_text(&w).ptr, want, strlen(want));
}

static struct named_tensor name_tensor(const char *name, enum dtype dtype, struct shape shape,
                                       void *data)
{
    return (struct named_tensor){span_of(name), {.dtype = dtype, .shape = shape, .data = data}};
}

static void test_writes_the_original_s_layout(void **state)
{
    (void)state;
    float f[] = {2.5f, 3.0f, 4.5f, NAN};
    int64_t n[] = {1, -2, 3, 4};
    struct span s[] = {SPAN_LITERAL("a"), SPAN_LITERAL("bb")};
    struct named_tensor vector = name_tensor("y", DTYPE_FLOAT, shape_vector(3), f);
    struct named_tensor matrix = name_tensor("y", DTYPE_FLOAT, shape_matrix(2, 2), f);
    struct named_tensor none = name_tensor("y", DTYPE_FLOAT, shape_vector(0), f);
    struct named_tensor scalar = name_tensor("y", DTYPE_INT64, shape_scalar(), n);
    struct named_tensor two[] = {name_tensor("n", DTYPE_INT64, shape_matrix(2, 2), n),
                                 name_tensor("s_bytes", DTYPE_STRING, shape_vector(2), s)};
    struct named_tensor strings = name_tensor("s", DTYPE_STRING, shape_vector(2), s);
    check_text(TENSOR_JSON_ROW, &vector, 1, "{\n    \"predictions\": [2.5, 3.0, 4.5\n    ]\n}");
    check_text(TENSOR_JSON_ROW, &matrix, 1,
               "{\n    \"predictions\": [[2.5, 3.0], [4.5, NaN]\n    ]\n}");
    check_text(TENSOR_JSON_ROW, &none, 1, "{\n    \"predictions\": []\n}");
    check_text(TENSOR_JSON_ROW, &strings, 1, "{\n    \"predictions\": [\"a\", \"bb\"\n    ]\n}");
    check_text(
        TENSOR_JSON_ROW, two, 2,
        "{\n    \"predictions\": [\n        {\n            \"n\": [1, -2],\n            "
        "\"s_bytes\": {\n                \"b64\": \"YQ==\"\n            }\n        },\n        {\n"
        "            \"n\": [3, 4],\n            \"s_bytes\": {\n                \"b64\": "
        "\"YmI=\"\n            }\n        }\n    ]\n}");
    check_text(TENSOR_JSON_COLUMN, &scalar, 1, "{\n    \"outputs\": 1\n}");
    check_text(TENSOR_JSON_COLUMN, &matrix, 1,
               "{\n    \"outputs\": [\n        [\n            2.5,\n            3.0\n        ],\n  "
               "      [\n"
               "            4.5,\n            NaN\n        ]\n    ]\n}");
    struct shape deep = {.rank = 3, .dims = {1, 1, 2}};
    struct named_tensor nested = name_tensor("y", DTYPE_FLOAT, deep, f);
    check_text(TENSOR_JSON_COLUMN, &nested, 1,
               "{\n    \"outputs\": [\n        [\n            [\n                2.5,\n"
               "                3.0\n            ]\n        ]\n    ]\n}");
    check_text(
        TENSOR_JSON_COLUMN, two, 2,
        "{\n    \"outputs\": {\n        \"n\": [\n            [\n                1,\n              "
        "  -2\n"
        "            ],\n            [\n                3,\n                4\n            ]\n     "
        "   ],\n"
        "        \"s_bytes\": [\n            {\n                \"b64\": \"YQ==\"\n            },\n"
        "            {\n                \"b64\": \"YmI=\"\n            }\n        ]\n    }\n}");
}

static void test_what_can_not_be_written(void **state)
{
    (void)state;
    float f[4] = {0};
    struct named_tensor scalar = name_tensor("y", DTYPE_FLOAT, shape_scalar(), f);
    struct named_tensor complex = name_tensor("y", DTYPE_COMPLEX64, shape_vector(2), f);
    struct named_tensor uneven[] = {name_tensor("a", DTYPE_FLOAT, shape_vector(2), f),
                                    name_tensor("b", DTYPE_FLOAT, shape_vector(3), f)};
    const struct {
        const struct named_tensor *tensors;
        size_t count;
        const char *message;
    } cases[] = {
        {NULL, 0, "Cannot convert empty tensor map to JSON"},
        {&scalar, 1, "Tensor name: y has no shape information "},
        {&complex, 1, "Failed to write JSON value for tensor type: complex64"},
        {uneven, 2, "Tensor name: b has inconsistent batch size: 3 expecting: 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json_writer w;
        json_writer_init(&w, &arena, 0);
        assert_int_equal(
            tensor_json_write(&w, TENSOR_JSON_ROW, cases[i].tensors, cases[i].count, &err),
            CODE_INVALID_ARGUMENT);
        assert_string_equal(err.message, cases[i].message);
    }
}

/* Rows without an element cost whoever asks for them nothing. */
static void test_empty_lists_are_bounded(void **state)
{
    (void)state;
    float none[1] = {0};
    struct shape many = {.rank = 2, .dims = {INT64_C(1) << 33, 0}};
    struct shape few = {.rank = 3, .dims = {2, 0, INT64_C(1) << 40}};
    struct named_tensor big = name_tensor("y", DTYPE_FLOAT, many, none);
    struct named_tensor small = name_tensor("y", DTYPE_FLOAT, few, none);
    for (int i = TENSOR_JSON_ROW; i <= TENSOR_JSON_COLUMN; i++) {
        struct json_writer w;
        json_writer_init(&w, &arena, 0);
        assert_int_equal(tensor_json_write(&w, (enum tensor_json_format)i, &big, 1, &err),
                         CODE_RESOURCE_EXHAUSTED);
        assert_string_equal(
            err.message,
            "Tensor name: y has no elements, but more than 1048576 empty lists in JSON");
        json_writer_init(&w, &arena, 0);
        assert_int_equal(tensor_json_write(&w, (enum tensor_json_format)i, &small, 1, &err),
                         CODE_OK);
    }
}

static void test_an_answer_beyond_the_memory(void **state)
{
    (void)state;
    enum { ROWS = 1 << 20 };
    float *zeros = arena_calloc(&arena, ROWS, sizeof *zeros);
    struct named_tensor big = {
        SPAN_LITERAL("y"),
        {.dtype = DTYPE_FLOAT, .shape = {.rank = 1, .dims = {ROWS}}, .data = zeros}};
    memory_set_budget(memory_used() + (2 << 20));
    struct json_writer small, large;
    json_writer_init(&small, &arena, 0);
    json_writer_init(&large, &arena, 4 << 20);
    assert_int_equal(tensor_json_write(&small, TENSOR_JSON_ROW, &big, 1, &err),
                     CODE_RESOURCE_EXHAUSTED);
    assert_int_equal(tensor_json_write(&large, TENSOR_JSON_COLUMN, &big, 1, &err),
                     CODE_RESOURCE_EXHAUSTED);
    assert_string_equal(err.message, "OOM when writing the answer as JSON");
    memory_set_budget(SIZE_MAX / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reads_values_and_shapes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reads_several_inputs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_writes_the_original_s_layout, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_can_not_be_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_empty_lists_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_answer_beyond_the_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
