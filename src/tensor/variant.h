/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct variant: what an element of a DTYPE_VARIANT tensor points to (or NULL): a list, a dataset.
 * It belongs to one run and so to one thread; its references are counted without atomics. Tensors
 * that are copied hold references of their own (tensor_copy(), tensor_copy_to_buffer()).
 */
#ifndef TENSOR_VARIANT_H
#define TENSOR_VARIANT_H

#include <stddef.h>

struct arena;
struct variant;

struct variant_ops {
    const char *kind; /* "list", "dataset" */
    void (*free)(struct variant *variant);
};

struct variant {
    const struct variant_ops *ops;
    size_t refs;
    int depth; /* of variants inside of it, which are freed one inside of the other */
};

enum { VARIANT_DEPTH_MAX = 100 };

void variant_ref(struct variant *variant);   /* NULL is fine */
void variant_unref(struct variant *variant); /* NULL is fine */

/* One more reference, which is the arena's. */
void variant_keep(struct variant *variant, struct arena *arena);

#endif
