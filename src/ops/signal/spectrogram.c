/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AudioSpectrogram: the spectrum of each window of a sound, windows weighted by Hann's function and
 * filled up with zeros to a power of two.
 */
#include <math.h>

#include "ops/signal/fourier.h"

struct spectrogram {
    int64_t window;
    int64_t stride;
    int64_t length; /* of the transform */
    bool squared;
    const double *weights; /* window */
    const struct fourier *plan;
};

static enum code read_attrs(const struct op_call *call, int64_t *window, int64_t *stride,
                            struct error *err)
{
    *window = op_attr_int(call, "window_size");
    *stride = op_attr_int(call, "stride");
    if (*window < 2 || *window > INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "window size must be > 1, got %lld",
                         (long long)*window);
    if (*stride < 1 || *stride > INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "stride must be strictly positive, got %lld",
                         (long long)*stride);
    return CODE_OK;
}

static int64_t transform_length(int64_t window)
{
    int64_t length = 1;
    while (length < window)
        length *= 2;
    return length;
}

/* input [samples, channels] -> spectrogram [channels, windows, length / 2 + 1]. */
static enum code spectrogram_shape(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    int64_t window, stride;
    char text[SHAPE_TEXT_SIZE];
    enum code code = read_attrs(call, &window, &stride, err);
    if (code)
        return code;
    if (in->rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "input must be 2-dimensional%s",
                         shape_text(in, text));
    int64_t windows = in->dims[0] < window ? 0 : 1 + (in->dims[0] - window) / stride;
    struct shape out = {3, {in->dims[1], windows, 1 + transform_length(window) / 2}};
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code spectrogram_prepare(struct op_call *call, struct error *err)
{
    struct spectrogram *s = ARENA_NEW(call->arena, struct spectrogram);
    double *weights;
    enum code code = read_attrs(call, &s->window, &s->stride, err);
    if (code)
        return code;
    s->length = transform_length(s->window);
    s->squared = op_attr_bool(call, "magnitude_squared");
    code = fourier_new(call, s->length, &s->plan, err);
    if (!code)
        code = kernel_array(call, s->window, sizeof *weights, &weights, err);
    for (int64_t i = 0; !code && i < s->window; i++)
        weights[i] = 0.5 - 0.5 * cos(2.0 * M_PI * (double)i / (double)s->window);
    s->weights = weights;
    call->state = s;
    if (!code)
        call->scratch_size = (size_t)(s->length + fourier_work(s->plan)) * sizeof(double complex);
    return code;
}

static void transform_window(const struct spectrogram *s, const float *in, int64_t step,
                             double complex *line, float *out)
{
    memset(line, 0, (size_t)s->length * sizeof *line);
    for (int64_t i = 0; i < s->window; i++)
        line[i] = (double)in[i * step] * s->weights[i];
    fourier_run(s->plan, false, line, line + s->length);
    for (int64_t k = 0; k <= s->length / 2; k++) {
        double re = creal(line[k]), im = cimag(line[k]);
        float square = (float)(re * re + im * im);
        out[k] = s->squared ? square : sqrtf(square);
    }
}

static enum code spectrogram_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct spectrogram *s = call->state;
    const struct shape *out = &call->out[0]->shape;
    int64_t channels = out->dims[0], windows = out->dims[1];
    float *to = call->out[0]->data;
    for (int64_t c = 0; c < channels; c++) {
        for (int64_t w = 0; w < windows; w++, to += out->dims[2])
            transform_window(s, TENSOR_AT(call->in[0], float) + w * s->stride * channels + c,
                             channels, call->scratch, to);
    }
    return CODE_OK;
}

const struct op op_AudioSpectrogram = {
    .name = "AudioSpectrogram",
    .inputs = "input:float",
    .outputs = "spectrogram:float",
    .attrs = "window_size:int stride:int magnitude_squared:bool=false",
    .shape = spectrogram_shape,
    .prepare = spectrogram_prepare,
    .run = spectrogram_run,
};
