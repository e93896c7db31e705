/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct pool: a malloc for one loop thread whose small blocks are recycled by size class, for the
 * many little allocations that the HTTP/2 library makes and frees with every request. Not
 * thread-safe.
 */
#ifndef NET_POOL_H
#define NET_POOL_H

#include <stddef.h>

enum {
    POOL_CLASSES = 8,           /* 32, 64, ... 4,096 bytes; larger blocks come from malloc */
    POOL_KEPT_MAX = 256 * 1024, /* bytes kept per class: what is beyond goes back to malloc */
};

struct pool_block;

struct pool {
    struct pool_block *free[POOL_CLASSES]; /* owned */
    size_t kept[POOL_CLASSES];             /* bytes in each list */
};

void pool_init(struct pool *pool);
void pool_release(struct pool *pool);

/* As malloc, free, realloc. */
void *pool_alloc(struct pool *pool, size_t size);
void pool_free(struct pool *pool, void *ptr);
void *pool_realloc(struct pool *pool, void *ptr, size_t size);

#endif
