/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XlaDynamicSlice, XlaDynamicUpdateSlice: a window of a tensor, taken out or replaced; a start that
 * would let it stand out is moved in. XlaPad: values before, behind and between the elements of
 * each dimension; negative paddings cut.
 */
#include "ops/array/sizes.h"
#include "ops/array/view.h"
#include "ops/kernel.h"

static enum code check_count(const struct op_call *call, int i, struct error *err)
{
    int rank = call->in[0]->shape.rank;
    if (call->in[i]->shape.rank == 1 && call->in[i]->shape.dims[0] == rank)
        return CODE_OK;
    char text[SHAPE_TEXT_SIZE];
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "expected a vector of %d elements, one for each dimension, got shape %s", rank,
                     shape_text(&call->in[i]->shape, text));
}

/* Where a window of `sizes` begins in input 0; the strides are input 0's. */
static int64_t window_offset(const struct op_call *call, int starts, const struct shape *sizes)
{
    const struct shape *in = &call->in[0]->shape;
    int64_t strides[SHAPE_RANK_MAX], offset = 0;
    view_strides(in, strides);
    for (int k = 0; k < in->rank; k++) {
        int64_t start = tensor_int(call->in[starts], k), last = in->dims[k] - sizes->dims[k];
        start = start > last ? last : start < 0 ? 0 : start;
        offset += start * strides[k];
    }
    return offset;
}

static enum code check_window(const struct op_call *call, const struct shape *sizes,
                              struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    bool fits = sizes->rank == in->rank;
    for (int k = 0; fits && k < in->rank; k++)
        fits = sizes->dims[k] >= 0 && sizes->dims[k] <= in->dims[k];
    if (fits)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT, "a slice of shape %s does not fit input shape %s",
                     shape_text(sizes, left), shape_text(in, right));
}

/* ---- XlaDynamicSlice: input, start_indices [rank], size_indices [rank] ---- */

static enum code slice_shape(struct op_call *call, struct error *err)
{
    struct shape sizes;
    enum code code = check_count(call, 1, err);
    if (!code)
        code = check_count(call, 2, err);
    if (code || !op_call_known(call, 2)) {
        op_call_defer(call, 0);
        return code;
    }
    code = sizes_read_shape(call, 2, &sizes, err);
    if (!code)
        code = check_window(call, &sizes, err);
    if (!code)
        op_call_shape(call, 0, &sizes);
    return code;
}

static enum code slice_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct shape *out = &call->out[0]->shape;
    struct view view = {.rank = out->rank, .size = dtype_size(call->in[0]->dtype)};
    memcpy(view.dims, out->dims, sizeof view.dims);
    view_strides(&call->in[0]->shape, view.strides);
    view.offset = window_offset(call, 1, out);
    view_simplify(&view);
    if (tensor_elements(call->out[0]))
        view_copy(&view, call->in[0]->data, call->out[0]->data);
    return CODE_OK;
}

/* ---- XlaDynamicUpdateSlice: input, update, indices [rank] ---- */

static enum code update_shape(struct op_call *call, struct error *err)
{
    enum code code = check_count(call, 2, err);
    if (!code)
        code = check_window(call, &call->in[1]->shape, err);
    op_call_shape(call, 0, &call->in[0]->shape);
    return code;
}

static enum code update_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct shape *in = &call->in[0]->shape, *update = &call->in[1]->shape;
    size_t size = dtype_size(call->in[0]->dtype);
    int64_t strides[SHAPE_RANK_MAX];
    if (call->out[0]->data != call->in[0]->data)
        memcpy(call->out[0]->data, call->in[0]->data, tensor_bytes(call->in[0]));
    int64_t row = in->rank ? update->dims[in->rank - 1] : 1;
    int64_t rows = row ? tensor_elements(call->in[1]) / row : 0;
    int64_t offset = window_offset(call, 2, update);
    view_strides(in, strides);
    for (int64_t r = 0; r < rows; r++) {
        int64_t at = offset, rest = r;
        for (int k = in->rank - 2; k >= 0; rest /= update->dims[k--])
            at += rest % update->dims[k] * strides[k];
        memcpy((char *)call->out[0]->data + (size_t)at * size,
               (const char *)call->in[1]->data + (size_t)(r * row) * size, (size_t)row * size);
    }
    return CODE_OK;
}

/* ---- XlaPad: input, padding_value [], padding_low, padding_high, padding_interior [rank] ---- */

static enum code padded_size(const struct op_call *call, int k, int64_t *size, struct error *err)
{
    int64_t n = call->in[0]->shape.dims[k], low = tensor_int(call->in[2], k);
    int64_t high = tensor_int(call->in[3], k), interior = tensor_int(call->in[4], k);
    if (interior < 0 || interior > INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "padding_interior must be non-negative and small, not %lld",
                         (long long)interior);
    int64_t between;
    bool fits = !__builtin_mul_overflow(interior, n ? n - 1 : 0, &between) &&
                !__builtin_add_overflow(n, between, size) &&
                !__builtin_add_overflow(*size, low, size) &&
                !__builtin_add_overflow(*size, high, size);
    if (!fits || *size < 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "padding dimension %d gives no valid size", k);
    return CODE_OK;
}

static enum code pad_shape(struct op_call *call, struct error *err)
{
    struct shape out = {.rank = call->in[0]->shape.rank};
    if (tensor_elements(call->in[1]) != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "padding_value must be a scalar");
    for (int i = 2; i < 5; i++) {
        enum code code = check_count(call, i, err);
        if (code)
            return code;
    }
    if (!op_call_known(call, 2) || !op_call_known(call, 3) || !op_call_known(call, 4)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    for (int k = 0; k < out.rank; k++) {
        enum code code = padded_size(call, k, &out.dims[k], err);
        if (code)
            return code;
    }
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

/* The elements that are not cut off, and where they go. */
struct padded {
    int64_t first[SHAPE_RANK_MAX]; /* of the input */
    int64_t count[SHAPE_RANK_MAX];
    int64_t place[SHAPE_RANK_MAX]; /* of the first, in the output */
    int64_t step[SHAPE_RANK_MAX];
};

/* False: all are cut off. */
static bool find_padded(const struct op_call *call, struct padded *p)
{
    for (int k = 0; k < call->in[0]->shape.rank; k++) {
        int64_t n = call->in[0]->shape.dims[k], out = call->out[0]->shape.dims[k];
        int64_t low = tensor_int(call->in[2], k), step = tensor_int(call->in[4], k) + 1;
        p->step[k] = step;
        p->first[k] = low < 0 ? -(low + 1) / step + 1 : 0;
        if (p->first[k] >= n)
            return false;
        p->place[k] = low + p->first[k] * step;
        if (p->place[k] >= out)
            return false;
        int64_t fit = (out - 1 - p->place[k]) / step + 1;
        p->count[k] = fit < n - p->first[k] ? fit : n - p->first[k];
    }
    return true;
}

static void put_row(const char *from, char *to, int64_t n, int64_t step, size_t size)
{
    if (step == 1)
        memcpy(to, from, (size_t)n * size);
    for (int64_t i = 0; step > 1 && i < n; i++)
        memcpy(to + (size_t)(i * step) * size, from + (size_t)i * size, size);
}

static enum code pad_run(struct op_call *call, struct error *err)
{
    (void)err;
    size_t size = dtype_size(call->in[0]->dtype);
    const struct shape *in = &call->in[0]->shape;
    int64_t in_strides[SHAPE_RANK_MAX], out_strides[SHAPE_RANK_MAX], rows = 1;
    struct padded p;
    kernel_fill(call->out[0]->data, call->in[1]->data, size, tensor_elements(call->out[0]));
    if (!find_padded(call, &p))
        return CODE_OK;
    view_strides(in, in_strides);
    view_strides(&call->out[0]->shape, out_strides);
    for (int k = 0; k < in->rank - 1; k++)
        rows *= p.count[k];
    for (int64_t row = 0; row < rows; row++) {
        int last = in->rank - 1;
        int64_t rest = row, from = in->rank ? p.first[last] : 0, to = in->rank ? p.place[last] : 0;
        for (int k = last - 1; k >= 0; rest /= p.count[k--]) {
            int64_t at = rest % p.count[k];
            from += (p.first[k] + at) * in_strides[k];
            to += (p.place[k] + at * p.step[k]) * out_strides[k];
        }
        put_row((const char *)call->in[0]->data + (size_t)from * size,
                (char *)call->out[0]->data + (size_t)to * size, in->rank ? p.count[last] : 1,
                in->rank ? p.step[last] : 1, size);
    }
    return CODE_OK;
}

#define SLICE_TYPES (OP_TYPES_NUMBER | OP_TYPES_QUANTISED | OP_TYPES_FLOAT8 | OP_TYPE(DTYPE_BOOL))

const struct op op_XlaDynamicSlice = {
    .name = "XlaDynamicSlice",
    .inputs = "input:T start_indices:Tindices size_indices:Tindices",
    .outputs = "output:T",
    .attrs = "T:type Tindices:index",
    .types = SLICE_TYPES,
    .shape = slice_shape,
    .run = slice_run,
};

const struct op op_XlaDynamicUpdateSlice = {
    .name = "XlaDynamicUpdateSlice",
    .inputs = "input:T update:T indices:Tindices",
    .outputs = "output:T",
    .attrs = "T:type Tindices:index",
    .flags = OP_UPDATES,
    .types = SLICE_TYPES,
    .shape = update_shape,
    .run = update_run,
};

const struct op op_XlaPad = {
    .name = "XlaPad",
    .inputs = "input:T padding_value:T padding_low:Tindices padding_high:Tindices "
              "padding_interior:Tindices",
    .outputs = "output:T",
    .attrs = "T:type Tindices:index",
    .types = SLICE_TYPES,
    .shape = pad_shape,
    .run = pad_run,
};
