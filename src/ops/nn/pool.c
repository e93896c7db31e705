/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MaxPool, MaxPoolV2, AvgPool: one number for each window. Padding takes no part: the largest of
 * what lies in the image, or its mean over as many elements. With a window over the channels
 * instead (MaxPool only) neighbouring channels are pooled.
 *
 * The loops go over output pixels; in NHWC the innermost one goes over the channels of a pixel,
 * which lie side by side. NaN: it loses against any number, as in TensorFlow's own loops.
 */
#include <float.h>
#include <math.h>

#include "ops/kernel.h"
#include "ops/nn/widen.h"
#include "ops/nn/window.h"

struct pool {
    struct window window;
    int64_t depth; /* channels in a window */
    int64_t out_channels;
    void (*run)(const struct pool *pool, struct op_call *call);
};

/* ---- sizes ---- */

static enum code check_rank(const struct op_call *call, const struct pool *p, struct error *err)
{
    if (call->in[0]->shape.rank != 4)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "tensor_in_shape must have 2 spatial dimensions. %d %d",
                         call->in[0]->shape.rank, p->window.channels_first ? 1 : 0);
    return CODE_OK;
}

static enum code check_outer(const struct op_call *call, const struct pool *p, int64_t batch_size,
                             struct error *err)
{
    const struct window *w = &p->window;
    bool spatial = w->kernel[WINDOW_ROWS] != 1 || w->kernel[WINDOW_COLUMNS] != 1;
    bool average = span_is(span_of(call->node->op->name), "AvgPool");
    if (batch_size != 1 || w->outer_strides[0] != 1)
        return error_set(err, CODE_UNIMPLEMENTED,
                         "Pooling is not yet supported on the batch dimension.");
    if (p->depth == 1)
        return CODE_OK;
    if (spatial)
        return error_set(err, CODE_UNIMPLEMENTED,
                         "MaxPooling supports exactly one of pooling across depth or pooling "
                         "across width/height.");
    if (average)
        return error_set(err, CODE_UNIMPLEMENTED,
                         "Non-spatial pooling is not yet supported. Volunteers? :)");
    int64_t channels = call->in[0]->shape.dims[window_channel_axis(w)];
    if (channels % p->depth)
        return error_set(err, CODE_UNIMPLEMENTED,
                         "Depthwise max pooling requires the depth window to evenly divide the "
                         "input depth");
    if (p->depth != w->outer_strides[1])
        return error_set(err, CODE_UNIMPLEMENTED,
                         "Depthwise max pooling requires the depth window to equal the depth "
                         "stride");
    return CODE_OK;
}

static enum code check_positive(const struct op_call *call, const int64_t ksize[4],
                                struct error *err)
{
    bool average = span_is(span_of(call->node->op->name), "AvgPool");
    for (int i = 0; i < 4; i++) {
        if (ksize[i] > 0 && ksize[i] <= INT32_MAX)
            continue;
        if (average)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "ksize must be a positive int32 value, got:%lld", (long long)ksize[i]);
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Sliding window ksize must be positive. The specified or inferred ksize "
                         "is: %lld,%lld,%lld,%lld",
                         (long long)ksize[0], (long long)ksize[1], (long long)ksize[2],
                         (long long)ksize[3]);
    }
    return CODE_OK;
}

/* Explicit padding that a window could lie in entirely. */
static enum code check_padding(const struct window *w, struct error *err)
{
    static const char *const names[WINDOW_DIMS][2] = {{"Top", "Bottom"}, {"Left", "Right"}};
    for (int d = 0; d < WINDOW_DIMS; d++) {
        const int64_t pads[] = {w->before[d], w->after[d]};
        for (int side = 0; side < 2; side++) {
            if (pads[side] >= w->kernel[d])
                return error_set(err, CODE_INVALID_ARGUMENT,
                                 "%s padding %lld needs to be smaller than the window size %lld",
                                 names[d][side], (long long)pads[side], (long long)w->kernel[d]);
        }
    }
    return CODE_OK;
}

/* The window is read but for the kernel's size, which this sets. */
static enum code fit(const struct op_call *call, struct pool *p, const int64_t ksize[4],
                     struct error *err)
{
    struct window *w = &p->window;
    enum code code = check_positive(call, ksize, err);
    if (code)
        return code;
    window_pick(w, ksize, w->kernel);
    code = check_padding(w, err);
    if (code)
        return code;
    p->depth = ksize[window_channel_axis(w)];
    code = check_rank(call, p, err);
    if (!code)
        code = check_outer(call, p, ksize[0], err);
    if (!code)
        code = window_fit(call, w, err);
    p->out_channels = w->channels / p->depth;
    return code;
}

static enum code pool_read(const struct op_call *call, struct pool *p, struct error *err)
{
    bool average = span_is(span_of(call->node->op->name), "AvgPool");
    const int64_t *ksize;
    size_t count = op_attr_ints(call, "ksize", &ksize);
    if (count != 4)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Sliding window ksize field must specify 4 dimensions");
    enum code code =
        window_read(call, WINDOW_STRIDES | (average ? 0u : WINDOW_EXPLICIT), &p->window, err);
    return code ? code : fit(call, p, ksize, err);
}

/* MaxPoolV2: ksize and strides are inputs. */
static enum code pool_v2_read(const struct op_call *call, struct pool *p, struct error *err)
{
    int64_t ksize[4], strides[4];
    if (tensor_elements(call->in[1]) != 4)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Sliding window ksize field must specify 4 dimensions");
    if (tensor_elements(call->in[2]) != 4)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Sliding window stride field must specify 4 dimensions");
    for (int i = 0; i < 4; i++) {
        ksize[i] = tensor_int(call->in[1], i);
        strides[i] = tensor_int(call->in[2], i);
    }
    enum code code = window_read(call, 0, &p->window, err);
    if (!code)
        code = window_set_strides(&p->window, strides, err);
    return code ? code : fit(call, p, ksize, err);
}

static enum code read_any(const struct op_call *call, struct pool *p, struct error *err)
{
    *p = (struct pool){0};
    return call->in_count == 3 ? pool_v2_read(call, p, err) : pool_read(call, p, err);
}

static enum code pool_shape(struct op_call *call, struct error *err)
{
    struct pool p;
    if (call->in_count == 3 && !(op_call_known(call, 1) && op_call_known(call, 2))) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    enum code code = read_any(call, &p, err);
    if (code)
        return code;
    struct shape out = window_shape(&p.window, p.out_channels);
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

/* ---- loops ---- */

/* The taps of one output pixel. */
struct taps {
    int64_t rows, columns;
    int64_t row_step, column_step;
    int64_t channel_step, out_channel_step;
    int64_t depth;
};

/* Calls pixel(taps, in, out, channels) for each output pixel with pointers to its window and to its
 * first channel. */
typedef void pixel_fn(const struct taps *taps, const void *in, void *out, int64_t channels);

static void pool_pixels(const struct pool *p, const char *in, char *out, size_t size,
                        pixel_fn *pixel)
{
    const struct window *w = &p->window;
    const struct window_steps from = window_steps(w, w->in, w->channels);
    const struct window_steps to = window_steps(w, w->out, p->out_channels);
    struct taps taps = {
        .row_step = from.row,
        .column_step = from.column,
        .channel_step = from.channel,
        .out_channel_step = to.channel,
        .depth = p->depth,
    };
    int64_t pixels = w->out[WINDOW_ROWS] * w->out[WINDOW_COLUMNS];
    for (int64_t i = 0; i < w->batch * pixels; i++) {
        int64_t image = i / pixels, row = i % pixels / w->out[WINDOW_COLUMNS];
        int64_t column = i % w->out[WINDOW_COLUMNS];
        int64_t y, y_from, y_to, x, x_from, x_to;
        window_range(w, WINDOW_ROWS, row, &y, &y_from, &y_to);
        window_range(w, WINDOW_COLUMNS, column, &x, &x_from, &x_to);
        taps.rows = y_to - y_from;
        taps.columns = x_to - x_from;
        int64_t first = image * from.image + (y + y_from) * from.row + (x + x_from) * from.column;
        int64_t result = image * to.image + row * to.row + column * to.column;
        if (!taps.rows || !taps.columns)
            first = 0;
        pixel(&taps, in + (size_t)first * size, out + (size_t)result * size, p->out_channels);
    }
}

/* Side by side channels; a window of them (depth) makes one. */
#define DEFINE_MAX(name, type, least, as_number)                                                   \
    static void max_row_##name(const type *restrict in, type *restrict out, int64_t n)             \
    {                                                                                              \
        for (int64_t c = 0; c < n; c++)                                                            \
            out[c] = as_number(in[c]) > as_number(out[c]) ? in[c] : out[c];                        \
    }                                                                                              \
    static void max_##name(const struct taps *t, const void *from, void *to, int64_t channels)     \
    {                                                                                              \
        const type *in = from;                                                                     \
        type *out = to;                                                                            \
        for (int64_t c = 0; c < channels; c++)                                                     \
            out[c * t->out_channel_step] = least;                                                  \
        bool together = t->depth == 1 && t->channel_step == 1;                                     \
        for (int64_t i = 0; i < t->rows * t->columns; i++) {                                       \
            const type *x = in + i / t->columns * t->row_step + i % t->columns * t->column_step;   \
            if (together) {                                                                        \
                max_row_##name(x, out, channels);                                                  \
                continue;                                                                          \
            }                                                                                      \
            for (int64_t c = 0; c < channels * t->depth; c++) {                                    \
                type *best = &out[c / t->depth * t->out_channel_step];                             \
                if (as_number(x[c * t->channel_step]) > as_number(*best))                          \
                    *best = x[c * t->channel_step];                                                \
            }                                                                                      \
        }                                                                                          \
    }

#define AS_IS(v) (v)
DEFINE_MAX(float, float, -FLT_MAX, AS_IS)
DEFINE_MAX(double, double, -DBL_MAX, AS_IS)
DEFINE_MAX(half, uint16_t, 0xfbff, dtype_half_to_float)
DEFINE_MAX(bfloat16, uint16_t, 0xff7f, dtype_bfloat16_to_float)
DEFINE_MAX(int8, int8_t, INT8_MIN, AS_IS)
DEFINE_MAX(int16, int16_t, INT16_MIN, AS_IS)
DEFINE_MAX(int32, int32_t, INT32_MIN, AS_IS)
DEFINE_MAX(int64, int64_t, INT64_MIN, AS_IS)
DEFINE_MAX(uint8, uint8_t, 0, AS_IS)
DEFINE_MAX(uint16, uint16_t, 0, AS_IS)

/* Channels side by side that are pooled together, their results in registers. */
enum { CHANNELS_TOGETHER = 32 };

#define DEFINE_TOGETHER(name, start, combine, finish)                                              \
    KERNEL void name##_together(const struct taps *t, const float *in, float *out,                 \
                                int64_t channels)                                                  \
    {                                                                                              \
        const float count = (float)(t->rows * t->columns);                                         \
        (void)count;                                                                               \
        for (int64_t first = 0; first < channels; first += CHANNELS_TOGETHER) {                    \
            float result[CHANNELS_TOGETHER];                                                       \
            for (int c = 0; c < CHANNELS_TOGETHER; c++)                                            \
                result[c] = start;                                                                 \
            for (int64_t i = 0; i < t->rows; i++) {                                                \
                const float *tap = in + first + i * t->row_step;                                   \
                for (int64_t j = 0; j < t->columns; j++, tap += t->column_step) {                  \
                    for (int c = 0; c < CHANNELS_TOGETHER; c++) {                                  \
                        const float x = tap[c];                                                    \
                        result[c] = combine(result[c], x);                                         \
                    }                                                                              \
                }                                                                                  \
            }                                                                                      \
            for (int c = 0; c < CHANNELS_TOGETHER; c++)                                            \
                out[first + c] = finish(result[c]);                                                \
        }                                                                                          \
    }

#define LARGER(best, x) ((x) > (best) ? (x) : (best))
#define SUM(sum, x)     ((sum) + (x))
#define MEAN(sum)       ((sum) / count)
DEFINE_TOGETHER(max, -FLT_MAX, LARGER, AS_IS)
DEFINE_TOGETHER(mean, 0, SUM, MEAN)

static int64_t together(const struct taps *t, int64_t channels)
{
    bool side_by_side = t->channel_step == 1 && t->depth == 1;
    return side_by_side ? channels / CHANNELS_TOGETHER * CHANNELS_TOGETHER : 0;
}

static void max_floats(const struct taps *t, const void *in, void *out, int64_t channels)
{
    int64_t done = together(t, channels);
    max_together(t, in, out, done);
    if (done < channels)
        max_float(t, (const float *)in + done, (float *)out + done, channels - done);
}

static pixel_fn *const max_pixels[DTYPE_COUNT] = {
    [DTYPE_FLOAT] = max_floats,      [DTYPE_DOUBLE] = max_double, [DTYPE_HALF] = max_half,
    [DTYPE_INT8] = max_int8,         [DTYPE_INT16] = max_int16,   [DTYPE_INT32] = max_int32,
    [DTYPE_INT64] = max_int64,       [DTYPE_UINT8] = max_uint8,   [DTYPE_UINT16] = max_uint16,
    [DTYPE_BFLOAT16] = max_bfloat16,
};

#define DEFINE_MEAN(type)                                                                          \
    static void sum_row_##type(const type *restrict in, type *restrict out, int64_t n)             \
    {                                                                                              \
        for (int64_t c = 0; c < n; c++)                                                            \
            out[c] += in[c];                                                                       \
    }                                                                                              \
    static void mean_##type(const struct taps *t, const void *from, void *to, int64_t channels)    \
    {                                                                                              \
        const type *in = from;                                                                     \
        type *out = to;                                                                            \
        int64_t count = t->rows * t->columns;                                                      \
        for (int64_t c = 0; c < channels; c++)                                                     \
            out[c * t->out_channel_step] = 0;                                                      \
        for (int64_t i = 0; i < count; i++) {                                                      \
            const type *x = in + i / t->columns * t->row_step + i % t->columns * t->column_step;   \
            if (t->channel_step == 1)                                                              \
                sum_row_##type(x, out, channels);                                                  \
            for (int64_t c = 0; t->channel_step != 1 && c < channels; c++)                         \
                out[c * t->out_channel_step] += x[c * t->channel_step];                            \
        }                                                                                          \
        for (int64_t c = 0; c < channels; c++)                                                     \
            out[c * t->out_channel_step] /= (type)count;                                           \
    }

DEFINE_MEAN(float)
DEFINE_MEAN(double)

static void mean_floats(const struct taps *t, const void *in, void *out, int64_t channels)
{
    int64_t done = together(t, channels);
    mean_together(t, in, out, done);
    if (done < channels)
        mean_float(t, (const float *)in + done, (float *)out + done, channels - done);
}

static enum code pool_prepare(struct op_call *call, struct error *err)
{
    struct pool *p = ARENA_NEW(call->arena, struct pool);
    call->state = p;
    bool average = span_is(span_of(call->node->op->name), "AvgPool");
    if (average)
        call->scratch_size = widen_size(call->in[0]->dtype, tensor_elements(call->in[0])) +
                             widen_size(call->in[0]->dtype, tensor_elements(call->out[0]));
    return read_any(call, p, err);
}

static enum code max_pool_run(struct op_call *call, struct error *err)
{
    (void)err;
    enum dtype dtype = call->in[0]->dtype;
    pool_pixels(call->state, call->in[0]->data, call->out[0]->data, dtype_size(dtype),
                max_pixels[dtype]);
    return CODE_OK;
}

static enum code avg_pool_run(struct op_call *call, struct error *err)
{
    (void)err;
    if (call->in[0]->dtype == DTYPE_DOUBLE) {
        pool_pixels(call->state, call->in[0]->data, call->out[0]->data, sizeof(double),
                    mean_double);
        return CODE_OK;
    }
    char *scratch = call->scratch;
    const float *in = widen_input(call->in[0], &scratch);
    float *out = widen_output(call->out[0], &scratch);
    pool_pixels(call->state, (const char *)in, (char *)out, sizeof(float), mean_floats);
    widen_finish(call->out[0], out);
    return CODE_OK;
}

#define MAX_POOL_TYPES                                                                             \
    (OP_TYPES_FLOAT | OP_TYPE(DTYPE_INT8) | OP_TYPE(DTYPE_INT16) | OP_TYPE(DTYPE_INT32) |          \
     OP_TYPE(DTYPE_INT64) | OP_TYPE(DTYPE_UINT8) | OP_TYPE(DTYPE_UINT16))

const struct op op_MaxPool = {
    .name = "MaxPool",
    .inputs = "input:T",
    .outputs = "output:T",
    .attrs = "T:type=float ksize:list(int) strides:list(int) padding:string "
             "explicit_paddings:list(int)=[] data_format:string='NHWC'",
    .types = MAX_POOL_TYPES,
    .shape = pool_shape,
    .prepare = pool_prepare,
    .run = max_pool_run,
};

const struct op op_MaxPoolV2 = {
    .name = "MaxPoolV2",
    .inputs = "input:T ksize:int32 strides:int32",
    .outputs = "output:T",
    .attrs = "T:type=float padding:string data_format:string='NHWC'",
    .types = MAX_POOL_TYPES,
    .shape = pool_shape,
    .prepare = pool_prepare,
    .run = max_pool_run,
};

const struct op op_AvgPool = {
    .name = "AvgPool",
    .inputs = "value:T",
    .outputs = "output:T",
    .attrs = "ksize:list(int) strides:list(int) padding:string data_format:string='NHWC' T:type",
    .types = OP_TYPES_FLOAT,
    .shape = pool_shape,
    .prepare = pool_prepare,
    .run = avg_pool_run,
};
