/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structure behind TensorLists; list.h says how lists share a store. The slots move when a
 * store grows, so nobody keeps a pointer to one: readers take the element's buffer.
 */
#include "ops/list/list.h"

#include <stdlib.h>

#include "base/check.h"

struct slot {
    struct tensor value; /* data NULL: free; else its buffer is owned */
    int64_t since;       /* the first version that sees it */
};

struct list_store {
    size_t refs;
    int64_t version; /* of the newest list */
    int64_t room;
    struct slot *slots;
};

static void store_unref(struct list_store *store)
{
    if (--store->refs)
        return;
    for (int64_t i = 0; i < store->room; i++)
        buffer_unref(store->slots[i].value.buffer);
    free(store->slots);
    free(store);
}

static void list_free(struct variant *variant)
{
    struct list *list = (struct list *)variant;
    store_unref(list->store);
    free(list);
}

static const struct variant_ops list_ops = {.kind = "list", .free = list_free};

static enum code too_long(int64_t length, struct error *err)
{
    return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a list of %lld elements",
                     (long long)length);
}

static struct list_store *store_new(int64_t room)
{
    struct list_store *store = calloc(1, sizeof *store);
    CHECK(store);
    store->refs = 1;
    store->room = room;
    store->slots = calloc((size_t)room + 1, sizeof *store->slots);
    if (store->slots)
        return store;
    free(store);
    return NULL;
}

/* Room for at least `length`, doubling. */
static bool store_grow(struct list_store *store, int64_t length)
{
    if (length <= store->room)
        return true;
    int64_t room = length < 2 * store->room ? 2 * store->room : length;
    struct slot *slots = realloc(store->slots, (size_t)room * sizeof *slots);
    if (!slots)
        return false;
    memset(&slots[store->room], 0, (size_t)(room - store->room) * sizeof *slots);
    store->slots = slots;
    store->room = room;
    return true;
}

/* Output 0 holds the list, whose one reference becomes the arena's. */
static enum code give(struct op_call *call, const struct list *like, struct list **result,
                      struct error *err)
{
    struct shape scalar = shape_scalar();
    enum code code = op_call_alloc(call, 0, &scalar, err);
    struct list *list = code ? NULL : malloc(sizeof *list);
    if (!list) {
        store_unref(like->store);
        return code ? code : too_long(like->length, err);
    }
    *list = *like;
    list->variant.ops = &list_ops;
    list->variant.refs = 0;
    variant_keep(&list->variant, call->arena);
    *TENSOR_AT(call->out[0], struct list *) = list;
    *result = list;
    return CODE_OK;
}

enum code list_make(struct op_call *call, int64_t length, const struct shape *element_shape,
                    struct list **list, struct error *err)
{
    struct list like = {
        .length = length,
        .length_max = -1,
        .dtype = op_attr_type(call, "element_dtype"),
        .element_shape = *element_shape,
    };
    like.store = length <= LIST_LENGTH_MAX ? store_new(length) : NULL;
    return like.store ? give(call, &like, list, err) : too_long(length, err);
}

/* A store of its own for what the list sees below `length`. */
static struct list_store *store_copy(const struct list *from, int64_t length)
{
    struct list_store *store = store_new(length);
    for (int64_t i = 0; store && i < length && i < from->length; i++) {
        const struct tensor *value = list_get(from, i);
        if (!value)
            continue;
        store->slots[i].value = *value;
        buffer_ref(value->buffer);
    }
    return store;
}

enum code list_derive(struct op_call *call, const struct list *from, int64_t length,
                      struct list **list, struct error *err)
{
    struct list like = *from;
    like.length = length;
    if (length > LIST_LENGTH_MAX)
        return too_long(length, err);
    like.store->refs++;
    return give(call, &like, list, err);
}

enum code list_copy(struct op_call *call, const struct list *from, int64_t length,
                    struct list **list, struct error *err)
{
    struct list like = *from;
    like.length = length;
    like.version = 0;
    like.store = length <= LIST_LENGTH_MAX ? store_copy(from, length) : NULL;
    return like.store ? give(call, &like, list, err) : too_long(length, err);
}

/* Can the list write slot i of the store that it shares? */
static bool may_write(const struct list *list, int64_t i)
{
    const struct list_store *store = list->store;
    return list->version == store->version && (i >= store->room || !store->slots[i].value.data);
}

/* The slot is free and no other list will see what is put there. */
static enum code make_writable(struct list *list, int64_t i, struct error *err)
{
    if (!may_write(list, i)) {
        struct list_store *store = store_copy(list, list->length);
        if (!store)
            return too_long(list->length, err);
        store_unref(list->store);
        list->store = store;
        list->version = 0;
        buffer_unref(store->slots[i].value.buffer);
        store->slots[i].value = (struct tensor){0};
    }
    return store_grow(list->store, list->length) ? CODE_OK : too_long(list->length, err);
}

/* A list is as deep as its elements and one more. */
static enum code deepen(struct list *list, const struct tensor *value, struct error *err)
{
    for (int64_t i = 0; value->dtype == DTYPE_VARIANT && i < tensor_elements(value); i++) {
        const struct variant *inner = TENSOR_AT(value, struct variant *)[i];
        int depth = inner ? inner->depth + 1 : 0;
        list->variant.depth = depth > list->variant.depth ? depth : list->variant.depth;
    }
    if (list->variant.depth <= VARIANT_DEPTH_MAX)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT, "lists are nested more than %d deep",
                     VARIANT_DEPTH_MAX);
}

enum code list_fill(struct list *list, int64_t i, const struct tensor *value, struct error *err)
{
    struct tensor kept = *value;
    enum code code = deepen(list, value, err);
    if (!code)
        code = make_writable(list, i, err);
    if (code)
        return code;
    if (value->buffer)
        buffer_ref(value->buffer);
    else
        code = tensor_copy_to_buffer(value, &kept, err);
    if (code)
        return code;
    list->version = ++list->store->version;
    list->store->slots[i] = (struct slot){kept, list->version};
    return CODE_OK;
}

struct tensor list_row_of(const struct tensor *tensor, int64_t row)
{
    struct tensor element = *tensor;
    element.shape.rank = tensor->shape.rank - 1;
    for (int i = 0; i < element.shape.rank; i++)
        element.shape.dims[i] = tensor->shape.dims[i + 1];
    element.data = (char *)tensor->data + (size_t)row * tensor_bytes(&element);
    return element;
}

enum code list_fill_rows(struct list *list, const struct tensor *tensor,
                         const struct tensor *indices, struct error *err)
{
    struct tensor kept = *tensor;
    enum code code = CODE_OK;
    if (!tensor->buffer)
        code = tensor_copy_to_buffer(tensor, &kept, err);
    if (code)
        return code;
    int64_t count = indices ? tensor_elements(indices) : tensor->shape.dims[0];
    for (int64_t i = 0; !code && i < count; i++) {
        struct tensor row = list_row_of(&kept, i);
        code = list_fill(list, indices ? tensor_int(indices, i) : i, &row, err);
    }
    if (!tensor->buffer)
        buffer_unref(kept.buffer);
    return code;
}

const struct tensor *list_get(const struct list *list, int64_t i)
{
    const struct list_store *store = list->store;
    if (i >= store->room || i >= list->length)
        return NULL;
    const struct slot *slot = &store->slots[i];
    return slot->value.data && slot->since <= list->version ? &slot->value : NULL;
}

enum code list_of(const struct op_call *call, int i, const struct list **list, struct error *err)
{
    const struct tensor *tensor = call->in[i];
    char text[SHAPE_TEXT_SIZE];
    if (tensor->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "Input list must be a scalar saw: %s",
                         shape_text(&tensor->shape, text));
    const struct variant *variant = *TENSOR_AT(tensor, struct variant *);
    *list = (const struct list *)variant;
    if (!variant || variant->ops != &list_ops)
        return error_set(err, CODE_INVALID_ARGUMENT, "Input handle is not a list. Saw: '%s'",
                         variant ? variant->ops->kind : "");
    return CODE_OK;
}

enum code list_check_dtype(const struct list *list, enum dtype dtype, struct error *err)
{
    if (list->dtype == dtype)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Invalid data types; op elements %s but list elements %s", dtype_name(dtype),
                     dtype_name(list->dtype));
}

enum code list_number_of(const struct op_call *call, int i, const char *what, int64_t *number,
                         struct error *err)
{
    if (tensor_elements(call->in[i]) != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s must be a single number", what);
    *number = tensor_int(call->in[i], 0);
    return CODE_OK;
}

/* ---- shapes ---- */

enum code list_shape_of(const struct op_call *call, int i, struct shape *shape, struct error *err)
{
    const struct tensor *tensor = call->in[i];
    *shape = shape_unknown();
    if (tensor->shape.rank == 0 && tensor_int(tensor, 0) == -1)
        return CODE_OK;
    if (tensor->shape.rank == 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The only valid scalar shape tensor is the fully unknown shape "
                         "specified as -1.");
    if (tensor->shape.rank != 1 || tensor_elements(tensor) > SHAPE_RANK_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "element_shape must be a vector of at most %d dimensions", SHAPE_RANK_MAX);
    shape->rank = (int)tensor_elements(tensor);
    for (int k = 0; k < shape->rank; k++) {
        shape->dims[k] = tensor_int(tensor, k);
        if (shape->dims[k] < -1)
            return error_set(err, CODE_INVALID_ARGUMENT, "Dimension %lld must be >= -1",
                             (long long)shape->dims[k]);
    }
    return CODE_OK;
}

enum code list_merge_shapes(const struct shape *a, const struct shape *b, struct shape *merged,
                            struct error *err)
{
    char x[SHAPE_TEXT_SIZE], y[SHAPE_TEXT_SIZE];
    *merged = a->rank == SHAPE_UNKNOWN_RANK ? *b : *a;
    if (a->rank == SHAPE_UNKNOWN_RANK || b->rank == SHAPE_UNKNOWN_RANK)
        return CODE_OK;
    bool fits = a->rank == b->rank;
    for (int i = 0; fits && i < a->rank; i++) {
        fits = a->dims[i] == b->dims[i] || a->dims[i] < 0 || b->dims[i] < 0;
        merged->dims[i] = a->dims[i] < 0 ? b->dims[i] : a->dims[i];
    }
    if (fits)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "PartialTensorShape: Incompatible %s during merge: %s vs. %s",
                     a->rank == b->rank ? "shapes" : "ranks", shape_text(a, x), shape_text(b, y));
}
