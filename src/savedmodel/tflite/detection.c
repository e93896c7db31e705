/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TFLite_Detection_PostProcess, with which detectors end: box encodings and anchors to boxes, then
 * the best that do not overlap. Each box stands for its best class ("fast"; the next best ones are
 * told, too), or each class is looked at for itself ("regular"). What is not filled is zeros.
 *
 * Inputs: encodings [1, n, 4 or more] (y, x, height, width), scores [1, n, classes, maybe one more
 * in front: the background], anchors [n, 4]. Outputs: boxes [1, k, 4], classes and scores [1, k],
 * how many [1]; all floats.
 */
#include <math.h>

#include "savedmodel/tflite/translate.h"
#include "wire/flexbuffer.h"

enum { ENCODINGS, SCORES, ANCHORS, INPUTS };
enum { BOXES, CLASSES, BEST_SCORES, HOW_MANY, OUTPUTS };
enum { Y, X, HEIGHT, WIDTH, SIDES };

struct detection {
    struct flexbuffer_value options;
    int32_t boxes_max, classes_each, per_class_max, class_count;
    bool is_regular;
    float score_least, overlap_most;
    float scales[SIDES];
};

static double option(const struct detection *d, const char *name, double otherwise)
{
    struct flexbuffer_value value;
    double number;
    return flexbuffer_find(&d->options, name, &value) && flexbuffer_number(&value, &number)
               ? number
               : otherwise;
}

static int32_t count_option(const struct detection *d, const char *name, double otherwise)
{
    double number = option(d, name, otherwise);
    return number >= 0 && number <= INT32_MAX ? (int32_t)number : -1;
}

static enum code read_options(const struct tfl_body *b, struct detection *d, struct error *err)
{
    enum { PER_CLASS_DEFAULT = 100 };
    static const char *const scales[SIDES] = {"y_scale", "x_scale", "h_scale", "w_scale"};
    if (!flexbuffer_root(b->op->custom_options, &d->options))
        return tfl_wrong(b, "its options are no FlexBuffer", err);
    d->boxes_max = count_option(d, "max_detections", 0);
    d->classes_each = count_option(d, "max_classes_per_detection", 0);
    d->per_class_max = count_option(d, "detections_per_class", PER_CLASS_DEFAULT);
    d->class_count = count_option(d, "num_classes", 0);
    d->is_regular = option(d, "use_regular_nms", 0) != 0;
    /* As good as it counts here, better than it in TensorFlow. */
    d->score_least = nextafterf((float)option(d, "nms_score_threshold", 0), -INFINITY);
    d->overlap_most = (float)option(d, "nms_iou_threshold", 0);
    for (int i = 0; i < SIDES; i++)
        d->scales[i] = (float)option(d, scales[i], 0);
    if (d->boxes_max < 1 || d->classes_each < 1 || d->per_class_max < 1 || d->class_count < 1)
        return tfl_wrong(b, "one of its counts is not positive", err);
    return CODE_OK;
}

/* Columns of x, from `first` on, as rows of `count`. */
static struct span columns(struct tfl_body *b, struct span x, int32_t first, int32_t count)
{
    const int32_t begin[] = {0, 0, first}, size[] = {-1, -1, count}, rows[] = {-1, count};
    struct pb_node_def *node =
        tfl_node(b, "Slice", 3, x, tfl_ints(b, begin, 3), tfl_ints(b, size, 3));
    tfl_attr_type(b, node, "T", DTYPE_FLOAT);
    tfl_attr_type(b, node, "Index", DTYPE_INT32);
    return tfl_reshape(b, node->name, DTYPE_FLOAT, rows, 2);
}

static void split(struct tfl_body *b, struct span x, struct span *parts)
{
    struct pb_node_def *node = tfl_node(b, "Split", 2, tfl_int(b, 1), x);
    tfl_attr_type(b, node, "T", DTYPE_FLOAT);
    node_int(b->t->arena, node, "num_split", SIDES);
    for (size_t i = 0; i < SIDES; i++)
        parts[i] = node_output(b->t->arena, node, i);
}

static struct span of_two(struct tfl_body *b, const char *op, struct span x, struct span y)
{
    return tfl_binary(b, op, x, y, DTYPE_FLOAT);
}

/* [n, 4]: top, left, bottom, right. */
static struct span decoded(struct tfl_body *b, const struct detection *d, struct span encodings,
                           struct span anchors)
{
    struct span e[SIDES], a[SIDES], near[2], far[2];
    split(b, columns(b, encodings, 0, SIDES), e);
    split(b, anchors, a);
    for (int i = 0; i < 2; i++) {
        struct span shift = of_two(b, "RealDiv", e[i], tfl_float(b, d->scales[i]));
        struct span centre = of_two(b, "AddV2", of_two(b, "Mul", shift, a[i + 2]), a[i]);
        struct span log = of_two(b, "RealDiv", e[i + 2], tfl_float(b, d->scales[i + 2]));
        struct span half = of_two(b, "Mul", tfl_unary(b, "Exp", log, DTYPE_FLOAT),
                                  of_two(b, "Mul", a[i + 2], tfl_float(b, 0.5F)));
        near[i] = of_two(b, "Sub", centre, half);
        far[i] = of_two(b, "AddV2", centre, half);
    }
    struct pb_node_def *node =
        tfl_node(b, "ConcatV2", SIDES + 1, near[0], near[1], far[0], far[1], tfl_int(b, 1));
    tfl_attr_type(b, node, "T", DTYPE_FLOAT);
    node_int(b->t->arena, node, "N", SIDES);
    return node->name;
}

static struct span rows_at(struct tfl_body *b, struct span x, enum dtype dtype, struct span at)
{
    struct pb_node_def *node = tfl_node(b, "GatherV2", 3, x, at, tfl_int(b, 0));
    tfl_attr_type(b, node, "Tparams", dtype);
    tfl_attr_type(b, node, "Tindices", DTYPE_INT32);
    tfl_attr_type(b, node, "Taxis", DTYPE_INT32);
    return node->name;
}

/* x where the row is one of those that were found, else zeros; then in shape [1, ...]. */
static struct span found_only(struct tfl_body *b, struct span found, struct span x,
                              const int32_t *dims, size_t rank)
{
    struct pb_node_def *node = tfl_node(b, "SelectV2", 3, found, x, tfl_float(b, 0));
    tfl_attr_type(b, node, "T", DTYPE_FLOAT);
    return tfl_reshape(b, node->name, DTYPE_FLOAT, dims, rank);
}

static void fast(struct tfl_body *b, const struct detection *d, struct span boxes,
                 struct span scores, struct span *results)
{
    const int32_t flat[] = {1, -1}, wide[] = {1, -1, SIDES}, one[] = {1};
    const int32_t each[] = {1, d->classes_each};
    struct pb_node_def *top = tfl_node(b, "TopKV2", 2, scores, tfl_int(b, d->classes_each));
    tfl_attr_type(b, top, "T", DTYPE_FLOAT);
    struct pb_node_def *best = tfl_node(b, "Max", 2, scores, tfl_int(b, 1));
    tfl_attr_type(b, best, "T", DTYPE_FLOAT);
    struct pb_node_def *picked =
        tfl_node(b, "NonMaxSuppressionV4", 5, boxes, best->name, tfl_int(b, d->boxes_max),
                 tfl_float(b, d->overlap_most), tfl_float(b, d->score_least));
    node_bool(b->t->arena, picked, "pad_to_max_output_size", true);
    struct span valid = node_output(b->t->arena, picked, 1);
    struct pb_node_def *range =
        tfl_node(b, "Range", 3, tfl_int(b, 0), tfl_int(b, d->boxes_max), tfl_int(b, 1));
    struct span found = tfl_binary(b, "Less", range->name, valid, DTYPE_INT32);
    const int32_t column[] = {-1, 1};
    found = tfl_reshape(b, found, DTYPE_BOOL, column, 2);
    /* A box is told once for each of its classes. */
    struct pb_node_def *tiled =
        tfl_node(b, "Tile", 2, rows_at(b, boxes, DTYPE_FLOAT, picked->name), tfl_ints(b, each, 2));
    tfl_attr_type(b, tiled, "T", DTYPE_FLOAT);
    struct span classes = rows_at(b, node_output(b->t->arena, top, 1), DTYPE_INT32, picked->name);
    classes = tfl_cast(b, classes, DTYPE_INT32, DTYPE_FLOAT);
    results[BOXES] = found_only(b, found, tiled->name, wide, 3);
    results[CLASSES] = found_only(b, found, classes, flat, 2);
    results[BEST_SCORES] =
        found_only(b, found, rows_at(b, top->name, DTYPE_FLOAT, picked->name), flat, 2);
    results[HOW_MANY] =
        tfl_cast(b, tfl_reshape(b, valid, DTYPE_INT32, one, 1), DTYPE_INT32, DTYPE_FLOAT);
}

/* CombinedNonMaxSuppression does it all. */
static void regular(struct tfl_body *b, const struct detection *d, struct span boxes,
                    struct span scores, struct span *results)
{
    const int32_t box_dims[] = {1, -1, 1, SIDES}, score_dims[] = {1, -1, d->class_count};
    struct arena *arena = b->t->arena;
    struct pb_node_def *node = tfl_node(
        b, "CombinedNonMaxSuppression", 6, tfl_reshape(b, boxes, DTYPE_FLOAT, box_dims, 4),
        tfl_reshape(b, scores, DTYPE_FLOAT, score_dims, 3), tfl_int(b, d->per_class_max),
        tfl_int(b, d->boxes_max), tfl_float(b, d->overlap_most), tfl_float(b, d->score_least));
    node_bool(arena, node, "clip_boxes", false);
    results[BOXES] = node->name;
    results[BEST_SCORES] = node_output(arena, node, 1);
    results[CLASSES] = node_output(arena, node, 2);
    results[HOW_MANY] = tfl_cast(b, node_output(arena, node, 3), DTYPE_INT32, DTYPE_FLOAT);
}

enum code tfl_detection(struct tfl_body *b, struct error *err)
{
    enum { RANK = 3 };
    struct detection d;
    struct span inputs[INPUTS], results[OUTPUTS];
    enum code code = read_options(b, &d, err);
    if (!code && (b->op->inputs.count != INPUTS || b->op->outputs.count != OUTPUTS))
        code = tfl_wrong(b, "3 inputs and 4 outputs are expected", err);
    for (size_t i = 0; !code && i < INPUTS; i++) {
        enum dtype dtype;
        code = tfl_operand(b, i, TFL_REAL, &inputs[i], &dtype, err);
    }
    if (code)
        return code;
    const struct shape *scores = &tfl_input(b, SCORES)->shape;
    int64_t background = scores->rank == RANK ? scores->dims[RANK - 1] - d.class_count : -1;
    if (background < 0 || background > 1)
        return tfl_wrong(b, "its scores do not have its number of classes", err);
    if (d.classes_each > d.class_count)
        return tfl_refuse(b, "CUSTOM TFLite_Detection_PostProcess",
                          "of more classes than there are");
    struct span boxes = decoded(b, &d, inputs[ENCODINGS], inputs[ANCHORS]);
    struct span classes = columns(b, inputs[SCORES], (int32_t)background, d.class_count);
    (d.is_regular ? regular : fast)(b, &d, boxes, classes, results);
    for (size_t i = 0; !code && i < OUTPUTS; i++)
        code = tfl_result(b, i, TFL_REAL, results[i], err);
    return code;
}
