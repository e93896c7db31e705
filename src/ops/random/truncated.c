/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ParameterizedTruncatedNormal: shape, means, stdevs, minvals, maxvals: scalars, or one for each
 * row. Drawn until they fit from a normal, a uniform or an exponential distribution, whichever is
 * refused least (Robert, "Simulation of truncated normal variables", 1995). TensorFlow's threads
 * may begin elsewhere in the stream; this is what one thread does.
 */
#include <math.h>

#include "ops/array/sizes.h"
#include "ops/math/number.h"
#include "ops/random/distribution.h"
#include "ops/random/generator.h"

enum { ITERATIONS_MAX = 1000, BATCH = 100, FIRST_PARAMETER = 1, PARAMETERS = 4 };

struct batch {
    struct philox *philox;
    struct tensor *out;
    int64_t sample, limit;
    double mean, stdev, low, high; /* the bounds as standard deviations from the mean */
    int refused;                   /* one after the other */
};

static enum code failed(const char *what, struct error *err)
{
    return error_set(err, CODE_INTERNAL, "TruncatedNormal %s failed to accept a sample.", what);
}

/* The numbers of the next step; returns how many. */
static int draw(const struct batch *b, distribution_step_fn *fn, double out[PHILOX_WORDS])
{
    uint32_t x[PHILOX_WORDS];
    philox_next(b->philox, x);
    fn(b->out->dtype, x, out);
    return distribution_step_size(b->out->dtype);
}

/* What T computes: float rounds. */
static double as(const struct batch *b, double value)
{
    return b->out->dtype == DTYPE_DOUBLE ? value : (double)(float)value;
}

static void accept(struct batch *b, double z)
{
    number_put(b->out, b->sample++, as(b, as(b, z * b->stdev) + b->mean));
    b->refused = 0;
}

static enum code by_normals(struct batch *b, struct error *err)
{
    double z[PHILOX_WORDS];
    while (b->sample < b->limit) {
        int count = draw(b, distribution_normals, z);
        for (int i = 0; i < count && b->sample < b->limit; i++) {
            if (z[i] >= b->low && z[i] <= b->high)
                accept(b, z[i]);
            else if (++b->refused > ITERATIONS_MAX)
                return failed("randn rejection sampler", err);
        }
    }
    return CODE_OK;
}

static enum code by_uniforms(struct batch *b, struct error *err)
{
    double z[PHILOX_WORDS], u[PHILOX_WORDS];
    double diff = as(b, b->high - b->low), plus = b->low < 0 ? 0 : as(b, b->low * b->low);
    while (b->sample < b->limit) {
        int count = draw(b, distribution_uniforms, z);
        (void)draw(b, distribution_uniforms, u);
        for (int i = 0; i < count && b->sample < b->limit; i++) {
            z[i] = as(b, as(b, z[i] * diff) + b->low);
            double g = as(b, exp(as(b, as(b, plus - as(b, z[i] * z[i])) / 2)));
            if (u[i] <= g)
                accept(b, z[i]);
            else if (++b->refused >= ITERATIONS_MAX)
                return failed("uniform rejection sampler", err);
        }
    }
    return CODE_OK;
}

static enum code by_exponentials(struct batch *b, struct error *err)
{
    double u[PHILOX_WORDS];
    double alpha = as(b, (b->low + as(b, sqrt(as(b, b->low * b->low) + 4))) / 2);
    while (b->sample < b->limit) {
        int count = draw(b, distribution_uniforms, u);
        for (int i = 0; i < count && b->sample < b->limit; i += 2) {
            double z = as(b, as(b, -as(b, log(u[i])) / alpha) + b->low);
            double x = as(b, b->low < alpha ? alpha - z : b->low - alpha);
            double g = as(b, exp(as(b, -x * x / 2)));
            if (u[i + 1] <= g && z < b->high)
                accept(b, z);
            else if (++b->refused >= ITERATIONS_MAX)
                return failed("exponential distribution rejection sampler", err);
        }
    }
    return CODE_OK;
}

static enum code fill_batch(struct batch *b, struct error *err)
{
    enum { WIDE_TENTHS = 13 };
    const double wide = WIDE_TENTHS / 10.0;
    double minval = b->low, maxval = b->high;
    if (!(b->stdev > 0) || !(minval < maxval) || (isinf(minval) && isinf(maxval)))
        return error_set(err, CODE_INVALID_ARGUMENT, "Invalid parameters");
    if ((isinf(minval) && minval < 0) || maxval < b->mean) {
        double kept = minval;
        minval = maxval;
        maxval = kept;
        b->stdev = -b->stdev;
    }
    b->low = as(b, as(b, minval - b->mean) / b->stdev);
    b->high = as(b, as(b, maxval - b->mean) / b->stdev);
    double root = as(b, sqrt(as(b, as(b, b->low * b->low) + 4)));
    double cutoff = as(b, 2 * exp(0.5 + b->low * (b->low - root) / 4) / (b->low + root));
    if ((b->low < -wide && b->high >= 0) || (b->high > wide && b->low <= 0))
        return by_normals(b, err);
    return as(b, b->high - b->low) < cutoff ? by_uniforms(b, err) : by_exponentials(b, err);
}

/* ---- the op ---- */

static const char *const names[PARAMETERS] = {"means", "stddevs", "minvals", "maxvals"};

static enum code check_parameters(const struct op_call *call, int64_t rows, bool *same,
                                  struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    *same = true;
    for (int i = 0; i < PARAMETERS; i++) {
        const struct shape *own = &call->in[FIRST_PARAMETER + i]->shape;
        if (own->rank > 1)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Input %s should be a scalar or vector, got shape: %s", names[i],
                             shape_text(own, text));
        *same &= !own->rank || (i < 2 && own->dims[0] == 1);
    }
    for (int i = 0; !*same && i < PARAMETERS; i++) {
        const struct shape *own = &call->in[FIRST_PARAMETER + i]->shape;
        if (own->rank && own->dims[0] != 1 && own->dims[0] != rows)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Input %s should have length 1 or shape[0], got shape: %s", names[i],
                             shape_text(own, text));
    }
    return CODE_OK;
}

static double parameter(const struct op_call *call, int i, int64_t row)
{
    const struct tensor *t = call->in[FIRST_PARAMETER + i];
    return number_at(t, tensor_elements(t) == 1 ? 0 : row);
}

static enum code truncated_run(struct op_call *call, struct error *err)
{
    struct shape shape;
    char text[SHAPE_TEXT_SIZE];
    bool same;
    if (call->in[0]->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input shape should be a vector, got shape: %s",
                         shape_text(&call->in[0]->shape, text));
    if (!call->in[0]->shape.dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Shape tensor must not be empty, got Tensor<type: %s shape: [0] values: >",
                         dtype_name(call->in[0]->dtype));
    enum code code = sizes_read_shape(call, 0, &shape, err);
    if (!code)
        code = op_call_alloc(call, 0, &shape, err);
    if (!code)
        code = check_parameters(call, shape.dims[0], &same, err);
    if (code)
        return code;
    int64_t n = shape_elements(&shape), each = same ? BATCH : kernel_span(&shape, 1, shape.rank);
    int64_t batches = same ? (n + BATCH - 1) / BATCH : shape.dims[0];
    struct philox philox =
        generator_reserve(call, (uint64_t)batches * 2 * ITERATIONS_MAX * ((uint64_t)each + 3) / 4);
    for (int64_t i = 0; !code && i < batches; i++) {
        struct batch b = {&philox,
                          call->out[0],
                          i * each,
                          (i + 1) * each < n ? (i + 1) * each : n,
                          parameter(call, 0, i),
                          parameter(call, 1, i),
                          parameter(call, 2, i),
                          parameter(call, 3, i),
                          0};
        code = fill_batch(&b, err);
    }
    return code;
}

const struct op op_ParameterizedTruncatedNormal = {
    .name = "ParameterizedTruncatedNormal",
    .inputs = "shape:T means:dtype stdevs:dtype minvals:dtype maxvals:dtype",
    .outputs = "output:dtype",
    .attrs = "seed:int=0 seed2:int=0 dtype:type T:index",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .types = OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE),
    .types_attr = "dtype",
    .prepare = generator_prepare,
    .run = truncated_run,
};
