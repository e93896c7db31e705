/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DrawBoundingBoxes, DrawBoundingBoxesV2: the outlines of boxes (y1, x1, y2, x2; 0 and 1 are the
 * outermost pixels) drawn upon images [batch, rows, columns, channels], in colours that take turns.
 */
#include <math.h>

#include "ops/kernel.h"

enum { COLOURS = 10, CHANNELS_MAX = 4 };

/* yellow, blue, red, lime, purple, olive, maroon, navy blue, aqua, fuchsia */
static const float default_colours[COLOURS][CHANNELS_MAX] = {
    {1, 1, 0, 1},       {0, 0, 1, 1},    {1, 0, 0, 1},    {0, 1, 0, 1}, {0.5f, 0, 0.5f, 1},
    {0.5f, 0.5f, 0, 1}, {0.5f, 0, 0, 1}, {0, 0, 0.5f, 1}, {0, 1, 1, 1}, {1, 0, 1, 1},
};

struct canvas {
    struct tensor *image;
    int64_t rows, columns, channels;
    const float *colours;
    int64_t colour_count, colour_size;
};

static enum code draw_shape(struct op_call *call, struct error *err)
{
    const struct shape *images = &call->in[0]->shape, *boxes = &call->in[1]->shape;
    const char *wrong = NULL;
    if (images->rank != 4)
        wrong = "The rank of the images should be 4";
    else if (boxes->rank != 3)
        wrong = "The rank of the boxes tensor should be 3";
    else if (images->dims[0] != boxes->dims[0])
        wrong = "The batch sizes should be the same";
    else if (images->dims[3] != 1 && images->dims[3] != 3 && images->dims[3] != 4)
        wrong = "Channel depth should be either 1 (GRY), 3 (RGB), or 4 (RGBA)";
    if (wrong)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s", wrong);
    if (boxes->dims[2] != 4)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The size of the third dimension of the box must be 4. Received: %lld",
                         (long long)boxes->dims[2]);
    op_call_shape(call, 0, images);
    return CODE_OK;
}

static enum code coloured_shape(struct op_call *call, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    enum code code = draw_shape(call, err);
    const struct shape *colours = &call->in[2]->shape;
    if (code)
        return code;
    if (colours->rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "colors must be a 2-D matrix%s",
                         shape_text(colours, text));
    if (colours->dims[1] < call->in[0]->shape.dims[3])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "colors must have equal or more channels than the image provided: %s",
                         shape_text(colours, text));
    return CODE_OK;
}

static void put_pixel(const struct canvas *c, int64_t at, const float *colour)
{
    for (int64_t k = 0; k < c->channels; k++) {
        if (c->image->dtype == DTYPE_HALF)
            TENSOR_AT(c->image, uint16_t)[at * c->channels + k] = dtype_half_from_float(colour[k]);
        else
            TENSOR_AT(c->image, float)[at * c->channels + k] = colour[k];
    }
}

/* A float as an integer; what is none that fits is the lowest, as processors say it. */
static int64_t whole(float x)
{
    return fabsf(x) < 0x1p63f ? (int64_t)x : INT64_MIN;
}

static int64_t within(int64_t at, int64_t size)
{
    return at < 0 ? 0 : at >= size ? size - 1 : at;
}

/* Lines outside the image are not drawn; those inside only as far as it goes. */
static void draw_box(const struct canvas *c, int64_t first_pixel, const float box[4],
                     const float *colour)
{
    const int64_t top = whole(box[0] * (float)(c->rows - 1));
    const int64_t left = whole(box[1] * (float)(c->columns - 1));
    const int64_t bottom = whole(box[2] * (float)(c->rows - 1));
    const int64_t right = whole(box[3] * (float)(c->columns - 1));
    if (top > bottom || left > right || top >= c->rows || bottom < 0 || left >= c->columns ||
        right < 0)
        return;
    for (int64_t x = within(left, c->columns); x <= within(right, c->columns); x++) {
        if (top >= 0)
            put_pixel(c, first_pixel + top * c->columns + x, colour);
        if (bottom < c->rows)
            put_pixel(c, first_pixel + bottom * c->columns + x, colour);
    }
    for (int64_t y = within(top, c->rows); y <= within(bottom, c->rows); y++) {
        if (left >= 0)
            put_pixel(c, first_pixel + y * c->columns + left, colour);
        if (right < c->columns)
            put_pixel(c, first_pixel + y * c->columns + right, colour);
    }
}

static enum code draw_run(struct op_call *call, struct error *err)
{
    static const float white[CHANNELS_MAX] = {1, 1, 1, 1};
    const struct shape *images = &call->in[0]->shape, *boxes = &call->in[1]->shape;
    struct canvas c = {call->out[0],           images->dims[1], images->dims[2], images->dims[3],
                       &default_colours[0][0], COLOURS,         CHANNELS_MAX};
    (void)err;
    if (call->in_count == 3 && tensor_elements(call->in[2])) {
        c.colours = call->in[2]->data;
        c.colour_count = call->in[2]->shape.dims[0];
        c.colour_size = call->in[2]->shape.dims[1];
    }
    bool gray = c.channels == 1 && c.colours == &default_colours[0][0];
    memcpy(call->out[0]->data, call->in[0]->data, tensor_bytes(call->in[0]));
    if (!c.rows || !c.columns)
        return CODE_OK;
    for (int64_t i = 0; i < boxes->dims[0] * boxes->dims[1]; i++) {
        const float *colour = c.colours + i % boxes->dims[1] % c.colour_count * c.colour_size;
        draw_box(&c, i / boxes->dims[1] * c.rows * c.columns, TENSOR_AT(call->in[1], float) + 4 * i,
                 gray ? white : colour);
    }
    return CODE_OK;
}

const struct op op_DrawBoundingBoxes = {
    .name = "DrawBoundingBoxes",
    .inputs = "images:T boxes:float",
    .outputs = "output:T",
    .attrs = "T:type=float",
    .types = OP_TYPE(DTYPE_HALF) | OP_TYPE(DTYPE_FLOAT),
    .shape = draw_shape,
    .run = draw_run,
};

const struct op op_DrawBoundingBoxesV2 = {
    .name = "DrawBoundingBoxesV2",
    .inputs = "images:T boxes:float colors:float",
    .outputs = "output:T",
    .attrs = "T:type=float",
    .types = OP_TYPE(DTYPE_HALF) | OP_TYPE(DTYPE_FLOAT),
    .shape = coloured_shape,
    .run = draw_run,
};
