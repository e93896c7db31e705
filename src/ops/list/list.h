/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct list: the value of a TensorList: a scalar DTYPE_VARIANT tensor holds a pointer to one. A
 * list is immutable; each op makes a new one. Lists that come from one another share a store of
 * elements, so that filling a list element by element, as loops do, copies nothing:
 *
 *   store  slots[room], each an element and the version since which it is there
 *   list   a store, a version, a length: it sees what was there at its version
 *
 * Setting an empty slot of the newest list of a store writes there under the next version, which
 * older lists do not see. Anything else (a slot that is taken, an older list) copies the slots,
 * whose elements are counted buffers.
 *
 * No list is ever folded into a plan: the ops are stateful. Its references are those of the tensors
 * that hold it, in an arena or as elements of lists.
 */
#ifndef OPS_LIST_LIST_H
#define OPS_LIST_LIST_H

#include "ops/kernel.h"
#include "tensor/variant.h"

struct list_store;

struct list {
    struct variant variant;   /* first */
    struct list_store *store; /* owned reference */
    int64_t version;
    int64_t length;
    int64_t length_max; /* PushBack goes no further; -1: no limit */
    enum dtype dtype;
    struct shape element_shape; /* may have unknown dimensions or rank */
};

enum { LIST_LENGTH_MAX = 1 << 24 }; /* a request may say how long a list is to be */

/* Output 0 becomes an empty list of `length` unset elements, whose dtype is the attribute
 * element_dtype. RESOURCE_EXHAUSTED. */
enum code list_make(struct op_call *call, int64_t length, const struct shape *element_shape,
                    struct list **list, struct error *err);

/* Output 0 becomes a list with what `from` has, of that length, which may be one more if
 * list_fill() sets that element. Shares the store. RESOURCE_EXHAUSTED. */
enum code list_derive(struct op_call *call, const struct list *from, int64_t length,
                      struct list **list, struct error *err);

/* The same for any length, with a store of its own. */
enum code list_copy(struct op_call *call, const struct list *from, int64_t length,
                    struct list **list, struct error *err);

/* Sets element i < length of a list that list_make() or list_derive() gave this call. Keeps the
 * value's buffer if it has one, copies the data otherwise. */
enum code list_fill(struct list *list, int64_t i, const struct tensor *value, struct error *err);

/* Row `row` of the tensor, whose buffer it shares. */
struct tensor list_row_of(const struct tensor *tensor, int64_t row);

/* Row i becomes element indices[i], or i. All rows share one buffer: the tensor's if it has one,
 * else that of a copy. */
enum code list_fill_rows(struct list *list, const struct tensor *tensor,
                         const struct tensor *indices, struct error *err);

/* The element, or NULL when it is not set. */
const struct tensor *list_get(const struct list *list, int64_t i);

/* The list that input i is. INVALID_ARGUMENT for anything else. */
enum code list_of(const struct op_call *call, int i, const struct list **list, struct error *err);

/* Are the op's elements of the list's dtype? INVALID_ARGUMENT. */
enum code list_check_dtype(const struct list *list, enum dtype dtype, struct error *err);

/* The single number that input i is. INVALID_ARGUMENT naming `what` for anything else. */
enum code list_number_of(const struct op_call *call, int i, const char *what, int64_t *number,
                         struct error *err);

/* ---- shapes with unknown dimensions ---- */

/* Input i as a shape: a vector of dimensions, or -1 for a shape of unknown rank. */
enum code list_shape_of(const struct op_call *call, int i, struct shape *shape, struct error *err);

/* What both say. INVALID_ARGUMENT when they contradict. */
enum code list_merge_shapes(const struct shape *a, const struct shape *b, struct shape *merged,
                            struct error *err);

#endif
