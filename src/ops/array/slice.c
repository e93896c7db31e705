/* SPDX-License-Identifier: Apache-2.0 */
/* Slice, StridedSlice, ReverseV2, Transpose, BroadcastTo, Tile: views of input 0. */
#include "ops/array/sizes.h"
#include "ops/array/view.h"
#include "ops/kernel.h"
#include "ops/math/broadcast.h"

/* ---- Slice: input, begin [rank], size [rank] with -1 for the rest ---- */

static enum code slice_sizes(const struct op_call *call, struct shape *begin, struct shape *size,
                             struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    enum code code = sizes_read(call, 1, begin, err);
    if (!code)
        code = sizes_read(call, 2, size, err);
    if (code)
        return code;
    if (begin->rank != in->rank || size->rank != in->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected begin and size arguments to be 1-D tensors of size %d, but got "
                         "shapes [%d] and [%d] instead.",
                         in->rank, begin->rank, size->rank);
    for (int i = 0; i < in->rank; i++) {
        if (size->dims[i] == -1)
            size->dims[i] = in->dims[i] - begin->dims[i];
        if (begin->dims[i] < 0 || begin->dims[i] > in->dims[i])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Expected begin[%d] in [0, %lld], but got %lld", i,
                             (long long)in->dims[i], (long long)begin->dims[i]);
        if (size->dims[i] < 0 || size->dims[i] > in->dims[i] - begin->dims[i])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Expected size[%d] in [0, %lld], but got %lld", i,
                             (long long)(in->dims[i] - begin->dims[i]), (long long)size->dims[i]);
    }
    return CODE_OK;
}

static enum code slice_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 1) || !op_call_known(call, 2)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    struct shape begin, size;
    enum code code = slice_sizes(call, &begin, &size, err);
    if (!code)
        op_call_shape(call, 0, &size);
    return code;
}

static enum code slice_prepare(struct op_call *call, struct error *err)
{
    struct shape begin, size;
    enum code code = slice_sizes(call, &begin, &size, err);
    if (code)
        return code;
    struct view view = {.rank = size.rank};
    view_strides(&call->in[0]->shape, view.strides);
    for (int i = 0; i < size.rank; i++) {
        view.dims[i] = size.dims[i];
        view.offset += begin.dims[i] * view.strides[i];
    }
    view_op_set(call, &view);
    return CODE_OK;
}

/* ---- StridedSlice: numpy's x[a:b:c, ..., newaxis, i], as begin, end, strides [n] and masks with a
 * bit for each of the n ---- */

struct masks {
    int64_t begin, end, ellipsis, new_axis, shrink;
};

/* What the n specifications do to the input's dimensions. */
struct slicing {
    struct view view;   /* of every input dimension, shrunk ones with size 1 */
    struct shape shape; /* of the result */
};

static bool bit(int64_t mask, int i)
{
    return i < 63 && (mask >> i & 1);
}

/* One dimension from begin to end by stride, with numpy's rules for negative and outlying numbers.
 */
static enum code slice_dimension(struct slicing *s, int dim, int64_t size, const int64_t spec[3],
                                 const bool open[2], struct error *err)
{
    int64_t stride = spec[2];
    if (!stride)
        return error_set(err, CODE_INVALID_ARGUMENT, "strides[%d] must be non-zero", dim);
    int64_t low = stride > 0 ? 0 : -1;
    int64_t high = stride > 0 ? size : size - 1;
    int64_t ends[2];
    for (int k = 0; k < 2; k++) {
        int64_t v = spec[k] < 0 ? spec[k] + size : spec[k];
        ends[k] = v < low ? low : v > high ? high : v;
    }
    if (open[0])
        ends[0] = stride > 0 ? low : high;
    if (open[1])
        ends[1] = stride > 0 ? high : low;
    int64_t length = ends[1] - ends[0];
    int64_t count = 0;
    if (length && (length < 0) == (stride < 0))
        count = length / stride + (length % stride != 0);
    s->view.offset += count ? ends[0] * s->view.strides[dim] : 0;
    s->view.dims[dim] = count;
    s->view.strides[dim] *= count > 1 ? stride : 0;
    return CODE_OK;
}

static enum code shrink_dimension(struct slicing *s, int spec_index, int dim, int64_t size,
                                  int64_t at, struct error *err)
{
    int64_t index = at < 0 ? at + size : at;
    if (index < 0 || index >= size)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "slice index %lld of dimension %d out of bounds.", (long long)index,
                         spec_index);
    s->view.offset += index * s->view.strides[dim];
    s->view.dims[dim] = 1;
    return CODE_OK;
}

static struct masks read_masks(const struct op_call *call)
{
    return (struct masks){
        op_attr_int(call, "begin_mask"),       op_attr_int(call, "end_mask"),
        op_attr_int(call, "ellipsis_mask"),    op_attr_int(call, "new_axis_mask"),
        op_attr_int(call, "shrink_axis_mask"),
    };
}

static enum code add_size(struct shape *shape, int64_t size, struct error *err)
{
    if (shape->rank == SHAPE_RANK_MAX)
        return error_set(err, CODE_UNIMPLEMENTED, "rank %d is beyond %d", shape->rank + 1,
                         SHAPE_RANK_MAX);
    shape->dims[shape->rank++] = size;
    return CODE_OK;
}

/* Input dimensions that an ellipsis stands for. */
static int ellipsis_width(const struct masks *m, int count, int rank)
{
    int others = 0;
    for (int i = 0; i < count; i++)
        others += !bit(m->ellipsis, i) && !bit(m->new_axis, i);
    return rank - others;
}

struct specs {
    int count;
    int64_t begin[64], end[64], strides[64];
};

static enum code read_specs(const struct op_call *call, struct specs *specs, struct error *err)
{
    int64_t n = tensor_elements(call->in[1]);
    if (call->in[1]->shape.rank != 1 || tensor_elements(call->in[2]) != n ||
        tensor_elements(call->in[3]) != n || n > 32)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected begin, end, and strides to be 1D equal size tensors of at most "
                         "32 elements");
    specs->count = (int)n;
    for (int i = 0; i < specs->count; i++) {
        specs->begin[i] = tensor_int(call->in[1], i);
        specs->end[i] = tensor_int(call->in[2], i);
        specs->strides[i] = tensor_int(call->in[3], i);
    }
    return CODE_OK;
}

static enum code keep_dimensions(struct slicing *s, int *dim, int count, struct error *err)
{
    enum code code = CODE_OK;
    for (int k = 0; !code && k < count; k++, (*dim)++)
        code = add_size(&s->shape, s->view.dims[*dim], err);
    return code;
}

static enum code apply_spec(struct slicing *s, const struct specs *specs, const struct masks *m,
                            int i, int dim, struct error *err)
{
    int64_t size = s->view.dims[dim];
    int64_t spec[3] = {specs->begin[i], specs->end[i], specs->strides[i]};
    bool open[2] = {bit(m->begin, i), bit(m->end, i)};
    if (bit(m->shrink, i)) {
        if (specs->strides[i] <= 0)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "only stride 1 allowed on non-range indexing.");
        return shrink_dimension(s, i, dim, size, open[0] ? 0 : spec[0], err);
    }
    enum code code = slice_dimension(s, dim, size, spec, open, err);
    return code ? code : add_size(&s->shape, s->view.dims[dim], err);
}

static enum code slice_all(const struct op_call *call, struct slicing *s, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    struct masks m = read_masks(call);
    struct specs specs = {0};
    *s = (struct slicing){.view.rank = in->rank};
    view_strides(in, s->view.strides);
    memcpy(s->view.dims, in->dims, sizeof s->view.dims);
    enum code code = read_specs(call, &specs, err);
    if (code)
        return code;
    int width = ellipsis_width(&m, specs.count, in->rank);
    if (width < 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Index out of range using input dim %d; input has only %d dims",
                         in->rank - width - 1, in->rank);
    int dim = 0;
    for (int i = 0; !code && i < specs.count; i++) {
        if (bit(m.ellipsis, i)) {
            code = keep_dimensions(s, &dim, width, err);
        } else if (bit(m.new_axis, i)) {
            code = add_size(&s->shape, 1, err);
        } else {
            code = apply_spec(s, &specs, &m, i, dim, err);
            dim++;
        }
    }
    return code ? code : keep_dimensions(s, &dim, in->rank - dim, err);
}

static enum code strided_slice_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 1) || !op_call_known(call, 2) || !op_call_known(call, 3)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    struct slicing s;
    enum code code = slice_all(call, &s, err);
    if (!code)
        op_call_shape(call, 0, &s.shape);
    return code;
}

static enum code strided_slice_prepare(struct op_call *call, struct error *err)
{
    struct slicing s;
    enum code code = slice_all(call, &s, err);
    if (!code)
        view_op_set(call, &s.view);
    return code;
}

/* ---- ReverseV2: tensor, axis [n] ---- */

static enum code reverse_prepare(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    struct view view = {.rank = in->rank};
    bool done[SHAPE_RANK_MAX] = {false};
    view_strides(in, view.strides);
    memcpy(view.dims, in->dims, sizeof view.dims);
    for (int64_t i = 0; i < tensor_elements(call->in[1]); i++) {
        int64_t value = tensor_int(call->in[1], i);
        int axis;
        if (!kernel_axis(value, in->rank, &axis))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "'axis'[%lld] = %lld is out of valid range [0, %d", (long long)i,
                             (long long)value, in->rank - 1);
        if (done[axis])
            return error_set(err, CODE_INVALID_ARGUMENT, "axis %d specified more than once.", axis);
        done[axis] = true;
        view.offset += in->dims[axis] ? (in->dims[axis] - 1) * view.strides[axis] : 0;
        view.strides[axis] = -view.strides[axis];
    }
    view_op_set(call, &view);
    return CODE_OK;
}

/* ---- Transpose: x, perm [rank] ---- */

/* "2 is missing from {0,0,1}." */
static enum code missing_axis(const int perm[SHAPE_RANK_MAX], int rank, int axis, struct error *err)
{
    error_set(err, CODE_INVALID_ARGUMENT, "%d is missing from {", axis);
    for (int i = 0; i < rank; i++)
        error_append(err, "%s%d", i ? "," : "", perm[i]);
    error_append(err, "}.");
    return CODE_INVALID_ARGUMENT;
}

static enum code read_permutation(const struct op_call *call, int perm[SHAPE_RANK_MAX],
                                  struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    bool used[SHAPE_RANK_MAX] = {false};
    if (tensor_elements(call->in[1]) != in->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "transpose expects a vector of size %d. But input(1) is a vector of size "
                         "%lld",
                         in->rank, (long long)tensor_elements(call->in[1]));
    for (int i = 0; i < in->rank; i++) {
        int64_t value = tensor_int(call->in[1], i);
        if (!kernel_axis(value, in->rank, &perm[i]))
            return error_set(err, CODE_INVALID_ARGUMENT, "%lld is out of range [0 .. %d)",
                             (long long)value, in->rank);
        used[perm[i]] = true;
    }
    for (int i = 0; i < in->rank; i++) {
        if (!used[i])
            return missing_axis(perm, in->rank, i, err);
    }
    return CODE_OK;
}

static enum code transpose_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 1)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    int perm[SHAPE_RANK_MAX];
    enum code code = read_permutation(call, perm, err);
    struct shape out = {.rank = call->in[0]->shape.rank};
    for (int i = 0; !code && i < out.rank; i++)
        out.dims[i] = call->in[0]->shape.dims[perm[i]];
    op_call_shape(call, 0, &out);
    return code;
}

static enum code transpose_prepare(struct op_call *call, struct error *err)
{
    int perm[SHAPE_RANK_MAX];
    int64_t strides[SHAPE_RANK_MAX];
    enum code code = read_permutation(call, perm, err);
    if (code)
        return code;
    struct view view = {.rank = call->in[0]->shape.rank};
    view_strides(&call->in[0]->shape, strides);
    for (int i = 0; i < view.rank; i++) {
        view.dims[i] = call->in[0]->shape.dims[perm[i]];
        view.strides[i] = strides[perm[i]];
    }
    view_op_set(call, &view);
    return CODE_OK;
}

/* ---- BroadcastTo: input, shape [n] ---- */

static enum code broadcast_to_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 1)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    const struct shape *in = &call->in[0]->shape;
    struct shape out, common;
    enum code code = sizes_read_shape(call, 1, &out, err);
    if (code)
        return code;
    if (in->rank > out.rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Rank of input (%d) must be no greater than rank of output shape (%d).",
                         in->rank, out.rank);
    if (broadcast_shape(in, &out, &common, NULL) || !shape_equal(&common, &out)) {
        char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
        return error_set(err, CODE_INVALID_ARGUMENT, "Incompatible shapes: %s vs. %s",
                         shape_text(in, left), shape_text(&out, right));
    }
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code broadcast_to_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    const struct shape *in = &call->in[0]->shape;
    const struct shape *out = &call->out[0]->shape;
    int64_t strides[SHAPE_RANK_MAX];
    struct view view = {.rank = out->rank};
    view_strides(in, strides);
    for (int i = 0; i < out->rank; i++) {
        int from = i - (out->rank - in->rank);
        view.dims[i] = out->dims[i];
        view.strides[i] = from >= 0 && in->dims[from] != 1 ? strides[from] : 0;
    }
    view_op_set(call, &view);
    return CODE_OK;
}

/* ---- Tile: input, multiples [rank] ---- */

static enum code tile_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 1)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    const struct shape *in = &call->in[0]->shape;
    struct shape multiples;
    enum code code = sizes_read(call, 1, &multiples, err);
    if (code)
        return code;
    if (multiples.rank != in->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected multiples argument to be a vector of length %d but got length "
                         "%d",
                         in->rank, multiples.rank);
    for (int i = 0; i < in->rank; i++) {
        if (multiples.dims[i] < 0)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Expected multiples[%d] >= 0, but got %lld", i,
                             (long long)multiples.dims[i]);
        if (__builtin_mul_overflow(multiples.dims[i], in->dims[i], &multiples.dims[i]))
            return error_set(err, CODE_INVALID_ARGUMENT, "the result of Tile is too large");
    }
    op_call_shape(call, 0, &multiples);
    return CODE_OK;
}

/* Repeats what stands in `to` (bytes) until there are `times` of it. */
static void repeat(char *to, size_t bytes, int64_t times)
{
    for (int64_t i = 1; i < times; i++)
        memcpy(to + (size_t)i * bytes, to, bytes);
}

/* From the innermost dimension outwards: each block that is already tiled inside is written, then
 * repeated. */
static char *tile(const struct op_call *call, int dim, const char **from, char *to)
{
    const struct shape *in = &call->in[0]->shape;
    const struct shape *out = &call->out[0]->shape;
    size_t size = dtype_size(call->in[0]->dtype);
    if (dim == in->rank) {
        memcpy(to, *from, size);
        *from += size;
        return to + size;
    }
    char *end = to;
    if (dim == in->rank - 1) {
        size_t bytes = (size_t)in->dims[dim] * size;
        memcpy(to, *from, bytes);
        *from += bytes;
        end = to + bytes;
    } else {
        for (int64_t i = 0; i < in->dims[dim]; i++)
            end = tile(call, dim + 1, from, end);
    }
    int64_t times = in->dims[dim] ? out->dims[dim] / in->dims[dim] : 0;
    size_t bytes = (size_t)(end - to);
    repeat(to, bytes, times);
    return to + bytes * (size_t)times;
}

static enum code tile_run(struct op_call *call, struct error *err)
{
    (void)err;
    const char *from = call->in[0]->data;
    if (tensor_elements(call->out[0]))
        tile(call, 0, &from, call->out[0]->data);
    return CODE_OK;
}

const struct op op_Slice = {
    .name = "Slice",
    .inputs = "input:T begin:Index size:Index",
    .outputs = "output:T",
    .attrs = "T:type Index:index",
    .shape = slice_shape,
    .prepare = slice_prepare,
    .run = view_op_run,
};

const struct op op_StridedSlice = {
    .name = "StridedSlice",
    .inputs = "input:T begin:Index end:Index strides:Index",
    .outputs = "output:T",
    .attrs = "T:type Index:index begin_mask:int=0 end_mask:int=0 ellipsis_mask:int=0 "
             "new_axis_mask:int=0 shrink_axis_mask:int=0",
    .shape = strided_slice_shape,
    .prepare = strided_slice_prepare,
    .run = view_op_run,
};

const struct op op_ReverseV2 = {
    .name = "ReverseV2",
    .inputs = "tensor:T axis:Tidx",
    .outputs = "output:T",
    .attrs = "Tidx:index=int32 T:type",
    .shape = kernel_shape_with_axes,
    .prepare = reverse_prepare,
    .run = view_op_run,
};

const struct op op_Transpose = {
    .name = "Transpose",
    .inputs = "x:T perm:Tperm",
    .outputs = "y:T",
    .attrs = "T:type Tperm:index=int32",
    .shape = transpose_shape,
    .prepare = transpose_prepare,
    .run = view_op_run,
};

const struct op op_BroadcastTo = {
    .name = "BroadcastTo",
    .inputs = "input:T shape:Tidx",
    .outputs = "output:T",
    .attrs = "T:type Tidx:index=int32",
    .shape = broadcast_to_shape,
    .prepare = broadcast_to_prepare,
    .run = view_op_run,
};

const struct op op_Tile = {
    .name = "Tile",
    .inputs = "input:T multiples:Tmultiples",
    .outputs = "output:T",
    .attrs = "T:type Tmultiples:index=int32",
    .shape = tile_shape,
    .run = tile_run,
};
