/* SPDX-License-Identifier: Apache-2.0 */
/* What an operation of the module says: names, types, attributes. */
#include "engine/stablehlo/translate.h"

static const enum dtype dtypes[MLIR_TYPE_CODES] = {
    [MLIR_BOOL] = DTYPE_BOOL,   [MLIR_BF16] = DTYPE_BFLOAT16, [MLIR_F16] = DTYPE_HALF,
    [MLIR_F32] = DTYPE_FLOAT,   [MLIR_F64] = DTYPE_DOUBLE,    [MLIR_SI8] = DTYPE_INT8,
    [MLIR_SI16] = DTYPE_INT16,  [MLIR_SI32] = DTYPE_INT32,    [MLIR_SI64] = DTYPE_INT64,
    [MLIR_UI8] = DTYPE_UINT8,   [MLIR_UI16] = DTYPE_UINT16,   [MLIR_UI32] = DTYPE_UINT32,
    [MLIR_UI64] = DTYPE_UINT64,
};

enum dtype hlo_dtype(const struct mlir_type *type)
{
    if (!type || type->code != MLIR_TENSOR || !type->element || type->rank > SHAPE_RANK_MAX)
        return DTYPE_INVALID;
    const struct mlir_type *element = type->element;
    if (element->code == MLIR_COMPLEX && element->element)
        return element->element->code == MLIR_F32   ? DTYPE_COMPLEX64
               : element->element->code == MLIR_F64 ? DTYPE_COMPLEX128
                                                    : DTYPE_INVALID;
    return element->code < 0 ? DTYPE_INVALID : dtypes[element->code];
}

bool hlo_has_known_types(const struct mlir_op *op)
{
    bool known = true;
    for (size_t i = 0; i < op->operand_count; i++)
        known &= hlo_value_dtype(op->operands[i]) != DTYPE_INVALID;
    for (size_t i = 0; i < op->result_count; i++)
        known &= hlo_value_dtype(&op->results[i]) != DTYPE_INVALID;
    return known;
}

bool hlo_is_static(const struct mlir_type *type)
{
    for (size_t i = 0; i < type->rank; i++) {
        if (type->dims[i] < 0)
            return false;
    }
    return true;
}

bool hlo_same_type(const struct mlir_type *a, const struct mlir_type *b)
{
    return hlo_dtype(a) == hlo_dtype(b) && a->rank == b->rank &&
           (!a->rank || !memcmp(a->dims, b->dims, a->rank * sizeof *a->dims));
}

struct span hlo_name(const struct mlir_op *op)
{
    struct span name = op->name;
    size_t end = name.len;
    while (end > 0 && name.ptr[end - 1] >= '0' && name.ptr[end - 1] <= '9')
        end--;
    bool versioned =
        end < name.len && end > 2 && name.ptr[end - 1] == 'v' && name.ptr[end - 2] == '_';
    return versioned ? span_sub(name, 0, end - 2) : name;
}

bool hlo_is(const struct mlir_op *op, const char *name)
{
    return op && span_is(op->dialect, "vhlo") && span_is(hlo_name(op), name);
}

enum code hlo_malformed(const struct mlir_op *op, const char *what, struct error *err)
{
    return error_set(err, CODE_INVALID_ARGUMENT, "malformed StableHLO: %s of stablehlo.%.*s", what,
                     SPAN_ARG(hlo_name(op)));
}

const struct mlir_attr *hlo_constant(const struct mlir_value *value)
{
    if (!hlo_is(value->op, "constant"))
        return NULL;
    const struct mlir_attr *attr = mlir_attr_get(value->op->attrs, "value");
    return attr && attr->kind == MLIR_ATTR_TENSOR ? attr : NULL;
}

static bool tensor_ints(const struct mlir_attr *attr, struct hlo_ints *ints)
{
    const struct mlir_type *type = attr->type;
    enum dtype dtype = hlo_dtype(type);
    size_t size = dtype == DTYPE_BOOL ? 1 : sizeof(int64_t), count = 1;
    if ((dtype != DTYPE_INT64 && dtype != DTYPE_BOOL) || !hlo_is_static(type))
        return false;
    for (size_t i = 0; i < type->rank; i++) {
        if (type->dims[i] > 2 * SHAPE_RANK_MAX)
            return false;
        count *= (size_t)type->dims[i];
    }
    bool splat = attr->bytes.len == size;
    bool packed = dtype == DTYPE_BOOL && !splat && attr->bytes.len != count;
    if (count > 2 * SHAPE_RANK_MAX || (!splat && !packed && attr->bytes.len != count * size) ||
        (packed && attr->bytes.len != (count + 7) / 8))
        return false;
    ints->count = count;
    for (size_t i = 0; i < count; i++) {
        int64_t value = 0;
        if (dtype == DTYPE_BOOL)
            value = splat && count > 8 ? attr->bytes.ptr[0] != 0
                    : packed || splat  ? attr->bytes.ptr[i / 8] >> i % 8 & 1
                                       : attr->bytes.ptr[i] != 0;
        else
            memcpy(&value, attr->bytes.ptr + (splat ? 0 : i * size), size);
        ints->values[i] = value;
    }
    return true;
}

enum code hlo_ints(const struct mlir_op *op, const char *name, struct hlo_ints *ints,
                   struct error *err)
{
    const struct mlir_attr *attr = mlir_attr_get(op->attrs, name);
    *ints = (struct hlo_ints){0};
    if (attr && attr->kind == MLIR_ATTR_TENSOR && tensor_ints(attr, ints))
        return CODE_OK;
    return hlo_malformed(op, name, err);
}

enum code hlo_dims(const struct mlir_op *op, const char *name, size_t rank, struct hlo_ints *ints,
                   struct error *err)
{
    enum code code = hlo_ints(op, name, ints, err);
    for (size_t i = 0; !code && i < ints->count; i++) {
        bool twice = false;
        for (size_t k = 0; k < i; k++)
            twice |= ints->values[k] == ints->values[i];
        if (ints->values[i] < 0 || ints->values[i] >= (int64_t)rank || twice)
            code = hlo_malformed(op, name, err);
    }
    return code;
}

bool hlo_has(const struct hlo_ints *ints, int64_t value)
{
    for (size_t i = 0; i < ints->count; i++) {
        if (ints->values[i] == value)
            return true;
    }
    return false;
}

enum code hlo_int(const struct mlir_op *op, const char *name, int64_t *value, struct error *err)
{
    const struct mlir_attr *attr = mlir_attr_get(op->attrs, name);
    if (!attr || (attr->kind != MLIR_ATTR_INT && attr->kind != MLIR_ATTR_ENUM &&
                  attr->kind != MLIR_ATTR_BOOL))
        return hlo_malformed(op, name, err);
    *value = attr->number;
    return CODE_OK;
}

struct span hlo_string(const struct mlir_op *op, const char *name)
{
    const struct mlir_attr *attr = mlir_attr_get(op->attrs, name);
    return attr && attr->kind == MLIR_ATTR_STRING ? attr->bytes : (struct span){0};
}
