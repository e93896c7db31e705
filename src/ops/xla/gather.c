/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XlaGather and XlaScatter. Both go through windows of an operand that index vectors place, one
 * window for each vector; the other side (the gathered result, the updates) has the vectors'
 * dimensions and the window's mixed as dimension_numbers says:
 *   gather   1 offset_dims, 2 collapsed_slice_dims, 3 start_index_map, 4 index_vector_dim
 *   scatter  1 update_window_dims, 2 inserted_window_dims, 3 scatter_dims_to_operand_dims, 4 the
 * same A gather moves a window that would stand out into bounds; a scatter leaves it out.
 */
#include "ops/array/view.h"
#include "ops/kernel.h"
#include "ops/xla/numbers.h"
#include "ops/xla/reducer.h"

enum { WINDOW_DIMS = 1, COLLAPSED, INDEX_MAP, VECTOR_DIM, OPERAND_BATCHING, INDICES_BATCHING };

struct windows {
    struct shape operand;
    struct shape window;  /* sizes in the operand's dimensions */
    struct shape vectors; /* the indices' dimensions without that of the vector */
    struct shape other;   /* shape of the other side */
    int64_t operand_strides[SHAPE_RANK_MAX];
    int64_t other_strides[SHAPE_RANK_MAX];
    int64_t index_strides[SHAPE_RANK_MAX]; /* of the vectors' dimensions */
    int64_t vector_stride;                 /* from number to number in an index vector */
    int vector_dims[SHAPE_RANK_MAX];       /* where they are on the other side */
    int window_dims[SHAPE_RANK_MAX];       /* of the operand's dimensions; -1: collapsed */
    struct numbers_list map;               /* the operand's dimension of each number of a vector */
    int64_t run; /* elements that lie side by side on both sides; windows are made of such */
    int64_t *operand_at; /* for each run of a window: from its start on the operand's side */
    int64_t *other_at;   /* and on the other */
    int64_t count;       /* runs of a window */
};

static enum code bad(const struct op_call *call, const char *what, struct error *err)
{
    return error_set(err, CODE_INVALID_ARGUMENT, "%s: %s", call->node->op->name, what);
}

/* The dimensions of the index vectors, and how long one is. */
static enum code read_vectors(const struct op_call *call, const struct numbers *numbers,
                              struct windows *w, struct error *err)
{
    const struct shape *indices = &call->in[1]->shape;
    const struct numbers_list *at = &numbers->fields[VECTOR_DIM];
    int vector_dim = at->count ? at->values[at->count - 1] : 0;
    int64_t strides[SHAPE_RANK_MAX];
    if (vector_dim > indices->rank)
        return bad(call, "index_vector_dim is out of range", err);
    view_strides(indices, strides);
    int64_t length = vector_dim < indices->rank ? indices->dims[vector_dim] : 1;
    w->vector_stride = vector_dim < indices->rank ? strides[vector_dim] : 1;
    for (int k = 0; k < indices->rank; k++) {
        if (k == vector_dim)
            continue;
        w->index_strides[w->vectors.rank] = strides[k];
        w->vectors.dims[w->vectors.rank++] = indices->dims[k];
    }
    w->map = numbers->fields[INDEX_MAP];
    if (length != w->map.count)
        return bad(call, "index vectors are not as long as start_index_map", err);
    return numbers_check(&w->map, w->operand.rank, "start_index_map", err);
}

/* Which dimension of the other side is which: those of the window in ascending order. */
static enum code place_dims(const struct op_call *call, const struct numbers *numbers,
                            struct windows *w, struct error *err)
{
    const struct numbers_list *dims = &numbers->fields[WINDOW_DIMS];
    const struct numbers_list *collapsed = &numbers->fields[COLLAPSED];
    int rank = dims->count + w->vectors.rank, next = 0;
    if (rank > SHAPE_RANK_MAX || dims->count + collapsed->count != w->operand.rank)
        return bad(call, "dimension_numbers do not fit the operand's rank", err);
    enum code code = numbers_check(dims, rank, "window dimensions", err);
    if (!code)
        code = numbers_check(collapsed, w->operand.rank, "collapsed dimensions", err);
    w->other.rank = rank;
    for (int k = 0, vector = 0; !code && k < rank; k++) {
        if (!numbers_has(dims, k))
            w->vector_dims[vector++] = k;
    }
    for (int k = 0; !code && k < w->operand.rank; k++) {
        w->window_dims[k] = numbers_has(collapsed, k) ? -1 : next++;
        if (w->window_dims[k] >= 0)
            w->window_dims[k] = dims->values[w->window_dims[k]];
    }
    for (int i = 1; !code && i < dims->count; i++) {
        if (dims->values[i] < dims->values[i - 1])
            return bad(call, "window dimensions must ascend", err);
    }
    return code;
}

static enum code read_windows(const struct op_call *call, struct windows *w, struct error *err)
{
    struct numbers numbers;
    *w = (struct windows){.operand = call->in[0]->shape};
    enum code code = numbers_read(op_attr_string(call, "dimension_numbers"), &numbers, err);
    if (!code && numbers.fields[OPERAND_BATCHING].count + numbers.fields[INDICES_BATCHING].count)
        code =
            error_set(err, CODE_UNIMPLEMENTED, "%s with batching dimensions", call->node->op->name);
    if (!code)
        code = read_vectors(call, &numbers, w, err);
    return code ? code : place_dims(call, &numbers, w, err);
}

/* Sizes of the other side from those of the window and the vectors. */
static enum code set_window(const struct op_call *call, struct windows *w, struct error *err)
{
    for (int k = 0; k < w->operand.rank; k++) {
        int64_t size = w->window.dims[k];
        if (size < 0 || size > w->operand.dims[k] || (w->window_dims[k] < 0 && size > 1))
            return bad(call, "a window does not fit the operand", err);
        if (w->window_dims[k] >= 0)
            w->other.dims[w->window_dims[k]] = size;
    }
    for (int k = 0; k < w->vectors.rank; k++)
        w->other.dims[w->vector_dims[k]] = w->vectors.dims[k];
    w->window.rank = w->operand.rank;
    return CODE_OK;
}

/* How many of the last dimensions make up a run: those that are whole on the operand's side, and
 * the one before; all of them in order on the other. */
static int64_t find_run(const struct windows *w, int *from)
{
    int64_t length = 1;
    int k = w->window.rank - 1;
    for (bool whole = true; k >= 0 && whole; k--) {
        int64_t size = w->window.dims[k];
        int other = w->window_dims[k];
        if (size != 1 && (other < 0 || w->other_strides[other] != length))
            break;
        length *= size;
        whole = size == w->operand.dims[k];
    }
    *from = k + 1;
    return length;
}

/* The offsets of a window's runs on both sides. */
static enum code list_runs(const struct op_call *call, struct windows *w, struct error *err)
{
    int outer;
    view_strides(&w->operand, w->operand_strides);
    view_strides(&w->other, w->other_strides);
    w->run = find_run(w, &outer);
    w->count = kernel_span(&w->window, 0, outer);
    enum code code = kernel_array(call, w->count, sizeof *w->operand_at, &w->operand_at, err);
    if (!code)
        code = kernel_array(call, w->count, sizeof *w->other_at, &w->other_at, err);
    for (int64_t i = 0; !code && i < w->count; i++) {
        int64_t rest = i;
        for (int k = outer - 1; k >= 0; rest /= w->window.dims[k--]) {
            int64_t at = rest % w->window.dims[k];
            w->operand_at[i] += at * w->operand_strides[k];
            if (w->window_dims[k] >= 0)
                w->other_at[i] += at * w->other_strides[w->window_dims[k]];
        }
    }
    return code;
}

/* Where the window of vector v starts on both sides. False: it stands out (moved in, if `clamps`).
 */
static bool find_window(const struct op_call *call, const struct windows *w, int64_t v,
                        int64_t starts[2], bool clamps)
{
    int64_t index = 0;
    bool inside = true;
    starts[0] = starts[1] = 0;
    for (int k = w->vectors.rank - 1; k >= 0; v /= w->vectors.dims[k--]) {
        index += v % w->vectors.dims[k] * w->index_strides[k];
        starts[1] += v % w->vectors.dims[k] * w->other_strides[w->vector_dims[k]];
    }
    for (int i = 0; i < w->map.count; i++) {
        int k = w->map.values[i];
        int64_t start = tensor_int(call->in[1], index + i * w->vector_stride);
        int64_t last = w->operand.dims[k] - w->window.dims[k];
        inside &= start >= 0 && start <= last;
        start = start < 0 ? 0 : start > last ? last : start;
        starts[0] += start * w->operand_strides[k];
    }
    return inside || clamps;
}

/* ---- XlaGather: operand, start_indices, slice_sizes [operand's rank] ---- */

static enum code gather_windows(const struct op_call *call, struct windows *w, struct error *err)
{
    enum code code = read_windows(call, w, err);
    if (!code && tensor_elements(call->in[2]) != w->operand.rank)
        code = bad(call, "slice_sizes must have a number for each dimension", err);
    for (int k = 0; !code && k < w->operand.rank; k++)
        w->window.dims[k] = tensor_int(call->in[2], k);
    return code ? code : set_window(call, w, err);
}

static enum code gather_shape(struct op_call *call, struct error *err)
{
    struct windows w;
    if (!op_call_known(call, 2)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    enum code code = gather_windows(call, &w, err);
    if (!code)
        op_call_shape(call, 0, &w.other);
    return code;
}

static enum code gather_prepare(struct op_call *call, struct error *err)
{
    struct windows *w = ARENA_NEW(call->arena, struct windows);
    enum code code = gather_windows(call, w, err);
    if (!code)
        code = list_runs(call, w, err);
    call->state = w;
    return code;
}

static enum code gather_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct windows *w = call->state;
    size_t size = dtype_size(call->in[0]->dtype);
    for (int64_t v = 0, n = shape_elements(&w->vectors); v < n; v++) {
        int64_t starts[2];
        find_window(call, w, v, starts, true);
        const char *from = (const char *)call->in[0]->data + (size_t)starts[0] * size;
        char *to = (char *)call->out[0]->data + (size_t)starts[1] * size;
        for (int64_t i = 0; i < w->count; i++)
            memcpy(to + (size_t)w->other_at[i] * size, from + (size_t)w->operand_at[i] * size,
                   (size_t)w->run * size);
    }
    return CODE_OK;
}

/* ---- XlaScatter: operand, scatter_indices, updates ---- */

static enum code scatter_windows(const struct op_call *call, struct windows *w, struct error *err)
{
    const struct shape *updates = &call->in[2]->shape;
    enum code code = read_windows(call, w, err);
    if (!code && updates->rank != w->other.rank)
        code = bad(call, "updates do not have the rank that dimension_numbers say", err);
    for (int k = 0; !code && k < w->operand.rank; k++)
        w->window.dims[k] = w->window_dims[k] < 0 ? 1 : updates->dims[w->window_dims[k]];
    if (!code)
        code = set_window(call, w, err);
    if (!code && !shape_equal(&w->other, updates))
        code = bad(call, "updates and scatter_indices have different sizes", err);
    return code;
}

static enum code scatter_shape(struct op_call *call, struct error *err)
{
    struct windows w;
    enum code code = scatter_windows(call, &w, err);
    if (!code)
        op_call_shape(call, 0, &w.operand);
    return code;
}

static enum code scatter_prepare(struct op_call *call, struct error *err)
{
    struct windows *w = ARENA_NEW(call->arena, struct windows);
    enum code code = scatter_windows(call, w, err);
    if (!code)
        code = list_runs(call, w, err);
    call->state = w;
    return code;
}

static enum code scatter_run(struct op_call *call, struct error *err)
{
    const struct windows *w = call->state;
    size_t size = dtype_size(call->in[0]->dtype);
    struct reducer *reducer = reducer_new(call);
    enum code code = CODE_OK;
    if (call->out[0]->data != call->in[0]->data)
        memcpy(call->out[0]->data, call->in[0]->data, tensor_bytes(call->in[0]));
    for (int64_t v = 0, n = shape_elements(&w->vectors); !code && v < n; v++) {
        int64_t starts[2];
        if (!find_window(call, w, v, starts, false))
            continue;
        for (int64_t i = 0; !code && i < w->count; i++) {
            void *to = (char *)call->out[0]->data + (size_t)(starts[0] + w->operand_at[i]) * size;
            const void *from =
                (const char *)call->in[2]->data + (size_t)(starts[1] + w->other_at[i]) * size;
            code = reducer_apply(reducer, &to, &from, w->run, err);
        }
    }
    return code;
}

const struct op op_XlaGather = {
    .name = "XlaGather",
    .inputs = "operand:T start_indices:Tindices slice_sizes:Tindices",
    .outputs = "output:T",
    .attrs = "dimension_numbers:string indices_are_sorted:bool T:type Tindices:index",
    .types = OP_TYPES_NUMBER | OP_TYPES_QUANTISED | OP_TYPE(DTYPE_BOOL),
    .shape = gather_shape,
    .prepare = gather_prepare,
    .run = gather_run,
};

const struct op op_XlaScatter = {
    .name = "XlaScatter",
    .inputs = "operand:T scatter_indices:Tindices updates:T",
    .outputs = "output:T",
    .attrs = "update_computation:func dimension_numbers:string indices_are_sorted:bool T:type "
             "Tindices:index",
    .flags = OP_STATEFUL | OP_CALLS | OP_COMBINES | OP_UPDATES,
    .types = OP_TYPES_NUMBER | OP_TYPES_QUANTISED | OP_TYPE(DTYPE_BOOL),
    .shape = scatter_shape,
    .prepare = scatter_prepare,
    .run = scatter_run,
};
