/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on each element, and constants. */
#include "engine/stablehlo/translate.h"

/* Operand i as it may stand beside another one of the result's shape: narrow if there is another.
 */
static struct span side(const struct body *b, const struct mlir_op *op, size_t i)
{
    const struct hlo_value *value = &b->t->values[op->operands[i]->id];
    bool is_wide = value->narrow.len; /* unless another one is */
    for (size_t k = 0; k < op->operand_count; k++) {
        bool narrow = b->t->values[op->operands[k]->id].narrow.len || !op->operands[k]->type->rank;
        is_wide &= narrow && (k >= i || !op->operands[k]->type->rank);
    }
    return value->narrow.len && !is_wide ? value->narrow : value->full;
}

static bool is_bool(const struct mlir_op *op)
{
    return hlo_value_dtype(op->operands[0]) == DTYPE_BOOL;
}

/* The boolean ops of TensorFlow have no attribute for their dtype. */
static bool is_logical(const char *op)
{
    return span_starts_with(span_of(op), SPAN_LITERAL("Logical"));
}

static enum code unary(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                       struct error *err)
{
    (void)err;
    const char *name = is_bool(op) && rule->bool_op ? rule->bool_op : rule->op;
    struct pb_node_def *node = body_node(b, name, 1, body_operand(b, op, 0));
    if (!is_logical(name))
        body_type(b, node, "T", hlo_value_dtype(op->operands[0]));
    body_set(b, op, 0, node->name);
    return CODE_OK;
}

static enum code binary(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                        struct error *err)
{
    (void)err;
    const char *name = is_bool(op) && rule->bool_op ? rule->bool_op : rule->op;
    struct pb_node_def *node = body_node(b, name, 2, side(b, op, 0), side(b, op, 1));
    if (!is_logical(name))
        body_type(b, node, "T", hlo_value_dtype(op->operands[0]));
    body_set(b, op, 0, node->name);
    return CODE_OK;
}

static enum dtype unsigned_of(enum dtype dtype)
{
    static const enum dtype of[DTYPE_COUNT] = {
        [DTYPE_INT8] = DTYPE_UINT8,
        [DTYPE_INT16] = DTYPE_UINT16,
        [DTYPE_INT32] = DTYPE_UINT32,
        [DTYPE_INT64] = DTYPE_UINT64,
    };
    return of[dtype] ? of[dtype] : dtype;
}

/* Integers divide towards zero. */
static enum code divide(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                        struct error *err)
{
    (void)err;
    enum dtype dtype = hlo_value_dtype(op->operands[0]);
    const char *name = dtype_is_float(dtype) || hlo_is_complex(dtype) ? rule->op : rule->bool_op;
    body_set(b, op, 0, body_binary(b, name, side(b, op, 0), side(b, op, 1), dtype));
    return CODE_OK;
}

static enum code absolute(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                          struct error *err)
{
    enum dtype dtype = hlo_value_dtype(op->operands[0]);
    if (unsigned_of(dtype) == dtype && !dtype_is_float(dtype) && !hlo_is_complex(dtype)) {
        body_set(b, op, 0, body_operand(b, op, 0));
        return CODE_OK;
    }
    if (!hlo_is_complex(dtype))
        return unary(b, op, rule, err);
    struct pb_node_def *node = body_node(b, "ComplexAbs", 1, body_operand(b, op, 0));
    body_type(b, node, "T", dtype);
    body_type(b, node, "Tout", hlo_value_dtype(&op->results[0]));
    body_set(b, op, 0, node->name);
    return CODE_OK;
}

/* A part of a complex number; of a real one: itself, or zero. */
static enum code part(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                      struct error *err)
{
    (void)err;
    enum dtype dtype = hlo_value_dtype(op->operands[0]);
    struct span x = body_operand(b, op, 0);
    if (!hlo_is_complex(dtype)) {
        body_set(b, op, 0, rule->bool_op ? body_unary(b, rule->bool_op, x, dtype) : x);
        return CODE_OK;
    }
    struct pb_node_def *node = body_node(b, rule->op, 1, x);
    body_type(b, node, "T", dtype);
    body_type(b, node, "Tout", hlo_value_dtype(&op->results[0]));
    body_set(b, op, 0, node->name);
    return CODE_OK;
}

static enum code make_complex(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                              struct error *err)
{
    (void)err;
    struct pb_node_def *node = body_node(b, rule->op, 2, side(b, op, 0), side(b, op, 1));
    body_type(b, node, "T", hlo_value_dtype(op->operands[0]));
    body_type(b, node, "Tout", hlo_value_dtype(&op->results[0]));
    body_set(b, op, 0, node->name);
    return CODE_OK;
}

static enum code compare(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                         struct error *err)
{
    static const char *const names[] = {
        [HLO_EQUAL] = "Equal",
        [HLO_NOT_EQUAL] = "NotEqual",
        [HLO_GREATER_EQUAL] = "GreaterEqual",
        [HLO_GREATER] = "Greater",
        [HLO_LESS_EQUAL] = "LessEqual",
        [HLO_LESS] = "Less",
    };
    (void)rule;
    int64_t direction;
    enum code code = hlo_int(op, "comparison_direction", &direction, err);
    if (code)
        return code;
    if (direction < 0 || direction >= (int64_t)(sizeof names / sizeof *names))
        return hlo_malformed(op, "comparison_direction", err);
    enum dtype dtype = hlo_value_dtype(op->operands[0]);
    struct span x = side(b, op, 0), y = side(b, op, 1);
    if (dtype == DTYPE_BOOL && direction > HLO_NOT_EQUAL) {
        x = body_cast(b, x, dtype, DTYPE_UINT8);
        y = body_cast(b, y, dtype, DTYPE_UINT8);
        dtype = DTYPE_UINT8;
    }
    body_set(b, op, 0, body_binary(b, names[direction], x, y, dtype));
    return CODE_OK;
}

static enum code select_rule(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                             struct error *err)
{
    (void)err;
    struct pb_node_def *node =
        body_node(b, rule->op, 3, side(b, op, 0), side(b, op, 1), side(b, op, 2));
    body_type(b, node, "T", hlo_value_dtype(op->operands[1]));
    body_set(b, op, 0, node->name);
    return CODE_OK;
}

/* Operands: the least, x, the most. */
static enum code clamp(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                       struct error *err)
{
    (void)err;
    enum dtype dtype = hlo_value_dtype(op->operands[1]);
    struct span x = body_binary(b, rule->bool_op, body_operand(b, op, 1), side(b, op, 0), dtype);
    body_set(b, op, 0, body_binary(b, rule->op, x, side(b, op, 2), dtype));
    return CODE_OK;
}

/* A float that is out of an integer type's bounds becomes the bound: for the types whose bounds a
 * float has; of the larger ones only that below zero there is nothing. */
static struct span saturate(struct body *b, struct span x, enum dtype *from, enum dtype to)
{
    static const struct {
        double least, most;
    } bounds[DTYPE_COUNT] = {
        [DTYPE_INT8] = {INT8_MIN, INT8_MAX},      [DTYPE_UINT8] = {0, UINT8_MAX},
        [DTYPE_INT16] = {INT16_MIN, INT16_MAX},   [DTYPE_UINT16] = {0, UINT16_MAX},
        [DTYPE_UINT32] = {0, (double)UINT64_MAX}, [DTYPE_UINT64] = {0, (double)UINT64_MAX},
    };
    if (!dtype_is_float(*from) || bounds[to].least == bounds[to].most)
        return x;
    if (dtype_size(*from) == 2) {
        x = body_cast(b, x, *from, DTYPE_FLOAT);
        *from = DTYPE_FLOAT;
    }
    x = body_binary(b, "Maximum", x, body_number(b, *from, bounds[to].least), *from);
    return body_binary(b, "Minimum", x, body_number(b, *from, bounds[to].most), *from);
}

static struct span convert_to(struct body *b, struct span x, enum dtype from, enum dtype to)
{
    x = saturate(b, x, &from, to);
    return body_cast(b, x, from, to);
}

static enum code convert(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                         struct error *err)
{
    (void)rule;
    (void)err;
    const struct hlo_value *from = &b->t->values[op->operands[0]->id];
    enum dtype x = hlo_value_dtype(op->operands[0]), y = hlo_value_dtype(&op->results[0]);
    struct hlo_value to = {.full = convert_to(b, from->full, x, y)};
    if (from->narrow.len) {
        to.narrow = convert_to(b, from->narrow, x, y);
        to.narrow_rank = from->narrow_rank;
    }
    b->t->values[op->results[0].id] = to;
    return CODE_OK;
}

static struct span bitcast(struct body *b, struct span x, enum dtype from, enum dtype to)
{
    if (from == to)
        return x;
    struct pb_node_def *node = body_node(b, "Bitcast", 1, x);
    body_type(b, node, "T", from);
    body_type(b, node, "type", to);
    return node->name;
}

static enum code bitcast_convert(struct body *b, const struct mlir_op *op,
                                 const struct hlo_rule *rule, struct error *err)
{
    (void)rule;
    (void)err;
    body_set(b, op, 0,
             bitcast(b, body_operand(b, op, 0), hlo_value_dtype(op->operands[0]),
                     hlo_value_dtype(&op->results[0])));
    return CODE_OK;
}

/* Zeros, or signs, come in; a shift by all bits and more leaves nothing else. */
static enum code shift(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                       struct error *err)
{
    (void)err;
    enum dtype dtype = hlo_value_dtype(op->operands[0]);
    bool arithmetic = rule->bool_op && unsigned_of(dtype) != dtype;
    enum dtype work = arithmetic ? dtype : unsigned_of(dtype);
    struct span x = bitcast(b, side(b, op, 0), dtype, work);
    struct span n = bitcast(b, side(b, op, 1), dtype, work);
    struct span shifted = body_binary(b, rule->op, x, n, work);
    if (!arithmetic) {
        double bits = 8.0 * (double)dtype_size(dtype);
        struct span small = body_binary(b, "Less", n, body_number(b, work, bits), work);
        struct pb_node_def *chosen =
            body_node(b, "SelectV2", 3, small, shifted, body_number(b, work, 0));
        body_type(b, chosen, "T", work);
        shifted = chosen->name;
    }
    body_set(b, op, 0, bitcast(b, shifted, work, dtype));
    return CODE_OK;
}

static enum code popcnt(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                        struct error *err)
{
    (void)err;
    enum dtype dtype = hlo_value_dtype(op->operands[0]);
    struct span count = body_unary(b, rule->op, body_operand(b, op, 0), dtype);
    body_set(b, op, 0, body_cast(b, count, DTYPE_UINT8, dtype));
    return CODE_OK;
}

/* The bits that are not at or below the highest one: that one goes into all below it first. */
static enum code count_leading_zeros(struct body *b, const struct mlir_op *op,
                                     const struct hlo_rule *rule, struct error *err)
{
    (void)rule;
    (void)err;
    enum dtype dtype = hlo_value_dtype(op->operands[0]), work = unsigned_of(dtype);
    int bits = (int)(8 * dtype_size(dtype));
    struct span x = bitcast(b, body_operand(b, op, 0), dtype, work);
    for (int step = 1; step < bits; step *= 2) {
        struct span below = body_binary(b, "RightShift", x, body_number(b, work, step), work);
        x = body_binary(b, "BitwiseOr", x, below, work);
    }
    struct span ones = body_unary(b, "PopulationCount", x, work);
    ones = body_cast(b, ones, DTYPE_UINT8, dtype);
    body_set(b, op, 0, body_binary(b, "Sub", body_number(b, dtype, bits), ones, dtype));
    return CODE_OK;
}

/* Halves away from zero: the integer part, and one more where the rest is a half at least. */
static enum code round_away(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                            struct error *err)
{
    (void)rule;
    (void)err;
    enum dtype dtype = hlo_value_dtype(op->operands[0]);
    struct span x = body_operand(b, op, 0);
    struct span size = body_unary(b, "Abs", x, dtype);
    struct span whole = body_unary(b, "Floor", size, dtype);
    struct span rest = body_binary(b, "Sub", size, whole, dtype);
    struct span more = body_binary(b, "GreaterEqual", rest, body_number(b, dtype, 0.5), dtype);
    whole = body_binary(b, "AddV2", whole, body_cast(b, more, DTYPE_BOOL, dtype), dtype);
    body_set(b, op, 0, body_binary(b, "Mul", body_unary(b, "Sign", x, dtype), whole, dtype));
    return CODE_OK;
}

static enum code cube_root(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                           struct error *err)
{
    (void)rule;
    (void)err;
    enum dtype dtype = hlo_value_dtype(op->operands[0]);
    struct span x = body_operand(b, op, 0);
    struct span root = body_binary(b, "Pow", body_unary(b, "Abs", x, dtype),
                                   body_number(b, dtype, 1.0 / 3), dtype);
    body_set(b, op, 0, body_binary(b, "Mul", body_unary(b, "Sign", x, dtype), root, dtype));
    return CODE_OK;
}

/* As if through a smaller type: only those that we have. */
static enum code reduce_precision(struct body *b, const struct mlir_op *op,
                                  const struct hlo_rule *rule, struct error *err)
{
    static const struct {
        int64_t exponent, mantissa;
        enum dtype dtype;
    } formats[] = {{8, 7, DTYPE_BFLOAT16}, {5, 10, DTYPE_HALF}, {8, 23, DTYPE_FLOAT}};
    (void)rule;
    int64_t exponent, mantissa;
    enum code code = hlo_int(op, "exponent_bits", &exponent, err);
    if (!code)
        code = hlo_int(op, "mantissa_bits", &mantissa, err);
    if (code)
        return code;
    enum dtype dtype = hlo_value_dtype(op->operands[0]);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (exponent != formats[i].exponent || mantissa != formats[i].mantissa)
            continue;
        struct span x = body_cast(b, body_operand(b, op, 0), dtype, formats[i].dtype);
        body_set(b, op, 0, body_cast(b, x, formats[i].dtype, dtype));
        return CODE_OK;
    }
    return body_refuse(b, op, "to this format");
}

/* ---- constants ---- */

/* The elements in full: those of booleans are packed, one may stand for all. */
static bool expand(struct body *b, const struct mlir_attr *value, size_t count, size_t size,
                   struct span *bytes)
{
    bool is_bool = hlo_dtype(value->type) == DTYPE_BOOL;
    size_t packed = (count + 7) / 8, len = value->bytes.len;
    if (len == count * size && !(is_bool && count == 1)) {
        *bytes = value->bytes;
        return true;
    }
    if (!is_bool || len != packed)
        return false;
    char *to = arena_alloc(b->t->arena, count + 1);
    for (size_t i = 0; i < count; i++)
        to[i] = value->bytes.ptr[i / 8] >> i % 8 & 1;
    *bytes = span_make(to, count);
    return true;
}

static struct span splat(struct body *b, const struct mlir_attr *value, struct hlo_value *to)
{
    const struct mlir_type *type = value->type;
    enum dtype dtype = hlo_dtype(type);
    static const char booleans[] = {0, 1};
    struct span bytes = value->bytes;
    if (dtype == DTYPE_BOOL)
        bytes = span_make(&booleans[bytes.ptr[0] != 0], 1);
    to->narrow = body_const(b, dtype, NULL, 0, bytes);
    return body_broadcast(b, to->narrow, dtype, body_vector(b, type->dims, type->rank),
                          DTYPE_INT64);
}

static enum code constant(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                          struct error *err)
{
    (void)rule;
    const struct mlir_attr *value = hlo_constant(&op->results[0]);
    if (!value || !hlo_same_type(value->type, op->results[0].type) || !hlo_is_static(value->type))
        return hlo_malformed(op, "value", err);
    const struct mlir_type *type = value->type;
    size_t size = dtype_size(hlo_dtype(type)), count = 1;
    for (size_t i = 0; i < type->rank; i++) {
        if (__builtin_mul_overflow(count, (size_t)type->dims[i], &count) || count > SIZE_MAX / 64)
            return hlo_malformed(op, "value", err);
    }
    struct hlo_value to = {0};
    struct span bytes;
    bool is_packed = hlo_dtype(type) == DTYPE_BOOL;
    if (count > 1 && value->bytes.len == size && !(is_packed && count <= 8))
        to.full = splat(b, value, &to);
    else if (expand(b, value, count, size, &bytes))
        to.full = body_const(b, hlo_dtype(type), type->dims, type->rank, bytes);
    else
        return hlo_malformed(op, "value", err);
    b->t->values[op->results[0].id] = to;
    return CODE_OK;
}

/* ---- the table ---- */

/* A boolean that is the greater is "or", the lesser "and". */
const struct hlo_rule hlo_elementwise_rules[] = {
    {.name = "abs", .fn = absolute, .op = "Abs", .operands = 1, .results = 1},
    {.name = "add",
     .fn = binary,
     .op = "AddV2",
     .bool_op = "LogicalOr",
     .operands = 2,
     .results = 1},
    {.name = "and",
     .fn = binary,
     .op = "BitwiseAnd",
     .bool_op = "LogicalAnd",
     .operands = 2,
     .results = 1},
    {.name = "atan2", .fn = binary, .op = "Atan2", .operands = 2, .results = 1},
    {.name = "bitcast_convert", .fn = bitcast_convert, .operands = 1, .results = 1},
    {.name = "cbrt", .fn = cube_root, .operands = 1, .results = 1},
    {.name = "ceil", .fn = unary, .op = "Ceil", .operands = 1, .results = 1},
    {.name = "clamp",
     .fn = clamp,
     .op = "Minimum",
     .bool_op = "Maximum",
     .operands = 3,
     .results = 1},
    {.name = "compare", .fn = compare, .operands = 2, .results = 1},
    {.name = "complex", .fn = make_complex, .op = "Complex", .operands = 2, .results = 1},
    {.name = "constant", .fn = constant, .results = 1},
    {.name = "convert", .fn = convert, .operands = 1, .results = 1},
    {.name = "cosine", .fn = unary, .op = "Cos", .operands = 1, .results = 1},
    {.name = "count_leading_zeros", .fn = count_leading_zeros, .operands = 1, .results = 1},
    {.name = "divide",
     .fn = divide,
     .op = "RealDiv",
     .bool_op = "TruncateDiv",
     .operands = 2,
     .results = 1},
    {.name = "exponential", .fn = unary, .op = "Exp", .operands = 1, .results = 1},
    {.name = "exponential_minus_one", .fn = unary, .op = "Expm1", .operands = 1, .results = 1},
    {.name = "floor", .fn = unary, .op = "Floor", .operands = 1, .results = 1},
    {.name = "imag", .fn = part, .op = "Imag", .bool_op = "ZerosLike", .operands = 1, .results = 1},
    {.name = "is_finite", .fn = unary, .op = "IsFinite", .operands = 1, .results = 1},
    {.name = "log", .fn = unary, .op = "Log", .operands = 1, .results = 1},
    {.name = "log_plus_one", .fn = unary, .op = "Log1p", .operands = 1, .results = 1},
    {.name = "logistic", .fn = unary, .op = "Sigmoid", .operands = 1, .results = 1},
    {.name = "maximum",
     .fn = binary,
     .op = "Maximum",
     .bool_op = "LogicalOr",
     .operands = 2,
     .results = 1},
    {.name = "minimum",
     .fn = binary,
     .op = "Minimum",
     .bool_op = "LogicalAnd",
     .operands = 2,
     .results = 1},
    {.name = "multiply",
     .fn = binary,
     .op = "Mul",
     .bool_op = "LogicalAnd",
     .operands = 2,
     .results = 1},
    {.name = "negate", .fn = unary, .op = "Neg", .operands = 1, .results = 1},
    {.name = "not",
     .fn = unary,
     .op = "Invert",
     .bool_op = "LogicalNot",
     .operands = 1,
     .results = 1},
    {.name = "or",
     .fn = binary,
     .op = "BitwiseOr",
     .bool_op = "LogicalOr",
     .operands = 2,
     .results = 1},
    {.name = "popcnt", .fn = popcnt, .op = "PopulationCount", .operands = 1, .results = 1},
    {.name = "power", .fn = binary, .op = "Pow", .operands = 2, .results = 1},
    {.name = "real", .fn = part, .op = "Real", .operands = 1, .results = 1},
    {.name = "reduce_precision", .fn = reduce_precision, .operands = 1, .results = 1},
    {.name = "remainder",
     .fn = divide,
     .op = "TruncateMod",
     .bool_op = "TruncateMod",
     .operands = 2,
     .results = 1},
    {.name = "round_nearest_afz", .fn = round_away, .operands = 1, .results = 1},
    {.name = "round_nearest_even", .fn = unary, .op = "Rint", .operands = 1, .results = 1},
    {.name = "rsqrt", .fn = unary, .op = "Rsqrt", .operands = 1, .results = 1},
    {.name = "select", .fn = select_rule, .op = "SelectV2", .operands = 3, .results = 1},
    {.name = "shift_left", .fn = shift, .op = "LeftShift", .operands = 2, .results = 1},
    {.name = "shift_right_arithmetic",
     .fn = shift,
     .op = "RightShift",
     .bool_op = "RightShift",
     .operands = 2,
     .results = 1},
    {.name = "shift_right_logical", .fn = shift, .op = "RightShift", .operands = 2, .results = 1},
    {.name = "sign", .fn = unary, .op = "Sign", .operands = 1, .results = 1},
    {.name = "sine", .fn = unary, .op = "Sin", .operands = 1, .results = 1},
    {.name = "sqrt", .fn = unary, .op = "Sqrt", .operands = 1, .results = 1},
    {.name = "subtract", .fn = binary, .op = "Sub", .operands = 2, .results = 1},
    {.name = "tan", .fn = unary, .op = "Tan", .operands = 1, .results = 1},
    {.name = "tanh", .fn = unary, .op = "Tanh", .operands = 1, .results = 1},
    {.name = "xor",
     .fn = binary,
     .op = "BitwiseXor",
     .bool_op = "NotEqual",
     .operands = 2,
     .results = 1},
    {0},
};
