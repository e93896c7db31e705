/* SPDX-License-Identifier: Apache-2.0 */
/* Operators on each element: most are TensorFlow's, others a few of its ops. */
#include "savedmodel/tflite/translate.h"

#define UNARY(code, name, op) TFL_RULE(code, name, tfl_plain, op, TFL_REAL, 1, 1, 0, TFL_OF_T)
#define BINARY(code, name, op, activation)                                                         \
    TFL_RULE(code, name, tfl_plain, op, TFL_REAL, 2, 1, activation, TFL_OF_T)
#define LOGICAL(code, name, op, inputs) TFL_RULE(code, name, tfl_plain, op, TFL_RAW, inputs, 1, 0)
#define OWN(code, name, fn, op, inputs) TFL_RULE(code, name, fn, op, TFL_REAL, inputs, 1, 0)

static enum code clip(struct tfl_body *b, const struct tfl_rule *rule, int32_t low,
                      struct error *err)
{
    struct span x;
    enum dtype dtype;
    enum code code = tfl_operand(b, 0, rule->form, &x, &dtype, err);
    return code ? code : tfl_result(b, 0, rule->form, tfl_clip_to_one(b, x, dtype, low), err);
}

static enum code relu_0_to_1(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    return clip(b, rule, 0, err);
}

static enum code relu_n1_to_1(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    return clip(b, rule, -1, err);
}

/* x * relu6(x + 3) / 6 */
static enum code hard_swish(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    struct span x;
    enum dtype dtype;
    enum code code = tfl_operand(b, 0, rule->form, &x, &dtype, err);
    if (code)
        return code;
    struct span moved = tfl_binary(b, "AddV2", x, tfl_float(b, 3), dtype);
    struct span gate = tfl_unary(b, "Relu6", moved, dtype);
    struct span y = tfl_binary(b, "Mul", x, gate, dtype);
    return tfl_result(b, 0, rule->form, tfl_binary(b, "Mul", y, tfl_float(b, 1.0F / 6), dtype),
                      err);
}

/* x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))) */
static struct span gelu_by_tanh(struct tfl_body *b, struct span x, enum dtype dtype)
{
    struct span cube = tfl_binary(b, "Mul", tfl_unary(b, "Square", x, dtype), x, dtype);
    struct span inner = tfl_binary(
        b, "AddV2", x, tfl_binary(b, "Mul", cube, tfl_float(b, 0.044715F), dtype), dtype);
    inner = tfl_binary(b, "Mul", inner, tfl_float(b, 0.7978845608F), dtype);
    return tfl_unary(b, "Tanh", inner, dtype);
}

static enum code gelu(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    enum { APPROXIMATE };
    struct span x, bend;
    enum dtype dtype;
    enum code code = tfl_operand(b, 0, rule->form, &x, &dtype, err);
    if (code)
        return code;
    if (tfl_option(b->op, APPROXIMATE, 1, 0))
        bend = gelu_by_tanh(b, x, dtype);
    else
        bend =
            tfl_unary(b, "Erf", tfl_binary(b, "Mul", x, tfl_float(b, 0.7071067812F), dtype), dtype);
    struct span gate = tfl_binary(b, "AddV2", bend, tfl_float(b, 1), dtype);
    struct span half = tfl_binary(b, "Mul", x, tfl_float(b, 0.5F), dtype);
    return tfl_result(b, 0, rule->form, tfl_binary(b, "Mul", half, gate, dtype), err);
}

/* x, and alpha * x below zero. */
static enum code prelu(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    struct span x, alpha;
    enum dtype dtype, alpha_dtype;
    enum code code = tfl_operand(b, 0, rule->form, &x, &dtype, err);
    if (!code)
        code = tfl_operand(b, 1, rule->form, &alpha, &alpha_dtype, err);
    if (code)
        return code;
    struct span positive = tfl_unary(b, "Relu", x, dtype);
    struct span negative = tfl_binary(b, "Minimum", x, tfl_float(b, 0), dtype);
    struct span scaled = tfl_binary(b, "Mul", alpha, negative, dtype);
    return tfl_result(b, 0, rule->form, tfl_binary(b, "AddV2", positive, scaled, dtype), err);
}

/* Softmax of beta * x over the last dimension. */
static enum code softmax(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    enum { BETA };
    struct span x;
    enum dtype dtype;
    enum code code = tfl_operand(b, 0, rule->form, &x, &dtype, err);
    if (code)
        return code;
    float beta = tfl_option_float(b->op, BETA);
    if (beta < 1 || beta > 1)
        x = tfl_binary(b, "Mul", x, tfl_float(b, beta), dtype);
    return tfl_result(b, 0, rule->form, tfl_unary(b, rule->op, x, dtype), err);
}

/* x / |x|, along the last dimension; |x| is at least 1e-6. */
static enum code l2_normalization(struct tfl_body *b, const struct tfl_rule *rule,
                                  struct error *err)
{
    struct span x;
    enum dtype dtype;
    enum code code = tfl_operand(b, 0, rule->form, &x, &dtype, err);
    if (code)
        return code;
    struct span square = tfl_unary(b, "Square", x, dtype);
    struct pb_node_def *sum = tfl_node(b, "Sum", 2, square, tfl_int(b, -1));
    tfl_attr_type(b, sum, "T", dtype);
    node_bool(b->t->arena, sum, "keep_dims", true);
    struct span length = tfl_unary(b, "Sqrt", sum->name, dtype);
    length = tfl_binary(b, "Maximum", length, tfl_float(b, 1e-6F), dtype);
    return tfl_activated_result(b, rule, tfl_binary(b, rule->op, x, length, dtype), err);
}

static enum code cast(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    struct span x;
    enum dtype dtype;
    enum code code = tfl_operand(b, 0, rule->form, &x, &dtype, err);
    return code ? code
                : tfl_result(b, 0, rule->form, tfl_cast(b, x, dtype, tfl_output(b, 0)->dtype), err);
}

/* To and from stored elements: the forms do it. Halves have no grid. */
static enum code quantize(struct tfl_body *b, const struct tfl_rule *rule, struct error *err)
{
    struct span x;
    enum dtype dtype;
    enum code code = tfl_operand(b, 0, rule->form, &x, &dtype, err);
    if (code)
        return code;
    enum dtype to = tfl_dtype_in(tfl_output(b, 0), rule->form);
    return tfl_result(b, 0, rule->form, tfl_cast(b, x, dtype, to), err);
}

const struct tfl_rule tfl_elementwise_rules[] = {
    BINARY(0, "ADD", "AddV2", 1),
    BINARY(41, "SUB", "Sub", 1),
    BINARY(18, "MUL", "Mul", 1),
    BINARY(42, "DIV", "Div", 1),
    BINARY(55, "MAXIMUM", "Maximum", 0),
    BINARY(57, "MINIMUM", "Minimum", 0),
    BINARY(78, "POW", "Pow", 0),
    BINARY(99, "SQUARED_DIFFERENCE", "SquaredDifference", 0),
    BINARY(90, "FLOOR_DIV", "FloorDiv", 0),
    BINARY(95, "FLOOR_MOD", "FloorMod", 0),
    BINARY(156, "ATAN2", "Atan2", 0),
    BINARY(160, "BITWISE_XOR", "BitwiseXor", 0),
    BINARY(161, "RIGHT_SHIFT", "RightShift", 0),
    BINARY(71, "EQUAL", "Equal", 0),
    BINARY(72, "NOT_EQUAL", "NotEqual", 0),
    BINARY(58, "LESS", "Less", 0),
    BINARY(63, "LESS_EQUAL", "LessEqual", 0),
    BINARY(61, "GREATER", "Greater", 0),
    BINARY(62, "GREATER_EQUAL", "GreaterEqual", 0),
    LOGICAL(84, "LOGICAL_OR", "LogicalOr", 2),
    LOGICAL(86, "LOGICAL_AND", "LogicalAnd", 2),
    LOGICAL(87, "LOGICAL_NOT", "LogicalNot", 1),
    UNARY(101, "ABS", "Abs"),
    UNARY(104, "CEIL", "Ceil"),
    UNARY(108, "COS", "Cos"),
    UNARY(66, "SIN", "Sin"),
    UNARY(47, "EXP", "Exp"),
    UNARY(8, "FLOOR", "Floor"),
    UNARY(73, "LOG", "Log"),
    UNARY(59, "NEG", "Neg"),
    UNARY(116, "ROUND", "Round"),
    UNARY(76, "RSQRT", "Rsqrt"),
    UNARY(75, "SQRT", "Sqrt"),
    UNARY(92, "SQUARE", "Square"),
    UNARY(158, "SIGN", "Sign"),
    UNARY(93, "ZEROS_LIKE", "ZerosLike"),
    UNARY(111, "ELU", "Elu"),
    UNARY(19, "RELU", "Relu"),
    UNARY(21, "RELU6", "Relu6"),
    UNARY(28, "TANH", "Tanh"),
    UNARY(14, "LOGISTIC", "Sigmoid"),
    UNARY(50, "LOG_SOFTMAX", "LogSoftmax"),
    TFL_RULE(98, "LEAKY_RELU", tfl_plain, "LeakyRelu", TFL_REAL, 1, 1, 0, TFL_TYPE_OF("T", 0),
             {"alpha", TFL_ATTR_FLOAT, 0}),
    OWN(20, "RELU_N1_TO_1", relu_n1_to_1, "Maximum, Minimum", 1),
    OWN(152, "RELU_0_TO_1", relu_0_to_1, "Maximum, Minimum", 1),
    OWN(54, "PRELU", prelu, "Relu, Minimum, Mul, AddV2", 2),
    OWN(117, "HARD_SWISH", hard_swish, "Relu6, Mul", 1),
    OWN(150, "GELU", gelu, "Erf, Tanh, Mul", 1),
    OWN(25, "SOFTMAX", softmax, "Softmax", 1),
    TFL_RULE(11, "L2_NORMALIZATION", l2_normalization, "RealDiv", TFL_REAL, 1, 1, 1),
    TFL_RULE(53, "CAST", cast, "Cast", TFL_RAW, 1, 1, 0),
    TFL_RULE(124, "DENSIFY", cast, "Identity", TFL_RAW, 1, 1, 0),
    OWN(114, "QUANTIZE", quantize, "FakeQuantWithMinMaxArgs", 1),
    OWN(6, "DEQUANTIZE", quantize, "Cast, Sub, Mul", 1),
    TFL_RULE(80, "FAKE_QUANT", tfl_plain, "FakeQuantWithMinMaxArgs", TFL_REAL, 1, 1, 0,
             {"min", TFL_ATTR_FLOAT, 0}, {"max", TFL_ATTR_FLOAT, 1}, {"num_bits", TFL_ATTR_INT, 2},
             {"narrow_range", TFL_ATTR_BOOL, 3}),
    TFL_RULE(135, "COMPLEX_ABS", tfl_plain, "ComplexAbs", TFL_RAW, 1, 1, 0, TFL_TYPE_OF("T", 0),
             {"Tout", TFL_ATTR_GIVES, 0}),
    TFL_RULE(134, "REAL", tfl_plain, "Real", TFL_RAW, 1, 1, 0, TFL_TYPE_OF("T", 0),
             {"Tout", TFL_ATTR_GIVES, 0}),
    TFL_RULE(133, "IMAG", tfl_plain, "Imag", TFL_RAW, 1, 1, 0, TFL_TYPE_OF("T", 0),
             {"Tout", TFL_ATTR_GIVES, 0}),
    TFL_RULE(159, "BITCAST", tfl_plain, "Bitcast", TFL_RAW, 1, 1, 0, TFL_TYPE_OF("T", 0),
             {"type", TFL_ATTR_GIVES, 0}),
    TFL_RULE(106, "ADD_N", tfl_plain, "AddN", TFL_REAL, 1, 1, 0, TFL_TYPE_OF("T", 0),
             {"N", TFL_ATTR_COUNT_OF, 0}),
    TFL_RULE(64, "SELECT", tfl_plain, "Select", TFL_MOVED, 3, 1, 0, TFL_TYPE_OF("T", 1)),
    TFL_RULE(123, "SELECT_V2", tfl_plain, "SelectV2", TFL_MOVED, 3, 1, 0, TFL_TYPE_OF("T", 1)),
    {0},
};
