/* SPDX-License-Identifier: Apache-2.0 */
/* NthElement: input [..., m], n [] -> [...]: what would be at place n if the rows were sorted. */
#include "ops/kernel.h"
#include "ops/math/number.h"
#include "ops/sort.h"

static enum code nth_shape(struct op_call *call, struct error *err)
{
    struct shape shape = call->in[0]->shape;
    if (shape.rank < 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "Input must be at least rank 1 but is rank %d",
                         shape.rank);
    if (call->in[1]->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "N must be scalar but has rank %d",
                         call->in[1]->shape.rank);
    shape.rank--;
    op_call_shape(call, 0, &shape);
    return CODE_OK;
}

static enum code nth_prepare(struct op_call *call, struct error *err)
{
    bool *reverse = ARENA_NEW(call->arena, bool);
    (void)err;
    *reverse = op_attr_bool(call, "reverse");
    call->state = reverse;
    return CODE_OK;
}

struct row {
    const struct tensor *input;
    int64_t first;
};

/* Of 64-bit integers doubles would not do. */
static bool is_less(const struct row *r, int64_t a, int64_t b)
{
    const struct tensor *t = r->input;
    if (t->dtype == DTYPE_INT64)
        return TENSOR_AT(t, int64_t)[r->first + a] < TENSOR_AT(t, int64_t)[r->first + b];
    if (t->dtype == DTYPE_UINT64)
        return TENSOR_AT(t, uint64_t)[r->first + a] < TENSOR_AT(t, uint64_t)[r->first + b];
    return number_at(t, r->first + a) < number_at(t, r->first + b);
}

static int order(const void *context, int64_t a, int64_t b)
{
    const struct row *r = context;
    return is_less(r, a, b) ? -1 : is_less(r, b, a);
}

static enum code nth_run(struct op_call *call, struct error *err)
{
    const struct tensor *input = call->in[0];
    int64_t n = tensor_int(call->in[1], 0), width = input->shape.dims[input->shape.rank - 1];
    int64_t rows = tensor_elements(call->out[0]), *items;
    size_t size = dtype_size(input->dtype);
    if (n < 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "n must be non-negative but is %lld",
                         (long long)n);
    if (n >= width)
        return error_set(err, CODE_INVALID_ARGUMENT, "Input must have last dimension > n = %lld",
                         (long long)n);
    enum code code = kernel_array(call, 2 * width, sizeof *items, &items, err);
    n = *(const bool *)call->state ? width - 1 - n : n;
    for (int64_t row = 0; !code && row < rows; row++) {
        const struct row r = {input, row * width};
        for (int64_t i = 0; i < width; i++)
            items[i] = i;
        sort_items(items, items + width, width, order, &r);
        memcpy((char *)call->out[0]->data + (size_t)row * size,
               (const char *)input->data + (size_t)(r.first + items[n]) * size, size);
    }
    return code;
}

const struct op op_NthElement = {
    .name = "NthElement",
    .inputs = "input:T n:int32",
    .outputs = "values:T",
    .attrs = "reverse:bool=false T:type",
    .types = OP_TYPES_REAL,
    .shape = nth_shape,
    .prepare = nth_prepare,
    .run = nth_run,
};
