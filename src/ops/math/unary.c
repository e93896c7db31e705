/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elementwise functions of one tensor. float is computed by libm's float functions, half and
 * bfloat16 as float and rounded once. Each op is a row of loops by dtype and a record; the record's
 * `types` says which of them TensorFlow has.
 */
#include <complex.h>
#include <math.h>

#include "ops/kernel.h"
#include "ops/math/loops.h"
#include "ops/math/newton.h"
#include "ops/math/number.h"
#include "ops/nn/vector_math.h"

typedef void unary_fn(const void *in, void *out, int64_t n);

struct unary {
    const char *op;
    unary_fn *loops[DTYPE_COUNT];
};

#define SMALL_FLOAT_LOOPS(op, expression)                                                          \
    LOOP_UNARY(static, op##_half, uint16_t, float, uint16_t, dtype_half_to_float,                  \
               dtype_half_from_float, expression)                                                  \
    LOOP_UNARY(static, op##_bfloat16, uint16_t, float, uint16_t, dtype_bfloat16_to_float,          \
               dtype_bfloat16_from_float, expression)

/* The float expression serves the small floats too. */
#define FLOAT_LOOPS(op, float_expression, double_expression)                                       \
    LOOP_UNARY(KERNEL, op##_float, float, float, float, LOOP_AS_IS, LOOP_AS_IS, float_expression)  \
    LOOP_UNARY(KERNEL, op##_double, double, double, double, LOOP_AS_IS, LOOP_AS_IS,                \
               double_expression)                                                                  \
    SMALL_FLOAT_LOOPS(op, float_expression)

#define COMPLEX_LOOPS(op, float_expression, double_expression)                                     \
    LOOP_UNARY(static, op##_complex64, float complex, float complex, float complex, LOOP_AS_IS,    \
               LOOP_AS_IS, float_expression)                                                       \
    LOOP_UNARY(static, op##_complex128, double complex, double complex, double complex,            \
               LOOP_AS_IS, LOOP_AS_IS, double_expression)

#define COMPLEX_LIBM_LOOPS(op) COMPLEX_LOOPS(op, c##op##f(x), c##op(x))

/* Integers without a sign, where overflow is defined. */
#define INTEGER_LOOPS(op, expression)                                                              \
    LOOP_UNARY(static, op##_int8, int8_t, uint32_t, int8_t, (uint32_t), (int8_t), expression)      \
    LOOP_UNARY(static, op##_int16, int16_t, uint32_t, int16_t, (uint32_t), (int16_t), expression)  \
    LOOP_UNARY(static, op##_int32, int32_t, uint32_t, int32_t, (uint32_t), (int32_t), expression)  \
    LOOP_UNARY(static, op##_int64, int64_t, uint64_t, int64_t, (uint64_t), (int64_t), expression)  \
    LOOP_UNARY(static, op##_uint8, uint8_t, uint32_t, uint8_t, LOOP_AS_IS, (uint8_t), expression)  \
    LOOP_UNARY(static, op##_uint16, uint16_t, uint32_t, uint16_t, LOOP_AS_IS, (uint16_t),          \
               expression)                                                                         \
    LOOP_UNARY(static, op##_uint32, uint32_t, uint32_t, uint32_t, LOOP_AS_IS, LOOP_AS_IS,          \
               expression)                                                                         \
    LOOP_UNARY(static, op##_uint64, uint64_t, uint64_t, uint64_t, LOOP_AS_IS, LOOP_AS_IS,          \
               expression)
#define SIGNED_LOOPS(op, expression)                                                               \
    LOOP_UNARY(static, op##_int8, int8_t, int, int8_t, LOOP_AS_IS, (int8_t), expression)           \
    LOOP_UNARY(static, op##_int16, int16_t, int, int16_t, LOOP_AS_IS, (int16_t), expression)       \
    LOOP_UNARY(static, op##_int32, int32_t, int64_t, int32_t, LOOP_AS_IS, (int32_t), expression)   \
    LOOP_UNARY(static, op##_int64, int64_t, int64_t, int64_t, LOOP_AS_IS, LOOP_AS_IS, expression)
#define SIGNED_ROWS(op)                                                                            \
    [DTYPE_INT8] = op##_int8, [DTYPE_INT16] = op##_int16, [DTYPE_INT32] = op##_int32,              \
    [DTYPE_INT64] = op##_int64
#define INTEGER_ROWS(op)                                                                           \
    SIGNED_ROWS(op), [DTYPE_UINT8] = op##_uint8, [DTYPE_UINT16] = op##_uint16,                     \
                     [DTYPE_UINT32] = op##_uint32, [DTYPE_UINT64] = op##_uint64

/* e^z - 1 without cancellation: cos(y) - 1 is -2 sin(y / 2)^2. */
static double complex complex_expm1(double complex z)
{
    double less = expm1(creal(z)), half = sin(cimag(z) / 2);
    return number_complex(less - 2 * (less + 1) * half * half, (less + 1) * sin(cimag(z)));
}

/* Kahan's: what 1 + z lost is made good by the quotient. */
static double complex complex_log1p(double complex z)
{
    double complex sum = 1 + z;
    if (sum == 1 || isinf(creal(z)) || isinf(cimag(z)))
        return sum == 1 ? z : clog(sum);
    return z * (clog(sum) / (sum - 1));
}

static float complex complex_sign_float(float complex z)
{
    float size = cabsf(z);
    return size == 0 ? 0 : z / size;
}

static double complex complex_sign_double(double complex z)
{
    double size = cabs(z);
    return size == 0 ? 0 : z / size;
}

/* Round rounds halves to even, as rint does in the default mode; of integers TensorFlow's makes 0.
 */
FLOAT_LOOPS(neg, -x, -x)
COMPLEX_LOOPS(neg, -x, -x)
SIGNED_LOOPS(neg, (int64_t)(0 - (uint64_t)x))
FLOAT_LOOPS(abs, fabsf(x), fabs(x))
SIGNED_LOOPS(abs, x < 0 ? (int64_t)(0 - (uint64_t)x) : x)
FLOAT_LOOPS(square, x *x, x *x)
COMPLEX_LOOPS(square, x *x, x *x)
INTEGER_LOOPS(square, x *x)
FLOAT_LOOPS(sqrt, sqrtf(x), sqrt(x))
COMPLEX_LOOPS(sqrt, csqrtf(x), csqrt(x))
LOOP_UNARY(KERNEL, rsqrt_double, double, double, double, LOOP_AS_IS, LOOP_AS_IS, 1 / sqrt(x))
SMALL_FLOAT_LOOPS(rsqrt, 1 / sqrtf(x))
COMPLEX_LOOPS(rsqrt, 1 / csqrtf(x), 1 / csqrt(x))
FLOAT_LOOPS(exp, vector_exp(x), exp(x))
COMPLEX_LOOPS(exp, cexpf(x), cexp(x))
FLOAT_LOOPS(expm1, expm1f(x), expm1(x))
COMPLEX_LOOPS(expm1, (float complex)complex_expm1(x), complex_expm1(x))
FLOAT_LOOPS(log, logf(x), log(x))
COMPLEX_LOOPS(log, clogf(x), clog(x))
FLOAT_LOOPS(log1p, log1pf(x), log1p(x))
COMPLEX_LOOPS(log1p, (float complex)complex_log1p(x), complex_log1p(x))
FLOAT_LOOPS(floor, floorf(x), floor(x))
FLOAT_LOOPS(ceil, ceilf(x), ceil(x))
FLOAT_LOOPS(rint, rintf(x), rint(x))
LOOP_UNARY(static, rint_int32, int32_t, int32_t, int32_t, LOOP_AS_IS, LOOP_AS_IS, 0 * x)
LOOP_UNARY(static, rint_int64, int64_t, int64_t, int64_t, LOOP_AS_IS, LOOP_AS_IS, 0 * x)
FLOAT_LOOPS(sign, (float)((x > 0) - (x < 0)) + (x != x ? x : 0),
            (x > 0) - (x < 0) + (x != x ? x : 0))
COMPLEX_LOOPS(sign, complex_sign_float(x), complex_sign_double(x))
SIGNED_LOOPS(sign, (x > 0) - (x < 0))
LOOP_UNARY(KERNEL, reciprocal_double, double, double, double, LOOP_AS_IS, LOOP_AS_IS, 1 / x)
SMALL_FLOAT_LOOPS(reciprocal, 1 / x)
COMPLEX_LOOPS(reciprocal, 1 / x, 1 / x)
FLOAT_LOOPS(sin, sinf(x), sin(x))
COMPLEX_LIBM_LOOPS(sin)
FLOAT_LOOPS(cos, cosf(x), cos(x))
COMPLEX_LIBM_LOOPS(cos)
FLOAT_LOOPS(tan, tanf(x), tan(x))
COMPLEX_LIBM_LOOPS(tan)
FLOAT_LOOPS(asin, asinf(x), asin(x))
COMPLEX_LIBM_LOOPS(asin)
FLOAT_LOOPS(acos, acosf(x), acos(x))
COMPLEX_LIBM_LOOPS(acos)
FLOAT_LOOPS(atan, atanf(x), atan(x))
COMPLEX_LIBM_LOOPS(atan)
FLOAT_LOOPS(sinh, sinhf(x), sinh(x))
COMPLEX_LIBM_LOOPS(sinh)
FLOAT_LOOPS(cosh, coshf(x), cosh(x))
COMPLEX_LIBM_LOOPS(cosh)
FLOAT_LOOPS(asinh, asinhf(x), asinh(x))
COMPLEX_LIBM_LOOPS(asinh)
FLOAT_LOOPS(acosh, acoshf(x), acosh(x))
COMPLEX_LIBM_LOOPS(acosh)
FLOAT_LOOPS(atanh, atanhf(x), atanh(x))
COMPLEX_LIBM_LOOPS(atanh)
FLOAT_LOOPS(erf, vector_erf(x), erf(x))
FLOAT_LOOPS(erfc, vector_erfc(x), erfc(x))
FLOAT_LOOPS(lgamma, lgammaf(x), lgamma(x))

#define rsqrt_float      newton_rsqrt
#define reciprocal_float newton_reciprocal

#define TEST_LOOPS(op, expression)                                                                 \
    LOOP_UNARY(static, op##_float, float, float, bool, LOOP_AS_IS, LOOP_AS_IS, expression)         \
    LOOP_UNARY(static, op##_double, double, double, bool, LOOP_AS_IS, LOOP_AS_IS, expression)      \
    LOOP_UNARY(static, op##_half, uint16_t, float, bool, dtype_half_to_float, LOOP_AS_IS,          \
               expression)                                                                         \
    LOOP_UNARY(static, op##_bfloat16, uint16_t, float, bool, dtype_bfloat16_to_float, LOOP_AS_IS,  \
               expression)

TEST_LOOPS(is_nan, isnan(x) != 0)
TEST_LOOPS(is_inf, isinf(x) != 0)
TEST_LOOPS(is_finite, isfinite(x) != 0)

static const struct unary table[] = {
    {"Abs", {LOOP_FLOAT_ROWS(abs), SIGNED_ROWS(abs)}},
    {"Acos", {LOOP_FLOAT_ROWS(acos), LOOP_COMPLEX_ROWS(acos)}},
    {"Acosh", {LOOP_FLOAT_ROWS(acosh), LOOP_COMPLEX_ROWS(acosh)}},
    {"Asin", {LOOP_FLOAT_ROWS(asin), LOOP_COMPLEX_ROWS(asin)}},
    {"Asinh", {LOOP_FLOAT_ROWS(asinh), LOOP_COMPLEX_ROWS(asinh)}},
    {"Atan", {LOOP_FLOAT_ROWS(atan), LOOP_COMPLEX_ROWS(atan)}},
    {"Atanh", {LOOP_FLOAT_ROWS(atanh), LOOP_COMPLEX_ROWS(atanh)}},
    {"Ceil", {LOOP_FLOAT_ROWS(ceil)}},
    {"Cos", {LOOP_FLOAT_ROWS(cos), LOOP_COMPLEX_ROWS(cos)}},
    {"Cosh", {LOOP_FLOAT_ROWS(cosh), LOOP_COMPLEX_ROWS(cosh)}},
    {"Erf", {LOOP_FLOAT_ROWS(erf)}},
    {"Erfc", {LOOP_FLOAT_ROWS(erfc)}},
    {"Exp", {LOOP_FLOAT_ROWS(exp), LOOP_COMPLEX_ROWS(exp)}},
    {"Expm1", {LOOP_FLOAT_ROWS(expm1), LOOP_COMPLEX_ROWS(expm1)}},
    {"Floor", {LOOP_FLOAT_ROWS(floor)}},
    {"Inv", {LOOP_FLOAT_ROWS(reciprocal), LOOP_COMPLEX_ROWS(reciprocal)}},
    {"IsFinite", {LOOP_FLOAT_ROWS(is_finite)}},
    {"IsInf", {LOOP_FLOAT_ROWS(is_inf)}},
    {"IsNan", {LOOP_FLOAT_ROWS(is_nan)}},
    {"Lgamma", {LOOP_FLOAT_ROWS(lgamma)}},
    {"Log", {LOOP_FLOAT_ROWS(log), LOOP_COMPLEX_ROWS(log)}},
    {"Log1p", {LOOP_FLOAT_ROWS(log1p), LOOP_COMPLEX_ROWS(log1p)}},
    {"Neg", {LOOP_FLOAT_ROWS(neg), LOOP_COMPLEX_ROWS(neg), SIGNED_ROWS(neg)}},
    {"Reciprocal", {LOOP_FLOAT_ROWS(reciprocal), LOOP_COMPLEX_ROWS(reciprocal)}},
    {"Rint", {LOOP_FLOAT_ROWS(rint)}},
    {"Round", {LOOP_FLOAT_ROWS(rint), [DTYPE_INT32] = rint_int32, [DTYPE_INT64] = rint_int64}},
    {"Rsqrt", {LOOP_FLOAT_ROWS(rsqrt), LOOP_COMPLEX_ROWS(rsqrt)}},
    {"Sign", {LOOP_FLOAT_ROWS(sign), LOOP_COMPLEX_ROWS(sign), SIGNED_ROWS(sign)}},
    {"Sin", {LOOP_FLOAT_ROWS(sin), LOOP_COMPLEX_ROWS(sin)}},
    {"Sinh", {LOOP_FLOAT_ROWS(sinh), LOOP_COMPLEX_ROWS(sinh)}},
    {"Sqrt", {LOOP_FLOAT_ROWS(sqrt), LOOP_COMPLEX_ROWS(sqrt)}},
    {"Square", {LOOP_FLOAT_ROWS(square), LOOP_COMPLEX_ROWS(square), INTEGER_ROWS(square)}},
    {"Tan", {LOOP_FLOAT_ROWS(tan), LOOP_COMPLEX_ROWS(tan)}},
};

static enum code unary_prepare(struct op_call *call, struct error *err)
{
    unary_fn **fn = ARENA_NEW(call->arena, unary_fn *);
    call->state = fn;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (span_is(call->node->op_name, table[i].op))
            *fn = table[i].loops[call->in[0]->dtype];
    }
    if (!*fn)
        return error_set(err, CODE_UNIMPLEMENTED, "op %s has no kernel for %s",
                         call->node->op->name, dtype_name(call->in[0]->dtype));
    return CODE_OK;
}

static enum code unary_run(struct op_call *call, struct error *err)
{
    (void)err;
    unary_fn *const *fn = call->state;
    (*fn)(call->in[0]->data, call->out[0]->data, tensor_elements(call->in[0]));
    return CODE_OK;
}

#define UNARY_OP(symbol, dtypes)                                                                   \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "x:T",                                                                           \
        .outputs = "y:T",                                                                          \
        .attrs = "T:type",                                                                         \
        .flags = OP_IN_PLACE,                                                                      \
        .types = dtypes,                                                                           \
        .prepare = unary_prepare,                                                                  \
        .run = unary_run,                                                                          \
    }

#define TEST_OP(symbol)                                                                            \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "x:T",                                                                           \
        .outputs = "y:bool",                                                                       \
        .attrs = "T:type",                                                                         \
        .types = OP_TYPES_FLOAT,                                                                   \
        .prepare = unary_prepare,                                                                  \
        .run = unary_run,                                                                          \
    }

#define TYPES_SIGNED                                                                               \
    (OP_TYPE(DTYPE_INT8) | OP_TYPE(DTYPE_INT16) | OP_TYPE(DTYPE_INT32) | OP_TYPE(DTYPE_INT64))

UNARY_OP(Abs, OP_TYPES_FLOAT | TYPES_SIGNED);
UNARY_OP(Acos, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
UNARY_OP(Acosh, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
UNARY_OP(Asin, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
UNARY_OP(Asinh, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
UNARY_OP(Atan, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
UNARY_OP(Atanh, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
UNARY_OP(Ceil, OP_TYPES_FLOAT);
UNARY_OP(Cos, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
UNARY_OP(Cosh, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
UNARY_OP(Erf, OP_TYPES_FLOAT);
UNARY_OP(Erfc, OP_TYPES_FLOAT);
UNARY_OP(Exp, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
UNARY_OP(Expm1, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
UNARY_OP(Floor, OP_TYPES_FLOAT);
UNARY_OP(Inv, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
UNARY_OP(Lgamma, OP_TYPES_FLOAT);
UNARY_OP(Log, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
UNARY_OP(Log1p, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
UNARY_OP(Neg, OP_TYPES_FLOAT | OP_TYPES_COMPLEX | TYPES_SIGNED);
UNARY_OP(Reciprocal, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
UNARY_OP(Rint, OP_TYPES_FLOAT);
UNARY_OP(Round, OP_TYPES_FLOAT | OP_TYPES_INDEX);
UNARY_OP(Rsqrt, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
UNARY_OP(Sign, OP_TYPES_FLOAT | OP_TYPES_COMPLEX | TYPES_SIGNED);
UNARY_OP(Sin, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
UNARY_OP(Sinh, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
UNARY_OP(Sqrt, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
UNARY_OP(Square, OP_TYPES_NUMBER);
UNARY_OP(Tan, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
TEST_OP(IsFinite);
TEST_OP(IsInf);
TEST_OP(IsNan);
