/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ResizeBicubic and ResizeArea: images [batch, rows, columns, channels] to the size that input 1
 * says, as floats.
 *
 * An output row is made in two steps: the input rows that it takes are mixed into one row, then
 * the columns of that. TensorFlow adds in the same order for bicubic; for area it sums within a
 * row first, so there each row's columns are mixed and then the rows.
 */
#include <float.h>
#include <math.h>

#include "ops/image/floats.h"
#include "ops/kernel.h"
#include "ops/nn/resize.h"

/* Where an output row (or column) comes from: four positions, or all in [first, last] of which the
 * outer ones count in part. */
struct taps {
    int64_t at[4];
    float weight[4];
};

struct resample {
    int64_t batch, in_rows, in_columns, rows, columns, channels;
    struct taps *row;
    struct taps *column;
    float area; /* ResizeArea: one over the input pixels of an output pixel */
};

static int64_t clamp(int64_t at, int64_t size)
{
    return at < 0 ? 0 : at >= size ? size - 1 : at;
}

/* An empty batch says nothing of the other sizes: nothing is prepared for it, nor run. */
static enum code resample_init(struct resample *r, struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape, *out = &call->out[0]->shape;
    *r = (struct resample){
        .batch = in->dims[0],
        .in_rows = in->dims[1],
        .in_columns = in->dims[2],
        .rows = out->dims[1],
        .columns = out->dims[2],
        .channels = out->dims[3],
    };
    call->state = r;
    if (!tensor_elements(call->out[0]))
        return CODE_OK;
    int64_t wide = r->in_columns > r->columns ? r->in_columns : r->columns;
    call->scratch_size = floats_size(call->in[0]) + (size_t)(wide * r->channels) * sizeof(float);
    enum code code = kernel_array(call, r->rows, sizeof *r->row, &r->row, err);
    return code ? code : kernel_array(call, r->columns, sizeof *r->column, &r->column, err);
}

/* ---- ResizeBicubic ---- */

enum { CUBIC_STEPS = 1 << 10 }; /* TensorFlow looks its weights up in a table of so many */

/* Weight of a pixel at distance `step` / CUBIC_STEPS (in [0, 1]), or one pixel further away. */
static float cubic_near(int64_t step, double a)
{
    float x = (float)((double)step * 1.0 / CUBIC_STEPS);
    return (float)(((a + 2) * (double)x - (a + 3)) * (double)x * (double)x + 1);
}

static float cubic_far(int64_t step, double a)
{
    float x = (float)((double)(float)((double)step * 1.0 / CUBIC_STEPS) + 1.0);
    return (float)(((a * (double)x - 5 * a) * (double)x + 8 * a) * (double)x - 4 * a);
}

/* With half pixel centres, pixels outside the image have no weight. */
static void drop_outside(struct taps *t, int64_t first)
{
    float sum = 0;
    for (int k = 0; k < 4; k++) {
        t->weight[k] = t->at[k] == first + k ? t->weight[k] : 0;
        sum += t->weight[k];
    }
    if (fabsf(sum) < 1000.0f * FLT_MIN)
        return;
    const float scale = 1.0f / sum;
    for (int k = 0; k < 4; k++)
        t->weight[k] *= scale;
}

static void cubic_taps(const struct op_call *call, struct taps *taps, int64_t in, int64_t out)
{
    bool half = op_attr_bool(call, "half_pixel_centers");
    const float scale = resize_scale(in, out, op_attr_bool(call, "align_corners"));
    const double a = half ? (double)-0.5f : (double)-0.75f;
    for (int64_t i = 0; i < out; i++) {
        const float at = half ? ((float)i + 0.5f) * scale - 0.5f : (float)i * scale;
        int64_t floor_at = (int64_t)floorf(at);
        int64_t step = lrintf((at - (float)floor_at) * (float)CUBIC_STEPS);
        taps[i] = (struct taps){
            .weight = {cubic_far(step, a), cubic_near(step, a), cubic_near(CUBIC_STEPS - step, a),
                       cubic_far(CUBIC_STEPS - step, a)},
        };
        for (int k = 0; k < 4; k++)
            taps[i].at[k] = clamp(floor_at - 1 + k, in);
        if (half)
            drop_outside(&taps[i], floor_at - 1);
    }
}

static enum code cubic_prepare(struct op_call *call, struct error *err)
{
    struct resample *r = ARENA_NEW(call->arena, struct resample);
    enum code code = resample_init(r, call, err);
    if (code || !r->row)
        return code;
    cubic_taps(call, r->row, r->in_rows, r->rows);
    cubic_taps(call, r->column, r->in_columns, r->columns);
    return CODE_OK;
}

KERNEL void mix_rows(const float *const rows[4], const float weight[4], float *restrict out,
                     int64_t n)
{
    const float *restrict a = rows[0], *restrict b = rows[1];
    const float *restrict c = rows[2], *restrict d = rows[3];
    const float w0 = weight[0], w1 = weight[1], w2 = weight[2], w3 = weight[3];
    for (int64_t i = 0; i < n; i++)
        out[i] = a[i] * w0 + b[i] * w1 + c[i] * w2 + d[i] * w3;
}

static void cubic_row(const struct resample *r, const float *image, const struct taps *y,
                      float *mixed, float *out)
{
    int64_t line = r->in_columns * r->channels;
    const float *rows[4];
    for (int k = 0; k < 4; k++)
        rows[k] = image + y->at[k] * line;
    mix_rows(rows, y->weight, mixed, line);
    for (int64_t x = 0; x < r->columns; x++, out += r->channels) {
        const float *columns[4];
        for (int k = 0; k < 4; k++)
            columns[k] = mixed + r->column[x].at[k] * r->channels;
        const float *w = r->column[x].weight;
        for (int64_t c = 0; c < r->channels; c++)
            out[c] = columns[0][c] * w[0] + columns[1][c] * w[1] + columns[2][c] * w[2] +
                     columns[3][c] * w[3];
    }
}

static enum code cubic_run(struct op_call *call, struct error *err)
{
    const struct resample *r = call->state;
    char *scratch = call->scratch;
    (void)err;
    if (!tensor_elements(call->out[0]))
        return CODE_OK;
    const float *images = floats_of(call->in[0], &scratch);
    float *out = call->out[0]->data;
    for (int64_t i = 0; i < r->batch * r->rows; i++) {
        const float *image = images + i / r->rows * r->in_rows * r->in_columns * r->channels;
        cubic_row(r, image, &r->row[i % r->rows], (float *)scratch,
                  out + i * r->columns * r->channels);
    }
    return CODE_OK;
}

/* ---- ResizeArea: at[0] the first input position, at[1] the last, weight[0] and [1] theirs; those
 * between them count in whole ---- */

static float covered(int64_t pixel, float from, float to, float scale)
{
    const float left = (float)pixel, right = (float)(pixel + 1);
    if (left < from)
        return right > to ? scale : right - from;
    return right > to ? to - left : 1;
}

static void area_taps(struct taps *taps, int64_t out, float scale)
{
    for (int64_t i = 0; i < out; i++) {
        const float from = (float)i * scale, to = (float)(i + 1) * scale;
        int64_t first = (int64_t)floorf(from), last = (int64_t)ceilf(to) - 1;
        taps[i] = (struct taps){
            .at = {first, last},
            .weight = {covered(first, from, to, scale), covered(last, from, to, scale)},
        };
    }
}

static enum code area_prepare(struct op_call *call, struct error *err)
{
    struct resample *r = ARENA_NEW(call->arena, struct resample);
    bool corners = op_attr_bool(call, "align_corners");
    enum code code = resample_init(r, call, err);
    if (code || !r->row)
        return code;
    const float down = resize_scale(r->in_rows, r->rows, corners);
    const float along = resize_scale(r->in_columns, r->columns, corners);
    area_taps(r->row, r->rows, down);
    area_taps(r->column, r->columns, along);
    r->area = (float)(1.0 / (double)(down * along));
    return CODE_OK;
}

static float tap_weight(const struct taps *t, int64_t at)
{
    return at == t->at[0] ? t->weight[0] : at == t->at[1] ? t->weight[1] : 1;
}

/* The columns of one input row, weighted and summed, times the row's weight, added to `out`. */
static void area_add_row(const struct resample *r, const float *row, float weight, float *out)
{
    for (int64_t i = 0; i < r->columns * r->channels; i++) {
        const struct taps *x = &r->column[i / r->channels];
        int64_t channel = i % r->channels;
        float sum = 0;
        for (int64_t at = x->at[0]; at <= x->at[1]; at++)
            sum += row[clamp(at, r->in_columns) * r->channels + channel] * tap_weight(x, at);
        out[i] += sum * weight;
    }
}

static enum code area_run(struct op_call *call, struct error *err)
{
    const struct resample *r = call->state;
    char *scratch = call->scratch;
    (void)err;
    if (!tensor_elements(call->out[0]))
        return CODE_OK;
    const float *images = floats_of(call->in[0], &scratch);
    float *out = call->out[0]->data;
    int64_t line = r->in_columns * r->channels, out_line = r->columns * r->channels;
    for (int64_t i = 0; i < r->batch * r->rows; i++, out += out_line) {
        const float *image = images + i / r->rows * r->in_rows * line;
        const struct taps *y = &r->row[i % r->rows];
        memset(out, 0, (size_t)out_line * sizeof *out);
        for (int64_t at = y->at[0]; at <= y->at[1]; at++)
            area_add_row(r, image + clamp(at, r->in_rows) * line, tap_weight(y, at), out);
        for (int64_t k = 0; k < out_line; k++)
            out[k] *= r->area;
    }
    return CODE_OK;
}

const struct op op_ResizeBicubic = {
    .name = "ResizeBicubic",
    .inputs = "images:T size:int32",
    .outputs = "resized_images:float",
    .attrs = "T:type align_corners:bool=false half_pixel_centers:bool=false",
    .types = RESIZE_TYPES,
    .shape = resize_centred_shape,
    .prepare = cubic_prepare,
    .run = cubic_run,
};

const struct op op_ResizeArea = {
    .name = "ResizeArea",
    .inputs = "images:T size:int32",
    .outputs = "resized_images:float",
    .attrs = "T:type align_corners:bool=false",
    .types = RESIZE_TYPES,
    .shape = resize_shape,
    .prepare = area_prepare,
    .run = area_run,
};
