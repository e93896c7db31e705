/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by mlir_bytecode.c (sections, operations) and mlir_attr.c (attributes and types). */
#ifndef WIRE_MLIR_READER_H
#define WIRE_MLIR_READER_H

#include "wire/mlir_bytecode.h"

/* Bytes being read. What does not fit sets `failed`, and reads as 0 from then on. */
struct mlir_cursor {
    const uint8_t *at, *end;
    bool failed;
};

uint8_t mlir_cursor_byte(struct mlir_cursor *c);
uint64_t mlir_cursor_varint(struct mlir_cursor *c);
int64_t mlir_cursor_signed(struct mlir_cursor *c);
struct span mlir_cursor_bytes(struct mlir_cursor *c, uint64_t len);
/* A number of things that follow, each of a byte at least. */
size_t mlir_cursor_count(struct mlir_cursor *c);
/* An index below `limit`. */
size_t mlir_cursor_index(struct mlir_cursor *c, size_t limit);

/* An attribute or type in the file: decoded on the first look. */
struct mlir_entry {
    struct span bytes;
    struct span dialect;
    bool custom; /* in its dialect's encoding, not as text */
    enum { MLIR_UNREAD, MLIR_READING, MLIR_READ } state;
    union {
        struct mlir_attr attr;
        struct mlir_type type;
    };
};

struct mlir_reader {
    struct arena *arena;
    struct span *strings;
    size_t string_count;
    struct mlir_entry *attrs;
    size_t attr_count;
    struct mlir_entry *types;
    size_t type_count;
    int depth;
};

/* The attribute or type whose number comes next. They set c->failed and give NULL when it is
 * malformed, holds itself or is nested too deep. */
const struct mlir_attr *mlir_reader_attr(struct mlir_reader *r, struct mlir_cursor *c);
const struct mlir_type *mlir_reader_type(struct mlir_reader *r, struct mlir_cursor *c);
/* Type i, which there is. */
const struct mlir_type *mlir_reader_type_at(struct mlir_reader *r, size_t i, struct mlir_cursor *c);

/* The names of the properties of vhlo's op ("add_v1") in the order in which they are written,
 * separated by blanks; "": none that we know. */
const char *mlir_vhlo_properties(struct span op);

static inline struct mlir_cursor mlir_cursor_of(struct span bytes)
{
    const uint8_t *at = (const uint8_t *)bytes.ptr;
    return (struct mlir_cursor){at, bytes.len ? at + bytes.len : at, false};
}

#endif
