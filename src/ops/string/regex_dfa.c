/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deterministic automaton of a small program, made whole and once: afterwards it is read only,
 * so that threads share it without a lock. States are found by a hash of their lists of
 * instructions; bytes that no instruction tells apart are one class.
 *
 * The list of a state has the instructions that take a byte, in the order in which a backtracking
 * search would try them, and ends at a MATCH unless `full`. TEXT_END is kept in it: it matters only
 * if nothing follows.
 */
#include "ops/string/regex_tree.h"

enum { TABLE_SIZE = 2 * REGEX_DFA_STATES_MAX };

struct state {
    uint32_t *insts;
    uint32_t count;
    uint32_t hash;
};

struct builder {
    const struct regex_program *program;
    struct arena *arena; /* for the time of building */
    bool full;
    bool text_start;
    bool failed;
    uint32_t *list; /* of the state that is being made */
    uint32_t count;
    uint32_t *stack; /* of instructions still to follow */
    uint32_t *seen;  /* by instruction: the number of the list that has it */
    uint32_t list_number;
    struct state states[REGEX_DFA_STATES_MAX];
    uint16_t table[TABLE_SIZE]; /* number of the state, or 0 */
    unsigned state_count;
    uint8_t bytes[256]; /* one of each class */
    struct regex_dfa *dfa;
};

static bool is_usable(const struct regex_program *program)
{
    for (uint32_t i = 0; i < program->count; i++) {
        const struct regex_inst *inst = &program->insts[i];
        if (inst->code == REGEX_CODE_ASSERT && inst->arg & ~(REGEX_TEXT_START | REGEX_TEXT_END))
            return false;
    }
    return true;
}

/* ---- classes of bytes ---- */

static void cut_at(bool cuts[257], const struct byte_set *set)
{
    for (unsigned b = 1; b < 256; b++)
        cuts[b] |= byte_set_has(set, (unsigned char)b) != byte_set_has(set, (unsigned char)(b - 1));
}

static void find_classes(struct builder *b)
{
    bool cuts[257] = {false};
    const struct regex_program *p = b->program;
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->insts[i].code != REGEX_CODE_RANGE)
            continue;
        cuts[p->insts[i].lo] = true;
        cuts[p->insts[i].hi + 1] = true;
    }
    for (uint32_t i = 0; i < p->set_count; i++)
        cut_at(cuts, &p->sets[i]);
    unsigned class = 0;
    for (unsigned byte = 0; byte < 256; byte++) {
        class += byte && cuts[byte];
        b->dfa->classes[byte] = (uint8_t) class;
        b->bytes[class] = (uint8_t)byte;
    }
    b->dfa->class_count = class + 1;
}

/* ---- lists ---- */

/* Follows what takes no byte from `inst` on; what does goes into the list. True: the list ends
 * here, for it matches. */
static bool follow(struct builder *b, uint32_t inst)
{
    uint32_t depth = 0;
    b->stack[depth++] = inst;
    while (depth) {
        uint32_t i = b->stack[--depth];
        if (b->seen[i] == b->list_number)
            continue;
        b->seen[i] = b->list_number;
        const struct regex_inst *in = &b->program->insts[i];
        switch (in->code) {
        case REGEX_CODE_FAIL:
            break;
        case REGEX_CODE_SPLIT:
            b->stack[depth++] = in->arg;
            b->stack[depth++] = in->out;
            break;
        case REGEX_CODE_SAVE:
            b->stack[depth++] = in->out;
            break;
        case REGEX_CODE_ASSERT:
            if (in->arg == REGEX_TEXT_END)
                b->list[b->count++] = i;
            else if (b->text_start)
                b->stack[depth++] = in->out;
            break;
        default:
            b->list[b->count++] = i;
            if (in->code == REGEX_CODE_MATCH && !b->full)
                return true;
        }
    }
    return false;
}

static void new_list(struct builder *b)
{
    b->count = 0;
    b->list_number++;
}

/* Does the text's end lead from the state to a match? */
static bool accepts_at_end(struct builder *b, const struct state *s)
{
    uint32_t depth = 0;
    b->list_number++;
    for (uint32_t i = 0; i < s->count; i++) {
        if (b->program->insts[s->insts[i]].code == REGEX_CODE_ASSERT)
            b->stack[depth++] = s->insts[i];
    }
    while (depth) {
        uint32_t i = b->stack[--depth];
        const struct regex_inst *in = &b->program->insts[i];
        if (b->seen[i] == b->list_number)
            continue;
        b->seen[i] = b->list_number;
        if (in->code == REGEX_CODE_MATCH)
            return true;
        /* The text's beginning is its end only if it is empty: text_start is right for then. */
        if (in->code == REGEX_CODE_ASSERT && in->arg == REGEX_TEXT_START && !b->text_start)
            continue;
        if (in->code == REGEX_CODE_SPLIT)
            b->stack[depth++] = in->arg;
        if (in->code == REGEX_CODE_SPLIT || in->code == REGEX_CODE_SAVE ||
            in->code == REGEX_CODE_ASSERT)
            b->stack[depth++] = in->out;
    }
    return false;
}

static void describe(struct builder *b, unsigned number)
{
    const struct state *s = &b->states[number];
    uint8_t accepts = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        if (b->program->insts[s->insts[i]].code == REGEX_CODE_MATCH)
            accepts = REGEX_ACCEPTS | REGEX_ACCEPTS_AT_END;
    }
    if (!accepts && accepts_at_end(b, s))
        accepts = REGEX_ACCEPTS_AT_END;
    b->dfa->accepts[number] = accepts;
}

/* The state of the list that was made last, a new one if need be. */
static uint16_t find_state(struct builder *b)
{
    uint32_t hash = 2166136261u;
    if (!b->count)
        return REGEX_DFA_DEAD;
    for (uint32_t i = 0; i < b->count; i++)
        hash = (hash ^ b->list[i]) * 16777619u;
    /* At the text's beginning, the same list may accept otherwise. */
    hash += b->text_start;
    unsigned slot = (hash ^ hash >> 16) % TABLE_SIZE;
    for (; b->table[slot]; slot = (slot + 1) % TABLE_SIZE) {
        const struct state *s = &b->states[b->table[slot]];
        if (s->hash == hash && s->count == b->count &&
            !memcmp(s->insts, b->list, b->count * sizeof *b->list))
            return b->table[slot];
    }
    if (b->state_count == REGEX_DFA_STATES_MAX ||
        (b->state_count + 1) * b->dfa->class_count > REGEX_DFA_CELLS_MAX) {
        b->failed = true;
        return REGEX_DFA_DEAD;
    }
    struct state *s = &b->states[b->state_count];
    s->insts = ARENA_ARRAY(b->arena, uint32_t, b->count);
    memcpy(s->insts, b->list, b->count * sizeof *b->list);
    s->count = b->count;
    s->hash = hash;
    b->table[slot] = (uint16_t)b->state_count;
    describe(b, b->state_count);
    return (uint16_t)b->state_count++;
}

/* ---- the whole ---- */

static bool takes(const struct regex_program *p, const struct regex_inst *in, uint8_t byte)
{
    if (in->code == REGEX_CODE_SET)
        return byte_set_has(&p->sets[in->arg], byte);
    return in->code == REGEX_CODE_RANGE && byte >= in->lo && byte <= in->hi;
}

static uint16_t step(struct builder *b, const struct state *s, uint8_t byte)
{
    new_list(b);
    for (uint32_t i = 0; i < s->count; i++) {
        const struct regex_inst *in = &b->program->insts[s->insts[i]];
        if (takes(b->program, in, byte) && follow(b, in->out))
            break;
    }
    return find_state(b);
}

static uint16_t start_state(struct builder *b, bool text_start)
{
    b->text_start = text_start;
    new_list(b);
    follow(b, b->program->start);
    uint16_t state = find_state(b);
    b->text_start = false;
    return state;
}

static bool fill(struct builder *b)
{
    struct regex_dfa *dfa = b->dfa;
    b->state_count = 1; /* the dead one */
    dfa->start[0] = start_state(b, false);
    dfa->start[1] = start_state(b, true);
    uint64_t work = 0;
    for (unsigned s = 1; s < b->state_count; s++) {
        for (unsigned c = 0; c < dfa->class_count; c++) {
            dfa->next[s * dfa->class_count + c] = step(b, &b->states[s], b->bytes[c]);
            work += b->states[s].count + b->count;
            if (b->failed || work > 8 * REGEX_DFA_CELLS_MAX)
                return false;
        }
    }
    return true;
}

static struct regex_dfa *copy(const struct builder *b, struct arena *arena)
{
    struct regex_dfa *dfa = ARENA_NEW(arena, struct regex_dfa);
    size_t cells = (size_t)b->state_count * b->dfa->class_count;
    *dfa = *b->dfa;
    dfa->next = ARENA_ARRAY(arena, uint16_t, cells);
    dfa->accepts = ARENA_ARRAY(arena, uint8_t, b->state_count);
    memcpy(dfa->next, b->dfa->next, cells * sizeof *dfa->next);
    memcpy(dfa->accepts, b->dfa->accepts, b->state_count);
    return dfa;
}

struct regex_dfa *regex_dfa_make(const struct regex_program *program, bool full,
                                 struct arena *arena)
{
    enum { PROGRAM_MAX = 4096 };
    if (program->count > PROGRAM_MAX || !is_usable(program))
        return NULL;
    struct arena temporary;
    arena_init(&temporary, ARENA_FIRST_BLOCK);
    struct builder *b = ARENA_NEW(&temporary, struct builder);
    b->program = program;
    b->arena = &temporary;
    b->full = full;
    b->dfa = ARENA_NEW(&temporary, struct regex_dfa);
    b->dfa->next = ARENA_ARRAY(&temporary, uint16_t, REGEX_DFA_CELLS_MAX);
    b->dfa->accepts = ARENA_ARRAY(&temporary, uint8_t, REGEX_DFA_STATES_MAX);
    b->list = ARENA_ARRAY(&temporary, uint32_t, program->count);
    b->stack = ARENA_ARRAY(&temporary, uint32_t, 2 * program->count + 2);
    b->seen = ARENA_ARRAY(&temporary, uint32_t, program->count);
    find_classes(b);
    struct regex_dfa *dfa = fill(b) ? copy(b, arena) : NULL;
    arena_release(&temporary);
    return dfa;
}
