/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elementwise arithmetic of two tensors: Add, Sub, Mul, Div and their kin. Integers wrap as two's complement does; half and bfloat16 are computed
 * as float and rounded once, as TensorFlow does. Each op is a table of inner loops by dtype (ops/math/broadcast.h) and a record.
 */
#include <complex.h>
#include <math.h>

#include "ops/kernel.h"
#include "ops/math/broadcast.h"

/* The loop of one op and type: LOAD and STORE convert between the memory's type and the computed one. */
#define DEFINE_LOOP(function, type, computed, load, store, expression)                             \
    KERNEL void function(const void *va, const void *vb, void *vout, int64_t n, int a_step,        \
                         int b_step)                                                               \
    {                                                                                              \
        const type *a = va;                                                                        \
        const type *b = vb;                                                                        \
        type *out = vout;                                                                          \
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

#define AS_IS(v) (v)
#define AS_INT8(v)   ((int8_t)(v))
