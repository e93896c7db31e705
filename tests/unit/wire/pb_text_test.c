/* SPDX-License-Identifier: Apache-2.0 */
/* The text format against what protoc says (tests/golden/wire/, made by tests/golden/make_wire.py).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/messages.h"

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

/* "= 0a01", as the golden files write bytes. */
static const char *to_hex(struct span bytes)
{
    char *hex = arena_alloc(&arena, bytes.len * 2 + 1);
    for (size_t i = 0; i < bytes.len; i++)
        snprintf(hex + 2 * i, 3, "%02x", (uint8_t)bytes.ptr[i]);
    hex[bytes.len * 2] = 0;
    return hex;
}

static unsigned hex_byte(const char *digits)
{
    const char two[] = {digits[0], digits[1], 0};
    return (unsigned)strtoul(two, NULL, 16);
}

static struct span from_hex(struct span hex)
{
    char *bytes = arena_alloc(&arena, hex.len / 2);
    for (size_t i = 0; i < hex.len / 2; i++)
        bytes[i] = (char)hex_byte(hex.ptr + 2 * i);
    return span_make(bytes, hex.len / 2);
}

static struct span unescape(struct span text)
{
    char *bytes = arena_alloc(&arena, text.len);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\\') {
            c = text.ptr[++i];
            if (c == 'x') {
                c = (char)hex_byte(text.ptr + i + 1);
                i += 2;
            } else {
                c = (char)(c == 't' ? '\t' : c == 'n' ? '\n' : c);
            }
        }
        bytes[n++] = c;
    }
    return span_make(bytes, n);
}

/* Cuts off the part up to the byte. */
static struct span cut(struct span *rest, char at)
{
    size_t i = span_find(*rest, at);
    struct span part = span_sub(*rest, 0, i);
    *rest = span_sub(*rest, i + 1, rest->len);
    return part;
}

static struct span read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s is missing; run from the top folder", path);
    enum { ROOM = 1 << 20 };
    char *bytes = arena_alloc(&arena, ROOM);
    size_t n = fread(bytes, 1, ROOM, file);
    fclose(file);
    assert_in_range(n, 1, ROOM - 1);
    return span_make(bytes, n);
}

/* "= <hex>" or "! <error>". */
static const char *parse(const struct pb_message *type, struct span text)
{
    void *message = arena_alloc(&arena, pb_size(type));
    struct error err = {0};
    enum code code = pb_parse_text(type, text, &arena, message, &err);
    assert_int_equal(code, err.code);
    if (code)
        return arena_printf(&arena, "! %s", err.message);
    return arena_printf(&arena, "= %s", to_hex(pb_encode(type, message, &arena)));
}

static void test_parse_goldens(void **state)
{
    (void)state;
    struct span rest = read_file("tests/golden/wire/parse.cases");
    size_t count = 0;
    for (; rest.len; count++) {
        struct span line = cut(&rest, '\n');
        const struct pb_message *type = pb_find(cut(&line, '\t'));
        assert_non_null(type);
        struct span text = unescape(cut(&line, '\t'));
        struct span expected = unescape(line);
        const char *got = parse(type, text);
        if (!span_is(expected, got))
            fail_msg("%.*s\n  expected %.*s\n  got      %s", SPAN_ARG(text), SPAN_ARG(expected),
                     got);
    }
    assert_in_range(count, 100, 10000);
}

static void test_print_goldens(void **state)
{
    (void)state;
    struct span rest = read_file("tests/golden/wire/print.cases");
    size_t count = 0;
    for (; rest.len; count++) {
        struct span line = cut(&rest, '\n');
        const struct pb_message *type = pb_find(cut(&line, '\t'));
        assert_non_null(type);
        struct span hex = cut(&line, '\t');
        void *message = arena_alloc(&arena, pb_size(type));
        assert_int_equal(pb_decode(type, from_hex(hex), &arena, message, NULL), CODE_OK);
        struct span expected = unescape(line), got = pb_print_text(type, message, &arena);
        if (!span_equal(expected, got))
            fail_msg("%s: expected\n%.*s\ngot\n%.*s", pb_name(type), SPAN_ARG(expected),
                     SPAN_ARG(got));
        /* And back. */
        assert_string_equal(parse(type, got), arena_printf(&arena, "= %.*s", SPAN_ARG(hex)));
    }
    assert_in_range(count, 100, 10000);
}

/* What protoc 3.21 does not do, but protobuf's DebugString or newer versions do. */
static const struct {
    const char *in;
    const char *printed;
} printed[] = {
    {"custom_model_config { [type.googleapis.com/tensorflow.serving.ModelConfig] { name: 'q' } }",
     "custom_model_config {\n  [type.googleapis.com/tensorflow.serving.ModelConfig] {\n    name: "
     "\"q\"\n"
     "  }\n}\n"},
    {"custom_model_config { [type.googleapis.com/tensorflow.serving.ModelConfig] { }, }",
     "custom_model_config {\n  [type.googleapis.com/tensorflow.serving.ModelConfig] {\n  }\n}\n"},
    {"custom_model_config { type_url: 'type.googleapis.com/no.Such' value: 'x' }",
     "custom_model_config {\n  type_url: \"type.googleapis.com/no.Such\"\n  value: \"x\"\n}\n"},
    {"custom_model_config { type_url: 'type.googleapis.com/tensorflow.serving.ModelConfig' value: "
     "'x' }",
     "custom_model_config {\n  type_url: \"type.googleapis.com/tensorflow.serving.ModelConfig\"\n"
     "  value: \"x\"\n}\n"},
    {"model_config_list { config { version_labels { key: 'b' value: 2 } version_labels { key: 'a' "
     "value: 1 } version_labels { key: 'b' value: 3 } } }",
     "model_config_list {\n  config {\n    version_labels {\n      key: \"a\"\n      value: 1\n    "
     "}\n"
     "    version_labels {\n      key: \"b\"\n      value: 3\n    }\n  }\n}\n"},
    {"", ""},
};

static void test_printed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof printed / sizeof *printed; i++) {
        struct pb_model_server_config config;
        struct error err = {0};
        if (pb_parse_text(&pb_model_server_config_type, span_of(printed[i].in), &arena, &config,
                          &err))
            fail_msg("%s: %s", printed[i].in, err.message);
        struct span text = pb_print_text(&pb_model_server_config_type, &config, &arena);
        if (!span_is(text, printed[i].printed))
            fail_msg("got %.*s", SPAN_ARG(text));
    }
}

static void test_depth(void **state)
{
    (void)state;
    static const struct {
        size_t levels;
        const char *start;
    } cases[] = {
        {50, "= "},
        {51, "! 1:1056: Message is too deep, the parser exceeded the configured recursion limit of "
             "100."},
        {10000, "! 1:1056: Message is too deep, the parser exceeded the configured recursion limit "
                "of 100."},
    };
    static const char unit[] = "args { args { s: 'x' ";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t unit_len = sizeof unit - 1, levels = cases[i].levels;
        struct span text = {arena_alloc(&arena, levels * (unit_len + 2) + 8), 0};
        char *at = (char *)text.ptr;
        for (size_t k = 0; k < levels; k++, at += unit_len)
            memcpy(at, unit, unit_len);
        memset(at, '}', 2 * levels);
        text.len = levels * (unit_len + 2);
        struct span got = span_of(parse(&pb_full_type_def_type, text));
        if (!span_starts_with(got, span_of(cases[i].start)))
            fail_msg("%zu levels: %.*s", cases[i].levels, SPAN_ARG(got));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_parse_goldens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_print_goldens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_printed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_depth, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
