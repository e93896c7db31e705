/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

struct arena_block {
    struct arena_block *older;
    size_t size; /* whole, with this header */
};

struct arena_deferred {
    struct arena_deferred *older;
    arena_defer_fn *fn;
    void *ptr;
};

enum {
    BLOCK_HEADER = (sizeof(struct arena_block) + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN,
    BLOCK_MAX = 1 << 20, /* doubling stops here: bigger requests get a block of their own */
};

void arena_init(struct arena *arena, size_t first_block)
{
    *arena = (struct arena){.next_size = first_block < 256 ? 256 : first_block};
}

void arena_set_limit(struct arena *arena, size_t bytes)
{
    arena->limit = bytes;
}

void arena_set_payer(struct arena *arena, struct arena *payer)
{
    CHECK(!arena->held && !payer->payer);
    arena->payer = payer;
}

static bool has_room(const struct arena *arena, size_t bytes)
{
    return !arena->limit || (bytes <= arena->limit && arena->held <= arena->limit - bytes);
}

bool arena_charge(struct arena *arena, size_t bytes)
{
    struct arena *payer = arena->payer;
    if (!has_room(payer ? payer : arena, bytes))
        return false;
    arena->held += bytes;
    if (payer)
        payer->held += bytes;
    return true;
}

static void charge_anyway(struct arena *arena, size_t bytes)
{
    arena->held += bytes;
    if (arena->payer)
        arena->payer->held += bytes;
}

void arena_discharge(struct arena *arena, size_t bytes)
{
    CHECK(arena->held >= bytes);
    arena->held -= bytes;
    if (arena->payer)
        arena->payer->held -= bytes;
}

static void block_free(struct arena *arena, struct arena_block *block)
{
    if (!block)
        return;
    arena_discharge(arena, block->size);
    memory_give_spare(block, block->size);
}

static void run_deferred(struct arena *arena)
{
    while (arena->defer) {
        struct arena_deferred *d = arena->defer;
        arena->defer = d->older;
        d->fn(d->ptr);
    }
}

void arena_release(struct arena *arena)
{
    run_deferred(arena);
    for (struct arena_block *block = arena->blocks, *older; block; block = older) {
        older = block->older;
        block_free(arena, block);
    }
    arena->blocks = NULL;
    arena->next = arena->end = NULL;
    arena->used = 0;
    arena_set_limit(arena, 0);
}

void arena_reset(struct arena *arena)
{
    run_deferred(arena);
    arena->used = 0;
    arena_set_limit(arena, 0);
    struct arena_block *keep = NULL;
    for (struct arena_block *block = arena->blocks, *older; block; block = older) {
        older = block->older;
        /* Keep the largest one that is no outsize block, so that the steady state needs no malloc.
         */
        if (block->size <= BLOCK_MAX && (!keep || block->size > keep->size)) {
            block_free(arena, keep);
            keep = block;
        } else {
            block_free(arena, block);
        }
    }
    arena->blocks = keep;
    arena->next = arena->end = NULL;
    if (keep) {
        keep->older = NULL;
        arena->next = (char *)keep + BLOCK_HEADER;
        arena->end = (char *)keep + keep->size;
    }
}

/* How a block is taken: within the budget and the limit, or past them. */
enum taking {
    TAKE_WITHIN,
    TAKE_ANYWAY,
};

static struct arena_block *block_take(struct arena *arena, size_t size, enum taking how)
{
    if (how == TAKE_ANYWAY)
        charge_anyway(arena, size);
    else if (!arena_charge(arena, size))
        return NULL;
    struct arena_block *block =
        how == TAKE_ANYWAY ? memory_take_anyway(size, ARENA_ALIGN) : memory_take(size, ARENA_ALIGN);
    if (!block)
        arena_discharge(arena, size);
    return block;
}

/* A block that holds `size` bytes at any alignment up to `align`; NULL without memory. */
static struct arena_block *block_new(struct arena *arena, size_t size, size_t align,
                                     enum taking how)
{
    size_t need;
    if (__builtin_add_overflow(size, BLOCK_HEADER + align, &need))
        return NULL;
    size_t whole = need > arena->next_size / 4 && need > BLOCK_MAX / 4 ? need : arena->next_size;
    if (whole < need)
        whole = need;
    struct arena_block *block = block_take(arena, whole, how);
    if (!block)
        return NULL;
    block->size = whole;
    if (whole == arena->next_size && arena->next_size < BLOCK_MAX)
        arena->next_size *= 2;
    return block;
}

static char *align_up(char *ptr, size_t align)
{
    return ptr + (-(uintptr_t)ptr & (align - 1));
}

static void *alloc_slow(struct arena *arena, size_t size, size_t align, enum taking how)
{
    struct arena_block *block = block_new(arena, size, align, how);
    if (!block)
        return NULL;
    char *start = align_up((char *)block + BLOCK_HEADER, align);
    char *block_end = (char *)block + block->size;
    bool outsize = block->size != arena->next_size && arena->blocks &&
                   (size_t)(arena->end - arena->next) > (size_t)(block_end - (start + size));
    if (outsize) {
        /* The current block has more room left than this one will have: stay with it. */
        block->older = arena->blocks->older;
        arena->blocks->older = block;
    } else {
        block->older = arena->blocks;
        arena->blocks = block;
        arena->next = start + size;
        arena->end = block_end;
    }
    arena->used += size;
    return start;
}

static void *alloc(struct arena *arena, size_t size, size_t align, enum taking how)
{
    CHECK(align && (align & (align - 1)) == 0);
    char *start = arena->next ? align_up(arena->next, align) : NULL;
    if (start && start <= arena->end && size <= (size_t)(arena->end - start)) {
        arena->next = start + size;
        arena->used += size;
        return start;
    }
    return alloc_slow(arena, size, align, how);
}

void *arena_try_alloc(struct arena *arena, size_t size, size_t align)
{
    return alloc(arena, size, align, TAKE_WITHIN);
}

void *arena_try_calloc(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    void *ptr = arena_try_alloc(arena, bytes, ARENA_ALIGN);
    return ptr ? memset(ptr, 0, bytes) : NULL;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *ptr = alloc(arena, size, ARENA_ALIGN, TAKE_ANYWAY);
    CHECK(ptr && "out of memory");
    return ptr;
}

void *arena_calloc(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    CHECK(!__builtin_mul_overflow(count, size, &bytes));
    void *ptr = arena_alloc(arena, bytes);
    memset(ptr, 0, bytes);
    return ptr;
}

void arena_defer(struct arena *arena, arena_defer_fn *fn, void *ptr)
{
    struct arena_deferred *d = arena_alloc(arena, sizeof *d);
    *d = (struct arena_deferred){.older = arena->defer, .fn = fn, .ptr = ptr};
    arena->defer = d;
}

char *arena_strdup(struct arena *arena, struct span text)
{
    char *copy = arena_alloc(arena, text.len + 1);
    if (text.len)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    return copy;
}

struct span arena_copy(struct arena *arena, struct span bytes)
{
    return (struct span){arena_strdup(arena, bytes), bytes.len};
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    CHECK(len >= 0);
    char *text = arena_alloc(arena, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}
