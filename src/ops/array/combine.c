/* SPDX-License-Identifier: Apache-2.0 */
/* The loops behind combine.h: a table of functions by kind and dtype, made by macro. */
#include "ops/array/combine.h"

#include <complex.h>

#include "ops/kernel.h"

#define COMBINE_AS_IS(v) (v)

/* `load` takes an element into the type that is computed with, `store` back. */
#define COMBINE_LOOP(function, type, computed, load, store, expression)                            \
    static void function(void *vto, const void *vfrom, int64_t n)                                  \
    {                                                                                              \
        type *to = vto;                                                                            \
        const type *from = vfrom;                                                                  \
        for (int64_t i = 0; i < n; i++) {                                                          \
            const computed x = load(to[i]), y = load(from[i]);                                     \
            to[i] = store(expression);                                                             \
        }                                                                                          \
    }

#define FLOAT_LOOPS(op, expression)                                                                \
    COMBINE_LOOP(op##_float, float, float, COMBINE_AS_IS, COMBINE_AS_IS, expression)               \
    COMBINE_LOOP(op##_double, double, double, COMBINE_AS_IS, COMBINE_AS_IS, expression)            \
    COMBINE_LOOP(op##_half, uint16_t, float, dtype_half_to_float, dtype_half_from_float,           \
                 expression)                                                                       \
    COMBINE_LOOP(op##_bfloat16, uint16_t, float, dtype_bfloat16_to_float,                          \
                 dtype_bfloat16_from_float, expression)
#define FLOAT_ROWS(op)                                                                             \
    [DTYPE_FLOAT] = op##_float, [DTYPE_DOUBLE] = op##_double, [DTYPE_HALF] = op##_half,            \
    [DTYPE_BFLOAT16] = op##_bfloat16

#define COMPLEX_LOOPS(op, expression)                                                              \
    COMBINE_LOOP(op##_complex64, float complex, float complex, COMBINE_AS_IS, COMBINE_AS_IS,       \
                 expression)                                                                       \
    COMBINE_LOOP(op##_complex128, double complex, double complex, COMBINE_AS_IS, COMBINE_AS_IS,    \
                 expression)
#define COMPLEX_ROWS(op) [DTYPE_COMPLEX64] = op##_complex64, [DTYPE_COMPLEX128] = op##_complex128

/* Without a sign, where overflow is defined: the same for signed and unsigned. */
#define WRAPPING_LOOPS(op, expression)                                                             \
    COMBINE_LOOP(op##_8, uint8_t, uint32_t, COMBINE_AS_IS, (uint8_t), expression)                  \
    COMBINE_LOOP(op##_16, uint16_t, uint32_t, COMBINE_AS_IS, (uint16_t), expression)               \
    COMBINE_LOOP(op##_32, uint32_t, uint32_t, COMBINE_AS_IS, COMBINE_AS_IS, expression)            \
    COMBINE_LOOP(op##_64, uint64_t, uint64_t, COMBINE_AS_IS, COMBINE_AS_IS, expression)
#define WRAPPING_ROWS(op)                                                                          \
    [DTYPE_INT8] = op##_8, [DTYPE_UINT8] = op##_8, [DTYPE_INT16] = op##_16,                        \
    [DTYPE_UINT16] = op##_16, [DTYPE_INT32] = op##_32, [DTYPE_UINT32] = op##_32,                   \
    [DTYPE_INT64] = op##_64, [DTYPE_UINT64] = op##_64

#define ORDERED_LOOP(op, name, type, expression)                                                   \
    COMBINE_LOOP(op##_##name, type, type, COMBINE_AS_IS, (type), expression)
#define SIGNED_LOOPS(op, expression)                                                               \
    ORDERED_LOOP(op, int8, int8_t, expression)                                                     \
    ORDERED_LOOP(op, int16, int16_t, expression)                                                   \
    ORDERED_LOOP(op, int32, int32_t, expression)                                                   \
    ORDERED_LOOP(op, int64, int64_t, expression)
#define UNSIGNED_LOOPS(op, expression)                                                             \
    ORDERED_LOOP(op, uint8, uint8_t, expression)                                                   \
    ORDERED_LOOP(op, uint16, uint16_t, expression)                                                 \
    ORDERED_LOOP(op, uint32, uint32_t, expression)                                                 \
    ORDERED_LOOP(op, uint64, uint64_t, expression)
#define ORDERED_ROWS(op)                                                                           \
    [DTYPE_INT8] = op##_int8, [DTYPE_INT16] = op##_int16, [DTYPE_INT32] = op##_int32,              \
    [DTYPE_INT64] = op##_int64, [DTYPE_UINT8] = op##_uint8, [DTYPE_UINT16] = op##_uint16,          \
    [DTYPE_UINT32] = op##_uint32, [DTYPE_UINT64] = op##_uint64

/* clang-format off */
FLOAT_LOOPS(add, x + y)
COMPLEX_LOOPS(add, x + y)
WRAPPING_LOOPS(add, x + y)
FLOAT_LOOPS(sub, x - y)
COMPLEX_LOOPS(sub, x - y)
WRAPPING_LOOPS(sub, x - y)
FLOAT_LOOPS(mul, x * y)
COMPLEX_LOOPS(mul, x * y)
WRAPPING_LOOPS(mul, x * y)
FLOAT_LOOPS(div, x / y)
COMPLEX_LOOPS(div, x / y)
/* The smallest number by -1 wraps, too. */
SIGNED_LOOPS(div, y == -1 ? (int64_t)(0 - (uint64_t)x) : x / y)
UNSIGNED_LOOPS(div, x / y)
FLOAT_LOOPS(max, x < y ? y : x)
SIGNED_LOOPS(max, x < y ? y : x)
UNSIGNED_LOOPS(max, x < y ? y : x)
FLOAT_LOOPS(min, y < x ? y : x)
SIGNED_LOOPS(min, y < x ? y : x)
UNSIGNED_LOOPS(min, y < x ? y : x)
COMBINE_LOOP(add_bool, bool, bool, COMBINE_AS_IS, COMBINE_AS_IS, x || y)
COMBINE_LOOP(sub_bool, bool, bool, COMBINE_AS_IS, COMBINE_AS_IS, x != y)
/* clang-format on */

static combine_fn *const table[COMBINE_COUNT][DTYPE_COUNT] = {
    [COMBINE_ADD] = {FLOAT_ROWS(add), COMPLEX_ROWS(add),
                     WRAPPING_ROWS(add), [DTYPE_BOOL] = add_bool},
    [COMBINE_SUB] = {FLOAT_ROWS(sub), COMPLEX_ROWS(sub),
                     WRAPPING_ROWS(sub), [DTYPE_BOOL] = sub_bool},
    [COMBINE_MUL] = {FLOAT_ROWS(mul), COMPLEX_ROWS(mul), WRAPPING_ROWS(mul)},
    [COMBINE_DIV] = {FLOAT_ROWS(div), COMPLEX_ROWS(div), ORDERED_ROWS(div)},
    [COMBINE_MAX] = {FLOAT_ROWS(max), ORDERED_ROWS(max)},
    [COMBINE_MIN] = {FLOAT_ROWS(min), ORDERED_ROWS(min)},
};

combine_fn *combine_find(enum combine combine, enum dtype dtype)
{
    return table[combine][dtype];
}
