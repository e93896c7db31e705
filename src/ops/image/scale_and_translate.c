/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ScaleAndTranslate: images [batch, rows, columns, channels], scaled and moved, sampled with one of
 * eight kernels. For each output row (and column) a span of input rows with their weights is worked
 * out once; then rows are gathered, then columns. Where the sampling point lies outside the image,
 * the span has no weight.
 */
#include <float.h>
#include <math.h>

#include "ops/image/floats.h"
#include "ops/kernel.h"
#include "ops/nn/resize.h"

struct sampler {
    const char *name;
    float (*weigh)(float x, float radius); /* x >= 0 */
    float radius;
};

/* The inputs of an output position: weights[0, size) of those from first on. */
struct spans {
    int64_t size;
    int64_t *first;
    float *weights; /* [out, size] */
};

struct sample {
    int64_t batch, in_rows, in_columns, rows, columns, channels;
    const struct sampler *sampler;
    bool antialias;
};

/* ---- the kernels ---- */

static float lanczos(float x, float radius)
{
    const float pi = 3.14159265359f;
    if (x > radius)
        return 0;
    if (x <= 1e-3f)
        return 1;
    return radius * sinf(pi * x) * sinf(pi * x / radius) / (pi * pi * x * x);
}

static float gaussian(float x, float radius)
{
    const float sigma = radius / 3;
    return x >= radius ? 0 : (float)exp((double)(-x * x) / (2.0 * (double)sigma * (double)sigma));
}

static float box(float x, float radius)
{
    (void)radius;
    return x < 0.5f ? 1 : x == 0.5f ? 0.5f : 0;
}

static float triangle(float x, float radius)
{
    (void)radius;
    return x < 1 ? 1 - x : 0;
}

static float keys(float x, float radius)
{
    if (x >= radius)
        return 0;
    if (x >= 1)
        return ((-0.5f * x + 2.5f) * x - 4.0f) * x + 2.0f;
    return ((1.5f * x - 2.5f) * x) * x + 1.0f;
}

static float mitchell(float x, float radius)
{
    if (x >= radius)
        return 0;
    if (x >= 1)
        return (((-7.0f / 18.0f) * x + 2.0f) * x - 10.0f / 3.0f) * x + 16.0f / 9.0f;
    return (((7.0f / 6.0f) * x - 2.0f) * x) * x + 8.0f / 9.0f;
}

static const struct sampler samplers[] = {
    {"lanczos1", lanczos, 1}, {"lanczos3", lanczos, 3},
    {"lanczos5", lanczos, 5}, {"gaussian", gaussian, 1.5f},
    {"box", box, 1},          {"triangle", triangle, 1},
    {"keyscubic", keys, 2},   {"mitchellcubic", mitchell, 2},
};

static const struct sampler *sampler_find(struct span name)
{
    for (size_t i = 0; i < sizeof samplers / sizeof *samplers; i++) {
        if (span_is(name, samplers[i].name))
            return &samplers[i];
    }
    return NULL;
}

/* ---- spans ---- */

/* x in [0, size - 1], whatever float it was. */
static int64_t clamp(float x, int64_t size)
{
    return !(x > 0) ? 0 : x >= (float)size ? size - 1 : (int64_t)x;
}

/* The weights of one position, which add up to 1. */
static void weigh_span(const struct sampler *s, int64_t first, int64_t end, const float at[2],
                       float *weights)
{
    float sum = 0;
    for (int64_t i = first; i < end; i++) {
        const float distance = (float)i + 0.5f - at[0];
        weights[i - first] = s->weigh(fabsf(distance * at[1]), s->radius);
        sum += weights[i - first];
    }
    if (!(fabsf(sum) >= 1000.0f * FLT_MIN)) {
        memset(weights, 0, (size_t)(end - first) * sizeof *weights);
        return;
    }
    for (int64_t i = 0; i < end - first; i++)
        weights[i] *= 1.0f / sum;
}

struct mapping {
    int64_t in, out;
    float scale, translation;
};

static enum code make_spans(const struct op_call *call, const struct mapping *m,
                            struct spans *spans, struct error *err)
{
    const struct sample *s = call->state;
    const float inverse = (float)(1.0 / (double)m->scale), offset = -inverse * m->translation;
    const float widening = s->antialias && inverse > 1 ? inverse : 1;
    const float reach = s->sampler->radius * widening;
    const double size = 2 * ceil((double)reach) + 1;
    spans->size = size < (double)m->in ? (int64_t)size : m->in;
    enum code code = kernel_array(call, m->out, sizeof *spans->first, &spans->first, err);
    if (!code)
        code =
            kernel_array(call, m->out, (size_t)spans->size * sizeof(float), &spans->weights, err);
    for (int64_t i = 0; !code && i < m->out; i++) {
        const float at = ((float)i + 0.5f) * inverse + offset;
        if (at < 0 || at > (float)m->in)
            continue;
        int64_t first = clamp(ceilf(at - reach - 0.5f), m->in);
        int64_t end = clamp(floorf(at + reach - 0.5f), m->in) + 1;
        if (end - first > spans->size)
            return error_set(err, CODE_INTERNAL, "Span is too large: %lld vs %lld.",
                             (long long)(end - first), (long long)spans->size);
        const float sampled[] = {at, 1.0f / widening};
        weigh_span(s->sampler, first, end, sampled, spans->weights + i * spans->size);
        spans->first[i] = first;
    }
    return code;
}

/* ---- gathering: rows of an image, then columns of a row ---- */

KERNEL void add_scaled(const float *restrict in, float weight, float *restrict out, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        out[i] += weight * in[i];
}

/* out [n] = the sum of rows [..., n] of `in`, weighted. Rows behind the last have no weight. */
static void gather(const struct spans *spans, int64_t i, const float *in, int64_t rows, int64_t n,
                   float *out)
{
    const float *weights = spans->weights + i * spans->size;
    int64_t first = spans->first[i];
    memset(out, 0, (size_t)n * sizeof *out);
    for (int64_t k = 0; k < spans->size && first + k < rows; k++)
        add_scaled(in + (first + k) * n, weights[k], out, n);
}

static enum code check_pair(const struct op_call *call, int i, struct error *err)
{
    const struct shape *shape = &call->in[i]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (shape->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "t must be 1-dimensional%s",
                         shape_text(shape, text));
    if (shape->dims[0] != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "t must have two elements%s",
                         shape_text(shape, text));
    return CODE_OK;
}

static enum code sample_shape(struct op_call *call, struct error *err)
{
    struct span name = op_attr_string(call, "kernel_type");
    if (!sampler_find(name))
        return error_set(err, CODE_INVALID_ARGUMENT, "Unrecognized kernel type: %.*s",
                         SPAN_ARG(name));
    enum code code = resize_shape_of(call, "output_shape_t", err);
    if (!code)
        code = check_pair(call, 2, err);
    return code ? code : check_pair(call, 3, err);
}

static enum code sample_prepare(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape, *out = &call->out[0]->shape;
    struct sample *s = ARENA_NEW(call->arena, struct sample);
    (void)err;
    *s = (struct sample){
        .batch = in->dims[0],
        .in_rows = in->dims[1],
        .in_columns = in->dims[2],
        .rows = out->dims[1],
        .columns = out->dims[2],
        .channels = out->dims[3],
        .sampler = sampler_find(op_attr_string(call, "kernel_type")),
        .antialias = op_attr_bool(call, "antialias"),
    };
    call->state = s;
    if (!tensor_elements(call->out[0]))
        return CODE_OK;
    call->scratch_size =
        floats_size(call->in[0]) + (size_t)(s->in_columns * s->channels) * sizeof(float);
    return CODE_OK;
}

static enum code read_mapping(const struct op_call *call, struct spans *rows, struct spans *columns,
                              struct error *err)
{
    const struct sample *s = call->state;
    const float *scale = call->in[2]->data, *translation = call->in[3]->data;
    if (!(scale[0] > 0 && scale[1] > 0))
        return error_set(err, CODE_INVALID_ARGUMENT, "Scale must be greater than zero.");
    if (!tensor_elements(call->out[0]))
        return CODE_OK;
    const struct mapping down = {s->in_rows, s->rows, scale[0], translation[0]};
    const struct mapping along = {s->in_columns, s->columns, scale[1], translation[1]};
    enum code code = make_spans(call, &along, columns, err);
    return code ? code : make_spans(call, &down, rows, err);
}

static enum code sample_run(struct op_call *call, struct error *err)
{
    const struct sample *s = call->state;
    struct spans rows, columns;
    char *scratch = call->scratch;
    enum code code = read_mapping(call, &rows, &columns, err);
    if (code || !tensor_elements(call->out[0]))
        return code;
    const float *images = floats_of(call->in[0], &scratch);
    float *line = (float *)scratch, *out = call->out[0]->data;
    int64_t n = s->in_columns * s->channels;
    for (int64_t i = 0; i < s->batch * s->rows; i++) {
        gather(&rows, i % s->rows, images + i / s->rows * s->in_rows * n, s->in_rows, n, line);
        for (int64_t k = 0; k < s->columns; k++, out += s->channels)
            gather(&columns, k, line, s->in_columns, s->channels, out);
    }
    return CODE_OK;
}

const struct op op_ScaleAndTranslate = {
    .name = "ScaleAndTranslate",
    .inputs = "images:T size:int32 scale:float translation:float",
    .outputs = "resized_images:float",
    .attrs = "T:type kernel_type:string='lanczos3' antialias:bool=true",
    .types = RESIZE_TYPES,
    .shape = sample_shape,
    .prepare = sample_prepare,
    .run = sample_run,
};
