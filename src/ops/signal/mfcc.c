/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mfcc: mel-frequency cepstral coefficients of spectrograms of squared magnitudes. Each bin of the
 * spectrum belongs to the falling side of one triangle of the mel scale and to the rising side of
 * the next; the logarithms of the triangles' sums go through a cosine transform.
 */
#include <math.h>

#include "ops/kernel.h"

#define SUM_MIN 1e-12 /* before the logarithm */

struct mel {
    int64_t bins;     /* of the spectrum */
    int64_t channels; /* triangles */
    int64_t coefficients;
    double low, high;
    /* Set up: */
    int64_t first, last; /* bins that count */
    int64_t *channel; /* per bin: the triangle on whose falling side it is; -1: before the first */
    double *weight;   /* per bin: its share of that */
    double *centers;  /* channels + 1 */
    double *cosines;  /* coefficients * channels */
    double *sums;     /* channels */
};

static double mel_of(double hertz)
{
    return 1127.0 * log1p(hertz / 700.0);
}

static enum code allocate(const struct op_call *call, struct mel *m, struct error *err)
{
    int64_t products;
    if (__builtin_mul_overflow(m->channels, m->coefficients, &products))
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for coefficients");
    enum code code = kernel_array(call, m->bins, sizeof *m->channel, &m->channel, err);
    if (!code)
        code = kernel_array(call, m->bins, sizeof *m->weight, &m->weight, err);
    if (!code)
        code = kernel_array(call, m->channels + 1, sizeof *m->centers, &m->centers, err);
    if (!code)
        code = kernel_array(call, products, sizeof *m->cosines, &m->cosines, err);
    if (!code)
        code = kernel_array(call, m->channels, sizeof *m->sums, &m->sums, err);
    return code;
}

static void place_bins(struct mel *m, double hertz_per_bin)
{
    double low = mel_of(m->low), spacing = (mel_of(m->high) - low) / (double)(m->channels + 1);
    for (int64_t i = 0; i <= m->channels; i++)
        m->centers[i] = low + spacing * (double)(i + 1);
    int64_t channel = 0;
    for (int64_t i = m->first; i <= m->last; i++) {
        double mel = mel_of((double)i * hertz_per_bin);
        while (channel < m->channels && m->centers[channel] < mel)
            channel++;
        int64_t c = channel - 1;
        m->channel[i] = c;
        double from = c < 0 ? low : m->centers[c];
        m->weight[i] = (m->centers[c + 1] - mel) / (m->centers[c + 1] - from);
    }
}

static void make_cosines(struct mel *m)
{
    double norm = sqrt(2.0 / (double)m->channels), angle = M_PI / (double)m->channels;
    for (int64_t i = 0; i < m->coefficients; i++) {
        for (int64_t j = 0; j < m->channels; j++)
            m->cosines[i * m->channels + j] = norm * cos((double)i * angle * ((double)j + 0.5));
    }
}

static enum code failed(const struct mel *m, int32_t rate, struct error *err)
{
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Mfcc initialization failed for channel count %lld, sample rate %d and "
                     "filterbank_channel_count %lld",
                     (long long)m->bins, rate, (long long)m->channels);
}

static enum code set_up(const struct op_call *call, struct mel *m, int32_t rate, struct error *err)
{
    m->low = (double)op_attr_float(call, "lower_frequency_limit");
    m->high = (double)op_attr_float(call, "upper_frequency_limit");
    m->channels = op_attr_int(call, "filterbank_channel_count");
    m->coefficients = op_attr_int(call, "dct_coefficient_count");
    bool sound = m->channels >= 1 && m->channels <= INT32_MAX && m->coefficients >= 1 &&
                 m->coefficients <= m->channels && rate >= 1 && m->bins >= 2 && m->low >= 0 &&
                 m->high > m->low;
    if (!sound)
        return failed(m, rate, err);
    double hertz_per_bin = 0.5 * rate / (double)(m->bins - 1);
    double last = m->high / hertz_per_bin, first = 1.5 + m->low / hertz_per_bin;
    if (!(last < (double)m->bins) || !(first <= (double)INT32_MAX))
        return failed(m, rate, err);
    m->first = (int64_t)first;
    m->last = (int64_t)last;
    enum code code = allocate(call, m, err);
    if (code)
        return code;
    place_bins(m, hertz_per_bin);
    make_cosines(m);
    return CODE_OK;
}

static void compute(const struct mel *m, const float *spectrum, float *out)
{
    memset(m->sums, 0, (size_t)m->channels * sizeof *m->sums);
    for (int64_t i = m->first; i <= m->last; i++) {
        double value = sqrt((double)spectrum[i]), falling = value * m->weight[i];
        int64_t channel = m->channel[i];
        if (channel >= 0)
            m->sums[channel] += falling;
        if (channel + 1 < m->channels)
            m->sums[channel + 1] += value - falling;
    }
    for (int64_t i = 0; i < m->channels; i++)
        m->sums[i] = log(m->sums[i] < SUM_MIN ? SUM_MIN : m->sums[i]);
    for (int64_t i = 0; i < m->coefficients; i++) {
        double sum = 0;
        for (int64_t j = 0; j < m->channels; j++)
            sum += m->cosines[i * m->channels + j] * m->sums[j];
        out[i] = (float)sum;
    }
}

/* spectrogram [channels, windows, bins], sample_rate [] -> output [channels, windows,
 * coefficients].
 */
static enum code mfcc_run(struct op_call *call, struct error *err)
{
    const struct tensor *spectrogram = call->in[0], *rate = call->in[1];
    char text[SHAPE_TEXT_SIZE];
    if (spectrogram->shape.rank != 3)
        return error_set(err, CODE_INVALID_ARGUMENT, "spectrogram must be 3-dimensional%s",
                         shape_text(&spectrogram->shape, text));
    if (rate->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input sample_rate should be a scalar tensor, got %s instead.",
                         shape_text(&rate->shape, text));
    struct mel m = {.bins = spectrogram->shape.dims[2]};
    enum code code = set_up(call, &m, *TENSOR_AT(rate, int32_t), err);
    if (code)
        return code;
    struct shape out = spectrogram->shape;
    out.dims[2] = m.coefficients;
    code = op_call_alloc(call, 0, &out, err);
    for (int64_t i = 0; !code && i < out.dims[0] * out.dims[1]; i++)
        compute(&m, TENSOR_AT(spectrogram, float) + i * m.bins,
                TENSOR_AT(call->out[0], float) + i * m.coefficients);
    return code;
}

const struct op op_Mfcc = {
    .name = "Mfcc",
    .inputs = "spectrogram:float sample_rate:int32",
    .outputs = "output:float",
    .attrs = "upper_frequency_limit:float=4000 lower_frequency_limit:float=20 "
             "filterbank_channel_count:int=40 dct_coefficient_count:int=13",
    .flags = OP_DYNAMIC,
    .run = mfcc_run,
};
