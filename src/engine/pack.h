/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct pack_cache: constants in the layout that a kernel wants, made once for all bindings of a
 * plan. Used in prepare() only.
 */
#ifndef ENGINE_PACK_H
#define ENGINE_PACK_H

#include "base/span.h"

struct pack_cache;

/* Fills `to` (`size` bytes at TENSOR_ALIGN). False: it can not be done. */
typedef bool pack_fn(void *to, size_t size, void *context);

/* The packed form under `key` (any bytes: the constant's address, the layout's description), made
 * by `fn` when it is not there. Lives as long as the plan. NULL without memory or when fn fails.
 * Any thread. */
const void *pack_cache_get(struct pack_cache *cache, struct span key, size_t size, pack_fn *fn,
                           void *context);

#endif
