/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sum, Mean, Prod, Max, Min, All, Any, EuclideanNorm over any axes. Dimensions that are reduced or
 * kept side by side are joined, so that a reduction is an alternation of kept and reduced ones; the
 * innermost two are a loop of rows (reduce the inner dimension of each row) or of columns (add rows
 * to a row). Floats are added in the order of memory in four lanes for rows.
 */
#include <complex.h>
#include <math.h>

#include "base/check.h"
#include "ops/array/cast.h"
#include "ops/array/sizes.h"
#include "ops/kernel.h"

/* ---- which axes ---- */

static enum code read_axes(const struct op_call *call, bool reduced[SHAPE_RANK_MAX],
                           struct error *err)
{
    int rank = call->in[0]->shape.rank;
    memset(reduced, 0, SHAPE_RANK_MAX * sizeof *reduced);
    for (int64_t i = 0; i < tensor_elements(call->in[1]); i++) {
        int64_t value = tensor_int(call->in[1], i);
        int axis;
        if (!kernel_axis(value, rank, &axis))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Invalid reduction dimension (%lld for input with %d dimension(s)",
                             (long long)value, rank);
        if (reduced[axis])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Invalid reduction arguments: Axes contains duplicate dimension: %d",
                             axis);
        reduced[axis] = true;
    }
    return CODE_OK;
}

static enum code reduce_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 1)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    bool reduced[SHAPE_RANK_MAX];
    enum code code = read_axes(call, reduced, err);
    bool keep = op_attr_bool(call, "keep_dims");
    struct shape out = {0};
    for (int i = 0; !code && i < call->in[0]->shape.rank; i++) {
        if (!reduced[i])
            out.dims[out.rank++] = call->in[0]->shape.dims[i];
        else if (keep)
            out.dims[out.rank++] = 1;
    }
    op_call_shape(call, 0, &out);
    return code;
}

/* ---- loops: `columns` partial results in `acc`, over `rows` rows; a row of one column is a plain
 * reduction ---- */

/* Starts, adds `n` values that stand side by side into one, adds a row of n values to a row of n,
 * and ends (mean, root). */
struct reducer {
    void (*start)(void *acc, int64_t n);
    void (*row)(void *acc, const void *in, int64_t n);
    void (*rows)(void *acc, const void *in, int64_t n);
    void (*end)(void *acc, int64_t n, int64_t reduced);
};

/* The expression takes the next value y into x; the combination puts two partial results together.
 */
#define REDUCE_LOOPS(op, name, type, initial, expression)                                          \
    COMBINE_LOOPS(op, name, type, initial, expression, expression)
#define COMBINE_LOOPS(op, name, type, initial, expression, combination)                            \
    static void op##_##name##_start(void *vacc, int64_t n)                                         \
    {                                                                                              \
        type *acc = vacc;                                                                          \
        for (int64_t i = 0; i < n; i++)                                                            \
            acc[i] = initial;                                                                      \
    }                                                                                              \
    static void op##_##name##_row(void *vacc, const void *vin, int64_t n)                          \
    {                                                                                              \
        const type *in = vin;                                                                      \
        type lanes[4] = {*(type *)vacc, initial, initial, initial};                                \
        int64_t i = 0;                                                                             \
        for (; i + 4 <= n; i += 4) {                                                               \
            for (int k = 0; k < 4; k++) {                                                          \
                const type x = lanes[k], y = in[i + k];                                            \
                lanes[k] = (type)(expression);                                                     \
            }                                                                                      \
        }                                                                                          \
        for (; i < n; i++) {                                                                       \
            const type x = lanes[0], y = in[i];                                                    \
            lanes[0] = (type)(expression);                                                         \
        }                                                                                          \
        for (int k = 1; k < 4; k++) {                                                              \
            const type x = lanes[0], y = lanes[k];                                                 \
            lanes[0] = (type)(combination);                                                        \
        }                                                                                          \
        *(type *)vacc = lanes[0];                                                                  \
    }                                                                                              \
    static void op##_##name##_rows(void *vacc, const void *vin, int64_t n)                         \
    {                                                                                              \
        const type *in = vin;                                                                      \
        type *acc = vacc;                                                                          \
        for (int64_t i = 0; i < n; i++) {                                                          \
            const type x = acc[i], y = in[i];                                                      \
            acc[i] = (type)(expression);                                                           \
        }                                                                                          \
    }

#define REDUCER_ROW(op, name, ending)                                                              \
    {                                                                                              \
        op##_##name##_start, op##_##name##_row, op##_##name##_rows, ending                         \
    }

/* Integers wrap. */
#define INTEGER_REDUCE_LOOPS(op, initial, expression)                                              \
    REDUCE_LOOPS(op, int8, int8_t, initial, expression)                                            \
    REDUCE_LOOPS(op, int16, int16_t, initial, expression)                                          \
    REDUCE_LOOPS(op, uint8, uint8_t, initial, expression)                                          \
    REDUCE_LOOPS(op, uint16, uint16_t, initial, expression)                                        \
    REDUCE_LOOPS(op, uint32, uint32_t, initial, expression)                                        \
    REDUCE_LOOPS(op, uint64, uint64_t, initial, expression)

REDUCE_LOOPS(sum, float, float, 0, x + y)
REDUCE_LOOPS(sum, double, double, 0, x + y)
REDUCE_LOOPS(sum, complex64, float complex, 0, x + y)
REDUCE_LOOPS(sum, complex128, double complex, 0, x + y)
INTEGER_REDUCE_LOOPS(sum, 0, x + y)
REDUCE_LOOPS(prod, float, float, 1, x *y)
REDUCE_LOOPS(prod, double, double, 1, x *y)
REDUCE_LOOPS(prod, complex64, float complex, 1, x *y)
REDUCE_LOOPS(prod, complex128, double complex, 1, x *y)
INTEGER_REDUCE_LOOPS(prod, 1, (uint64_t)x *(uint64_t)y)
REDUCE_LOOPS(max, float, float, -INFINITY, x < y || y != y ? y : x)
REDUCE_LOOPS(max, double, double, -INFINITY, x < y || y != y ? y : x)
REDUCE_LOOPS(max, int8, int8_t, INT8_MIN, x < y ? y : x)
REDUCE_LOOPS(max, int16, int16_t, INT16_MIN, x < y ? y : x)
REDUCE_LOOPS(max, int32, int32_t, INT32_MIN, x < y ? y : x)
REDUCE_LOOPS(max, int64, int64_t, INT64_MIN, x < y ? y : x)
REDUCE_LOOPS(max, uint8, uint8_t, 0, x < y ? y : x)
REDUCE_LOOPS(max, uint16, uint16_t, 0, x < y ? y : x)
REDUCE_LOOPS(max, uint32, uint32_t, 0, x < y ? y : x)
REDUCE_LOOPS(max, uint64, uint64_t, 0, x < y ? y : x)
REDUCE_LOOPS(min, float, float, INFINITY, y < x || y != y ? y : x)
REDUCE_LOOPS(min, double, double, INFINITY, y < x || y != y ? y : x)
REDUCE_LOOPS(min, int8, int8_t, INT8_MAX, y < x ? y : x)
REDUCE_LOOPS(min, int16, int16_t, INT16_MAX, y < x ? y : x)
REDUCE_LOOPS(min, int32, int32_t, INT32_MAX, y < x ? y : x)
REDUCE_LOOPS(min, int64, int64_t, INT64_MAX, y < x ? y : x)
REDUCE_LOOPS(min, uint8, uint8_t, UINT8_MAX, y < x ? y : x)
REDUCE_LOOPS(min, uint16, uint16_t, UINT16_MAX, y < x ? y : x)
REDUCE_LOOPS(min, uint32, uint32_t, UINT32_MAX, y < x ? y : x)
REDUCE_LOOPS(min, uint64, uint64_t, UINT64_MAX, y < x ? y : x)
REDUCE_LOOPS(all, boolean, bool, true, x &&y)
REDUCE_LOOPS(any, boolean, bool, false, x || y)
COMBINE_LOOPS(norm, float, float, 0, x + y * y, x + y)
COMBINE_LOOPS(norm, double, double, 0, x + y * y, x + y)
COMBINE_LOOPS(norm, int8, int8_t, 0, x + y * y, x + y)
COMBINE_LOOPS(norm, int16, int16_t, 0, x + (int16_t)((unsigned)y * (unsigned)y), x + y)
COMBINE_LOOPS(norm, uint8, uint8_t, 0, x + y * y, x + y)
COMBINE_LOOPS(norm, uint16, uint16_t, 0, x + (unsigned)y * y, x + y)
COMBINE_LOOPS(norm, uint32, uint32_t, 0, x + y * y, x + y)
COMBINE_LOOPS(norm, uint64, uint64_t, 0, x + y * y, x + y)
COMBINE_LOOPS(norm, complex64, float complex, 0, x + y * conjf(y), x + y)
COMBINE_LOOPS(norm, complex128, double complex, 0, x + y * conj(y), x + y)

#define MEAN_END(name, type, divisor)                                                              \
    static void mean_##name##_end(void *vacc, int64_t n, int64_t reduced)                          \
    {                                                                                              \
        type *acc = vacc;                                                                          \
        for (int64_t i = 0; i < n; i++)                                                            \
            acc[i] = (type)(acc[i] / (divisor)reduced);                                            \
    }

MEAN_END(float, float, float)
MEAN_END(double, double, double)
MEAN_END(complex64, float complex, float)
MEAN_END(complex128, double complex, double)

/* An integer's mean over nothing is 0. The narrower integers are summed as int64. */
static void mean_int64_end(void *vacc, int64_t n, int64_t reduced)
{
    int64_t *acc = vacc;
    for (int64_t i = 0; i < n; i++)
        acc[i] = reduced ? acc[i] / reduced : 0;
}

static void mean_uint64_end(void *vacc, int64_t n, int64_t reduced)
{
    uint64_t *acc = vacc;
    for (int64_t i = 0; i < n; i++)
        acc[i] = reduced ? acc[i] / (uint64_t)reduced : 0;
}

#define NORM_END(name, type, root)                                                                 \
    static void norm_##name##_end(void *vacc, int64_t n, int64_t reduced)                          \
    {                                                                                              \
        type *acc = vacc;                                                                          \
        (void)reduced;                                                                             \
        for (int64_t i = 0; i < n; i++)                                                            \
            acc[i] = (type)root(acc[i]);                                                           \
    }

/* Of an integer's squares, which may have wrapped below zero: a root that is a number. */
static int64_t whole_root(int64_t x)
{
    return x > 0 ? (int64_t)sqrt((double)x) : 0;
}

static uint64_t unsigned_root(uint64_t x)
{
    return (uint64_t)sqrt((double)x);
}

NORM_END(float, float, sqrtf)
NORM_END(double, double, sqrt)
NORM_END(int8, int8_t, whole_root)
NORM_END(int16, int16_t, whole_root)
NORM_END(int32, int32_t, whole_root)
NORM_END(int64, int64_t, whole_root)
NORM_END(uint8, uint8_t, whole_root)
NORM_END(uint16, uint16_t, whole_root)
NORM_END(uint32, uint32_t, whole_root)
NORM_END(uint64, uint64_t, unsigned_root)
NORM_END(complex64, float complex, csqrtf)
NORM_END(complex128, double complex, csqrt)

/* int32 and int64 sums and products are those of the unsigned types. */
#define NUMBER_ROWS(op)                                                                            \
    [DTYPE_FLOAT] = REDUCER_ROW(op, float, NULL), [DTYPE_DOUBLE] = REDUCER_ROW(op, double, NULL),  \
    [DTYPE_INT8] = REDUCER_ROW(op, int8, NULL), [DTYPE_INT16] = REDUCER_ROW(op, int16, NULL),      \
    [DTYPE_INT32] = REDUCER_ROW(op, uint32, NULL), [DTYPE_INT64] = REDUCER_ROW(op, uint64, NULL),  \
    [DTYPE_UINT8] = REDUCER_ROW(op, uint8, NULL), [DTYPE_UINT16] = REDUCER_ROW(op, uint16, NULL),  \
    [DTYPE_UINT32] = REDUCER_ROW(op, uint32, NULL),                                                \
    [DTYPE_UINT64] = REDUCER_ROW(op, uint64, NULL),                                                \
    [DTYPE_COMPLEX64] = REDUCER_ROW(op, complex64, NULL),                                          \
    [DTYPE_COMPLEX128] = REDUCER_ROW(op, complex128, NULL)
#define ORDER_ROWS(op)                                                                             \
    [DTYPE_FLOAT] = REDUCER_ROW(op, float, NULL), [DTYPE_DOUBLE] = REDUCER_ROW(op, double, NULL),  \
    [DTYPE_INT8] = REDUCER_ROW(op, int8, NULL), [DTYPE_INT16] = REDUCER_ROW(op, int16, NULL),      \
    [DTYPE_INT32] = REDUCER_ROW(op, int32, NULL), [DTYPE_INT64] = REDUCER_ROW(op, int64, NULL),    \
    [DTYPE_UINT8] = REDUCER_ROW(op, uint8, NULL), [DTYPE_UINT16] = REDUCER_ROW(op, uint16, NULL),  \
    [DTYPE_UINT32] = REDUCER_ROW(op, uint32, NULL), [DTYPE_UINT64] = REDUCER_ROW(op, uint64, NULL)

static const struct {
    const char *op;
    struct reducer reducers[DTYPE_COUNT];
} table[] = {
    {"Sum", {NUMBER_ROWS(sum)}},
    {"Prod", {NUMBER_ROWS(prod)}},
    {"Max", {ORDER_ROWS(max)}},
    {"Min", {ORDER_ROWS(min)}},
    {"All", {[DTYPE_BOOL] = REDUCER_ROW(all, boolean, NULL)}},
    {"Any", {[DTYPE_BOOL] = REDUCER_ROW(any, boolean, NULL)}},
    {"EuclideanNorm",
     {[DTYPE_FLOAT] = REDUCER_ROW(norm, float, norm_float_end),
      [DTYPE_DOUBLE] = REDUCER_ROW(norm, double, norm_double_end),
      [DTYPE_INT8] = REDUCER_ROW(norm, int8, norm_int8_end),
      [DTYPE_INT16] = REDUCER_ROW(norm, int16, norm_int16_end),
      [DTYPE_INT32] = REDUCER_ROW(norm, uint32, norm_int32_end),
      [DTYPE_INT64] = REDUCER_ROW(norm, uint64, norm_int64_end),
      [DTYPE_UINT8] = REDUCER_ROW(norm, uint8, norm_uint8_end),
      [DTYPE_UINT16] = REDUCER_ROW(norm, uint16, norm_uint16_end),
      [DTYPE_UINT32] = REDUCER_ROW(norm, uint32, norm_uint32_end),
      [DTYPE_UINT64] = REDUCER_ROW(norm, uint64, norm_uint64_end),
      [DTYPE_COMPLEX64] = REDUCER_ROW(norm, complex64, norm_complex64_end),
      [DTYPE_COMPLEX128] = REDUCER_ROW(norm, complex128, norm_complex128_end)}},
    {"Mean",
     {[DTYPE_FLOAT] = REDUCER_ROW(sum, float, mean_float_end),
      [DTYPE_DOUBLE] = REDUCER_ROW(sum, double, mean_double_end),
      [DTYPE_INT64] = REDUCER_ROW(sum, uint64, mean_int64_end),
      [DTYPE_UINT64] = REDUCER_ROW(sum, uint64, mean_uint64_end),
      [DTYPE_COMPLEX64] = REDUCER_ROW(sum, complex64, mean_complex64_end),
      [DTYPE_COMPLEX128] = REDUCER_ROW(sum, complex128, mean_complex128_end)}},
};

/* ---- the walk ---- */

struct reduction {
    const struct reducer *reducer;
    int rank; /* joined dimensions, outermost first, kept and reduced in turn */
    int64_t dims[SHAPE_RANK_MAX];
    bool reduced[SHAPE_RANK_MAX];
    int64_t strides[SHAPE_RANK_MAX];     /* of the input, in elements */
    int64_t out_strides[SHAPE_RANK_MAX]; /* 0 where reduced */
    int64_t per_result;                  /* inputs for one result */
    size_t size;
    bool widened; /* through a wider dtype in scratch: half and bfloat16 as float */
    struct cast widen, narrow;
};

static void join(struct reduction *r, const struct shape *in, const bool *reduced)
{
    for (int i = 0; i < in->rank; i++) {
        if (in->dims[i] == 1)
            continue;
        if (r->rank && r->reduced[r->rank - 1] == reduced[i]) {
            r->dims[r->rank - 1] *= in->dims[i];
        } else {
            r->dims[r->rank] = in->dims[i];
            r->reduced[r->rank++] = reduced[i];
        }
    }
    if (!r->rank) {
        r->dims[0] = 1;
        r->rank = 1;
    }
    int64_t stride = 1, out_stride = 1;
    r->per_result = 1;
    for (int i = r->rank - 1; i >= 0; i--) {
        r->strides[i] = stride;
        stride *= r->dims[i];
        r->out_strides[i] = r->reduced[i] ? 0 : out_stride;
        out_stride *= r->reduced[i] ? 1 : r->dims[i];
        r->per_result *= r->reduced[i] ? r->dims[i] : 1;
    }
}

/* The dtype that results are made in. */
static enum dtype computed_dtype(const struct op_call *call)
{
    enum dtype dtype = call->in[0]->dtype;
    if (dtype == DTYPE_HALF || dtype == DTYPE_BFLOAT16)
        return DTYPE_FLOAT;
    bool narrow = dtype_is_integer(dtype) && dtype_size(dtype) < sizeof(int64_t);
    return narrow && span_is(call->node->op_name, "Mean") ? DTYPE_INT64 : dtype;
}

static enum code reduce_prepare(struct op_call *call, struct error *err)
{
    struct reduction *r = ARENA_NEW(call->arena, struct reduction);
    bool reduced[SHAPE_RANK_MAX];
    enum code code = read_axes(call, reduced, err);
    if (code)
        return code;
    enum dtype dtype = call->in[0]->dtype;
    enum dtype computed = computed_dtype(call);
    r->widened = computed != dtype;
    r->size = dtype_size(computed);
    CHECK(cast_plan(&r->widen, dtype, computed) && cast_plan(&r->narrow, computed, dtype));
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (span_is(call->node->op_name, table[i].op))
            r->reducer = &table[i].reducers[computed];
    }
    join(r, &call->in[0]->shape, reduced);
    if (r->widened)
        call->scratch_size =
            (size_t)(tensor_elements(call->in[0]) + tensor_elements(call->out[0])) * r->size;
    call->state = r;
    if (!r->reducer || !r->reducer->start)
        return error_set(err, CODE_UNIMPLEMENTED, "op %s has no kernel for %s",
                         call->node->op->name, dtype_name(dtype));
    return CODE_OK;
}

static void reduce(const struct reduction *r, const char *in, char *out, int64_t out_count)
{
    int inner = r->rank - 1;
    int64_t rows = 1, index[SHAPE_RANK_MAX] = {0}, from = 0, to = 0;
    for (int i = 0; i < inner; i++)
        rows *= r->dims[i];
    r->reducer->start(out, out_count);
    for (int64_t row = 0; row < rows && out_count; row++) {
        const char *at = in + (size_t)from * r->size;
        if (r->reduced[inner])
            r->reducer->row(out + (size_t)to * r->size, at, r->dims[inner]);
        else
            r->reducer->rows(out + (size_t)to * r->size, at, r->dims[inner]);
        for (int i = inner - 1; i >= 0; i--) {
            from += r->strides[i];
            to += r->out_strides[i];
            if (++index[i] < r->dims[i])
                break;
            from -= r->strides[i] * r->dims[i];
            to -= r->out_strides[i] * r->dims[i];
            index[i] = 0;
        }
    }
    if (r->reducer->end)
        r->reducer->end(out, out_count, r->per_result);
}

/* These casts are single loops, without scratch of their own. */
static void reduce_widened(struct op_call *call, const struct reduction *r)
{
    int64_t n = tensor_elements(call->in[0]), m = tensor_elements(call->out[0]);
    char *wide = call->scratch, *results = wide + (size_t)n * r->size;
    cast_run(&r->widen, call->in[0]->data, wide, n, NULL);
    reduce(r, wide, results, m);
    cast_run(&r->narrow, results, call->out[0]->data, m, NULL);
}

static enum code reduce_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct reduction *r = call->state;
    if (r->widened)
        reduce_widened(call, r);
    else
        reduce(r, call->in[0]->data, call->out[0]->data, tensor_elements(call->out[0]));
    return CODE_OK;
}

#define REDUCE_OP(symbol, dtypes)                                                                  \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "input:T reduction_indices:Tidx",                                                \
        .outputs = "output:T",                                                                     \
        .attrs = "keep_dims:bool=false T:type Tidx:index=int32",                                   \
        .types = dtypes,                                                                           \
        .shape = reduce_shape,                                                                     \
        .prepare = reduce_prepare,                                                                 \
        .run = reduce_run,                                                                         \
    }

#define LOGICAL_REDUCE_OP(symbol)                                                                  \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "input:bool reduction_indices:Tidx",                                             \
        .outputs = "output:bool",                                                                  \
        .attrs = "keep_dims:bool=false Tidx:index=int32",                                          \
        .shape = reduce_shape,                                                                     \
        .prepare = reduce_prepare,                                                                 \
        .run = reduce_run,                                                                         \
    }

REDUCE_OP(Sum, OP_TYPES_NUMBER);
REDUCE_OP(Prod, OP_TYPES_NUMBER);
REDUCE_OP(Max, OP_TYPES_REAL);
REDUCE_OP(Min, OP_TYPES_REAL);
REDUCE_OP(Mean, OP_TYPES_NUMBER);
REDUCE_OP(EuclideanNorm, OP_TYPES_NUMBER);
LOGICAL_REDUCE_OP(All);
LOGICAL_REDUCE_OP(Any);
