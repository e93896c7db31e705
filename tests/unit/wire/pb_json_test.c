/* SPDX-License-Identifier: Apache-2.0 */
/* JSON printing: messages written as text format, expected JSON as protobuf's MessageToJsonString
 * prints it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/messages.h"

static const struct {
    const struct pb_message *type;
    const char *in;
    const char *json;
} cases[] = {
    {&pb_get_model_status_response_type, "", "{\n \"model_version_status\": []\n}\n"},
    {&pb_get_model_status_response_type,
     "model_version_status { version: 123 state: AVAILABLE status { } } model_version_status { }",
     "{\n \"model_version_status\": [\n  {\n   \"version\": \"123\",\n   \"state\": "
     "\"AVAILABLE\",\n"
     "   \"status\": {\n    \"error_code\": \"OK\",\n    \"error_message\": \"\"\n   }\n  },\n"
     "  {\n   \"version\": \"0\",\n   \"state\": \"UNKNOWN\"\n  }\n ]\n}\n"},
    /* The name, member of a oneof, stands behind the others. */
    {&pb_signature_def_type,
     "inputs { key: 'x' value { name: 'x:0' dtype: DT_FLOAT tensor_shape { dim { size: -1 } } } }",
     "{\n \"inputs\": {\n  \"x\": {\n   \"dtype\": \"DT_FLOAT\",\n   \"tensor_shape\": {\n"
     "    \"dim\": [\n     {\n      \"size\": \"-1\",\n      \"name\": \"\"\n     }\n    ],\n"
     "    \"unknown_rank\": false\n   },\n   \"name\": \"x:0\"\n  }\n },\n \"outputs\": {},\n"
     " \"method_name\": \"\",\n \"defaults\": {}\n}\n"},
    {&pb_status_proto_type, "error_code: 77 error_message: '<\"\\\\\\n\\t\\001\\177/'",
     "{\n \"error_code\": 77,\n \"error_message\": \"\\u003c\\\"\\\\\\n\\t\\u0001\\u007f/\"\n}\n"},
    {&pb_status_proto_type, "error_message: '\\u00e9\\u2028\\U0001F600\\U0001D173'",
     "{\n \"error_code\": \"OK\",\n \"error_message\": "
     "\"\xc3\xa9\\u2028\xf0\x9f\x98\x80\\ud834\\udd73\"\n}\n"},
    {&pb_model_spec_type, "version { value: -5 }",
     "{\n \"name\": \"\",\n \"signature_name\": \"\",\n \"version\": \"-5\"\n}\n"},
    {&pb_float_list_type, "value: [1, 0.1, nan, inf, -inf, 3e38]",
     "{\n \"value\": [\n  1,\n  0.1,\n  \"NaN\",\n  \"Infinity\",\n  \"-Infinity\",\n  3e+38\n "
     "]\n}\n"},
    {&pb_bytes_list_type, "value: '' value: 'a' value: 'ab' value: 'abc' value: '\\377\\376'",
     "{\n \"value\": [\n  \"\",\n  \"YQ==\",\n  \"YWI=\",\n  \"YWJj\",\n  \"//4=\"\n ]\n}\n"},
    {&pb_any_type, "[type.googleapis.com/tensorflow.serving.ModelConfigList] { }",
     "{\n \"@type\": \"type.googleapis.com/tensorflow.serving.ModelConfigList\",\n \"config\": "
     "[]\n}\n"},
    {&pb_any_type, "[type.googleapis.com/google.protobuf.BoolValue] { value: true }",
     "{\n \"@type\": \"type.googleapis.com/google.protobuf.BoolValue\",\n \"value\": true\n}\n"},
    {&pb_any_type, "type_url: 'a/b' value: 'abc'",
     "{\n \"@type\": \"a/b\",\n \"value\": \"YWJj\"\n}\n"},
    {&pb_any_type, "", "{}\n"},
    {&pb_function_def_type, "arg_attr { key: 7 value { } }",
     "{\n \"attr\": {},\n \"arg_attr\": {\n  \"7\": {\n   \"attr\": {}\n  }\n },\n"
     " \"resource_arg_unique_id\": {},\n \"node_def\": [],\n \"ret\": {},\n \"control_ret\": "
     "{}\n}\n"},
    {&pb_per_task_sampling_config_type, "task_index: 0",
     "{\n \"dc\": \"\",\n \"task_index\": 0,\n \"sampling_rate\": 0\n}\n"},
    {&pb_resource_allocation_entry_type,
     "quantity: 18446744073709551615 resource { device_instance { value: 4294967295 } }",
     "{\n \"resource\": {\n  \"device\": \"\",\n  \"device_instance\": 4294967295,\n  \"kind\": "
     "\"\"\n },\n"
     " \"quantity\": \"18446744073709551615\"\n}\n"},
};

static void test_json(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *message = arena_alloc(&arena, pb_size(cases[i].type));
        struct error err = {0};
        if (pb_parse_text(cases[i].type, span_of(cases[i].in), &arena, message, &err))
            fail_msg("%s: %s", cases[i].in, err.message);
        struct span json = pb_print_json(cases[i].type, message, &arena);
        if (!span_is(json, cases[i].json))
            fail_msg("%s: got\n%.*s", cases[i].in, SPAN_ARG(json));
    }
    arena_release(&arena);
}

/* What is printed, on many lines or on one, is read again. */
static void what_is_printed_is_read(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct pb_message *type = cases[i].type;
        void *message = arena_alloc(&arena, pb_size(type)),
             *again = arena_alloc(&arena, pb_size(type));
        struct error err = {0};
        if (strstr(cases[i].in, "type_url: 'a/b'"))
            continue; /* a message that we do not know */
        assert_int_equal(pb_parse_text(type, span_of(cases[i].in), &arena, message, NULL), CODE_OK);
        struct span wanted = pb_encode(type, message, &arena);
        struct span texts[] = {span_of(cases[i].json), pb_print_json_line(type, message, &arena)};
        assert_int_equal(span_find(texts[1], '\n'), texts[1].len - 1);
        for (int k = 0; k < 2; k++) {
            if (pb_parse_json(type, texts[k], &arena, again, &err))
                fail_msg("%.*s: %s", SPAN_ARG(texts[k]), err.message);
            assert_true(span_equal(pb_encode(type, again, &arena), wanted));
        }
    }
    arena_release(&arena);
}

static void other_ways_to_write_it(void **state)
{
    (void)state;
    static const struct {
        const struct pb_message *type;
        const char *json;
        const char *text; /* NULL: it is refused, */
        const char *said; /* with this */
    } rows[] = {
        {&pb_model_spec_type, "{\"signatureName\": \"s\", \"version\": 7, \"name\": null}",
         "signature_name: 's' version { value: 7 }", NULL},
        {&pb_per_task_sampling_config_type, "{\"taskIndex\": 3.0, \"samplingRate\": \"0.5\"}",
         "task_index: 3 sampling_rate: 0.5", NULL},
        {&pb_status_proto_type, "{\"error_code\": 3}", "error_code: INVALID_ARGUMENT", NULL},
        {&pb_model_spec_type, "{\"nme\": \"x\"}", NULL,
         "tensorflow.serving.ModelSpec has no field 'nme'"},
        {&pb_model_spec_type, "{\"name\": 5}", NULL,
         "tensorflow.serving.ModelSpec.name: a string is expected"},
        {&pb_model_spec_type, "{\"version\": \"5x\"}", NULL,
         "google.protobuf.Int64Value.value: an integer is expected"},
        {&pb_model_spec_type, "{\"version\": 9223372036854775808}", NULL,
         "google.protobuf.Int64Value.value: an integer is expected"},
        {&pb_per_task_sampling_config_type, "{\"task_index\": -2147483649}", NULL,
         "tensorflow.serving.PerTaskSamplingConfig.task_index: an integer is expected"},
        {&pb_per_task_sampling_config_type, "{\"task_index\": 0.5}", NULL,
         "tensorflow.serving.PerTaskSamplingConfig.task_index: an integer is expected"},
        {&pb_status_proto_type, "{\"error_code\": \"NONE\"}", NULL,
         "tensorflow.serving.StatusProto.error_code: a value of the enum is expected"},
        {&pb_bytes_list_type, "{\"value\": [\"?\"]}", NULL,
         "tensorflow.BytesList.value: base64 is expected"},
        {&pb_bytes_list_type, "{\"value\": \"\"}", NULL,
         "tensorflow.BytesList.value: an array is expected"},
        {&pb_bytes_list_type, "[]", NULL, "tensorflow.BytesList: an object is expected"},
        {&pb_any_type, "{\"@type\": \"a/b\"}", NULL,
         "google.protobuf.Any: \"@type\" is expected to name a message of ours"},
    };
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        void *message = arena_alloc(&arena, pb_size(rows[i].type));
        void *wanted = arena_alloc(&arena, pb_size(rows[i].type));
        struct error err = {0};
        enum code code = pb_parse_json(rows[i].type, span_of(rows[i].json), &arena, message, &err);
        assert_int_equal(code, rows[i].text ? CODE_OK : CODE_INVALID_ARGUMENT);
        if (rows[i].said)
            assert_string_equal(err.message, rows[i].said);
        if (code)
            continue;
        assert_int_equal(pb_parse_text(rows[i].type, span_of(rows[i].text), &arena, wanted, NULL),
                         CODE_OK);
        assert_true(span_equal(pb_encode(rows[i].type, message, &arena),
                               pb_encode(rows[i].type, wanted, &arena)));
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(what_is_printed_is_read),
        cmocka_unit_test(other_ways_to_write_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
