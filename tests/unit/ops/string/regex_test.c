/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What TensorFlow's answers (tests/golden/ops/regex.gz) cannot show: groups and positions, the
 * limits, and that bad patterns take no more than linear time, counted in that they end at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "ops/string/regex.h"

enum { GROUPS = 4 };

static bool match(struct arena *arena, unsigned flags, const char *pattern, struct span text,
                  size_t from, enum regex_anchor anchor, struct regex_range ranges[GROUPS])
{
    struct regex *regex;
    struct regex_matcher *matcher;
    struct error err;
    assert_int_equal(regex_compile(span_of(pattern), flags, arena, &regex, &err), CODE_OK);
    assert_int_equal(regex_matcher_new(regex, GROUPS, arena, &matcher, &err), CODE_OK);
    return regex_match(matcher, text, from, anchor, ranges);
}

static void test_groups(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        size_t from;
        enum regex_anchor anchor;
        const char *expected; /* "start-end" of each group that took part; "" for no match */
    } cases[] = {
        {"(a)(b)?(c)?", "xac", 0, REGEX_SEARCH, "1-3 1-2 - 2-3"},
        {"(a|ab)(c|bcd)(d*)", "abcd", 0, REGEX_SEARCH, "0-4 0-1 1-4 4-4"},
        {"(a|ab)(c|bcd)(d*)", "abcd", 0, REGEX_FULL, "0-4 0-1 1-4 4-4"},
        {"(a+?)(a*)", "aaa", 0, REGEX_FULL, "0-3 0-1 1-3 -"},
        {"(a)|b", "xb", 0, REGEX_SEARCH, "1-2 - - -"},
        {"(a*)*", "b", 0, REGEX_SEARCH, "0-0 0-0 - -"},
        {"^a", "aa", 1, REGEX_SEARCH, ""},
        {"(?m)^a", "b\na", 1, REGEX_SEARCH, "2-3 - - -"},
        {"\\bb", "ab b", 1, REGEX_SEARCH, "3-4 - - -"},
        {"b", "ab", 0, REGEX_PREFIX, ""},
        {"b", "ab", 1, REGEX_PREFIX, "1-2 - - -"},
        {"a*", "", 0, REGEX_FULL, "0-0 - - -"},
        {"a|ab", "ab", 0, REGEX_FULL, "0-2 - - -"},
        {"a$", "ab", 0, REGEX_PREFIX, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned flags = 0; flags <= REGEX_MANY_TEXTS; flags++) {
            struct arena arena;
            struct regex_range ranges[GROUPS];
            char found[128] = "", *end = found;
            arena_init(&arena, ARENA_FIRST_BLOCK);
            bool matched = match(&arena, flags, cases[i].pattern, span_of(cases[i].text),
                                 cases[i].from, cases[i].anchor, ranges);
            for (int g = 0; matched && g < GROUPS; g++) {
                size_t room = sizeof found - (size_t)(end - found);
                const char *gap = g ? " " : "";
                end += ranges[g].start == REGEX_NONE
                           ? snprintf(end, room, "%s-", gap)
                           : snprintf(end, room, "%s%zu-%zu", gap, ranges[g].start, ranges[g].end);
            }
            assert_string_equal(found, cases[i].expected);
            arena_release(&arena);
        }
    }
}

/* Each of these takes a backtracking matcher longer than the world is old. */
static void test_linear(void **state)
{
    (void)state;
    static const char *const patterns[] = {"(x+x+)+y",     "(x*)*y",   "(x|x|x)*y",
                                           "(?:x?){500}y", "x*x*x*y",  "(x|xx|xxx)+y",
                                           ".*.*.*.*=y$",  "(.+)+\\by"};
    enum { LENGTH = 20000 };
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    char *text = arena_alloc(&arena, LENGTH);
    memset(text, 'x', LENGTH);
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        for (unsigned flags = 0; flags <= REGEX_MANY_TEXTS; flags++) {
            struct regex_range ranges[GROUPS];
            size_t length = i == 3 ? 2000 : LENGTH;
            assert_false(match(&arena, flags, patterns[i], span_make(text, length), 0, REGEX_SEARCH,
                               ranges));
        }
    }
    arena_release(&arena);
}

/* `count` times `piece`, between a head and a tail. */
static struct span repeat(struct arena *arena, const char *head, const char *piece, size_t count,
                          const char *tail)
{
    size_t length = strlen(piece);
    char *text = arena_alloc(arena, strlen(head) + count * length + strlen(tail)), *end = text;
    end = mempcpy(end, head, strlen(head));
    for (size_t i = 0; i < count; i++)
        end = mempcpy(end, piece, length);
    end = mempcpy(end, tail, strlen(tail));
    return span_make(text, (size_t)(end - text));
}

static void test_limits(void **state)
{
    (void)state;
    static const struct {
        const char *head, *piece;
        size_t count;
        const char *tail, *message;
    } cases[] = {
        {"", "a", REGEX_SIZE_MAX - 2, "", NULL},
        {"", "a", REGEX_SIZE_MAX - 1, "", "pattern too large - compile failed"},
        {"", "a", (1 << 20) + 1, "", "pattern too large - compile failed"},
        {"(?:", "(?:)", 250000, "){1000}", "pattern too large - compile failed"},
        {"", "(", REGEX_NESTING_MAX, "", "expression nests too deeply: "},
        {"", "(", REGEX_NESTING_MAX - 1, "", "missing ): "},
        {"", "[^a]{1000}", 100, "", "pattern too large - compile failed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena;
        struct regex *regex;
        struct error err = {0};
        arena_init(&arena, ARENA_FIRST_BLOCK);
        struct span pattern =
            repeat(&arena, cases[i].head, cases[i].piece, cases[i].count, cases[i].tail);
        enum code code = regex_compile(pattern, 0, &arena, &regex, &err);
        assert_int_equal(code, cases[i].message ? CODE_INVALID_ARGUMENT : CODE_OK);
        if (cases[i].message)
            assert_true(span_starts_with(span_of(err.message), span_of(cases[i].message)));
        arena_release(&arena);
    }
}

static void test_rewrite_groups(void **state)
{
    (void)state;
    assert_int_equal(regex_rewrite_groups(span_of("")), 0);
    assert_int_equal(regex_rewrite_groups(span_of("a\\0b\\3\\2")), 3);
    assert_int_equal(regex_rewrite_groups(span_of("\\\\9")), 0);
    assert_int_equal(regex_rewrite_groups(span_of("\\")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_rewrite_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
