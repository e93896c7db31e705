/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees to programs. A program matches bytes, so a set of characters becomes the automaton of their
 * UTF-8: the ranges are cut where the length or a leading byte changes, and pieces share their
 * beginnings (in a trie) and their ends (in a small table). Code is made from the end to the
 * beginning: each part is given the instruction that follows it and gives back its first.
 *
 * Instruction 0 fails. What a repetition repeats is generated again for each turn it counts; the
 * parser bounds their product, `steps` bounds what makes no instructions.
 */
#include "ops/string/regex_tree.h"

enum { STEPS_MAX = 1 << 22, SUFFIXES = 64 };

struct generator {
    struct regex_program *program;
    struct arena *arena;
    uint32_t steps;
    bool failed;
    /* RANGE instructions of the set at hand by what they are. */
    uint32_t suffixes[SUFFIXES];
};

static uint32_t emit(struct generator *g, struct regex_inst inst)
{
    struct regex_program *p = g->program;
    if (p->count == REGEX_SIZE_MAX) {
        g->failed = true;
        return 0;
    }
    if (p->count == p->room) {
        uint32_t room = p->room ? 2 * p->room : 64;
        struct regex_inst *insts = ARENA_ARRAY(g->arena, struct regex_inst, room);
        if (p->count)
            memcpy(insts, p->insts, p->count * sizeof *insts);
        p->insts = insts;
        p->room = room;
    }
    p->insts[p->count] = inst;
    return p->count++;
}

static uint32_t emit_split(struct generator *g, uint32_t first, uint32_t second)
{
    return emit(g, (struct regex_inst){REGEX_CODE_SPLIT, .out = first, .arg = second});
}

/* ---- sets ---- */

struct trie {
    uint8_t lo, hi;
    struct trie *child, *last_child; /* NULL: a character ends here */
    struct trie *next;
};

static uint32_t emit_range(struct generator *g, uint8_t lo, uint8_t hi, uint32_t next)
{
    uint32_t *known = &g->suffixes[(lo * 31u + hi * 7u + next) % SUFFIXES];
    const struct regex_inst *inst = &g->program->insts[*known];
    if (*known && inst->lo == lo && inst->hi == hi && inst->out == next)
        return *known;
    return *known = emit(g, (struct regex_inst){REGEX_CODE_RANGE, lo, hi, next, 0});
}

static uint32_t emit_trie(struct generator *g, const struct trie *first, uint32_t next)
{
    uint32_t entry = 0;
    for (const struct trie *t = first; t && !g->failed; t = t->next) {
        uint32_t out = t->child ? emit_trie(g, t->child, next) : next;
        uint32_t inst = emit_range(g, t->lo, t->hi, out);
        entry = t == first ? inst : emit_split(g, inst, entry);
    }
    return entry;
}

static void add_sequence(struct generator *g, struct trie *root, const uint8_t *lo,
                         const uint8_t *hi, int length)
{
    for (int i = 0; i < length; i++) {
        struct trie *t = root->last_child;
        if (!t || t->lo != lo[i] || t->hi != hi[i]) {
            t = ARENA_NEW(g->arena, struct trie);
            t->lo = lo[i];
            t->hi = hi[i];
            if (root->last_child)
                root->last_child->next = t;
            else
                root->child = t;
            root->last_child = t;
        }
        root = t;
    }
}

static int encode(uint32_t rune, uint8_t bytes[4])
{
    if (rune < 0x800) {
        bytes[0] = (uint8_t)(0xc0 | rune >> 6);
        bytes[1] = (uint8_t)(0x80 | (rune & 0x3f));
        return 2;
    }
    int length = rune < 0x10000 ? 3 : 4;
    bytes[0] = (uint8_t)(length == 3 ? 0xe0 | rune >> 12 : 0xf0 | rune >> 18);
    for (int i = 1; i < length; i++)
        bytes[i] = (uint8_t)(0x80 | (rune >> 6 * (length - 1 - i) & 0x3f));
    return length;
}

/* Where [lo, hi] must be cut so that its first part is a product of ranges of bytes: the last
 * character of that part. */
static uint32_t cut_range(uint32_t lo, uint32_t hi)
{
    static const uint32_t longest[] = {0x7ff, 0xffff};
    for (int i = 0; i < 2; i++) {
        if (lo <= longest[i] && longest[i] < hi)
            return longest[i];
    }
    for (int bits = 6; bits <= 18; bits += 6) {
        uint32_t mask = (1u << bits) - 1;
        if ((lo & ~mask) == (hi & ~mask))
            continue;
        if (lo & mask)
            return lo | mask;
        if ((hi & mask) != mask)
            return (hi & ~mask) - 1;
    }
    return hi;
}

static void add_runes(struct generator *g, struct trie *root, uint32_t lo, uint32_t hi)
{
    uint8_t first[4], last[4];
    if (lo == 0x80 && hi == RUNE_MAX) {
        /* As RE2 has it, "everything else" takes sequences that are well-formed but encode
         * nothing. */
        add_sequence(g, root, (const uint8_t *)"\xc2\x80", (const uint8_t *)"\xdf\xbf", 2);
        add_sequence(g, root, (const uint8_t *)"\xe0\x80\x80", (const uint8_t *)"\xef\xbf\xbf", 3);
        add_sequence(g, root, (const uint8_t *)"\xf0\x80\x80\x80",
                     (const uint8_t *)"\xf4\xbf\xbf\xbf", 4);
        return;
    }
    while (lo <= hi) {
        uint32_t end = cut_range(lo, hi);
        while (cut_range(lo, end) != end)
            end = cut_range(lo, end);
        int length = encode(lo, first);
        encode(end, last);
        add_sequence(g, root, first, last, length);
        lo = end + 1;
    }
}

static uint32_t emit_byte_set(struct generator *g, const struct byte_set *set, uint32_t next)
{
    struct regex_program *p = g->program;
    uint32_t i = p->set_count > 8 ? p->set_count - 8 : 0;
    while (i < p->set_count && memcmp(&p->sets[i], set, sizeof *set) != 0)
        i++;
    if (i == p->set_room) {
        uint32_t room = p->set_room ? 2 * p->set_room : 8;
        struct byte_set *sets = ARENA_ARRAY(g->arena, struct byte_set, room);
        if (p->set_count)
            memcpy(sets, p->sets, p->set_count * sizeof *sets);
        p->sets = sets;
        p->set_room = room;
    }
    if (i == p->set_count)
        p->sets[p->set_count++] = *set;
    return emit(g, (struct regex_inst){REGEX_CODE_SET, .out = next, .arg = i});
}

static uint32_t emit_set(struct generator *g, const struct rune_set *set, uint32_t next)
{
    struct trie root = {0};
    struct byte_set ascii = {0};
    uint32_t lo = 0, hi = 0, pieces = 0;
    memset(g->suffixes, 0, sizeof g->suffixes);
    for (size_t i = 0; i < set->count; i++) {
        const struct rune_range *r = &set->ranges[i];
        uint32_t end = r->hi < 0x7f ? r->hi : 0x7f;
        for (uint32_t c = r->lo; c <= end; c++)
            ascii.bits[c >> 6] |= UINT64_C(1) << (c & 63);
        if (r->lo < 0x80) {
            lo = r->lo;
            hi = end;
            pieces++;
        }
        if (r->hi >= 0x80)
            add_runes(g, &root, r->lo < 0x80 ? 0x80 : r->lo, r->hi);
    }
    uint32_t entry = emit_trie(g, root.child, next), inst;
    if (!pieces)
        return entry;
    inst =
        pieces > 1 ? emit_byte_set(g, &ascii, next) : emit_range(g, (uint8_t)lo, (uint8_t)hi, next);
    return root.child ? emit_split(g, inst, entry) : inst;
}

/* ---- trees ---- */

static uint32_t emit_node(struct generator *g, const struct regex_node *node, uint32_t next);

static bool is_nullable(struct generator *g, const struct regex_node *node)
{
    bool all = true, any = false;
    g->steps++;
    if (node->op == REGEX_OP_SET || node->op == REGEX_OP_BYTE)
        return false;
    if (node->op == REGEX_OP_REPEAT && node->min == 0)
        return true;
    for (const struct regex_node *c = node->child; c; c = c->next) {
        bool nullable = is_nullable(g, c);
        all &= nullable;
        any |= nullable;
        if (node->op == REGEX_OP_ALTERNATE ? any : !all)
            break;
    }
    return node->op == REGEX_OP_ALTERNATE ? any : all;
}

/* Children from the last to the first: each goes on to what follows it, or all to the same. */
static uint32_t emit_children(struct generator *g, const struct regex_node *node, uint32_t next)
{
    size_t count = 0;
    for (const struct regex_node *c = node->child; c; c = c->next)
        count++;
    const struct regex_node **children =
        ARENA_ARRAY(g->arena, const struct regex_node *, count + 1);
    count = 0;
    for (const struct regex_node *c = node->child; c; c = c->next)
        children[count++] = c;
    uint32_t entry = next;
    bool alternate = node->op == REGEX_OP_ALTERNATE;
    for (size_t i = count; i-- > 0 && !g->failed;) {
        uint32_t inst = emit_node(g, children[i], alternate ? next : entry);
        entry = alternate && i != count - 1 ? emit_split(g, inst, entry) : inst;
    }
    return entry;
}

/* `into` first, or last if the repetition is lazy. */
static uint32_t emit_choice(struct generator *g, const struct regex_node *node, uint32_t into,
                            uint32_t next)
{
    return node->lazy ? emit_split(g, next, into) : emit_split(g, into, next);
}

/* One or more times. */
static uint32_t emit_plus(struct generator *g, const struct regex_node *node, uint32_t next)
{
    uint32_t loop = emit_choice(g, node, 0, next);
    uint32_t body = emit_node(g, node->child, loop);
    struct regex_inst *inst = &g->program->insts[loop];
    *(node->lazy ? &inst->arg : &inst->out) = body;
    return body;
}

static uint32_t emit_star(struct generator *g, const struct regex_node *node, uint32_t next)
{
    /* Of what may be empty, one turn more than needed would be preferred. */
    if (is_nullable(g, node->child))
        return emit_choice(g, node, emit_plus(g, node, next), next);
    uint32_t loop = emit_choice(g, node, 0, next);
    uint32_t body = emit_node(g, node->child, loop);
    struct regex_inst *inst = &g->program->insts[loop];
    *(node->lazy ? &inst->arg : &inst->out) = body;
    return loop;
}

static uint32_t emit_repeat(struct generator *g, const struct regex_node *node, uint32_t next)
{
    uint32_t entry = next;
    int plain = node->min;
    if (node->max == REGEX_UNBOUNDED) {
        entry = node->min ? emit_plus(g, node, next) : emit_star(g, node, next);
        plain = node->min ? node->min - 1 : 0;
    }
    for (int i = node->min; i < node->max && !g->failed; i++)
        entry = emit_choice(g, node, emit_node(g, node->child, entry), next);
    for (int i = 0; i < plain && !g->failed; i++)
        entry = emit_node(g, node->child, entry);
    return entry;
}

static uint32_t emit_node(struct generator *g, const struct regex_node *node, uint32_t next)
{
    g->failed |= ++g->steps > STEPS_MAX;
    if (g->failed)
        return 0;
    switch (node->op) {
    case REGEX_OP_EMPTY:
        return next;
    case REGEX_OP_SET:
        return emit_set(g, &node->set, next);
    case REGEX_OP_BYTE:
        return emit(g, (struct regex_inst){REGEX_CODE_RANGE, 0, 255, next, 0});
    case REGEX_OP_ASSERT:
        return emit(g,
                    (struct regex_inst){REGEX_CODE_ASSERT, .out = next, .arg = node->assertions});
    case REGEX_OP_REPEAT:
        return emit_repeat(g, node, next);
    case REGEX_OP_CONCAT:
    case REGEX_OP_ALTERNATE:
        return emit_children(g, node, next);
    case REGEX_OP_CAPTURE:
        break;
    }
    uint32_t slot = 2 * (uint32_t)node->number;
    next = emit(g, (struct regex_inst){REGEX_CODE_SAVE, .out = next, .arg = slot + 1});
    next = emit_children(g, node, next);
    return emit(g, (struct regex_inst){REGEX_CODE_SAVE, .out = next, .arg = slot});
}

enum code regex_generate(const struct regex_node *tree, struct arena *arena,
                         struct regex_program *program, struct error *err)
{
    struct generator g = {.program = program, .arena = arena};
    emit(&g, (struct regex_inst){.code = REGEX_CODE_FAIL});
    uint32_t match = emit(&g, (struct regex_inst){.code = REGEX_CODE_MATCH});
    program->start = emit_node(&g, tree, match);
    if (g.failed)
        return error_set(err, CODE_INVALID_ARGUMENT, "pattern too large - compile failed");
    return CODE_OK;
}
