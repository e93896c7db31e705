/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load client's two halves: the run (load.c: connections, clock, counts) and the protocols
 * (load_h2.c, load_http.c: bytes to answers). One thread.
 *
 * The first call is alone: its answer becomes the expected one. Every later answer is compared with
 * it byte by byte as it arrives.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum {
    LOAD_INPUT_SIZE = 256 << 10,  /* of a connection: several turns of small answers */
    LOAD_OUTPUT_SIZE = 256 << 10, /* one socket buffer: more would only wait here */
    LOAD_OUTPUT_RESERVE = 4096,   /* of it, that bodies leave to what is small */
};

struct load;
struct connection;

/* What a protocol does. `on_input` returns how much of the input it used. */
struct load_protocol {
    const char *name;
    void (*open)(struct connection *connection);
    void (*close)(struct connection *connection);
    /* Begins one call; only called while fewer than `in_flight` run and the reserve is free. */
    void (*start)(struct connection *connection);
    size_t (*on_input)(struct connection *connection, struct span input);
    /* (optional) There is room in the output again. */
    void (*on_room)(struct connection *connection);
};

extern const struct load_protocol load_h2, load_http;

struct load {
    const struct load_protocol *protocol;
    struct span path, host, body; /* borrowed; the body as the protocol sends it */
    const char *type;             /* borrowed; HTTP: the body's */
    struct span header, value;    /* borrowed; one more field, or none; its name in lower case */
    size_t in_flight;             /* of a connection */
    int64_t now_ns;               /* of this turn */
    bool learning;                /* the first call runs, its answer is being noted */
    bool ending;                  /* start no more */
    char *expected;               /* owned */
    size_t expected_len;
    uint64_t started, done, failed;
    char first_failure[200];
};

struct connection {
    struct load *load; /* borrowed */
    int fd;
    bool writable; /* the socket took all so far */
    bool leaving;  /* the server wants no more calls on it */
    size_t running;
    size_t input_len, output_len, output_sent;
    void *state; /* the protocol's */
    char input[LOAD_INPUT_SIZE];
    char output[LOAD_OUTPUT_SIZE];
};

/* True if these bytes of an answer, from `offset` on, are the expected ones. */
bool load_check(struct load *load, size_t offset, struct span bytes);

/* Counts a call that ended; `failure` says why it is none, or is NULL. */
void load_finish(struct connection *connection, int64_t start_ns, const char *failure);

/* The server asks for no more calls on this connection: another one is opened when those that run
 * have ended, if that was asked for; else the run is over. */
void load_leave(struct connection *connection, const char *why);

/* Room that is left in the output. */
static inline size_t connection_room(const struct connection *connection)
{
    return LOAD_OUTPUT_SIZE - connection->output_len;
}

/* Appends to the output; there must be room. */
void connection_put(struct connection *connection, const void *bytes, size_t len);

/* Prints "load: ..." and exits: a bench that cannot go on has no result. */
__attribute__((noreturn, format(printf, 1, 2))) void load_die(const char *format, ...);

#endif
