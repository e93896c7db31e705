/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SegmentSum and its like, and UnsortedSegmentSum and its like: rows of data with the same segment
 * id become one row. Ids in order give as many rows as the last says, and gaps a neutral row; else
 * num_segments says how many there are, and rows with a negative id are left out.
 */
#include <complex.h>
#include <float.h>
#include <math.h>

#include "ops/kernel.h"

enum kind {
    KIND_SUM,
    KIND_PROD,
    KIND_MAX,
    KIND_MIN,
    KIND_MEAN, /* a sum that is divided in the end */
    KIND_COUNT,
};

/* to[i] = to[i] combined with from[i], i < n */
typedef void combine_fn(void *to, const void *from, int64_t n);

/* One loop of one kind and type. */
#define COMBINE(kind, name, type, computed, load, store, expression)                               \
    static void kind##_##name(void *vto, const void *vfrom, int64_t n)                             \
    {                                                                                              \
        type *to = vto;                                                                            \
        const type *from = vfrom;                                                                  \
        for (int64_t i = 0; i < n; i++) {                                                          \
            const computed x = load(to[i]), y = load(from[i]);                                     \
            to[i] = store(expression);                                                             \
        }                                                                                          \
    }
#define AS_IS(v) (v)
#define ARITHMETIC(name, type, computed, load, store)                                              \
    COMBINE(sum, name, type, computed, load, store, x + y)                                         \
    COMBINE(prod, name, type, computed, load, store, x *y)
#define ORDER(name, type, computed, load, store)                                                   \
    COMBINE(max, name, type, computed, load, store, x < y ? y : x)                                 \
    COMBINE(min, name, type, computed, load, store, y < x ? y : x)

/* Integers of up to 32 bits are computed in 64, and cut off; those of 64 without a sign. */
#define SMALL_INTEGERS(X)                                                                          \
    X(DTYPE_INT8, int8_t, int8)                                                                    \
    X(DTYPE_INT16, int16_t, int16)                                                                 \
    X(DTYPE_INT32, int32_t, int32)                                                                 \
    X(DTYPE_UINT8, uint8_t, uint8)                                                                 \
    X(DTYPE_UINT16, uint16_t, uint16)                                                              \
    X(DTYPE_UINT32, uint32_t, uint32)
#define SMALL_LOOPS(dtype, type, name)                                                             \
    ARITHMETIC(name, type, uint64_t, (uint64_t), (type))                                           \
    ORDER(name, type, type, AS_IS, AS_IS)
SMALL_INTEGERS(SMALL_LOOPS)
ARITHMETIC(int64, uint64_t, uint64_t, AS_IS, AS_IS)
ORDER(int64, int64_t, int64_t, AS_IS, AS_IS)
ARITHMETIC(uint64, uint64_t, uint64_t, AS_IS, AS_IS)
ORDER(uint64, uint64_t, uint64_t, AS_IS, AS_IS)
ARITHMETIC(float, float, float, AS_IS, AS_IS)
ORDER(float, float, float, AS_IS, AS_IS)
ARITHMETIC(double, double, double, AS_IS, AS_IS)
ORDER(double, double, double, AS_IS, AS_IS)
ARITHMETIC(half, uint16_t, float, dtype_half_to_float, dtype_half_from_float)
ORDER(half, uint16_t, float, dtype_half_to_float, dtype_half_from_float)
ARITHMETIC(bfloat16, uint16_t, float, dtype_bfloat16_to_float, dtype_bfloat16_from_float)
ORDER(bfloat16, uint16_t, float, dtype_bfloat16_to_float, dtype_bfloat16_from_float)
ARITHMETIC(complex64, float complex, float complex, AS_IS, AS_IS)
ARITHMETIC(complex128, double complex, double complex, AS_IS, AS_IS)

#define REAL_ROWS(kind)                                                                            \
    [DTYPE_INT8] = kind##_int8, [DTYPE_INT16] = kind##_int16, [DTYPE_INT32] = kind##_int32,        \
    [DTYPE_INT64] = kind##_int64, [DTYPE_UINT8] = kind##_uint8, [DTYPE_UINT16] = kind##_uint16,    \
    [DTYPE_UINT32] = kind##_uint32, [DTYPE_UINT64] = kind##_uint64, [DTYPE_FLOAT] = kind##_float,  \
    [DTYPE_DOUBLE] = kind##_double, [DTYPE_HALF] = kind##_half, [DTYPE_BFLOAT16] = kind##_bfloat16
#define NUMBER_ROWS(kind)                                                                          \
    REAL_ROWS(kind), [DTYPE_COMPLEX64] = kind##_complex64, [DTYPE_COMPLEX128] = kind##_complex128

static combine_fn *const combine[KIND_COUNT][DTYPE_COUNT] = {
    [KIND_SUM] = {NUMBER_ROWS(sum)},  [KIND_PROD] = {NUMBER_ROWS(prod)},
    [KIND_MAX] = {REAL_ROWS(max)},    [KIND_MIN] = {REAL_ROWS(min)},
    [KIND_MEAN] = {NUMBER_ROWS(sum)},
};

/* ---- a value in every element; a row divided ---- */

/* A small whole number, or the least or the largest of the type, as one element's bytes. */
static void write_element(enum dtype dtype, double value, bool extreme, void *to)
{
    const bool low = value < 0;
    const uint64_t ones = UINT64_MAX;
    switch (dtype) {
    case DTYPE_FLOAT:
        *(float *)to = (float)(extreme ? (low ? -(double)FLT_MAX : (double)FLT_MAX) : value);
        break;
    case DTYPE_DOUBLE:
        *(double *)to = extreme ? (low ? -DBL_MAX : DBL_MAX) : value;
        break;
    case DTYPE_HALF:
        *(uint16_t *)to = extreme ? (low ? 0xfbff : 0x7bff) : dtype_half_from_float((float)value);
        break;
    case DTYPE_BFLOAT16:
        *(uint16_t *)to =
            extreme ? (low ? 0xff7f : 0x7f7f) : dtype_bfloat16_from_float((float)value);
        break;
    case DTYPE_COMPLEX64:
        *(float complex *)to = (float)value;
        break;
    case DTYPE_COMPLEX128:
        *(double complex *)to = value;
        break;
    default: {
        size_t size = dtype_size(dtype);
        bool has_sign = dtype == DTYPE_INT8 || dtype == DTYPE_INT16 || dtype == DTYPE_INT32 ||
                        dtype == DTYPE_INT64;
        uint64_t most = ones >> (64 - 8 * size + has_sign);
        uint64_t least = has_sign ? ~most : 0;
        uint64_t bits = extreme ? (low ? least : most) : (uint64_t)value;
        memcpy(to, &bits, size); /* little endian */
    }
    }
}

static void fill(struct tensor *out, double value, bool extreme)
{
    char element[sizeof(double complex)];
    size_t size = dtype_size(out->dtype), bytes = tensor_bytes(out);
    write_element(out->dtype, value, extreme, element);
    for (size_t at = 0; at < bytes; at += size)
        memcpy((char *)out->data + at, element, size);
}

#define DIVIDE(dtype, type, name)                                                                  \
    case dtype:                                                                                    \
        for (int64_t i = 0; i < n; i++)                                                            \
            ((type *)row)[i] = (type)(((type *)row)[i] / (type)by);                                \
        break;

static void divide(enum dtype dtype, void *row, int64_t by, int64_t n)
{
    uint16_t *half = row;
    switch (dtype) {
        KERNEL_TYPES_REAL(DIVIDE)
        DIVIDE(DTYPE_COMPLEX64, float complex, complex64)
        DIVIDE(DTYPE_COMPLEX128, double complex, complex128)
    case DTYPE_HALF:
        for (int64_t i = 0; i < n; i++)
            half[i] = dtype_half_from_float(dtype_half_to_float(half[i]) / (float)by);
        break;
    default:
        for (int64_t i = 0; i < n; i++)
            half[i] = dtype_bfloat16_from_float(dtype_bfloat16_to_float(half[i]) / (float)by);
    }
}

/* ---- ids in order ---- */

static enum code check_ordered(const struct op_call *call, struct error *err)
{
    const struct tensor *data = call->in[0], *ids = call->in[1];
    if (data->shape.rank < 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "input must be at least rank 1");
    if (ids->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "segment_ids should be a vector.");
    int64_t n = tensor_elements(ids);
    if (n != data->shape.dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "segment_ids should be the same size as dimension 0 of input.");
    int64_t rows = n ? tensor_int(ids, n - 1) + 1 : 0;
    if (rows < 0 || rows > INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "segment ids must be >= 0");
    for (int64_t i = 0; i < n; i++) {
        int64_t id = tensor_int(ids, i), next = i + 1 < n ? tensor_int(ids, i + 1) : INT64_MAX;
        if (id == next)
            continue;
        if (id > next)
            return error_set(err, CODE_INVALID_ARGUMENT, "segment ids are not increasing");
        if (id < 0 || id >= rows)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Segment id %lld out of range [0, %lld), possibly because "
                             "'segment_ids' input is not sorted.",
                             (long long)id, (long long)rows);
    }
    return CODE_OK;
}

static enum code ordered(struct op_call *call, enum kind kind, struct error *err)
{
    const struct tensor *data = call->in[0], *ids = call->in[1];
    enum code code = check_ordered(call, err);
    if (code)
        return code;
    int64_t n = tensor_elements(ids), width = kernel_span(&data->shape, 1, data->shape.rank);
    struct shape shape = data->shape;
    shape.dims[0] = n ? tensor_int(ids, n - 1) + 1 : 0;
    code = op_call_alloc(call, 0, &shape, err);
    if (code)
        return code;
    size_t row = (size_t)width * dtype_size(data->dtype);
    fill(call->out[0], kind == KIND_PROD ? 1 : 0, false);
    for (int64_t i = 0, first = 0; i < n; i++) {
        int64_t id = tensor_int(ids, i);
        char *to = (char *)call->out[0]->data + (size_t)id * row;
        const char *from = (const char *)data->data + (size_t)i * row;
        bool begins = !i || tensor_int(ids, i - 1) != id;
        bool ends = i + 1 == n || tensor_int(ids, i + 1) != id;
        first = begins ? i : first;
        if (begins && row)
            memcpy(to, from, row);
        else if (row)
            combine[kind][data->dtype](to, from, width);
        if (kind == KIND_MEAN && ends)
            divide(data->dtype, to, i + 1 - first, width);
    }
    return CODE_OK;
}

/* ---- ids in any order ---- */

static enum code read_count(const struct op_call *call, int64_t *count, struct error *err)
{
    const struct tensor *data = call->in[0], *ids = call->in[1], *number = call->in[2];
    char x[SHAPE_TEXT_SIZE], y[SHAPE_TEXT_SIZE];
    if (number->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "num_segments should be a scalar, not shape %s",
                         shape_text(&number->shape, x));
    bool starts = ids->shape.rank <= data->shape.rank;
    for (int i = 0; starts && i < ids->shape.rank; i++)
        starts = ids->shape.dims[i] == data->shape.dims[i];
    if (!starts)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "data.shape = %s does not start with segment_ids.shape = %s",
                         shape_text(&data->shape, x), shape_text(&ids->shape, y));
    *count = tensor_int(number, 0);
    if (*count < 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input num_segments == %lld must not be negative.", (long long)*count);
    return CODE_OK;
}

/* "segment_ids[1,2] = 5 is out of range [0, 3)" */
static enum code out_of_range(const struct tensor *ids, int64_t i, int64_t count, struct error *err)
{
    int64_t place[SHAPE_RANK_MAX], rest = i;
    for (int d = ids->shape.rank - 1; d >= 0; d--) {
        place[d] = rest % ids->shape.dims[d];
        rest /= ids->shape.dims[d];
    }
    error_set(err, CODE_INVALID_ARGUMENT, "segment_ids");
    for (int d = 0; d < ids->shape.rank; d++)
        error_append(err, "%s%lld", d ? "," : "[", (long long)place[d]);
    error_append(err, "%s = %lld is out of range [0, %lld)", ids->shape.rank ? "]" : "",
                 (long long)tensor_int(ids, i), (long long)count);
    return CODE_INVALID_ARGUMENT;
}

static enum code unsorted(struct op_call *call, enum kind kind, struct error *err)
{
    const struct tensor *data = call->in[0], *ids = call->in[1];
    int64_t count;
    enum code code = read_count(call, &count, err);
    if (code)
        return code;
    int inner = data->shape.rank - ids->shape.rank;
    struct shape shape = {inner + 1, {count}};
    if (shape.rank > SHAPE_RANK_MAX)
        return error_set(err, CODE_UNIMPLEMENTED, "a result of rank %d", shape.rank);
    for (int i = 0; i < inner; i++)
        shape.dims[i + 1] = data->shape.dims[ids->shape.rank + i];
    code = op_call_alloc(call, 0, &shape, err);
    if (code)
        return code;
    int64_t width = kernel_span(&shape, 1, shape.rank);
    size_t row = (size_t)width * dtype_size(data->dtype);
    bool extreme = kind == KIND_MAX || kind == KIND_MIN;
    fill(call->out[0], kind == KIND_SUM ? 0 : kind == KIND_MAX ? -1 : 1, extreme);
    for (int64_t i = 0, n = tensor_elements(data) ? tensor_elements(ids) : 0; i < n; i++) {
        int64_t id = tensor_int(ids, i);
        if (id >= count)
            return out_of_range(ids, i, count, err);
        if (id >= 0)
            combine[kind][data->dtype]((char *)call->out[0]->data + (size_t)id * row,
                                       (const char *)data->data + (size_t)i * row, width);
    }
    return CODE_OK;
}

/* data [n, ...], segment_ids [n] -> output [last id + 1, ...]. */
#define SEGMENT_OP(NAME, KIND, TYPES)                                                              \
    static enum code NAME##_run(struct op_call *call, struct error *err)                           \
    {                                                                                              \
        return ordered(call, KIND, err);                                                           \
    }                                                                                              \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = "data:T segment_ids:Tindices",                                                   \
        .outputs = "output:T",                                                                     \
        .attrs = "T:type Tindices:index",                                                          \
        .flags = OP_DYNAMIC,                                                                       \
        .types = TYPES,                                                                            \
        .run = NAME##_run,                                                                         \
    };
SEGMENT_OP(SegmentSum, KIND_SUM, OP_TYPES_NUMBER)
SEGMENT_OP(SegmentMean, KIND_MEAN, OP_TYPES_NUMBER)
SEGMENT_OP(SegmentProd, KIND_PROD, OP_TYPES_NUMBER)
SEGMENT_OP(SegmentMax, KIND_MAX, OP_TYPES_REAL)
SEGMENT_OP(SegmentMin, KIND_MIN, OP_TYPES_REAL)

/* data [..., ...], segment_ids: of data's first dimensions, num_segments [] -> output
 * [num_segments, the other dimensions]. */
#define UNSORTED_OP(NAME, KIND, TYPES)                                                             \
    static enum code NAME##_run(struct op_call *call, struct error *err)                           \
    {                                                                                              \
        return unsorted(call, KIND, err);                                                          \
    }                                                                                              \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = "data:T segment_ids:Tindices num_segments:Tnumsegments",                         \
        .outputs = "output:T",                                                                     \
        .attrs = "T:type Tindices:integer Tnumsegments:index=int32",                               \
        .flags = OP_DYNAMIC,                                                                       \
        .types = TYPES,                                                                            \
        .run = NAME##_run,                                                                         \
    };
UNSORTED_OP(UnsortedSegmentSum, KIND_SUM, OP_TYPES_NUMBER)
UNSORTED_OP(UnsortedSegmentProd, KIND_PROD, OP_TYPES_NUMBER)
UNSORTED_OP(UnsortedSegmentMax, KIND_MAX, OP_TYPES_REAL)
UNSORTED_OP(UnsortedSegmentMin, KIND_MIN, OP_TYPES_REAL)
