/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ops of special functions. Everything is computed in double and rounded once: they are too
 * rare for more.
 */
#include <complex.h>
#include <math.h>

#include "ops/math/broadcast.h"
#include "ops/math/loops.h"
#include "ops/math/number.h"
#include "ops/math/special.h"

/* ---- one input ---- */

typedef double unary_fn(double x);

static double fresnel_cos(double x)
{
    double c, s;
    special_fresnel(x, &c, &s);
    return c;
}

static double fresnel_sin(double x)
{
    double c, s;
    special_fresnel(x, &c, &s);
    return s;
}

#define BESSEL(name, kind, order, scaled)                                                          \
    static double bessel_##name(double x)                                                          \
    {                                                                                              \
        return special_bessel_##kind(order, x, scaled);                                            \
    }
BESSEL(i0, i, 0, 0)
BESSEL(i0e, i, 0, 1)
BESSEL(i1, i, 1, 0)
BESSEL(i1e, i, 1, 1)
BESSEL(k0, k, 0, 0)
BESSEL(k0e, k, 0, 1)
BESSEL(k1, k, 1, 0)
BESSEL(k1e, k, 1, 1)

#define BESSEL_PLAIN(name, kind, order)                                                            \
    static double bessel_##name(double x)                                                          \
    {                                                                                              \
        return special_bessel_##kind(order, x);                                                    \
    }
BESSEL_PLAIN(j0, j, 0)
BESSEL_PLAIN(j1, j, 1)
BESSEL_PLAIN(y0, y, 0)
BESSEL_PLAIN(y1, y, 1)

static const struct {
    const char *op;
    unary_fn *fn;
} functions[] = {
    {"BesselI0", bessel_i0},    {"BesselI0e", bessel_i0e},    {"BesselI1", bessel_i1},
    {"BesselI1e", bessel_i1e},  {"BesselJ0", bessel_j0},      {"BesselJ1", bessel_j1},
    {"BesselK0", bessel_k0},    {"BesselK0e", bessel_k0e},    {"BesselK1", bessel_k1},
    {"BesselK1e", bessel_k1e},  {"BesselY0", bessel_y0},      {"BesselY1", bessel_y1},
    {"Dawsn", special_dawson},  {"Digamma", special_digamma}, {"Erfinv", special_erfinv},
    {"Expint", special_expint}, {"FresnelCos", fresnel_cos},  {"FresnelSin", fresnel_sin},
    {"Ndtri", special_ndtri},   {"Spence", special_spence},
};

static enum code unary_prepare(struct op_call *call, struct error *err)
{
    unary_fn **fn = ARENA_NEW(call->arena, unary_fn *);
    (void)err;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (span_is(call->node->op_name, functions[i].op))
            *fn = functions[i].fn;
    }
    call->state = fn;
    return CODE_OK;
}

static enum code unary_run(struct op_call *call, struct error *err)
{
    (void)err;
    unary_fn *fn = *(unary_fn *const *)call->state;
    const struct tensor *in = call->in[0];
    struct tensor *out = call->out[0];
    for (int64_t i = 0, n = tensor_elements(in); i < n; i++)
        number_put(out, i, fn(number_at(in, i)));
    return CODE_OK;
}

#define SPECIAL_OP(symbol)                                                                         \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "x:T",                                                                           \
        .outputs = "y:T",                                                                          \
        .attrs = "T:type",                                                                         \
        .flags = OP_IN_PLACE,                                                                      \
        .types = OP_TYPES_FLOAT,                                                                   \
        .prepare = unary_prepare,                                                                  \
        .run = unary_run,                                                                          \
    }

SPECIAL_OP(BesselI0);
SPECIAL_OP(BesselI0e);
SPECIAL_OP(BesselI1);
SPECIAL_OP(BesselI1e);
SPECIAL_OP(BesselJ0);
SPECIAL_OP(BesselJ1);
SPECIAL_OP(BesselK0);
SPECIAL_OP(BesselK0e);
SPECIAL_OP(BesselK1);
SPECIAL_OP(BesselK1e);
SPECIAL_OP(BesselY0);
SPECIAL_OP(BesselY1);
SPECIAL_OP(Dawsn);
SPECIAL_OP(Digamma);
SPECIAL_OP(Erfinv);
SPECIAL_OP(Expint);
SPECIAL_OP(FresnelCos);
SPECIAL_OP(FresnelSin);
SPECIAL_OP(Ndtri);
SPECIAL_OP(Spence);

/* ---- two inputs ---- */

#define BINARY(name, fn)                                                                           \
    LOOP_BINARY(static, name##_float, float, double, float, (double), (float), fn(x, y))           \
    LOOP_BINARY(static, name##_double, double, double, double, LOOP_AS_IS, LOOP_AS_IS, fn(x, y))   \
    static enum code name##_prepare(struct op_call *call, struct error *err)                       \
    {                                                                                              \
        static broadcast_inner_fn *const table[DTYPE_COUNT] = {                                    \
            [DTYPE_FLOAT] = name##_float,                                                          \
            [DTYPE_DOUBLE] = name##_double,                                                        \
        };                                                                                         \
        return broadcast_op_prepare(call, table, err);                                             \
    }

BINARY(polygamma, special_polygamma)
BINARY(zeta, special_zeta)
BINARY(igamma, special_igamma)
BINARY(igammac, special_igammac)

LOOP_BINARY(static, next_after_float, float, float, float, LOOP_AS_IS, LOOP_AS_IS, nextafterf(x, y))
LOOP_BINARY(static, next_after_double, double, double, double, LOOP_AS_IS, LOOP_AS_IS,
            nextafter(x, y))

static enum code next_after_prepare(struct op_call *call, struct error *err)
{
    static broadcast_inner_fn *const table[DTYPE_COUNT] = {
        [DTYPE_FLOAT] = next_after_float,
        [DTYPE_DOUBLE] = next_after_double,
    };
    return broadcast_op_prepare(call, table, err);
}

#define TYPES_FLOAT_DOUBLE (OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE))

#define BINARY_OP(symbol, a, b, out, prefix)                                                       \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = a ":T " b ":T",                                                                  \
        .outputs = out ":T",                                                                       \
        .attrs = "T:type=float",                                                                   \
        .flags = OP_IN_PLACE,                                                                      \
        .types = TYPES_FLOAT_DOUBLE,                                                               \
        .shape = broadcast_op_shape,                                                               \
        .prepare = prefix##_prepare,                                                               \
        .run = broadcast_op_run,                                                                   \
    }

BINARY_OP(Polygamma, "a", "x", "z", polygamma);
BINARY_OP(Zeta, "x", "q", "z", zeta);
BINARY_OP(Igamma, "a", "x", "z", igamma);
BINARY_OP(Igammac, "a", "x", "z", igammac);
BINARY_OP(NextAfter, "x1", "x2", "output", next_after);

/* ---- Betainc: three inputs of one shape, or scalars ---- */

static enum code betainc_shape(struct op_call *call, struct error *err)
{
    static const char *const names[] = {"a", "b", "x"};
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    int first = -1;
    for (int i = 0; i < 3; i++) {
        const struct shape *own = &call->in[i]->shape;
        if (!own->rank)
            continue;
        first = first < 0 ? i : first;
        if (!shape_equal(&call->in[first]->shape, own))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Shapes of %s and %s are inconsistent: %s vs. %s", names[first],
                             names[i], shape_text(&call->in[first]->shape, left),
                             shape_text(own, right));
    }
    op_call_shape(call, 0, &call->in[first < 0 ? 0 : first]->shape);
    return CODE_OK;
}

static double number_of(const struct tensor *t, int64_t i)
{
    return number_at(t, t->shape.rank ? i : 0);
}

static enum code betainc_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct tensor *const *in = call->in;
    for (int64_t i = 0, n = tensor_elements(call->out[0]); i < n; i++) {
        double value =
            special_betainc(number_of(in[0], i), number_of(in[1], i), number_of(in[2], i));
        number_put(call->out[0], i, value);
    }
    return CODE_OK;
}

const struct op op_Betainc = {
    .name = "Betainc",
    .inputs = "a:T b:T x:T",
    .outputs = "z:T",
    .attrs = "T:type",
    .types = TYPES_FLOAT_DOUBLE,
    .shape = betainc_shape,
    .run = betainc_run,
};
