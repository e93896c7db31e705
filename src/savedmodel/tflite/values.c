/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms of tensors. Constants are made when they are first used, out of the file's own bytes;
 * weights that stand for reals are computed here, once for all signatures, and not by the plans.
 */
#include "base/check.h"
#include "savedmodel/tflite/translate.h"
#include "tensor/tensor.h"

static const struct tfl_tensor *tensor_at(const struct tfl_body *b, int tensor)
{
    return &b->graph->tensors[tensor];
}

bool tfl_has_input(const struct tfl_body *b, size_t i)
{
    return i < b->op->inputs.count && b->op->inputs.items[i] >= 0;
}

const struct tfl_tensor *tfl_input(const struct tfl_body *b, size_t i)
{
    CHECK(tfl_has_input(b, i));
    return tensor_at(b, b->op->inputs.items[i]);
}

const struct tfl_tensor *tfl_output(const struct tfl_body *b, size_t i)
{
    CHECK(i < b->op->outputs.count);
    return tensor_at(b, b->op->outputs.items[i]);
}

enum dtype tfl_dtype_in(const struct tfl_tensor *tensor, enum tfl_form form)
{
    return form != TFL_RAW && tfl_is_quantized(tensor) ? DTYPE_FLOAT : tensor->dtype;
}

/* ---- constants ---- */

static enum code no_memory(const struct tfl_tensor *tensor, struct error *err)
{
    char shape[SHAPE_TEXT_SIZE];
    return error_set(err, CODE_RESOURCE_EXHAUSTED, "no memory for constants with shape %s",
                     shape_text(&tensor->shape, shape));
}

/* Memory for as many elements as the tensor has. */
static void *elements_of(struct tfl_body *b, const struct tfl_tensor *tensor, size_t size,
                         struct error *err)
{
    size_t bytes;
    if (__builtin_mul_overflow((size_t)shape_elements(&tensor->shape), size, &bytes))
        bytes = SIZE_MAX;
    if (tfl_charge(b->t->model, bytes, err))
        return NULL;
    void *memory = arena_try_alloc(b->t->arena, bytes, TENSOR_ALIGN);
    if (!memory)
        no_memory(tensor, err);
    return memory;
}

/* Element i as a number, for integers and halves. */
static int64_t stored(const struct tfl_tensor *tensor, size_t i)
{
    const char *at = tensor->data.ptr;
    int8_t i8;
    int16_t i16;
    int32_t i32;
    int64_t i64;
    if (tensor->is_packed) {
        unsigned both = (unsigned char)at[i / 2];
        return (int8_t)((i & 1 ? both >> 4 : both) << 4) >> 4;
    }
    switch (dtype_size(tensor->dtype)) {
    case 1:
        memcpy(&i8, at + i, 1);
        return tensor->dtype == DTYPE_UINT8 ? (uint8_t)i8 : i8;
    case 2:
        memcpy(&i16, at + 2 * i, 2);
        return tensor->dtype == DTYPE_INT16 ? i16 : (uint16_t)i16;
    case 4:
        memcpy(&i32, at + 4 * i, 4);
        return tensor->dtype == DTYPE_UINT32 ? (int64_t)(uint32_t)i32 : i32;
    default:
        memcpy(&i64, at + 8 * i, 8);
        return i64;
    }
}

static float real_at(const struct tfl_tensor *tensor, size_t i)
{
    const struct tfl_quantization *q = &tensor->quantization;
    size_t channel = 0;
    if (q->scales.count > 1) {
        size_t inner = 1;
        for (int k = q->dim + 1; k < tensor->shape.rank; k++)
            inner *= (size_t)tensor->shape.dims[k];
        channel = i / inner % q->scales.count;
    }
    return tfl_scale(tensor, channel) *
           ((float)stored(tensor, i) - (float)tfl_zero(tensor, channel));
}

/* Element i of a tensor of weights as a real. */
static float weight_at(const struct tfl_tensor *tensor, size_t i)
{
    float value;
    if (tensor->dtype == DTYPE_HALF)
        return dtype_half_to_float((uint16_t)stored(tensor, i));
    if (tensor->dtype != DTYPE_FLOAT)
        return real_at(tensor, i);
    memcpy(&value, tensor->data.ptr + 4 * i, sizeof value);
    return value;
}

static enum code check_dtype(const struct tfl_tensor *tensor, struct error *err)
{
    if (tensor->dtype == DTYPE_INVALID)
        return error_set(err, CODE_UNIMPLEMENTED,
                         "tensor \"%.*s\": elements of its type are not implemented",
                         SPAN_ARG(tensor->name));
    return CODE_OK;
}

static enum code constant_real(struct tfl_body *b, const struct tfl_tensor *tensor, struct span *x,
                               struct error *err)
{
    float *to = elements_of(b, tensor, sizeof *to, err);
    if (!to)
        return CODE_RESOURCE_EXHAUSTED;
    size_t count = tensor->data.len ? (size_t)shape_elements(&tensor->shape) : 0;
    for (size_t i = 0; i < count; i++)
        to[i] = real_at(tensor, i);
    *x = tfl_const(b, DTYPE_FLOAT, tensor->shape.dims, (size_t)tensor->shape.rank,
                   span_make(to, count * sizeof *to));
    return CODE_OK;
}

/* Strings: how many, where each begins, where the last one ends; then their bytes. */
static enum code constant_strings(struct tfl_body *b, const struct tfl_tensor *tensor,
                                  struct span *x, struct error *err)
{
    struct span data = tensor->data;
    size_t count = (size_t)shape_elements(&tensor->shape);
    int32_t there = 0;
    if (data.len >= 4)
        memcpy(&there, data.ptr, 4);
    struct span *texts = elements_of(b, tensor, sizeof *texts, err);
    if (!texts)
        return CODE_RESOURCE_EXHAUSTED;
    bool sound = there >= 0 && (size_t)there == count && data.len / 4 >= count + 2;
    for (size_t i = 0; sound && i < count; i++) {
        int32_t ends[2];
        memcpy(ends, data.ptr + 4 * (i + 1), sizeof ends);
        sound = ends[0] >= 0 && ends[1] >= ends[0] && (size_t)ends[1] <= data.len;
        if (sound)
            texts[i] = span_sub(data, (size_t)ends[0], (size_t)(ends[1] - ends[0]));
    }
    if (!sound && count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "tensor \"%.*s\": its bytes are not those of %zu strings",
                         SPAN_ARG(tensor->name), count);
    struct pb_node_def *node = tfl_node(b, "Const", 0);
    struct pb_tensor_proto *value = node_value(b->t->arena, node, DTYPE_STRING, tensor->shape.dims,
                                               (size_t)tensor->shape.rank, (struct span){0});
    value->string_val = (struct pb_spans){texts, count};
    *x = node->name;
    return CODE_OK;
}

static enum code unpacked(struct tfl_body *b, const struct tfl_tensor *tensor, struct span *bytes,
                          struct error *err)
{
    int8_t *to = elements_of(b, tensor, 1, err);
    if (!to)
        return CODE_RESOURCE_EXHAUSTED;
    size_t count = tensor->data.len ? (size_t)shape_elements(&tensor->shape) : 0;
    for (size_t i = 0; i < count; i++)
        to[i] = (int8_t)stored(tensor, i);
    *bytes = span_make(to, count);
    return CODE_OK;
}

static enum code constant_raw(struct tfl_body *b, const struct tfl_tensor *tensor, struct span *x,
                              struct error *err)
{
    if (tensor->dtype == DTYPE_STRING)
        return constant_strings(b, tensor, x, err);
    struct span bytes = tensor->data;
    enum code code = tensor->is_packed ? unpacked(b, tensor, &bytes, err) : CODE_OK;
    if (!code)
        *x = tfl_const(b, tensor->dtype, tensor->shape.dims, (size_t)tensor->shape.rank, bytes);
    return code;
}

/* ---- forms of what is computed ---- */

/* A number for each index of the quantised dimension, or one, in a shape that broadcasts. */
static struct span per_channel(struct tfl_body *b, const struct tfl_tensor *tensor,
                               float (*number)(const struct tfl_tensor *tensor, size_t i))
{
    size_t count = tensor->quantization.scales.count;
    if (count == 1)
        return tfl_float(b, number(tensor, 0));
    float *numbers = ARENA_ARRAY(b->t->arena, float, count);
    for (size_t i = 0; i < count; i++)
        numbers[i] = number(tensor, i);
    int64_t dims[SHAPE_RANK_MAX];
    for (int k = 0; k < tensor->shape.rank; k++)
        dims[k] = k == tensor->quantization.dim ? (int64_t)count : 1;
    return tfl_const(b, DTYPE_FLOAT, dims, (size_t)tensor->shape.rank,
                     span_make(numbers, count * sizeof *numbers));
}

static float zero_of(const struct tfl_tensor *tensor, size_t i)
{
    return (float)tfl_zero(tensor, i);
}

static struct span real_of(struct tfl_body *b, const struct tfl_tensor *tensor, struct span raw)
{
    struct span x = tfl_cast(b, raw, tensor->dtype, DTYPE_FLOAT);
    struct span zero = per_channel(b, tensor, zero_of);
    struct span scale = per_channel(b, tensor, tfl_scale);
    return tfl_binary(b, "Mul", tfl_binary(b, "Sub", x, zero, DTYPE_FLOAT), scale, DTYPE_FLOAT);
}

struct range {
    float least, most;
};

static struct range range_of(enum dtype dtype)
{
    static const struct range ranges[DTYPE_COUNT] = {
        [DTYPE_INT8] = {-128, 127},
        [DTYPE_UINT8] = {0, 255},
        [DTYPE_INT16] = {-32768, 32767},
    };
    return ranges[dtype];
}

/* The nearest number of the grid, as it is stored. */
static struct span raw_of(struct tfl_body *b, const struct tfl_tensor *tensor, struct span real)
{
    struct range range = range_of(tensor->dtype);
    struct span scale = per_channel(b, tensor, tfl_scale);
    struct span zero = per_channel(b, tensor, zero_of);
    struct span x = tfl_binary(b, "RealDiv", real, scale, DTYPE_FLOAT);
    x = tfl_binary(b, "AddV2", tfl_unary(b, "Round", x, DTYPE_FLOAT), zero, DTYPE_FLOAT);
    if (range.most > 0) {
        x = tfl_binary(b, "Maximum", x, tfl_float(b, range.least), DTYPE_FLOAT);
        x = tfl_binary(b, "Minimum", x, tfl_float(b, range.most), DTYPE_FLOAT);
    }
    return tfl_cast(b, x, DTYPE_FLOAT, tensor->dtype);
}

/* The nearest number of the grid, as the real that it stands for. */
static struct span rounded(struct tfl_body *b, const struct tfl_tensor *tensor, struct span real)
{
    enum { BITS_OF_BYTE = 8 };
    struct range range = range_of(tensor->dtype);
    float scale = tfl_scale(tensor, 0), zero = (float)tfl_zero(tensor, 0);
    if (range.most <= 0 || tensor->quantization.scales.count != 1)
        return real_of(b, tensor, raw_of(b, tensor, real));
    struct pb_node_def *node = tfl_node(b, "FakeQuantWithMinMaxArgs", 1, real);
    node_float(b->t->arena, node, "min", scale * (range.least - zero));
    node_float(b->t->arena, node, "max", scale * (range.most - zero));
    node_int(b->t->arena, node, "num_bits", (int64_t)(BITS_OF_BYTE * dtype_size(tensor->dtype)));
    return node->name;
}

/* Variables are zeros at the beginning; what else has no value is an error. */
static enum code start_value(struct tfl_body *b, int number, struct error *err)
{
    const struct tfl_tensor *tensor = tensor_at(b, number);
    struct tfl_value *value = &b->values[number];
    if (!tensor->is_variable)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "tensor %d (\"%.*s\") is used before it has a value", number,
                         SPAN_ARG(tensor->name));
    bool real = tfl_is_quantized(tensor);
    struct span *to = real ? &value->real : &value->raw;
    return tfl_zeros(b, real ? DTYPE_FLOAT : tensor->dtype, &tensor->shape, to, err);
}

enum code tfl_value_of(struct tfl_body *b, int number, enum tfl_form form, struct span *x,
                       struct error *err)
{
    const struct tfl_tensor *tensor = tensor_at(b, number);
    struct tfl_value *value = &b->values[number];
    bool real = form != TFL_RAW && tfl_is_quantized(tensor);
    bool fresh = !value->raw.len && !value->real.len;
    bool constant = tensor->has_data || (fresh && shape_elements(&tensor->shape) == 0);
    enum code code = check_dtype(tensor, err);
    if (!code && fresh && !constant)
        code = start_value(b, number, err);
    struct span *wanted = real ? &value->real : &value->raw;
    if (code || wanted->len)
        ;
    else if (constant)
        code = (real ? constant_real : constant_raw)(b, tensor, wanted, err);
    else
        *wanted = real ? real_of(b, tensor, value->raw) : raw_of(b, tensor, value->real);
    *x = *wanted;
    return code;
}

/* ---- the operator at work ---- */

enum code tfl_operand(struct tfl_body *b, size_t i, enum tfl_form form, struct span *x,
                      enum dtype *dtype, struct error *err)
{
    if (!tfl_has_input(b, i))
        return error_set(err, CODE_INVALID_ARGUMENT, "input %zu is missing", i);
    *dtype = tfl_dtype_in(tfl_input(b, i), form);
    return tfl_value_of(b, b->op->inputs.items[i], form, x, err);
}

enum tfl_form tfl_moved_form(const struct tfl_body *b)
{
    const struct tfl_tensor *to = tfl_output(b, 0);
    bool has_real = false;
    for (size_t i = 0; i < b->op->inputs.count; i++) {
        if (!tfl_has_input(b, i) || !tfl_is_quantized(tfl_input(b, i)))
            continue;
        if (!tfl_same_grid(tfl_input(b, i), to))
            return TFL_REAL;
        has_real |= b->values[b->op->inputs.items[i]].real.len > 0;
    }
    return has_real ? TFL_MOVED : TFL_RAW;
}

enum code tfl_result(struct tfl_body *b, size_t i, enum tfl_form form, struct span x,
                     struct error *err)
{
    int number = b->op->outputs.items[i];
    const struct tfl_tensor *tensor = tensor_at(b, number);
    struct tfl_value *value = &b->values[number];
    enum code code = check_dtype(tensor, err);
    if (code)
        return code;
    if (value->raw.len || value->real.len || tensor->has_data)
        return error_set(err, CODE_INVALID_ARGUMENT, "tensor %d (\"%.*s\") has a value already",
                         number, SPAN_ARG(tensor->name));
    if (form == TFL_RAW || !tfl_is_quantized(tensor))
        value->raw = x;
    else
        value->real = form == TFL_MOVED ? x : rounded(b, tensor, x);
    return CODE_OK;
}

bool tfl_input_ints(const struct tfl_body *b, size_t i, int64_t *values, size_t room, size_t *count)
{
    if (!tfl_has_input(b, i))
        return false;
    const struct tfl_tensor *tensor = tfl_input(b, i);
    bool wide = tensor->dtype == DTYPE_INT64;
    bool computed = b->values[b->op->inputs.items[i]].raw.len && !tensor->has_data;
    bool constant = tensor->has_data || (!computed && shape_elements(&tensor->shape) == 0);
    *count = constant ? (size_t)shape_elements(&tensor->shape) : SIZE_MAX;
    if ((!wide && tensor->dtype != DTYPE_INT32) || *count > room)
        return false;
    for (size_t k = 0; k < *count; k++)
        values[k] = stored(tensor, k);
    return true;
}

/* ---- weights ---- */

enum { WEIGHTS_RANK_MAX = 5 };

/* Element by element of the result, whose dimension k is dimension perm[k] of the tensor. */
static void permute(const struct tfl_tensor *tensor, const int *perm, float *to)
{
    int rank = tensor->shape.rank;
    size_t strides[WEIGHTS_RANK_MAX], steps[WEIGHTS_RANK_MAX], at[WEIGHTS_RANK_MAX] = {0};
    size_t stride = 1, count = (size_t)shape_elements(&tensor->shape), from = 0;
    for (int k = rank - 1; k >= 0; k--) {
        strides[k] = stride;
        stride *= (size_t)tensor->shape.dims[k];
    }
    for (int k = 0; k < rank; k++)
        steps[k] = strides[perm[k]];
    for (size_t i = 0; i < count; i++) {
        to[i] = weight_at(tensor, from);
        for (int k = rank - 1; k >= 0; k--) {
            from += steps[k];
            if (++at[k] < (size_t)tensor->shape.dims[perm[k]])
                break;
            from -= at[k] * steps[k];
            at[k] = 0;
        }
    }
}

static bool is_in_place(const struct tfl_tensor *tensor, const int *perm)
{
    bool same = tensor->dtype == DTYPE_FLOAT;
    for (int k = 0; k < tensor->shape.rank; k++)
        same &= perm[k] == k;
    return same;
}

enum code tfl_weights(struct tfl_body *b, size_t i, const int *perm, const struct shape *shape,
                      struct span *x, struct error *err)
{
    const struct tfl_tensor *tensor = tfl_input(b, i);
    size_t rank = (size_t)tensor->shape.rank;
    CHECK(rank <= WEIGHTS_RANK_MAX);
    bool known =
        tensor->dtype == DTYPE_FLOAT || tensor->dtype == DTYPE_HALF || tfl_is_quantized(tensor);
    if (!tensor->has_data || !known) {
        enum dtype dtype;
        enum code code = tfl_operand(b, i, TFL_REAL, x, &dtype, err);
        if (code)
            return code;
        *x = tfl_transpose(b, *x, dtype, perm, rank);
        int32_t dims[WEIGHTS_RANK_MAX];
        for (int k = 0; k < shape->rank; k++)
            dims[k] = (int32_t)shape->dims[k];
        *x = tfl_reshape(b, *x, dtype, dims, (size_t)shape->rank);
        return CODE_OK;
    }
    struct span bytes = tensor->data;
    if (!is_in_place(tensor, perm)) {
        float *to = elements_of(b, tensor, sizeof *to, err);
        if (!to)
            return CODE_RESOURCE_EXHAUSTED;
        permute(tensor, perm, to);
        bytes = span_make(to, (size_t)shape_elements(&tensor->shape) * sizeof *to);
    }
    *x = tfl_const(b, DTYPE_FLOAT, shape->dims, (size_t)shape->rank, bytes);
    return CODE_OK;
}

enum code tfl_add_bias(struct tfl_body *b, size_t i, struct span *x, enum dtype dtype,
                       struct error *err)
{
    struct span bias;
    enum dtype bias_dtype;
    if (!tfl_has_input(b, i))
        return CODE_OK;
    enum code code = tfl_operand(b, i, TFL_REAL, &bias, &bias_dtype, err);
    if (!code && dtype_is_integer(bias_dtype) && dtype == DTYPE_FLOAT)
        return tfl_wrong(b, "its bias is made of integers without a scale", err);
    if (!code)
        *x = tfl_binary(b, "BiasAdd", *x, tfl_cast(b, bias, bias_dtype, dtype), dtype);
    return code;
}
