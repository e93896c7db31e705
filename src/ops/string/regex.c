/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matching: the automaton of regex_dfa.c where there is one, Pike's simulation of the program
 * otherwise and for groups.
 *
 * The automaton begins at a place where a match can begin. What it reads in vain from one place it
 * may read again from the next, which would be quadratic in bad cases: it has a budget, some times
 * the text, and leaves the rest to the simulation when that is spent. The simulation keeps one list
 * of threads in order of preference, each with the positions it has saved; a list has an
 * instruction once, so a text of n bytes takes n times the program at most.
 */
#include "ops/string/regex.h"

#include "base/check.h"
#include "ops/string/regex_tree.h"
#include "ops/string/rune.h"

struct regex {
    struct regex_program program;
    int groups;
    bool has_first; /* a match has a first byte, one of `first` */
    struct byte_set first;
    struct regex_dfa *prefix; /* or NULL; for searches */
    struct regex_dfa *full;   /* or NULL; for whole texts */
};

/* What takes a byte; its saved positions lie in the list's `saved`, at its index. */
struct thread_list {
    uint32_t *insts;
    uint32_t count;
    size_t *saved;
};

/* Still to follow, or (restore) a slot to set back. */
struct pending {
    uint32_t inst;
    bool restore;
    size_t value;
};

struct regex_matcher {
    const struct regex *regex;
    uint32_t slots;
    struct thread_list lists[2];
    struct pending *stack;
    uint32_t *seen; /* by instruction: the number of the list that has it */
    uint32_t list_number;
    size_t *saved; /* of the thread that is being followed */
    size_t *best;
};

/* ---- compiling ---- */

static void copy_program(const struct regex_program *from, struct arena *arena,
                         struct regex_program *to)
{
    *to = *from;
    to->insts = ARENA_ARRAY(arena, struct regex_inst, from->count);
    to->sets = ARENA_ARRAY(arena, struct byte_set, from->set_count);
    memcpy(to->insts, from->insts, from->count * sizeof *to->insts);
    if (from->set_count)
        memcpy(to->sets, from->sets, from->set_count * sizeof *to->sets);
}

static void add_bytes(struct regex *r, const struct regex_inst *in)
{
    if (in->code == REGEX_CODE_SET) {
        for (int i = 0; i < 4; i++)
            r->first.bits[i] |= r->program.sets[in->arg].bits[i];
        return;
    }
    for (unsigned b = in->lo; b <= in->hi; b++)
        r->first.bits[b >> 6] |= UINT64_C(1) << (b & 63);
}

/* With which bytes can a match begin? */
static void find_first(struct regex *r, struct arena *temporary)
{
    const struct regex_program *p = &r->program;
    uint32_t *stack = ARENA_ARRAY(temporary, uint32_t, 2 * p->count + 2), depth = 0;
    bool *seen = ARENA_ARRAY(temporary, bool, p->count);
    r->has_first = true;
    stack[depth++] = p->start;
    while (depth) {
        uint32_t i = stack[--depth];
        const struct regex_inst *in = &p->insts[i];
        if (seen[i])
            continue;
        seen[i] = true;
        if (in->code == REGEX_CODE_MATCH)
            r->has_first = false;
        else if (in->code == REGEX_CODE_RANGE || in->code == REGEX_CODE_SET)
            add_bytes(r, in);
        else if (in->code != REGEX_CODE_FAIL)
            stack[depth++] = in->out;
        if (in->code == REGEX_CODE_SPLIT)
            stack[depth++] = in->arg;
    }
}

enum code regex_compile(struct span pattern, unsigned flags, struct arena *arena,
                        struct regex **regex, struct error *err)
{
    enum { PATTERN_MAX = 1 << 20 };
    struct regex_node *tree;
    struct regex_program program = {0};
    struct regex *r = ARENA_NEW(arena, struct regex);
    struct arena temporary;
    if (pattern.len > PATTERN_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "pattern too large - compile failed");
    arena_init(&temporary, ARENA_FIRST_BLOCK);
    enum code code = regex_parse(pattern, &temporary, &tree, &r->groups, err);
    if (!code)
        code = regex_generate(tree, &temporary, &program, err);
    if (!code) {
        copy_program(&program, arena, &r->program);
        find_first(r, &temporary);
    }
    arena_release(&temporary);
    if (!code && flags & REGEX_MANY_TEXTS) {
        r->prefix = regex_dfa_make(&r->program, false, arena);
        r->full = regex_dfa_make(&r->program, true, arena);
    }
    *regex = r;
    return code;
}

int regex_groups(const struct regex *regex)
{
    return regex->groups;
}

/* ---- matchers ---- */

static void *take(struct arena *arena, size_t count, size_t size, bool *failed)
{
    size_t bytes;
    void *ptr = NULL;
    if (!__builtin_mul_overflow(count ? count : 1, size, &bytes))
        ptr = arena_try_alloc(arena, bytes, ARENA_ALIGN);
    *failed |= !ptr;
    return ptr;
}

enum code regex_matcher_new(const struct regex *regex, int groups, struct arena *arena,
                            struct regex_matcher **matcher, struct error *err)
{
    struct regex_matcher *m = ARENA_NEW(arena, struct regex_matcher);
    uint32_t count = regex->program.count;
    bool failed = false;
    m->regex = regex;
    m->slots = 2 * (uint32_t)groups;
    *matcher = m;
    for (int i = 0; i < 2; i++) {
        m->lists[i].insts = take(arena, count, sizeof *m->lists[i].insts, &failed);
        m->lists[i].saved = take(arena, (size_t)count * m->slots, sizeof(size_t), &failed);
    }
    m->stack = take(arena, 2 * (size_t)count + 2, sizeof *m->stack, &failed);
    m->seen = take(arena, count, sizeof *m->seen, &failed);
    m->saved = take(arena, m->slots, sizeof *m->saved, &failed);
    m->best = take(arena, m->slots, sizeof *m->best, &failed);
    if (failed)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for matching a regular expression");
    memset(m->seen, 0, count * sizeof *m->seen);
    return CODE_OK;
}

/* ---- the simulation ---- */

static bool is_word_at(struct span text, size_t i)
{
    if (i >= text.len)
        return false;
    unsigned char c = (unsigned char)text.ptr[i], low = c | 0x20;
    return (c >= '0' && c <= '9') || (low >= 'a' && low <= 'z') || c == '_';
}

static unsigned assertions_at(struct span text, size_t at)
{
    unsigned held = 0;
    bool before = at && is_word_at(text, at - 1);
    held |= at ? 0 : REGEX_TEXT_START | REGEX_LINE_START;
    held |= at < text.len ? 0 : REGEX_TEXT_END | REGEX_LINE_END;
    if (at && text.ptr[at - 1] == '\n')
        held |= REGEX_LINE_START;
    if (at < text.len && text.ptr[at] == '\n')
        held |= REGEX_LINE_END;
    return held | (before != is_word_at(text, at) ? REGEX_WORD_EDGE : REGEX_NO_WORD_EDGE);
}

static void new_list(struct regex_matcher *m, struct thread_list *list)
{
    list->count = 0;
    if (++m->list_number)
        return;
    memset(m->seen, 0, m->regex->program.count * sizeof *m->seen);
    m->list_number = 1;
}

/* Follows `inst` to all instructions that take a byte or match, and appends them with the positions
 * in m->saved, which are afterwards as before. */
static void follow(struct regex_matcher *m, struct thread_list *list, uint32_t inst,
                   struct span text, size_t at)
{
    size_t depth = 0;
    m->stack[depth++] = (struct pending){.inst = inst};
    while (depth) {
        struct pending top = m->stack[--depth];
        if (top.restore) {
            m->saved[top.inst] = top.value;
            continue;
        }
        const struct regex_inst *in = &m->regex->program.insts[top.inst];
        if (m->seen[top.inst] == m->list_number)
            continue;
        m->seen[top.inst] = m->list_number;
        switch (in->code) {
        case REGEX_CODE_FAIL:
            break;
        case REGEX_CODE_SPLIT:
            m->stack[depth++] = (struct pending){.inst = in->arg};
            m->stack[depth++] = (struct pending){.inst = in->out};
            break;
        case REGEX_CODE_SAVE:
            if (in->arg < m->slots) {
                m->stack[depth++] = (struct pending){in->arg, true, m->saved[in->arg]};
                m->saved[in->arg] = at;
            }
            m->stack[depth++] = (struct pending){.inst = in->out};
            break;
        case REGEX_CODE_ASSERT:
            if (!(in->arg & ~assertions_at(text, at)))
                m->stack[depth++] = (struct pending){.inst = in->out};
            break;
        default:
            if (m->slots)
                memcpy(list->saved + (size_t)list->count * m->slots, m->saved,
                       m->slots * sizeof *m->saved);
            list->insts[list->count++] = top.inst;
        }
    }
}

static bool takes(const struct regex_program *p, const struct regex_inst *in, unsigned char byte)
{
    if (in->code == REGEX_CODE_SET)
        return byte_set_has(&p->sets[in->arg], byte);
    return byte >= in->lo && byte <= in->hi;
}

/* Moves all threads over the byte at `at`, or notes a match that ends there. */
static bool step(struct regex_matcher *m, const struct thread_list *now, struct thread_list *then,
                 struct span text, size_t at)
{
    const struct regex_program *p = &m->regex->program;
    new_list(m, then);
    for (uint32_t i = 0; i < now->count; i++) {
        const struct regex_inst *in = &p->insts[now->insts[i]];
        const size_t *saved = now->saved + (size_t)i * m->slots;
        if (in->code == REGEX_CODE_MATCH) {
            if (!m->slots)
                return true;
            memcpy(m->best, saved, m->slots * sizeof *saved);
            m->best[1] = at;
            return true; /* the threads behind are less preferred */
        }
        if (at == text.len || !takes(p, in, (unsigned char)text.ptr[at]))
            continue;
        if (m->slots)
            memcpy(m->saved, saved, m->slots * sizeof *saved);
        follow(m, then, in->out, text, at + 1);
    }
    return false;
}

/* Where a match may begin, from `at` on; text.len + 1 if nowhere. */
static size_t next_start(const struct regex *r, struct span text, size_t at)
{
    if (!r->has_first)
        return at;
    while (at < text.len && !byte_set_has(&r->first, (unsigned char)text.ptr[at]))
        at++;
    return at < text.len ? at : text.len + 1;
}

/* Threads that match before the end are of no use when the whole text must match. */
static void drop_matches(const struct regex_matcher *m, struct thread_list *list)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (m->regex->program.insts[list->insts[i]].code == REGEX_CODE_MATCH)
            continue;
        if (m->slots && kept != i)
            memcpy(list->saved + (size_t)kept * m->slots, list->saved + (size_t)i * m->slots,
                   m->slots * sizeof *list->saved);
        list->insts[kept++] = list->insts[i];
    }
    list->count = kept;
}

static bool simulate(struct regex_matcher *m, struct span text, size_t from,
                     enum regex_anchor anchor)
{
    struct thread_list *now = &m->lists[0], *then = &m->lists[1];
    bool matched = false;
    new_list(m, now);
    for (size_t at = from; at <= text.len; at++) {
        if (!now->count && (matched || (anchor != REGEX_SEARCH && at != from)))
            break;
        if (!now->count && anchor == REGEX_SEARCH) {
            size_t start = next_start(m->regex, text, at);
            if (start > text.len)
                break;
            /* What was seen before held for another place. */
            if (start != at)
                new_list(m, now);
            at = start;
        }
        if (!matched && (anchor == REGEX_SEARCH || at == from)) {
            for (uint32_t i = 0; i < m->slots; i++)
                m->saved[i] = i ? REGEX_NONE : at;
            follow(m, now, m->regex->program.start, text, at);
        }
        if (anchor == REGEX_FULL && at != text.len)
            drop_matches(m, now);
        matched |= step(m, now, then, text, at);
        struct thread_list *other = now;
        now = then;
        then = other;
    }
    return matched;
}

/* ---- the automaton ---- */

/* How much the automaton may read in vain, in times of the text and over that. */
enum { BUDGET_TIMES = 4, BUDGET_MORE = 256 };

static bool run_automaton(const struct regex_dfa *dfa, struct span text, size_t from, size_t *end,
                          size_t *read)
{
    unsigned state = dfa->start[!from];
    bool found = false;
    size_t i = from;
    for (; state != REGEX_DFA_DEAD; i++) {
        if (dfa->accepts[state] & (i == text.len ? REGEX_ACCEPTS_AT_END : REGEX_ACCEPTS)) {
            found = true;
            *end = i;
        }
        if (i == text.len)
            break;
        state = dfa->next[state * dfa->class_count + dfa->classes[(unsigned char)text.ptr[i]]];
    }
    *read = i - from;
    return found;
}

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_UNKNOWN };

/* The leftmost match, by the automaton; ANSWER_UNKNOWN: *at is where to go on without it. */
static enum answer search(const struct regex *r, struct span text, size_t *at, size_t *end)
{
    size_t spent = 0, budget = BUDGET_TIMES * (text.len - *at) + BUDGET_MORE, read;
    for (;; ++*at) {
        *at = next_start(r, text, *at);
        if (*at > text.len || (*at && r->prefix->start[0] == REGEX_DFA_DEAD))
            return ANSWER_NO;
        if (run_automaton(r->prefix, text, *at, end, &read))
            return ANSWER_YES;
        spent += read;
        if (spent > budget) {
            ++*at;
            return ANSWER_UNKNOWN;
        }
    }
}

/* All that can be said without the simulation. */
static enum answer ask_automaton(const struct regex *r, struct span text, size_t *from,
                                 enum regex_anchor anchor, size_t *end)
{
    size_t read;
    if (anchor == REGEX_FULL) {
        if (!r->full)
            return ANSWER_UNKNOWN;
        return run_automaton(r->full, text, *from, end, &read) && *end == text.len ? ANSWER_YES
                                                                                   : ANSWER_NO;
    }
    if (!r->prefix)
        return ANSWER_UNKNOWN;
    if (anchor == REGEX_PREFIX)
        return run_automaton(r->prefix, text, *from, end, &read) ? ANSWER_YES : ANSWER_NO;
    return search(r, text, from, end);
}

bool regex_match(struct regex_matcher *m, struct span text, size_t from, enum regex_anchor anchor,
                 struct regex_range *ranges)
{
    CHECK(from <= text.len);
    size_t end;
    enum answer answer = ask_automaton(m->regex, text, &from, anchor, &end);
    if (answer == ANSWER_NO || from > text.len)
        return false;
    if (answer == ANSWER_YES && m->slots <= 2) {
        if (m->slots)
            *ranges = (struct regex_range){from, end};
        return true;
    }
    /* Where it begins is known: only the groups are not. */
    if (answer == ANSWER_YES && anchor == REGEX_SEARCH)
        anchor = REGEX_PREFIX;
    if (!simulate(m, text, from, anchor))
        return false;
    for (uint32_t i = 0; i < m->slots / 2; i++) {
        bool set = m->best[2 * i] != REGEX_NONE && m->best[2 * i + 1] != REGEX_NONE;
        ranges[i] = set ? (struct regex_range){m->best[2 * i], m->best[2 * i + 1]}
                        : (struct regex_range){REGEX_NONE, REGEX_NONE};
    }
    return true;
}

/* ---- rewriting ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int regex_rewrite_groups(struct span rewrite)
{
    int most = 0;
    for (size_t i = 0; i + 1 < rewrite.len; i++) {
        if (rewrite.ptr[i] != '\\')
            continue;
        i++;
        if (is_digit(rewrite.ptr[i]) && rewrite.ptr[i] - '0' > most)
            most = rewrite.ptr[i] - '0';
    }
    return most;
}

/* The rewrite's part before the backslash that means nothing. */
static struct span good_part(struct span rewrite)
{
    for (size_t i = 0; i < rewrite.len; i++) {
        if (rewrite.ptr[i] != '\\')
            continue;
        if (i + 1 == rewrite.len || (!is_digit(rewrite.ptr[i + 1]) && rewrite.ptr[i + 1] != '\\'))
            return span_sub(rewrite, 0, i);
        i++;
    }
    return rewrite;
}

static void add_rewrite(struct text_builder *out, struct span rewrite, struct span text,
                        const struct regex_range *ranges)
{
    while (rewrite.len) {
        size_t plain = span_find(rewrite, '\\');
        text_builder_add(out, span_sub(rewrite, 0, plain));
        if (plain == rewrite.len)
            return;
        char c = rewrite.ptr[plain + 1];
        rewrite = span_sub(rewrite, plain + 2, rewrite.len);
        if (c == '\\') {
            text_builder_add_byte(out, c);
            continue;
        }
        const struct regex_range *r = &ranges[c - '0'];
        if (r->start != REGEX_NONE)
            text_builder_add(out, span_sub(text, r->start, r->end - r->start));
    }
}

/* Bytes of the character at `at`, which for RE2 may be a surrogate; 1 if it is none. */
static size_t rune_length(struct span text, size_t at)
{
    size_t length;
    if (rune_decode(text, at, &length) != RUNE_BAD)
        return length;
    const unsigned char *p = (const unsigned char *)text.ptr + at;
    bool surrogate =
        text.len - at >= 3 && p[0] == 0xed && p[1] >= 0xa0 && p[1] < 0xc0 && (p[2] & 0xc0) == 0x80;
    return surrogate ? 3 : 1;
}

enum code regex_replace(struct regex_matcher *m, struct span text, struct span rewrite, bool all,
                        struct arena *arena, struct span *result, struct error *err)
{
    struct regex_range ranges[REGEX_REWRITE_GROUPS];
    struct text_builder out = text_builder_in(arena);
    struct span good = good_part(rewrite);
    size_t at = 0, last_end = REGEX_NONE;
    CHECK((int)m->slots == 2 * (1 + regex_rewrite_groups(rewrite)));
    *result = text;
    if (regex_rewrite_groups(rewrite) > m->regex->groups || (!all && good.len != rewrite.len))
        return CODE_OK;
    while (at <= text.len && regex_match(m, text, at, REGEX_SEARCH, ranges)) {
        text_builder_add(&out, span_sub(text, at, ranges->start - at));
        if (ranges->start == last_end && ranges->end == last_end) {
            /* An empty match right behind the last one counts as none. */
            size_t skipped = at < text.len ? rune_length(text, at) : 1;
            text_builder_add(&out, span_sub(text, at, skipped));
            at += skipped;
            last_end = REGEX_NONE - 1;
            continue;
        }
        add_rewrite(&out, good, text, ranges);
        last_end = at = ranges->end;
        if (!all)
            break;
    }
    if (last_end == REGEX_NONE)
        return CODE_OK;
    text_builder_add(&out, span_sub(text, at, text.len));
    return text_builder_take(&out, result, err);
}
