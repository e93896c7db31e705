/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unique, UniqueV2, UniqueWithCounts, UniqueWithCountsV2, ListDiff: distinct values, or distinct
 * slices along an axis, in the order in which they appear. A slice is looked up by a key, its bytes
 * made such that equal numbers have equal bytes: a negative zero is zero; a slice with a NaN equals
 * none, not even itself, and gets no key.
 */
#include <math.h>

#include "base/map.h"
#include "ops/kernel.h"

/* A tensor seen along an axis: [outer, count, inner]; slice i is [outer, i, inner]. */
struct slices {
    const struct tensor *tensor;
    int64_t outer, count, inner;
    size_t size; /* bytes of an element */
};

static struct slices slices_of(const struct tensor *t, int axis)
{
    return (struct slices){
        .tensor = t,
        .outer = kernel_span(&t->shape, 0, axis),
        .count = t->shape.rank ? t->shape.dims[axis] : 1,
        .inner = kernel_span(&t->shape, axis + 1, t->shape.rank),
        .size = dtype_size(t->dtype),
    };
}

static double real(enum dtype dtype, const void *at)
{
    uint16_t bits;
    float narrow;
    double wide;
    if (dtype == DTYPE_DOUBLE) {
        memcpy(&wide, at, sizeof wide);
        return wide;
    }
    if (dtype == DTYPE_FLOAT) {
        memcpy(&narrow, at, sizeof narrow);
        return (double)narrow;
    }
    memcpy(&bits, at, sizeof bits);
    return (double)(dtype == DTYPE_HALF ? dtype_half_to_float(bits)
                                        : dtype_bfloat16_to_float(bits));
}

/* ---- keys ---- */

static size_t key_size(const struct slices *s, int64_t i)
{
    size_t elements = (size_t)(s->outer * s->inner), bytes = elements * s->size;
    if (s->tensor->dtype != DTYPE_STRING)
        return bytes;
    for (int64_t o = 0; o < s->outer; o++) {
        for (int64_t k = 0; k < s->inner; k++)
            bytes += TENSOR_AT(s->tensor, struct span)[(o * s->count + i) * s->inner + k].len;
    }
    return bytes;
}

/* Appends an element to the key; false for a NaN. */
static bool add_to_key(const struct slices *s, int64_t at, char **to)
{
    const char *from = (const char *)s->tensor->data + (size_t)at * s->size;
    enum dtype dtype = s->tensor->dtype;
    if (dtype == DTYPE_STRING) {
        struct span text = TENSOR_AT(s->tensor, struct span)[at];
        memcpy(*to, &text.len, sizeof text.len);
        if (text.len)
            memcpy(*to + s->size, text.ptr, text.len);
        *to += s->size + text.len;
        return true;
    }
    memcpy(*to, from, s->size);
    if (dtype_is_float(dtype)) {
        double value = real(dtype, from);
        if (isnan(value))
            return false;
        if (value == 0)
            memset(*to, 0, s->size);
    }
    *to += s->size;
    return true;
}

/* OK with an empty pointer when the slice equals none. */
static enum code make_key(const struct op_call *call, const struct slices *s, int64_t i,
                          struct span *key, struct error *err)
{
    bool lone = s->outer * s->inner == 1;
    if (lone && s->tensor->dtype == DTYPE_STRING) {
        *key = TENSOR_AT(s->tensor, struct span)[i];
        key->ptr = key->len ? key->ptr : "";
        return CODE_OK;
    }
    if (lone && !dtype_is_float(s->tensor->dtype)) {
        *key = span_make((const char *)s->tensor->data + (size_t)i * s->size, s->size);
        return CODE_OK;
    }
    char *bytes;
    size_t size = key_size(s, i);
    enum code code = kernel_array(call, (int64_t)size, 1, &bytes, err);
    if (code)
        return code;
    *key = span_make(bytes, size);
    for (int64_t o = 0; o < s->outer; o++) {
        for (int64_t k = 0; k < s->inner; k++) {
            if (!add_to_key(s, (o * s->count + i) * s->inner + k, &bytes))
                key->ptr = NULL;
            if (!key->ptr)
                return CODE_OK;
        }
    }
    return CODE_OK;
}

/* ---- Unique ---- */

static enum code read_axis(const struct op_call *call, int *axis, struct error *err)
{
    const struct shape *x = &call->in[0]->shape;
    int64_t count = call->in_count > 1 ? tensor_elements(call->in[1]) : 0;
    if (call->in_count > 1 && call->in[1]->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "axis expects a 1D vector.");
    if (count > 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "axis does not support input tensors larger than 1 elements");
    if (!count && x->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "unique expects a 1D vector.");
    *axis = 0;
    if (count && !kernel_axis(tensor_int(call->in[1], 0), x->rank, axis))
        return error_set(err, CODE_INVALID_ARGUMENT, "axis has to be between [0, %d)", x->rank);
    return CODE_OK;
}

/* Numbers the distinct slices: output 1 gets each one's number, first[k] is where number k
 * appears first, counts[k] how often it does. */
static enum code number_slices(struct op_call *call, const struct slices *s, int64_t *first,
                               int64_t *counts, int64_t *distinct, struct error *err)
{
    struct map map;
    map_init(&map, call->arena);
    *distinct = 0;
    for (int64_t i = 0; i < s->count; i++) {
        struct span key;
        enum code code = make_key(call, s, i, &key, err);
        if (code)
            return code;
        bool added = true;
        void *lone = NULL, **slot = key.ptr ? map_at(&map, key, &added) : &lone;
        if (added) {
            first[*distinct] = i;
            *slot = (void *)(intptr_t)(*distinct)++;
        }
        kernel_put_index(call->out[1], i, (intptr_t)*slot);
        counts[(intptr_t)*slot]++;
    }
    return CODE_OK;
}

static void copy_slices(const struct slices *s, const int64_t *picks, int64_t n, char *to)
{
    size_t bytes = (size_t)s->inner * s->size;
    const char *from = s->tensor->data;
    for (int64_t o = 0; o < s->outer; o++) {
        for (int64_t k = 0; k < n; k++, to += bytes)
            memcpy(to, from + (size_t)(o * s->count + picks[k]) * bytes, bytes);
    }
}

static enum code unique_run(struct op_call *call, struct error *err)
{
    int axis;
    int64_t *first, *counts, distinct;
    enum code code = read_axis(call, &axis, err);
    if (code)
        return code;
    struct slices s = slices_of(call->in[0], axis);
    struct shape vector = shape_vector(s.count);
    code = op_call_alloc(call, 1, &vector, err);
    if (!code)
        code = kernel_array(call, s.count, sizeof *first, &first, err);
    if (!code)
        code = kernel_array(call, s.count, sizeof *counts, &counts, err);
    if (!code)
        code = number_slices(call, &s, first, counts, &distinct, err);
    if (code)
        return code;
    struct shape out = call->in[0]->shape, numbers = shape_vector(distinct);
    out.dims[axis] = distinct;
    code = op_call_alloc(call, 0, &out, err);
    if (!code)
        copy_slices(&s, first, distinct, call->out[0]->data);
    if (!code && call->out_count > 2)
        code = op_call_alloc(call, 2, &numbers, err);
    for (int64_t i = 0; !code && call->out_count > 2 && i < distinct; i++)
        kernel_put_index(call->out[2], i, counts[i]);
    return code;
}

/* ---- ListDiff: what is in x and not in y ---- */

static enum code list_diff_run(struct op_call *call, struct error *err)
{
    for (int i = 0; i < 2; i++) {
        if (call->in[i]->shape.rank != 1)
            return error_set(err, CODE_INVALID_ARGUMENT, "%s should be a 1D vector.",
                             &"x\0y"[2 * i]);
    }
    struct slices x = slices_of(call->in[0], 0), y = slices_of(call->in[1], 0);
    struct span key;
    struct map map;
    int64_t *kept, count = 0;
    enum code code = kernel_array(call, x.count, sizeof *kept, &kept, err);
    map_init(&map, call->arena);
    for (int64_t i = 0; !code && i < y.count; i++) {
        code = make_key(call, &y, i, &key, err);
        if (!code && key.ptr)
            map_put(&map, key, &map);
    }
    for (int64_t i = 0; !code && i < x.count; i++) {
        code = make_key(call, &x, i, &key, err);
        if (!code && (!key.ptr || !map_get(&map, key)))
            kept[count++] = i;
    }
    struct shape out = shape_vector(count);
    for (int i = 0; !code && i < 2; i++)
        code = op_call_alloc(call, i, &out, err);
    if (code)
        return code;
    copy_slices(&x, kept, count, call->out[0]->data);
    for (int64_t i = 0; i < count; i++)
        kernel_put_index(call->out[1], i, kept[i]);
    return CODE_OK;
}

#define UNIQUE_TYPES (OP_TYPES_REAL | OP_TYPE(DTYPE_BOOL) | OP_TYPE(DTYPE_STRING))

#define UNIQUE_OP(symbol, arguments, results, axis_attr)                                           \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = arguments,                                                                       \
        .outputs = results,                                                                        \
        .attrs = "T:type " axis_attr "out_idx:index=int32",                                        \
        .flags = OP_DYNAMIC,                                                                       \
        .types = UNIQUE_TYPES,                                                                     \
        .run = unique_run,                                                                         \
    }

UNIQUE_OP(Unique, "x:T", "y:T idx:out_idx", "");
UNIQUE_OP(UniqueV2, "x:T axis:Taxis", "y:T idx:out_idx", "Taxis:index=int64 ");
UNIQUE_OP(UniqueWithCounts, "x:T", "y:T idx:out_idx count:out_idx", "");
UNIQUE_OP(UniqueWithCountsV2, "x:T axis:Taxis", "y:T idx:out_idx count:out_idx",
          "Taxis:index=int64 ");

const struct op op_ListDiff = {
    .name = "ListDiff",
    .inputs = "x:T y:T",
    .outputs = "out:T idx:out_idx",
    .attrs = "T:type out_idx:index=int32",
    .flags = OP_DYNAMIC,
    .types = OP_TYPES_REAL | OP_TYPE(DTYPE_STRING),
    .run = list_diff_run,
};
