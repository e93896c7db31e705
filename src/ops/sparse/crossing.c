/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/sparse/crossing.h"

#include <inttypes.h>
#include <stdio.h>

#include "ops/string/fingerprint.h"
#include "ops/string/sip_hash.h"

enum code crossing_find_rows(const struct crossing *x, const struct tensor *indices, int position,
                             const int64_t **result, struct error *err)
{
    int64_t *starts, rows;
    if (__builtin_add_overflow(x->batch, 1, &rows))
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for %lld rows", (long long)x->batch);
    enum code code = kernel_array(x->call, rows, sizeof *starts, &starts, err);
    if (code)
        return code;
    for (int64_t k = 0; k < indices->shape.dims[0]; k++) {
        int64_t row = TENSOR_AT(indices, int64_t)[2 * k];
        if (row < 0 || row >= x->batch)
            return error_set(
                err, CODE_INVALID_ARGUMENT,
                "Got batch index %lld of a batch of %lld, at entry %lld of position %d",
                (long long)row, (long long)x->batch, (long long)k, position);
        starts[row + 1]++;
    }
    for (int64_t row = 0; row < x->batch; row++)
        starts[row + 1] += starts[row];
    *result = starts;
    return CODE_OK;
}

static int64_t row_features(const struct crossing_column *c, int64_t row)
{
    return c->starts ? c->starts[row + 1] - c->starts[row] : c->width;
}

/* ---- counting ---- */

enum code crossing_measure(struct crossing *x, struct error *err)
{
    for (int64_t row = 0; row < x->batch; row++) {
        int64_t n = x->count ? 1 : 0;
        bool over = false;
        for (int i = 0; i < x->count; i++) {
            int64_t features = row_features(&x->columns[i], row);
            over |= __builtin_mul_overflow(n, features, &n);
            if (!features)
                over = false;
        }
        if (over || __builtin_add_overflow(x->total, n, &x->total))
            return error_set(err, CODE_RESOURCE_EXHAUSTED, "row %lld has too many combinations",
                             (long long)row);
        x->longest = n > x->longest ? n : x->longest;
    }
    return CODE_OK;
}

int64_t crossing_of_row(const struct crossing *x, int64_t row)
{
    int64_t n = x->count ? 1 : 0;
    for (int i = 0; n && i < x->count; i++)
        n *= row_features(&x->columns[i], row);
    return n;
}

/* ---- one combination: feature picked[i] of column i ---- */

static int64_t feature_at(const struct crossing_column *c, int64_t row, int64_t picked)
{
    return (c->starts ? c->starts[row] : row * c->width) + picked;
}

void crossing_next(const struct crossing *x, int64_t row, int64_t *picked)
{
    for (int i = x->count - 1; i >= 0; i--) {
        if (++picked[i] < row_features(&x->columns[i], row))
            return;
        picked[i] = 0;
    }
}

/* Of a number that is hashed TensorFlow takes as many bytes as its enum of types has. */
static uint64_t feature_hash(const struct crossing_column *c, int64_t at,
                             const struct crossing_hash *how)
{
    enum { NUMBER_BYTES = 4 };
    bool is_text = c->values->dtype == DTYPE_STRING;
    if (!is_text && !how->strong && !(how->hashes_numbers && c->starts))
        return TENSOR_AT(c->values, uint64_t)[at];
    struct span bytes = is_text ? TENSOR_AT(c->values, struct span)[at]
                                : span_make(&TENSOR_AT(c->values, int64_t)[at], NUMBER_BYTES);
    return how->strong ? sip_hash(bytes, how->strong) : fingerprint(bytes);
}

int64_t crossing_hash(const struct crossing *x, int64_t row, const int64_t *picked,
                      const struct crossing_hash *how)
{
    uint64_t hash = how->key;
    for (int i = 0; i < x->count; i++) {
        int64_t at = feature_at(&x->columns[i], row, picked[i]);
        uint64_t own = feature_hash(&x->columns[i], at, how);
        hash = i || how->starts_with_key ? fingerprint_cat(hash, own) : own;
    }
    return (int64_t)(hash % (how->buckets ? how->buckets : INT64_MAX));
}

static struct span feature_text(const struct tensor *values, int64_t at, char number[24])
{
    if (values->dtype == DTYPE_STRING)
        return TENSOR_AT(values, struct span)[at];
    int n = snprintf(number, 24, "%" PRId64, TENSOR_AT(values, int64_t)[at]);
    return (struct span){number, (size_t)n};
}

enum code crossing_text(const struct crossing *x, int64_t row, const int64_t *picked,
                        struct span separator, struct span *result, struct error *err)
{
    char number[24];
    size_t len = 0;
    for (int i = 0; i < x->count; i++) {
        int64_t at = feature_at(&x->columns[i], row, picked[i]);
        len += feature_text(x->columns[i].values, at, number).len + (i ? separator.len : 0);
    }
    char *p;
    enum code code = kernel_array(x->call, (int64_t)len, 1, &p, err);
    if (code)
        return code;
    *result = (struct span){p, len};
    for (int i = 0; i < x->count; i++) {
        int64_t at = feature_at(&x->columns[i], row, picked[i]);
        struct span text = feature_text(x->columns[i].values, at, number);
        if (i && separator.len)
            p = (char *)memcpy(p, separator.ptr, separator.len) + separator.len;
        if (text.len)
            p = (char *)memcpy(p, text.ptr, text.len) + text.len;
    }
    return CODE_OK;
}
