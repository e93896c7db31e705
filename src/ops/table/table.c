/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles, and what all table ops share. Keys are kept as their bytes; values as elements in the
 * table's arena, the bytes of strings too. What a mutable table overwrites stays in its arena until
 * the version is unloaded.
 */
#include "ops/table/table.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "engine/run.h"
#include "ops/handle.h"
#include "ops/kernel.h"
#include "ops/math/number.h"

static void table_free(struct resource *resource)
{
    struct table *table = (struct table *)resource;
    arena_release(&table->arena);
    pthread_rwlock_destroy(&table->lock);
}

const struct resource_ops table_ops = {.kind = "table", .free = table_free};

struct table_args {
    bool is_mutable;
    enum dtype key_dtype;
    enum dtype value_dtype;
    struct shape value_shape;
    bool is_dense;
    struct span reserved[2];
};

static struct resource *table_make(const void *p)
{
    const struct table_args *args = p;
    struct table *table = calloc(1, sizeof *table);
    CHECK(table);
    table->is_mutable = args->is_mutable;
    table->key_dtype = args->key_dtype;
    table->value_dtype = args->value_dtype;
    table->value_shape = args->value_shape;
    pthread_rwlock_init(&table->lock, NULL);
    arena_init(&table->arena, ARENA_FIRST_BLOCK);
    map_init(&table->map, &table->arena);
    table->is_dense = args->is_dense;
    for (int i = 0; args->is_dense && i < 2; i++)
        table->reserved[i] = arena_copy(&table->arena, args->reserved[i]);
    return &table->resource;
}

static enum code read_args(const struct op_call *call, bool is_mutable,
                           const struct shape *value_shape, struct table_args *args,
                           struct error *err)
{
    *args = (struct table_args){
        .is_mutable = is_mutable,
        .key_dtype = op_attr_type(call, "key_dtype"),
        .value_dtype = op_attr_type(call, "value_dtype"),
        .value_shape = *value_shape,
    };
    bool plain = dtype_is_plain(args->value_dtype) || args->value_dtype == DTYPE_STRING;
    bool key = dtype_is_plain(args->key_dtype) || args->key_dtype == DTYPE_STRING;
    if (!plain || !key || !shape_is_known(value_shape))
        return error_set(err, CODE_INVALID_ARGUMENT, "a table from %s to %s is not supported",
                         dtype_name(args->key_dtype), dtype_name(args->value_dtype));
    return CODE_OK;
}

static enum code make_table(struct op_call *call, bool is_mutable, const struct shape *value_shape,
                            struct error *err)
{
    struct table_args args;
    enum code code = read_args(call, is_mutable, value_shape, &args, err);
    return code ? code : handle_make(call, &table_ops, table_make, &args, NULL, err);
}

static enum code hash_table_run(struct op_call *call, struct error *err)
{
    struct shape scalar = shape_scalar();
    return make_table(call, false, &scalar, err);
}

static enum code mutable_hash_table_run(struct op_call *call, struct error *err)
{
    struct shape scalar = shape_scalar();
    return make_table(call, true, &scalar, err);
}

static enum code table_of_tensors_run(struct op_call *call, struct error *err)
{
    struct shape shape = op_attr_shape(call, "value_shape");
    return make_table(call, true, &shape, err);
}

/* empty_key, deleted_key: how TensorFlow marks the places of its table; no entry may have them. */
static enum code read_dense_args(const struct op_call *call, struct table_args *args,
                                 struct error *err)
{
    const struct tensor *empty = call->in[0], *deleted = call->in[1];
    struct shape shape = op_attr_shape(call, "value_shape");
    char x[SHAPE_TEXT_SIZE], y[SHAPE_TEXT_SIZE];
    if (!shape_equal(&empty->shape, &deleted->shape))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Empty and deleted keys must have same shape, got shapes: %s and %s",
                         shape_text(&empty->shape, x), shape_text(&deleted->shape, y));
    if (empty->shape.rank)
        return error_set(err, CODE_UNIMPLEMENTED,
                         "a table whose keys are tensors of shape %s is not supported",
                         shape_text(&empty->shape, x));
    enum code code = read_args(call, true, &shape, args, err);
    if (code)
        return code;
    args->is_dense = true;
    args->reserved[0] = table_key(empty, 0);
    args->reserved[1] = table_key(deleted, 0);
    if (span_equal(args->reserved[0], args->reserved[1]))
        return error_set(err, CODE_INVALID_ARGUMENT, "Empty and deleted keys cannot be equal");
    return CODE_OK;
}

static enum code dense_table_run(struct op_call *call, struct error *err)
{
    struct table_args args;
    enum code code = read_dense_args(call, &args, err);
    return code ? code : handle_make(call, &table_ops, table_make, &args, NULL, err);
}

/* ---- anonymous tables: each run that comes by has one of its own ---- */

static void free_anonymous(void *p)
{
    table_free(p);
    free(p);
}

static enum code make_anonymous(struct op_call *call, const struct table_args *args,
                                struct error *err)
{
    struct shape scalar = shape_scalar();
    enum code code = op_call_alloc(call, 0, &scalar, err);
    if (code)
        return code;
    struct resource *resource = table_make(args);
    resource->ops = &table_ops;
    resource->name = SPAN_LITERAL("anonymous");
    arena_defer(run_request_arena(call->run), free_anonymous, resource);
    *TENSOR_AT(call->out[0], struct resource *) = resource;
    return CODE_OK;
}

static enum code anonymous_run(struct op_call *call, struct error *err)
{
    struct shape scalar = shape_scalar();
    struct table_args args;
    bool is_mutable = !span_is(call->node->op_name, "AnonymousHashTable");
    enum code code = read_args(call, is_mutable, &scalar, &args, err);
    return code ? code : make_anonymous(call, &args, err);
}

static enum code anonymous_of_tensors_run(struct op_call *call, struct error *err)
{
    struct shape shape = op_attr_shape(call, "value_shape");
    struct table_args args;
    enum code code = read_args(call, true, &shape, &args, err);
    return code ? code : make_anonymous(call, &args, err);
}

static enum code anonymous_dense_run(struct op_call *call, struct error *err)
{
    struct table_args args;
    enum code code = read_dense_args(call, &args, err);
    return code ? code : make_anonymous(call, &args, err);
}

/* ---- shared ---- */

enum code table_of(const struct op_call *call, struct table **table, struct error *err)
{
    struct resource *resource = handle_resource(call->in[0], &table_ops);
    if (!resource)
        return error_set(err, CODE_INVALID_ARGUMENT, "Input 0 of node %.*s is no handle of a table",
                         SPAN_ARG(call->node->name));
    *table = (struct table *)resource;
    return CODE_OK;
}

enum code table_check(const struct table *table, const struct tensor *keys,
                      const struct tensor *values, struct error *err)
{
    if (keys && keys->dtype != table->key_dtype)
        return error_set(err, CODE_INVALID_ARGUMENT, "Key must be type %s but got %s",
                         dtype_name(table->key_dtype), dtype_name(keys->dtype));
    if (values && values->dtype != table->value_dtype)
        return error_set(err, CODE_INVALID_ARGUMENT, "Value must be type %s but got %s",
                         dtype_name(table->value_dtype), dtype_name(values->dtype));
    return CODE_OK;
}

struct span table_key(const struct tensor *keys, int64_t i)
{
    static const char empty;
    size_t size = dtype_size(keys->dtype);
    if (keys->dtype != DTYPE_STRING)
        return span_make((const char *)keys->data + (size_t)i * size, size);
    struct span key = TENSOR_AT(keys, struct span)[i];
    return key.len ? key : span_make(&empty, 0);
}

enum code table_check_key(const struct table *table, struct span key, struct error *err)
{
    static const char *const names[] = {"empty_key", "deleted_key"};
    for (int i = 0; table->is_dense && i < 2; i++) {
        if (span_equal(key, table->reserved[i]))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Using the %s as a table key is not allowed", names[i]);
    }
    return CODE_OK;
}

static void *copy_value(struct table *table, const void *value)
{
    size_t elements = (size_t)shape_elements(&table->value_shape);
    size_t bytes = elements * dtype_size(table->value_dtype);
    void *copy = arena_alloc(&table->arena, bytes);
    memcpy(copy, value, bytes);
    for (size_t i = 0; table->value_dtype == DTYPE_STRING && i < elements; i++)
        ((struct span *)copy)[i] = arena_copy(&table->arena, ((const struct span *)value)[i]);
    return copy;
}

static bool same_value(const struct table *table, const void *a, const void *b)
{
    struct tensor left = {table->value_dtype, table->value_shape, (void *)(uintptr_t)a, NULL};
    struct tensor right = {table->value_dtype, table->value_shape, (void *)(uintptr_t)b, NULL};
    return tensor_equal(&left, &right);
}

/* The first element at `data`, as TensorFlow prints it. */
static struct span element_text(enum dtype dtype, const void *data, char number[32])
{
    union {
        double aligned[2];
        char bytes[sizeof(struct span)];
    } element;
    if (dtype == DTYPE_STRING)
        return *(const struct span *)data;
    memcpy(element.bytes, data, dtype_size(dtype));
    const struct tensor t = {.dtype = dtype, .shape = shape_scalar(), .data = &element};
    int length = dtype_is_float(dtype) ? snprintf(number, 32, "%g", number_at(&t, 0))
                                       : snprintf(number, 32, "%lld", (long long)tensor_int(&t, 0));
    return span_make(number, (size_t)length);
}

static enum code differs(const struct table *table, struct span key, const void *old,
                         const void *value, struct error *err)
{
    char numbers[3][32];
    struct span name = table->key_dtype == DTYPE_STRING
                           ? key
                           : element_text(table->key_dtype, key.ptr, numbers[0]);
    struct span has = element_text(table->value_dtype, old, numbers[1]);
    struct span comes = element_text(table->value_dtype, value, numbers[2]);
    return error_set(err, CODE_FAILED_PRECONDITION,
                     "HashTable has different value for same key. Key %.*s has %.*s and trying to "
                     "add value %.*s",
                     SPAN_ARG(name), SPAN_ARG(has), SPAN_ARG(comes));
}

enum code table_put(struct table *table, struct span key, const void *value, struct error *err)
{
    void *old = map_get(&table->map, key);
    if (old && !table->is_mutable) {
        if (same_value(table, old, value))
            return CODE_OK;
        return differs(table, key, old, value, err);
    }
    bool known = map_has(&table->map, key);
    map_put(&table->map, known ? key : arena_copy(&table->arena, key), copy_value(table, value));
    table->size += !old;
    return CODE_OK;
}

#define TABLE_ATTRS                                                                                \
    "container:string='' shared_name:string='' use_node_name_sharing:bool=false key_dtype:type "   \
    "value_dtype:type"

#define HASH_TABLE_OP(NAME)                                                                        \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = "",                                                                              \
        .outputs = "table_handle:resource",                                                        \
        .attrs = TABLE_ATTRS,                                                                      \
        .flags = OP_DYNAMIC | OP_MAKES_RESOURCE,                                                   \
        .run = hash_table_run,                                                                     \
    };
HASH_TABLE_OP(HashTableV2)
HASH_TABLE_OP(HashTable)

#define MUTABLE_HASH_TABLE_OP(NAME)                                                                \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = "",                                                                              \
        .outputs = "table_handle:resource",                                                        \
        .attrs = TABLE_ATTRS,                                                                      \
        .flags = OP_DYNAMIC | OP_MAKES_RESOURCE,                                                   \
        .run = mutable_hash_table_run,                                                             \
    };
MUTABLE_HASH_TABLE_OP(MutableHashTableV2)
MUTABLE_HASH_TABLE_OP(MutableHashTable)

#define OF_TENSORS_OP(NAME)                                                                        \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = "",                                                                              \
        .outputs = "table_handle:resource",                                                        \
        .attrs = TABLE_ATTRS " value_shape:shape={}",                                              \
        .flags = OP_DYNAMIC | OP_MAKES_RESOURCE,                                                   \
        .run = table_of_tensors_run,                                                               \
    };
OF_TENSORS_OP(MutableHashTableOfTensorsV2)
OF_TENSORS_OP(MutableHashTableOfTensors)

const struct op op_MutableDenseHashTableV2 = {
    .name = "MutableDenseHashTableV2",
    .inputs = "empty_key:key_dtype deleted_key:key_dtype",
    .outputs = "table_handle:resource",
    .attrs = TABLE_ATTRS " value_shape:shape={} initial_num_buckets:int=131072 "
                         "max_load_factor:float=0.8",
    .flags = OP_DYNAMIC | OP_STATEFUL,
    .run = dense_table_run,
};

#define ANONYMOUS_OP(NAME, INPUTS, ATTRS, RUN)                                                     \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = INPUTS,                                                                          \
        .outputs = "table_handle:resource",                                                        \
        .attrs = "key_dtype:type value_dtype:type" ATTRS,                                          \
        .flags = OP_DYNAMIC | OP_STATEFUL,                                                         \
        .run = RUN,                                                                                \
    };
ANONYMOUS_OP(AnonymousHashTable, "", "", anonymous_run)
ANONYMOUS_OP(AnonymousMutableHashTable, "", "", anonymous_run)
ANONYMOUS_OP(AnonymousMutableHashTableOfTensors, "", " value_shape:shape={}",
             anonymous_of_tensors_run)
ANONYMOUS_OP(AnonymousMutableDenseHashTable, "empty_key:key_dtype deleted_key:key_dtype",
             " value_shape:shape={} initial_num_buckets:int=131072 max_load_factor:float=0.8",
             anonymous_dense_run)
