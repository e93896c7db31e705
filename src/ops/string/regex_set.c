/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of characters as ranges. The categories and scripts of Unicode come from libunistring, asked
 * character by character: that takes some milliseconds for a class and no memory for those that
 * nobody uses. Cases come from a table of our own, for libunistring cannot tell which characters
 * fold to a given one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unictype.h>

#include "ops/string/regex_tree.h"

/* ---- sets ---- */

void rune_set_add(struct rune_set *set, uint32_t lo, uint32_t hi, struct arena *arena)
{
    if (set->count == set->room) {
        size_t room = set->room ? 2 * set->room : 1;
        struct rune_range *ranges = ARENA_ARRAY(arena, struct rune_range, room);
        if (set->count)
            memcpy(ranges, set->ranges, set->count * sizeof *ranges);
        set->ranges = ranges;
        set->room = room;
    }
    set->ranges[set->count++] = (struct rune_range){lo, hi};
}

void rune_set_add_all(struct rune_set *set, const struct rune_set *from, struct arena *arena)
{
    for (size_t i = 0; i < from->count; i++)
        rune_set_add(set, from->ranges[i].lo, from->ranges[i].hi, arena);
}

static int by_start(const void *a, const void *b)
{
    uint32_t left = ((const struct rune_range *)a)->lo, right = ((const struct rune_range *)b)->lo;
    return (left > right) - (left < right);
}

void rune_set_close(struct rune_set *set)
{
    size_t kept = 0;
    if (!set->count)
        return;
    qsort(set->ranges, set->count, sizeof *set->ranges, by_start);
    for (size_t i = 1; i < set->count; i++) {
        struct rune_range *last = &set->ranges[kept], *r = &set->ranges[i];
        if (r->lo > last->hi + 1)
            set->ranges[++kept] = *r;
        else if (r->hi > last->hi)
            last->hi = r->hi;
    }
    set->count = kept + 1;
}

void rune_set_negate(struct rune_set *set, struct arena *arena)
{
    struct rune_set old = *set;
    uint32_t next = 0;
    *set = (struct rune_set){0};
    for (size_t i = 0; i < old.count; i++) {
        if (old.ranges[i].lo > next)
            rune_set_add(set, next, old.ranges[i].lo - 1, arena);
        next = old.ranges[i].hi + 1;
    }
    if (next <= RUNE_MAX)
        rune_set_add(set, next, RUNE_MAX, arena);
}

/* ---- cases ---- */

static const struct fold {
    uint32_t lo, hi;
    int32_t delta; /* to the next case; 0: lo and lo + 1 are cases of one letter, and so on */
} folds[] = {
#include "ops/string/folds.inc"
};

enum { FOLD_COUNT = sizeof folds / sizeof *folds };

/* The first row that ends at or behind the character. */
static size_t fold_from(uint32_t rune)
{
    size_t low = 0, high = FOLD_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (folds[middle].hi < rune)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t rune_fold_next(uint32_t rune)
{
    size_t i = fold_from(rune);
    if (i == FOLD_COUNT || rune < folds[i].lo)
        return rune;
    if (!folds[i].delta)
        return (rune - folds[i].lo) % 2 ? rune - 1 : rune + 1;
    return rune + (uint32_t)folds[i].delta;
}

/* Adds all cases of one character that has some. */
static void add_orbit(struct rune_set *set, uint32_t rune, struct arena *arena)
{
    for (uint32_t c = rune_fold_next(rune); c != rune; c = rune_fold_next(c))
        rune_set_add(set, c, c, arena);
}

void rune_set_fold(struct rune_set *set, struct arena *arena)
{
    struct rune_set old = {0};
    rune_set_add_all(&old, set, arena);
    for (size_t i = 0; i < old.count; i++) {
        uint32_t lo = old.ranges[i].lo, hi = old.ranges[i].hi;
        for (size_t k = fold_from(lo); k < FOLD_COUNT && folds[k].lo <= hi; k++) {
            uint32_t from = lo > folds[k].lo ? lo : folds[k].lo;
            uint32_t to = hi < folds[k].hi ? hi : folds[k].hi;
            for (uint32_t c = from; c <= to; c++)
                add_orbit(set, c, arena);
        }
    }
    rune_set_close(set);
}

/* ---- names ---- */

/* Pairs of the first and the last character of each range. */
struct named_set {
    const char *name;
    const char *ranges;
};

static bool add_named(struct rune_set *set, const struct named_set *table, struct span name,
                      struct arena *arena)
{
    for (; table->name; table++) {
        if (!span_is(name, table->name))
            continue;
        for (const char *r = table->ranges; *r || r[1]; r += 2)
            rune_set_add(set, (unsigned char)r[0], (unsigned char)r[1], arena);
        return true;
    }
    return false;
}

bool rune_set_add_perl(struct rune_set *set, char letter, struct arena *arena)
{
    static const struct named_set table[] = {
        {"d", "09\0"}, {"s", "\t\n\f\r  \0"}, {"w", "09AZ__az\0"}, {NULL, NULL}};
    return add_named(set, table, span_make(&letter, 1), arena);
}

bool rune_set_add_posix(struct rune_set *set, struct span name, struct arena *arena)
{
    static const struct named_set table[] = {{"alnum", "09AZaz\0"},
                                             {"alpha", "AZaz\0"},
                                             {"ascii", "\0\x7f\0"},
                                             {"blank", "\t\t  \0"},
                                             {"cntrl", "\0\x1f\x7f\x7f\0"},
                                             {"digit", "09\0"},
                                             {"graph", "!~\0"},
                                             {"lower", "az\0"},
                                             {"print", " ~\0"},
                                             {"punct", "!/:@[`{~\0"},
                                             {"space", "\t\r  \0"},
                                             {"upper", "AZ\0"},
                                             {"word", "09AZ__az\0"},
                                             {"xdigit", "09AFaf\0"},
                                             {NULL, NULL}};
    return add_named(set, table, name, arena);
}

/* Is the character in the class that `what` is? */
typedef bool member_fn(uint32_t rune, const void *what);

static bool in_category(uint32_t rune, const void *what)
{
    return uc_is_general_category(rune, *(const uc_general_category_t *)what);
}

static bool in_script(uint32_t rune, const void *what)
{
    return uc_script(rune) == what;
}

static void add_members(struct rune_set *set, member_fn *member, const void *what,
                        struct arena *arena)
{
    enum { NO_RUNE = RUNE_MAX + 1 };
    uint32_t start = NO_RUNE;
    for (uint32_t c = 0; c <= RUNE_MAX; c++) {
        bool is = member(c, what);
        if (is && start == NO_RUNE)
            start = c;
        if (!is && start != NO_RUNE) {
            rune_set_add(set, start, c - 1, arena);
            start = NO_RUNE;
        }
    }
    if (start != NO_RUNE)
        rune_set_add(set, start, RUNE_MAX, arena);
}

/* The categories that RE2 has; C is without what is not assigned. */
static bool find_category(const char *name, uc_general_category_t *category)
{
    static const char names[] =
        "C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf "
        "Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs ";
    char key[8];
    int length = snprintf(key, sizeof key, "%s ", name);
    const char *hit = strstr(names, key);
    if (length < 2 || length > 3 || !hit || (hit != names && hit[-1] != ' '))
        return false;
    *category = uc_general_category_byname(name);
    if (span_is(span_of(name), "C"))
        *category = uc_general_category_and_not(*category, uc_general_category_byname("Cn"));
    return true;
}

bool rune_set_add_unicode(struct rune_set *set, struct span name, struct arena *arena)
{
    enum { NAME_MAX_LENGTH = 40 };
    char text[NAME_MAX_LENGTH + 1];
    uc_general_category_t category;
    if (!name.len || name.len > NAME_MAX_LENGTH)
        return false;
    memcpy(text, name.ptr, name.len);
    text[name.len] = 0;
    if (span_is(name, "Any")) {
        rune_set_add(set, 0, RUNE_MAX, arena);
        return true;
    }
    if (find_category(text, &category)) {
        add_members(set, in_category, &category, arena);
        return true;
    }
    const uc_script_t *script = uc_script_byname(text);
    if (!script || span_is(name, "Unknown"))
        return false;
    add_members(set, in_script, script, arena);
    return true;
}
