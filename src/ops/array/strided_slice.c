/* SPDX-License-Identifier: Apache-2.0 */
/*
 * StridedSlice: numpy's x[a:b:c, ..., newaxis, i], as begin, end, strides [n] and masks with a bit
 * for each of the n. TensorStridedSliceUpdate puts a tensor there, StridedSliceGrad puts it into
 * zeros.
 */
#include "ops/array/sizes.h"
#include "ops/array/view.h"
#include "ops/kernel.h"

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

static enum code shrink_dimension(struct slicing *s, int dim, int64_t size, int64_t at,
                                  struct error *err)
{
    int64_t index = at < 0 ? at + size : at;
    if (index < 0 || index >= size)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "slice index %lld of dimension %d out of bounds.", (long long)index, dim);
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
        /* begin_mask has no say here. */
        return shrink_dimension(s, dim, size, spec[0], err);
    }
    enum code code = slice_dimension(s, dim, size, spec, open, err);
    return code ? code : add_size(&s->shape, s->view.dims[dim], err);
}

/* What the specifications do to a tensor of shape `in`. */
static enum code slice_all(const struct op_call *call, const struct shape *in, struct slicing *s,
                           struct error *err)
{
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
    enum code code = slice_all(call, &call->in[0]->shape, &s, err);
    if (!code)
        op_call_shape(call, 0, &s.shape);
    return code;
}

static enum code strided_slice_prepare(struct op_call *call, struct error *err)
{
    struct slicing s;
    enum code code = slice_all(call, &call->in[0]->shape, &s, err);
    if (!code)
        view_op_set(call, &s.view);
    return code;
}

/* ---- StridedSliceGrad: shape [rank], begin, end, strides, dy ---- */

static enum code grad_shape(struct op_call *call, struct error *err)
{
    struct shape shape;
    char text[SHAPE_TEXT_SIZE];
    if (call->in[0]->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "shape must be 1-D, got shape.shape = %s",
                         shape_text(&call->in[0]->shape, text));
    for (int i = 0; i < 4; i++) {
        if (!op_call_known(call, i)) {
            op_call_defer(call, 0);
            return CODE_OK;
        }
    }
    enum code code = sizes_read_shape(call, 0, &shape, err);
    if (!code)
        op_call_shape(call, 0, &shape);
    return code;
}

/* The slice of the output must have the shape of dy. */
static enum code grad_prepare(struct op_call *call, struct error *err)
{
    const struct shape *given = &call->in[4]->shape;
    char x[SHAPE_TEXT_SIZE], y[SHAPE_TEXT_SIZE];
    struct slicing s;
    enum code code = slice_all(call, &call->out[0]->shape, &s, err);
    if (code)
        return code;
    if (!shape_equal(&s.shape, given))
        return error_set(err, CODE_INVALID_ARGUMENT, "shape of dy was %s instead of %s",
                         shape_text(given, x), shape_text(&s.shape, y));
    view_op_set(call, &s.view);
    return CODE_OK;
}

static enum code grad_run(struct op_call *call, struct error *err)
{
    (void)err;
    memset(call->out[0]->data, 0, tensor_bytes(call->out[0]));
    view_put(call->state, call->in[4]->data, call->out[0]->data);
    return CODE_OK;
}

/* ---- TensorStridedSliceUpdate: input, begin, end, strides, value ---- */

static enum code update_shape(struct op_call *call, struct error *err)
{
    (void)err;
    op_call_shape(call, 0, &call->in[0]->shape);
    for (int i = 1; i < 4; i++) {
        if (!op_call_known(call, i))
            op_call_defer(call, 0);
    }
    return CODE_OK;
}

struct update {
    struct view place, value;
};

/* The value may be broadcast to the slice. */
static enum code update_prepare(struct op_call *call, struct error *err)
{
    const struct shape *value = &call->in[4]->shape;
    char x[SHAPE_TEXT_SIZE], y[SHAPE_TEXT_SIZE];
    struct slicing s;
    struct update *u = ARENA_NEW(call->arena, struct update);
    enum code code = slice_all(call, &call->in[0]->shape, &s, err);
    if (code)
        return code;
    bool fits = true;
    for (int i = 1; i <= value->rank; i++) {
        int64_t own = value->dims[value->rank - i];
        fits &= own == 1 || (i <= s.shape.rank && own == s.shape.dims[s.shape.rank - i]);
    }
    if (!fits)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Cannot broadcast input shape %s into final shape %s",
                         shape_text(value, x), shape_text(&s.shape, y));
    u->place = s.view;
    u->value = view_broadcast(value, &s.shape);
    u->place.size = u->value.size = dtype_size(call->out[0]->dtype);
    call->scratch_size = (size_t)shape_elements(&s.shape) * u->value.size;
    view_simplify(&u->place);
    view_simplify(&u->value);
    call->state = u;
    return CODE_OK;
}

static enum code update_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct update *u = call->state;
    memcpy(call->out[0]->data, call->in[0]->data, tensor_bytes(call->out[0]));
    view_copy(&u->value, call->in[4]->data, call->scratch);
    view_put(&u->place, call->scratch, call->out[0]->data);
    return CODE_OK;
}

const struct op op_StridedSlice = {
    .name = "StridedSlice",
    .inputs = "input:T begin:Index end:Index strides:Index",
    .outputs = "output:T",
    .attrs = "T:type Index:integer begin_mask:int=0 end_mask:int=0 ellipsis_mask:int=0 "
             "new_axis_mask:int=0 shrink_axis_mask:int=0",
    .shape = strided_slice_shape,
    .prepare = strided_slice_prepare,
    .run = view_op_run,
};

const struct op op_StridedSliceGrad = {
    .name = "StridedSliceGrad",
    .inputs = "shape:Index begin:Index end:Index strides:Index dy:T",
    .outputs = "output:T",
    .attrs = "T:type Index:integer begin_mask:int=0 end_mask:int=0 ellipsis_mask:int=0 "
             "new_axis_mask:int=0 shrink_axis_mask:int=0",
    .types = OP_TYPES_NUMBER | OP_TYPES_QUANTISED | OP_TYPES_FLOAT8 | OP_TYPE(DTYPE_BOOL) |
             OP_TYPE(DTYPE_STRING),
    .shape = grad_shape,
    .prepare = grad_prepare,
    .run = grad_run,
};

const struct op op_TensorStridedSliceUpdate = {
    .name = "TensorStridedSliceUpdate",
    .inputs = "input:T begin:Index end:Index strides:Index value:T",
    .outputs = "output:T",
    .attrs = "T:type Index:integer begin_mask:int=0 end_mask:int=0 ellipsis_mask:int=0 "
             "new_axis_mask:int=0 shrink_axis_mask:int=0",
    .types = OP_TYPES_NUMBER | OP_TYPES_QUANTISED | OP_TYPES_FLOAT8 | OP_TYPE(DTYPE_BOOL) |
             OP_TYPE(DTYPE_STRING),
    .shape = update_shape,
    .prepare = update_prepare,
    .run = update_run,
};
