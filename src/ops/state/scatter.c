/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ResourceScatterUpdate, Add, Sub, Mul, Div, Min, Max: rows of a variable, picked by indices of any
 * shape; updates [indices' shape, row] or one number for all. ResourceScatterNdUpdate, Add, Sub,
 * Min, Max: slices as in array/scatter_nd.h. Updates that are wider than a row are refused
 * (TensorFlow reads what it needs of them when there is one index). All indices are checked before
 * the variable changes.
 */
#include "engine/resource.h"
#include "ops/array/scatter_nd.h"
#include "ops/handle.h"
#include "ops/kernel.h"

static const struct {
    const char *op;
    enum combine combine;
} kinds[] = {
    {"ResourceScatterAdd", COMBINE_ADD},   {"ResourceScatterDiv", COMBINE_DIV},
    {"ResourceScatterMax", COMBINE_MAX},   {"ResourceScatterMin", COMBINE_MIN},
    {"ResourceScatterMul", COMBINE_MUL},   {"ResourceScatterNdAdd", COMBINE_ADD},
    {"ResourceScatterNdMax", COMBINE_MAX}, {"ResourceScatterNdMin", COMBINE_MIN},
    {"ResourceScatterNdSub", COMBINE_SUB}, {"ResourceScatterSub", COMBINE_SUB},
};

static enum code prepare(struct op_call *call, struct error *err)
{
    (void)err;
    struct scatter_nd *s = ARENA_NEW(call->arena, struct scatter_nd);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (span_is(call->node->op_name, kinds[i].op))
            s->combine = kinds[i].combine;
    }
    if (span_starts_with(call->node->op_name, SPAN_LITERAL("ResourceScatterNd")))
        s->skips = span_is(op_attr_string(call, "bad_indices_policy"), "IGNORE");
    call->state = s;
    return CODE_OK;
}

static enum code update_with(struct op_call *call, variable_update_fn *fn, struct error *err)
{
    struct variable *variable;
    enum code code = handle_variable(call, &variable, err);
    return code ? code : variable_update(variable, fn, call, err);
}

static enum code check_dtype(const struct op_call *call, const struct tensor *value,
                             struct error *err)
{
    if (value->dtype == call->in[2]->dtype)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT, "Trying to scatter %s into a variable of dtype %s",
                     dtype_name(call->in[2]->dtype), dtype_name(value->dtype));
}

/* Strings come from the request: a variable would have to keep their bytes. */
static enum code refuse_strings(const struct tensor *value, struct error *err)
{
    if (value->dtype != DTYPE_STRING)
        return CODE_OK;
    return error_set(err, CODE_UNIMPLEMENTED, "strings can not be scattered into a variable");
}

/* ---- rows ---- */

static enum code check_rows(const struct op_call *call, const struct tensor *value,
                            struct error *err)
{
    const struct shape *indices = &call->in[1]->shape, *updates = &call->in[2]->shape;
    const struct shape *params = &value->shape;
    char text[3][SHAPE_TEXT_SIZE];
    if (params->rank < 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "params must be at least 1-D, got shape %s",
                         shape_text(params, text[0]));
    bool fits = updates->rank == indices->rank + params->rank - 1;
    for (int i = 0; fits && i < updates->rank; i++)
        fits = updates->dims[i] ==
               (i < indices->rank ? indices->dims[i] : params->dims[i - indices->rank + 1]);
    if (!fits && updates->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Must have updates.shape = indices.shape + params.shape[1:] or "
                         "updates.shape = [], got updates.shape %s, indices.shape %s, "
                         "params.shape %s",
                         shape_text(updates, text[0]), shape_text(indices, text[1]),
                         shape_text(params, text[2]));
    for (int64_t i = 0, n = tensor_elements(call->in[1]); i < n; i++) {
        int64_t index = tensor_int(call->in[1], i), rest = i;
        if (index >= 0 && index < params->dims[0])
            continue;
        error_set(err, CODE_INVALID_ARGUMENT, "indices%s", indices->rank ? "[" : "");
        for (int k = 0; k < indices->rank; k++) {
            int64_t inner = kernel_span(indices, k + 1, indices->rank);
            error_append(err, "%s%lld", k ? "," : "", (long long)(rest / inner));
            rest %= inner;
        }
        error_append(err, "%s = %lld is not in [0, %lld)", indices->rank ? "]" : "",
                     (long long)index, (long long)params->dims[0]);
        return CODE_INVALID_ARGUMENT;
    }
    return CODE_OK;
}

static bool has_zero(const struct tensor *t)
{
    for (int64_t i = 0, n = tensor_elements(t); i < n; i++) {
        if (tensor_int(t, i) == 0)
            return true;
    }
    return false;
}

static enum code scatter_rows(struct tensor *value, void *context, struct error *err)
{
    struct op_call *call = context;
    const struct scatter_nd *s = call->state;
    const struct tensor *updates = call->in[2];
    enum code code = check_dtype(call, value, err);
    if (!code)
        code = refuse_strings(value, err);
    if (!code)
        code = check_rows(call, value, err);
    if (!code && s->combine == COMBINE_DIV && dtype_is_integer(value->dtype) && has_zero(updates))
        code = error_set(err, CODE_INVALID_ARGUMENT, "Integer division by zero");
    if (code)
        return code;
    combine_fn *combine = combine_find(s->combine, value->dtype);
    size_t size = dtype_size(value->dtype);
    int64_t width = kernel_span(&value->shape, 1, value->shape.rank);
    bool lone = !updates->shape.rank && value->shape.rank + call->in[1]->shape.rank > 1;
    for (int64_t i = 0, n = tensor_elements(call->in[1]); i < n; i++) {
        char *to = (char *)value->data + (size_t)(tensor_int(call->in[1], i) * width) * size;
        const char *from = (const char *)updates->data + (lone ? 0 : (size_t)(i * width) * size);
        for (int64_t k = 0; k < (lone ? width : 1); k++) {
            if (combine)
                combine(to + (size_t)k * size, from, lone ? 1 : width);
            else
                memcpy(to + (size_t)k * size, from, (size_t)(lone ? 1 : width) * size);
        }
    }
    return CODE_OK;
}

static enum code rows_run(struct op_call *call, struct error *err)
{
    return update_with(call, scatter_rows, err);
}

/* ---- slices ---- */

static enum code scatter_slices(struct tensor *value, void *context, struct error *err)
{
    struct op_call *call = context;
    struct scatter_nd s = *(const struct scatter_nd *)call->state;
    /* TensorFlow takes a vector for several indices when it checks, for one when it scatters. */
    struct tensor column = *call->in[1];
    if (column.shape.rank == 1 && column.shape.dims[0] != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "indices must be a matrix or have one element");
    if (column.shape.rank == 1)
        column.shape = shape_matrix(1, 1);
    s.indices = &column;
    s.updates = call->in[2];
    enum code code = check_dtype(call, value, err);
    if (!code)
        code = refuse_strings(value, err);
    if (!code)
        code = scatter_nd_check_variable(&s, &value->shape, err);
    return code ? code : scatter_nd_apply(&s, value, err);
}

static enum code slices_run(struct op_call *call, struct error *err)
{
    return update_with(call, scatter_slices, err);
}

#define ROWS_OP(symbol, dtypes)                                                                    \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "resource:resource indices:Tindices updates:dtype",                              \
        .outputs = "",                                                                             \
        .attrs = "dtype:type Tindices:index",                                                      \
        .flags = OP_STATEFUL | OP_WRITES_RESOURCE,                                                 \
        .types = dtypes,                                                                           \
        .types_attr = "dtype",                                                                     \
        .prepare = prepare,                                                                        \
        .run = rows_run,                                                                           \
    }

ROWS_OP(ResourceScatterUpdate, OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL) | OP_TYPE(DTYPE_STRING));
ROWS_OP(ResourceScatterAdd, OP_TYPES_NUMBER);
ROWS_OP(ResourceScatterSub, OP_TYPES_NUMBER);
ROWS_OP(ResourceScatterMul, OP_TYPES_NUMBER);
ROWS_OP(ResourceScatterDiv, OP_TYPES_NUMBER);
ROWS_OP(ResourceScatterMin, OP_TYPES_REAL);
ROWS_OP(ResourceScatterMax, OP_TYPES_REAL);

#define SLICES_OP(symbol, dtypes)                                                                  \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "ref:resource indices:Tindices updates:T",                                       \
        .outputs = "",                                                                             \
        .attrs = "T:type Tindices:index use_locking:bool=true bad_indices_policy:string=''",       \
        .flags = OP_STATEFUL | OP_WRITES_RESOURCE,                                                 \
        .types = dtypes,                                                                           \
        .prepare = prepare,                                                                        \
        .run = slices_run,                                                                         \
    }

SLICES_OP(ResourceScatterNdUpdate, OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL) | OP_TYPE(DTYPE_STRING));
SLICES_OP(ResourceScatterNdAdd, OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL));
SLICES_OP(ResourceScatterNdSub, OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL));
SLICES_OP(ResourceScatterNdMin, OP_TYPES_REAL);
SLICES_OP(ResourceScatterNdMax, OP_TYPES_REAL);
