/* SPDX-License-Identifier: Apache-2.0 */
#include "servables/tensorflow/batching_parameters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/messages.h"

static enum code read(const char *text, struct arena *arena, struct batching_parameters *p,
                      struct error *err)
{
    struct pb_batching_parameters message;
    assert_int_equal(
        pb_parse_text(&pb_batching_parameters_type, span_of(text), arena, &message, err), CODE_OK);
    return batching_parameters_read(&message, p, err);
}

static void what_is_not_said_is_the_originals(void **state)
{
    (void)state;
    struct arena arena;
    struct batching_parameters p;
    struct error err;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    assert_int_equal(read("", &arena, &p, &err), CODE_OK);
    assert_int_equal(p.max_batch_size, 1000);
    assert_int_equal(p.max_execution_batch_size, 1000);
    assert_int_equal(p.timeout_us, 0);
    assert_int_equal(p.max_enqueued_batches, 10);
    assert_false(p.pads || p.splits || p.allowed_sizes.count);
    assert_int_equal(batching_parameters_round_up(&p, 7), 7);
    arena_release(&arena);
}

static void sizes_are_rounded_up(void **state)
{
    (void)state;
    struct arena arena;
    struct batching_parameters p;
    struct error err;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    assert_int_equal(read("max_batch_size { value: 128 } batch_timeout_micros { value: 5 } "
                          "allowed_batch_sizes: [1, 32, 128] pad_variable_length_inputs: true",
                          &arena, &p, &err),
                     CODE_OK);
    assert_true(p.pads);
    assert_int_equal(p.timeout_us, 5);
    static const int64_t cases[][2] = {{1, 1}, {2, 32}, {32, 32}, {33, 128}, {128, 128}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(batching_parameters_round_up(&p, cases[i][0]), cases[i][1]);
    arena_release(&arena);
}

static void contradictions_are_refused(void **state)
{
    (void)state;
#define SPLITS "enable_large_batch_splitting { value: true } "
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"max_batch_size { value: 0 }", "input_batch_size_limit must be positive; was 0"},
        {"batch_timeout_micros { value: -5 }", "batch_timeout_micros must be non-negative; was -5"},
        {"max_enqueued_batches { value: -1 }", "max_enqueued_batches must be non-negative; was -1"},
        {"max_batch_size { value: 8 } allowed_batch_sizes: [8, 4]",
         "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 4; expected "
         "8"},
        {SPLITS "allowed_batch_sizes: [4, 4]",
         "allowed_batch_sizes entries must be monotonically increasing"},
        {SPLITS "max_batch_size { value: 8 } allowed_batch_sizes: [4, 16]",
         "Last entry in allowed_batch_sizes must be less than or equal to max_batch_size; last "
         "entry was 16; expected 8"},
        {SPLITS "max_batch_size { value: 8 } max_execution_batch_size { value: 4 } "
                "allowed_batch_sizes: [2, 8]",
         "Last entry in allowed_batch_sizes must be equal to max_execution_batch_size; last entry "
         "was 8; expected 4"},
        {SPLITS "max_batch_size { value: 8 } max_execution_batch_size { value: 16 }",
         "max_execution_batch_size (16) must be less than or equal to input_batch_size_limit (8)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena;
        struct batching_parameters p;
        struct error err;
        arena_init(&arena, ARENA_FIRST_BLOCK);
        assert_int_equal(read(cases[i].text, &arena, &p, &err), CODE_INVALID_ARGUMENT);
        assert_string_equal(err.message, cases[i].message);
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_said_is_the_originals),
        cmocka_unit_test(sizes_are_rounded_up),
        cmocka_unit_test(contradictions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
