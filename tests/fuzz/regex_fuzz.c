/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pattern, a zero byte, a rewrite, a zero byte, a text: the automaton and the simulation must say
 * the same, groups must lie within the match, and whatever replaces must end.
 */
#include "base/check.h"
#include "ops/string/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span cut(struct span *rest)
{
    size_t end = span_find(*rest, 0);
    struct span piece = span_sub(*rest, 0, end);
    *rest = span_sub(*rest, end + 1, rest->len);
    return piece;
}

static void compare(const struct regex *quick, const struct regex *slow, struct span text,
                    struct arena *arena)
{
    struct regex_matcher *a, *b;
    struct regex_range left, right[3];
    CHECK(regex_matcher_new(quick, 1, arena, &a, NULL) == CODE_OK);
    CHECK(regex_matcher_new(slow, 3, arena, &b, NULL) == CODE_OK);
    for (size_t from = 0; from <= text.len; from += 1 + text.len / 3) {
        for (int anchor = REGEX_SEARCH; anchor <= REGEX_FULL; anchor++) {
            bool found = regex_match(a, text, from, (enum regex_anchor)anchor, &left);
            CHECK(found == regex_match(b, text, from, (enum regex_anchor)anchor, right));
            if (!found)
                continue;
            CHECK(left.start == right->start && left.end == right->end);
            CHECK(from <= left.start && left.start <= left.end && left.end <= text.len);
            for (int i = 1; i < 3; i++)
                CHECK(right[i].start == REGEX_NONE ||
                      (right[i].start <= right[i].end && right[i].end <= left.end));
        }
    }
}

static void replace(const struct regex *regex, struct span text, struct span rewrite,
                    struct arena *arena)
{
    struct regex_matcher *m;
    struct span result;
    int groups = 1 + regex_rewrite_groups(rewrite);
    CHECK(regex_matcher_new(regex, groups, arena, &m, NULL) == CODE_OK);
    CHECK(regex_replace(m, text, rewrite, true, arena, &result, NULL) == CODE_OK);
    CHECK(regex_replace(m, text, rewrite, false, arena, &result, NULL) == CODE_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { SIZE_MAX_TRIED = 300 };
    struct span rest = span_make(data, size);
    struct span pattern = cut(&rest), rewrite = cut(&rest);
    struct regex *quick, *slow;
    struct arena arena;
    if (size > SIZE_MAX_TRIED)
        return 0;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    enum code code = regex_compile(pattern, REGEX_MANY_TEXTS, &arena, &quick, NULL);
    CHECK(code == regex_compile(pattern, 0, &arena, &slow, NULL));
    CHECK(code == CODE_OK || code == CODE_INVALID_ARGUMENT);
    if (!code) {
        compare(quick, slow, rest, &arena);
        replace(quick, rest, rewrite, &arena);
    }
    arena_release(&arena);
    return 0;
}
