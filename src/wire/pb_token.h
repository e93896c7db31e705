/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokens of protobuf's text format. White space and comments from '#' to the end of the line
 * are skipped. Positions are counted from 0; a tab moves to the next multiple of eight, as in
 * protobuf's own tokenizer.
 */
#ifndef WIRE_PB_TOKEN_H
#define WIRE_PB_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"

enum pb_token_type {
    PB_TOKEN_END,
    PB_TOKEN_IDENTIFIER,
    PB_TOKEN_INTEGER, /* decimal, octal or hexadecimal, without sign */
    PB_TOKEN_FLOAT,
    PB_TOKEN_STRING, /* with its quotes; escapes are well-formed */
    PB_TOKEN_SYMBOL, /* one byte */
};

struct pb_tokens {
    const char *next; /* the first byte behind the token */
    const char *end;
    size_t line, column; /* of `next` */

    /* The current token. */
    enum pb_token_type type;
    struct span text; /* borrowed from the input; empty at the end */
    size_t token_line, token_column;

    /* What the input violates first, NULL: nothing so far, and where. */
    const char *error;
    size_t error_line, error_column;
    char error_buffer[48]; /* where `error` points to if it was composed */
};

/* Stands at the first token. */
void pb_tokens_init(struct pb_tokens *t, struct span input);
/* Moves to the next token; stays at the end. */
void pb_tokens_next(struct pb_tokens *t);

/* The value of an integer token; false when it is above `max`. */
bool pb_token_integer(struct span text, uint64_t max, uint64_t *value);
/* The value of an integer or float token. Uses the arena for very long ones. */
double pb_token_double(struct span text, struct arena *arena);
/* Appends the bytes that a string token means; `bytes` has room for text.len more. Returns how
 * many. */
size_t pb_token_string(struct span text, char *bytes);

#endif
