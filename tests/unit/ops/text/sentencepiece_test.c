/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models that are broken: TensorFlow says so when it runs, we when the model is loaded, so that the
 * golden answers cannot show it. And a rule of normalisation, made by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/text/sentencepiece.h"

/* "<unk>" of type UNKNOWN, and "a" with score 0. */
#define UNKNOWN "\x0a\x09\x0a\x05<unk>\x18\x02"
#define A       "\x0a\x03\x0a\x01\x61"

static void test_broken(void **state)
{
    (void)state;
    static const struct {
        struct span proto;
        const char *message;
    } cases[] = {
        {SPAN_LITERAL(UNKNOWN A), NULL},
        {SPAN_LITERAL(""), "unk is not defined."},
        {SPAN_LITERAL(A), "unk is not defined."},
        {SPAN_LITERAL(UNKNOWN A A), "a is already defined."},
        {SPAN_LITERAL("\xff"), "the SentencePiece model is broken"},
        {SPAN_LITERAL("\x0a\x05\x0a\x05"), "the SentencePiece model is broken"},
        {SPAN_LITERAL("\x0a\x02\x18\x01"), "the SentencePiece model is broken"},
        {SPAN_LITERAL(UNKNOWN "\x12\x02\x18\x05"), "the SentencePiece model is broken"},
        {SPAN_LITERAL(UNKNOWN "\x1a\x04\x12\x02\1\0"), "Blob for normalization rule is broken."},
        {SPAN_LITERAL(UNKNOWN "\x1a\x07\x12\x05\x09\0\0\0x"),
         "Trie data size exceeds the input blob size."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena;
        struct sentencepiece *model;
        struct error err = {0};
        arena_init(&arena, ARENA_FIRST_BLOCK);
        enum code code = sentencepiece_load(cases[i].proto, &arena, &model, &err);
        assert_int_equal(code, cases[i].message ? CODE_INTERNAL : CODE_OK);
        assert_string_equal(err.message, cases[i].message ? cases[i].message : "");
        arena_release(&arena);
    }
}

/* A double array with one rule: "X" becomes "ab". Unit 0 leads by offset 1 to 'X' ^ 1, which has a
 * value at its own offset. */
static void test_rule(void **state)
{
    (void)state;
    enum { UNITS = 256, LEAF = 2 };
    uint32_t units[UNITS] = {0};
    units[0] = 1u << 10;
    units['X' ^ 1] = 'X' | 1u << 8 | (uint32_t)('X' ^ 1 ^ LEAF) << 10;
    units[LEAF] = 1u << 31 | 1;
    struct arena arena;
    struct sentencepiece *model;
    struct sentencepiece_normal normal;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    assert_int_equal(sentencepiece_load(SPAN_LITERAL(UNKNOWN A), &arena, &model, NULL), CODE_OK);
    model->rules.trie = span_make(units, sizeof units);
    model->rules.replacements = SPAN_LITERAL("\0ab\0");
    assert_int_equal(
        sentencepiece_normalize(model, &model->rules, SPAN_LITERAL(" cXX "), &arena, &normal, NULL),
        CODE_OK);
    assert_true(span_is(normal.text, "\xe2\x96\x81"
                                     "cabab"));
    static const uint32_t origins[] = {1, 1, 1, 1, 2, 2, 3, 3, 4};
    assert_memory_equal(normal.origins, origins, sizeof origins);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
