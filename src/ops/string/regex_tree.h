/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of regex.h share: the tree that the parser makes of a pattern, sets of characters,
 * the program that the compiler makes of a tree. Nobody else includes it.
 */
#ifndef OPS_STRING_REGEX_TREE_H
#define OPS_STRING_REGEX_TREE_H

#include "ops/string/regex.h"

enum { RUNE_MAX = 0x10ffff };

/* ---- sets of characters ---- */

struct rune_range {
    uint32_t lo, hi;
};

/* Ranges in any order until rune_set_close() sorts them and joins what touches. */
struct rune_set {
    struct rune_range *ranges; /* in the arena */
    size_t count, room;
};

void rune_set_add(struct rune_set *set, uint32_t lo, uint32_t hi, struct arena *arena);
void rune_set_add_all(struct rune_set *set, const struct rune_set *from, struct arena *arena);
void rune_set_close(struct rune_set *set);
/* Of a closed set: everything else. */
void rune_set_negate(struct rune_set *set, struct arena *arena);
/* Adds the other cases of all characters (Unicode's simple folding), and closes. */
void rune_set_fold(struct rune_set *set, struct arena *arena);
/* Another character of the same letter, going round them all; the character itself if it is
 * alone. */
uint32_t rune_fold_next(uint32_t rune);

/* Adds the set that a name stands for: "d", "s", "w" of Perl, "alpha" of POSIX. False if there is
 * none. */
bool rune_set_add_perl(struct rune_set *set, char letter, struct arena *arena);
bool rune_set_add_posix(struct rune_set *set, struct span name, struct arena *arena);
/* "L", "Lu", "Greek", "Any". */
bool rune_set_add_unicode(struct rune_set *set, struct span name, struct arena *arena);

/* ---- trees ---- */

enum regex_op {
    REGEX_OP_EMPTY,
    REGEX_OP_SET,      /* one character of `set` */
    REGEX_OP_BYTE,     /* \C */
    REGEX_OP_ASSERT,   /* `assertions` hold */
    REGEX_OP_CAPTURE,  /* group `number` around `child` */
    REGEX_OP_REPEAT,   /* `child` min to max times */
    REGEX_OP_CONCAT,   /* children one after the other */
    REGEX_OP_ALTERNATE /* the first of the children that matches */
};

enum regex_assertions {
    REGEX_LINE_START = 1 << 0,
    REGEX_LINE_END = 1 << 1,
    REGEX_TEXT_START = 1 << 2,
    REGEX_TEXT_END = 1 << 3,
    REGEX_WORD_EDGE = 1 << 4,
    REGEX_NO_WORD_EDGE = 1 << 5,
};

enum { REGEX_UNBOUNDED = -1 };

struct regex_node {
    enum regex_op op;
    bool lazy;           /* REPEAT: as few as possible */
    int number;          /* CAPTURE */
    int min, max;        /* REPEAT; max may be REGEX_UNBOUNDED */
    unsigned assertions; /* ASSERT */
    int repeat_product;  /* of the counted repetitions here and below, along the worst path */
    struct rune_set set; /* SET: closed */
    struct regex_node *child, *last; /* first and last child */
    struct regex_node *next;         /* sibling */
};

/* INVALID_ARGUMENT with RE2's words. */
enum code regex_parse(struct span pattern, struct arena *arena, struct regex_node **tree,
                      int *groups, struct error *err);

/* ---- programs ---- */

enum regex_code {
    REGEX_CODE_FAIL,
    REGEX_CODE_MATCH,
    REGEX_CODE_RANGE,  /* a byte of [lo, hi], on to out */
    REGEX_CODE_SET,    /* a byte of sets[arg], on to out */
    REGEX_CODE_SPLIT,  /* out, and if that fails arg */
    REGEX_CODE_SAVE,   /* position into slot arg */
    REGEX_CODE_ASSERT, /* all assertions of arg hold */
};

struct regex_inst {
    uint8_t code; /* enum regex_code */
    uint8_t lo, hi;
    uint32_t out;
    uint32_t arg;
};

struct byte_set {
    uint64_t bits[4];
};

static inline bool byte_set_has(const struct byte_set *set, unsigned char byte)
{
    return set->bits[byte >> 6] >> (byte & 63) & 1;
}

struct regex_program {
    struct regex_inst *insts; /* in the arena */
    uint32_t count, room;
    uint32_t start;
    struct byte_set *sets; /* in the arena */
    uint32_t set_count, set_room;
};

/* INVALID_ARGUMENT "pattern too large - compile failed". */
enum code regex_generate(const struct regex_node *tree, struct arena *arena,
                         struct regex_program *program, struct error *err);

/* ---- the table for whole texts ---- */

enum {
    REGEX_DFA_STATES_MAX = 512,
    REGEX_DFA_CELLS_MAX = 65536, /* states times classes of bytes: two bytes each */
    REGEX_DFA_DEAD = 0,
};

/* A state is a list of instructions in order of preference. State 0 matches nothing any more. */
struct regex_dfa {
    uint8_t classes[256];
    unsigned class_count;
    uint16_t *next;    /* [state][class] */
    uint8_t *accepts;  /* by state: REGEX_ACCEPTS */
    uint16_t start[2]; /* not at the text's beginning, at it */
};

enum regex_accepts {
    REGEX_ACCEPTS = 1 << 0,        /* a match ends here */
    REGEX_ACCEPTS_AT_END = 1 << 1, /* so it does if the text ends here */
};

/* The program's automaton for matches that begin at a given place, or NULL: it would be too large,
 * or asks for more than the text's beginning and end. `full`: all paths live on (what matches a
 * whole text), otherwise what is behind a match in the order of preference is cut. */
struct regex_dfa *regex_dfa_make(const struct regex_program *program, bool full,
                                 struct arena *arena);

#endif
