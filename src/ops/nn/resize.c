/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ResizeBilinear and ResizeNearestNeighbor: images [batch, rows, columns, channels] to the size
 * that input 1 says. Which input positions an output row or column takes is worked out once in
 * prepare(), in float, by TensorFlow's formulas: `align_corners` maps corner to corner,
 * `half_pixel_centers` maps the centres of pixels, neither maps upper left corners.
 */
#include "ops/nn/resize.h"

#include <math.h>

#include "ops/kernel.h"
#include "ops/nn/widen.h"

/* For one output row (or column): the two input rows and how far between them. */
struct blend {
    int64_t lower;
    int64_t upper;
    float part;
};

typedef void resize_fn(const struct op_call *call);

struct resize {
    int64_t batch, in_rows, in_columns, rows, columns, channels;
    struct blend *row;
    struct blend *column;
    /* Bilinear, for each element of an output row: the elements of input rows beside it. */
    int32_t *left;
    int32_t *right;
    float *part;
    resize_fn *fn;
};

enum code resize_shape_of(struct op_call *call, const char *name, struct error *err)
{
    const struct shape *in = &call->in[0]->shape, *size = &call->in[1]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (!op_call_known(call, 1)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    if (in->rank != 4)
        return error_set(err, CODE_INVALID_ARGUMENT, "input must be 4-dimensional%s",
                         shape_text(in, text));
    if (size->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s must be 1-dimensional%s", name,
                         shape_text(size, text));
    if (size->dims[0] != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s must have two elements%s", name,
                         shape_text(size, text));
    struct shape out = {
        .rank = 4,
        .dims = {in->dims[0], tensor_int(call->in[1], 0), tensor_int(call->in[1], 1), in->dims[3]},
    };
    if (out.dims[1] <= 0 || out.dims[2] <= 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "output dimensions must be positive");
    if (!in->dims[3])
        return error_set(err, CODE_INVALID_ARGUMENT, "image must have at least one channel");
    if (!in->dims[1] || !in->dims[2])
        return error_set(err, CODE_INVALID_ARGUMENT, "input image must be of non-zero size");
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

enum code resize_shape(struct op_call *call, struct error *err)
{
    return resize_shape_of(call, "shape_t", err);
}

enum code resize_centred_shape(struct op_call *call, struct error *err)
{
    if (op_attr_bool(call, "align_corners") && op_attr_bool(call, "half_pixel_centers"))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "If half_pixel_centers is True, align_corners must be False.");
    return resize_shape(call, err);
}

float resize_scale(int64_t in, int64_t out, bool corners)
{
    if (corners && in > 1 && out > 1)
        return (float)(in - 1) / (float)(out - 1);
    return (float)in / (float)out;
}

static int64_t clamp(int64_t at, int64_t size)
{
    return at < 0 ? 0 : at >= size ? size - 1 : at;
}

static void linear_blends(const struct op_call *call, struct blend *blends, int64_t in, int64_t out)
{
    float scale = resize_scale(in, out, op_attr_bool(call, "align_corners"));
    bool half = op_attr_bool(call, "half_pixel_centers");
    for (int64_t i = 0; i < out; i++) {
        float at = half ? ((float)i + 0.5f) * scale - 0.5f : (float)i * scale;
        float floor_at = floorf(at);
        blends[i] = (struct blend){
            .lower = clamp((int64_t)floor_at, in),
            .upper = clamp((int64_t)ceilf(at), in),
            .part = at - floor_at,
        };
    }
}

static void nearest_blends(const struct op_call *call, struct blend *blends, int64_t in,
                           int64_t out)
{
    bool corners = op_attr_bool(call, "align_corners");
    bool half = op_attr_bool(call, "half_pixel_centers");
    float scale = resize_scale(in, out, corners);
    for (int64_t i = 0; i < out; i++) {
        float at = half ? ((float)i + 0.5f) * scale : (float)i * scale;
        blends[i].lower = clamp((int64_t)(corners ? roundf(at) : floorf(at)), in);
    }
}

/* ---- bilinear: the result is float ---- */

static enum code spread_columns(struct resize *r, const struct op_call *call, struct error *err)
{
    int64_t count = r->columns * r->channels;
    enum code code = kernel_array(call, count, sizeof *r->left, &r->left, err);
    if (!code)
        code = kernel_array(call, count, sizeof *r->right, &r->right, err);
    if (!code)
        code = kernel_array(call, count, sizeof *r->part, &r->part, err);
    for (int64_t i = 0; !code && i < count; i++) {
        const struct blend *x = &r->column[i / r->channels];
        int64_t channel = i % r->channels;
        r->left[i] = (int32_t)(x->lower * r->channels + channel);
        r->right[i] = (int32_t)(x->upper * r->channels + channel);
        r->part[i] = x->part;
    }
    return code;
}

/* The two input rows of an output row and how far it is between them. */
struct rows {
    const void *top;
    const void *bottom;
    float part;
};

#define DEFINE_BILINEAR(qualifier, name, type, load)                                               \
    qualifier void blend_##name(const struct resize *r, const struct rows *rows, float *out)       \
    {                                                                                              \
        const type *top = rows->top, *bottom = rows->bottom;                                       \
        const int32_t *left = r->left, *right = r->right;                                          \
        const float *part = r->part;                                                               \
        const int64_t n = r->columns * r->channels;                                                \
        const float down = rows->part;                                                             \
        for (int64_t i = 0; i < n; i++) {                                                          \
            const float a = load(top[left[i]]), b = load(top[right[i]]);                           \
            const float d = load(bottom[left[i]]), e = load(bottom[right[i]]);                     \
            const float upper = a + (b - a) * part[i];                                             \
            const float lower = d + (e - d) * part[i];                                             \
            out[i] = upper + (lower - upper) * down;                                               \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void bilinear_##name(const struct op_call *call)                                        \
    {                                                                                              \
        const struct resize *r = call->state;                                                      \
        const type *image = call->in[0]->data;                                                     \
        float *out = call->out[0]->data;                                                           \
        const int64_t line = r->in_columns * r->channels;                                          \
        for (int64_t i = 0; i < r->batch * r->rows; i++) {                                         \
            const struct blend *y = &r->row[i % r->rows];                                          \
            const type *first = image + i / r->rows * r->in_rows * line;                           \
            struct rows rows = {first + y->lower * line, first + y->upper * line, y->part};        \
            blend_##name(r, &rows, out + i * r->columns * r->channels);                            \
        }                                                                                          \
    }

#define AS_FLOAT(v) ((float)(v))
#define TYPES(X)                                                                                   \
    X(KERNEL, float, float, AS_FLOAT)                                                              \
    X(static, double, double, AS_FLOAT)                                                            \
    X(static, int8, int8_t, AS_FLOAT)                                                              \
    X(KERNEL, uint8, uint8_t, AS_FLOAT)                                                            \
    X(static, int16, int16_t, AS_FLOAT)                                                            \
    X(static, uint16, uint16_t, AS_FLOAT)                                                          \
    X(static, int32, int32_t, AS_FLOAT)                                                            \
    X(static, int64, int64_t, AS_FLOAT)                                                            \
    X(static, half, uint16_t, dtype_half_to_float)                                                 \
    X(static, bfloat16, uint16_t, dtype_bfloat16_to_float)
TYPES(DEFINE_BILINEAR)

static resize_fn *const bilinear[DTYPE_COUNT] = {
    [DTYPE_FLOAT] = bilinear_float, [DTYPE_DOUBLE] = bilinear_double,
    [DTYPE_INT8] = bilinear_int8,   [DTYPE_UINT8] = bilinear_uint8,
    [DTYPE_INT16] = bilinear_int16, [DTYPE_UINT16] = bilinear_uint16,
    [DTYPE_INT32] = bilinear_int32, [DTYPE_INT64] = bilinear_int64,
    [DTYPE_HALF] = bilinear_half,   [DTYPE_BFLOAT16] = bilinear_bfloat16,
};

static enum code resize_init(struct resize *r, const struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape, *out = &call->out[0]->shape;
    *r = (struct resize){
        .batch = in->dims[0],
        .in_rows = in->dims[1],
        .in_columns = in->dims[2],
        .rows = out->dims[1],
        .columns = out->dims[2],
        .channels = out->dims[3],
    };
    enum code code = kernel_array(call, r->rows, sizeof *r->row, &r->row, err);
    return code ? code : kernel_array(call, r->columns, sizeof *r->column, &r->column, err);
}

static enum code bilinear_prepare(struct op_call *call, struct error *err)
{
    struct resize *r = ARENA_NEW(call->arena, struct resize);
    enum code code = resize_init(r, call, err);
    if (code)
        return code;
    linear_blends(call, r->row, r->in_rows, r->rows);
    linear_blends(call, r->column, r->in_columns, r->columns);
    if (r->in_columns * r->channels > INT32_MAX)
        return error_set(err, CODE_UNIMPLEMENTED, "a row of an image has more than 2^31 elements");
    r->fn = bilinear[call->in[0]->dtype];
    call->state = r;
    return spread_columns(r, call, err);
}

static enum code bilinear_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct resize *r = call->state;
    r->fn(call);
    return CODE_OK;
}

/* ---- nearest: pixels are copied whole ---- */

static enum code nearest_prepare(struct op_call *call, struct error *err)
{
    struct resize *r = ARENA_NEW(call->arena, struct resize);
    enum code code = resize_init(r, call, err);
    if (code)
        return code;
    nearest_blends(call, r->row, r->in_rows, r->rows);
    nearest_blends(call, r->column, r->in_columns, r->columns);
    call->state = r;
    return CODE_OK;
}

static enum code nearest_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct resize *r = call->state;
    size_t pixel = (size_t)r->channels * dtype_size(call->in[0]->dtype);
    const char *image = call->in[0]->data;
    char *out = call->out[0]->data;
    for (int64_t i = 0; i < r->batch * r->rows; i++) {
        int64_t row = i / r->rows * r->in_rows + r->row[i % r->rows].lower;
        const char *line = image + (size_t)(row * r->in_columns) * pixel;
        for (int64_t j = 0; j < r->columns; j++, out += pixel)
            memcpy(out, line + (size_t)r->column[j].lower * pixel, pixel);
    }
    return CODE_OK;
}

const struct op op_ResizeBilinear = {
    .name = "ResizeBilinear",
    .inputs = "images:T size:int32",
    .outputs = "resized_images:float",
    .attrs = "T:type align_corners:bool=false half_pixel_centers:bool=false",
    .types = RESIZE_TYPES,
    .shape = resize_centred_shape,
    .prepare = bilinear_prepare,
    .run = bilinear_run,
};

const struct op op_ResizeNearestNeighbor = {
    .name = "ResizeNearestNeighbor",
    .inputs = "images:T size:int32",
    .outputs = "resized_images:T",
    .attrs = "T:type align_corners:bool=false half_pixel_centers:bool=false",
    .types = RESIZE_TYPES,
    .shape = resize_centred_shape,
    .prepare = nearest_prepare,
    .run = nearest_run,
};
