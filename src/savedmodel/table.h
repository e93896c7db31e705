/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct table: an immutable sorted string table in LevelDB's format, read whole: what a
 * checkpoint's index is. Internal to the bundle reader; a header of its own so that the fuzzer can
 * feed it bytes.
 */
#ifndef SAVEDMODEL_TABLE_H
#define SAVEDMODEL_TABLE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"

struct table_entry {
    struct span key;   /* in the arena */
    struct span value; /* borrowed from the bytes, or in the arena when its block was compressed */
};

struct table {
    struct table_entry *entries; /* in the arena; keys strictly ascending */
    size_t count;
};

enum {
    TABLE_KEY_MAX = 1 << 16, /* a tensor's name; TensorFlow has no limit, but no name comes near */
    /* All keys together: prefix compression lets a small file claim gigabytes. */
    TABLE_KEYS_MAX = 1 << 28,
};

/* Reads the table that fills `bytes`. DATA_LOSS when it is damaged (with what and where),
 * RESOURCE_EXHAUSTED beyond the limits above or without memory. `bytes` must outlive the table. */
enum code table_read(struct span bytes, struct arena *arena, struct table *table,
                     struct error *err);

#endif
