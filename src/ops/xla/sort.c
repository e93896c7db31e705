/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XlaSort, XlaKeyValueSort: rows along the last dimension in ascending order. Floats have a total
 * order: a NaN with the sign stands before, one without it behind all numbers, -0 before 0.
 */
#include "ops/sort.h"
#include "ops/kernel.h"

/* Keys whose unsigned order is the values' order. */
#define SIGNED_KEY(bits, type) ((uint64_t)(bits) ^ (UINT64_C(1) << (8 * sizeof(type) - 1)))
#define FLOAT_KEY(bits, type)                                                                      \
    ((bits) >> (8 * sizeof(type) - 1) ? (uint64_t)(type) ~(bits) : SIGNED_KEY(bits, type))
#define PLAIN_KEY(bits, type) ((uint64_t)(bits))

#define KEY_ORDER(name, type, key)                                                                 \
    static int order_##name(const void *row, int64_t i, int64_t j)                                 \
    {                                                                                              \
        const type a = ((const type *)row)[i], b = ((const type *)row)[j];                         \
        const uint64_t x = key(a, type), y = key(b, type);                                         \
        return (x > y) - (x < y);                                                                  \
    }

KEY_ORDER(float8, uint8_t, FLOAT_KEY)
KEY_ORDER(float16, uint16_t, FLOAT_KEY)
KEY_ORDER(float32, uint32_t, FLOAT_KEY)
KEY_ORDER(float64, uint64_t, FLOAT_KEY)
KEY_ORDER(int8, uint8_t, SIGNED_KEY)
KEY_ORDER(int16, uint16_t, SIGNED_KEY)
KEY_ORDER(int32, uint32_t, SIGNED_KEY)
KEY_ORDER(int64, uint64_t, SIGNED_KEY)
KEY_ORDER(uint8, uint8_t, PLAIN_KEY)
KEY_ORDER(uint16, uint16_t, PLAIN_KEY)
KEY_ORDER(uint32, uint32_t, PLAIN_KEY)
KEY_ORDER(uint64, uint64_t, PLAIN_KEY)

static sort_order_fn *const orders[DTYPE_COUNT] = {
    [DTYPE_HALF] = order_float16,
    [DTYPE_BFLOAT16] = order_float16,
    [DTYPE_FLOAT] = order_float32,
    [DTYPE_DOUBLE] = order_float64,
    [DTYPE_INT8] = order_int8,
    [DTYPE_INT16] = order_int16,
    [DTYPE_INT32] = order_int32,
    [DTYPE_INT64] = order_int64,
    [DTYPE_UINT8] = order_uint8,
    [DTYPE_UINT16] = order_uint16,
    [DTYPE_UINT32] = order_uint32,
    [DTYPE_UINT64] = order_uint64,
    [DTYPE_BOOL] = order_uint8,
    [DTYPE_FLOAT8_E5M2] = order_float8,
    [DTYPE_FLOAT8_E4M3FN] = order_float8,
};

static int64_t row_length(const struct shape *shape)
{
    return shape->rank ? shape->dims[shape->rank - 1] : 1;
}

static enum code sort_shape(struct op_call *call, struct error *err)
{
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    for (int i = 0; i < call->out_count; i++) {
        if (!shape_equal(&call->in[0]->shape, &call->in[i]->shape))
            return error_set(err, CODE_INVALID_ARGUMENT, "keys have shape %s, values %s",
                             shape_text(&call->in[0]->shape, left),
                             shape_text(&call->in[i]->shape, right));
        op_call_shape(call, i, &call->in[i]->shape);
    }
    return CODE_OK;
}

static enum code sort_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    call->scratch_size = 2 * (size_t)row_length(&call->in[0]->shape) * sizeof(int64_t);
    return CODE_OK;
}

static enum code sort_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct tensor *keys = call->in[0];
    int64_t n = row_length(&keys->shape), rows = n ? tensor_elements(keys) / n : 0;
    int64_t *items = call->scratch, *scratch = items + n;
    for (int64_t row = 0; row < rows; row++) {
        const char *first = (const char *)keys->data + (size_t)(row * n) * dtype_size(keys->dtype);
        for (int64_t i = 0; i < n; i++)
            items[i] = i;
        sort_items(items, scratch, n, orders[keys->dtype], first);
        for (int k = 0; k < call->out_count; k++) {
            size_t size = dtype_size(call->in[k]->dtype), at = (size_t)(row * n) * size;
            const char *from = (const char *)call->in[k]->data + at;
            char *to = (char *)call->out[k]->data + at;
            for (int64_t i = 0; i < n; i++)
                memcpy(to + (size_t)i * size, from + (size_t)items[i] * size, size);
        }
    }
    return CODE_OK;
}

const struct op op_XlaSort = {
    .name = "XlaSort",
    .inputs = "input:T",
    .outputs = "output:T",
    .attrs = "T:type",
    .types = OP_TYPES_REAL | OP_TYPES_FLOAT8 | OP_TYPE(DTYPE_BOOL),
    .shape = sort_shape,
    .prepare = sort_prepare,
    .run = sort_run,
};

const struct op op_XlaKeyValueSort = {
    .name = "XlaKeyValueSort",
    .inputs = "keys:K values:V",
    .outputs = "sorted_keys:K sorted_values:V",
    .attrs = "K:type V:type",
    .types = OP_TYPES_REAL | OP_TYPES_FLOAT8 | OP_TYPE(DTYPE_BOOL),
    .types_attr = "K",
    .shape = sort_shape,
    .prepare = sort_prepare,
    .run = sort_run,
};
