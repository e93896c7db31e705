/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XlaReduce, XlaVariadicReduceV2: all elements along some dimensions combined by a function, from
 * the initial values on. XlaReduceWindow: the same for windows that slide over the input; what lies
 * in the padding or between dilated elements is left out.
 */
#include "ops/array/sizes.h"
#include "ops/array/view.h"
#include "ops/kernel.h"
#include "ops/xla/numbers.h"
#include "ops/xla/reducer.h"

/* ---- XlaReduce: inputs..., init_values... ---- */

static enum code read_axes(const struct op_call *call, struct numbers_list *axes, struct error *err)
{
    const int64_t *dims;
    int rank = call->in[0]->shape.rank;
    size_t count = op_attr_ints(call, "dimensions_to_reduce", &dims);
    *axes = (struct numbers_list){0};
    for (size_t i = 0; i < count && i < SHAPE_RANK_MAX; i++) {
        int64_t axis = dims[i];
        if (axis < 0 || axis >= rank)
            return error_set(err, CODE_INVALID_ARGUMENT, "Reducing out-of-bounds dimension %lld",
                             (long long)axis);
        axes->values[axes->count++] = (int)axis;
    }
    return numbers_check(axes, rank, "dimensions_to_reduce", err);
}

static enum code check_arguments(const struct op_call *call, int count, struct error *err)
{
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    for (int i = 0; i < count; i++) {
        if (!shape_equal(&call->in[i]->shape, &call->in[0]->shape))
            return error_set(err, CODE_INVALID_ARGUMENT, "inputs have shapes %s and %s",
                             shape_text(&call->in[0]->shape, left),
                             shape_text(&call->in[i]->shape, right));
        if (tensor_elements(call->in[count + i]) != 1)
            return error_set(err, CODE_INVALID_ARGUMENT, "init value %d is no scalar", i);
    }
    return CODE_OK;
}

/* The result's shape, and for each input dimension the stride in the result (0: reduced). */
static struct shape reduced_shape(const struct shape *in, const struct numbers_list *axes,
                                  int64_t *strides)
{
    struct shape out = {0};
    int64_t stride = 1;
    for (int k = 0; k < in->rank; k++) {
        if (!numbers_has(axes, k))
            out.dims[out.rank++] = in->dims[k];
    }
    for (int k = in->rank - 1; k >= 0; k--) {
        strides[k] = numbers_has(axes, k) ? 0 : stride;
        stride *= numbers_has(axes, k) ? 1 : in->dims[k];
    }
    return out;
}

static void *element_of(const struct tensor *t, int64_t i)
{
    return (char *)t->data + (size_t)i * dtype_size(t->dtype);
}

static enum code fill_initial(struct op_call *call, const struct shape *out, struct error *err)
{
    enum code code = CODE_OK;
    for (int i = 0; !code && i < call->out_count; i++) {
        const void *initial = call->in[call->out_count + i]->data;
        code = op_call_alloc(call, i, out, err);
        for (int64_t k = 0, n = shape_elements(out); !code && k < n; k++)
            memcpy(element_of(call->out[i], k), initial, dtype_size(call->out[i]->dtype));
    }
    return code;
}

static enum code reduce_run(struct op_call *call, struct error *err)
{
    struct numbers_list axes;
    int64_t strides[SHAPE_RANK_MAX];
    int count = call->out_count;
    const struct shape *in = &call->in[0]->shape;
    enum code code = check_arguments(call, count, err);
    if (!code)
        code = read_axes(call, &axes, err);
    if (code)
        return code;
    struct shape out = reduced_shape(in, &axes, strides);
    code = fill_initial(call, &out, err);
    /* XLA takes a reduction over no dimension for a copy, whatever the initial value. */
    for (int i = 0; !code && !axes.count && i < count; i++)
        memcpy(call->out[i]->data, call->in[i]->data, tensor_bytes(call->in[i]));
    if (code || !axes.count)
        return code;
    struct reducer *reducer = reducer_new(call);
    void **to = ARENA_ARRAY(call->arena, void *, (size_t)count);
    const void **from = ARENA_ARRAY(call->arena, const void *, (size_t)count);
    for (int64_t n = 0, all = shape_elements(in); !code && n < all; n++) {
        int64_t at = 0, rest = n;
        for (int k = in->rank - 1; k >= 0; rest /= in->dims[k--])
            at += rest % in->dims[k] * strides[k];
        for (int i = 0; i < count; i++) {
            to[i] = element_of(call->out[i], at);
            from[i] = element_of(call->in[i], n);
        }
        code = reducer_apply(reducer, to, from, err);
    }
    return code;
}

/* ---- XlaReduceWindow ---- */

enum { INPUT, INIT, SIZE, STRIDE, BASE_DILATION, WINDOW_DILATION, PADDING };

struct sliding {
    struct shape in, out, window;
    int64_t stride[SHAPE_RANK_MAX], base[SHAPE_RANK_MAX], dilation[SHAPE_RANK_MAX];
    int64_t low[SHAPE_RANK_MAX];
    int64_t strides[SHAPE_RANK_MAX]; /* of the input */
};

/* Sizes, strides, dilations: at least 1 and small enough that no product overflows. */
static enum code read_steps(const struct op_call *call, int i, int64_t *to, struct error *err)
{
    int rank = call->in[INPUT]->shape.rank;
    if (tensor_elements(call->in[i]) != rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "input %d must have %d elements", i, rank);
    for (int k = 0; k < rank; k++) {
        to[k] = tensor_int(call->in[i], k);
        if (to[k] < 1 || to[k] > INT32_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "window, stride and dilation must be positive, not %lld",
                             (long long)to[k]);
    }
    return CODE_OK;
}

static enum code window_count(const struct op_call *call, struct sliding *s, int k,
                              struct error *err)
{
    int64_t low = tensor_int(call->in[PADDING], 2 * k),
            high = tensor_int(call->in[PADDING], 2 * k + 1);
    int64_t n = s->in.dims[k];
    if (low < INT32_MIN || low > INT32_MAX || high < INT32_MIN || high > INT32_MAX || n > INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "padding dimension %d is out of range", k);
    int64_t length = (n ? (n - 1) * s->base[k] + 1 : 0) + low + high;
    int64_t reach = (s->window.dims[k] - 1) * s->dilation[k] + 1;
    s->low[k] = low;
    s->out.dims[k] = length < reach ? 0 : (length - reach) / s->stride[k] + 1;
    return CODE_OK;
}

static enum code read_sliding(const struct op_call *call, struct sliding *s, struct error *err)
{
    const struct shape *padding = &call->in[PADDING]->shape;
    *s = (struct sliding){.in = call->in[INPUT]->shape};
    s->out.rank = s->window.rank = s->in.rank;
    view_strides(&s->in, s->strides);
    if (tensor_elements(call->in[INIT]) != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "init_value must be a scalar");
    if (padding->rank != 2 || padding->dims[0] != s->in.rank || padding->dims[1] != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "padding must be a matrix with two columns");
    enum code code = read_steps(call, SIZE, s->window.dims, err);
    if (!code)
        code = read_steps(call, STRIDE, s->stride, err);
    if (!code)
        code = read_steps(call, BASE_DILATION, s->base, err);
    if (!code)
        code = read_steps(call, WINDOW_DILATION, s->dilation, err);
    for (int k = 0; !code && k < s->in.rank; k++)
        code = window_count(call, s, k, err);
    int64_t elements;
    if (!code && (!shape_elements_checked(&s->window, &elements) ||
                  !shape_elements_checked(&s->out, &elements)))
        code = error_set(err, CODE_INVALID_ARGUMENT, "the windows are too large");
    return code;
}

/* The input element under place w of the window for result o; -1: there is none. */
static int64_t element_under(const struct sliding *s, int64_t o, int64_t w)
{
    int64_t at = 0;
    for (int k = s->in.rank - 1; k >= 0; k--) {
        int64_t place =
            o % s->out.dims[k] * s->stride[k] + w % s->window.dims[k] * s->dilation[k] - s->low[k];
        o /= s->out.dims[k];
        w /= s->window.dims[k];
        if (place < 0 || place % s->base[k] || place / s->base[k] >= s->in.dims[k])
            return -1;
        at += place / s->base[k] * s->strides[k];
    }
    return at;
}

static enum code window_run(struct op_call *call, struct error *err)
{
    struct sliding s;
    enum code code = read_sliding(call, &s, err);
    if (!code)
        code = op_call_alloc(call, 0, &s.out, err);
    if (code)
        return code;
    struct reducer *reducer = reducer_new(call);
    int64_t places = shape_elements(&s.window);
    for (int64_t o = 0, n = shape_elements(&s.out); !code && o < n; o++) {
        void *to = element_of(call->out[0], o);
        memcpy(to, call->in[INIT]->data, dtype_size(call->out[0]->dtype));
        for (int64_t w = 0; !code && w < places; w++) {
            int64_t at = element_under(&s, o, w);
            const void *from = at < 0 ? NULL : element_of(call->in[INPUT], at);
            code = from ? reducer_apply(reducer, &to, &from, err) : CODE_OK;
        }
    }
    return code;
}

#define REDUCE_FLAGS (OP_STATEFUL | OP_DYNAMIC | OP_CALLS | OP_COMBINES)

const struct op op_XlaReduce = {
    .name = "XlaReduce",
    .inputs = "input:T init_value:T",
    .outputs = "output:T",
    .attrs = "T:type dimensions_to_reduce:list(int) reducer:func",
    .flags = REDUCE_FLAGS,
    .types = OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL),
    .run = reduce_run,
};

const struct op op_XlaVariadicReduceV2 = {
    .name = "XlaVariadicReduceV2",
    .inputs = "inputs:T init_values:T",
    .outputs = "outputs:T",
    .attrs = "T:list(type) dimensions_to_reduce:list(int) reducer:func",
    .flags = REDUCE_FLAGS,
    .run = reduce_run,
};

const struct op op_XlaReduceWindow = {
    .name = "XlaReduceWindow",
    .inputs = "input:T init_value:T window_dimensions:Tindices window_strides:Tindices "
              "base_dilations:Tindices window_dilations:Tindices padding:Tindices",
    .outputs = "output:T",
    .attrs = "T:type Tindices:index computation:func",
    .flags = REDUCE_FLAGS,
    .types = OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL),
    .run = window_run,
};
