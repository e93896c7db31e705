/* SPDX-License-Identifier: Apache-2.0 */
/* Growing outputs: the room doubles, what is outgrown stays in the arena. */
#include "ops/text/rows.h"

static bool grow(const struct op_call *call, void *array, int64_t count, int64_t *room, size_t size)
{
    enum { FIRST = 16 };
    void *larger;
    size_t bytes, want = *room ? 2 * (size_t)*room : FIRST;
    if (__builtin_mul_overflow(want, size, &bytes))
        return false;
    larger = arena_try_alloc(call->arena, bytes, ARENA_ALIGN);
    if (!larger)
        return false;
    if (count)
        memcpy(larger, *(void **)array, (size_t)count * size);
    *(void **)array = larger;
    *room = (int64_t)want;
    return true;
}

void row_numbers_add(struct row_numbers *n, const struct op_call *call, int64_t value)
{
    if (n->count == n->room && !grow(call, &n->at, n->count, &n->room, sizeof *n->at)) {
        n->failed = true;
        return;
    }
    n->at[n->count++] = value;
}

void row_texts_add(struct row_texts *t, const struct op_call *call, struct span text)
{
    if (t->count == t->room && !grow(call, &t->at, t->count, &t->room, sizeof *t->at)) {
        t->failed = true;
        return;
    }
    t->at[t->count++] = text;
}

static enum code out_of_memory(const struct op_call *call, struct error *err)
{
    return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM in %s", call->node->op->name);
}

enum code row_numbers_give(const struct row_numbers *n, struct op_call *call, int output,
                           struct error *err)
{
    struct shape shape = shape_vector(n->count);
    if (n->failed)
        return out_of_memory(call, err);
    enum code code = op_call_alloc(call, output, &shape, err);
    if (code)
        return code;
    struct tensor *out = call->out[output];
    for (int64_t i = 0; i < n->count; i++) {
        if (out->dtype == DTYPE_INT32 && n->at[i] != (int32_t)n->at[i])
            return error_set(err, CODE_INVALID_ARGUMENT, "%lld does not fit into int32",
                             (long long)n->at[i]);
        if (out->dtype == DTYPE_INT32)
            TENSOR_AT(out, int32_t)[i] = (int32_t)n->at[i];
        else
            TENSOR_AT(out, int64_t)[i] = n->at[i];
    }
    return CODE_OK;
}

enum code row_texts_give(const struct row_texts *t, struct op_call *call, int output,
                         struct error *err)
{
    struct shape shape = shape_vector(t->count);
    if (t->failed)
        return out_of_memory(call, err);
    enum code code = op_call_alloc(call, output, &shape, err);
    if (!code && t->count)
        memcpy(call->out[output]->data, t->at, (size_t)t->count * sizeof *t->at);
    return code;
}

enum code row_check_splits(const struct tensor *splits, int64_t size, const char *what,
                           struct error *err)
{
    int64_t n = tensor_elements(splits);
    if (splits->shape.rank != 1 || !n || tensor_int(splits, 0) != 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s must be a vector that begins with 0",
                         what);
    for (int64_t i = 1; i < n; i++) {
        if (tensor_int(splits, i) < tensor_int(splits, i - 1))
            return error_set(err, CODE_INVALID_ARGUMENT, "%s must not fall", what);
    }
    if (tensor_int(splits, n - 1) > size)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "%s must end with %lld, the number of values, or before", what,
                         (long long)size);
    return CODE_OK;
}
