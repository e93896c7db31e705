/* SPDX-License-Identifier: Apache-2.0 */
/*
 * StringSplit, ReduceJoin, StringJoin: strings cut and joined. The result's bytes lie in the
 * request's arena, or are parts of the input's.
 */
#include "ops/kernel.h"

/* ---- StringSplit: input [n], delimiter []: each of its bytes cuts; an empty one cuts between all
 * bytes ---- */

struct cut {
    struct span rest;
    struct span delimiters;
    bool skip_empty;
    bool done;
};

static bool next_piece(struct cut *cut, struct span *piece)
{
    while (!cut->done) {
        size_t end = 0;
        if (!cut->delimiters.len)
            end = cut->rest.len ? 1 : 0;
        else
            while (end < cut->rest.len &&
                   !memchr(cut->delimiters.ptr, cut->rest.ptr[end], cut->delimiters.len))
                end++;
        *piece = span_sub(cut->rest, 0, end);
        size_t skip = cut->delimiters.len ? end + 1 : end;
        cut->done = cut->delimiters.len ? end == cut->rest.len : end == cut->rest.len || !end;
        cut->rest = span_sub(cut->rest, skip, cut->rest.len);
        if (piece->len || (!cut->skip_empty && cut->delimiters.len))
            return true;
    }
    return false;
}

static struct cut start_cut(const struct op_call *call, int64_t i, bool skip_empty)
{
    struct span text = TENSOR_AT(call->in[0], struct span)[i];
    return (struct cut){
        .rest = text,
        .done = !text.len,
        .delimiters = *TENSOR_AT(call->in[1], struct span),
        .skip_empty = skip_empty,
    };
}

static enum code check_split(const struct op_call *call, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (call->in[0]->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "input must be a vector, got shape: %s",
                         shape_text(&call->in[0]->shape, text));
    if (call->in[1]->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "delimiter must be a scalar, got shape: %s",
                         shape_text(&call->in[1]->shape, text));
    return CODE_OK;
}

static enum code string_split_run(struct op_call *call, struct error *err)
{
    enum code code = check_split(call, err);
    if (code)
        return code;
    bool skip_empty = op_attr_bool(call, "skip_empty");
    int64_t rows = tensor_elements(call->in[0]), total = 0, longest = 0;
    for (int64_t i = 0; i < rows; i++) {
        struct cut cut = start_cut(call, i, skip_empty);
        int64_t count = 0;
        for (struct span piece; next_piece(&cut, &piece);)
            count++;
        total += count;
        longest = count > longest ? count : longest;
    }
    struct shape indices = shape_matrix(total, 2), values = shape_vector(total);
    struct shape two = shape_vector(2);
    code = op_call_alloc(call, 0, &indices, err);
    if (!code)
        code = op_call_alloc(call, 1, &values, err);
    if (!code)
        code = op_call_alloc(call, 2, &two, err);
    if (code)
        return code;
    int64_t *index = call->out[0]->data;
    struct span *value = call->out[1]->data;
    for (int64_t i = 0; i < rows; i++) {
        struct cut cut = start_cut(call, i, skip_empty);
        for (int64_t k = 0; next_piece(&cut, value); k++, value++) {
            *index++ = i;
            *index++ = k;
        }
    }
    TENSOR_AT(call->out[2], int64_t)[0] = rows;
    TENSOR_AT(call->out[2], int64_t)[1] = longest;
    return CODE_OK;
}

/* ---- ReduceJoin: inputs, reduction_indices: joins along axes ---- */

struct reduce_join {
    int rank;
    int order[SHAPE_RANK_MAX]; /* kept axes in order, then the reduced ones as given */
    int kept;
    struct span separator;
};

static enum code read_join(const struct op_call *call, struct reduce_join *j, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    bool reduced[SHAPE_RANK_MAX] = {false};
    int axes[SHAPE_RANK_MAX], count = 0;
    int64_t n = tensor_elements(call->in[1]);
    if (n > in->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "reduction_indices has %lld dimensions for an input of rank %d",
                         (long long)n, in->rank);
    for (int64_t i = 0; i < n; i++) {
        int64_t value = tensor_int(call->in[1], i);
        int axis;
        if (!kernel_axis(value, in->rank, &axis))
            return error_set(err, CODE_OUT_OF_RANGE,
                             "Invalid reduction dimension %lld for input with %d dimension(s)",
                             (long long)value, in->rank);
        if (reduced[axis])
            return error_set(err, CODE_INVALID_ARGUMENT, "Duplicate reduction dimension %lld",
                             (long long)value);
        reduced[axis] = true;
        axes[count++] = axis;
    }
    *j = (struct reduce_join){.rank = in->rank, .separator = op_attr_string(call, "separator")};
    for (int i = 0; i < in->rank; i++) {
        if (!reduced[i])
            j->order[j->kept++] = i;
    }
    /* The axis that is given first runs fastest. */
    for (int i = 0; i < count; i++)
        j->order[j->kept + i] = axes[count - 1 - i];
    return CODE_OK;
}

static enum code reduce_join_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 1)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    struct reduce_join j;
    enum code code = read_join(call, &j, err);
    bool keep = op_attr_bool(call, "keep_dims");
    struct shape out = {0};
    for (int i = 0; !code && i < j.rank; i++) {
        bool kept = false;
        for (int k = 0; k < j.kept; k++)
            kept |= j.order[k] == i;
        if (kept)
            out.dims[out.rank++] = call->in[0]->shape.dims[i];
        else if (keep)
            out.dims[out.rank++] = 1;
    }
    op_call_shape(call, 0, &out);
    return code;
}

static enum code reduce_join_prepare(struct op_call *call, struct error *err)
{
    struct reduce_join *j = ARENA_NEW(call->arena, struct reduce_join);
    call->state = j;
    return read_join(call, j, err);
}

struct walk {
    const struct op_call *call;
    const struct reduce_join *j;
    int64_t strides[SHAPE_RANK_MAX];
};

/* The place of the number-th combination of the axes j->order[from..to). */
static int64_t element_of(const struct walk *w, int from, int to, int64_t number)
{
    int64_t offset = 0;
    for (int i = to - 1; i >= from; i--) {
        int axis = w->j->order[i];
        int64_t size = w->call->in[0]->shape.dims[axis];
        offset += number % size * w->strides[axis];
        number /= size;
    }
    return offset;
}

static enum code join_one(const struct walk *w, int64_t offset, int64_t count, struct span *out,
                          struct error *err)
{
    const struct span *in = w->call->in[0]->data;
    const struct reduce_join *j = w->j;
    size_t length = count ? (size_t)(count - 1) * j->separator.len : 0;
    for (int64_t i = 0; i < count; i++)
        length += in[offset + element_of(w, j->kept, j->rank, i)].len;
    char *to = arena_try_alloc(w->call->arena, length + 1, 1);
    if (!to)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM when joining strings");
    *out = span_make(to, length);
    for (int64_t i = 0; i < count; i++) {
        struct span piece = in[offset + element_of(w, j->kept, j->rank, i)];
        if (i && j->separator.len) {
            memcpy(to, j->separator.ptr, j->separator.len);
            to += j->separator.len;
        }
        if (piece.len)
            memcpy(to, piece.ptr, piece.len);
        to += piece.len;
    }
    return CODE_OK;
}

static enum code reduce_join_run(struct op_call *call, struct error *err)
{
    struct walk w = {.call = call, .j = call->state};
    const struct shape *in = &call->in[0]->shape;
    int64_t count = 1, stride = 1;
    for (int i = in->rank - 1; i >= 0; i--) {
        w.strides[i] = stride;
        stride *= in->dims[i];
    }
    for (int i = w.j->kept; i < w.j->rank; i++)
        count *= in->dims[w.j->order[i]];
    enum code code = CODE_OK;
    for (int64_t i = 0, n = tensor_elements(call->out[0]); !code && i < n; i++)
        code = join_one(&w, element_of(&w, 0, w.j->kept, i), count,
                        &TENSOR_AT(call->out[0], struct span)[i], err);
    return code;
}

/* ---- StringJoin: N tensors of one shape (or scalars), element by element ---- */

static enum code string_join_shape(struct op_call *call, struct error *err)
{
    struct shape out = shape_scalar();
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    for (int i = 0; i < call->in_count; i++) {
        const struct shape *shape = &call->in[i]->shape;
        if (out.rank == 0)
            out = *shape;
        else if (shape->rank && !shape_equal(&out, shape))
            return error_set(err, CODE_INVALID_ARGUMENT, "Input shapes do not match: %s vs. %s",
                             shape_text(&out, left), shape_text(shape, right));
    }
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static struct span piece_of(const struct op_call *call, int input, int64_t i)
{
    return TENSOR_AT(call->in[input], struct span)[call->in[input]->shape.rank ? i : 0];
}

static enum code string_join_run(struct op_call *call, struct error *err)
{
    struct span separator = op_attr_string(call, "separator");
    for (int64_t i = 0, n = tensor_elements(call->out[0]); i < n; i++) {
        size_t length = call->in_count ? (size_t)(call->in_count - 1) * separator.len : 0;
        for (int k = 0; k < call->in_count; k++)
            length += piece_of(call, k, i).len;
        char *to = arena_try_alloc(call->arena, length + 1, 1);
        if (!to)
            return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM when joining strings");
        TENSOR_AT(call->out[0], struct span)[i] = span_make(to, length);
        for (int k = 0; k < call->in_count; k++) {
            struct span piece = piece_of(call, k, i);
            if (k && separator.len)
                memcpy(to, separator.ptr, separator.len);
            to += k ? separator.len : 0;
            if (piece.len)
                memcpy(to, piece.ptr, piece.len);
            to += piece.len;
        }
    }
    return CODE_OK;
}

const struct op op_StringSplit = {
    .name = "StringSplit",
    .inputs = "input:string delimiter:string",
    .outputs = "indices:int64 values:string shape:int64",
    .attrs = "skip_empty:bool=true",
    .flags = OP_DYNAMIC,
    .run = string_split_run,
};

const struct op op_ReduceJoin = {
    .name = "ReduceJoin",
    .inputs = "inputs:string reduction_indices:int32",
    .outputs = "output:string",
    .attrs = "keep_dims:bool=false separator:string=''",
    .shape = reduce_join_shape,
    .prepare = reduce_join_prepare,
    .run = reduce_join_run,
};

const struct op op_StringJoin = {
    .name = "StringJoin",
    .inputs = "inputs:N*string",
    .outputs = "output:string",
    .attrs = "N:int separator:string=''",
    .shape = string_join_shape,
    .run = string_join_run,
};
