/* SPDX-License-Identifier: Apache-2.0 */
/* Content-Type and Accept, a row each. */
#include "api/rest_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    const char *header;
    enum rest_format format;
} content_types[] = {
    {"", REST_JSON},
    {"application/json", REST_JSON},
    {"application/x-www-form-urlencoded", REST_JSON}, /* curl's, without being asked */
    {"text/plain; charset=utf-8", REST_JSON},
    {"application/x-protobuf", REST_PROTOBUF},
    {"Application/Protobuf", REST_PROTOBUF},
    {" application/x-protobuf ; messageType=\"x.Y\"", REST_PROTOBUF},
    {"application/x-npy;signature_name=s", REST_NPY},
    {"application/x-npyx", REST_JSON},
    {";application/x-npy", REST_JSON},
};

static void types(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof content_types / sizeof *content_types; i++)
        assert_int_equal(rest_format_of_body(span_of(content_types[i].header), (struct span){0}),
                         content_types[i].format);
    for (int format = 0; format < REST_FORMAT_COUNT; format++)
        assert_int_equal(
            rest_format_of_body(rest_format_type((enum rest_format)format), SPAN_LITERAL("x")),
            format);
}

static const struct {
    const char *header;
    enum rest_format otherwise;
    enum rest_format format;
} accepts[] = {
    {"", REST_NPY, REST_NPY},
    {"*/*", REST_PROTOBUF, REST_PROTOBUF},
    {"application/*", REST_PROTOBUF, REST_PROTOBUF},
    {"application/json", REST_PROTOBUF, REST_JSON},
    {"application/x-npy", REST_JSON, REST_NPY},
    {"application/octet-stream", REST_JSON, REST_NPY},
    {"application/octet-stream;q=0.5, application/json", REST_NPY, REST_JSON},
    {"text/html, image/png", REST_JSON, REST_JSON},
    {"text/html, application/x-npy;q=0.1", REST_JSON, REST_NPY},
    {"application/json, application/x-protobuf", REST_NPY, REST_JSON},
    {"application/json;q=0.5, application/x-protobuf;q=0.75", REST_NPY, REST_PROTOBUF},
    {"application/json;q=0.9,*/*;q=0.8", REST_NPY, REST_JSON},
    {"application/json ; q = 0.1 , */*", REST_NPY, REST_NPY},
    {"application/x-npy;q=0", REST_JSON, REST_JSON},
    {"application/x-npy;q=0.000, */*;q=0.001", REST_JSON, REST_JSON},
    {",;,q=,;q", REST_JSON, REST_JSON},
};

static void answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof accepts / sizeof *accepts; i++)
        if (rest_format_of_accept(span_of(accepts[i].header), accepts[i].otherwise) !=
            accepts[i].format)
            fail_msg("%s", accepts[i].header);
}

static const struct {
    const char *header;
    const char *value;
} parameters[] = {
    {"application/x-npy", ""},
    {"application/x-npy; signature_name=a", "a"},
    {"application/x-npy; x=y; Signature_Name = \"a b\" ; z", "a b"},
    {"application/x-npy; signature_name", ""},
    {"application/x-npy; signature_name=\"", "\""},
    {"signature_name=a", ""},
};

static void parameters_of_a_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++)
        if (!span_is(rest_format_parameter(span_of(parameters[i].header), "signature_name"),
                     parameters[i].value))
            fail_msg("%s", parameters[i].header);
}

static void octet_streams_are_what_they_begin_with(void **state)
{
    (void)state;
    struct span type = SPAN_LITERAL("application/octet-stream; x=y");
    assert_int_equal(rest_format_of_body(type, SPAN_LITERAL("\x93NUMPY\1")), REST_NPY);
    assert_int_equal(rest_format_of_body(type, SPAN_LITERAL("\x93NUMP")), REST_JSON);
    assert_int_equal(rest_format_of_body(type, (struct span){0}), REST_JSON);
    assert_int_equal(rest_format_of_body(SPAN_LITERAL("text/plain"), SPAN_LITERAL("\x93NUMPY\1")),
                     REST_JSON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types),
        cmocka_unit_test(answers),
        cmocka_unit_test(parameters_of_a_type),
        cmocka_unit_test(octet_streams_are_what_they_begin_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
