/* SPDX-License-Identifier: Apache-2.0 */
/* The URL grammar of the REST API, a row each. */
#include "api/rest_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
    const char *method;
    const char *path;
    struct rest_url url;
} good[] = {
    {"POST", "/v1/models/m:predict", {.action = REST_PREDICT, .name = {"m", 1}}},
    {"POST", "/v1/models/m:classify", {.action = REST_CLASSIFY, .name = {"m", 1}}},
    {"POST", "/v1/models/m:regress", {.action = REST_REGRESS, .name = {"m", 1}}},
    {"POST", "/V1/Models/M:predict", {.action = REST_PREDICT, .name = {"M", 1}}},
    {"POST",
     "/v1/models/m/versions/007:predict",
     {.action = REST_PREDICT, .name = {"m", 1}, .has_version = true, .version = 7}},
    {"POST",
     "/v1/models/m/labels/st%20able:predict",
     {.action = REST_PREDICT, .name = {"m", 1}, .has_label = true, .label = {"st able", 7}}},
    {"POST", "/v1/models/a%2Fb%3ac:predict", {.action = REST_PREDICT, .name = {"a/b:c", 5}}},
    {"POST", "/v1/models/m?x=1:predict", {.action = REST_PREDICT, .name = {"m?x=1", 5}}},
    {"GET", "/v1/models/m", {.action = REST_STATUS, .name = {"m", 1}}},
    {"GET", "/v1/models/m?x=1", {.action = REST_STATUS, .name = {"m?x=1", 5}}},
    {"GET", "/v1/models", {.action = REST_STATUS}},
    {"GET", "/v1/models/m/metadata", {.action = REST_METADATA, .name = {"m", 1}}},
    {"GET", "/v1/models/m/METADATA", {.action = REST_STATUS, .name = {"m", 1}}},
    {"GET", "/v1/models/metadata", {.action = REST_STATUS, .name = {"metadata", 8}}},
    {"GET", "/v1/models/metadata/metadata", {.action = REST_METADATA, .name = {"metadata", 8}}},
    {"GET",
     "/v1/models/m/versions/2",
     {.action = REST_STATUS, .name = {"m", 1}, .has_version = true, .version = 2}},
    {"GET",
     "/v1/models/m/versions/2/metadata",
     {.action = REST_METADATA, .name = {"m", 1}, .has_version = true, .version = 2}},
    {"GET",
     "/v1/models/m/labels/x",
     {.action = REST_STATUS, .name = {"m", 1}, .has_label = true, .label = {"x", 1}}},
    {"GET", "/v1/models/versions/1", {.action = REST_STATUS, .has_version = true, .version = 1}},
    {"GET", "/v1/models/versions", {.action = REST_STATUS, .name = {"versions", 8}}},
    {"GET",
     "/v1/models/m/versions/9223372036854775807",
     {.action = REST_STATUS, .name = {"m", 1}, .has_version = true, .version = INT64_MAX}},
};

static const struct {
    const char *method;
    const char *path;
    const char *message; /* NULL: `Malformed request: <method> <path>` */
} bad[] = {
    {"POST", "/v1/models/m:PREDICT", NULL},
    {"POST", "/v1/models/m:predict?x=1", NULL},
    {"POST", "/v1/models/m:predict/", NULL},
    {"POST", "/v1/models/:predict", NULL},
    {"POST", "/v1/models/m", NULL},
    {"POST", "/v1/models/m:explain", NULL},
    {"POST", "/v1/models/m/versions/x:predict", NULL},
    {"POST", "/v1/models/m/versions/:predict", NULL},
    {"POST", "/v1/models/m/versions/1/labels/x:predict", NULL},
    {"POST", "/v1/models/m/labels/:predict", NULL},
    {"POST", "/v1/models", NULL},
    {"POST", "/v1/", NULL},
    {"GET", "/v1/models/m/", NULL},
    {"GET", "/v1/models/", NULL},
    {"GET", "/v1/models/m:predict", NULL},
    {"GET", "/v1/models/m/versions/1/labels/x", NULL},
    {"GET", "/v1/models/m/versions/-1", NULL},
    {"GET", "/v1/models/m/metadata/metadata", NULL},
    {"GET", "/v1/model", NULL},
    {"PUT", "/v1/models/m:predict", NULL},
    {"DELETE", "/v1/models/m", NULL},
    {"HEAD", "/v1/models/m", NULL},
    {"GET", "/v1/models/m/versions/9223372036854775808",
     "Failed to convert version: 9223372036854775808 to numeric."},
    {"POST", "/v1/models/m/versions/99999999999999999999:predict",
     "Failed to convert version: 99999999999999999999 to numeric."},
    {"GET", "/v1/models/m%2", "Failed to decode the model name m%2"},
    {"GET", "/v1/models/m%zz", "Failed to decode the model name m%zz"},
    {"GET", "/v1/models/m/labels/%", "Failed to decode the label %"},
};

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

static void good_ones_are_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct rest_url url;
        const struct rest_url *want = &good[i].url;
        if (rest_url_parse(span_of(good[i].method), span_of(good[i].path), &arena, &url, NULL) ||
            url.action != want->action || !span_equal(url.name, want->name) ||
            url.has_version != want->has_version || url.version != want->version ||
            url.has_label != want->has_label || !span_equal(url.label, want->label))
            fail_msg("%s %s", good[i].method, good[i].path);
    }
}

static void bad_ones_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct rest_url url;
        struct error err;
        const char *message = bad[i].message;
        if (!message)
            message = arena_printf(&arena, "Malformed request: %s %s", bad[i].method, bad[i].path);
        assert_int_equal(
            rest_url_parse(span_of(bad[i].method), span_of(bad[i].path), &arena, &url, &err),
            CODE_INVALID_ARGUMENT);
        assert_string_equal(err.message, message);
        assert_int_equal(url.silent, bad[i].message != NULL);
    }
}

static void paths_are_ours_or_not(void **state)
{
    (void)state;
    assert_true(rest_url_is_ours(span_of("/v1/")));
    assert_true(rest_url_is_ours(span_of("/V1/x")));
    assert_false(rest_url_is_ours(span_of("/v1")));
    assert_false(rest_url_is_ours(span_of("/")));
    assert_false(rest_url_is_ours(span_of("")));
    assert_true(span_is(rest_url_path(span_of("http://host:8501/v1/x?y")), "/v1/x?y"));
    assert_true(span_is(rest_url_path(span_of("HTTPS://host")), ""));
    assert_true(span_is(rest_url_path(span_of("/v1/x")), "/v1/x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(good_ones_are_understood, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_ones_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(paths_are_ours_or_not, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
