/* SPDX-License-Identifier: Apache-2.0 */
/* LookupTableFindV2, SizeV2, ExportV2, ImportV2, InsertV2, RemoveV2: tables asked and filled by
 * tensors. */
#include "engine/run.h"
#include "ops/kernel.h"
#include "ops/table/table.h"

/* An immutable table is read freely once it is filled. */
static enum code begin_read(struct table *table, struct error *err)
{
    if (table->is_mutable) {
        pthread_rwlock_rdlock(&table->lock);
        return CODE_OK;
    }
    if (!atomic_load_explicit(&table->filled, memory_order_acquire))
        return error_set(err, CODE_FAILED_PRECONDITION, "Table not initialized.");
    return CODE_OK;
}

static void end_read(struct table *table)
{
    if (table->is_mutable)
        pthread_rwlock_unlock(&table->lock);
}

/* ---- LookupTableFindV2: keys, default_value -> values: keys' shape, then that of a value ---- */

static enum code find_shape(struct op_call *call, struct error *err)
{
    const struct shape *keys = &call->in[1]->shape, *value = &call->in[2]->shape;
    struct shape out = *keys;
    if (out.rank + value->rank > SHAPE_RANK_MAX)
        return error_set(err, CODE_UNIMPLEMENTED, "rank %d is beyond %d", out.rank + value->rank,
                         SHAPE_RANK_MAX);
    for (int i = 0; i < value->rank; i++)
        out.dims[out.rank++] = value->dims[i];
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

/* A found string stays in the table while it is immutable; a mutable one may change: its bytes are
 * copied. */
static void give_value(const struct op_call *call, const struct table *table, const void *value,
                       char *to, size_t bytes)
{
    memcpy(to, value, bytes);
    struct span *strings = (struct span *)(void *)to;
    bool copies = table->is_mutable && table->value_dtype == DTYPE_STRING;
    for (size_t i = 0; copies && i < bytes / sizeof *strings; i++)
        strings[i] = arena_copy(call->arena, strings[i]);
}

static enum code find_run(struct op_call *call, struct error *err)
{
    struct table *table;
    const struct tensor *keys = call->in[1], *fallback = call->in[2];
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    enum code code = table_of(call, &table, err);
    if (!code)
        code = table_check(table, keys, fallback, err);
    if (!code && !shape_equal(&fallback->shape, &table->value_shape))
        code =
            error_set(err, CODE_INVALID_ARGUMENT, "Expected shape %s got %s for the default value",
                      shape_text(&table->value_shape, left), shape_text(&fallback->shape, right));
    if (!code)
        code = begin_read(table, err);
    if (code)
        return code;
    size_t bytes = tensor_bytes(fallback);
    char *to = call->out[0]->data;
    for (int64_t i = 0, n = tensor_elements(keys); !code && i < n; i++, to += bytes) {
        struct span key = table_key(keys, i);
        const void *value = map_get(&table->map, key);
        give_value(call, table, value ? value : fallback->data, to, bytes);
        code = table_check_key(table, key, err);
    }
    end_read(table);
    return code;
}

/* ---- LookupTableSizeV2, LookupTableExportV2 ---- */

static enum code size_run(struct op_call *call, struct error *err)
{
    struct table *table;
    enum code code = table_of(call, &table, err);
    if (code)
        return code;
    pthread_rwlock_rdlock(&table->lock);
    *TENSOR_AT(call->out[0], int64_t) = (int64_t)table->size;
    pthread_rwlock_unlock(&table->lock);
    return CODE_OK;
}

/* [n], then the shape of a value. A dense table exports and imports keys [n, 1], and numbers as
 * values [n, 1]. */
static void entry_shapes(const struct table *table, struct shape *keys, struct shape *values)
{
    const struct shape *value = &table->value_shape;
    *keys = table->is_dense ? shape_matrix((int64_t)table->size, 1)
                            : shape_vector((int64_t)table->size);
    *values = shape_vector((int64_t)table->size);
    for (int i = 0; i < value->rank; i++)
        values->dims[values->rank++] = value->dims[i];
    if (table->is_dense && !value->rank)
        *values = *keys;
}

/* With the lock held. */
static enum code export_all(struct op_call *call, const struct table *table, struct error *err)
{
    struct shape keys, values;
    entry_shapes(table, &keys, &values);
    enum code code = op_call_alloc(call, 0, &keys, err);
    if (!code)
        code = op_call_alloc(call, 1, &values, err);
    if (code)
        return code;
    size_t bytes = table->size ? tensor_bytes(call->out[1]) / table->size : 0;
    char *key = call->out[0]->data, *value = call->out[1]->data;
    size_t cursor = 0;
    for (const struct map_slot *slot; (slot = map_next(&table->map, &cursor));) {
        if (!slot->value)
            continue;
        if (table->key_dtype == DTYPE_STRING) {
            struct span copy = arena_copy(call->arena, slot->key);
            memcpy(key, &copy, sizeof copy);
        } else {
            memcpy(key, slot->key.ptr, slot->key.len);
        }
        key += dtype_size(table->key_dtype);
        give_value(call, table, slot->value, value, bytes);
        value += bytes;
    }
    return CODE_OK;
}

static enum code export_run(struct op_call *call, struct error *err)
{
    struct table *table;
    enum code code = table_of(call, &table, err);
    if (code)
        return code;
    if (call->out[0]->dtype != table->key_dtype || call->out[1]->dtype != table->value_dtype)
        return error_set(err, CODE_INVALID_ARGUMENT, "the table is from %s to %s",
                         dtype_name(table->key_dtype), dtype_name(table->value_dtype));
    pthread_rwlock_rdlock(&table->lock);
    code = export_all(call, table, err);
    pthread_rwlock_unlock(&table->lock);
    return code;
}

/* ---- filling: keys, values with a value for each key ---- */

static enum code check_entries(const struct op_call *call, const struct table *table, bool imports,
                               struct error *err)
{
    const struct tensor *keys = call->in[1], *values = call->in[2];
    enum code code = table_check(table, keys, values, err);
    if (code)
        return code;
    struct shape wanted = keys->shape, value = table->value_shape;
    bool matrix = imports && table->is_dense;
    if (matrix && wanted.rank)
        wanted.rank--;
    if (matrix && !value.rank)
        value = shape_vector(1);
    for (int i = 0; i < value.rank && wanted.rank < SHAPE_RANK_MAX; i++)
        wanted.dims[wanted.rank++] = value.dims[i];
    if (!shape_equal(&values->shape, &wanted) ||
        tensor_elements(values) != tensor_elements(keys) * shape_elements(&table->value_shape)) {
        char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
        return error_set(err, CODE_INVALID_ARGUMENT, "Expected shape %s for value, got %s",
                         shape_text(&wanted, left), shape_text(&values->shape, right));
    }
    return CODE_OK;
}

/* With the lock held for writing. What a dense table reserves is an error, or left out of what a
 * checkpoint brings: places of the original's table. */
static enum code put_all(const struct op_call *call, struct table *table, bool imports,
                         struct error *err)
{
    const struct tensor *keys = call->in[1], *values = call->in[2];
    size_t bytes = (size_t)shape_elements(&table->value_shape) * dtype_size(table->value_dtype);
    enum code code = CODE_OK;
    for (int64_t i = 0, n = tensor_elements(keys); !code && i < n; i++) {
        struct span key = table_key(keys, i);
        if (imports && table_check_key(table, key, NULL))
            continue;
        code = table_check_key(table, key, err);
        if (!code)
            code = table_put(table, key, (const char *)values->data + (size_t)i * bytes, err);
    }
    return code;
}

/* Does a filled table hold just these? Then filling it once more changes nothing. */
static bool has_all(const struct op_call *call, struct table *table)
{
    for (int64_t i = 0, n = tensor_elements(call->in[1]); i < n; i++) {
        if (!map_get(&table->map, table_key(call->in[1], i)))
            return false;
    }
    return !put_all(call, table, false, NULL);
}

static void clear(struct table *table)
{
    size_t cursor = 0;
    for (const struct map_slot *slot; (slot = map_next(&table->map, &cursor));)
        ((struct map_slot *)(uintptr_t)slot)->value = NULL;
    table->size = 0;
}

static enum code fill(struct op_call *call, bool replaces, struct error *err)
{
    struct table *table;
    enum code code = table_of(call, &table, err);
    if (!code)
        code = check_entries(call, table, replaces, err);
    if (code)
        return code;
    pthread_rwlock_wrlock(&table->lock);
    bool filled = !table->is_mutable && atomic_load(&table->filled);
    if (!filled) {
        if (replaces)
            clear(table);
        code = put_all(call, table, replaces, err);
        atomic_store_explicit(&table->filled, !code, memory_order_release);
    } else if (!has_all(call, table)) {
        code = error_set(err, CODE_FAILED_PRECONDITION, "Table already initialized.");
    }
    pthread_rwlock_unlock(&table->lock);
    return code;
}

static enum code insert_run(struct op_call *call, struct error *err)
{
    return fill(call, false, err);
}

static enum code initialize_run(struct op_call *call, struct error *err)
{
    if (!tensor_elements(call->in[1]) || !tensor_elements(call->in[2]))
        return error_set(err, CODE_INVALID_ARGUMENT, "keys and values cannot be empty tensors.");
    return fill(call, false, err);
}

static enum code import_run(struct op_call *call, struct error *err)
{
    return fill(call, true, err);
}

static enum code remove_run(struct op_call *call, struct error *err)
{
    struct table *table;
    enum code code = table_of(call, &table, err);
    if (!code)
        code = table_check(table, call->in[1], NULL, err);
    if (!code && !table->is_mutable)
        code = error_set(err, CODE_UNIMPLEMENTED,
                         "Remove not supported by HashTable "
                         "implementations");
    if (code)
        return code;
    pthread_rwlock_wrlock(&table->lock);
    for (int64_t i = 0, n = tensor_elements(call->in[1]); !code && i < n; i++) {
        struct span key = table_key(call->in[1], i);
        code = table_check_key(table, key, err);
        if (code || !map_get(&table->map, key))
            continue;
        map_put(&table->map, key, NULL);
        table->size--;
    }
    pthread_rwlock_unlock(&table->lock);
    return code;
}

/* The first versions hold their tables by references; handles do the same. */

#define FIND_OP(NAME)                                                                              \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = "table_handle:resource keys:Tin default_value:Tout",                             \
        .outputs = "values:Tout",                                                                  \
        .attrs = "Tin:type Tout:type",                                                             \
        .flags = OP_STATEFUL,                                                                      \
        .shape = find_shape,                                                                       \
        .run = find_run,                                                                           \
    };
FIND_OP(LookupTableFindV2)
FIND_OP(LookupTableFind)

#define SIZE_OP(NAME)                                                                              \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = "table_handle:resource",                                                         \
        .outputs = "size:int64",                                                                   \
        .attrs = "",                                                                               \
        .flags = OP_STATEFUL,                                                                      \
        .shape = kernel_shape_scalar,                                                              \
        .run = size_run,                                                                           \
    };
SIZE_OP(LookupTableSizeV2)
SIZE_OP(LookupTableSize)

#define EXPORT_OP(NAME)                                                                            \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = "table_handle:resource",                                                         \
        .outputs = "keys:Tkeys values:Tvalues",                                                    \
        .attrs = "Tkeys:type Tvalues:type",                                                        \
        .flags = OP_STATEFUL | OP_DYNAMIC,                                                         \
        .run = export_run,                                                                         \
    };
EXPORT_OP(LookupTableExportV2)
EXPORT_OP(LookupTableExport)

#define IMPORT_OP(NAME)                                                                            \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = "table_handle:resource keys:Tin values:Tout",                                    \
        .outputs = "",                                                                             \
        .attrs = "Tin:type Tout:type",                                                             \
        .flags = OP_STATEFUL,                                                                      \
        .run = import_run,                                                                         \
    };
IMPORT_OP(LookupTableImportV2)
IMPORT_OP(LookupTableImport)

#define INSERT_OP(NAME)                                                                            \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = "table_handle:resource keys:Tin values:Tout",                                    \
        .outputs = "",                                                                             \
        .attrs = "Tin:type Tout:type",                                                             \
        .flags = OP_STATEFUL,                                                                      \
        .run = insert_run,                                                                         \
    };
INSERT_OP(LookupTableInsertV2)
INSERT_OP(LookupTableInsert)

const struct op op_LookupTableRemoveV2 = {
    .name = "LookupTableRemoveV2",
    .inputs = "table_handle:resource keys:Tin",
    .outputs = "",
    .attrs = "Tin:type",
    .flags = OP_STATEFUL,
    .run = remove_run,
};

#define INITIALIZE_OP(NAME)                                                                        \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = "table_handle:resource keys:Tkey values:Tval",                                   \
        .outputs = "",                                                                             \
        .attrs = "Tkey:type Tval:type",                                                            \
        .flags = OP_STATEFUL,                                                                      \
        .run = initialize_run,                                                                     \
    };
INITIALIZE_OP(InitializeTableV2)
INITIALIZE_OP(InitializeTable)
