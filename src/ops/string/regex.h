/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct regex: regular expressions with RE2's syntax and semantics, in time linear in the text.
 *
 * The syntax is RE2's of Perl flavour (github.com/google/re2/wiki/Syntax): classes, also of Unicode
 * categories and scripts, groups, flags, counted repetition, non-greedy operators, anchors; neither
 * backreferences nor look-around. Pattern and text are UTF-8; bytes of a text that are none match
 * nothing but \C. Of all matches the leftmost counts, and of these the one that a backtracking
 * search would find first.
 *
 * A regex is immutable and may be used by any number of threads, each with a matcher of its own.
 */
#ifndef OPS_STRING_REGEX_H
#define OPS_STRING_REGEX_H

#include "base/arena.h"
#include "base/error.h"

struct regex;

enum regex_flags {
    /* Spend memory (at most 128 KiB) and time once on a table that makes many matches fast. */
    REGEX_MANY_TEXTS = 1 << 0,
};

/* Bytes [start, end) of the text; start is REGEX_NONE for a group that took no part. */
struct regex_range {
    size_t start, end;
};
#define REGEX_NONE SIZE_MAX

enum regex_anchor {
    REGEX_SEARCH, /* anywhere from `from` on */
    REGEX_PREFIX, /* beginning at `from` */
    REGEX_FULL,   /* beginning at `from`, ending at the end of the text */
};

enum {
    REGEX_REWRITE_GROUPS = 10, /* \0 to \9 */
    REGEX_REPEAT_MAX = 1000,   /* x{1000}; also the product of nested ones */
    REGEX_NESTING_MAX = 1000,  /* groups in groups: the compiler goes down by calls */
    REGEX_SIZE_MAX = 174000,   /* instructions: what RE2 grants a pattern by default */
};

/* The pattern compiled, in the arena; so are the pattern's bytes. INVALID_ARGUMENT with RE2's words
 * ("missing ): (a"); RESOURCE_EXHAUSTED. */
enum code regex_compile(struct span pattern, unsigned flags, struct arena *arena,
                        struct regex **regex, struct error *err);

/* Groups that capture, without the whole match. */
int regex_groups(const struct regex *regex);

/* What one thread needs to match. */
struct regex_matcher;

/* A matcher that reports up to `groups` ranges (the whole match is one). RESOURCE_EXHAUSTED. */
enum code regex_matcher_new(const struct regex *regex, int groups, struct arena *arena,
                            struct regex_matcher **matcher, struct error *err);

/* Looks for a match in text from `from` <= text.len on; what lies before counts for \b and ^. Fills
 * in as many ranges as the matcher has. */
bool regex_match(struct regex_matcher *matcher, struct span text, size_t from,
                 enum regex_anchor anchor, struct regex_range *ranges);

/* ---- rewriting ---- */

/* The largest \N of a rewrite string, or 0. */
int regex_rewrite_groups(struct span rewrite);

/* A copy of the text in the arena with its first match (or all that do not overlap) replaced by the
 * rewrite; the text itself when nothing matches. As RE2 has it, a rewrite that names a group that
 * the regex has not changes nothing; one with a backslash before anything but a digit or a
 * backslash ends there if `all`, and changes nothing otherwise. The matcher has
 * 1 + regex_rewrite_groups() ranges. RESOURCE_EXHAUSTED. */
enum code regex_replace(struct regex_matcher *matcher, struct span text, struct span rewrite,
                        bool all, struct arena *arena, struct span *result, struct error *err);

#endif
