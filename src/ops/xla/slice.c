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

/* Where element i of the input goes, or -1 when it is cut off. */
static int64_t padded_place(const struct op_call *call, int64_t i, const int64_t *out_strides)
{
    const struct shape *in = &call->in[0]->shape, *out = &call->out[0]->shape;
    int64_t at = 0;
    for (int k = in->rank - 1; k >= 0; i /= in->dims[k--]) {
        int64_t step = tensor_int(call->in[4], k) + 1;
        int64_t place = tensor_int(call->in[2], k) + i % in->dims[k] * step;
        if (place < 0 || place >= out->dims[k])
            return -1;
        at += place * out_strides[k];
    }
    return at;
}

static enum code pad_run(struct op_call *call, struct error *err)
{
    (void)err;
    size_t size = dtype_size(call->in[0]->dtype);
    char *to = call->out[0]->data;
    int64_t strides[SHAPE_RANK_MAX];
    for (int64_t i = 0, n = tensor_elements(call->out[0]); i < n; i++)
        memcpy(to + (size_t)i * size, call->in[1]->data, size);
    view_strides(&call->out[0]->shape, strides);
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++) {
        int64_t at = padded_place(call, i, strides);
        if (at >= 0)
            memcpy(to + (size_t)at * size, (const char *)call->in[0]->data + (size_t)i * size,
                   size);
    }
    return CODE_OK;
}

#define SLICE_TYPES (OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL))

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
