/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct body: bytes of a request as they arrive, contiguous. Small ones live in the request's
 * arena, larger ones come from malloc. What is larger than BODY_MAP_MIN is mapped: it grows
 * without being copied, and goes back to the system at once, where a heap would keep it for the
 * sake of one small block above it. A body grows by doubling up to what the peer announced, and
 * only as bytes really come: a claim alone costs nothing.
 */
#ifndef NET_BODY_H
#define NET_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/span.h"

enum {
    BODY_HEAP_MIN = 16 << 10, /* what an arena block takes well; growing leaves garbage there */
    BODY_MAP_MIN = 4 << 20,   /* fresh pages cost less than the message itself does */
};

enum body_home {
    BODY_IN_ARENA,
    BODY_ON_HEAP,
    BODY_MAPPED,
};

struct body {
    char *data; /* owned unless it is in the arena */
    size_t len;
    size_t capacity;
    enum body_home home;
};

/* Frees; the body is empty again. Must happen before the arena is reset. */
void body_release(struct body *body);

/* Room for `more` bytes behind the present ones, `expected` bytes are to come in all (0: not
 * known). False when there is no memory; the body is unchanged then. */
bool body_reserve(struct body *body, struct arena *arena, size_t more, size_t expected);

/* Appends; false when there is no memory. */
bool body_append(struct body *body, struct arena *arena, struct span bytes, size_t expected);

static inline struct span body_span(const struct body *body)
{
    return (struct span){body->data, body->len};
}

#endif
