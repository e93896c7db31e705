/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gather, GatherV2, ResourceGather, GatherNd, ResourceGatherNd: rows picked by index. Seen from the
 * gathered axis, params are [batch, outer, size, row] and the result [batch, outer, picks, row]
 * with `row` in bytes; an index out of range fails the op.
 */
#include <stdio.h>

#include "engine/resource.h"
#include "engine/run.h"
#include "ops/array/sizes.h"
#include "ops/handle.h"
#include "ops/kernel.h"

struct gather {
    int64_t batch, outer, size, picks;
    size_t row;
    int batch_dims;
};

/* batch_dims counted from the front, and the shape of the result. */
static enum code gather_infer(const struct shape *params, const struct shape *indices, int axis,
                              int64_t batch_attr, struct shape *out, struct error *err)
{
    int64_t batch = batch_attr < 0 ? batch_attr + indices->rank : batch_attr;
    if (batch < 0 || batch > indices->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected batch_dims in the range [%d, %d], but got %lld", -indices->rank,
                         indices->rank, (long long)batch_attr);
    if (batch > axis)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "batch_dims (%lld) must be less than or equal to axis (%d).",
                         (long long)batch_attr, axis);
    if (params->rank + indices->rank - 1 - (int)batch > SHAPE_RANK_MAX)
        return error_set(err, CODE_UNIMPLEMENTED, "the result's rank is beyond %d", SHAPE_RANK_MAX);
    for (int i = 0; i < (int)batch; i++) {
        if (params->dims[i] != indices->dims[i])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "params.shape[%d]: %lld should be equal to indices.shape[%d]: %lld", i,
                             (long long)params->dims[i], i, (long long)indices->dims[i]);
    }
    *out = (struct shape){0};
    for (int i = 0; i < axis; i++)
        out->dims[out->rank++] = params->dims[i];
    for (int i = (int)batch; i < indices->rank; i++)
        out->dims[out->rank++] = indices->dims[i];
    for (int i = axis + 1; i < params->rank; i++)
        out->dims[out->rank++] = params->dims[i];
    return CODE_OK;
}

static void gather_fill(struct gather *g, const struct tensor *params, const struct tensor *indices,
                        int axis)
{
    g->batch = kernel_span(&params->shape, 0, g->batch_dims);
    g->outer = kernel_span(&params->shape, g->batch_dims, axis);
    g->size = params->shape.dims[axis];
    g->picks = kernel_span(&indices->shape, g->batch_dims, indices->shape.rank);
    g->row = (size_t)kernel_span(&params->shape, axis + 1, params->shape.rank) *
             dtype_size(params->dtype);
}

/* Where an index stands, as TensorFlow writes it: "indices[1,0] = 9 is not in [0, 5)". */
static enum code bad_index(const struct tensor *indices, int64_t at, int64_t size,
                           struct error *err)
{
    char text[SHAPE_TEXT_SIZE] = "";
    size_t used = 0;
    int64_t rest = at;
    for (int i = 0; i < indices->shape.rank; i++) {
        int64_t inner = kernel_span(&indices->shape, i + 1, indices->shape.rank);
        int n = snprintf(text + used, sizeof text - used, "%s%lld", i ? "," : "",
                         (long long)(rest / inner));
        used += n > 0 ? (size_t)n : 0;
        rest %= inner;
    }
    const char *open = indices->shape.rank ? "[" : "", *close = indices->shape.rank ? "]" : "";
    return error_set(err, CODE_INVALID_ARGUMENT, "indices%s%s%s = %lld is not in [0, %lld)", open,
                     text, close, (long long)tensor_int(indices, at), (long long)size);
}

static enum code gather_rows(const struct gather *g, const struct tensor *params,
                             const struct tensor *indices, char *to, struct error *err)
{
    const char *from = params->data;
    /* Of rows of nothing TensorFlow does not look at the indices. */
    if (!g->row)
        return CODE_OK;
    for (int64_t b = 0; b < g->batch; b++) {
        for (int64_t o = 0; o < g->outer; o++) {
            for (int64_t i = 0; i < g->picks; i++, to += g->row) {
                int64_t at = b * g->picks + i;
                int64_t index = tensor_int(indices, at);
                if (index < 0 || index >= g->size)
                    return bad_index(indices, at, g->size, err);
                memcpy(to, from + (size_t)index * g->row, g->row);
            }
            from += (size_t)g->size * g->row;
        }
    }
    return CODE_OK;
}

/* ---- GatherV2: params, indices, axis []; Gather: axis 0 ---- */

static enum code gather_axis(const struct op_call *call, int *axis, struct error *err)
{
    const struct shape *params = &call->in[0]->shape;
    bool given = call->in_count > 2;
    if (given && tensor_elements(call->in[2]) != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "axis must be scalar");
    int64_t value = given ? tensor_int(call->in[2], 0) : 0;
    if (!kernel_axis(value, params->rank, axis))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Shape must be at least rank %lld but is rank %d",
                         (long long)(value < 0 ? -(value + 1) + 1 : value + 1), params->rank);
    return CODE_OK;
}

static int64_t batch_attr(const struct op_call *call)
{
    return span_is(call->node->op_name, "Gather") ? 0 : op_attr_int(call, "batch_dims");
}

static enum code gather_shape(struct op_call *call, struct error *err)
{
    if (call->in_count > 2 && !op_call_known(call, 2)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    int axis;
    struct shape out;
    enum code code = gather_axis(call, &axis, err);
    if (!code)
        code = gather_infer(&call->in[0]->shape, &call->in[1]->shape, axis, batch_attr(call), &out,
                            err);
    if (!code)
        op_call_shape(call, 0, &out);
    return code;
}

static enum code gather_prepare(struct op_call *call, struct error *err)
{
    int axis;
    enum code code = gather_axis(call, &axis, err);
    if (code)
        return code;
    struct gather *g = ARENA_NEW(call->arena, struct gather);
    int64_t batch = batch_attr(call);
    g->batch_dims = (int)(batch < 0 ? batch + call->in[1]->shape.rank : batch);
    gather_fill(g, call->in[0], call->in[1], axis);
    call->state = g;
    return CODE_OK;
}

static enum code gather_run(struct op_call *call, struct error *err)
{
    return gather_rows(call->state, call->in[0], call->in[1], call->out[0]->data, err);
}

/* ---- ResourceGather: a variable's rows, without a copy of the variable ---- */

static enum code resource_gather_run(struct op_call *call, struct error *err)
{
    struct tensor params;
    struct shape out;
    enum code code = handle_read(call, &params, err);
    if (code)
        return code;
    int64_t batch = op_attr_int(call, "batch_dims");
    struct gather g = {.batch_dims = (int)(batch < 0 ? batch + call->in[1]->shape.rank : batch)};
    if (params.shape.rank <= g.batch_dims)
        return error_set(err, CODE_INVALID_ARGUMENT, "params must be at least 1 dimensional");
    code = gather_infer(&params.shape, &call->in[1]->shape, g.batch_dims, batch, &out, err);
    if (!code)
        code = op_call_alloc(call, 0, &out, err);
    if (code)
        return code;
    gather_fill(&g, &params, call->in[1], g.batch_dims);
    return gather_rows(&g, &params, call->in[1], call->out[0]->data, err);
}

/* ---- GatherNd: params, indices [..., n]: each row of n numbers picks params[row] ---- */

static enum code gather_nd_infer(const struct shape *params, const struct shape *indices,
                                 struct shape *out, struct error *err)
{
    if (params->rank < 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "params must be at least a vector");
    if (indices->rank < 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "indices must be at least a vector");
    int64_t depth = indices->dims[indices->rank - 1];
    if (depth > params->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "index innermost dimension length must be <= params rank; saw: %lld vs. "
                         "%d",
                         (long long)depth, params->rank);
    *out = (struct shape){0};
    if (indices->rank - 1 + params->rank - depth > SHAPE_RANK_MAX)
        return error_set(err, CODE_UNIMPLEMENTED, "the result's rank is beyond %d", SHAPE_RANK_MAX);
    for (int i = 0; i < indices->rank - 1; i++)
        out->dims[out->rank++] = indices->dims[i];
    for (int i = (int)depth; i < params->rank; i++)
        out->dims[out->rank++] = params->dims[i];
    return CODE_OK;
}

static enum code gather_nd_shape(struct op_call *call, struct error *err)
{
    struct shape out;
    enum code code = gather_nd_infer(&call->in[0]->shape, &call->in[1]->shape, &out, err);
    if (!code)
        op_call_shape(call, 0, &out);
    return code;
}

/* "indices[1] = [0, 3] does not index into param shape [4,3,2], node name: GatherNd" */
static enum code bad_nd_index(const struct op_call *call, const struct tensor *params, int64_t row,
                              int depth, struct error *err)
{
    const struct tensor *indices = call->in[1];
    int outer = indices->shape.rank - 1;
    char shape[SHAPE_TEXT_SIZE];
    error_set(err, CODE_INVALID_ARGUMENT, "indices");
    int64_t rest = row;
    for (int i = 0; i < outer; i++) {
        int64_t inner = kernel_span(&indices->shape, i + 1, outer);
        error_append(err, "%s%lld%s", i ? "," : "[", (long long)(rest / inner),
                     i + 1 == outer ? "]" : "");
        rest %= inner;
    }
    error_append(err, " = [");
    for (int i = 0; i < depth; i++)
        error_append(err, "%s%lld", i ? ", " : "", (long long)tensor_int(indices, row * depth + i));
    error_append(err, "] does not index into param shape %s, node name: %.*s",
                 shape_text(&params->shape, shape), SPAN_ARG(call->node->name));
    return CODE_INVALID_ARGUMENT;
}

static enum code gather_nd_rows(struct op_call *call, const struct tensor *params,
                                struct error *err)
{
    const struct tensor *indices = call->in[1];
    int depth = (int)indices->shape.dims[indices->shape.rank - 1];
    int64_t rows = kernel_span(&indices->shape, 0, indices->shape.rank - 1);
    size_t bytes =
        (size_t)kernel_span(&params->shape, depth, params->shape.rank) * dtype_size(params->dtype);
    char *to = call->out[0]->data, text[SHAPE_TEXT_SIZE];
    if (rows && !tensor_elements(params))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Requested more than 0 entries, but params is empty.  Params shape: %s",
                         shape_text(&params->shape, text));
    for (int64_t row = 0; row < rows; row++, to += bytes) {
        int64_t at = 0;
        for (int k = 0; k < depth; k++) {
            int64_t index = tensor_int(indices, row * depth + k);
            if (index < 0 || index >= params->shape.dims[k])
                return bad_nd_index(call, params, row, depth, err);
            at = at * params->shape.dims[k] + index;
        }
        memcpy(to, (const char *)params->data + (size_t)at * bytes, bytes);
    }
    return CODE_OK;
}

static enum code gather_nd_run(struct op_call *call, struct error *err)
{
    return gather_nd_rows(call, call->in[0], err);
}

static enum code resource_gather_nd_run(struct op_call *call, struct error *err)
{
    struct tensor params;
    struct shape out;
    enum code code = handle_read(call, &params, err);
    if (!code)
        code = gather_nd_infer(&params.shape, &call->in[1]->shape, &out, err);
    if (!code)
        code = op_call_alloc(call, 0, &out, err);
    return code ? code : gather_nd_rows(call, &params, err);
}

const struct op op_GatherV2 = {
    .name = "GatherV2",
    .inputs = "params:Tparams indices:Tindices axis:Taxis",
    .outputs = "output:Tparams",
    .attrs = "batch_dims:int=0 Tparams:type Tindices:integer Taxis:index",
    .shape = gather_shape,
    .prepare = gather_prepare,
    .run = gather_run,
};

const struct op op_Gather = {
    .name = "Gather",
    .inputs = "params:Tparams indices:Tindices",
    .outputs = "output:Tparams",
    .attrs = "validate_indices:bool=true Tparams:type Tindices:integer",
    .shape = gather_shape,
    .prepare = gather_prepare,
    .run = gather_run,
};

const struct op op_ResourceGather = {
    .name = "ResourceGather",
    .inputs = "resource:resource indices:Tindices",
    .outputs = "output:dtype",
    .attrs = "batch_dims:int=0 validate_indices:bool=true dtype:type Tindices:integer",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = resource_gather_run,
};

const struct op op_GatherNd = {
    .name = "GatherNd",
    .inputs = "params:Tparams indices:Tindices",
    .outputs = "output:Tparams",
    .attrs = "Tparams:type Tindices:integer bad_indices_policy:string=''",
    .shape = gather_nd_shape,
    .run = gather_nd_run,
};

const struct op op_ResourceGatherNd = {
    .name = "ResourceGatherNd",
    .inputs = "resource:resource indices:Tindices",
    .outputs = "output:dtype",
    .attrs = "dtype:type Tindices:integer",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = resource_gather_nd_run,
};
