/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ExtractGlimpse, ExtractGlimpseV2: out of each image [rows, columns, channels] a window of one
 * size at an offset of its own. Offsets are pixels, or parts of the image (normalized), from the
 * upper left corner or from the middle (centered), where -1 and 1 are the borders. The first
 * version always puts the window's middle there, the second only if the offset is both; else its
 * corner. What lies outside the image is zero, or noise within the range of the image's numbers:
 * uniform, or of each channel's mean and deviation. No seed gives the noise.
 */
#include <math.h>

#include "ops/kernel.h"
#include "ops/random/distribution.h"
#include "ops/random/generator.h"

enum noise { NOISE_ZERO, NOISE_UNIFORM, NOISE_GAUSSIAN };

struct glimpse {
    int64_t size[2]; /* of the window: rows, columns */
    int64_t in[2];   /* of the image */
    int64_t channels;
    bool centered, normalized, first_version;
    enum noise noise;
};

/* ---- attributes and shapes ---- */

static enum code read_noise(const struct op_call *call, enum noise *noise, struct error *err)
{
    struct span text = op_attr_string(call, "noise");
    bool uniform = op_attr_bool(call, "uniform_noise");
    if (uniform && text.len && !span_is(text, "uniform"))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The uniform_noise and noise could not be specified at the same time");
    if (!text.len)
        *noise = uniform ? NOISE_UNIFORM : NOISE_GAUSSIAN;
    else if (span_is(text, "uniform"))
        *noise = NOISE_UNIFORM;
    else if (span_is(text, "gaussian"))
        *noise = NOISE_GAUSSIAN;
    else if (span_is(text, "zero"))
        *noise = NOISE_ZERO;
    else
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The noise could only be uniform, gaussian, or zero, got%.*s",
                         SPAN_ARG(text));
    return CODE_OK;
}

static enum code check_shapes(const struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape, *size = &call->in[1]->shape;
    const struct shape *offsets = &call->in[2]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (in->rank != 4)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "input must be 4-dimensional (batch_size, height, width, depth)%s",
                         shape_text(in, text));
    if (size->rank != 1 || size->dims[0] != 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "input must be a vector of size 2 (height, width)%s",
                         shape_text(size, text));
    if (offsets->rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "input must be a matrix%s",
                         shape_text(offsets, text));
    if (offsets->dims[0] != in->dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT, "first dimension should be batch%s",
                         shape_text(offsets, text));
    if (offsets->dims[1] != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "second dimension should be of size 2 (y,x)%s",
                         shape_text(offsets, text));
    return CODE_OK;
}

static enum code glimpse_shape(struct op_call *call, struct error *err)
{
    enum noise noise;
    enum code code = read_noise(call, &noise, err);
    if (!code)
        code = check_shapes(call, err);
    if (code)
        return code;
    if (!op_call_known(call, 1)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    struct shape out = call->in[0]->shape;
    for (int d = 0; d < 2; d++) {
        out.dims[1 + d] = tensor_int(call->in[1], d);
        if (out.dims[1 + d] < 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "Dimension %lld must be >= 0",
                             (long long)out.dims[1 + d]);
    }
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code glimpse_prepare(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape, *out = &call->out[0]->shape;
    struct glimpse *g = ARENA_NEW(call->arena, struct glimpse);
    *g = (struct glimpse){
        .size = {out->dims[1], out->dims[2]},
        .in = {in->dims[1], in->dims[2]},
        .channels = in->dims[3],
        .centered = op_attr_bool(call, "centered"),
        .normalized = op_attr_bool(call, "normalized"),
        .first_version = !span_ends_with(span_of(call->node->op->name), SPAN_LITERAL("V2")),
    };
    call->state = g;
    return read_noise(call, &g->noise, err);
}

/* ---- where the window lies, for one axis ---- */

struct overlap {
    int64_t from; /* first row of the image */
    int64_t to;   /* where it goes in the window */
    int64_t count;
    bool partial;
};

static int64_t offset_of(const struct glimpse *g, int d, float at)
{
    enum { FAR = 1 << 30 }; /* beyond any image that has room */
    const float in = (float)g->in[d], half = (float)g->size[d] / 2.0f;
    bool halved = g->first_version || g->normalized;
    if (g->normalized)
        at *= in;
    if (g->centered)
        at = (halved ? at / 2.0f : at) + in / 2.0f;
    if (g->first_version || (g->normalized && g->centered))
        at -= half;
    return fabsf(at) < (float)FAR ? (int64_t)at : -FAR;
}

static struct overlap overlap_of(const struct glimpse *g, int d, float at)
{
    int64_t offset = offset_of(g, d, at), size = g->size[d], in = g->in[d];
    struct overlap o = {.from = offset, .count = size};
    if (offset < 0) {
        o.count = size + offset > 0 ? size + offset : 0;
        o.from = 0;
        o.to = size - o.count;
        o.partial = true;
    } else if (offset + size >= in) {
        o.count = in > offset ? in - offset : 0;
        o.partial = true;
    }
    o.count = o.count < in ? o.count : in;
    return o;
}

/* ---- noise ---- */

struct range {
    float min, max;
    double mean, deviation;
};

/* Of `count` numbers that are `step` apart, at least one. */
static struct range range_of(const float *in, int64_t count, int64_t step)
{
    struct range r = {.min = in[0], .max = in[0]};
    double squares = 0;
    for (int64_t i = 0; i < count; i++) {
        const float x = in[i * step];
        r.min = x < r.min ? x : r.min;
        r.max = x > r.max ? x : r.max;
        r.mean += (double)x / (double)count;
    }
    for (int64_t i = 0; i < count; i++) {
        const double distance = (double)in[i * step] - r.mean;
        squares += distance * distance;
    }
    r.deviation = sqrt(squares / (double)count);
    return r;
}

/* The window holds random numbers of the distribution: they are brought to the image's range. */
static void shape_noise(const struct glimpse *g, const float *in, float *out)
{
    const int64_t pixels = g->in[0] * g->in[1], m = g->size[0] * g->size[1] * g->channels;
    const struct range all = range_of(in, pixels * g->channels, 1);
    for (int64_t i = 0; g->noise == NOISE_UNIFORM && i < m; i++)
        out[i] = all.min + out[i] * (all.max - all.min);
    for (int64_t c = 0; g->noise == NOISE_GAUSSIAN && c < g->channels; c++) {
        const struct range r = range_of(in + c, pixels, g->channels);
        for (int64_t i = c; i < m; i += g->channels) {
            const float x = (float)(r.mean + (double)out[i] * r.deviation);
            out[i] = x < r.min ? r.min : x > r.max ? r.max : x;
        }
    }
}

static void fill(const struct glimpse *g, struct tensor *out)
{
    if (g->noise == NOISE_ZERO || !g->in[0] || !g->in[1]) {
        memset(out->data, 0, tensor_bytes(out));
        return;
    }
    const uint64_t bits[] = {generator_random_bits(), generator_random_bits()};
    distribution_fill(g->noise == NOISE_UNIFORM ? DISTRIBUTION_UNIFORM : DISTRIBUTION_NORMAL,
                      philox_load((uint64_t[]){0, bits[1]}, bits[0]), NULL, out);
}

static void take(const struct glimpse *g, const float *image, const float offset[2], float *out)
{
    const struct overlap y = overlap_of(g, 0, offset[0]), x = overlap_of(g, 1, offset[1]);
    bool noisy = (y.partial || x.partial) && g->noise != NOISE_ZERO && g->in[0] && g->in[1];
    if (noisy)
        shape_noise(g, image, out);
    for (int64_t i = 0; x.count && i < y.count; i++)
        memcpy(out + ((y.to + i) * g->size[1] + x.to) * g->channels,
               image + ((y.from + i) * g->in[1] + x.from) * g->channels,
               (size_t)(x.count * g->channels) * sizeof *out);
}

static enum code glimpse_run(struct op_call *call, struct error *err)
{
    const struct glimpse *g = call->state;
    struct tensor *out = call->out[0];
    (void)err;
    if (!tensor_elements(out))
        return CODE_OK;
    fill(g, out);
    for (int64_t i = 0; i < out->shape.dims[0]; i++)
        take(g, TENSOR_AT(call->in[0], float) + i * g->in[0] * g->in[1] * g->channels,
             TENSOR_AT(call->in[2], float) + 2 * i,
             TENSOR_AT(out, float) + i * g->size[0] * g->size[1] * g->channels);
    return CODE_OK;
}

#define GLIMPSE_ATTRS                                                                              \
    "centered:bool=true normalized:bool=true uniform_noise:bool=true noise:string='uniform'"

const struct op op_ExtractGlimpse = {
    .name = "ExtractGlimpse",
    .inputs = "input:float size:int32 offsets:float",
    .outputs = "glimpse:float",
    .attrs = GLIMPSE_ATTRS,
    .flags = OP_STATEFUL,
    .shape = glimpse_shape,
    .prepare = glimpse_prepare,
    .run = glimpse_run,
};

const struct op op_ExtractGlimpseV2 = {
    .name = "ExtractGlimpseV2",
    .inputs = "input:float size:int32 offsets:float",
    .outputs = "glimpse:float",
    .attrs = GLIMPSE_ATTRS,
    .flags = OP_STATEFUL,
    .shape = glimpse_shape,
    .prepare = glimpse_prepare,
    .run = glimpse_run,
};
