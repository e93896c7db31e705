/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the schema, by their numbers (the order of their fields in schema.fbs). Parts of a
 * FlatBuffer may lie upon each other: a million tensors may be one. So what is made of a file is
 * charged against a budget in proportion to its size.
 */
#include "savedmodel/tflite/model.h"

#include "savedmodel/tflite/sparse.h"

enum { MODEL_VERSION, MODEL_CODES, MODEL_SUBGRAPHS, MODEL_BUFFERS = 4 };
enum { CODE_OLD, CODE_CUSTOM, CODE_NEW = 3 };
enum { SUBGRAPH_TENSORS, SUBGRAPH_INPUTS, SUBGRAPH_OUTPUTS, SUBGRAPH_OPERATORS, SUBGRAPH_NAME };
enum {
    TENSOR_SHAPE,
    TENSOR_TYPE,
    TENSOR_BUFFER,
    TENSOR_NAME,
    TENSOR_QUANTIZATION,
    TENSOR_IS_VARIABLE,
    TENSOR_SPARSITY,
    TENSOR_DECLARED,
};
enum { QUANTIZATION_SCALE = 2, QUANTIZATION_ZERO, QUANTIZATION_DIM = 6 };
enum {
    OPERATOR_CODE,
    OPERATOR_INPUTS,
    OPERATOR_OUTPUTS,
    OPERATOR_OPTIONS = 4,
    OPERATOR_CUSTOM_OPTIONS,
    OPERATOR_OPTIONS_2 = 12,
};
enum { BUFFER_DATA, BUFFER_OFFSET, BUFFER_SIZE };

enum {
    VERSION = 3,
    IDENTIFIER_AT = 4,
    BUDGET_FACTOR =
        24, /* dequantised 4-bit weights take 8 times their room; the rest are structs */
    BUDGET_LEAST = 1 << 20,
    TYPE_INT4 = 17,
};

/* By the schema's TensorType. */
static const enum dtype dtypes[] = {
    DTYPE_FLOAT,  DTYPE_HALF,       DTYPE_INT32,  DTYPE_UINT8,     DTYPE_INT64,
    DTYPE_STRING, DTYPE_BOOL,       DTYPE_INT16,  DTYPE_COMPLEX64, DTYPE_INT8,
    DTYPE_DOUBLE, DTYPE_COMPLEX128, DTYPE_UINT64, DTYPE_RESOURCE,  DTYPE_VARIANT,
    DTYPE_UINT32, DTYPE_UINT16,     DTYPE_INT8,   DTYPE_BFLOAT16,
};

enum dtype tfl_dtype(int64_t type)
{
    bool known = type >= 0 && type < (int64_t)(sizeof dtypes / sizeof *dtypes);
    return known ? dtypes[type] : DTYPE_INVALID;
}

static enum code broken(const char *what, size_t i, struct error *err)
{
    return error_set(err, CODE_INVALID_ARGUMENT, "%s %zu leads out of the file", what, i);
}

enum code tfl_charge(struct tfl_model *model, size_t bytes, struct error *err)
{
    if (bytes > model->budget)
        return error_set(err, CODE_RESOURCE_EXHAUSTED,
                         "what its parts share makes more than %d times its %zu bytes",
                         BUDGET_FACTOR, model->bytes.len);
    model->budget -= bytes;
    return CODE_OK;
}

static void *charged(struct tfl_model *model, size_t count, size_t size, struct error *err)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        bytes = SIZE_MAX;
    if (tfl_charge(model, bytes, err))
        return NULL;
    return arena_calloc(model->arena, count, size);
}

/* ---- buffers ---- */

enum code tfl_buffer(const struct tfl_model *model, uint64_t index, struct span *data,
                     struct error *err)
{
    struct flatbuffer_table table;
    struct flatbuffer_vector bytes;
    uint64_t offset = 0, size = 0;
    if (index >= model->buffers.count)
        return error_set(err, CODE_INVALID_ARGUMENT, "there is no buffer %llu",
                         (unsigned long long)index);
    if (!flatbuffer_vector_table(&model->buffers, (size_t)index, &table) ||
        !flatbuffer_vector(&table, BUFFER_DATA, 1, &bytes) ||
        !flatbuffer_number(&table, BUFFER_OFFSET, 8, &offset) ||
        !flatbuffer_number(&table, BUFFER_SIZE, 8, &size))
        return broken("buffer", (size_t)index, err);
    *data = bytes.elements;
    /* Files of more than 2 GiB have the bytes behind everything else. An offset of 1 says none. */
    if (offset <= 1)
        return CODE_OK;
    if (offset > model->bytes.len || size > model->bytes.len - offset)
        return broken("buffer", (size_t)index, err);
    *data = span_sub(model->bytes, (size_t)offset, (size_t)size);
    return CODE_OK;
}

/* ---- tensors ---- */

static bool read_shape(const struct flatbuffer_vector *dims, int64_t least, struct shape *shape)
{
    shape->rank = (int)dims->count;
    for (size_t i = 0; i < dims->count; i++) {
        uint32_t dim;
        if (!flatbuffer_vector_u32(dims, i, &dim) || (int32_t)dim < least)
            return false;
        shape->dims[i] = (int32_t)dim;
    }
    int64_t elements;
    return least < 0 || shape_elements_checked(shape, &elements);
}

static enum code read_shapes(const struct flatbuffer_table *table, struct tfl_tensor *tensor,
                             struct error *err)
{
    struct flatbuffer_vector dims, declared;
    if (!flatbuffer_vector(table, TENSOR_SHAPE, 4, &dims) ||
        !flatbuffer_vector(table, TENSOR_DECLARED, 4, &declared))
        return error_set(err, CODE_INVALID_ARGUMENT, "its shape leads out of the file");
    if (dims.count > SHAPE_RANK_MAX || declared.count > SHAPE_RANK_MAX)
        return error_set(err, CODE_UNIMPLEMENTED, "it has more than %d dimensions", SHAPE_RANK_MAX);
    if (!read_shape(&dims, 0, &tensor->shape))
        return error_set(err, CODE_INVALID_ARGUMENT, "a size in its shape is out of range");
    tensor->declared = tensor->shape;
    if (declared.count && !read_shape(&declared, -1, &tensor->declared))
        return error_set(err, CODE_INVALID_ARGUMENT, "a size in its shape signature is below -1");
    return CODE_OK;
}

static enum code read_quantization(const struct flatbuffer_table *table, struct tfl_tensor *tensor,
                                   struct error *err)
{
    struct tfl_quantization *q = &tensor->quantization;
    struct flatbuffer_table inner;
    bool present;
    uint64_t dim = 0;
    if (!flatbuffer_inner(table, TENSOR_QUANTIZATION, &inner, &present))
        return error_set(err, CODE_INVALID_ARGUMENT, "its quantization leads out of the file");
    if (!present)
        return CODE_OK;
    if (!flatbuffer_vector(&inner, QUANTIZATION_SCALE, 4, &q->scales) ||
        !flatbuffer_vector(&inner, QUANTIZATION_ZERO, 8, &q->zeros) ||
        !flatbuffer_number(&inner, QUANTIZATION_DIM, 4, &dim))
        return error_set(err, CODE_INVALID_ARGUMENT, "its quantization leads out of the file");
    q->dim = (int)(int32_t)(uint32_t)dim;
    if (q->scales.count > 1 && (q->dim < 0 || q->dim >= tensor->shape.rank ||
                                (int64_t)q->scales.count != tensor->shape.dims[q->dim]))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "its quantization has %zu scales for dimension %d", q->scales.count,
                         q->dim);
    return CODE_OK;
}

/* A constant has all its bytes. */
static enum code check_data(const struct tfl_tensor *tensor, struct error *err)
{
    if (!dtype_is_plain(tensor->dtype))
        return CODE_OK;
    size_t elements = (size_t)shape_elements(&tensor->shape), expected;
    if (tensor->is_packed)
        expected = elements / 2 + elements % 2;
    else if (__builtin_mul_overflow(elements, dtype_size(tensor->dtype), &expected))
        expected = SIZE_MAX;
    if (tensor->data.len != expected)
        return error_set(err, CODE_INVALID_ARGUMENT, "it has %zu bytes, %zu are expected",
                         tensor->data.len, expected);
    return CODE_OK;
}

static enum code read_tensor(struct tfl_model *model, const struct flatbuffer_table *table,
                             struct tfl_tensor *tensor, struct error *err)
{
    uint64_t type = 0, buffer = 0, is_variable = 0;
    struct flatbuffer_table sparsity;
    bool is_sparse;
    if (!flatbuffer_string(table, TENSOR_NAME, &tensor->name) ||
        !flatbuffer_number(table, TENSOR_TYPE, 1, &type) ||
        !flatbuffer_number(table, TENSOR_BUFFER, 4, &buffer) ||
        !flatbuffer_number(table, TENSOR_IS_VARIABLE, 1, &is_variable) ||
        !flatbuffer_inner(table, TENSOR_SPARSITY, &sparsity, &is_sparse))
        return error_set(err, CODE_INVALID_ARGUMENT, "it leads out of the file");
    tensor->dtype = tfl_dtype((int64_t)type);
    tensor->is_packed = type == TYPE_INT4;
    tensor->is_variable = is_variable;
    enum code code = read_shapes(table, tensor, err);
    if (!code)
        code = read_quantization(table, tensor, err);
    if (!code)
        code = tfl_buffer(model, buffer, &tensor->data, err);
    /* Buffer 0 is always empty; so is that of what is computed. */
    tensor->has_data = tensor->data.len;
    if (!code && tensor->has_data && is_sparse)
        code = tfl_sparse_expand(model, &sparsity, tensor, err);
    if (!code && tensor->has_data)
        code = check_data(tensor, err);
    return code;
}

static enum code read_tensors(struct tfl_model *model, const struct flatbuffer_table *table,
                              struct tfl_subgraph *graph, struct error *err)
{
    struct flatbuffer_vector all;
    struct flatbuffer_table one;
    if (!flatbuffer_vector(table, SUBGRAPH_TENSORS, 4, &all))
        return error_set(err, CODE_INVALID_ARGUMENT, "its tensors lead out of the file");
    graph->tensors = charged(model, all.count, sizeof *graph->tensors, err);
    if (!graph->tensors)
        return CODE_RESOURCE_EXHAUSTED;
    graph->tensor_count = all.count;
    for (size_t i = 0; i < all.count; i++) {
        struct tfl_tensor *tensor = &graph->tensors[i];
        if (!flatbuffer_vector_table(&all, i, &one))
            return broken("tensor", i, err);
        enum code code = read_tensor(model, &one, tensor, err);
        if (code)
            return error_prefix(err, "tensor %zu (\"%.*s\"): ", i, SPAN_ARG(tensor->name));
    }
    return CODE_OK;
}

/* A field that is a list of tensors. */
struct list_field {
    const struct flatbuffer_table *table;
    int field;
    size_t tensor_count;
    int least; /* -1: one may be missing */
};

static enum code read_list(struct tfl_model *model, const struct list_field *from,
                           struct tfl_list *list, struct error *err)
{
    struct flatbuffer_vector all;
    if (!flatbuffer_vector(from->table, from->field, 4, &all))
        return error_set(err, CODE_INVALID_ARGUMENT, "its inputs or outputs lead out of the file");
    int *numbers = charged(model, all.count, sizeof *numbers, err);
    if (!numbers)
        return CODE_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < all.count; i++) {
        uint32_t number = 0;
        flatbuffer_vector_u32(&all, i, &number);
        numbers[i] = (int)(int32_t)number;
        if (numbers[i] >= (int64_t)from->tensor_count || numbers[i] < from->least)
            return error_set(err, CODE_INVALID_ARGUMENT, "there is no tensor %d", numbers[i]);
    }
    *list = (struct tfl_list){numbers, all.count};
    return CODE_OK;
}

/* ---- operators ---- */

/* Codes above 127 are in a field that older files do not have. */
static enum code read_code(const struct flatbuffer_vector *codes, uint64_t i,
                           struct tfl_operator *op, struct error *err)
{
    struct flatbuffer_table table;
    uint64_t old = 0, new = 0;
    if (i >= codes->count || !flatbuffer_vector_table(codes, (size_t)i, &table) ||
        !flatbuffer_number(&table, CODE_OLD, 1, &old) ||
        !flatbuffer_number(&table, CODE_NEW, 4, &new) ||
        !flatbuffer_string(&table, CODE_CUSTOM, &op->custom))
        return error_set(err, CODE_INVALID_ARGUMENT, "operator code %llu of %zu",
                         (unsigned long long)i, codes->count);
    op->code = (int)(int32_t)(uint32_t)(new > old ? new : old);
    return CODE_OK;
}

static enum code read_options(const struct flatbuffer_table *table, struct tfl_operator *op,
                              struct error *err)
{
    bool ok = flatbuffer_inner(table, OPERATOR_OPTIONS, &op->options, &op->has_options);
    if (ok && !op->has_options)
        ok = flatbuffer_inner(table, OPERATOR_OPTIONS_2, &op->options, &op->has_options);
    struct flatbuffer_vector custom;
    if (!ok || !flatbuffer_vector(table, OPERATOR_CUSTOM_OPTIONS, 1, &custom))
        return error_set(err, CODE_INVALID_ARGUMENT, "its options lead out of the file");
    op->custom_options = custom.elements;
    return CODE_OK;
}

static enum code read_operator(struct tfl_model *model, const struct flatbuffer_vector *codes,
                               const struct flatbuffer_table *table, struct tfl_subgraph *graph,
                               struct tfl_operator *op, struct error *err)
{
    uint64_t index = 0;
    if (!flatbuffer_number(table, OPERATOR_CODE, 4, &index))
        return error_set(err, CODE_INVALID_ARGUMENT, "it leads out of the file");
    enum code code = read_code(codes, index, op, err);
    if (!code)
        code = read_options(table, op, err);
    struct list_field inputs = {table, OPERATOR_INPUTS, graph->tensor_count, -1};
    struct list_field outputs = {table, OPERATOR_OUTPUTS, graph->tensor_count, 0};
    if (!code)
        code = read_list(model, &inputs, &op->inputs, err);
    if (!code)
        code = read_list(model, &outputs, &op->outputs, err);
    return code;
}

static enum code read_operators(struct tfl_model *model, const struct flatbuffer_vector *codes,
                                const struct flatbuffer_table *table, struct tfl_subgraph *graph,
                                struct error *err)
{
    struct flatbuffer_vector all;
    struct flatbuffer_table one;
    if (!flatbuffer_vector(table, SUBGRAPH_OPERATORS, 4, &all))
        return error_set(err, CODE_INVALID_ARGUMENT, "its operators lead out of the file");
    graph->operators = charged(model, all.count, sizeof *graph->operators, err);
    if (!graph->operators)
        return CODE_RESOURCE_EXHAUSTED;
    graph->operator_count = all.count;
    for (size_t i = 0; i < all.count; i++) {
        if (!flatbuffer_vector_table(&all, i, &one))
            return broken("operator", i, err);
        enum code code = read_operator(model, codes, &one, graph, &graph->operators[i], err);
        if (code)
            return error_prefix(err, "operator %zu: ", i);
    }
    return CODE_OK;
}

/* ---- the model ---- */

static enum code read_subgraph(struct tfl_model *model, const struct flatbuffer_vector *codes,
                               const struct flatbuffer_table *table, struct tfl_subgraph *graph,
                               struct error *err)
{
    if (!flatbuffer_string(table, SUBGRAPH_NAME, &graph->name))
        return error_set(err, CODE_INVALID_ARGUMENT, "its name leads out of the file");
    enum code code = read_tensors(model, table, graph, err);
    struct list_field inputs = {table, SUBGRAPH_INPUTS, graph->tensor_count, 0};
    struct list_field outputs = {table, SUBGRAPH_OUTPUTS, graph->tensor_count, 0};
    if (!code)
        code = read_list(model, &inputs, &graph->inputs, err);
    if (!code)
        code = read_list(model, &outputs, &graph->outputs, err);
    if (!code)
        code = read_operators(model, codes, table, graph, err);
    return code;
}

static enum code read_subgraphs(struct tfl_model *model, struct error *err)
{
    struct flatbuffer_vector codes, all;
    struct flatbuffer_table one;
    if (!flatbuffer_vector(&model->root, MODEL_CODES, 4, &codes) ||
        !flatbuffer_vector(&model->root, MODEL_BUFFERS, 4, &model->buffers) ||
        !flatbuffer_vector(&model->root, MODEL_SUBGRAPHS, 4, &all))
        return error_set(err, CODE_INVALID_ARGUMENT, "its tables lead out of the file");
    if (!all.count)
        return error_set(err, CODE_INVALID_ARGUMENT, "it has no subgraph");
    model->subgraphs = charged(model, all.count, sizeof *model->subgraphs, err);
    if (!model->subgraphs)
        return CODE_RESOURCE_EXHAUSTED;
    model->subgraph_count = all.count;
    for (size_t i = 0; i < all.count; i++) {
        if (!flatbuffer_vector_table(&all, i, &one))
            return broken("subgraph", i, err);
        enum code code = read_subgraph(model, &codes, &one, &model->subgraphs[i], err);
        if (code)
            return error_prefix(err, "subgraph %zu: ", i);
    }
    return CODE_OK;
}

enum code tfl_model_read(struct span bytes, struct arena *arena, struct tfl_model *model,
                         struct error *err)
{
    *model = (struct tfl_model){.arena = arena, .bytes = bytes};
    if (__builtin_mul_overflow(bytes.len, BUDGET_FACTOR, &model->budget) ||
        __builtin_add_overflow(model->budget, BUDGET_LEAST, &model->budget))
        model->budget = SIZE_MAX;
    uint64_t version = 0;
    if (!span_equal(span_sub(bytes, IDENTIFIER_AT, 4), SPAN_LITERAL("TFL3")))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "the identifier TFL3 is expected at byte %d of its %zu", IDENTIFIER_AT,
                         bytes.len);
    if (!flatbuffer_root(bytes, &model->root) ||
        !flatbuffer_number(&model->root, MODEL_VERSION, 4, &version))
        return error_set(err, CODE_INVALID_ARGUMENT, "its root leads out of the file");
    if (version != VERSION)
        return error_set(err, CODE_INVALID_ARGUMENT, "schema version %d is expected, not %llu",
                         VERSION, (unsigned long long)version);
    return read_subgraphs(model, err);
}

/* ---- what operators ask for ---- */

bool tfl_is_quantized(const struct tfl_tensor *tensor)
{
    return tensor->quantization.scales.count && dtype_is_integer(tensor->dtype);
}

float tfl_scale(const struct tfl_tensor *tensor, size_t i)
{
    const struct flatbuffer_vector *scales = &tensor->quantization.scales;
    float scale = 0;
    if (scales->count)
        memcpy(&scale, scales->elements.ptr + 4 * (scales->count == 1 ? 0 : i), sizeof scale);
    return scale;
}

int64_t tfl_zero(const struct tfl_tensor *tensor, size_t i)
{
    const struct flatbuffer_vector *zeros = &tensor->quantization.zeros;
    size_t at = zeros->count == 1 ? 0 : i;
    int64_t zero = 0;
    if (at < zeros->count)
        memcpy(&zero, zeros->elements.ptr + 8 * at, sizeof zero);
    return zero;
}

bool tfl_same_grid(const struct tfl_tensor *a, const struct tfl_tensor *b)
{
    return a->dtype == b->dtype && a->quantization.scales.count == 1 &&
           b->quantization.scales.count == 1 && tfl_scale(a, 0) == tfl_scale(b, 0) &&
           tfl_zero(a, 0) == tfl_zero(b, 0);
}

int64_t tfl_option(const struct tfl_operator *op, int field, size_t size, int64_t otherwise)
{
    uint64_t value = (uint64_t)otherwise;
    if (!op->has_options || !flatbuffer_number(&op->options, field, size, &value))
        return otherwise;
    int unused = (int)(8 * (sizeof value - size));
    return (int64_t)(value << unused) >> unused;
}

float tfl_option_float(const struct tfl_operator *op, int field)
{
    uint64_t bits = 0;
    float value;
    if (op->has_options)
        flatbuffer_number(&op->options, field, sizeof value, &bits);
    uint32_t low = (uint32_t)bits;
    memcpy(&value, &low, sizeof value);
    return value;
}
