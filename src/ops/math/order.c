/* SPDX-License-Identifier: Apache-2.0 */
/* ArgMax, ArgMin, TopK, TopKV2: where the largest are. Of equal values the first one counts. */
#include <math.h>
#include <stdlib.h>

#include "ops/array/sizes.h"
#include "ops/kernel.h"
#include "ops/math/number.h"

/* Is element i before element j in descending order? */
typedef bool above_fn(const void *values, int64_t i, int64_t j);

#define ABOVE(dtype, type, name)                                                                   \
    static bool above_##name(const void *values, int64_t i, int64_t j)                             \
    {                                                                                              \
        return ((const type *)values)[i] > ((const type *)values)[j];                              \
    }
#define ABOVE_ROW(dtype, type, name) [dtype] = above_##name,

KERNEL_TYPES_REAL(ABOVE)

static bool above_half(const void *values, int64_t i, int64_t j)
{
    const uint16_t *v = values;
    return dtype_half_to_float(v[i]) > dtype_half_to_float(v[j]);
}

static bool above_bfloat16(const void *values, int64_t i, int64_t j)
{
    const uint16_t *v = values;
    return dtype_bfloat16_to_float(v[i]) > dtype_bfloat16_to_float(v[j]);
}

static bool above_bool(const void *values, int64_t i, int64_t j)
{
    const bool *v = values;
    return v[i] && !v[j];
}

static above_fn *const above[DTYPE_COUNT] = {
    KERNEL_TYPES_REAL(ABOVE_ROW)[DTYPE_HALF] = above_half,
    [DTYPE_BFLOAT16] = above_bfloat16,
    [DTYPE_BOOL] = above_bool,
};

static void put_int(struct tensor *out, int64_t i, int64_t value)
{
    if (out->dtype == DTYPE_INT64)
        TENSOR_AT(out, int64_t)[i] = value;
    else if (out->dtype == DTYPE_INT32)
        TENSOR_AT(out, int32_t)[i] = (int32_t)value;
    else
        TENSOR_AT(out, int16_t)[i] = (int16_t)value;
}

/* ---- ArgMax, ArgMin: input, dimension [] ---- */

static enum code arg_axis(const struct op_call *call, int *axis, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (tensor_elements(call->in[1]) != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "dim must be a scalar, but received tensor "
                         "of shape: %s",
                         shape_text(&call->in[1]->shape, text));
    int64_t value = tensor_int(call->in[1], 0);
    if (!kernel_axis(value, in->rank, axis))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected dimension in the range [%d, %d), but got %lld", -in->rank,
                         in->rank, (long long)value);
    if (in->dims[*axis] == 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "Reduction axis %lld is empty in shape %s",
                         (long long)value, shape_text(in, text));
    return CODE_OK;
}

static enum code arg_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 1)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    int axis;
    enum code code = arg_axis(call, &axis, err);
    struct shape out = {0};
    for (int i = 0; !code && i < call->in[0]->shape.rank; i++) {
        if (i != axis)
            out.dims[out.rank++] = call->in[0]->shape.dims[i];
    }
    op_call_shape(call, 0, &out);
    return code;
}

struct arg {
    int64_t outer, size, inner;
    above_fn *above;
    bool least;
};

static enum code arg_prepare(struct op_call *call, struct error *err)
{
    struct arg *a = ARENA_NEW(call->arena, struct arg);
    const struct shape *in = &call->in[0]->shape;
    int axis;
    enum code code = arg_axis(call, &axis, err);
    if (code)
        return code;
    *a = (struct arg){
        .outer = kernel_span(in, 0, axis),
        .size = in->dims[axis],
        .inner = kernel_span(in, axis + 1, in->rank),
        .above = above[call->in[0]->dtype],
        .least = span_is(call->node->op_name, "ArgMin"),
    };
    call->state = a;
    if (dtype_size(call->out[0]->dtype) < sizeof(int16_t))
        return error_set(err, CODE_INVALID_ARGUMENT, "output_type %s is not supported",
                         dtype_name(call->out[0]->dtype));
    if (!a->above)
        return error_set(err, CODE_UNIMPLEMENTED, "op %s has no kernel for %s",
                         call->node->op->name, dtype_name(call->in[0]->dtype));
    return CODE_OK;
}

static bool is_nan(const struct tensor *t, int64_t i)
{
    return dtype_is_float(t->dtype) && isnan(number_at(t, i));
}

/* Is it a number, and not the one that all others beat? */
static bool counts(const struct arg *a, const struct tensor *t, int64_t i)
{
    double value = number_at(t, i);
    return a->least ? value < INFINITY : value > -INFINITY;
}

/* From `first` on. A NaN is passed over; one that stands first gives way to what counts. */
static int64_t find(const struct arg *a, const struct tensor *in, int64_t first)
{
    int64_t best = first;
    bool lost = is_nan(in, first);
    for (int64_t k = 1; k < a->size; k++) {
        int64_t at = first + k * a->inner;
        if (a->least ? a->above(in->data, best, at) : a->above(in->data, at, best)) {
            best = at;
        } else if (lost && counts(a, in, at)) {
            best = at;
            lost = false;
        }
    }
    return (best - first) / a->inner;
}

static enum code arg_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct arg *a = call->state;
    for (int64_t o = 0; o < a->outer; o++) {
        for (int64_t i = 0; i < a->inner; i++)
            put_int(call->out[0], o * a->inner + i,
                    find(a, call->in[0], o * a->size * a->inner + i));
    }
    return CODE_OK;
}

/* ---- TopKV2: input [..., n], k [] -> values, indices [..., k], descending ---- */

static enum code read_k(const struct op_call *call, int64_t *k, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    bool attribute = call->in_count == 1;
    if (!attribute && tensor_elements(call->in[1]) != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "k must be scalar");
    *k = attribute ? op_attr_int(call, "k") : tensor_int(call->in[1], 0);
    if (*k < 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "Need k >= 0, got %lld", (long long)*k);
    if (in->rank < 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "input must be >= 1-D, got shape []");
    if (in->dims[in->rank - 1] < *k)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "input must have at least k columns. Had %lld, needed %lld",
                         (long long)in->dims[in->rank - 1], (long long)*k);
    return CODE_OK;
}

static enum code top_k_shape(struct op_call *call, struct error *err)
{
    if (call->in_count > 1 && !op_call_known(call, 1)) {
        op_call_defer(call, 0);
        op_call_defer(call, 1);
        return CODE_OK;
    }
    int64_t k = 0;
    enum code code = read_k(call, &k, err);
    if (code)
        return code;
    struct shape out = call->in[0]->shape;
    out.dims[out.rank - 1] = k;
    op_call_shape(call, 0, &out);
    op_call_shape(call, 1, &out);
    return CODE_OK;
}

static enum code top_k_prepare(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    if (!above[call->in[0]->dtype])
        return error_set(err, CODE_UNIMPLEMENTED, "op %s has no kernel for %s",
                         call->node->op->name, dtype_name(call->in[0]->dtype));
    call->scratch_size = (size_t)in->dims[in->rank - 1] * sizeof(int64_t);
    return CODE_OK;
}

struct ranking {
    const void *values;
    above_fn *above;
};

/* Descending; of equal values the earlier first. */
static bool ranks_before(const struct ranking *r, int64_t i, int64_t j)
{
    if (r->above(r->values, i, j))
        return true;
    return !r->above(r->values, j, i) && i < j;
}

/* A heap of the k best so far with the worst of them on top. */
static void sink(const struct ranking *r, int64_t *heap, int64_t count, int64_t at)
{
    for (;;) {
        int64_t child = 2 * at + 1;
        if (child >= count)
            return;
        if (child + 1 < count && ranks_before(r, heap[child], heap[child + 1]))
            child++;
        if (!ranks_before(r, heap[at], heap[child]))
            return;
        int64_t swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
        at = child;
    }
}

static void top_row(const struct ranking *r, int64_t n, int64_t k, int64_t *heap)
{
    for (int64_t i = 0; i < k; i++)
        heap[i] = i;
    for (int64_t i = k / 2 - 1; i >= 0; i--)
        sink(r, heap, k, i);
    for (int64_t i = k; i < n && k; i++) {
        if (!ranks_before(r, i, heap[0]))
            continue;
        heap[0] = i;
        sink(r, heap, k, 0);
    }
    for (int64_t end = k - 1; end > 0; end--) {
        int64_t swap = heap[0];
        heap[0] = heap[end];
        heap[end] = swap;
        sink(r, heap, end, 0);
    }
}

static enum code top_k_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct tensor *in = call->in[0];
    int rank = in->shape.rank;
    int64_t n = in->shape.dims[rank - 1], k = call->out[0]->shape.dims[rank - 1];
    int64_t rows = kernel_span(&in->shape, 0, rank - 1);
    size_t size = dtype_size(in->dtype);
    int64_t *heap = call->scratch;
    for (int64_t row = 0; row < rows; row++) {
        const char *values = (const char *)in->data + (size_t)(row * n) * size;
        struct ranking ranking = {values, above[in->dtype]};
        top_row(&ranking, n, k, heap);
        for (int64_t i = 0; i < k; i++) {
            memcpy((char *)call->out[0]->data + (size_t)(row * k + i) * size,
                   values + (size_t)heap[i] * size, size);
            put_int(call->out[1], row * k + i, heap[i]);
        }
    }
    return CODE_OK;
}

#define ARG_OP(symbol)                                                                             \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "input:T dimension:Tidx",                                                        \
        .outputs = "output:output_type",                                                           \
        .attrs = "T:type Tidx:integer=int32 output_type:integer=int64",                            \
        .types = OP_TYPES_REAL | OP_TYPE(DTYPE_BOOL),                                              \
        .shape = arg_shape,                                                                        \
        .prepare = arg_prepare,                                                                    \
        .run = arg_run,                                                                            \
    }

ARG_OP(ArgMax);
ARG_OP(ArgMin);

const struct op op_TopKV2 = {
    .name = "TopKV2",
    .inputs = "input:T k:Tk",
    .outputs = "values:T indices:index_type",
    .attrs = "sorted:bool=true T:type Tk:integer=int32 index_type:integer=int32",
    .types = OP_TYPES_REAL,
    .shape = top_k_shape,
    .prepare = top_k_prepare,
    .run = top_k_run,
};

const struct op op_TopK = {
    .name = "TopK",
    .inputs = "input:T",
    .outputs = "values:T indices:int32",
    .attrs = "k:int sorted:bool=true T:type",
    .types = OP_TYPES_REAL,
    .shape = top_k_shape,
    .prepare = top_k_prepare,
    .run = top_k_run,
};
