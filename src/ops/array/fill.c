/* SPDX-License-Identifier: Apache-2.0 */
/* Fill, ZerosLike, OnesLike, Range, LinSpace, OneHot: tensors made of numbers. */
#include "ops/array/sizes.h"
#include "ops/kernel.h"
#include "ops/math/number.h"

/* ---- Fill: dims [rank], value [] ---- */

static enum code fill_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 0)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    struct shape out;
    enum code code = sizes_read_shape(call, 0, &out, err);
    if (!code && call->in[1]->shape.rank != 0 && tensor_elements(call->in[1]) != 1)
        code = error_set(err, CODE_INVALID_ARGUMENT, "value must be a scalar");
    if (!code)
        op_call_shape(call, 0, &out);
    return code;
}

static enum code fill_run(struct op_call *call, struct error *err)
{
    (void)err;
    struct tensor *out = call->out[0];
    kernel_fill(out->data, call->in[1]->data, dtype_size(out->dtype), tensor_elements(out));
    return CODE_OK;
}

/* ---- ZerosLike, OnesLike ---- */

static enum code zeros_run(struct op_call *call, struct error *err)
{
    (void)err;
    memset(call->out[0]->data, 0, tensor_bytes(call->out[0]));
    return CODE_OK;
}

/* The bytes of 1 in each type. */
static const union {
    float f[4];
    double d[2];
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
} ones[DTYPE_COUNT] = {
    [DTYPE_FLOAT].f = {1},         [DTYPE_DOUBLE].d = {1},       [DTYPE_HALF].u16 = 0x3c00,
    [DTYPE_BFLOAT16].u16 = 0x3f80, [DTYPE_INT8].u8 = 1,          [DTYPE_UINT8].u8 = 1,
    [DTYPE_INT16].u16 = 1,         [DTYPE_UINT16].u16 = 1,       [DTYPE_INT32].u32 = 1,
    [DTYPE_UINT32].u32 = 1,        [DTYPE_INT64].u64 = 1,        [DTYPE_UINT64].u64 = 1,
    [DTYPE_BOOL].u8 = 1,           [DTYPE_COMPLEX64].f = {1, 0}, [DTYPE_COMPLEX128].d = {1, 0},
};

static enum code ones_run(struct op_call *call, struct error *err)
{
    (void)err;
    size_t size = dtype_size(call->out[0]->dtype);
    char *to = call->out[0]->data;
    for (int64_t i = 0, n = tensor_elements(call->out[0]); i < n; i++)
        memcpy(to + (size_t)i * size, &ones[call->out[0]->dtype], size);
    return CODE_OK;
}

/* ---- Range: start [], limit [], delta [] ---- */

/* ceil((limit - start) / delta) without overflow; delta is not 0 and points from start to limit. */
static int64_t integer_steps(int64_t start, int64_t limit, int64_t delta)
{
    uint64_t distance =
        delta > 0 ? (uint64_t)limit - (uint64_t)start : (uint64_t)start - (uint64_t)limit;
    uint64_t step = delta > 0 ? (uint64_t)delta : 0 - (uint64_t)delta;
    uint64_t steps = distance / step + (distance % step != 0);
    return steps > INT64_MAX ? -1 : (int64_t)steps;
}

/* A number as that dtype has it. */
static double rounded(enum dtype dtype, double value)
{
    uint64_t bits;
    struct tensor one = {.dtype = dtype, .data = &bits};
    number_put(&one, 0, value);
    return number_at(&one, 0);
}

/* Computed in the dtype itself, as TensorFlow does: of -7 / -0.7f there are 10 steps, not 11. */
static int64_t real_steps(enum dtype dtype, double start, double limit, double delta)
{
    double steps = rounded(dtype, rounded(dtype, limit - start) / delta);
    double whole = (double)(int64_t)(steps < 9e18 ? steps : 9e18);
    whole += whole < steps;
    return whole < 9e18 ? (int64_t)whole : -1;
}

static enum code range_shape(struct op_call *call, struct error *err)
{
    static const char *const names[] = {"start", "limit", "delta"};
    char text[SHAPE_TEXT_SIZE];
    for (int i = 0; i < 3; i++) {
        if (!op_call_known(call, i)) {
            op_call_defer(call, 0);
            return CODE_OK;
        }
        if (tensor_elements(call->in[i]) != 1 || call->in[i]->shape.rank > 1)
            return error_set(err, CODE_INVALID_ARGUMENT, "%s must be a scalar, not shape %s",
                             names[i], shape_text(&call->in[i]->shape, text));
    }
    double start = number_at(call->in[0], 0), limit = number_at(call->in[1], 0);
    double delta = number_at(call->in[2], 0);
    if (delta == 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "Requires delta != 0: 0");
    if (delta > 0 ? start > limit : start < limit)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Requires start %s limit when delta %s 0: %g/%g",
                         delta > 0 ? "<=" : ">=", delta > 0 ? ">" : "<", start, limit);
    int64_t size = dtype_is_integer(call->in[0]->dtype)
                       ? integer_steps(tensor_int(call->in[0], 0), tensor_int(call->in[1], 0),
                                       tensor_int(call->in[2], 0))
                       : real_steps(call->in[0]->dtype, start, limit, delta);
    if (size < 0 || start != start || limit != limit || delta != delta)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Requires ((limit - start) / delta) <= 9223372036854775807");
    struct shape out = shape_vector(size);
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

/* start + i * delta: of the small floats i, the product and the sum are rounded, each. */
#define RANGE_LOOP_BY(name, type, computed, load, store)                                           \
    static void range_##name(const struct op_call *call, int64_t n)                                \
    {                                                                                              \
        const computed start = (computed)load(*TENSOR_AT(call->in[0], type));                      \
        const computed delta = (computed)load(*TENSOR_AT(call->in[2], type));                      \
        for (int64_t i = 0; i < n; i++) {                                                          \
            const type index = (type)store((computed)i);                                           \
            const type far = (type)store((computed)load(index) * delta);                           \
            TENSOR_AT(call->out[0], type)[i] = (type)store(start + (computed)load(far));           \
        }                                                                                          \
    }
/* Integers without a sign, where overflow is defined. */
#define RANGE_WHOLE(dtype, type, name) RANGE_LOOP_BY(name, type, uint64_t, , )
#define RANGE_ROW(dtype, type, name)   [dtype] = range_##name,

KERNEL_TYPES_INTEGER(RANGE_WHOLE)
RANGE_LOOP_BY(float, float, float, , )
RANGE_LOOP_BY(double, double, double, , )
RANGE_LOOP_BY(half, uint16_t, float, dtype_half_to_float, dtype_half_from_float)
RANGE_LOOP_BY(bfloat16, uint16_t, float, dtype_bfloat16_to_float, dtype_bfloat16_from_float)

typedef void range_fn(const struct op_call *call, int64_t n);
static range_fn *const range_loops[DTYPE_COUNT] = {
    KERNEL_TYPES_REAL(RANGE_ROW)[DTYPE_HALF] = range_half,
    [DTYPE_BFLOAT16] = range_bfloat16,
};

static enum code range_run(struct op_call *call, struct error *err)
{
    (void)err;
    range_loops[call->out[0]->dtype](call, tensor_elements(call->out[0]));
    return CODE_OK;
}

/* ---- OneHot: indices, depth [], on_value [], off_value [] -> a new axis of `depth` ---- */

static enum code one_hot_axis(const struct op_call *call, int *axis, struct error *err)
{
    int rank = call->in[0]->shape.rank;
    int64_t value = op_attr_int(call, "axis");
    if (value < -1 || value > rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected axis to be -1 or between [0, %d).  But received: %lld", rank + 1,
                         (long long)value);
    *axis = value < 0 ? rank : (int)value;
    return CODE_OK;
}

static enum code one_hot_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 1)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    const struct shape *in = &call->in[0]->shape;
    int axis;
    enum code code = one_hot_axis(call, &axis, err);
    if (code)
        return code;
    char text[SHAPE_TEXT_SIZE];
    if (call->in[1]->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "depth must be a scalar, but got: %s",
                         shape_text(&call->in[1]->shape, text));
    int64_t depth = tensor_int(call->in[1], 0);
    if (depth < 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "depth must be non-negative, got: %lld",
                         (long long)depth);
    if (in->rank == SHAPE_RANK_MAX || tensor_elements(call->in[2]) != 1 ||
        tensor_elements(call->in[3]) != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "on_value and off_value must be scalars");
    struct shape out = {.rank = in->rank + 1};
    for (int i = 0; i < out.rank; i++)
        out.dims[i] = i < axis ? in->dims[i] : i == axis ? depth : in->dims[i - 1];
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

struct one_hot {
    int64_t outer, depth, inner;
};

static enum code one_hot_prepare(struct op_call *call, struct error *err)
{
    int axis;
    enum code code = one_hot_axis(call, &axis, err);
    struct one_hot *plan = ARENA_NEW(call->arena, struct one_hot);
    const struct shape *out = &call->out[0]->shape;
    plan->outer = kernel_span(out, 0, axis);
    plan->depth = out->dims[axis];
    plan->inner = kernel_span(out, axis + 1, out->rank);
    call->state = plan;
    return code;
}

static enum code one_hot_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct one_hot *p = call->state;
    size_t size = dtype_size(call->out[0]->dtype);
    char *to = call->out[0]->data;
    for (int64_t o = 0; o < p->outer; o++) {
        for (int64_t d = 0; d < p->depth; d++) {
            for (int64_t i = 0; i < p->inner; i++, to += size) {
                bool on = tensor_int(call->in[0], o * p->inner + i) == d;
                memcpy(to, call->in[on ? 2 : 3]->data, size);
            }
        }
    }
    return CODE_OK;
}

const struct op op_Fill = {
    .name = "Fill",
    .inputs = "dims:index_type value:T",
    .outputs = "output:T",
    .attrs = "T:type index_type:index=int32",
    .shape = fill_shape,
    .run = fill_run,
};

const struct op op_ZerosLike = {
    .name = "ZerosLike",
    .inputs = "x:T",
    .outputs = "y:T",
    .attrs = "T:type",
    .flags = OP_FROM_SHAPES,
    .types = OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL) | OP_TYPE(DTYPE_STRING),
    .run = zeros_run,
};

const struct op op_OnesLike = {
    .name = "OnesLike",
    .inputs = "x:T",
    .outputs = "y:T",
    .attrs = "T:type",
    .flags = OP_FROM_SHAPES,
    .types = OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL),
    .run = ones_run,
};

const struct op op_Range = {
    .name = "Range",
    .inputs = "start:Tidx limit:Tidx delta:Tidx",
    .outputs = "output:Tidx",
    .attrs = "Tidx:type=int32",
    .types = OP_TYPES_REAL,
    .types_attr = "Tidx",
    .shape = range_shape,
    .run = range_run,
};

const struct op op_OneHot = {
    .name = "OneHot",
    .inputs = "indices:TI depth:int32 on_value:T off_value:T",
    .outputs = "output:T",
    .attrs = "axis:int=-1 T:type TI:integer=int64",
    .shape = one_hot_shape,
    .prepare = one_hot_prepare,
    .run = one_hot_run,
};
