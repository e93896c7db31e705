/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON parser's inside: its state, and the steps that its files share. Only for json_parse.c
 * (the machine, strings) and json_number.c.
 */
#ifndef WIRE_JSON_PARSER_H
#define WIRE_JSON_PARSER_H

#include "base/check.h"
#include "wire/json.h"

enum json_state {
    STATE_START,
    STATE_OBJECT_FIRST, /* behind '{' */
    STATE_MEMBER_NEXT,  /* behind ',' in an object */
    STATE_KEY,          /* behind a key */
    STATE_COLON,        /* behind its colon */
    STATE_MEMBER,       /* behind a member's value */
    STATE_ARRAY_FIRST,  /* behind '[' */
    STATE_ELEMENT_NEXT, /* behind ',' in an array */
    STATE_ELEMENT,      /* behind an element */
    STATE_DONE,
};

#define NO_SLOT UINT32_MAX /* no container is open */

struct json_parser {
    const char *at;
    const char *end;
    const char *begin;
    struct json_value *slots;
    uint32_t count;
    uint32_t room;
    uint32_t open; /* the innermost open container, or NO_SLOT */
    enum json_state state;
    struct arena *arena;
    struct error *err;
};

static inline char peek(const struct json_parser *p)
{
    return p->at < p->end ? *p->at : '\0';
}

static inline bool consume(struct json_parser *p, char c)
{
    if (p->at == p->end || *p->at != c)
        return false;
    p->at++;
    return true;
}

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static inline const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

static inline void skip_space(struct json_parser *p)
{
    p->at = skip_blanks(p->at, p->end);
}

static inline struct json_value *push(struct json_parser *p, enum json_type type)
{
    CHECK(p->count < p->room);
    struct json_value *slot = &p->slots[p->count++];
    slot->type = type;
    slot->extent = 1;
    return slot;
}

/* "JSON Parse error: <what> at offset: <n>" for the place `where`. */
enum code json_parser_fail(struct json_parser *p, const char *what, const char *where);

/* A number at p->at, or what is mistaken for one: onto the tape, or the error that the original
 * makes of it. */
enum code json_parser_number(struct json_parser *p);

/* A run of numbers in the open array, as far as it goes; the state behind it is set. */
enum code json_parser_elements(struct json_parser *p);

#endif
