/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RandomGamma, StatelessRandomGammaV2 and V3; RandomPoisson, RandomPoissonV2,
 * StatelessRandomPoisson: numbers of distributions that have parameters. Each number has 256 steps
 * of the generator for itself, of which rejection sampling uses some, so that none depends on
 * another. Computed in double, rounded once.
 */
#include <math.h>

#include "ops/array/sizes.h"
#include "ops/math/number.h"
#include "ops/random/distribution.h"
#include "ops/random/generator.h"
#include "ops/random/stateless.h"

/* Numbers of one step of the generator, the last of a step first. */
struct drawn {
    struct philox *philox;
    double numbers[PHILOX_WORDS];
    int left;
};

static double draw(struct drawn *d, distribution_step_fn *fill)
{
    uint32_t x[PHILOX_WORDS];
    if (!d->left) {
        philox_next(d->philox, x);
        fill(DTYPE_DOUBLE, x, d->numbers);
        d->left = distribution_step_size(DTYPE_DOUBLE);
    }
    return d->numbers[--d->left];
}

/* Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", 2000; below 1 by way of
 * alpha + 1. */
static double gamma_number(double alpha, struct philox philox)
{
    struct drawn normal = {.philox = &philox}, uniform = {.philox = &philox};
    if (alpha == 1)
        return -log1p(-draw(&uniform, distribution_uniforms));
    double d = alpha + (alpha < 1 ? 2.0 / 3 : -1.0 / 3), c = 1.0 / 3 / sqrt(d);
    for (;;) {
        double x = draw(&normal, distribution_normals), v = 1 + c * x;
        if (isnan(v))
            return v;
        if (v <= 0)
            continue;
        v = v * v * v;
        double u = draw(&uniform, distribution_uniforms);
        if (u >= 1 - 0.0331 * (x * x) * (x * x) && log(u) >= 0.5 * x * x + d * (1 - v + log(v)))
            continue;
        return alpha < 1 ? d * v * pow(draw(&uniform, distribution_uniforms), 1 / alpha) : d * v;
    }
}

/* Below 10 by Knuth's product of uniform numbers. */
static double poisson_of_product(double rate, struct philox philox)
{
    struct drawn uniform = {.philox = &philox};
    double product = 1, least = exp(-rate);
    for (double n = 0;; n++) {
        product *= draw(&uniform, distribution_uniforms);
        if (product <= least)
            return n;
    }
}

/* Hoermann, "The Transformed Rejection Method for Generating Poisson Random Variables", 1993. */
static double poisson_by_rejection(double rate, struct philox philox)
{
    struct drawn uniform = {.philox = &philox};
    double b = 0.931 + 2.53 * sqrt(rate), a = -0.059 + 0.02483 * b;
    double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), log_rate = log(rate);
    for (;;) {
        double u = draw(&uniform, distribution_uniforms) - 0.5,
               v = draw(&uniform, distribution_uniforms);
        double edge = 0.5 - fabs(u), k = floor((2 * a / edge + b) * u + rate + 0.43);
        if (edge >= 0.07 && v <= 0.9277 - 3.6224 / (b - 2))
            return k;
        if (k < 0 || (edge < 0.013 && v > edge))
            continue;
        if (log(v * inverse_alpha / (a / (edge * edge) + b)) <=
            -rate + k * log_rate - lgamma(k + 1))
            return k;
    }
}

static double poisson_number(double rate, struct philox philox)
{
    if (isinf(rate) && rate > 0)
        return rate;
    if (!(rate >= 0))
        return NAN;
    return rate < 10 ? poisson_of_product(rate, philox) : poisson_by_rejection(rate, philox);
}

typedef double number_fn(double parameter, struct philox philox);

static void put(struct tensor *out, int64_t i, double value)
{
    if (out->dtype == DTYPE_INT32)
        TENSOR_AT(out, int32_t)[i] = isfinite(value) ? (int32_t)value : INT32_MIN;
    else if (out->dtype == DTYPE_INT64)
        TENSOR_AT(out, int64_t)[i] = isfinite(value) ? (int64_t)value : INT64_MIN;
    else
        number_put(out, i, value);
}

/* The parameters lie side by side, the numbers of each apart. */
static void fill(struct op_call *call, const struct tensor *parameters, struct philox philox,
                 number_fn *number)
{
    int64_t count = tensor_elements(parameters), n = tensor_elements(call->out[0]);
    int64_t each = count ? n / count : 0;
    for (int64_t i = 0; i < n; i++) {
        struct philox own = philox;
        philox_skip(&own, (uint64_t)i * PHILOX_RESERVE_FACTOR);
        int64_t parameter = i / each, sample = i % each;
        put(call->out[0], sample * count + parameter,
            number(number_at(parameters, parameter), own));
    }
}

/* ---- ops with a stream of their own: shape, parameters -> [shape, parameters' shape] ---- */

static enum code seeded_run(struct op_call *call, number_fn *number, struct error *err)
{
    const struct tensor *parameters = call->in[1];
    struct shape shape;
    char text[SHAPE_TEXT_SIZE];
    if (call->in[0]->shape.rank != 1)
        return error_set(
            err, CODE_INVALID_ARGUMENT,
            "shape must be a vector of {int32,int64}, got shape: Tensor<type: %s "
            "shape: %s values: %lld>",
            dtype_name(call->in[0]->dtype), shape_text(&call->in[0]->shape, text),
            (long long)(tensor_elements(call->in[0]) ? tensor_int(call->in[0], 0) : 0));
    enum code code = sizes_read_shape(call, 0, &shape, err);
    if (code)
        return code;
    if (shape.rank + parameters->shape.rank > SHAPE_RANK_MAX)
        return error_set(err, CODE_UNIMPLEMENTED, "the result's rank is beyond %d", SHAPE_RANK_MAX);
    for (int i = 0; i < parameters->shape.rank; i++)
        shape.dims[shape.rank++] = parameters->shape.dims[i];
    code = op_call_alloc(call, 0, &shape, err);
    if (code || !tensor_elements(call->out[0]))
        return code;
    uint64_t steps = (uint64_t)tensor_elements(call->out[0]) * PHILOX_RESERVE_FACTOR;
    fill(call, parameters, generator_reserve(call, steps), number);
    return CODE_OK;
}

static enum code gamma_run(struct op_call *call, struct error *err)
{
    return seeded_run(call, gamma_number, err);
}

static enum code poisson_run(struct op_call *call, struct error *err)
{
    return seeded_run(call, poisson_number, err);
}

/* ---- stateless ones: the shape ends with that of the parameters ---- */

static enum code check_end(const struct shape *shape, const struct tensor *parameters,
                           struct error *err)
{
    int more = shape->rank - parameters->shape.rank;
    bool ends = more >= 0;
    for (int i = 0; ends && i < parameters->shape.rank; i++)
        ends = shape->dims[more + i] == parameters->shape.dims[i];
    return ends ? CODE_OK
                : error_set(err, CODE_INVALID_ARGUMENT,
                            "Shape passed in must end with broadcasted shape.");
}

static enum code stateless_run(struct op_call *call, const char *name, number_fn *number,
                               struct error *err)
{
    const struct tensor *parameters = call->in[call->in_count - 1];
    struct shape shape;
    struct philox philox;
    enum code code = sizes_read_shape(call, 0, &shape, err);
    if (!code)
        code = call->in_count == 3 ? stateless_seed(call, 1, &philox, err)
                                   : stateless_key(call, 1, &philox, err);
    if (!code)
        code = op_call_alloc(call, 0, &shape, err);
    if (code || !shape_elements(&shape))
        return code;
    code = check_end(&shape, parameters, err);
    if (!code && !tensor_elements(parameters))
        code = error_set(err, CODE_INVALID_ARGUMENT,
                         "Input %s should have non-zero element count, got: 0", name);
    if (!code)
        fill(call, parameters, philox, number);
    return code;
}

static enum code stateless_gamma_run(struct op_call *call, struct error *err)
{
    return stateless_run(call, "alpha", gamma_number, err);
}

static enum code stateless_poisson_run(struct op_call *call, struct error *err)
{
    return stateless_run(call, "lam", poisson_number, err);
}

#define SMALL_FLOATS  (OP_TYPE(DTYPE_HALF) | OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE))
#define POISSON_TYPES (SMALL_FLOATS | OP_TYPES_INDEX)

const struct op op_RandomGamma = {
    .name = "RandomGamma",
    .inputs = "shape:S alpha:T",
    .outputs = "output:T",
    .attrs = "seed:int=0 seed2:int=0 S:index T:type",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .types = OP_TYPES_FLOAT,
    .prepare = generator_prepare,
    .run = gamma_run,
};

const struct op op_StatelessRandomGammaV2 = {
    .name = "StatelessRandomGammaV2",
    .inputs = "shape:T seed:Tseed alpha:dtype",
    .outputs = "output:dtype",
    .attrs = "dtype:type T:index Tseed:index=int64",
    .flags = OP_DYNAMIC,
    .types = OP_TYPES_FLOAT,
    .types_attr = "dtype",
    .run = stateless_gamma_run,
};

const struct op op_StatelessRandomGammaV3 = {
    .name = "StatelessRandomGammaV3",
    .inputs = "shape:shape_dtype key:uint64 counter:uint64 alg:int32 alpha:dtype",
    .outputs = "output:dtype",
    .attrs = "dtype:type shape_dtype:index=int32",
    .flags = OP_DYNAMIC,
    .types = OP_TYPES_FLOAT,
    .types_attr = "dtype",
    .run = stateless_gamma_run,
};

const struct op op_RandomPoisson = {
    .name = "RandomPoisson",
    .inputs = "shape:S rate:dtype",
    .outputs = "output:dtype",
    .attrs = "seed:int=0 seed2:int=0 S:index dtype:type",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .types = SMALL_FLOATS,
    .types_attr = "dtype",
    .prepare = generator_prepare,
    .run = poisson_run,
};

const struct op op_RandomPoissonV2 = {
    .name = "RandomPoissonV2",
    .inputs = "shape:S rate:R",
    .outputs = "output:dtype",
    .attrs = "seed:int=0 seed2:int=0 S:index R:type=double dtype:type=int64",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .types = POISSON_TYPES,
    .types_attr = "dtype",
    .prepare = generator_prepare,
    .run = poisson_run,
};

const struct op op_StatelessRandomPoisson = {
    .name = "StatelessRandomPoisson",
    .inputs = "shape:T seed:Tseed lam:Rtype",
    .outputs = "output:dtype",
    .attrs = "Rtype:type dtype:type T:index Tseed:index=int64",
    .flags = OP_DYNAMIC,
    .types = POISSON_TYPES,
    .types_attr = "dtype",
    .run = stateless_poisson_run,
};
