/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CropAndResize: out of images [batch, rows, columns, channels] the boxes (y1, x1, y2, x2; 0 and 1
 * are the centres of the outermost pixels) of the images that box_ind names, each resized to
 * crop_size. What lies outside the image is extrapolation_value.
 */
#include <math.h>

#include "ops/image/floats.h"
#include "ops/kernel.h"

struct crop {
    int64_t batch, in_rows, in_columns, channels;
    int64_t boxes, rows, columns;
    float outside;
    bool nearest;
};

static enum code check_boxes(const struct op_call *call, struct error *err)
{
    const struct shape *boxes = &call->in[1]->shape, *indices = &call->in[2]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (boxes->rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "boxes must be 2-D, got: %s",
                         shape_text(boxes, text));
    if (indices->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "box_indices must be rank 1 but is shape %s",
                         shape_text(indices, text));
    if (!tensor_elements(call->in[1]) && !indices->dims[0])
        return CODE_OK;
    if (boxes->dims[1] != 4)
        return error_set(err, CODE_INVALID_ARGUMENT, "boxes must have 4 columns");
    if (indices->dims[0] != boxes->dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT, "box_index has incompatible shape");
    return CODE_OK;
}

static enum code check_inputs(const struct op_call *call, struct error *err)
{
    const struct shape *image = &call->in[0]->shape, *size = &call->in[3]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (image->rank != 4)
        return error_set(err, CODE_INVALID_ARGUMENT, "input image must be 4-D%s",
                         shape_text(image, text));
    if (!image->dims[1] || !image->dims[2])
        return error_set(err, CODE_INVALID_ARGUMENT, "image dimensions must be positive");
    enum code code = check_boxes(call, err);
    if (code)
        return code;
    if (size->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "crop_size must be 1-D%s",
                         shape_text(size, text));
    if (size->dims[0] != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "crop_size must have two elements%s",
                         shape_text(size, text));
    return CODE_OK;
}

static enum code crop_shape(struct op_call *call, struct error *err)
{
    struct span method = op_attr_string(call, "method");
    if (!span_is(method, "bilinear") && !span_is(method, "nearest"))
        return error_set(err, CODE_INVALID_ARGUMENT, "method must be 'bilinear' or 'nearest'%.*s",
                         SPAN_ARG(method));
    enum code code = check_inputs(call, err);
    if (code)
        return code;
    if (!op_call_known(call, 3)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    struct shape out = {
        .rank = 4,
        .dims = {call->in[2]->shape.dims[0], tensor_int(call->in[3], 0), tensor_int(call->in[3], 1),
                 call->in[0]->shape.dims[3]},
    };
    if (out.dims[1] <= 0 || out.dims[2] <= 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "crop dimensions must be positive");
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code crop_prepare(struct op_call *call, struct error *err)
{
    const struct shape *image = &call->in[0]->shape, *out = &call->out[0]->shape;
    struct crop *c = ARENA_NEW(call->arena, struct crop);
    (void)err;
    *c = (struct crop){
        .batch = image->dims[0],
        .in_rows = image->dims[1],
        .in_columns = image->dims[2],
        .channels = image->dims[3],
        .boxes = out->dims[0],
        .rows = out->dims[1],
        .columns = out->dims[2],
        .outside = op_attr_float(call, "extrapolation_value"),
        .nearest = span_is(op_attr_string(call, "method"), "nearest"),
    };
    call->state = c;
    call->scratch_size = floats_size(call->in[0]);
    return CODE_OK;
}

/* One axis of a box: `from` and `to` of it, over `in` pixels, as `out` positions. */
struct axis {
    float from, to, scale;
    int64_t in, out;
};

static struct axis axis_make(float from, float to, int64_t in, int64_t out)
{
    float scale = out > 1 ? (to - from) * (float)(in - 1) / (float)(out - 1) : 0;
    return (struct axis){from, to, scale, in, out};
}

/* The position in the image; false outside it. */
static bool axis_at(const struct axis *a, int64_t i, float *at)
{
    if (a->out > 1)
        *at = a->from * (float)(a->in - 1) + (float)i * a->scale;
    else
        *at = (float)(0.5 * (double)(a->from + a->to) * (double)(a->in - 1));
    return *at >= 0 && *at <= (float)(a->in - 1);
}

static void blend_pixel(const struct crop *c, const float *image, const float at[2], float *out)
{
    int64_t top = (int64_t)floorf(at[0]), bottom = (int64_t)ceilf(at[0]);
    int64_t left = (int64_t)floorf(at[1]), right = (int64_t)ceilf(at[1]);
    const float down = at[0] - (float)top, along = at[1] - (float)left;
    const float *upper = image + top * c->in_columns * c->channels;
    const float *lower = image + bottom * c->in_columns * c->channels;
    for (int64_t i = 0; i < c->channels; i++) {
        const float a = upper[left * c->channels + i], b = upper[right * c->channels + i];
        const float d = lower[left * c->channels + i], e = lower[right * c->channels + i];
        const float above = a + (b - a) * along, below = d + (e - d) * along;
        out[i] = above + (below - above) * down;
    }
}

static void take_pixel(const struct crop *c, const float *image, const float at[2], float *out)
{
    int64_t row = (int64_t)roundf(at[0]), column = (int64_t)roundf(at[1]);
    memcpy(out, image + (row * c->in_columns + column) * c->channels,
           (size_t)c->channels * sizeof *out);
}

static void crop_box(const struct crop *c, const float *image, const float box[4], float *out)
{
    const struct axis y = axis_make(box[0], box[2], c->in_rows, c->rows);
    const struct axis x = axis_make(box[1], box[3], c->in_columns, c->columns);
    for (int64_t i = 0; i < c->rows * c->columns; i++, out += c->channels) {
        float at[2];
        bool inside = axis_at(&y, i / c->columns, &at[0]);
        inside = axis_at(&x, i % c->columns, &at[1]) && inside;
        for (int64_t k = 0; !inside && k < c->channels; k++)
            out[k] = c->outside;
        if (inside && c->nearest)
            take_pixel(c, image, at, out);
        else if (inside)
            blend_pixel(c, image, at, out);
    }
}

static enum code crop_run(struct op_call *call, struct error *err)
{
    const struct crop *c = call->state;
    const float *boxes = call->in[1]->data;
    const int32_t *indices = call->in[2]->data;
    for (int64_t i = 0; i < c->boxes; i++) {
        if (indices[i] < 0 || indices[i] >= c->batch)
            return error_set(err, CODE_OUT_OF_RANGE,
                             "box_index has values outside [0, batch_size)");
    }
    for (int64_t i = 0; i < tensor_elements(call->in[1]); i++) {
        if (!isfinite(boxes[i]))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Boxes contains at least one element that is not finite");
    }
    char *scratch = call->scratch;
    const float *images = floats_of(call->in[0], &scratch);
    for (int64_t i = 0; i < c->boxes; i++)
        crop_box(c, images + indices[i] * c->in_rows * c->in_columns * c->channels, boxes + 4 * i,
                 TENSOR_AT(call->out[0], float) + i * c->rows * c->columns * c->channels);
    return CODE_OK;
}

const struct op op_CropAndResize = {
    .name = "CropAndResize",
    .inputs = "image:T boxes:float box_ind:int32 crop_size:int32",
    .outputs = "crops:float",
    .attrs = "T:type method:string='bilinear' extrapolation_value:float=0",
    .types = OP_TYPE(DTYPE_UINT8) | OP_TYPE(DTYPE_UINT16) | OP_TYPE(DTYPE_INT8) |
             OP_TYPE(DTYPE_INT16) | OP_TYPE(DTYPE_INT32) | OP_TYPE(DTYPE_INT64) |
             OP_TYPE(DTYPE_HALF) | OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE),
    .shape = crop_shape,
    .prepare = crop_prepare,
    .run = crop_run,
};
