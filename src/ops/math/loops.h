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

#endif
