/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SampleDistortedBoundingBox, V2, StatelessSampleDistortedBoundingBox: a random part of an image
 * whose area and aspect ratio are within ranges and that covers enough of one of the boxes; the
 * whole image when no attempt finds one. The draws are in TensorFlow's order.
 */
#include <math.h>

#include "ops/math/number.h"
#include "ops/random/generator.h"
#include "ops/random/stateless.h"

struct sampling {
    float covered; /* V1: an attribute */
    bool covered_is_input, stateless, whole_if_none;
    float ratio[2], area[2];
    int attempts;
    void *generator; /* of the node: not of stateless ones */
};

struct rectangle {
    int32_t left, top, right, bottom;
};

static enum code read_range(const struct op_call *call, const char *name, const char *text,
                            float range[2], struct error *err)
{
    const float *values;
    if (op_attr_floats(call, name, &values) != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s field must specify 2 dimensions", text);
    range[0] = values[0];
    range[1] = values[1];
    if (!(range[0] > 0) || !(range[1] > 0))
        return error_set(err, CODE_INVALID_ARGUMENT, "%s must be positive: [%g, %g]", text,
                         (double)range[0], (double)range[1]);
    return CODE_OK;
}

static enum code box_prepare(struct op_call *call, struct error *err)
{
    struct sampling *s = ARENA_NEW(call->arena, struct sampling);
    s->stateless = span_starts_with(call->node->op_name, SPAN_LITERAL("Stateless"));
    s->covered_is_input = call->in_count > 2;
    if (!s->covered_is_input)
        s->covered = op_attr_float(call, "min_object_covered");
    s->whole_if_none = op_attr_bool(call, "use_image_if_no_bounding_boxes");
    s->attempts = (int)op_attr_int(call, "max_attempts");
    enum code code = read_range(call, "aspect_ratio_range", "Aspect ratio range", s->ratio, err);
    if (!code)
        code = read_range(call, "area_range", "Area range", s->area, err);
    if (!code && (s->area[0] > 1 || s->area[1] > 1))
        code = error_set(err, CODE_INVALID_ARGUMENT,
                         "Area range must be less then or equal to 1.0: [%g, %g]",
                         (double)s->area[0], (double)s->area[1]);
    if (!code && s->attempts <= 0)
        code =
            error_set(err, CODE_INVALID_ARGUMENT, "Max attempts must be positive: %d", s->attempts);
    if (!code && !s->stateless)
        code = generator_prepare(call, err);
    s->generator = s->stateless ? NULL : call->state;
    call->state = s;
    return code;
}

/* ---- rectangles ---- */

static float area_of(const struct rectangle *r)
{
    return (float)((r->right - r->left) * (r->bottom - r->top));
}

static struct rectangle common(const struct rectangle *a, const struct rectangle *b)
{
    struct rectangle r = {
        a->left > b->left ? a->left : b->left,
        a->top > b->top ? a->top : b->top,
        a->right < b->right ? a->right : b->right,
        a->bottom < b->bottom ? a->bottom : b->bottom,
    };
    return r.left > r.right || r.top > r.bottom ? (struct rectangle){0} : r;
}

static bool covers_enough(const struct rectangle *crop, const struct rectangle *boxes,
                          int64_t count, float covered)
{
    for (int64_t i = 0; area_of(crop) >= 1 && i < count; i++) {
        struct rectangle both = common(crop, &boxes[i]);
        if (area_of(&boxes[i]) >= 1 && area_of(&both) / area_of(&boxes[i]) >= covered)
            return true;
    }
    return false;
}

/* A crop of that aspect ratio. False if none fits. */
static bool draw_crop(const struct sampling *s, const struct rectangle *image, float ratio,
                      struct philox_words *words, struct rectangle *crop)
{
    int width = image->right, height = image->bottom;
    if (!(ratio > 0) || width <= 0 || height <= 0 || s->area[0] > s->area[1])
        return false;
    float least = s->area[0] * (float)width * (float)height;
    float most = s->area[1] * (float)width * (float)height;
    int h = (int)lrintf(sqrtf(least / ratio)), tallest = (int)lrintf(sqrtf(most / ratio));
    if (lrintf((float)tallest * ratio) > width)
        tallest = (int)(((double)width + 0.5 - (double)0.0000001f) / (double)ratio);
    tallest = tallest > height ? height : tallest;
    h = h > tallest ? tallest : h;
    if (h < tallest)
        h += (int)(philox_word(words) % (uint32_t)(tallest - h + 1));
    int w = (int)lrintf((float)h * ratio);
    if ((float)(w * h) < least)
        w = (int)lrintf((float)++h * ratio);
    if ((float)(w * h) > most)
        w = (int)lrintf((float)--h * ratio);
    float area = (float)(w * h);
    if (area < least || area > most || w > width || h > height || w <= 0 || h <= 0)
        return false;
    int y = h < height ? (int)(philox_word(words) % (uint32_t)(height - h)) : 0;
    int x = w < width ? (int)(philox_word(words) % (uint32_t)(width - w)) : 0;
    *crop = (struct rectangle){x, y, x + w, y + h};
    return true;
}

/* ---- inputs ---- */

static enum code read_image(const struct tensor *size, struct rectangle *image, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    static const char *const names[] = {"height", "width"};
    if (size->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "image_size must be 1-dimensional%s",
                         shape_text(&size->shape, text));
    if (size->shape.dims[0] != 3)
        return error_set(err, CODE_INVALID_ARGUMENT, "image_size must contain 3 elements%s",
                         shape_text(&size->shape, text));
    for (int i = 0; i < 2; i++) {
        int64_t value = tensor_int(size, i);
        if (value < 0 || value >= INT32_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT, "image %s cannot be >= int32 max",
                             names[i]);
    }
    *image = (struct rectangle){0, 0, (int32_t)tensor_int(size, 1), (int32_t)tensor_int(size, 0)};
    return CODE_OK;
}

static enum code read_boxes(const struct op_call *call, const struct rectangle *image,
                            struct rectangle **boxes, int64_t *count, struct error *err)
{
    const struct tensor *in = call->in[1];
    const struct sampling *s = call->state;
    char text[SHAPE_TEXT_SIZE];
    if (in->shape.rank != 3)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "input boxes must be 3-dimensional [batch, num_boxes, coords]: %s",
                         shape_text(&in->shape, text));
    if (in->shape.dims[2] != 4)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "bounding boxes must have shape [4] or [*, 4], got %s",
                         shape_text(&in->shape, text));
    *count = tensor_elements(in) / 4;
    enum code code = kernel_array(call, *count + 1, sizeof **boxes, boxes, err);
    for (int64_t i = 0; !code && i < *count; i++) {
        const float *box = TENSOR_AT(in, float) + 4 * i;
        for (int k = 0; k < 4; k++) {
            if (!(box[k] >= 0 && box[k] <= 1))
                return error_set(err, CODE_INVALID_ARGUMENT,
                                 "All bounding box coordinates must be in [0.0, 1.0]: %g",
                                 (double)box[k]);
        }
        (*boxes)[i] = (struct rectangle){
            (int32_t)(box[1] * (float)image->right), (int32_t)(box[0] * (float)image->bottom),
            (int32_t)(box[3] * (float)image->right), (int32_t)(box[2] * (float)image->bottom)};
    }
    if (code || *count)
        return code;
    if (!s->whole_if_none)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "No bounding boxes provided as input. One must enable "
                         "use_image_if_no_bounding_boxes if you wish to not provide any bounding "
                         "boxes.");
    (*boxes)[(*count)++] = *image;
    return CODE_OK;
}

static enum code read_covered(const struct op_call *call, float *covered, struct error *err)
{
    const struct sampling *s = call->state;
    char text[SHAPE_TEXT_SIZE];
    *covered = s->covered;
    if (s->covered_is_input) {
        const struct tensor *in = call->in[2];
        if (in->shape.rank)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "min_object_covered must be 0-D, got shape %s",
                             shape_text(&in->shape, text));
        *covered = *TENSOR_AT(in, float);
    }
    if (!(*covered >= 0))
        return error_set(err, CODE_INVALID_ARGUMENT, "Min object covered must be non-negative: %g",
                         (double)*covered);
    return CODE_OK;
}

static enum code take_stream(struct op_call *call, struct philox *philox, struct error *err)
{
    const struct sampling *s = call->state;
    struct op_call own = *call;
    if (s->stateless)
        return stateless_seed(call, 3, philox, err);
    own.state = s->generator;
    *philox = generator_reserve(&own, (uint64_t)s->attempts);
    return CODE_OK;
}

/* ---- outputs: begin [3], size [3], bboxes [1, 1, 4] ---- */

static enum code put_crop(struct op_call *call, const struct rectangle *image,
                          const struct rectangle *crop, struct error *err)
{
    struct shape three = shape_vector(3), box = {3, {1, 1, 4}};
    const int64_t numbers[2][3] = {{crop->top, crop->left, 0},
                                   {crop->bottom - crop->top, crop->right - crop->left, -1}};
    enum code code = op_call_alloc(call, 2, &box, err);
    for (int k = 0; !code && k < 2; k++) {
        code = op_call_alloc(call, k, &three, err);
        size_t size = dtype_size(call->out[k]->dtype);
        for (int i = 0; !code && i < 3; i++)
            memcpy((char *)call->out[k]->data + (size_t)i * size, &numbers[k][i], size);
    }
    if (code)
        return code;
    float *to = call->out[2]->data;
    to[0] = (float)crop->top / (float)image->bottom;
    to[1] = (float)crop->left / (float)image->right;
    to[2] = (float)crop->bottom / (float)image->bottom;
    to[3] = (float)crop->right / (float)image->right;
    return CODE_OK;
}

static enum code box_run(struct op_call *call, struct error *err)
{
    const struct sampling *s = call->state;
    struct rectangle image, crop, *boxes;
    struct philox philox;
    int64_t count;
    float covered;
    enum code code = read_image(call->in[0], &image, err);
    if (!code)
        code = read_boxes(call, &image, &boxes, &count, err);
    if (!code)
        code = read_covered(call, &covered, err);
    if (!code)
        code = take_stream(call, &philox, err);
    if (code)
        return code;
    struct philox_words words = philox_words_of(philox);
    bool found = false;
    for (int i = 0; !found && i < s->attempts; i++) {
        float ratio = philox_float(philox_word(&words)) * (s->ratio[1] - s->ratio[0]) + s->ratio[0];
        found = draw_crop(s, &image, ratio, &words, &crop) &&
                covers_enough(&crop, boxes, count, covered);
    }
    return put_crop(call, &image, found ? &crop : &image, err);
}

#define BOX_OP(symbol, more_inputs, more_attrs, more_flags)                                        \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "image_size:T bounding_boxes:float" more_inputs,                                 \
        .outputs = "begin:T size:T bboxes:float",                                                  \
        .attrs = "T:type " more_attrs " aspect_ratio_range:list(float)=[0.75,1.33] "               \
                 "area_range:list(float)=[0.05,1.0] max_attempts:int=100 "                         \
                 "use_image_if_no_bounding_boxes:bool=false",                                      \
        .flags = OP_DYNAMIC | (more_flags),                                                        \
        .types = OP_TYPES_INTEGER,                                                                 \
        .prepare = box_prepare,                                                                    \
        .run = box_run,                                                                            \
    }

BOX_OP(SampleDistortedBoundingBox, "", "seed:int=0 seed2:int=0 min_object_covered:float=0.1",
       OP_STATEFUL);
BOX_OP(SampleDistortedBoundingBoxV2, " min_object_covered:float", "seed:int=0 seed2:int=0",
       OP_STATEFUL);
BOX_OP(StatelessSampleDistortedBoundingBox, " min_object_covered:float seed:Tseed", "Tseed:index",
       0);
