/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct arena: memory with one lifetime. There are three lifetimes in tensord (process, servable
 * version, request) and an arena for each; things are allocated from one and never freed singly.
 * Foreign resources (a mapping, a reference) join by arena_defer() and are released, last first,
 * when the arena is.
 *
 * Blocks come from malloc, large ones within the process's budget (base/memory.h), and grow: the
 * first is `first_block` bytes, later ones double up to 1 MiB; what is larger than a quarter of the
 * next block gets a block of its own. arena_reset() keeps the first block, so that a reused arena
 * allocates nothing in the steady state. Not thread-safe; one owner at a time.
 *
 * An arena may have a limit, and others may charge it for what they hold (the turns of a loop,
 * which are part of a request): so that one request does not take the memory of all.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

struct arena_block;
struct arena_deferred;

struct arena {
    char *next;                   /* first free byte of the current block */
    char *end;                    /* behind its last */
    struct arena_block *blocks;   /* owned; newest first */
    struct arena_deferred *defer; /* owned, in the arena itself; newest first */
    size_t next_size;             /* of the next block */
    size_t used;                  /* bytes handed out since init or reset, rounding included */
    size_t held;                  /* bytes of its blocks, and of all that charged it */
    size_t limit;                 /* of `held`; 0: none */
    struct arena *payer;          /* charged too, for every block; NULL: none */
};

enum {
    ARENA_ALIGN = 16,
    ARENA_FIRST_BLOCK = 4096, /* a good default for arena_init */
};

typedef void arena_defer_fn(void *ptr);

/* Allocates nothing yet. */
void arena_init(struct arena *arena, size_t first_block);

/* From now on arena_try_alloc() and arena_charge() give nothing that would bring what the arena
 * holds above `bytes`; 0: no limit. Gone with the next reset or release. */
void arena_set_limit(struct arena *arena, size_t bytes);

/* `arena`, which holds nothing yet, charges `payer`, which outlives it. */
void arena_set_payer(struct arena *arena, struct arena *payer);

/* Memory that is part of the arena's lifetime though it lies elsewhere. False: above the limit, and
 * nothing is charged. arena_discharge() before the arena is reset, or from a deferred call. */
bool arena_charge(struct arena *arena, size_t bytes);
void arena_discharge(struct arena *arena, size_t bytes);

/* Runs the deferred calls, newest first, frees all; the arena can be used again. */
void arena_release(struct arena *arena);

/* The same, but keeps one block for the next use. */
void arena_reset(struct arena *arena);

/* Memory aligned to ARENA_ALIGN, not cleared. Running out of memory ends the process: use
 * arena_try_alloc where the size comes from outside. A size of 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((malloc, returns_nonnull));

/* The same, cleared. */
void *arena_calloc(struct arena *arena, size_t count, size_t size)
    __attribute__((malloc, returns_nonnull));

/* Like arena_alloc with any power of two as alignment, but NULL when there is no memory, or the
 * budget or the arena's limit has no room for it. */
void *arena_try_alloc(struct arena *arena, size_t size, size_t align);

/* The same for an array, cleared, aligned to ARENA_ALIGN: NULL also where its size overflows. */
void *arena_try_calloc(struct arena *arena, size_t count, size_t size);

/* Calls fn(ptr) when the arena is released or reset. */
void arena_defer(struct arena *arena, arena_defer_fn *fn, void *ptr);

/* A copy of the bytes with a zero behind them. */
char *arena_strdup(struct arena *arena, struct span text);
struct span arena_copy(struct arena *arena, struct span bytes);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Bytes that the arena holds from malloc, and that it was charged. */
static inline size_t arena_reserved(const struct arena *arena)
{
    return arena->held;
}

#define ARENA_NEW(arena, type)          ((type *)arena_calloc((arena), 1, sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_calloc((arena), (count), sizeof(type)))

#endif
