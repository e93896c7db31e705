/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct table: keys to values, the resource behind HashTable and MutableHashTable handles. A key
 * is a string or a number, a value `value_elements` elements of the value's dtype. An immutable
 * table is filled once, when the model is initialised, and then read without a lock; a mutable one
 * may be written by requests at any time.
 */
#ifndef OPS_TABLE_TABLE_H
#define OPS_TABLE_TABLE_H

#include "engine/op.h"
#include "engine/resource.h"

extern const struct resource_ops table_ops;

struct table {
    struct resource resource; /* first */
    bool is_mutable;
    enum dtype key_dtype;
    enum dtype value_dtype;
    struct shape value_shape; /* of one value */
    bool is_dense;            /* MutableDenseHashTable: two keys are not allowed */
    struct span reserved[2];  /* the empty and the deleted key; in the arena */
    atomic_bool filled;       /* immutable: may be read */
    pthread_rwlock_t lock;    /* of what follows; a filled immutable table is read without it */
    struct arena arena;       /* keys and values */
    struct map map;           /* key's bytes -> value's elements; NULL: removed */
    size_t size;
};

/* The table behind input 0. INVALID_ARGUMENT when it is none. */
enum code table_of(const struct op_call *call, struct table **table, struct error *err);

/* Checks the dtypes of keys and values (either may be NULL). INVALID_ARGUMENT. */
enum code table_check(const struct table *table, const struct tensor *keys,
                      const struct tensor *values, struct error *err);

/* INVALID_ARGUMENT for a key that a dense table reserves. */
enum code table_check_key(const struct table *table, struct span key, struct error *err);

/* Adds one entry, copied; an immutable table refuses another value for a key that it has. With the
 * lock held for writing. */
enum code table_put(struct table *table, struct span key, const void *value, struct error *err);

/* Element i of the keys as bytes. */
struct span table_key(const struct tensor *keys, int64_t i);

#endif
