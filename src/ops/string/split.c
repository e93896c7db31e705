/* SPDX-License-Identifier: Apache-2.0 */
/*
 * StringSplitV2: strings cut as Python's str.split() cuts them, at a separator or at blanks, at
 * most maxsplit times. UnsortedSegmentJoin: strings of one segment joined in the order in which
 * they come.
 */
#include "ops/kernel.h"

/* ---- StringSplitV2 ---- */

struct split {
    struct span separator; /* empty: blanks */
    int64_t most;          /* cuts; below 0: no limit */
};

/* What is left of a string; `done` after its last piece. */
struct pieces {
    struct span rest;
    int64_t cuts;
    bool done;
};

static struct span skip_blanks(struct span text)
{
    while (text.len && span_is_space(*text.ptr))
        text = span_sub(text, 1, text.len);
    return text;
}

static struct pieces start(const struct split *split, struct span text)
{
    bool blanks = !split->separator.len && split->most;
    return (struct pieces){.rest = blanks ? skip_blanks(text) : text};
}

static bool next_word(const struct split *split, struct pieces *p, struct span *piece)
{
    size_t end = 0;
    if (split->most > 0 && p->cuts == split->most) {
        *piece = p->rest;
        p->done = true;
        return true;
    }
    while (end < p->rest.len && !span_is_space(p->rest.ptr[end]))
        end++;
    *piece = span_sub(p->rest, 0, end);
    p->rest = skip_blanks(span_sub(p->rest, end, p->rest.len));
    p->cuts++;
    return end > 0;
}

static bool next_part(const struct split *split, struct pieces *p, struct span *piece)
{
    struct span separator = split->separator;
    const char *hit = NULL;
    if (p->rest.len && (split->most < 0 || p->cuts < split->most))
        hit = memmem(p->rest.ptr, p->rest.len, separator.ptr, separator.len);
    *piece = p->rest;
    p->done = !hit;
    if (!hit)
        return true;
    piece->len = (size_t)(hit - p->rest.ptr);
    p->rest = span_sub(p->rest, piece->len + separator.len, p->rest.len);
    p->cuts++;
    return true;
}

static bool next_piece(const struct split *split, struct pieces *p, struct span *piece)
{
    if (p->done)
        return false;
    if (split->most == 0) {
        *piece = p->rest;
        p->done = true;
        return true;
    }
    return split->separator.len ? next_part(split, p, piece) : next_word(split, p, piece);
}

static enum code check_split(const struct op_call *call, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (call->in[0]->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "input must be a vector, got shape: %s",
                         shape_text(&call->in[0]->shape, text));
    if (call->in[1]->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "sep must be a scalar, got shape: %s",
                         shape_text(&call->in[1]->shape, text));
    return CODE_OK;
}

static enum code split_prepare(struct op_call *call, struct error *err)
{
    struct split *split = ARENA_NEW(call->arena, struct split);
    split->most = op_attr_int(call, "maxsplit");
    call->state = split;
    return check_split(call, err);
}

static enum code alloc_split(struct op_call *call, int64_t total, struct error *err)
{
    struct shape indices = shape_matrix(total, 2), values = shape_vector(total);
    struct shape two = shape_vector(2);
    enum code code = op_call_alloc(call, 0, &indices, err);
    if (!code)
        code = op_call_alloc(call, 1, &values, err);
    return code ? code : op_call_alloc(call, 2, &two, err);
}

static enum code split_run(struct op_call *call, struct error *err)
{
    struct split split = *(const struct split *)call->state;
    const struct span *in = call->in[0]->data;
    int64_t rows = tensor_elements(call->in[0]), total = 0, longest = 0;
    struct span piece;
    split.separator = *TENSOR_AT(call->in[1], struct span);
    for (int64_t i = 0; i < rows; i++) {
        struct pieces p = start(&split, in[i]);
        int64_t count = 0;
        while (next_piece(&split, &p, &piece))
            count++;
        total += count;
        longest = count > longest ? count : longest;
    }
    enum code code = alloc_split(call, total, err);
    if (code)
        return code;
    int64_t *index = call->out[0]->data;
    struct span *value = call->out[1]->data;
    for (int64_t i = 0; i < rows; i++) {
        struct pieces p = start(&split, in[i]);
        for (int64_t k = 0; next_piece(&split, &p, &piece); k++) {
            *value++ = piece;
            *index++ = i;
            *index++ = k;
        }
    }
    TENSOR_AT(call->out[2], int64_t)[0] = rows;
    TENSOR_AT(call->out[2], int64_t)[1] = longest;
    return CODE_OK;
}

/* ---- UnsortedSegmentJoin: the ids' dimensions, the input's first ones, become one ---- */

static enum code check_join(const struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape, *ids = &call->in[1]->shape;
    if (call->in[2]->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "Number of segments must be a scalar");
    int64_t segments = tensor_int(call->in[2], 0);
    if (segments < 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Number of segments must be non-negative but got %lld",
                         (long long)segments);
    if (!ids->rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "Segment_id cannot have rank 0");
    if (ids->rank > in->rank)
        return error_set(err, CODE_OUT_OF_RANGE,
                         "Invalid segment_id rank %d for input with %d dimension(s)", ids->rank,
                         in->rank);
    for (int i = 0; i < ids->rank; i++) {
        if (ids->dims[i] != in->dims[i])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Segment dimension is %lld while input dimension is %lld in rank %d",
                             (long long)ids->dims[i], (long long)in->rank, i);
    }
    for (int64_t i = 0, n = tensor_elements(call->in[1]); i < n; i++) {
        int64_t id = tensor_int(call->in[1], i);
        if (id < 0 || id >= segments)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "segment_ids are not allowed to exceed num_segments or to have "
                             "negative values.");
    }
    return CODE_OK;
}

static struct shape join_shape(const struct op_call *call)
{
    const struct shape *in = &call->in[0]->shape, *ids = &call->in[1]->shape;
    struct shape out = shape_vector(tensor_int(call->in[2], 0));
    for (int i = ids->rank; i < in->rank; i++)
        out.dims[out.rank++] = in->dims[i];
    return out;
}

/* The output that input i goes to. */
static int64_t target_of(const struct op_call *call, int64_t i, int64_t row)
{
    return tensor_int(call->in[1], i / row) * row + i % row;
}

/* Gives every output room for all of its pieces, and length 0. */
static enum code make_room(struct op_call *call, int64_t row, struct span separator,
                           struct error *err)
{
    const struct span *in = call->in[0]->data;
    struct span *out = call->out[0]->data;
    size_t total = 0;
    for (int64_t i = 0, n = tensor_elements(call->out[0]); i < n; i++)
        out[i] = span_make(NULL, 0);
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++) {
        out[target_of(call, i, row)].len += in[i].len + separator.len;
        total += in[i].len + separator.len;
    }
    char *room = arena_try_alloc(call->arena, total + 1, 1);
    if (!room)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM when joining strings");
    for (int64_t i = 0, n = tensor_elements(call->out[0]); i < n; i++) {
        size_t length = out[i].len;
        out[i] = span_make(room, 0);
        room += length;
    }
    return CODE_OK;
}

static void append(struct span *to, struct span piece)
{
    if (piece.len)
        memcpy((char *)(uintptr_t)to->ptr + to->len, piece.ptr, piece.len);
    to->len += piece.len;
}

static enum code segment_join_run(struct op_call *call, struct error *err)
{
    struct span separator = *(const struct span *)call->state;
    bool *begun;
    enum code code = check_join(call, err);
    if (code)
        return code;
    struct shape shape = join_shape(call);
    int64_t row = kernel_span(&shape, 1, shape.rank);
    code = op_call_alloc(call, 0, &shape, err);
    if (!code)
        code = kernel_array(call, tensor_elements(call->out[0]), sizeof *begun, &begun, err);
    if (!code)
        code = make_room(call, row, separator, err);
    for (int64_t i = 0, n = tensor_elements(call->in[0]); !code && i < n; i++) {
        int64_t target = target_of(call, i, row);
        struct span *out = &TENSOR_AT(call->out[0], struct span)[target];
        if (begun[target])
            append(out, separator);
        begun[target] = true;
        append(out, TENSOR_AT(call->in[0], struct span)[i]);
    }
    return code;
}

static enum code segment_join_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    struct span *separator = ARENA_NEW(call->arena, struct span);
    *separator = op_attr_string(call, "separator");
    call->state = separator;
    return CODE_OK;
}

const struct op op_StringSplitV2 = {
    .name = "StringSplitV2",
    .inputs = "input:string sep:string",
    .outputs = "indices:int64 values:string shape:int64",
    .attrs = "maxsplit:int=-1",
    .flags = OP_DYNAMIC,
    .prepare = split_prepare,
    .run = split_run,
};

const struct op op_UnsortedSegmentJoin = {
    .name = "UnsortedSegmentJoin",
    .inputs = "inputs:string segment_ids:Tindices num_segments:Tnumsegments",
    .outputs = "output:string",
    .attrs = "separator:string='' Tindices:index Tnumsegments:index=int32",
    .flags = OP_DYNAMIC,
    .prepare = segment_join_prepare,
    .run = segment_join_run,
};
