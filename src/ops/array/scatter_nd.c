/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ScatterNd, ScatterNdNonAliasingAdd, TensorScatterUpdate, Add, Sub, Max, Min: see scatter_nd.h.
 * Rows are taken in order: of several for one place an update keeps the last. All indices are
 * checked before the first row is put, for the target may be a variable.
 */
#include "ops/array/scatter_nd.h"

#include "ops/kernel.h"

/* ---- checks ---- */

static enum code check_ranks(const struct scatter_nd *s, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (s->indices->shape.rank < 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Indices shape must have rank at least one. Found:%s",
                         shape_text(&s->indices->shape, text));
    if (s->updates->shape.rank < 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Updates shape must have rank at least one. Found:%s",
                         shape_text(&s->updates->shape, text));
    return CODE_OK;
}

/* Indices and updates are both empty, or neither they nor the target are. */
static bool emptiness_agrees(const struct scatter_nd *s, int64_t target_elements)
{
    int64_t indices = tensor_elements(s->indices), updates = tensor_elements(s->updates);
    return (!indices && !updates) || (target_elements && indices && updates);
}

static enum code is_empty(struct error *err)
{
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Indices and updates specified for empty output shape");
}

static bool outer_agree(const struct scatter_nd *s)
{
    const struct shape *indices = &s->indices->shape, *updates = &s->updates->shape;
    for (int i = 0; i < indices->rank - 1; i++) {
        if (i >= updates->rank || indices->dims[i] != updates->dims[i])
            return false;
    }
    return true;
}

static int64_t depth_of(const struct scatter_nd *s)
{
    return s->indices->shape.dims[s->indices->shape.rank - 1];
}

static bool inner_ranks_agree(const struct scatter_nd *s, const struct shape *target)
{
    int outer = s->indices->shape.rank - 1;
    return depth_of(s) <= target->rank &&
           s->updates->shape.rank - outer == target->rank - (int)depth_of(s);
}

static bool inner_agree(const struct scatter_nd *s, const struct shape *target)
{
    int outer = s->indices->shape.rank - 1, depth = (int)depth_of(s);
    for (int i = 0; i < target->rank - depth; i++) {
        if (s->updates->shape.dims[outer + i] != target->dims[depth + i])
            return false;
    }
    return true;
}

enum code scatter_nd_check(const struct scatter_nd *s, const struct shape *target,
                           struct error *err)
{
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    const struct shape *indices = &s->indices->shape, *updates = &s->updates->shape;
    enum code code = check_ranks(s, err);
    if (code)
        return code;
    if (!emptiness_agrees(s, shape_elements(target)))
        return is_empty(err);
    if (!outer_agree(s))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Outer dimensions of indices and update must match. Indices shape: %s, "
                         "updates shape:%s",
                         shape_text(indices, left), shape_text(updates, right));
    if (!inner_ranks_agree(s, target))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Inner dimensions of output shape must match inner dimensions of updates "
                         "shape. Output: %s updates: %s",
                         shape_text(target, left), shape_text(updates, right));
    int inner = target->rank - (int)depth_of(s);
    if (!inner_agree(s, target))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The inner %d dimensions of output.shape=%s must match the inner %d "
                         "dimensions of updates.shape=%s",
                         inner, shape_text(target, left), inner, shape_text(updates, right));
    return CODE_OK;
}

enum code scatter_nd_check_variable(const struct scatter_nd *s, const struct shape *target,
                                    struct error *err)
{
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    const struct shape *indices = &s->indices->shape, *updates = &s->updates->shape;
    enum code code = check_ranks(s, err);
    int outer = indices->rank - 1;
    for (int i = 0; !code && i < outer; i++) {
        int64_t have = i < updates->rank ? updates->dims[i] : 1;
        if (indices->dims[i] != have)
            code = error_set(err, CODE_INVALID_ARGUMENT,
                             "Dimensions [0,%d) of indices[shape=%s] = %lld must match dimensions "
                             "[0,%d) of updates[shape=%s] = %lld",
                             outer, shape_text(indices, left), (long long)indices->dims[i], outer,
                             shape_text(updates, right), (long long)have);
    }
    if (!code && (!inner_ranks_agree(s, target) || !inner_agree(s, target)))
        code = error_set(err, CODE_INVALID_ARGUMENT,
                         "Dimensions [%lld,%d) of input[shape=%s] must match dimensions [%d,%d) of "
                         "updates[shape=%s]",
                         (long long)depth_of(s), target->rank, shape_text(target, left), outer,
                         updates->rank, shape_text(updates, right));
    return code;
}

/* ---- rows ---- */

/* Which slice of the target row `row` names, or -1. */
static int64_t slice_at(const struct scatter_nd *s, const struct shape *target, int64_t row)
{
    int64_t depth = depth_of(s), at = 0;
    for (int64_t k = 0; k < depth; k++) {
        int64_t index = tensor_int(s->indices, row * depth + k);
        if (index < 0 || index >= target->dims[k])
            return -1;
        at = at * target->dims[k] + index;
    }
    return at;
}

/* "indices[1,0] = [0, 3] does not index into shape [2,3]" */
static enum code bad_row(const struct scatter_nd *s, const struct shape *target, int64_t row,
                         struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    const struct shape *indices = &s->indices->shape;
    int64_t depth = depth_of(s), rest = row;
    error_set(err, CODE_INVALID_ARGUMENT, "indices%s", indices->rank > 1 ? "[" : "");
    for (int i = 0; i < indices->rank - 1; i++) {
        int64_t inner = kernel_span(indices, i + 1, indices->rank - 1);
        error_append(err, "%s%lld", i ? "," : "", (long long)(rest / inner));
        rest %= inner;
    }
    error_append(err, "%s = [", indices->rank > 1 ? "]" : "");
    for (int64_t k = 0; k < depth; k++)
        error_append(err, "%s%lld", k ? ", " : "",
                     (long long)tensor_int(s->indices, row * depth + k));
    error_append(err, "] does not index into shape %s", shape_text(target, text));
    return CODE_INVALID_ARGUMENT;
}

enum code scatter_nd_apply(const struct scatter_nd *s, const struct tensor *target,
                           struct error *err)
{
    combine_fn *combine = combine_find(s->combine, target->dtype);
    if (!combine && s->combine != COMBINE_UPDATE)
        return error_set(err, CODE_UNIMPLEMENTED, "%s can not be scattered so",
                         dtype_name(target->dtype));
    int64_t rows = kernel_span(&s->indices->shape, 0, s->indices->shape.rank - 1);
    int64_t n = kernel_span(&target->shape, (int)depth_of(s), target->shape.rank);
    /* Of several bad rows TensorFlow names the last. */
    for (int64_t row = rows - 1; row >= 0 && !s->skips; row--) {
        if (slice_at(s, &target->shape, row) < 0)
            return bad_row(s, &target->shape, row, err);
    }
    size_t bytes = (size_t)n * dtype_size(target->dtype);
    const char *from = s->updates->data;
    for (int64_t row = 0; row < rows; row++, from += bytes) {
        int64_t slice = slice_at(s, &target->shape, row);
        if (slice < 0)
            continue;
        char *to = (char *)target->data + (size_t)slice * bytes;
        if (combine)
            combine(to, from, n);
        else
            memcpy(to, from, bytes);
    }
    return CODE_OK;
}

/* ---- how a node scatters: kept in call->state ---- */

static const struct {
    const char *op;
    enum combine combine;
} kinds[] = {
    {"ScatterNd", COMBINE_ADD},        {"ScatterNdNonAliasingAdd", COMBINE_ADD},
    {"TensorScatterAdd", COMBINE_ADD}, {"TensorScatterMax", COMBINE_MAX},
    {"TensorScatterMin", COMBINE_MIN}, {"TensorScatterSub", COMBINE_SUB},
};

static enum code prepare(struct op_call *call, struct error *err)
{
    (void)err;
    struct scatter_nd *s = ARENA_NEW(call->arena, struct scatter_nd);
    enum dtype dtype = call->out[0]->dtype;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (span_is(call->node->op_name, kinds[i].op))
            s->combine = kinds[i].combine;
    }
    if (dtype == DTYPE_STRING)
        s->combine = COMBINE_UPDATE;
    s->skips = span_is(op_attr_string(call, "bad_indices_policy"), "IGNORE");
    call->state = s;
    return CODE_OK;
}

/* ---- ScatterNd: indices, updates, shape: into zeros ---- */

static enum code read_target(const struct op_call *call, struct shape *out, struct error *err)
{
    const struct tensor *sizes = call->in[2];
    if (sizes->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "Shape must be a vector");
    if (tensor_elements(sizes) > SHAPE_RANK_MAX)
        return error_set(err, CODE_UNIMPLEMENTED, "rank %lld is beyond %d",
                         (long long)tensor_elements(sizes), SHAPE_RANK_MAX);
    *out = (struct shape){.rank = (int)tensor_elements(sizes)};
    for (int i = 0; i < out->rank; i++) {
        out->dims[i] = tensor_int(sizes, i);
        if (out->dims[i] < 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "Dimension %lld must be >= 0",
                             (long long)out->dims[i]);
    }
    int64_t elements;
    char text[SHAPE_TEXT_SIZE];
    if (!shape_elements_checked(out, &elements))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Shape %s would have more than 2**63 - 1 elements", shape_text(out, text));
    return CODE_OK;
}

/* The same checks as above in this op's words. */
static enum code check_new(const struct scatter_nd *s, const struct shape *out, struct error *err)
{
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    const struct shape *indices = &s->indices->shape, *updates = &s->updates->shape;
    enum code code = check_ranks(s, err);
    if (code)
        return code;
    if (!emptiness_agrees(s, out->rank))
        return is_empty(err);
    if (!emptiness_agrees(s, shape_elements(out)))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Indices and updates specified for empty output.  indices shape: %s",
                         shape_text(indices, left));
    int outer = indices->rank - 1;
    if (!outer_agree(s))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Dimensions [0,%d) of indices[shape=%s] must match dimensions [0,%d) of "
                         "updates[shape=%s]",
                         outer, shape_text(indices, left), outer, shape_text(updates, right));
    if (!inner_ranks_agree(s, out) || !inner_agree(s, out))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Dimensions [%lld,%d) of input[shape=%s] must match dimensions [%d,%d) of "
                         "updates[shape=%s]",
                         (long long)depth_of(s), out->rank, shape_text(out, left), outer,
                         updates->rank, shape_text(updates, right));
    return CODE_OK;
}

static enum code scatter_nd_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 2)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    struct scatter_nd s = {.indices = call->in[0], .updates = call->in[1]};
    struct shape out;
    enum code code = check_ranks(&s, err);
    if (!code)
        code = read_target(call, &out, err);
    if (!code)
        code = check_new(&s, &out, err);
    if (!code)
        op_call_shape(call, 0, &out);
    return code;
}

static enum code scatter_nd_run(struct op_call *call, struct error *err)
{
    struct scatter_nd s = *(const struct scatter_nd *)call->state;
    s.indices = call->in[0];
    s.updates = call->in[1];
    memset(call->out[0]->data, 0, tensor_bytes(call->out[0]));
    return scatter_nd_apply(&s, call->out[0], err);
}

/* ---- TensorScatter*: tensor, indices, updates ---- */

static enum code tensor_scatter_shape(struct op_call *call, struct error *err)
{
    struct scatter_nd s = {.indices = call->in[1], .updates = call->in[2]};
    op_call_shape(call, 0, &call->in[0]->shape);
    return scatter_nd_check(&s, &call->in[0]->shape, err);
}

static enum code tensor_scatter_run(struct op_call *call, struct error *err)
{
    struct scatter_nd s = *(const struct scatter_nd *)call->state;
    s.indices = call->in[1];
    s.updates = call->in[2];
    memcpy(call->out[0]->data, call->in[0]->data, tensor_bytes(call->in[0]));
    return scatter_nd_apply(&s, call->out[0], err);
}

const struct op op_ScatterNd = {
    .name = "ScatterNd",
    .inputs = "indices:Tindices updates:T shape:Tindices",
    .outputs = "output:T",
    .attrs = "T:type Tindices:integer bad_indices_policy:string=''",
    .types = OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL) | OP_TYPE(DTYPE_STRING),
    .shape = scatter_nd_shape,
    .prepare = prepare,
    .run = scatter_nd_run,
};

const struct op op_ScatterNdNonAliasingAdd = {
    .name = "ScatterNdNonAliasingAdd",
    .inputs = "input:T indices:Tindices updates:T",
    .outputs = "output:T",
    .attrs = "T:type Tindices:index bad_indices_policy:string=''",
    .types = OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL),
    .shape = tensor_scatter_shape,
    .prepare = prepare,
    .run = tensor_scatter_run,
};

#define TENSOR_SCATTER_OP(symbol, dtypes)                                                          \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "tensor:T indices:Tindices updates:T",                                           \
        .outputs = "output:T",                                                                     \
        .attrs = "T:type Tindices:integer bad_indices_policy:string=''",                           \
        .types = dtypes,                                                                           \
        .shape = tensor_scatter_shape,                                                             \
        .prepare = prepare,                                                                        \
        .run = tensor_scatter_run,                                                                 \
    }

TENSOR_SCATTER_OP(TensorScatterUpdate,
                  OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL) | OP_TYPE(DTYPE_STRING));
TENSOR_SCATTER_OP(TensorScatterAdd, OP_TYPES_NUMBER);
TENSOR_SCATTER_OP(TensorScatterSub, OP_TYPES_NUMBER);
TENSOR_SCATTER_OP(TensorScatterMax, OP_TYPES_REAL);
TENSOR_SCATTER_OP(TensorScatterMin, OP_TYPES_REAL);
