/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RGBToHSV, HSVToRGB, AdjustHue, AdjustSaturation, AdjustContrastv2: images whose last dimension is
 * the channels. Hue, saturation and value lie in [0, 1]; AdjustHue takes the hue in sixths, and
 * keeps the lowest, the middle and the highest of the three colours instead of saturation and
 * value.
 */
#include <math.h>

#include "ops/kernel.h"
#include "ops/nn/widen.h"

/* ---- RGBToHSV, HSVToRGB; half and bfloat16 are computed in float ---- */

static enum code colours_shape(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (!in->rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "input must be at least 1D%s",
                         shape_text(in, text));
    if (in->dims[in->rank - 1] != 3)
        return error_set(err, CODE_FAILED_PRECONDITION,
                         "input must have 3 channels but input only has %lld channels.",
                         (long long)in->dims[in->rank - 1]);
    op_call_shape(call, 0, in);
    return CODE_OK;
}

static enum code colours_prepare(struct op_call *call, struct error *err)
{
    enum dtype dtype = call->in[0]->dtype;
    (void)err;
    call->scratch_size = 2 * widen_size(dtype, tensor_elements(call->in[0]));
    return CODE_OK;
}

#define DEFINE_CONVERSIONS(type)                                                                   \
    static void to_hsv_##type(const type *restrict in, type *restrict out, int64_t pixels)         \
    {                                                                                              \
        for (int64_t i = 0; i < pixels; i++, in += 3, out += 3) {                                  \
            const type r = in[0], g = in[1], b = in[2];                                            \
            const type high = r > g ? (r > b ? r : b) : (g > b ? g : b);                           \
            const type low = r < g ? (r < b ? r : b) : (g < b ? g : b);                            \
            const type range = high - low, norm = 1 / range * ((type)1 / (type)6);                 \
            type hue = r == high   ? norm * (g - b)                                                \
                       : g == high ? norm * (b - r) + (type)2 / (type)6                            \
                                   : norm * (r - g) + (type)4 / (type)6;                           \
            hue = range > 0 ? hue : 0;                                                             \
            out[0] = hue < 0 ? hue + 1 : hue;                                                      \
            out[1] = high > 0 ? range / high : 0;                                                  \
            out[2] = high;                                                                         \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static type unit_##type(type x)                                                                \
    {                                                                                              \
        x = x < 0 ? 0 : x;                                                                         \
        return 1 < x ? 1 : x;                                                                      \
    }                                                                                              \
                                                                                                   \
    static type distance_##type(type a, type b)                                                    \
    {                                                                                              \
        return a < b ? b - a : a - b;                                                              \
    }                                                                                              \
                                                                                                   \
    static void to_rgb_##type(const type *restrict in, type *restrict out, int64_t pixels)         \
    {                                                                                              \
        for (int64_t i = 0; i < pixels; i++, in += 3, out += 3) {                                  \
            const type hue = in[0] * 6, s = in[1], v = in[2], gray = 1 - s;                        \
            const type r = unit_##type(distance_##type(hue, 3) - 1);                               \
            const type g = unit_##type(2 - distance_##type(hue, 2));                               \
            const type b = unit_##type(2 - distance_##type(hue, 4));                               \
            out[0] = (gray + s * r) * v;                                                           \
            out[1] = (gray + s * g) * v;                                                           \
            out[2] = (gray + s * b) * v;                                                           \
        }                                                                                          \
    }

DEFINE_CONVERSIONS(float)
DEFINE_CONVERSIONS(double)

static void convert(struct op_call *call, void (*in_float)(const float *, float *, int64_t),
                    void (*in_double)(const double *, double *, int64_t))
{
    int64_t pixels = tensor_elements(call->in[0]) / 3;
    char *scratch = call->scratch;
    if (call->in[0]->dtype == DTYPE_DOUBLE) {
        in_double(call->in[0]->data, call->out[0]->data, pixels);
        return;
    }
    const float *in = widen_input(call->in[0], &scratch);
    float *out = widen_output(call->out[0], &scratch);
    in_float(in, out, pixels);
    widen_finish(call->out[0], out);
}

static enum code to_hsv_run(struct op_call *call, struct error *err)
{
    (void)err;
    convert(call, to_hsv_float, to_hsv_double);
    return CODE_OK;
}

static enum code to_rgb_run(struct op_call *call, struct error *err)
{
    (void)err;
    convert(call, to_rgb_float, to_rgb_double);
    return CODE_OK;
}

/* ---- AdjustHue, AdjustSaturation, AdjustContrastv2: input 1 says how much ---- */

static enum code check_amount(const struct op_call *call, const char *name, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (in->rank < 3)
        return error_set(err, CODE_INVALID_ARGUMENT, "input must be at least 3-D, got shape%s",
                         shape_text(in, text));
    if (call->in[1]->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s must be scalar: %s", name,
                         shape_text(&call->in[1]->shape, text));
    return CODE_OK;
}

static enum code adjust_shape(struct op_call *call, const char *name, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    enum code code = check_amount(call, name, err);
    if (code)
        return code;
    if (in->dims[in->rank - 1] != 3)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "input must have 3 channels but instead has %lld channels.",
                         (long long)in->dims[in->rank - 1]);
    op_call_shape(call, 0, in);
    return CODE_OK;
}

static enum code hue_shape(struct op_call *call, struct error *err)
{
    return adjust_shape(call, "delta", err);
}

static enum code saturation_shape(struct op_call *call, struct error *err)
{
    return adjust_shape(call, "scale", err);
}

/* Which colour is the highest, the middle and the lowest in each sixth of the circle. */
static const struct sixth {
    int high, middle, low;
} sixths[] = {{0, 1, 2}, {1, 0, 2}, {1, 2, 0}, {2, 1, 0}, {2, 0, 1}, {0, 2, 1}};

static int sixth_of(const float rgb[3])
{
    if (rgb[0] < rgb[1])
        return rgb[2] < rgb[0] ? 1 : rgb[2] > rgb[1] ? 3 : 2;
    return rgb[2] < rgb[1] ? 0 : rgb[2] > rgb[0] ? 4 : 5;
}

/* Odd sixths go down: there the middle colour falls. */
static float hue_of(const float rgb[3], int sixth)
{
    const struct sixth *s = &sixths[sixth];
    const float range = rgb[s->high] - rgb[s->low];
    if (rgb[s->high] == rgb[s->low])
        return 0;
    const float part = (rgb[s->middle] - rgb[s->low]) / range;
    return (float)sixth + (sixth % 2 ? 1 - part : part);
}

/* In [0, 6) if it is a number. */
static float on_circle(float hue)
{
    enum { TURNS_BY_STEPS = 60 };
    if (!(fabsf(hue) < TURNS_BY_STEPS))
        hue = fmodf(hue, 6);
    while (hue < 0)
        hue += 6;
    while (hue >= 6)
        hue -= 6;
    return hue;
}

static void turn(const float in[3], float sixths_more, float out[3])
{
    int sixth = sixth_of(in);
    const float low = in[sixths[sixth].low], high = in[sixths[sixth].high];
    const float hue = on_circle(hue_of(in, sixth) + sixths_more);
    sixth = hue >= 0 && hue < 6 ? (int)hue : 5;
    const float part = hue - (float)sixth;
    const struct sixth *s = &sixths[sixth];
    out[s->high] = high;
    out[s->low] = low;
    out[s->middle] = low + (sixth % 2 ? 1 - part : part) * (high - low);
}

static enum code hue_run(struct op_call *call, struct error *err)
{
    const float sixths_more = *TENSOR_AT(call->in[1], float) * 6;
    (void)err;
    for (int64_t i = 0; i < tensor_elements(call->in[0]); i += 3)
        turn(TENSOR_AT(call->in[0], float) + i, sixths_more, TENSOR_AT(call->out[0], float) + i);
    return CODE_OK;
}

static void saturate(const float in[3], float scale, float out[3])
{
    const struct sixth *s = &sixths[sixth_of(in)];
    const float high = in[s->high], range = high - in[s->low];
    float hsv[3];
    to_hsv_float(in, hsv, 1);
    float saturation = (high > 0 ? range / high : 0) * scale;
    saturation = 0 < saturation ? saturation : 0;
    saturation = saturation < 1 ? saturation : 1;
    const float chroma = saturation * high, gray = high - chroma, hue = hsv[0] * 6;
    float two = hue;
    while (two <= 0)
        two += 2;
    while (two >= 2)
        two -= 2;
    const float between = chroma * (1 - fabsf(two - 1));
    const struct sixth *to = &sixths[hue >= 0 && hue < 6 ? (int)hue : 0];
    bool known = hue >= 0 && hue < 6;
    out[to->high] = (known ? chroma : 0) + gray;
    out[to->middle] = (known ? between : 0) + gray;
    out[to->low] = gray;
}

static enum code saturation_run(struct op_call *call, struct error *err)
{
    const float scale = *TENSOR_AT(call->in[1], float);
    (void)err;
    for (int64_t i = 0; i < tensor_elements(call->in[0]); i += 3)
        saturate(TENSOR_AT(call->in[0], float) + i, scale, TENSOR_AT(call->out[0], float) + i);
    return CODE_OK;
}

static enum code contrast_shape(struct op_call *call, struct error *err)
{
    enum code code = check_amount(call, "contrast_factor", err);
    if (!code)
        op_call_shape(call, 0, &call->in[0]->shape);
    return code;
}

/* Each channel of each image around its mean. */
static enum code contrast_run(struct op_call *call, struct error *err)
{
    const struct shape *shape = &call->in[0]->shape;
    int64_t channels = shape->dims[shape->rank - 1];
    int64_t pixels = shape->dims[shape->rank - 3] * shape->dims[shape->rank - 2];
    const float factor = *TENSOR_AT(call->in[1], float);
    int64_t size = pixels * channels;
    (void)err;
    for (int64_t n = 0; size && n < tensor_elements(call->in[0]) / pixels; n++) {
        const float *in = TENSOR_AT(call->in[0], float) + n / channels * size + n % channels;
        float *out = TENSOR_AT(call->out[0], float) + n / channels * size + n % channels;
        double sum = 0;
        for (int64_t i = 0; i < size; i += channels)
            sum += (double)in[i];
        const float mean = (float)(sum / (double)pixels);
        for (int64_t i = 0; i < size; i += channels)
            out[i] = mean + (in[i] - mean) * factor;
    }
    return CODE_OK;
}

const struct op op_RGBToHSV = {
    .name = "RGBToHSV",
    .inputs = "images:T",
    .outputs = "output:T",
    .attrs = "T:type=float",
    .types = OP_TYPES_FLOAT,
    .shape = colours_shape,
    .prepare = colours_prepare,
    .run = to_hsv_run,
};

const struct op op_HSVToRGB = {
    .name = "HSVToRGB",
    .inputs = "images:T",
    .outputs = "output:T",
    .attrs = "T:type=float",
    .types = OP_TYPES_FLOAT,
    .shape = colours_shape,
    .prepare = colours_prepare,
    .run = to_rgb_run,
};

const struct op op_AdjustHue = {
    .name = "AdjustHue",
    .inputs = "images:T delta:float",
    .outputs = "output:T",
    .attrs = "T:type=float",
    .types = OP_TYPE(DTYPE_FLOAT),
    .shape = hue_shape,
    .run = hue_run,
};

const struct op op_AdjustSaturation = {
    .name = "AdjustSaturation",
    .inputs = "images:T scale:float",
    .outputs = "output:T",
    .attrs = "T:type=float",
    .types = OP_TYPE(DTYPE_FLOAT),
    .shape = saturation_shape,
    .run = saturation_run,
};

const struct op op_AdjustContrastv2 = {
    .name = "AdjustContrastv2",
    .inputs = "images:T contrast_factor:float",
    .outputs = "output:T",
    .attrs = "T:type=float",
    .types = OP_TYPE(DTYPE_FLOAT),
    .shape = contrast_shape,
    .run = contrast_run,
};
