/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct output: what a connection writes in one loop turn, as the pieces of one sendmsg(). Small
 * bytes are copied into one scratch buffer that all connections of a loop share; big ones are
 * referred to where they are. When the socket does not take all, the rest becomes a struct
 * output_rest that belongs to the connection: scratch bytes are copied, references stay references,
 * and what they refer to must stay until the rest is written.
 */
#ifndef NET_OUTPUT_H
#define NET_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/span.h"
#include "net/tls.h"

enum {
    OUTPUT_SCRATCH = 128 * 1024,
    OUTPUT_PIECES = 256,
    OUTPUT_MARGIN = 24 * 1024,  /* one HTTP/2 frame with its header fits in, */
    OUTPUT_MARGIN_PIECES = 16,  /* even if its 16 KiB alternate between short and long pieces */
    OUTPUT_BYTES_MAX = 1 << 20, /* of one turn: other connections want their turn too */
    OUTPUT_REFER_MIN = 4096,    /* below this a copy is cheaper than a piece of its own */
};

struct output {
    char *scratch; /* owned */
    size_t used;   /* of the scratch */
    size_t bytes;  /* in all pieces */
    int count;
    struct iovec pieces[OUTPUT_PIECES];
};

struct output_rest;

void output_init(struct output *output);
void output_release(struct output *output);
void output_reset(struct output *output);

/* Whether another frame (OUTPUT_MARGIN bytes, a few pieces) fits in. */
bool output_has_room(const struct output *output);

/* Copies. Call with room for it. */
void output_append(struct output *output, struct span bytes);

/* Refers, or copies when it is short. */
void output_refer(struct output *output, struct span bytes);

/* What is left when the first `written` bytes are gone; NULL: nothing. */
struct output_rest *output_keep_rest(const struct output *output, size_t written);

/* Where it goes. */
struct output_sink {
    int fd;
    struct tls_session *tls; /* NULL: straight to the socket */
};

/* One send. 1: all is written now, 0: not yet, -1: errno tells. *written counts the bytes. */
int output_send(const struct output *output, struct output_sink sink, size_t *written);
int output_rest_send(struct output_rest *rest, struct output_sink sink, size_t *written);
void output_rest_free(struct output_rest *rest);

#endif
