/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are wrong: cut, with bytes of others, and each kind of number out of its range: errors
 * that say what and where, and nothing read out of bounds. What right ones answer is
 * tests/unit/servables/tensorflow/tflite_test.c's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "savedmodel/tflite/tflite.h"
#include "wire/messages.h"

#define SAMPLES "tests/fuzz/corpus/tflite/"

static struct span sample(struct arena *arena, const char *name)
{
    struct span bytes;
    assert_int_equal(file_read(arena_printf(arena, SAMPLES "%s", name), arena, &bytes, NULL),
                     CODE_OK);
    return bytes;
}

static enum code read(struct span bytes, struct error *err)
{
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct savedmodel model = {.arena = &arena, .dir = SPAN_LITERAL("no-such-folder")};
    error_clear(err);
    enum code code = tflite_from_bytes(&model, bytes, err);
    arena_release(&arena);
    return code;
}

static void test_signature(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct savedmodel model = {.arena = &arena, .dir = SPAN_LITERAL("no-such-folder")};
    assert_int_equal(tflite_from_bytes(&model, sample(&arena, "while"), NULL), CODE_OK);
    assert_int_equal(model.signature_count, 1);
    const struct savedmodel_signature *s = &model.signatures[0];
    assert_true(span_is(s->name, "serving_default"));
    assert_true(span_is(s->method_name, "tensorflow/serving/predict"));
    assert_int_equal(s->input_count, 2);
    assert_true(span_is(s->inputs[0].alias, "n") && s->inputs[0].dtype == DTYPE_INT32);
    assert_true(span_is(s->inputs[1].alias, "x") && s->inputs[1].shape.dims[0] == 3);
    assert_int_equal(s->output_count, 2);
    assert_int_equal(model.init_op.len, 0);
    assert_int_equal(model.meta_graph->graph_def->library->function.count, 3);
    arena_release(&arena);
}

static void test_initialiser(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct savedmodel model = {.arena = &arena, .dir = SPAN_LITERAL("no-such-folder")};
    assert_int_equal(tflite_from_bytes(&model, sample(&arena, "variable"), NULL), CODE_OK);
    assert_true(span_is(model.init_op, "initialise"));
    arena_release(&arena);
}

/* An error for every beginning of a file; the rest of a file is never needed to tell. */
static void test_cut(void **state)
{
    (void)state;
    struct arena arena;
    struct error err;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct span whole = sample(&arena, "while");
    for (size_t len = 0; len < whole.len; len++) {
        char *copy = malloc(len + 1); /* so that a sanitizer sees where it ends */
        memcpy(copy, whole.ptr, len);
        enum code code = read(span_make(copy, len), &err);
        if (len < whole.len / 2)
            assert_int_not_equal(code, CODE_OK);
        if (code)
            assert_true(err.message[0]);
        free(copy);
    }
    assert_int_equal(read(span_sub(whole, 0, 3), &err), CODE_INVALID_ARGUMENT);
    assert_string_equal(err.message, "the identifier TFL3 is expected at byte 4 of its 3");
    arena_release(&arena);
}

static void test_spoiled(void **state)
{
    (void)state;
    static const unsigned char values[] = {0, 1, 0x7f, 0x80, 0xff};
    static const char *const names[] = {"conv_int8", "table", "lstm", "if"};
    struct arena arena;
    struct error err;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        struct span whole = sample(&arena, names[n]);
        char *copy = arena_alloc(&arena, whole.len);
        for (size_t at = 0; at < whole.len; at++) {
            for (size_t v = 0; v < sizeof values; v++) {
                memcpy(copy, whole.ptr, whole.len);
                copy[at] = (char)values[v];
                if (read(span_make(copy, whole.len), &err))
                    assert_true(err.message[0]);
            }
        }
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_initialiser),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_spoiled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
