/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Substr: parts of strings, by bytes or by UTF-8 characters, counted from either end. pos and len
 * have one shape; it and the input's are broadcast, up to two dimensions. The parts lie in the
 * input's bytes.
 */
#include "ops/kernel.h"

static enum code substr_shape(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape, *pos = &call->in[1]->shape;
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    struct shape out = {0};
    if (!shape_equal(pos, &call->in[2]->shape))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "pos and len should have the same shape, got: %s vs. %s",
                         shape_text(pos, left), shape_text(&call->in[2]->shape, right));
    out.rank = in->rank > pos->rank ? in->rank : pos->rank;
    for (int i = 0; i < out.rank; i++) {
        int a = i - (out.rank - in->rank), b = i - (out.rank - pos->rank);
        int64_t x = a < 0 ? 1 : in->dims[a], y = b < 0 ? 1 : pos->dims[b];
        if (x != y && x != 1 && y != 1)
            return error_set(err, CODE_INVALID_ARGUMENT, "Incompatible shapes: %s vs. %s",
                             shape_text(in, left), shape_text(pos, right));
        out.dims[i] = x == 1 ? y : x;
    }
    if (out.rank > 2 && pos->rank && !shape_equal(in, pos))
        return error_set(err, CODE_UNIMPLEMENTED,
                         "Substr broadcast not implemented for %d dimensions", out.rank);
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static bool is_trail(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Moves *at over `count` characters to the right. False if there are fewer. */
static bool forward(struct span text, int64_t count, size_t *at)
{
    int64_t done = 0;
    for (; done < count && *at < text.len; done++) {
        do
            ++*at;
        while (*at < text.len && is_trail(text.ptr[*at]));
    }
    return done == count;
}

static bool backward(struct span text, int64_t count, size_t *at)
{
    int64_t done = 0;
    for (; done < count && *at; done++) {
        do
            --*at;
        while (*at && is_trail(text.ptr[*at]));
    }
    return done == count;
}

static bool cut_characters(struct span text, int64_t pos, int64_t len, struct span *part)
{
    size_t start = 0, end;
    if (pos >= 0) {
        if (!forward(text, pos, &start))
            return false;
        end = start;
        forward(text, len, &end);
    } else {
        uint64_t before = -(uint64_t)pos;
        int64_t skip = len < 0 || before > (uint64_t)len ? (int64_t)(before - (uint64_t)len) : 0;
        end = text.len;
        if (skip < 0 || !backward(text, skip, &end))
            return false;
        start = end;
        if (!backward(text, (int64_t)before - skip, &start))
            return false;
    }
    *part = span_sub(text, start, end - start);
    return true;
}

static bool cut_bytes(struct span text, int64_t pos, int64_t len, struct span *part)
{
    if (pos < 0 && -(uint64_t)pos <= text.len)
        pos += (int64_t)text.len;
    if (pos < 0 || (uint64_t)pos > text.len)
        return false;
    /* A length below zero means all. */
    *part = span_sub(text, (size_t)pos, (size_t)len);
    return true;
}

static enum code substr_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    static const bool characters = true;
    bool by_characters = span_is(op_attr_string(call, "unit"), "UTF8_CHAR");
    call->state = by_characters ? (void *)(uintptr_t)&characters : NULL;
    return CODE_OK;
}

/* The element of a tensor of that shape that goes into element i of the output. */
static int64_t source_of(const struct shape *from, const struct shape *out, int64_t i)
{
    int64_t index = 0, stride = 1;
    for (int d = from->rank - 1, k = out->rank - 1; d >= 0; d--, k--) {
        index += from->dims[d] == 1 ? 0 : i % out->dims[k] * stride;
        i /= out->dims[k];
        stride *= from->dims[d];
    }
    return index;
}

/* In TensorFlow's words, which tell where in more than one way. */
static enum code out_of_range(const struct op_call *call, struct span text, int64_t pos, int64_t i,
                              struct error *err)
{
    const struct shape *out = &call->out[0]->shape, *shape = &call->in[1]->shape;
    bool grid = out->rank == 2 && shape->rank && !shape_equal(&call->in[0]->shape, shape);
    long long row = grid ? i / out->dims[1] : i;
    if (call->state)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "pos %lld out of range for string at index %lld", (long long)pos, row);
    if (!grid)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "pos %lld out of range for string b'%.*s' at index %lld", (long long)pos,
                         SPAN_ARG(text), row);
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "pos %lld out of range for string b'%.*s' at index (%lld, %lld)",
                     (long long)pos, SPAN_ARG(text), row, (long long)(i % out->dims[1]));
}

static enum code substr_run(struct op_call *call, struct error *err)
{
    struct tensor *out = call->out[0];
    for (int64_t i = 0, n = tensor_elements(out); i < n; i++) {
        int64_t k = source_of(&call->in[1]->shape, &out->shape, i);
        struct span text =
            TENSOR_AT(call->in[0], struct span)[source_of(&call->in[0]->shape, &out->shape, i)];
        int64_t pos = tensor_int(call->in[1], k), len = tensor_int(call->in[2], k);
        struct span *part = &TENSOR_AT(out, struct span)[i];
        if (call->state ? cut_characters(text, pos, len, part) : cut_bytes(text, pos, len, part))
            continue;
        return out_of_range(call, text, pos, i, err);
    }
    return CODE_OK;
}

const struct op op_Substr = {
    .name = "Substr",
    .inputs = "input:string pos:T len:T",
    .outputs = "output:string",
    .attrs = "T:index unit:string='BYTE'",
    .shape = substr_shape,
    .prepare = substr_prepare,
    .run = substr_run,
};
