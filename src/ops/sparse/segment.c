/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SparseSegmentSum, Mean, SqrtN, with num_segments or without: rows of data picked by indices and
 * added up by segment_ids, which do not descend. The result has num_segments rows or goes up to the
 * last id; segments without rows are 0. half and bfloat16 are added as float and rounded once.
 */
#include <math.h>

#include "ops/array/combine.h"
#include "ops/kernel.h"
#include "ops/nn/widen.h"

struct segments {
    const struct tensor *data;
    const struct tensor *indices; /* rows of data */
    const struct tensor *ids;
    int64_t count; /* of ids */
    int64_t width; /* elements of a row */
    int64_t rows;  /* of the result */
    char divisor;  /* 'M': by the number of rows (Mean), 'q': by its root (SqrtN), 0: by none */
};

static void read_divisor(const struct op_call *call, struct segments *s)
{
    const char *name = call->node->op->name;
    s->divisor = strstr(name, "Mean") ? 'M' : strstr(name, "SqrtN") ? 'q' : 0;
}

static double divide_by(const struct segments *s, int64_t rows)
{
    return s->divisor == 'M' ? (double)rows : s->divisor ? sqrt((double)rows) : 1;
}

static void divide_row(enum dtype dtype, void *row, double by, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (dtype == DTYPE_FLOAT)
            ((float *)row)[i] /= (float)by;
        else
            ((double *)row)[i] /= by;
    }
}

/* ---- ids in order ---- */

/* The sum of a segment of half or bfloat16 rows is rounded once. */
static void add_wide(const struct segments *s, int64_t first, int64_t behind, void *to, float *wide)
{
    enum dtype dtype = s->data->dtype;
    float *row = wide + s->width;
    memset(wide, 0, (size_t)s->width * sizeof *wide);
    for (int64_t i = first; i < behind; i++) {
        int64_t from = tensor_int(s->indices, i);
        widen_to_float(dtype, TENSOR_AT(s->data, uint16_t) + from * s->width, row, s->width);
        for (int64_t k = 0; k < s->width; k++)
            wide[k] += row[k];
    }
    double by = divide_by(s, behind - first);
    for (int64_t k = 0; k < s->width; k++)
        wide[k] /= (float)by;
    widen_from_float(dtype, wide, to, s->width);
}

static void combine_segment(const struct segments *s, int64_t first, int64_t behind, char *to)
{
    enum dtype dtype = s->data->dtype;
    combine_fn *combine = combine_find(COMBINE_ADD, dtype);
    size_t bytes = (size_t)s->width * dtype_size(dtype);
    for (int64_t i = first; i < behind; i++) {
        int64_t row = tensor_int(s->indices, i);
        const char *from = (const char *)s->data->data + (size_t)row * bytes;
        if (i == first)
            memcpy(to, from, bytes);
        else
            combine(to, from, s->width);
    }
    if (s->divisor && behind - first > 1)
        divide_row(dtype, to, divide_by(s, behind - first), s->width);
}

static enum code run_ordered(struct op_call *call, const struct segments *s, struct error *err)
{
    float *wide = NULL;
    enum dtype dtype = s->data->dtype;
    bool widens = widen_is_needed(dtype);
    struct shape out = s->data->shape;
    out.dims[0] = s->rows;
    enum code code = op_call_alloc(call, 0, &out, err);
    if (!code && widens)
        code = kernel_array(call, s->width, 2 * sizeof *wide, &wide, err);
    if (code)
        return code;
    char *to = call->out[0]->data;
    size_t bytes = (size_t)s->width * dtype_size(dtype);
    memset(to, 0, tensor_bytes(call->out[0]));
    for (int64_t first = 0, behind; first < s->count; first = behind) {
        int64_t id = tensor_int(s->ids, first);
        for (behind = first + 1; behind < s->count && tensor_int(s->ids, behind) == id;)
            behind++;
        if (widens)
            add_wide(s, first, behind, to + (size_t)id * bytes, wide);
        else
            combine_segment(s, first, behind, to + (size_t)id * bytes);
    }
    return CODE_OK;
}

static enum code out_of_range(int64_t id, int64_t rows, struct error *err)
{
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Segment id %lld out of range [0, %lld), possibly because 'segment_ids' "
                     "input is not sorted.",
                     (long long)id, (long long)rows);
}

/* All but the ids' count and the data's rank was checked; sets the rows unless they are given. */
static enum code check_ids(struct segments *s, bool given, struct error *err)
{
    int64_t last = s->count ? tensor_int(s->ids, s->count - 1) : -1;
    if (!given)
        s->rows = last + 1;
    if (last > INT32_MAX)
        return out_of_range(last, INT32_MAX, err);
    if (s->count && last < 0 && !given)
        return error_set(err, CODE_INVALID_ARGUMENT, "segment ids must be >= 0");
    for (int64_t i = 0; i < s->count; i++) {
        int64_t id = tensor_int(s->ids, i);
        if (i + 1 < s->count && tensor_int(s->ids, i + 1) < id)
            return error_set(err, CODE_INVALID_ARGUMENT, "segment ids are not increasing");
        if (id < 0 || id >= s->rows)
            return out_of_range(id, s->rows, err);
    }
    return CODE_OK;
}

/* ---- SparseSegment*: data, indices, segment_ids, num_segments [] ---- */

static enum code check_picks(const struct segments *s, struct error *err)
{
    for (int64_t i = 0, rows = s->data->shape.dims[0]; i < s->count; i++) {
        int64_t index = tensor_int(s->indices, i);
        if (index < 0 || index >= rows)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Bad: indices[%lld] == %lld out of range [0, %lld)", (long long)i,
                             (long long)index, (long long)rows);
    }
    return CODE_OK;
}

static enum code read_rows(const struct op_call *call, int i, struct segments *s, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (call->in[i]->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "num_segments should be a scalar, not shape %s",
                         shape_text(&call->in[i]->shape, text));
    s->rows = tensor_int(call->in[i], 0);
    return CODE_OK;
}

static enum code sparse_run(struct op_call *call, struct error *err)
{
    struct segments s = {.data = call->in[0], .indices = call->in[1], .ids = call->in[2]};
    bool given = call->in_count > 3;
    enum code code = given ? read_rows(call, 3, &s, err) : CODE_OK;
    if (code)
        return code;
    if (s.data->shape.rank < 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "Shape must be at least rank 1");
    if (s.indices->shape.rank != 1 || s.ids->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s should be a vector.",
                         s.indices->shape.rank != 1 ? "indices" : "segment_ids");
    s.count = tensor_elements(s.ids);
    if (tensor_elements(s.indices) != s.count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "segment_ids and indices should have same size.");
    if (given && s.rows < 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "segment ids must be >= 0");
    if (given && s.count && tensor_int(s.ids, s.count - 1) >= s.rows)
        return error_set(err, CODE_INVALID_ARGUMENT, "segment ids must be < num_segments");
    read_divisor(call, &s);
    s.width = kernel_span(&s.data->shape, 1, s.data->shape.rank);
    code = check_ids(&s, given, err);
    if (!code)
        code = check_picks(&s, err);
    return code ? code : run_ordered(call, &s, err);
}

#define PICKED_OP(symbol, dtypes)                                                                  \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "data:T indices:Tidx segment_ids:Tsegmentids",                                   \
        .outputs = "output:T",                                                                     \
        .attrs = "T:type Tidx:index=int32 Tsegmentids:index=int32 sparse_gradient:bool=false",     \
        .flags = OP_DYNAMIC,                                                                       \
        .types = dtypes,                                                                           \
        .run = sparse_run,                                                                         \
    }

PICKED_OP(SparseSegmentSum, OP_TYPES_REAL);
PICKED_OP(SparseSegmentMean, OP_TYPES_FLOAT);
PICKED_OP(SparseSegmentSqrtN, OP_TYPES_FLOAT);

#define NUMBERED_OP(symbol, dtypes)                                                                \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "data:T indices:Tidx segment_ids:Tsegmentids num_segments:Tnumsegments",         \
        .outputs = "output:T",                                                                     \
        .attrs = "T:type Tidx:index=int32 Tnumsegments:index=int32 Tsegmentids:index=int32 "       \
                 "sparse_gradient:bool=false",                                                     \
        .flags = OP_DYNAMIC,                                                                       \
        .types = dtypes,                                                                           \
        .run = sparse_run,                                                                         \
    }

NUMBERED_OP(SparseSegmentSumWithNumSegments, OP_TYPES_REAL);
NUMBERED_OP(SparseSegmentMeanWithNumSegments, OP_TYPES_FLOAT);
NUMBERED_OP(SparseSegmentSqrtNWithNumSegments, OP_TYPES_FLOAT);
