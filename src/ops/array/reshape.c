/* SPDX-License-Identifier: Apache-2.0 */
/* Ops that give the same elements another shape: no data moves. */
#include "ops/array/sizes.h"
#include "ops/kernel.h"

/* ---- Reshape: tensor, shape [rank] with at most one -1 ---- */

/* What the sizes say: their product without zeros, so that a free size can be told even for an
 * empty tensor. */
struct target {
    struct shape sizes;
    int free_at; /* -1: no free size */
    int64_t product;
    bool has_zero;
};

static enum code read_target(const struct op_call *call, struct target *t, struct error *err)
{
    *t = (struct target){.free_at = -1, .product = 1};
    enum code code = sizes_read(call, 1, &t->sizes, err);
    for (int i = 0; !code && i < t->sizes.rank; i++) {
        int64_t size = t->sizes.dims[i];
        if (size == -1 && t->free_at >= 0)
            code = error_set(err, CODE_INVALID_ARGUMENT,
                             "Only one input size may be -1, not both %d and %d", t->free_at, i);
        else if (size == -1)
            t->free_at = i;
        else if (size < 0)
            code = error_set(err, CODE_INVALID_ARGUMENT, "Size %d must be non-negative, not %lld",
                             i, (long long)size);
        else if (size == 0)
            t->has_zero = true;
        else if (__builtin_mul_overflow(t->product, size, &t->product))
            code = error_set(err, CODE_INVALID_ARGUMENT,
                             "Shape has too many elements for int64 arithmetic");
    }
    return code;
}

/* A zero among the sizes stands for the zeros of the input. */
static enum code fill_free_size(const struct shape *in, struct target *t, struct error *err)
{
    int64_t elements = 1;
    bool left_out = false;
    for (int i = 0; i < in->rank; i++) {
        if (in->dims[i] == 0 && t->has_zero)
            left_out = true;
        else
            elements *= in->dims[i];
    }
    if (!left_out && elements % t->product)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input to reshape is a tensor with %lld values, but the requested shape "
                         "requires a multiple of %lld",
                         (long long)elements, (long long)t->product);
    t->sizes.dims[t->free_at] = elements / t->product;
    return CODE_OK;
}

static enum code reshape_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 1)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    struct target t;
    enum code code = read_target(call, &t, err);
    if (!code && t.free_at >= 0)
        code = fill_free_size(&call->in[0]->shape, &t, err);
    if (code)
        return code;
    int64_t have = tensor_elements(call->in[0]), wanted;
    if (!shape_elements_checked(&t.sizes, &wanted) || wanted != have)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input to reshape is a tensor with %lld values, but the requested shape "
                         "has %lld",
                         (long long)have, (long long)wanted);
    op_call_shape(call, 0, &t.sizes);
    return CODE_OK;
}

/* ---- ExpandDims: input, dim []: a size of 1 before dimension dim ---- */

static enum code expand_dims_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 1)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    const struct shape *in = &call->in[0]->shape;
    if (tensor_elements(call->in[1]) != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "'dim' must be a tensor with a single value");
    int64_t dim = tensor_int(call->in[1], 0);
    int axis;
    if (!kernel_axis(dim, in->rank + 1, &axis))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Tried to expand dim index %lld for tensor with %d dimensions.",
                         (long long)dim, in->rank);
    if (in->rank == SHAPE_RANK_MAX)
        return error_set(err, CODE_UNIMPLEMENTED, "rank %d is beyond %d", in->rank + 1,
                         SHAPE_RANK_MAX);
    struct shape out = {.rank = in->rank + 1};
    for (int i = 0; i < out.rank; i++)
        out.dims[i] = i < axis ? in->dims[i] : i == axis ? 1 : in->dims[i - 1];
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

/* ---- Squeeze: drops sizes of 1, all or those of squeeze_dims ---- */

static enum code squeeze_shape(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    const int64_t *dims;
    size_t count = op_attr_ints(call, "squeeze_dims", &dims);
    bool drop[SHAPE_RANK_MAX] = {false};
    for (size_t i = 0; i < count; i++) {
        int axis;
        if (!kernel_axis(dims[i], in->rank, &axis))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Tried to squeeze dim index %lld for tensor with %d dimensions.",
                             (long long)dims[i], in->rank);
        if (in->dims[axis] != 1)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Can not squeeze dim[%d], expected a dimension of 1, got %lld", axis,
                             (long long)in->dims[axis]);
        drop[axis] = true;
    }
    struct shape out = {0};
    for (int i = 0; i < in->rank; i++) {
        if (count ? !drop[i] : in->dims[i] != 1)
            out.dims[out.rank++] = in->dims[i];
    }
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

/* ---- ops that look at shapes only ---- */

static void put_int(struct tensor *out, int64_t i, int64_t value)
{
    if (out->dtype == DTYPE_INT64)
        TENSOR_AT(out, int64_t)[i] = value;
    else
        TENSOR_AT(out, int32_t)[i] = (int32_t)value;
}

static enum code shape_shape(struct op_call *call, struct error *err)
{
    (void)err;
    for (int i = 0; i < call->out_count; i++) {
        struct shape shape = shape_vector(call->in[i]->shape.rank);
        op_call_shape(call, i, &shape);
    }
    return CODE_OK;
}

static enum code shape_run(struct op_call *call, struct error *err)
{
    for (int i = 0; i < call->out_count; i++) {
        const struct shape *shape = &call->in[i]->shape;
        for (int k = 0; k < shape->rank; k++) {
            if (call->out[i]->dtype == DTYPE_INT32 && shape->dims[k] > INT32_MAX)
                return error_set(err, CODE_INVALID_ARGUMENT,
                                 "Shape output type is 32-bit but dim %d is %lld", k,
                                 (long long)shape->dims[k]);
            put_int(call->out[i], k, shape->dims[k]);
        }
    }
    return CODE_OK;
}

static enum code size_run(struct op_call *call, struct error *err)
{
    int64_t size = tensor_elements(call->in[0]);
    if (call->out[0]->dtype == DTYPE_INT32 && size > INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Number of elements was larger than representable by 32-bit output type");
    put_int(call->out[0], 0, size);
    return CODE_OK;
}

static enum code rank_run(struct op_call *call, struct error *err)
{
    (void)err;
    put_int(call->out[0], 0, call->in[0]->shape.rank);
    return CODE_OK;
}

const struct op op_Reshape = {
    .name = "Reshape",
    .inputs = "tensor:T shape:Tshape",
    .outputs = "output:T",
    .attrs = "T:type Tshape:index=int32",
    .flags = OP_ALIAS,
    .shape = reshape_shape,
};

const struct op op_ExpandDims = {
    .name = "ExpandDims",
    .inputs = "input:T dim:Tdim",
    .outputs = "output:T",
    .attrs = "T:type Tdim:index=int32",
    .flags = OP_ALIAS,
    .shape = expand_dims_shape,
};

const struct op op_Squeeze = {
    .name = "Squeeze",
    .inputs = "input:T",
    .outputs = "output:T",
    .attrs = "T:type squeeze_dims:list(int)=[]",
    .flags = OP_ALIAS,
    .shape = squeeze_shape,
};

const struct op op_Shape = {
    .name = "Shape",
    .inputs = "input:T",
    .outputs = "output:out_type",
    .attrs = "T:type out_type:index=int32",
    .flags = OP_FROM_SHAPES,
    .shape = shape_shape,
    .run = shape_run,
};

const struct op op_ShapeN = {
    .name = "ShapeN",
    .inputs = "input:N*T",
    .outputs = "output:N*out_type",
    .attrs = "N:int T:type out_type:index=int32",
    .flags = OP_FROM_SHAPES,
    .shape = shape_shape,
    .run = shape_run,
};

const struct op op_Size = {
    .name = "Size",
    .inputs = "input:T",
    .outputs = "output:out_type",
    .attrs = "T:type out_type:index=int32",
    .flags = OP_FROM_SHAPES,
    .shape = kernel_shape_scalar,
    .run = size_run,
};

const struct op op_Rank = {
    .name = "Rank",
    .inputs = "input:T",
    .outputs = "output:int32",
    .attrs = "T:type",
    .flags = OP_FROM_SHAPES,
    .shape = kernel_shape_scalar,
    .run = rank_run,
};

/* ---- QuantizedReshape: the range of floats goes along ---- */

static enum code quantized_shape(struct op_call *call, struct error *err)
{
    op_call_shape(call, 1, &call->in[2]->shape);
    op_call_shape(call, 2, &call->in[3]->shape);
    return reshape_shape(call, err);
}

static enum code quantized_run(struct op_call *call, struct error *err)
{
    static const int inputs[] = {0, 2, 3};
    for (int i = 0; i < 3; i++) {
        const struct shape *shape = &call->in[inputs[i]]->shape;
        if (i > 0 && (shape->rank > 1 || shape_elements(shape) != 1))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "%s must be a scalar or a vector of 1 element",
                             i == 1 ? "input_min" : "input_max");
        if (tensor_bytes(call->out[i]))
            memcpy(call->out[i]->data, call->in[inputs[i]]->data, tensor_bytes(call->out[i]));
    }
    return CODE_OK;
}

const struct op op_QuantizedReshape = {
    .name = "QuantizedReshape",
    .inputs = "tensor:T shape:Tshape input_min:float input_max:float",
    .outputs = "output:T output_min:float output_max:float",
    .attrs = "T:type Tshape:index=int32",
    .types = OP_TYPE(DTYPE_QUINT8) | OP_TYPE(DTYPE_QINT32),
    .shape = quantized_shape,
    .run = quantized_run,
};
