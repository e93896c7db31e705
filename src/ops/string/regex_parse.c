/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns to trees, in one pass from left to right. Open groups lie on a stack, each with the
 * branch it is reading and the branches it has read, so that no nesting of the pattern nests calls
 * here. Words and the piece of the pattern that an error names are RE2's.
 */
#include "ops/string/regex_tree.h"

#include <unistr.h>

enum parse_flags {
    FOLD = 1 << 0,       /* i */
    MULTI_LINE = 1 << 1, /* m */
    DOT_ALL = 1 << 2,    /* s */
    SWAP_GREED = 1 << 3, /* U */
};

struct group {
    struct group *outer;
    struct regex_node *branches; /* ALTERNATE, or NULL: no bar yet */
    struct regex_node *branch;   /* CONCAT */
    int number;                  /* of the capture, or 0 */
    unsigned flags_outside;
};

/* Sets by the name of a Unicode class, for the time of one pattern: they take milliseconds. */
struct known_set {
    struct known_set *next;
    struct span name;
    struct rune_set set;
};

struct parser {
    struct span whole;
    struct span rest;
    struct arena *arena;
    struct error *err;
    struct group *group;
    struct known_set *known;
    struct span unary; /* the repetition operator just read, or empty */
    unsigned flags;
    int groups;
    int depth;
};

/* ---- errors ---- */

static enum code refuse(struct parser *p, const char *what, struct span where)
{
    if (!where.len)
        return error_set(p->err, CODE_INVALID_ARGUMENT, "%s", what);
    return error_set(p->err, CODE_INVALID_ARGUMENT, "%s: %.*s", what, SPAN_ARG(where));
}

/* What has been read since `from`. */
static struct span since(const struct parser *p, const char *from)
{
    return span_make(from, (size_t)(p->rest.ptr - from));
}

static const char bad_escape[] = "invalid escape sequence";
static const char bad_range[] = "invalid character class range";
static const char bad_group[] = "invalid perl operator";
static const char bad_count[] = "invalid repetition size";

/* ---- reading ---- */

static bool at(const struct parser *p, char c)
{
    return p->rest.len && *p->rest.ptr == c;
}

static void skip(struct parser *p, size_t count)
{
    p->rest = span_sub(p->rest, count, p->rest.len);
}

static enum code read_rune(struct parser *p, uint32_t *rune)
{
    ucs4_t c;
    int length = u8_mbtoucr(&c, (const uint8_t *)p->rest.ptr, p->rest.len);
    if (length <= 0)
        return refuse(p, "invalid UTF-8", span_make(NULL, 0));
    *rune = c;
    skip(p, (size_t)length);
    return CODE_OK;
}

static int hex_digit(uint32_t c)
{
    if (c >= '0' && c <= '9')
        return (int)c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (int)c - 'a' + 10 : -1;
}

static bool is_word(uint32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* ---- escapes of one character ---- */

static enum code read_octal(struct parser *p, uint32_t *rune)
{
    for (int i = 0; i < 2 && p->rest.len && *p->rest.ptr >= '0' && *p->rest.ptr <= '7'; i++) {
        *rune = *rune * 8 + (uint32_t)(*p->rest.ptr - '0');
        skip(p, 1);
    }
    return CODE_OK;
}

static enum code read_hex_in_braces(struct parser *p, const char *from, uint32_t *rune)
{
    uint32_t c;
    *rune = 0;
    for (int digits = 0;; digits++) {
        if (!p->rest.len) /* RE2 reads a character here before it looks whether there is one */
            return digits ? refuse(p, bad_escape, since(p, from))
                          : refuse(p, "invalid UTF-8", span_make(NULL, 0));
        if (read_rune(p, &c))
            return CODE_INVALID_ARGUMENT;
        if (c == '}' && digits)
            return CODE_OK;
        if (hex_digit(c) < 0)
            return refuse(p, bad_escape, since(p, from));
        *rune = *rune * 16 + (uint32_t)hex_digit(c);
        if (*rune > RUNE_MAX)
            return refuse(p, bad_escape, since(p, from));
    }
}

static enum code read_hex(struct parser *p, const char *from, uint32_t *rune)
{
    uint32_t first, second;
    if (!p->rest.len)
        return refuse(p, bad_escape, since(p, from));
    if (read_rune(p, &first))
        return CODE_INVALID_ARGUMENT;
    if (first == '{')
        return read_hex_in_braces(p, from, rune);
    if (!p->rest.len)
        return refuse(p, bad_escape, since(p, from));
    if (read_rune(p, &second))
        return CODE_INVALID_ARGUMENT;
    if (hex_digit(first) < 0 || hex_digit(second) < 0)
        return refuse(p, bad_escape, since(p, from));
    *rune = (uint32_t)(hex_digit(first) * 16 + hex_digit(second));
    return CODE_OK;
}

/* A backslash and what belongs to it. */
static enum code read_escape(struct parser *p, uint32_t *rune)
{
    static const char letters[] = "nrtafv", controls[] = "\n\r\t\a\f\v";
    const char *from = p->rest.ptr;
    uint32_t c;
    if (p->rest.len == 1)
        return refuse(p, "trailing \\", span_make(NULL, 0));
    skip(p, 1);
    if (read_rune(p, &c))
        return CODE_INVALID_ARGUMENT;
    *rune = c;
    if (c < 0x80 && (!is_word(c) || c == '_'))
        return CODE_OK;
    /* One digit by itself would be a reference to a group. */
    bool more = p->rest.len && *p->rest.ptr >= '0' && *p->rest.ptr <= '7';
    if (c == '0' || (c >= '1' && c <= '7' && more)) {
        *rune = c - '0';
        return read_octal(p, rune);
    }
    if (c == 'x')
        return read_hex(p, from, rune);
    const char *letter = c < 0x80 ? strchr(letters, (int)c) : NULL;
    if (!letter || !c)
        return refuse(p, bad_escape, since(p, from));
    *rune = (uint32_t)controls[letter - letters];
    return CODE_OK;
}

/* ---- trees ---- */

static struct regex_node *new_node(struct parser *p, enum regex_op op)
{
    struct regex_node *node = ARENA_NEW(p->arena, struct regex_node);
    node->op = op;
    node->repeat_product = 1;
    return node;
}

static void add_child(struct regex_node *parent, struct regex_node *child)
{
    if (parent->last)
        parent->last->next = child;
    else
        parent->child = child;
    parent->last = child;
    if (child->repeat_product > parent->repeat_product)
        parent->repeat_product = child->repeat_product;
}

static void push(struct parser *p, struct regex_node *node)
{
    add_child(p->group->branch, node);
}

static void push_assertion(struct parser *p, unsigned assertion)
{
    struct regex_node *node = new_node(p, REGEX_OP_ASSERT);
    node->assertions = assertion;
    push(p, node);
}

static struct regex_node *push_set(struct parser *p)
{
    struct regex_node *node = new_node(p, REGEX_OP_SET);
    push(p, node);
    return node;
}

static void push_literal(struct parser *p, uint32_t rune)
{
    struct regex_node *node = push_set(p);
    rune_set_add(&node->set, rune, rune, p->arena);
    if (p->flags & FOLD)
        rune_set_fold(&node->set, p->arena);
}

static void push_dot(struct parser *p)
{
    struct rune_set *set = &push_set(p)->set;
    if (p->flags & DOT_ALL) {
        rune_set_add(set, 0, RUNE_MAX, p->arena);
        return;
    }
    rune_set_add(set, 0, '\n' - 1, p->arena);
    rune_set_add(set, '\n' + 1, RUNE_MAX, p->arena);
}

/* ---- classes ---- */

/* Adds a named set, folded and negated as asked. */
static void add_named(struct parser *p, struct rune_set *to, struct rune_set *named, bool negative)
{
    rune_set_close(named);
    if (p->flags & FOLD)
        rune_set_fold(named, p->arena);
    if (negative)
        rune_set_negate(named, p->arena);
    rune_set_add_all(to, named, p->arena);
}

static bool find_unicode(struct parser *p, struct span name, struct rune_set *set)
{
    for (struct known_set *k = p->known; k; k = k->next) {
        if (span_equal(k->name, name)) {
            rune_set_add_all(set, &k->set, p->arena);
            return true;
        }
    }
    if (!rune_set_add_unicode(set, name, p->arena))
        return false;
    struct known_set *k = ARENA_NEW(p->arena, struct known_set);
    k->name = name;
    rune_set_add_all(&k->set, set, p->arena);
    k->next = p->known;
    p->known = k;
    return true;
}

/* \pN, \PN, \p{Name}, \p{^Name}. */
static enum code read_unicode_class(struct parser *p, struct rune_set *to)
{
    const char *from = p->rest.ptr;
    struct span all = p->rest;
    bool negative = from[1] == 'P';
    uint32_t c;
    skip(p, 2);
    const char *name_at = p->rest.ptr;
    if (!p->rest.len)
        return refuse(p, bad_range, all);
    if (read_rune(p, &c))
        return CODE_INVALID_ARGUMENT;
    struct span name = since(p, name_at);
    if (c == '{') {
        size_t end = span_find(p->rest, '}');
        if (u8_check((const uint8_t *)p->rest.ptr, end))
            return refuse(p, "invalid UTF-8", span_make(NULL, 0));
        if (end == p->rest.len)
            return refuse(p, bad_range, all);
        name = span_sub(p->rest, 0, end);
        skip(p, end + 1);
    }
    if (name.len && *name.ptr == '^') {
        negative = !negative;
        name = span_sub(name, 1, name.len);
    }
    struct rune_set named = {0};
    if (!find_unicode(p, name, &named))
        return refuse(p, bad_range, since(p, from));
    add_named(p, to, &named, negative);
    return CODE_OK;
}

/* [:alpha:] in a class. *found: there was one. */
static enum code read_posix_class(struct parser *p, struct rune_set *to, bool *found)
{
    size_t end = 2;
    *found = false;
    if (p->rest.len < 3 || p->rest.ptr[0] != '[' || p->rest.ptr[1] != ':')
        return CODE_OK;
    while (end + 1 < p->rest.len && !(p->rest.ptr[end] == ':' && p->rest.ptr[end + 1] == ']'))
        end++;
    if (end + 1 >= p->rest.len)
        return CODE_OK;
    struct span name = span_sub(p->rest, 2, end - 2);
    bool negative = name.len && *name.ptr == '^';
    struct rune_set named = {0};
    *found = true;
    if (!rune_set_add_posix(&named, span_sub(name, negative, name.len), p->arena))
        return refuse(p, bad_range, span_sub(p->rest, 0, end + 2));
    add_named(p, to, &named, negative);
    skip(p, end + 2);
    return CODE_OK;
}

/* \d, \W, \pN and the like. *found: there was one. */
static enum code read_escaped_class(struct parser *p, struct rune_set *to, bool *found)
{
    *found = false;
    if (p->rest.len < 2 || *p->rest.ptr != '\\')
        return CODE_OK;
    char letter = p->rest.ptr[1];
    if (letter == 'p' || letter == 'P') {
        *found = true;
        return read_unicode_class(p, to);
    }
    struct rune_set named = {0};
    if (!strchr("dDsSwW", letter) || !letter ||
        !rune_set_add_perl(&named, (char)(letter | 0x20), p->arena))
        return CODE_OK;
    *found = true;
    add_named(p, to, &named, !(letter & 0x20));
    skip(p, 2);
    return CODE_OK;
}

static enum code read_class_rune(struct parser *p, struct span whole, uint32_t *rune)
{
    if (!p->rest.len)
        return refuse(p, "missing ]", whole);
    return at(p, '\\') ? read_escape(p, rune) : read_rune(p, rune);
}

static enum code read_class_range(struct parser *p, struct span whole, struct rune_set *to)
{
    const char *from = p->rest.ptr;
    uint32_t lo, hi;
    if (read_class_rune(p, whole, &lo))
        return CODE_INVALID_ARGUMENT;
    hi = lo;
    if (p->rest.len >= 2 && *p->rest.ptr == '-' && p->rest.ptr[1] != ']') {
        skip(p, 1);
        if (read_class_rune(p, whole, &hi))
            return CODE_INVALID_ARGUMENT;
        if (hi < lo)
            return refuse(p, bad_range, since(p, from));
    }
    rune_set_add(to, lo, hi, p->arena);
    return CODE_OK;
}

static enum code read_class_items(struct parser *p, struct span whole, struct rune_set *set)
{
    struct rune_set plain = {0};
    enum code code = CODE_OK;
    for (bool first = true; !code && p->rest.len && (first || *p->rest.ptr != ']'); first = false) {
        bool found;
        code = read_posix_class(p, set, &found);
        if (!code && !found)
            code = read_escaped_class(p, set, &found);
        if (!code && !found)
            code = read_class_range(p, whole, &plain);
    }
    if (code)
        return code;
    if (!p->rest.len)
        return refuse(p, "missing ]", whole);
    skip(p, 1);
    rune_set_close(&plain);
    if (p->flags & FOLD)
        rune_set_fold(&plain, p->arena);
    rune_set_add_all(set, &plain, p->arena);
    rune_set_close(set);
    return CODE_OK;
}

static enum code read_class(struct parser *p)
{
    struct span whole = p->rest;
    struct rune_set set = {0};
    skip(p, 1);
    bool negative = at(p, '^');
    skip(p, negative);
    enum code code = read_class_items(p, whole, &set);
    if (code)
        return code;
    if (negative)
        rune_set_negate(&set, p->arena);
    push_set(p)->set = set;
    return CODE_OK;
}

/* ---- groups ---- */

static enum code open_group(struct parser *p, bool captures, unsigned flags)
{
    if (++p->depth > REGEX_NESTING_MAX)
        return refuse(p, "expression nests too deeply", p->whole);
    struct group *group = ARENA_NEW(p->arena, struct group);
    group->outer = p->group;
    group->flags_outside = p->flags;
    group->branch = new_node(p, REGEX_OP_CONCAT);
    group->number = captures ? ++p->groups : 0;
    p->group = group;
    p->flags = flags;
    return CODE_OK;
}

/* The group as it has been read. */
static struct regex_node *finish_group(struct parser *p)
{
    struct group *group = p->group;
    struct regex_node *node = group->branch;
    if (group->branches) {
        add_child(group->branches, node);
        node = group->branches;
    }
    if (!group->number)
        return node;
    struct regex_node *capture = new_node(p, REGEX_OP_CAPTURE);
    capture->number = group->number;
    add_child(capture, node);
    return capture;
}

static enum code close_group(struct parser *p)
{
    struct group *group = p->group;
    if (!group->outer)
        return refuse(p, "unexpected )", p->whole);
    struct regex_node *node = finish_group(p);
    p->flags = group->flags_outside;
    p->group = group->outer;
    p->depth--;
    push(p, node);
    skip(p, 1);
    return CODE_OK;
}

static void next_branch(struct parser *p)
{
    struct group *group = p->group;
    if (!group->branches)
        group->branches = new_node(p, REGEX_OP_ALTERNATE);
    add_child(group->branches, group->branch);
    group->branch = new_node(p, REGEX_OP_CONCAT);
    skip(p, 1);
}

/* (?P<name> */
static enum code open_named_group(struct parser *p)
{
    static const char bad_name[] = "invalid named capture group";
    size_t end = span_find(p->rest, '>');
    if (u8_check((const uint8_t *)p->rest.ptr, end))
        return refuse(p, "invalid UTF-8", span_make(NULL, 0));
    if (end == p->rest.len)
        return refuse(p, bad_name, p->rest);
    bool good = end > 4;
    for (size_t i = 4; i < end; i++)
        good &= is_word((unsigned char)p->rest.ptr[i]);
    if (!good)
        return refuse(p, bad_name, span_sub(p->rest, 0, end + 1));
    skip(p, end + 1);
    return open_group(p, true, p->flags);
}

/* (?flags) and (?flags: */
static enum code read_flags(struct parser *p)
{
    static const char letters[] = "imsU";
    const char *from = p->rest.ptr;
    unsigned flags = p->flags;
    bool minus = false, any = false;
    skip(p, 2);
    for (;;) {
        uint32_t c;
        if (!p->rest.len)
            return refuse(p, bad_group, since(p, from));
        if (read_rune(p, &c))
            return CODE_INVALID_ARGUMENT;
        const char *letter = c && c < 0x80 ? strchr(letters, (int)c) : NULL;
        if (letter) {
            unsigned flag = 1u << (letter - letters);
            flags = minus ? flags & ~flag : flags | flag;
            any = true;
        } else if (c == '-' && !minus) {
            minus = true;
            any = false;
        } else if ((c != ':' && c != ')') || (minus && !any)) {
            return refuse(p, bad_group, since(p, from));
        } else if (c == ':') {
            return open_group(p, false, flags);
        } else {
            p->flags = flags;
            return CODE_OK;
        }
    }
}

static enum code read_group(struct parser *p)
{
    if (p->rest.len > 4 && span_starts_with(p->rest, SPAN_LITERAL("(?P<")))
        return open_named_group(p);
    if (p->rest.len >= 2 && p->rest.ptr[1] == '?')
        return read_flags(p);
    skip(p, 1);
    return open_group(p, true, p->flags);
}

/* ---- repetition ---- */

static bool read_number(struct span *text, int *number)
{
    enum { LIMIT = 100000000 };
    struct span t = *text;
    if (!t.len || *t.ptr < '0' || *t.ptr > '9')
        return false;
    if (t.len > 1 && *t.ptr == '0' && t.ptr[1] >= '0' && t.ptr[1] <= '9')
        return false;
    *number = 0;
    for (; t.len && *t.ptr >= '0' && *t.ptr <= '9'; t = span_sub(t, 1, t.len))
        *number = *number >= LIMIT ? LIMIT : *number * 10 + (*t.ptr - '0');
    *text = t;
    return true;
}

/* {n}, {n,}, {n,m}; anything else is no repetition but a brace. */
static bool read_counts(struct span *rest, int *min, int *max)
{
    struct span t = span_sub(*rest, 1, rest->len);
    if (!read_number(&t, min))
        return false;
    *max = *min;
    if (t.len && *t.ptr == ',') {
        t = span_sub(t, 1, t.len);
        *max = REGEX_UNBOUNDED;
        if (t.len && *t.ptr != '}' && !read_number(&t, max))
            return false;
    }
    if (!t.len || *t.ptr != '}')
        return false;
    *rest = span_sub(t, 1, t.len);
    return true;
}

/* What was pushed last becomes the repetition's child. */
static enum code repeat_last(struct parser *p, const struct regex_node *what, struct span text)
{
    struct regex_node *branch = p->group->branch, *old = branch->last;
    if (!old)
        return refuse(p, "no argument for repetition operator", text);
    struct regex_node *node = ARENA_NEW(p->arena, struct regex_node), *child;
    child = ARENA_NEW(p->arena, struct regex_node);
    *child = *old;
    *node = *what;
    add_child(node, child);
    int times = what->max > what->min ? what->max : what->min;
    node->repeat_product = child->repeat_product * (times > 1 ? times : 1);
    if (times > REGEX_REPEAT_MAX || node->repeat_product > REGEX_REPEAT_MAX)
        return refuse(p, bad_count, text);
    *old = *node;
    if (old->repeat_product > branch->repeat_product)
        branch->repeat_product = old->repeat_product;
    return CODE_OK;
}

/* The operator that `node` describes has been read since `from`. */
static enum code finish_repeat(struct parser *p, struct regex_node *node, struct span before,
                               const char *from)
{
    node->op = REGEX_OP_REPEAT;
    node->repeat_product = 1;
    node->lazy = p->flags & SWAP_GREED;
    if (at(p, '?')) {
        node->lazy = !node->lazy;
        skip(p, 1);
    }
    if (before.len)
        return refuse(p, "bad repetition operator", since(p, before.ptr));
    p->unary = since(p, from);
    if (node->max != REGEX_UNBOUNDED && node->max < node->min)
        return refuse(p, bad_count, p->unary);
    return repeat_last(p, node, p->unary);
}

static enum code read_repeat(struct parser *p, struct span before)
{
    const char *from = p->rest.ptr;
    struct regex_node node = {.min = *from == '+', .max = *from == '?' ? 1 : REGEX_UNBOUNDED};
    if (*from != '{') {
        skip(p, 1);
        return finish_repeat(p, &node, before, from);
    }
    if (read_counts(&p->rest, &node.min, &node.max))
        return finish_repeat(p, &node, before, from);
    push_literal(p, '{');
    skip(p, 1);
    return CODE_OK;
}

/* ---- the rest ---- */

/* \Q...\E */
static enum code read_quoted(struct parser *p)
{
    skip(p, 2);
    while (p->rest.len && !span_starts_with(p->rest, SPAN_LITERAL("\\E"))) {
        uint32_t rune;
        if (read_rune(p, &rune))
            return CODE_INVALID_ARGUMENT;
        push_literal(p, rune);
    }
    skip(p, 2);
    return CODE_OK;
}

static bool read_escaped_assertion(struct parser *p)
{
    static const struct {
        char letter;
        unsigned assertion;
    } letters[] = {
        {'b', REGEX_WORD_EDGE},
        {'B', REGEX_NO_WORD_EDGE},
        {'A', REGEX_TEXT_START},
        {'z', REGEX_TEXT_END},
    };
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        if (p->rest.ptr[1] != letters[i].letter)
            continue;
        push_assertion(p, letters[i].assertion);
        skip(p, 2);
        return true;
    }
    return false;
}

static enum code read_backslash(struct parser *p)
{
    bool found = false;
    struct rune_set set = {0};
    uint32_t rune;
    if (p->rest.len >= 2) {
        if (read_escaped_assertion(p))
            return CODE_OK;
        if (p->rest.ptr[1] == 'C') {
            push(p, new_node(p, REGEX_OP_BYTE));
            skip(p, 2);
            return CODE_OK;
        }
        if (p->rest.ptr[1] == 'Q')
            return read_quoted(p);
        enum code code = read_escaped_class(p, &set, &found);
        if (code)
            return code;
    }
    if (found) {
        rune_set_close(&set);
        push_set(p)->set = set;
        return CODE_OK;
    }
    if (read_escape(p, &rune))
        return CODE_INVALID_ARGUMENT;
    push_literal(p, rune);
    return CODE_OK;
}

static enum code read_literal(struct parser *p)
{
    uint32_t rune;
    if (read_rune(p, &rune))
        return CODE_INVALID_ARGUMENT;
    push_literal(p, rune);
    return CODE_OK;
}

static enum code read_item(struct parser *p)
{
    struct span before = p->unary;
    bool lines = p->flags & MULTI_LINE;
    p->unary = span_make(NULL, 0);
    switch (*p->rest.ptr) {
    case '(':
        return read_group(p);
    case ')':
        return close_group(p);
    case '|':
        next_branch(p);
        return CODE_OK;
    case '[':
        return read_class(p);
    case '*':
    case '+':
    case '?':
    case '{':
        return read_repeat(p, before);
    case '\\':
        return read_backslash(p);
    case '^':
        push_assertion(p, lines ? REGEX_LINE_START : REGEX_TEXT_START);
        break;
    case '$':
        push_assertion(p, lines ? REGEX_LINE_END : REGEX_TEXT_END);
        break;
    case '.':
        push_dot(p);
        break;
    default:
        return read_literal(p);
    }
    skip(p, 1);
    return CODE_OK;
}

enum code regex_parse(struct span pattern, struct arena *arena, struct regex_node **tree,
                      int *groups, struct error *err)
{
    struct parser p = {.whole = pattern, .rest = pattern, .arena = arena, .err = err};
    enum code code = open_group(&p, false, 0);
    while (!code && p.rest.len)
        code = read_item(&p);
    if (code)
        return code;
    if (p.group->outer)
        return refuse(&p, "missing )", pattern);
    *tree = finish_group(&p);
    *groups = p.groups;
    return CODE_OK;
}
