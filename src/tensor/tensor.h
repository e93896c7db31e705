/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct tensor: a typed, shaped view of elements in row-major order. It owns nothing by itself:
 * `data` lives in an arena, in a plan's block, in a mapped file or in a counted struct buffer. When
 * `buffer` is set, the data lives in it and may be kept by taking a reference; otherwise whoever
 * wants to keep the data copies it.
 *
 * A struct buffer is counted atomically and never written while more than one holds it.
 */
#ifndef TENSOR_TENSOR_H
#define TENSOR_TENSOR_H

#include <stdatomic.h>

#include "base/arena.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

enum {
    TENSOR_ALIGN = 64
}; /* of all memory that we allocate for elements: a cache line, a vector register */

/* Bytes that `size` bytes take when something else at TENSOR_ALIGN follows. */
static inline size_t tensor_align(size_t size)
{
    return (size + TENSOR_ALIGN - 1) / TENSOR_ALIGN * TENSOR_ALIGN;
}

struct buffer {
    atomic_size_t refs;
    void *data;
    size_t size;
    bool read_only; /* a mapped file: never written, whoever holds it */
    void (*release)(
        struct buffer *buffer); /* frees data and the struct itself; called by the last unref */
    void *owner;                /* for `release` */
};

struct tensor {
    enum dtype dtype;
    struct shape shape;
    void *data; /* NULL when the tensor has no value (unknown yet), valid pointer for no elements */
    struct buffer *buffer; /* borrowed unless stated; may be NULL */
};

/* One of a request or an answer. */
struct named_tensor {
    struct span name; /* alias */
    struct tensor tensor;
};

/* A buffer with its own `size` bytes at TENSOR_ALIGN, one reference; NULL without memory. */
struct buffer *buffer_new(size_t size);
struct buffer *buffer_ref(struct buffer *buffer); /* returns its argument */
void buffer_unref(struct buffer *buffer);         /* NULL is fine */
/* More than one holds it, or it is read-only: its elements may not be written. */
bool buffer_is_shared(const struct buffer *buffer);

static inline int64_t tensor_elements(const struct tensor *t)
{
    return shape_elements(&t->shape);
}
static inline size_t tensor_bytes(const struct tensor *t)
{
    return (size_t)shape_elements(&t->shape) * dtype_size(t->dtype);
}

/* Sets dtype and shape and takes memory for the elements (not cleared; strings: empty spans) from
 * the arena, aligned to TENSOR_ALIGN. RESOURCE_EXHAUSTED when the size overflows or there is no
 * memory: "OOM when allocating tensor with shape[...] and type ...". */
enum code tensor_alloc(struct tensor *tensor, enum dtype dtype, const struct shape *shape,
                       struct arena *arena, struct error *err);

/* A copy of everything, the strings' bytes included, in memory of the arena; or in a new buffer
 * with one reference (string tensors: one buffer with spans and bytes). Of variants the copy holds
 * references (tensor/variant.h). */
enum code tensor_copy(const struct tensor *from, struct arena *arena, struct tensor *to,
                      struct error *err);
enum code tensor_copy_to_buffer(const struct tensor *from, struct tensor *to, struct error *err);

/* Typed access without a check. */
#define TENSOR_AT(tensor, type) ((type *)(tensor)->data)

/* Element `i` of any integer (or bool) tensor; the caller knows that it is one. */
int64_t tensor_int(const struct tensor *tensor, int64_t i);

/* Bytes of a bool tensor are 0 or 1 everywhere in here. Are these? What comes from outside may be
 * otherwise. */
bool tensor_bools_are_sound(struct span bytes);

/* Same dtype, shape and bytes (strings by content)? */
bool tensor_equal(const struct tensor *a, const struct tensor *b);

#endif
