/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cast between numbers: a table of loops by source and target. What a float out of an integer's
 * range becomes is what the processor's conversion gives, as in TensorFlow. half, bfloat16 and
 * complex go through float or double, element by element.
 */
#include <complex.h>

#include "ops/kernel.h"

typedef void cast_fn(const void *in, void *out, int64_t n);

/* X(name, C type, dtype, narrow, wide) for the types that C converts by itself. A float goes to a
 * narrow integer by way of `narrow`, to uint32 by way of `wide`: C leaves open what a negative one
 * becomes, TensorFlow (and the processor) wraps it. */
#define CAST_TYPES(X)                                                                              \
    X(float, float, DTYPE_FLOAT, (int32_t), (int64_t))                                             \
    X(double, double, DTYPE_DOUBLE, (int32_t), (int64_t))                                          \
    X(int8, int8_t, DTYPE_INT8, AS_IS, AS_IS)                                                      \
    X(int16, int16_t, DTYPE_INT16, AS_IS, AS_IS)                                                   \
    X(int32, int32_t, DTYPE_INT32, AS_IS, AS_IS)                                                   \
    X(int64, int64_t, DTYPE_INT64, AS_IS, AS_IS)                                                   \
    X(uint8, uint8_t, DTYPE_UINT8, AS_IS, AS_IS)                                                   \
    X(uint16, uint16_t, DTYPE_UINT16, AS_IS, AS_IS)                                                \
    X(uint32, uint32_t, DTYPE_UINT32, AS_IS, AS_IS)                                                \
    X(uint64, uint64_t, DTYPE_UINT64, AS_IS, AS_IS)                                                \
    X(bool, bool, DTYPE_BOOL, AS_IS, AS_IS)

#define LOOP(function, from, to, load, store)                                                      \
    static void function(const void *vin, void *vout, int64_t n)                                   \
    {                                                                                              \
        const from *in = vin;                                                                      \
        to *out = vout;                                                                            \
        for (int64_t i = 0; i < n; i++)                                                            \
            out[i] = store(load(in[i]));                                                           \
    }

#define AS_IS(v) (v)

/* All loops of one source type; the preprocessor can not nest a list in itself, so the targets are
 * written out. */
#define LOOPS_FROM(name, type, dtype, narrow, wide)                                                \
    LOOP(name##_to_float, type, float, AS_IS, (float))                                             \
    LOOP(name##_to_double, type, double, AS_IS, (double))                                          \
    LOOP(name##_to_int8, type, int8_t, narrow, (int8_t))                                           \
    LOOP(name##_to_int16, type, int16_t, narrow, (int16_t))                                        \
    LOOP(name##_to_int32, type, int32_t, AS_IS, (int32_t))                                         \
    LOOP(name##_to_int64, type, int64_t, AS_IS, (int64_t))                                         \
    LOOP(name##_to_uint8, type, uint8_t, narrow, (uint8_t))                                        \
    LOOP(name##_to_uint16, type, uint16_t, narrow, (uint16_t))                                     \
    LOOP(name##_to_uint32, type, uint32_t, wide, (uint32_t))                                       \
    LOOP(name##_to_uint64, type, uint64_t, AS_IS, (uint64_t))                                      \
    LOOP(name##_to_bool, type, bool, AS_IS, (bool))                                                \
    LOOP(name##_to_half, type, uint16_t, (float), dtype_half_from_float)                           \
    LOOP(name##_to_bfloat16, type, uint16_t, (float), dtype_bfloat16_from_float)                   \
    LOOP(name##_to_complex64, type, float complex, (float), (float complex))                       \
    LOOP(name##_to_complex128, type, double complex, (double), (double complex))

#define ROWS_FROM(name, type, dtype, narrow, wide)                                                 \
    [dtype] = {                                                                                    \
        [DTYPE_FLOAT] = name##_to_float,                                                           \
        [DTYPE_DOUBLE] = name##_to_double,                                                         \
        [DTYPE_INT8] = name##_to_int8,                                                             \
        [DTYPE_INT16] = name##_to_int16,                                                           \
        [DTYPE_INT32] = name##_to_int32,                                                           \
        [DTYPE_INT64] = name##_to_int64,                                                           \
        [DTYPE_UINT8] = name##_to_uint8,                                                           \
        [DTYPE_UINT16] = name##_to_uint16,                                                         \
        [DTYPE_UINT32] = name##_to_uint32,                                                         \
        [DTYPE_UINT64] = name##_to_uint64,                                                         \
        [DTYPE_BOOL] = name##_to_bool,                                                             \
        [DTYPE_HALF] = name##_to_half,                                                             \
        [DTYPE_BFLOAT16] = name##_to_bfloat16,                                                     \
        [DTYPE_COMPLEX64] = name##_to_complex64,                                                   \
        [DTYPE_COMPLEX128] = name##_to_complex128,                                                 \
    },

CAST_TYPES(LOOPS_FROM)

static cast_fn *const casts[DTYPE_COUNT][DTYPE_COUNT] = {CAST_TYPES(ROWS_FROM)};

/* ---- sources that C does not know: first to float or double ---- */

LOOP(half_to_float, uint16_t, float, dtype_half_to_float, AS_IS)
LOOP(bfloat16_to_float, uint16_t, float, dtype_bfloat16_to_float, AS_IS)
LOOP(complex64_to_float, float complex, float, crealf, AS_IS)
LOOP(complex128_to_double, double complex, double, creal, AS_IS)
LOOP(complex64_to_complex128, float complex, double complex, AS_IS, (double complex))
LOOP(complex128_to_complex64, double complex, float complex, AS_IS, (float complex))

static const struct {
    enum dtype via;
    cast_fn *fn;
} first_steps[DTYPE_COUNT] = {
    [DTYPE_HALF] = {DTYPE_FLOAT, half_to_float},
    [DTYPE_BFLOAT16] = {DTYPE_FLOAT, bfloat16_to_float},
    [DTYPE_COMPLEX64] = {DTYPE_FLOAT, complex64_to_float},
    [DTYPE_COMPLEX128] = {DTYPE_DOUBLE, complex128_to_double},
};

struct cast {
    cast_fn *first; /* into scratch, or NULL */
    cast_fn *last;
};

static enum code cast_prepare(struct op_call *call, struct error *err)
{
    struct cast *cast = ARENA_NEW(call->arena, struct cast);
    enum dtype from = call->in[0]->dtype, to = call->out[0]->dtype;
    call->state = cast;
    if (from == to)
        return CODE_OK;
    if (from == DTYPE_COMPLEX64 && to == DTYPE_COMPLEX128)
        cast->last = complex64_to_complex128;
    else if (from == DTYPE_COMPLEX128 && to == DTYPE_COMPLEX64)
        cast->last = complex128_to_complex64;
    else if (!first_steps[from].fn)
        cast->last = casts[from][to];
    else if (first_steps[from].via == to)
        cast->last = first_steps[from].fn;
    else {
        cast->first = first_steps[from].fn;
        cast->last = casts[first_steps[from].via][to];
        call->scratch_size = (size_t)tensor_elements(call->in[0]) * sizeof(double);
    }
    if (!cast->last)
        return error_set(err, CODE_UNIMPLEMENTED, "Cast %s to %s is not supported",
                         dtype_name(from), dtype_name(to));
    return CODE_OK;
}

static enum code cast_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct cast *cast = call->state;
    int64_t n = tensor_elements(call->in[0]);
    const void *from = call->in[0]->data;
    if (!cast->last) {
        memcpy(call->out[0]->data, from, tensor_bytes(call->in[0]));
        return CODE_OK;
    }
    if (cast->first) {
        cast->first(from, call->scratch, n);
        from = call->scratch;
    }
    cast->last(from, call->out[0]->data, n);
    return CODE_OK;
}

const struct op op_Cast = {
    .name = "Cast",
    .inputs = "x:SrcT",
    .outputs = "y:DstT",
    .attrs = "SrcT:type DstT:type Truncate:bool=false",
    .types = OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL),
    .types_attr = "SrcT",
    .prepare = cast_prepare,
    .run = cast_run,
};
