/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inner loops of elementwise ops, by macro: two inputs (ops/math/broadcast.h) or one. `load` and
 * `store` convert between the type in memory and the computed one; the expression sees x (and y).
 */
#ifndef OPS_MATH_LOOPS_H
#define OPS_MATH_LOOPS_H

#include "ops/kernel.h"

#define LOOP_AS_IS(v) (v)

/* The loop of one op and type: `load` and `store` convert between the type in memory and the
 * computed one. */
#define LOOP_BINARY(qualifier, function, type, computed, out_type, load, store, expression)        \
    qualifier void function(const void *va, const void *vb, void *vout, int64_t n, int a_step,     \
                            int b_step)                                                            \
    {                                                                                              \
        const type *a = va;                                                                        \
        const type *b = vb;                                                                        \
        out_type *out = vout;                                                                      \
        if (!a_step) {                                                                             \
            const computed x = load(a[0]);                                                         \
            for (int64_t i = 0; i < n; i++) {                                                      \
                const computed y = load(b[i]);                                                     \
                out[i] = store(expression);                                                        \
            }                                                                                      \
        } else if (!b_step) {                                                                      \
            const computed y = load(b[0]);                                                         \
            for (int64_t i = 0; i < n; i++) {                                                      \
                const computed x = load(a[i]);                                                     \
                out[i] = store(expression);                                                        \
            }                                                                                      \
        } else {                                                                                   \
            for (int64_t i = 0; i < n; i++) {                                                      \
                const computed x = load(a[i]);                                                     \
                const computed y = load(b[i]);                                                     \
                out[i] = store(expression);                                                        \
            }                                                                                      \
        }                                                                                          \
    }

#define LOOP_UNARY(qualifier, function, type, computed, out_type, load, store, expression)         \
    qualifier void function(const void *vin, void *vout, int64_t n)                                \
    {                                                                                              \
        const type *in = vin;                                                                      \
        out_type *out = vout;                                                                      \
        for (int64_t i = 0; i < n; i++) {                                                          \
            const computed x = load(in[i]);                                                        \
            out[i] = store(expression);                                                            \
        }                                                                                          \
    }

/* The loops of an op on two floats: the float expression serves the small floats, too. */
#define LOOP_BINARY_FLOAT(op, float_expression, double_expression)                                 \
    LOOP_BINARY(static, op##_float, float, float, float, LOOP_AS_IS, LOOP_AS_IS, float_expression) \
    LOOP_BINARY(static, op##_double, double, double, double, LOOP_AS_IS, LOOP_AS_IS,               \
                double_expression)                                                                 \
    LOOP_BINARY(static, op##_half, uint16_t, float, uint16_t, dtype_half_to_float,                 \
                dtype_half_from_float, float_expression)                                           \
    LOOP_BINARY(static, op##_bfloat16, uint16_t, float, uint16_t, dtype_bfloat16_to_float,         \
                dtype_bfloat16_from_float, float_expression)

/* Whoever takes it includes complex.h. */
#define LOOP_BINARY_COMPLEX(op, float_expression, double_expression)                               \
    LOOP_BINARY(static, op##_complex64, float complex, float complex, float complex, LOOP_AS_IS,   \
                LOOP_AS_IS, float_expression)                                                      \
    LOOP_BINARY(static, op##_complex128, double complex, double complex, double complex,           \
                LOOP_AS_IS, LOOP_AS_IS, double_expression)

/* What such loops, of one input or two, are in a table by dtype. */
#define LOOP_FLOAT_ROWS(op)                                                                        \
    [DTYPE_FLOAT] = op##_float, [DTYPE_DOUBLE] = op##_double, [DTYPE_HALF] = op##_half,            \
    [DTYPE_BFLOAT16] = op##_bfloat16
#define LOOP_COMPLEX_ROWS(op)                                                                      \
    [DTYPE_COMPLEX64] = op##_complex64, [DTYPE_COMPLEX128] = op##_complex128

#endif
