/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ImageProjectiveTransformV2 and V3: for each output pixel (x, y) the pixel of the image at
 *
 *     ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k)      k = c0 x + c1 y + 1
 *
 * with the eight numbers a0 a1 a2 b0 b1 b2 c0 c1 of a transform, one for each image or for all;
 * nearest or bilinear. fill_mode says what there is beyond the image.
 */
#include <math.h>

#include "ops/kernel.h"

typedef float map_fn(float at, int64_t size);

struct projective {
    int64_t batch, in_rows, in_columns, rows, columns, channels;
    bool bilinear;
    map_fn *map;
};

/* ---- beyond the image ---- */

/* A float as an integer; what is none that fits is the lowest, as processors say it. */
static int64_t whole(float x)
{
    return fabsf(x) < 0x1p63f ? (int64_t)x : INT64_MIN;
}

static float clamped(float at, int64_t size)
{
    const float last = (float)(size - 1);
    at = at < 0 ? 0 : at;
    return last < at ? last : at;
}

/* dcba|abcd|dcba */
static float map_reflect(float at, int64_t size)
{
    const float n = (float)size, period = (float)(2 * size);
    if (size <= 1)
        return at < 0 || at > n - 1 ? 0 : clamped(at, size);
    if (at < 0) {
        at = (float)whole(-at / period) * period + at;
        at = at < -n ? at + period : -at - 1;
    } else if (at > n - 1) {
        at -= (float)whole(at / period) * period;
        if (at >= n)
            at = period - at - 1;
    }
    return clamped(at, size);
}

/* abcd|abcd|abcd */
static float map_wrap(float at, int64_t size)
{
    const float n = (float)size, last = (float)(size - 1);
    if (size <= 1)
        return at < 0 || at > last ? 0 : clamped(at, size);
    if (at < 0)
        at += n * ((float)whole(-at / last) + 1);
    else if (at > last)
        at -= n * (float)whole(at / last);
    return clamped(at, size);
}

static float map_constant(float at, int64_t size)
{
    (void)size;
    return at;
}

static map_fn *map_of(struct span mode)
{
    static const struct {
        const char *name;
        map_fn *map;
    } modes[] = {
        {"REFLECT", map_reflect},
        {"WRAP", map_wrap},
        {"CONSTANT", map_constant},
        {"NEAREST", clamped},
    };
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (span_is(mode, modes[i].name))
            return modes[i].map;
    }
    return NULL;
}

/* ---- checks ---- */

static enum code check_transform(const struct op_call *call, struct error *err)
{
    const struct shape *images = &call->in[0]->shape, *transform = &call->in[1]->shape;
    if (images->rank != 4)
        return error_set(err, CODE_INVALID_ARGUMENT, "Input images must have rank 4");
    bool fits = transform->rank == 2 && transform->dims[1] == 8 &&
                (transform->dims[0] == 1 || transform->dims[0] == images->dims[0]);
    if (!fits)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input transform should be num_images x 8 or 1 x 8");
    return CODE_OK;
}

static enum code check_size(const struct op_call *call, struct error *err)
{
    const struct shape *size = &call->in[2]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (size->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "output shape must be 1-dimensional%s",
                         shape_text(size, text));
    if (size->dims[0] != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "output shape must have two elements%s",
                         shape_text(size, text));
    if (call->in_count > 3 && call->in[3]->shape.rank && op_call_known(call, 2) &&
        tensor_int(call->in[2], 0) > 0 && tensor_int(call->in[2], 1) > 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "fill_value must be a scalar%s",
                         shape_text(&call->in[3]->shape, text));
    return CODE_OK;
}

static enum code check_attrs(const struct op_call *call, struct error *err)
{
    struct span interpolation = op_attr_string(call, "interpolation");
    struct span mode = op_attr_string(call, "fill_mode");
    if (!span_is(interpolation, "NEAREST") && !span_is(interpolation, "BILINEAR"))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Invalid interpolation %.*s. Supported types: NEAREST, BILINEAR",
                         SPAN_ARG(interpolation));
    if (!map_of(mode))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Invalid mode %.*s. Supported types: REFLECT, WRAP, CONSTANT, NEAREST",
                         SPAN_ARG(mode));
    return CODE_OK;
}

static enum code projective_shape(struct op_call *call, struct error *err)
{
    enum code code = check_attrs(call, err);
    if (!code)
        code = check_transform(call, err);
    if (!code)
        code = check_size(call, err);
    if (code)
        return code;
    if (!op_call_known(call, 2)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    struct shape out = call->in[0]->shape;
    out.dims[1] = tensor_int(call->in[2], 0);
    out.dims[2] = tensor_int(call->in[2], 1);
    if (out.dims[1] <= 0 || out.dims[2] <= 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "output dimensions must be positive");
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code projective_prepare(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape, *out = &call->out[0]->shape;
    struct projective *p = ARENA_NEW(call->arena, struct projective);
    (void)err;
    *p = (struct projective){
        .batch = in->dims[0],
        .in_rows = in->dims[1],
        .in_columns = in->dims[2],
        .rows = out->dims[1],
        .columns = out->dims[2],
        .channels = out->dims[3],
        .bilinear = span_is(op_attr_string(call, "interpolation"), "BILINEAR"),
        .map = map_of(op_attr_string(call, "fill_mode")),
    };
    call->state = p;
    return CODE_OK;
}

/* ---- pixels ---- */

/* Where output pixel (row, column) comes from, which may be outside; false: from nowhere. */
static bool source_of(const struct projective *p, const float t[8], int64_t row, int64_t column,
                      float at[2])
{
    const float x = (float)column, y = (float)row;
    const float k = t[6] * x + t[7] * y + 1;
    if (k == 0)
        return false;
    at[0] = p->map((t[3] * x + t[4] * y + t[5]) / k, p->in_rows);
    at[1] = p->map((t[0] * x + t[1] * y + t[2]) / k, p->in_columns);
    return true;
}

/* Index of the pixel's first channel; -1: outside. */
static int64_t pixel_at(const struct projective *p, float y, float x)
{
    int64_t row = whole(y), column = whole(x);
    if (row < 0 || row >= p->in_rows || column < 0 || column >= p->in_columns)
        return -1;
    return (row * p->in_columns + column) * p->channels;
}

/* The four pixels around a position, [row][column], and the weights of the second ones. */
struct corners {
    int64_t pixel[2][2];
    float down, along;
};

static struct corners corners_of(const struct projective *p, const float at[2])
{
    const float top = floorf(at[0]), left = floorf(at[1]);
    struct corners c = {.down = at[0] - top, .along = at[1] - left};
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 2; k++)
            c.pixel[i][k] = pixel_at(p, top + (float)i, left + (float)k);
    }
    return c;
}

#define DEFINE_PROJECTIVE(name, type, load, store)                                                 \
    static float read_##name(const type *image, int64_t pixel, int64_t channel, type fill)         \
    {                                                                                              \
        return (float)load(pixel < 0 ? fill : image[pixel + channel]);                             \
    }                                                                                              \
                                                                                                   \
    static void blend_##name(const struct projective *p, const type *image, const float at[2],     \
                             type fill, type *out)                                                 \
    {                                                                                              \
        const struct corners c = corners_of(p, at);                                                \
        const float up = floorf(at[0]) + 1 - at[0], back = floorf(at[1]) + 1 - at[1];              \
        for (int64_t i = 0; i < p->channels; i++) {                                                \
            const float above = back * read_##name(image, c.pixel[0][0], i, fill) +                \
                                c.along * read_##name(image, c.pixel[0][1], i, fill);              \
            const float below = back * read_##name(image, c.pixel[1][0], i, fill) +                \
                                c.along * read_##name(image, c.pixel[1][1], i, fill);              \
            out[i] = (type)store(up * above + c.down * below);                                     \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void image_##name(const struct projective *p, const void *vimage, const float t[8],     \
                             float filling, void *vout)                                            \
    {                                                                                              \
        const type *image = vimage, fill = (type)store(filling);                                   \
        type *out = vout;                                                                          \
        for (int64_t n = 0; n < p->rows * p->columns; n++, out += p->channels) {                   \
            float at[2];                                                                           \
            bool there = source_of(p, t, n / p->columns, n % p->columns, at);                      \
            if (there && p->bilinear) {                                                            \
                blend_##name(p, image, at, fill, out);                                             \
                continue;                                                                          \
            }                                                                                      \
            int64_t pixel = there ? pixel_at(p, roundf(at[0]), roundf(at[1])) : -1;                \
            for (int64_t i = 0; i < p->channels; i++)                                              \
                out[i] = pixel < 0 ? fill : image[pixel + i];                                      \
        }                                                                                          \
    }

#define AS_IS(v) (v)
DEFINE_PROJECTIVE(uint8, uint8_t, AS_IS, whole)
DEFINE_PROJECTIVE(int32, int32_t, AS_IS, whole)
DEFINE_PROJECTIVE(int64, int64_t, AS_IS, whole)
DEFINE_PROJECTIVE(float, float, AS_IS, AS_IS)
DEFINE_PROJECTIVE(double, double, AS_IS, AS_IS)
DEFINE_PROJECTIVE(half, uint16_t, dtype_half_to_float, dtype_half_from_float)
DEFINE_PROJECTIVE(bfloat16, uint16_t, dtype_bfloat16_to_float, dtype_bfloat16_from_float)

static enum code projective_run(struct op_call *call, struct error *err)
{
    static void (*const images[DTYPE_COUNT])(const struct projective *, const void *, const float *,
                                             float, void *) = {
        [DTYPE_UINT8] = image_uint8,       [DTYPE_INT32] = image_int32,
        [DTYPE_INT64] = image_int64,       [DTYPE_FLOAT] = image_float,
        [DTYPE_DOUBLE] = image_double,     [DTYPE_HALF] = image_half,
        [DTYPE_BFLOAT16] = image_bfloat16,
    };
    const struct projective *p = call->state;
    size_t size = dtype_size(call->in[0]->dtype) * (size_t)p->channels;
    const float fill = call->in_count > 3 ? *TENSOR_AT(call->in[3], float) : 0;
    bool shared = call->in[1]->shape.dims[0] == 1;
    (void)err;
    for (int64_t i = 0; i < p->batch; i++)
        images[call->in[0]->dtype](
            p, (const char *)call->in[0]->data + (size_t)(i * p->in_rows * p->in_columns) * size,
            TENSOR_AT(call->in[1], float) + (shared ? 0 : 8 * i), fill,
            (char *)call->out[0]->data + (size_t)(i * p->rows * p->columns) * size);
    return CODE_OK;
}

#define PROJECTIVE_TYPES                                                                           \
    (OP_TYPES_FLOAT | OP_TYPE(DTYPE_UINT8) | OP_TYPE(DTYPE_INT32) | OP_TYPE(DTYPE_INT64))

const struct op op_ImageProjectiveTransformV2 = {
    .name = "ImageProjectiveTransformV2",
    .inputs = "images:dtype transforms:float output_shape:int32",
    .outputs = "transformed_images:dtype",
    .attrs = "dtype:type interpolation:string fill_mode:string='CONSTANT'",
    .types = PROJECTIVE_TYPES,
    .types_attr = "dtype",
    .shape = projective_shape,
    .prepare = projective_prepare,
    .run = projective_run,
};

const struct op op_ImageProjectiveTransformV3 = {
    .name = "ImageProjectiveTransformV3",
    .inputs = "images:dtype transforms:float output_shape:int32 fill_value:float",
    .outputs = "transformed_images:dtype",
    .attrs = "dtype:type interpolation:string fill_mode:string='CONSTANT'",
    .types = PROJECTIVE_TYPES,
    .types_attr = "dtype",
    .shape = projective_shape,
    .prepare = projective_prepare,
    .run = projective_run,
};
