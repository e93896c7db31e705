/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/array/cast.h"

#include <complex.h>
#include <math.h>

#include "ops/kernel.h"

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

/* C leaves open, too, what a float beyond an integer's range and NaN become; it is what the
 * processor makes of them, as in TensorFlow. */
#define AS_THE_PROCESSOR __attribute__((no_sanitize("float-cast-overflow")))

#define LOOP(function, from, to, load, store)                                                      \
    AS_THE_PROCESSOR static void function(const void *vin, void *vout, int64_t n)                  \
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

/* ---- types that C does not know: first to one that it does, at last from one ---- */

/* An 8-bit float: a sign, an exponent, `mantissa` bits. e5m2 has infinities and NaNs as IEEE's
 * types do; e4m3fn has no infinity, and NaN is all ones only. */
struct small_float {
    int mantissa;
    int bias;
    uint8_t most; /* the largest finite number's bits */
    uint8_t infinity;
    uint8_t nan;
};

static const struct small_float e5m2 = {2, 15, 0x7b, 0x7c, 0x7e};
static const struct small_float e4m3fn = {3, 7, 0x7e, 0x7f, 0x7f};

static float small_to_float(const struct small_float *type, uint8_t bits)
{
    uint8_t size = bits & 0x7f;
    int exponent = size >> type->mantissa, rest = size & ((1 << type->mantissa) - 1);
    float value = ldexpf((float)(exponent ? rest | 1 << type->mantissa : rest),
                         (exponent ? exponent : 1) - type->bias - type->mantissa);
    if (size > type->most)
        value = size == type->infinity && type->infinity != type->nan ? INFINITY : NAN;
    return bits & 0x80 ? -value : value;
}

/* Rounded to nearest, ties to even; beyond the largest number it is infinity, or NaN where there is
 * none. */
static uint8_t small_from_float(const struct small_float *type, float value)
{
    uint8_t sign = signbit(value) ? 0x80 : 0;
    float size = fabsf(value);
    int exponent;
    if (isnan(value))
        return sign | type->nan;
    if (isinf(value))
        return sign | type->infinity;
    if (size == 0)
        return sign;
    frexpf(size, &exponent);
    int unit = (exponent - 1 > 1 - type->bias ? exponent - 1 : 1 - type->bias) - type->mantissa;
    int whole = (int)rintf(ldexpf(size, -unit));
    int place = unit + type->mantissa + type->bias - 1;
    int bits = (place << type->mantissa) + whole;
    return sign | (uint8_t)(bits > type->most ? type->infinity : bits);
}

#define E5M2_TO(v)     small_to_float(&e5m2, v)
#define E5M2_FROM(v)   small_from_float(&e5m2, v)
#define E4M3FN_TO(v)   small_to_float(&e4m3fn, v)
#define E4M3FN_FROM(v) small_from_float(&e4m3fn, v)
/* The upper half of a byte is not the number's. */
#define INT4_OF(v)  ((int8_t)((uint8_t)(v) << 4) >> 4)
#define UINT4_OF(v) ((v)&15)

LOOP(half_to_float, uint16_t, float, dtype_half_to_float, AS_IS)
LOOP(bfloat16_to_float, uint16_t, float, dtype_bfloat16_to_float, AS_IS)
LOOP(complex64_to_float, float complex, float, crealf, AS_IS)
LOOP(complex128_to_double, double complex, double, creal, AS_IS)
LOOP(complex64_to_complex128, float complex, double complex, AS_IS, (double complex))
LOOP(complex128_to_complex64, double complex, float complex, AS_IS, (float complex))
LOOP(e5m2_to_float, uint8_t, float, E5M2_TO, AS_IS)
LOOP(e4m3fn_to_float, uint8_t, float, E4M3FN_TO, AS_IS)
LOOP(float_to_e5m2, float, uint8_t, E5M2_FROM, AS_IS)
LOOP(float_to_e4m3fn, float, uint8_t, E4M3FN_FROM, AS_IS)
LOOP(int4_to_int8, int8_t, int8_t, INT4_OF, (int8_t))
LOOP(uint4_to_uint8, uint8_t, uint8_t, UINT4_OF, (uint8_t))

struct step {
    enum dtype via;
    cast_fn *fn;
};

static const struct step first_steps[DTYPE_COUNT] = {
    [DTYPE_HALF] = {DTYPE_FLOAT, half_to_float},
    [DTYPE_BFLOAT16] = {DTYPE_FLOAT, bfloat16_to_float},
    [DTYPE_COMPLEX64] = {DTYPE_FLOAT, complex64_to_float},
    [DTYPE_COMPLEX128] = {DTYPE_DOUBLE, complex128_to_double},
    [DTYPE_FLOAT8_E5M2] = {DTYPE_FLOAT, e5m2_to_float},
    [DTYPE_FLOAT8_E4M3FN] = {DTYPE_FLOAT, e4m3fn_to_float},
    [DTYPE_INT4] = {DTYPE_INT8, int4_to_int8},
    [DTYPE_UINT4] = {DTYPE_UINT8, uint4_to_uint8},
};

static const struct step last_steps[DTYPE_COUNT] = {
    [DTYPE_FLOAT8_E5M2] = {DTYPE_FLOAT, float_to_e5m2},
    [DTYPE_FLOAT8_E4M3FN] = {DTYPE_FLOAT, float_to_e4m3fn},
    [DTYPE_INT4] = {DTYPE_INT8, int4_to_int8},
    [DTYPE_UINT4] = {DTYPE_UINT8, uint4_to_uint8},
};

/* The quantised types are their plain integers. */
static enum dtype plain(enum dtype dtype)
{
    static const enum dtype integers[DTYPE_COUNT] = {
        [DTYPE_QINT8] = DTYPE_INT8,     [DTYPE_QUINT8] = DTYPE_UINT8, [DTYPE_QINT16] = DTYPE_INT16,
        [DTYPE_QUINT16] = DTYPE_UINT16, [DTYPE_QINT32] = DTYPE_INT32,
    };
    return integers[dtype] ? integers[dtype] : dtype;
}

static void add_step(struct cast *cast, cast_fn *fn)
{
    cast->steps[cast->count++] = fn;
}

bool cast_plan(struct cast *cast, enum dtype source, enum dtype target)
{
    enum dtype from = plain(source), to = plain(target);
    *cast = (struct cast){.out_size = dtype_size(to)};
    if (from == to)
        return true;
    if (from == DTYPE_COMPLEX64 && to == DTYPE_COMPLEX128)
        add_step(cast, complex64_to_complex128);
    if (from == DTYPE_COMPLEX128 && to == DTYPE_COMPLEX64)
        add_step(cast, complex128_to_complex64);
    if (cast->count)
        return true;
    if (first_steps[from].fn) {
        add_step(cast, first_steps[from].fn);
        from = first_steps[from].via;
    }
    enum dtype before = last_steps[to].fn ? last_steps[to].via : to;
    if (from != before && !casts[from][before])
        return false;
    if (from != before)
        add_step(cast, casts[from][before]);
    if (last_steps[to].fn)
        add_step(cast, last_steps[to].fn);
    return true;
}

size_t cast_scratch(const struct cast *cast, int64_t n)
{
    return cast->count > 1 ? (size_t)(cast->count - 1) * tensor_align((size_t)n * sizeof(double))
                           : 0;
}

void cast_run(const struct cast *cast, const void *in, void *out, int64_t n, void *scratch)
{
    char *between = scratch;
    if (!cast->count)
        memcpy(out, in, (size_t)n * cast->out_size);
    for (int i = 0; i < cast->count; i++) {
        void *to = i == cast->count - 1 ? out : between;
        cast->steps[i](in, to, n);
        in = to;
        between += tensor_align((size_t)n * sizeof(double));
    }
}

static enum code prepare(struct op_call *call, struct error *err)
{
    struct cast *cast = ARENA_NEW(call->arena, struct cast);
    enum dtype from = call->in[0]->dtype, to = call->out[0]->dtype;
    call->state = cast;
    if (!cast_plan(cast, from, to))
        return error_set(err, CODE_UNIMPLEMENTED, "Cast %s to %s is not supported",
                         dtype_name(from), dtype_name(to));
    call->scratch_size = cast_scratch(cast, tensor_elements(call->in[0]));
    return CODE_OK;
}

static enum code run(struct op_call *call, struct error *err)
{
    (void)err;
    cast_run(call->state, call->in[0]->data, call->out[0]->data, tensor_elements(call->in[0]),
             call->scratch);
    return CODE_OK;
}

const struct op op_Cast = {
    .name = "Cast",
    .inputs = "x:SrcT",
    .outputs = "y:DstT",
    .attrs = "SrcT:type DstT:type Truncate:bool=false",
    .types = OP_TYPES_NUMBER | OP_TYPES_QUANTISED | OP_TYPES_FLOAT8 | OP_TYPES_INT4 |
             OP_TYPE(DTYPE_BOOL),
    .types_attr = "SrcT",
    .prepare = prepare,
    .run = run,
};
