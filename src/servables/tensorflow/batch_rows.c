/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows are contiguous, so that equal ones are copied with one memcpy a part. Padding lays out a
 * part's innermost runs one by one in rows that are filled with its first element before.
 */
#include "servables/tensorflow/batch_rows.h"

#include <string.h>

static bool same_inner(const struct shape *a, const struct shape *b)
{
    if (a->rank != b->rank)
        return false;
    for (int i = 1; i < a->rank; i++) {
        if (a->dims[i] != b->dims[i])
            return false;
    }
    return true;
}

bool batch_rows_fit(const struct tensor *a, const struct tensor *b, bool pads)
{
    if (a->dtype != b->dtype || a->shape.rank != b->shape.rank)
        return false;
    if (same_inner(&a->shape, &b->shape))
        return true;
    return pads && a->shape.rank <= BATCH_PAD_RANK_MAX && tensor_elements(a) && tensor_elements(b);
}

/* Elements of one row. */
static int64_t row_elements(const struct shape *shape)
{
    int64_t elements = 1;
    for (int i = 1; i < shape->rank; i++)
        elements *= shape->dims[i];
    return elements;
}

static char *row_at(const struct tensor *tensor, int64_t row)
{
    size_t size = dtype_size(tensor->dtype);
    return (char *)tensor->data + (size_t)(row * row_elements(&tensor->shape)) * size;
}

/* ---- merging ---- */

static void fill(char *to, size_t count, const char *element, size_t size)
{
    for (size_t i = 0; i < count; i++)
        memcpy(to + i * size, element, size);
}

/* Where, in elements of a row of `wide`, the n-th innermost run of a row of `narrow` goes. */
static int64_t run_place(const struct shape *narrow, const struct shape *wide, int64_t n)
{
    int64_t place = 0, stride = wide->dims[wide->rank - 1];
    for (int i = narrow->rank - 2; i >= 1; i--) {
        place += n % narrow->dims[i] * stride;
        n /= narrow->dims[i];
        stride *= wide->dims[i];
    }
    return place;
}

static void copy_padded(const struct batch_rows *from, struct tensor *to, int64_t at)
{
    const struct shape *narrow = &from->tensor->shape;
    size_t size = dtype_size(to->dtype);
    int64_t wide_row = row_elements(&to->shape);
    fill(row_at(to, at), (size_t)(from->count * wide_row), from->tensor->data, size);
    int64_t run = narrow->rank > 1 ? narrow->dims[narrow->rank - 1] : 1;
    int64_t runs = run ? row_elements(narrow) / run : 0;
    for (int64_t row = 0; row < from->count; row++) {
        const char *source = row_at(from->tensor, from->first + row);
        char *target = row_at(to, at + row);
        for (int64_t n = 0; n < runs; n++)
            memcpy(target + (size_t)run_place(narrow, &to->shape, n) * size,
                   source + (size_t)(n * run) * size, (size_t)run * size);
    }
}

static void copy_plain(const struct batch_rows *from, struct tensor *to, int64_t at)
{
    size_t bytes = (size_t)(from->count * row_elements(&to->shape)) * dtype_size(to->dtype);
    if (bytes)
        memcpy(row_at(to, at), row_at(from->tensor, from->first), bytes);
}

static void copy_rows(const struct batch_rows *from, struct tensor *to, int64_t at)
{
    bool same = same_inner(&from->tensor->shape, &to->shape);
    (same ? copy_plain : copy_padded)(from, to, at);
}

enum code batch_rows_merge(const struct batch_rows *parts, size_t count, int64_t padding,
                           struct arena *arena, struct tensor *to, struct error *err)
{
    struct shape shape = parts[0].tensor->shape;
    shape.dims[0] = padding;
    for (size_t i = 0; i < count; i++) {
        const struct shape *part = &parts[i].tensor->shape;
        shape.dims[0] += parts[i].count;
        for (int k = 1; k < shape.rank; k++)
            shape.dims[k] = part->dims[k] > shape.dims[k] ? part->dims[k] : shape.dims[k];
    }
    enum code code = tensor_alloc(to, parts[0].tensor->dtype, &shape, arena, err);
    if (code)
        return code;
    int64_t at = 0;
    for (size_t i = 0; i < count; i++) {
        copy_rows(&parts[i], to, at);
        at += parts[i].count;
    }
    struct batch_rows last = {to, at - parts[count - 1].count, 1};
    for (; padding; padding--)
        copy_plain(&last, to, at++);
    return CODE_OK;
}

/* ---- taking apart ---- */

/* Gives each string of the rows bytes of its own. */
static enum code own_strings(struct tensor *tensor, int64_t first, int64_t count,
                             struct arena *arena, struct error *err)
{
    struct span *strings = (struct span *)(void *)row_at(tensor, first);
    size_t elements = (size_t)(count * row_elements(&tensor->shape)), total = 0;
    for (size_t i = 0; i < elements; i++)
        total += strings[i].len;
    char *bytes = arena_try_alloc(arena, total + 1, 1);
    if (!bytes)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "no memory for %zu bytes of strings", total);
    for (size_t i = 0; i < elements; i++) {
        if (strings[i].len)
            memcpy(bytes, strings[i].ptr, strings[i].len);
        strings[i].ptr = bytes;
        bytes += strings[i].len;
    }
    return CODE_OK;
}

enum code batch_rows_copy(const struct batch_rows *from, struct tensor *to, int64_t at,
                          struct arena *arena, struct error *err)
{
    copy_plain(from, to, at);
    if (to->dtype != DTYPE_STRING)
        return CODE_OK;
    return own_strings(to, at, from->count, arena, err);
}
