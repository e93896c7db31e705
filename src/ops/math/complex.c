/* SPDX-License-Identifier: Apache-2.0 */
/* Complex numbers from their parts and back: Complex, Real, Imag, Conj, Angle, ComplexAbs. */
#include <complex.h>
#include <math.h>

#include "ops/math/broadcast.h"
#include "ops/math/loops.h"

static inline float complex number_float(float real, float imaginary)
{
    const float parts[2] = {real, imaginary};
    float complex number;
    memcpy(&number, parts, sizeof number);
    return number;
}

static inline double complex number_double(double real, double imaginary)
{
    const double parts[2] = {real, imaginary};
    double complex number;
    memcpy(&number, parts, sizeof number);
    return number;
}

/* ---- two inputs ---- */

LOOP_BINARY(static, join_float, float, float, float complex, LOOP_AS_IS, LOOP_AS_IS,
            number_float(x, y))
LOOP_BINARY(static, join_double, double, double, double complex, LOOP_AS_IS, LOOP_AS_IS,
            number_double(x, y))

static enum code join_prepare(struct op_call *call, struct error *err)
{
    bool fits = call->out[0]->dtype ==
                (call->in[0]->dtype == DTYPE_FLOAT ? DTYPE_COMPLEX64 : DTYPE_COMPLEX128);
    if (!fits)
        return error_set(err, CODE_INVALID_ARGUMENT, "Complex of %s is not %s",
                         dtype_name(call->in[0]->dtype), dtype_name(call->out[0]->dtype));
    static broadcast_inner_fn *const table[DTYPE_COUNT] = {
        [DTYPE_FLOAT] = join_float,
        [DTYPE_DOUBLE] = join_double,
    };
    return broadcast_op_prepare(call, table, err);
}

/* ---- one input ---- */

typedef void part_fn(const void *in, void *out, int64_t n);

struct part {
    part_fn *fn;
};

static enum code part_prepare(struct op_call *call, part_fn *narrow, part_fn *wide,
                              struct error *err)
{
    struct part *part = ARENA_NEW(call->arena, struct part);
    enum dtype out = call->out[0]->dtype;
    bool is_narrow = call->in[0]->dtype == DTYPE_COMPLEX64;
    part->fn = is_narrow ? narrow : wide;
    call->state = part;
    if (out == call->in[0]->dtype || out == (is_narrow ? DTYPE_FLOAT : DTYPE_DOUBLE))
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT, "%s of %s is not %s", call->node->op->name,
                     dtype_name(call->in[0]->dtype), dtype_name(out));
}

static enum code part_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct part *part = call->state;
    part->fn(call->in[0]->data, call->out[0]->data, tensor_elements(call->in[0]));
    return CODE_OK;
}

#define PART_LOOPS(name, expression_float, expression_double)                                      \
    LOOP_UNARY(static, name##_float, float complex, float complex, float, LOOP_AS_IS, LOOP_AS_IS,  \
               expression_float)                                                                   \
    LOOP_UNARY(static, name##_double, double complex, double complex, double, LOOP_AS_IS,          \
               LOOP_AS_IS, expression_double)                                                      \
    static enum code name##_prepare(struct op_call *call, struct error *err)                       \
    {                                                                                              \
        return part_prepare(call, name##_float, name##_double, err);                               \
    }

PART_LOOPS(real, crealf(x), creal(x))
PART_LOOPS(imag, cimagf(x), cimag(x))
PART_LOOPS(angle, cargf(x), carg(x))
PART_LOOPS(size, cabsf(x), cabs(x))

LOOP_UNARY(static, conj_float, float complex, float complex, float complex, LOOP_AS_IS, LOOP_AS_IS,
           conjf(x))
LOOP_UNARY(static, conj_double, double complex, double complex, double complex, LOOP_AS_IS,
           LOOP_AS_IS, conj(x))

static enum code conj_prepare(struct op_call *call, struct error *err)
{
    return part_prepare(call, conj_float, conj_double, err);
}

const struct op op_Complex = {
    .name = "Complex",
    .inputs = "real:T imag:T",
    .outputs = "out:Tout",
    .attrs = "T:type=float Tout:type=complex64",
    .types = OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE),
    .shape = broadcast_op_shape,
    .prepare = join_prepare,
    .run = broadcast_op_run,
};

#define PART_OP(NAME, INPUT, OUTPUT, PREPARE)                                                      \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = INPUT ":T",                                                                      \
        .outputs = OUTPUT ":Tout",                                                                 \
        .attrs = "T:type=complex64 Tout:type=float",                                               \
        .types = OP_TYPES_COMPLEX,                                                                 \
        .prepare = PREPARE,                                                                        \
        .run = part_run,                                                                           \
    };
PART_OP(Real, "input", "output", real_prepare)
PART_OP(Imag, "input", "output", imag_prepare)
PART_OP(Angle, "input", "output", angle_prepare)
PART_OP(ComplexAbs, "x", "y", size_prepare)

const struct op op_Conj = {
    .name = "Conj",
    .inputs = "input:T",
    .outputs = "output:T",
    .attrs = "T:type=complex64",
    .types = OP_TYPES_COMPLEX,
    .prepare = conj_prepare,
    .run = part_run,
};
