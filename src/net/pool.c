/* SPDX-License-Identifier: Apache-2.0 */
#include "net/pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Before the caller's bytes, which stay aligned to 16. */
struct pool_block {
    union {
        struct pool_block *next; /* while it is in a free list */
        size_t size;             /* usable bytes, while it is out */
    };
    size_t class; /* POOL_CLASSES: from malloc */
};

_Static_assert(sizeof(struct pool_block) == 16, "blocks keep malloc's alignment");

enum { CLASS_MIN_BITS = 5 }; /* 32 bytes */

void pool_init(struct pool *pool)
{
    memset(pool, 0, sizeof *pool);
}

void pool_release(struct pool *pool)
{
    for (size_t i = 0; i < POOL_CLASSES; i++) {
        for (struct pool_block *block = pool->free[i], *next; block; block = next) {
            next = block->next;
            free(block);
        }
    }
    pool_init(pool);
}

static size_t class_of(size_t size)
{
    if (size <= 1u << CLASS_MIN_BITS)
        return 0;
    size_t bits = 64 - (size_t)__builtin_clzll(size - 1);
    return bits - CLASS_MIN_BITS;
}

static void *block_new(size_t class, size_t size)
{
    size_t whole;
    if (__builtin_add_overflow(size, sizeof(struct pool_block), &whole))
        return NULL;
    struct pool_block *block = malloc(whole);
    if (!block)
        return NULL;
    block->size = size;
    block->class = class;
    return block + 1;
}

void *pool_alloc(struct pool *pool, size_t size)
{
    size_t class = class_of(size);
    if (class >= POOL_CLASSES)
        return block_new(POOL_CLASSES, size);
    size_t class_size = (size_t)1 << (class + CLASS_MIN_BITS);
    struct pool_block *block = pool->free[class];
    if (!block)
        return block_new(class, class_size);
    pool->free[class] = block->next;
    pool->kept[class] -= class_size;
    block->size = class_size;
    return block + 1;
}

void pool_free(struct pool *pool, void *ptr)
{
    if (!ptr)
        return;
    struct pool_block *block = (struct pool_block *)ptr - 1;
    size_t class = block->class;
    if (class >= POOL_CLASSES || pool->kept[class] + block->size > POOL_KEPT_MAX) {
        free(block);
        return;
    }
    pool->kept[class] += block->size;
    block->next = pool->free[class];
    pool->free[class] = block;
}

void *pool_realloc(struct pool *pool, void *ptr, size_t size)
{
    if (!ptr)
        return pool_alloc(pool, size);
    struct pool_block *block = (struct pool_block *)ptr - 1;
    if (size <= block->size)
        return ptr;
    size_t old = block->size;
    void *moved = pool_alloc(pool, size);
    if (!moved)
        return NULL;
    memcpy(moved, ptr, old);
    pool_free(pool, ptr);
    return moved;
}
