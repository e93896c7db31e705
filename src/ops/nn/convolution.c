/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four ways to a convolution:
 *
 *   oneDNN     float images in NHWC by a constant filter, above ONEDNN_MACS_MIN multiplications per
 *              image (the batch has no say, so that it does not change an image's result).
 *   tile       float, half and bfloat16 images in NHWC: a row of the window is one run of floats
 *              in the image (columns and channels lie side by side), so that a convolution is the
 *              product of ops/nn/tile.h with several segments per row. An image that needs padding
 *              is copied with its border into scratch first. Groups are computed one by one.
 *   depthwise  the same types with one output per channel: a loop over the channels.
 *   reference  everything else.
 *
 * Scratch of a run: the widened in[0] and out[0], what ops/nn/filter.h takes, the padded image.
 */
#include "ops/nn/convolution.h"

#include <stdlib.h>

#include "engine/device/cpu/onednn.h"
#include "engine/pack.h"
#include "ops/kernel.h"
#include "ops/nn/tile.h"
#include "ops/nn/widen.h"

/* ---- plain loops ---- */

/* One output element: image, position, channel. */
struct position {
    int64_t image;
    int64_t row;
    int64_t column;
    int64_t channel;
};

#define DEFINE_REFERENCE(name, type, computed, load, store)                                        \
    static type element_##name(const struct convolution *c, const type *in, const type *filter,    \
                               const struct position *at)                                          \
    {                                                                                              \
        const struct window *w = &c->window;                                                       \
        const struct window_steps step = window_steps(w, w->in, w->channels);                      \
        const int64_t depth = w->channels / c->groups;                                             \
        const int64_t first = at->channel / (c->out_channels / c->groups) * depth;                 \
        const int64_t tap = c->depthwise ? c->out_channels : depth * c->out_channels;              \
        int64_t row, row_from, row_to, column, column_from, column_to;                             \
        computed sum = 0;                                                                          \
        window_range(w, WINDOW_ROWS, at->row, &row, &row_from, &row_to);                           \
        window_range(w, WINDOW_COLUMNS, at->column, &column, &column_from, &column_to);            \
        for (int64_t i = row_from; i < row_to; i++) {                                              \
            for (int64_t j = column_from; j < column_to; j++) {                                    \
                const type *x = in + at->image * step.image +                                      \
                                (row + i * w->dilation[WINDOW_ROWS]) * step.row +                  \
                                (column + j * w->dilation[WINDOW_COLUMNS]) * step.column +         \
                                first * step.channel;                                              \
                const type *f = filter + (i * w->kernel[WINDOW_COLUMNS] + j) * tap + at->channel;  \
                for (int64_t k = 0; k < depth; k++)                                                \
                    sum += (computed)load(x[k * step.channel]) *                                   \
                           (computed)load(f[k * c->out_channels]);                                 \
            }                                                                                      \
        }                                                                                          \
        return (type)store(sum);                                                                   \
    }                                                                                              \
                                                                                                   \
    static void reference_##name(const struct convolution *c, const struct op_call *call)          \
    {                                                                                              \
        const struct window *w = &c->window;                                                       \
        const struct window_steps step = window_steps(w, w->out, c->out_channels);                 \
        const type *in = call->in[0]->data, *filter = call->in[1]->data;                           \
        type *out = call->out[0]->data;                                                            \
        struct position at;                                                                        \
        for (at.image = 0; at.image < w->batch; at.image++) {                                      \
            for (at.row = 0; at.row < w->out[WINDOW_ROWS]; at.row++) {                             \
                for (at.column = 0; at.column < w->out[WINDOW_COLUMNS]; at.column++) {             \
                    type *to =                                                                     \
                        out + at.image * step.image + at.row * step.row + at.column * step.column; \
                    for (at.channel = 0; at.channel < c->out_channels; at.channel++)               \
                        to[at.channel * step.channel] = element_##name(c, in, filter, &at);        \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

#define AS_IS(v) (v)
DEFINE_REFERENCE(float, float, float, AS_IS, AS_IS)
DEFINE_REFERENCE(double, double, double, AS_IS, AS_IS)
DEFINE_REFERENCE(int32, int32_t, uint32_t, AS_IS, AS_IS)
DEFINE_REFERENCE(half, uint16_t, float, dtype_half_to_float, dtype_half_from_float)
DEFINE_REFERENCE(bfloat16, uint16_t, float, dtype_bfloat16_to_float, dtype_bfloat16_from_float)

bool convolution_reference(const struct convolution *c, struct op_call *call)
{
    static void (*const references[DTYPE_COUNT])(const struct convolution *,
                                                 const struct op_call *) = {
        [DTYPE_FLOAT] = reference_float,       [DTYPE_DOUBLE] = reference_double,
        [DTYPE_INT32] = reference_int32,       [DTYPE_HALF] = reference_half,
        [DTYPE_BFLOAT16] = reference_bfloat16,
    };
    references[call->in[0]->dtype](c, call);
    return true;
}

static const float *bias_of(const struct convolution *c, const struct op_call *call)
{
    return c->epilogue.bias_input < 0 ? NULL : call->in[c->epilogue.bias_input]->data;
}

/* ---- tile ---- */

enum { PADDED_ELEMENTS_MAX = 1 << 30 }; /* of one image; beyond, the plain loops need no copy */

/* Copies one image into the middle of a zero border. */
static const float *pad_image(const struct convolution *c, const float *image, float *to)
{
    const struct window *w = &c->window;
    int64_t width = c->padded[WINDOW_COLUMNS] * w->channels;
    int64_t in_width = w->in[WINDOW_COLUMNS] * w->channels;
    int64_t left = w->before[WINDOW_COLUMNS] * w->channels;
    for (int64_t row = 0; row < c->padded[WINDOW_ROWS]; row++, to += width) {
        int64_t source = row - w->before[WINDOW_ROWS];
        if (source < 0 || source >= w->in[WINDOW_ROWS]) {
            memset(to, 0, (size_t)width * sizeof *to);
            continue;
        }
        memset(to, 0, (size_t)left * sizeof *to);
        memcpy(to + left, image + source * in_width, (size_t)in_width * sizeof *to);
        memset(to + left + in_width, 0, (size_t)(width - left - in_width) * sizeof *to);
    }
    return to - width * c->padded[WINDOW_ROWS];
}

static bool needs_padding(const struct convolution *c)
{
    const struct window *w = &c->window;
    return c->padded[WINDOW_ROWS] != w->in[WINDOW_ROWS] ||
           c->padded[WINDOW_COLUMNS] != w->in[WINDOW_COLUMNS];
}

/* Rows of windows that lie one behind the other are one run of the product. */
static void tile_image(const struct convolution *c, const float *image, float *out,
                       const struct tile_rows *like, const float *packed)
{
    const struct window *w = &c->window;
    int64_t group = c->out_channels / c->groups, depth = w->channels / c->groups;
    int64_t in_row = w->stride[WINDOW_ROWS] * c->padded[WINDOW_COLUMNS] * w->channels;
    int64_t out_row = w->out[WINDOW_COLUMNS] * c->out_channels;
    bool joined = w->out[WINDOW_COLUMNS] * like->in_step == in_row;
    int64_t runs = joined ? 1 : w->out[WINDOW_ROWS];
    struct tile_rows rows = *like;
    rows.rows = joined ? w->out[WINDOW_ROWS] * w->out[WINDOW_COLUMNS] : w->out[WINDOW_COLUMNS];
    for (int64_t i = 0; i < runs; i++) {
        for (int64_t g = 0; g < c->groups; g++) {
            rows.in = image + i * in_row + g * depth;
            rows.out = out + i * out_row + g * group;
            rows.bias = like->bias ? like->bias + g * group : NULL;
            tile_run(&rows, packed + (size_t)g * c->filter.packed_floats);
        }
        epilogue_run(&c->epilogue, NULL, out + i * out_row, rows.rows, c->out_channels);
    }
}

static bool run_tile(const struct convolution *c, struct op_call *call)
{
    const struct window *w = &c->window;
    char *scratch = call->scratch;
    const float *in = widen_input(call->in[0], &scratch);
    float *out = widen_output(call->out[0], &scratch);
    const float *packed = filter_packed(&c->filter, call, &scratch);
    struct tile_rows rows = {
        .in_step = w->stride[WINDOW_COLUMNS] * w->channels,
        .out_step = c->out_channels,
        .offsets = c->offsets,
        .segments = c->segments,
        .length = c->length,
        .n = c->out_channels / c->groups,
        .bias = bias_of(c, call),
    };
    int64_t in_size = w->in[WINDOW_ROWS] * w->in[WINDOW_COLUMNS] * w->channels;
    int64_t out_size = w->out[WINDOW_ROWS] * w->out[WINDOW_COLUMNS] * c->out_channels;
    for (int64_t i = 0; i < w->batch; i++) {
        const float *image = in + i * in_size;
        if (needs_padding(c))
            image = pad_image(c, image, (float *)scratch);
        tile_image(c, image, out + i * out_size, &rows, packed);
    }
    widen_finish(call->out[0], out);
    return true;
}

/* The segments of a window: whole rows when columns lie side by side, else single pixels. */
static void find_segments(struct convolution *c, struct arena *arena)
{
    const struct window *w = &c->window;
    int64_t depth = w->channels / c->groups;
    bool whole = w->dilation[WINDOW_COLUMNS] == 1 && c->groups == 1;
    int64_t per_row = whole ? 1 : w->kernel[WINDOW_COLUMNS];
    c->segments = w->kernel[WINDOW_ROWS] * per_row;
    c->length = whole ? w->kernel[WINDOW_COLUMNS] * depth : depth;
    int64_t *offsets = ARENA_ARRAY(arena, int64_t, (size_t)c->segments);
    for (int64_t s = 0; s < c->segments; s++) {
        int64_t row = s / per_row * w->dilation[WINDOW_ROWS];
        int64_t column = s % per_row * w->dilation[WINDOW_COLUMNS];
        offsets[s] = (row * c->padded[WINDOW_COLUMNS] + column) * w->channels;
    }
    c->offsets = offsets;
}

/* The padded image is as large as the windows reach, at least the image itself. */
static void find_padded_size(struct convolution *c)
{
    const struct window *w = &c->window;
    for (int d = 0; d < WINDOW_DIMS; d++) {
        int64_t reach = (w->out[d] - 1) * w->stride[d] + (w->kernel[d] - 1) * w->dilation[d] + 1;
        c->padded[d] = w->before[d] + w->in[d];
        if (reach > c->padded[d])
            c->padded[d] = reach;
    }
}

/* Explicit padding with a wide stride can ask for far more than the result takes. */
static bool padded_size_fits(const struct convolution *c)
{
    int64_t elements;
    return !__builtin_mul_overflow(c->padded[WINDOW_ROWS], c->padded[WINDOW_COLUMNS], &elements) &&
           !__builtin_mul_overflow(elements, c->window.channels, &elements) &&
           elements <= PADDED_ELEMENTS_MAX;
}

static bool prepare_tile(struct convolution *c, struct op_call *call)
{
    const struct window *w = &c->window;
    enum dtype dtype = call->in[0]->dtype;
    int64_t group = c->out_channels / c->groups;
    find_padded_size(c);
    if (needs_padding(c) && !padded_size_fits(c))
        return false;
    find_segments(c, call->arena);
    c->filter = (struct filter){
        .groups = c->groups,
        .group_step = group,
        .group = {.row_step = c->out_channels,
                  .column_step = 1,
                  .k = c->segments * c->length,
                  .n = group},
    };
    call->scratch_size = widen_size(dtype, tensor_elements(call->in[0])) +
                         widen_size(dtype, tensor_elements(call->out[0])) +
                         filter_prepare(&c->filter, call);
    if (needs_padding(c))
        call->scratch_size += tensor_align(
            (size_t)(c->padded[WINDOW_ROWS] * c->padded[WINDOW_COLUMNS] * w->channels) *
            sizeof(float));
    c->run = run_tile;
    return true;
}

/* ---- depthwise ---- */

enum { CHANNELS_TOGETHER = 64 };

struct taps {
    const float *in;     /* the first tap inside the image */
    const float *filter; /* and its weights */
    int64_t rows;
    int64_t columns;
    int64_t in_row, in_column; /* between taps */
    int64_t filter_row, filter_column;
};

/* sums[c] of 64 channels, or of fewer, for one output pixel. */
KERNEL void depthwise_64(const struct taps *t, int64_t first, const float *bias, float *out)
{
    float sums[CHANNELS_TOGETHER] = {0};
    for (int64_t i = 0; i < t->rows; i++) {
        const float *x = t->in + i * t->in_row + first;
        const float *f = t->filter + i * t->filter_row + first;
        for (int64_t j = 0; j < t->columns; j++, x += t->in_column, f += t->filter_column) {
            for (int k = 0; k < CHANNELS_TOGETHER; k++)
                sums[k] += x[k] * f[k];
        }
    }
    for (int k = 0; k < CHANNELS_TOGETHER; k++)
        out[first + k] = bias ? sums[k] + bias[first + k] : sums[k];
}

KERNEL void depthwise_16(const struct taps *t, int64_t first, const float *bias, float *out)
{
    float sums[16] = {0};
    for (int64_t i = 0; i < t->rows; i++) {
        const float *x = t->in + i * t->in_row + first;
        const float *f = t->filter + i * t->filter_row + first;
        for (int64_t j = 0; j < t->columns; j++, x += t->in_column, f += t->filter_column) {
            for (int k = 0; k < 16; k++)
                sums[k] += x[k] * f[k];
        }
    }
    for (int k = 0; k < 16; k++)
        out[first + k] = bias ? sums[k] + bias[first + k] : sums[k];
}

static void depthwise_1(const struct taps *t, int64_t channel, const float *bias, float *out)
{
    float sum = 0;
    for (int64_t i = 0; i < t->rows; i++) {
        const float *x = t->in + i * t->in_row + channel;
        const float *f = t->filter + i * t->filter_row + channel;
        for (int64_t j = 0; j < t->columns; j++)
            sum += x[j * t->in_column] * f[j * t->filter_column];
    }
    out[channel] = bias ? sum + bias[channel] : sum;
}

static void depthwise_pixel(const struct taps *t, int64_t channels, const float *bias, float *out)
{
    int64_t k = 0;
    for (; k + CHANNELS_TOGETHER <= channels; k += CHANNELS_TOGETHER)
        depthwise_64(t, k, bias, out);
    for (; k + 16 <= channels; k += 16)
        depthwise_16(t, k, bias, out);
    for (; k < channels; k++)
        depthwise_1(t, k, bias, out);
}

static void depthwise_row(const struct convolution *c, const float *image, const float *filter,
                          const float *bias, struct position at, float *out)
{
    const struct window *w = &c->window;
    const struct window_steps step = window_steps(w, w->in, w->channels);
    const int64_t filter_row = w->kernel[WINDOW_COLUMNS] * w->channels;
    int64_t row, row_from, row_to, column, column_from, column_to;
    window_range(w, WINDOW_ROWS, at.row, &row, &row_from, &row_to);
    for (at.column = 0; at.column < w->out[WINDOW_COLUMNS]; at.column++) {
        window_range(w, WINDOW_COLUMNS, at.column, &column, &column_from, &column_to);
        row += row_from * w->dilation[WINDOW_ROWS];
        struct taps taps = {
            .in = image + row * step.row +
                  (column + column_from * w->dilation[WINDOW_COLUMNS]) * step.column,
            .filter = filter + row_from * filter_row + column_from * w->channels,
            .rows = row_to - row_from,
            .columns = column_to - column_from,
            .in_row = w->dilation[WINDOW_ROWS] * step.row,
            .in_column = w->dilation[WINDOW_COLUMNS] * step.column,
            .filter_row = filter_row,
            .filter_column = w->channels,
        };
        row -= row_from * w->dilation[WINDOW_ROWS];
        depthwise_pixel(&taps, w->channels, bias, out + at.column * c->out_channels);
    }
}

static bool run_depthwise(const struct convolution *c, struct op_call *call)
{
    const struct window *w = &c->window;
    char *scratch = call->scratch;
    const float *in = widen_input(call->in[0], &scratch);
    float *out = widen_output(call->out[0], &scratch);
    const float *filter = widen_input(call->in[1], &scratch);
    const struct window_steps step = window_steps(w, w->in, w->channels);
    int64_t out_row = w->out[WINDOW_COLUMNS] * c->out_channels;
    float *to = out;
    struct position at = {0};
    for (at.image = 0; at.image < w->batch; at.image++) {
        for (at.row = 0; at.row < w->out[WINDOW_ROWS]; at.row++, to += out_row) {
            depthwise_row(c, in + at.image * step.image, filter, bias_of(c, call), at, to);
            epilogue_run(&c->epilogue, NULL, to, w->out[WINDOW_COLUMNS], c->out_channels);
        }
    }
    widen_finish(call->out[0], out);
    return true;
}

static void prepare_depthwise(struct convolution *c, struct op_call *call)
{
    enum dtype dtype = call->in[0]->dtype;
    call->scratch_size = widen_size(dtype, tensor_elements(call->in[0])) +
                         widen_size(dtype, tensor_elements(call->out[0])) +
                         widen_size(dtype, tensor_elements(call->in[1]));
    c->run = run_depthwise;
}

/* ---- oneDNN ---- */

enum {
    /* Below, calling the library costs more than it gains: measured on AVX-512, where the two meet
       between 30 and 100 thousand. */
    ONEDNN_MACS_MIN = 64 << 10,
};

static bool run_onednn(const struct convolution *c, struct op_call *call)
{
    const struct window *w = &c->window;
    struct onednn_run run = {
        .in = call->in[0]->data,
        .packed = c->onednn_weights,
        .bias = bias_of(c, call),
        .out = call->out[0]->data,
        .scratch = call->scratch,
    };
    struct epilogue rest = c->epilogue;
    if (!onednn_convolution_run(c->onednn, &run))
        return false;
    if (rest.activation == ACTIVATION_RELU || rest.activation == ACTIVATION_RELU6)
        rest.activation = ACTIVATION_NONE;
    int64_t pixels = w->batch * w->out[WINDOW_ROWS] * w->out[WINDOW_COLUMNS];
    epilogue_run(&rest, NULL, run.out, pixels, c->out_channels);
    return true;
}

static struct onednn_shape onednn_shape_of(const struct convolution *c)
{
    const struct window *w = &c->window;
    struct onednn_shape shape = {
        .batch = w->batch,
        .groups = c->groups,
        .in_channels = w->channels,
        .out_channels = c->out_channels,
        .has_bias = c->epilogue.bias_input >= 0,
        .activation = c->epilogue.activation == ACTIVATION_RELU    ? ONEDNN_RELU
                      : c->epilogue.activation == ACTIVATION_RELU6 ? ONEDNN_RELU6
                                                                   : ONEDNN_NONE,
    };
    for (int d = 0; d < WINDOW_DIMS; d++) {
        shape.in[d] = w->in[d];
        shape.out[d] = w->out[d];
        shape.kernel[d] = w->kernel[d];
        shape.stride[d] = w->stride[d];
        shape.dilation[d] = w->dilation[d];
        /* What the windows reach; the rest of an explicit padding is never read. */
        int64_t reach = (w->out[d] - 1) * w->stride[d] + (w->kernel[d] - 1) * w->dilation[d] + 1;
        shape.before[d] = w->before[d];
        shape.after[d] = reach - w->in[d] - w->before[d];
    }
    return shape;
}

struct onednn_packing {
    const struct onednn_convolution *convolution;
    const float *filter;
};

static bool pack_for_onednn(void *to, size_t size, void *context)
{
    const struct onednn_packing *p = context;
    (void)size;
    return onednn_pack(p->convolution, p->filter, to);
}

/* The key is the filter's address and the layout that the library wants. */
static const void *packed_for_onednn(const struct convolution *c, struct op_call *call)
{
    size_t layout_size;
    const void *layout = onednn_layout(c->onednn, &layout_size);
    const void *filter = call->in[1]->data;
    char *key = arena_alloc(call->arena, sizeof filter + layout_size);
    memcpy(key, &filter, sizeof filter);
    memcpy(key + sizeof filter, layout, layout_size);
    struct onednn_packing packing = {c->onednn, filter};
    return pack_cache_get(call->pack, span_make(key, sizeof filter + layout_size),
                          onednn_packed_size(c->onednn), pack_for_onednn, &packing);
}

bool convolution_prepare_onednn(struct convolution *c, struct op_call *call)
{
    if (call->in[0]->dtype != DTYPE_FLOAT || c->window.channels_first ||
        !filter_is_constant(call) || !tensor_elements(call->out[0]) || !c->window.channels)
        return false;
    struct onednn_shape shape = onednn_shape_of(c);
    c->onednn = onednn_convolution_new(&shape);
    if (!c->onednn)
        return false;
    arena_defer(call->arena, (arena_defer_fn *)onednn_convolution_free, c->onednn);
    c->onednn_weights = packed_for_onednn(c, call);
    call->scratch_size = onednn_scratch_size(c->onednn);
    c->run = run_onednn;
    return c->onednn_weights;
}

/* ---- choice ---- */

bool convolution_prepare_own(struct convolution *c, struct op_call *call)
{
    enum dtype dtype = call->in[0]->dtype;
    bool floats = dtype == DTYPE_FLOAT || widen_is_needed(dtype);
    if (!floats || !tensor_elements(call->out[0]) || c->window.channels_first)
        return false;
    if (!c->depthwise)
        return prepare_tile(c, call);
    if (c->out_channels == c->window.channels)
        prepare_depthwise(c, call);
    return c->out_channels == c->window.channels;
}

/* The plain loops with what follows; only float in NHWC has any (engine/passes/fuse.c). */
static bool run_plain(const struct convolution *c, struct op_call *call)
{
    convolution_reference(c, call);
    if (call->in[0]->dtype == DTYPE_FLOAT && c->out_channels)
        epilogue_run(&c->epilogue, bias_of(c, call), call->out[0]->data,
                     tensor_elements(call->out[0]) / c->out_channels, c->out_channels);
    return true;
}

static bool is_large(const struct convolution *c)
{
    const struct window *w = &c->window;
    double pixels = (double)w->out[WINDOW_ROWS] * (double)w->out[WINDOW_COLUMNS];
    double taps = (double)w->kernel[WINDOW_ROWS] * (double)w->kernel[WINDOW_COLUMNS] *
                  (double)(w->channels / c->groups);
    return pixels * taps * (double)c->out_channels >= ONEDNN_MACS_MIN;
}

enum code convolution_prepare(struct convolution *c, struct op_call *call, struct error *err)
{
    (void)err;
    /* With one channel there is nothing to keep apart. */
    if (c->depthwise && c->window.channels == 1)
        c->depthwise = false;
    bool prepared =
        tensor_elements(call->out[0]) && is_large(c) && convolution_prepare_onednn(c, call);
    if (!prepared && !convolution_prepare_own(c, call))
        c->run = run_plain;
    return CODE_OK;
}

enum code convolution_run(const struct convolution *c, struct op_call *call, struct error *err)
{
    if (!c->run(c, call))
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM when preparing a convolution");
    return CODE_OK;
}
