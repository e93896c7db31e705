/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DataFormatDimMap, DataFormatVecPermute: numbers of dimensions, and what belongs to each dimension
 * of an image ([n] or [n, 2]; without batch and channels, too), from one order to the other.
 */
#include "ops/kernel.h"

enum { FORMAT_MAX = 5 };

struct format {
    int count;
    int to[FORMAT_MAX];   /* of each dimension of the source, its place in the destination */
    int from[FORMAT_MAX]; /* the other way round */
    int kept, spatial[FORMAT_MAX]; /* from, without batch and channels */
};

static bool is_spatial(char c)
{
    return c != 'N' && c != 'C';
}

/* Places among the spatial dimensions alone. */
static void find_spatial(struct format *f, struct span from, struct span to)
{
    for (int i = 0; i < f->count; i++) {
        if (!is_spatial(to.ptr[i]))
            continue;
        int place = 0;
        for (int k = 0; k < f->from[i]; k++)
            place += is_spatial(from.ptr[k]);
        f->spatial[f->kept++] = place;
    }
}

static enum code format_prepare(struct op_call *call, struct error *err)
{
    struct format *f = ARENA_NEW(call->arena, struct format);
    struct span from = op_attr_string(call, "src_format"), to = op_attr_string(call, "dst_format");
    call->state = f;
    if (from.len != 4 && from.len != FORMAT_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Source format must be of length 4 or 5, received src_format = %.*s",
                         SPAN_ARG(from));
    if (to.len != 4 && to.len != FORMAT_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Destination format must be of length 4 or 5, received dst_format = %.*s",
                         SPAN_ARG(to));
    f->count = (int)from.len;
    unsigned seen = 0;
    for (int i = 0; from.len == to.len && i < f->count; i++) {
        size_t at = span_find(to, from.ptr[i]);
        if (at == to.len)
            continue;
        seen |= 1u << at;
        f->to[i] = (int)at;
        f->from[at] = i;
    }
    if (from.len != to.len || seen != (1u << f->count) - 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Destination and source format must determine a permutation, got %.*s and "
                         "%.*s",
                         SPAN_ARG(from), SPAN_ARG(to));
    find_spatial(f, from, to);
    return CODE_OK;
}

static enum code dim_map_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct format *f = call->state;
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++) {
        int64_t dim = tensor_int(call->in[0], i) % f->count;
        kernel_put_index(call->out[0], i, f->to[dim < 0 ? dim + f->count : dim]);
    }
    return CODE_OK;
}

static enum code permute_check(const struct op_call *call, const struct format *f,
                               struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    char text[SHAPE_TEXT_SIZE];
    shape_text(in, text);
    if (in->rank != 1 && in->rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "input must be a vector or 2D tensor, but got shape %s", text);
    if (in->dims[0] != f->count && in->dims[0] != f->count - 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         in->rank == 1
                             ? "1D input must be of size %d or %d, but got shape %s"
                             : "First dimension of 2D input must be of size %d or %d, but got "
                               "shape %s",
                         f->count - 2, f->count, text);
    if (in->rank == 2 && in->dims[1] != 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Second dimension of 2D input must be of size 2, but got shape %s", text);
    return CODE_OK;
}

static enum code permute_run(struct op_call *call, struct error *err)
{
    const struct format *f = call->state;
    const struct shape *in = &call->in[0]->shape;
    enum code code = permute_check(call, f, err);
    if (code)
        return code;
    const int *from = in->dims[0] == f->count ? f->from : f->spatial;
    size_t row = dtype_size(call->in[0]->dtype) * (size_t)(in->rank == 2 ? 2 : 1);
    for (int64_t i = 0; i < in->dims[0]; i++)
        memcpy((char *)call->out[0]->data + (size_t)i * row,
               (const char *)call->in[0]->data + (size_t)from[i] * row, row);
    return CODE_OK;
}

#define FORMAT_OP(symbol, run_fn)                                                                  \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "x:T",                                                                           \
        .outputs = "y:T",                                                                          \
        .attrs = "T:index=int32 src_format:string='NHWC' dst_format:string='NCHW'",                \
        .prepare = format_prepare,                                                                 \
        .run = run_fn,                                                                             \
    }

FORMAT_OP(DataFormatDimMap, dim_map_run);
FORMAT_OP(DataFormatVecPermute, permute_run);
