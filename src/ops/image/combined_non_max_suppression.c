/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CombinedNonMaxSuppression: for each image and class the boxes in the order of their scores
 * without those that overlap a better one too much; then the best of all classes.
 *
 * boxes [batch, boxes, q, 4], q being 1 or the number of classes; scores [batch, boxes, classes].
 */
#include "engine/run.h"
#include "ops/image/boxes.h"
#include "ops/image/ranking.h"
#include "ops/kernel.h"

struct combined {
    int64_t batch, boxes, q, classes;
    int64_t per_class;   /* candidates of a class */
    int64_t total;       /* results of an image, padded */
    float overlap_limit; /* iou_threshold */
    float lowest;
    bool clip;
    /* Used for one image after another: */
    struct ranked *heap;    /* [boxes] */
    struct box *chosen;     /* [per_class]: of the class at work */
    struct ranked *results; /* [classes, per_class]; item: index into `sources`, -1: none */
    int32_t *sources;       /* [classes, per_class]: the box of a result */
};

/* ---- checks ---- */

static enum code check_shapes(const struct op_call *call, struct error *err)
{
    const struct shape *boxes = &call->in[0]->shape, *scores = &call->in[1]->shape;
    char text[SHAPE_TEXT_SIZE];
    const char *wrong = NULL;
    if (boxes->rank && scores->rank && boxes->dims[0] != scores->dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT, "boxes and scores must have same batch size");
    if (boxes->rank != 4)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "boxes must be 4-D [batch, num_boxes, q, 4], got shape %s",
                         shape_text(boxes, text));
    if (scores->rank != 3)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "scores must be 3-D [batch, num_boxes, num_classes], got shape %s",
                         shape_text(scores, text));
    if (boxes->dims[2] != 1 && boxes->dims[2] != scores->dims[2])
        wrong = "third dimension of boxes must be either 1 or num classes";
    else if (boxes->dims[3] != 4)
        wrong = "boxes must have 4 columns";
    else if (scores->dims[1] != boxes->dims[1])
        wrong = "scores has incompatible shape";
    return wrong ? error_set(err, CODE_INVALID_ARGUMENT, "%s", wrong) : CODE_OK;
}

static enum code check_scalars(const struct op_call *call, struct error *err)
{
    static const char *const names[] = {"max_size_per_class", "max_total_size", "iou_threshold",
                                        "score_threshold"};
    char text[SHAPE_TEXT_SIZE];
    for (int i = 0; i < 4; i++) {
        if (call->in[2 + i]->shape.rank)
            return error_set(err, CODE_INVALID_ARGUMENT, "%s must be 0-D, got shape %s", names[i],
                             shape_text(&call->in[2 + i]->shape, text));
        if (i == 0 && *TENSOR_AT(call->in[2], int32_t) <= 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "max_size_per_class must be positive");
        if (i == 1 && *TENSOR_AT(call->in[3], int32_t) <= 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "max_total_size must be > 0");
    }
    const float limit = *TENSOR_AT(call->in[4], float);
    if (!(limit >= 0 && limit <= 1))
        return error_set(err, CODE_INVALID_ARGUMENT, "iou_threshold must be in [0, 1]");
    return CODE_OK;
}

static enum code combined_shape(struct op_call *call, struct error *err)
{
    bool known = op_call_known(call, 2) && op_call_known(call, 3) && op_call_known(call, 4);
    enum code code = check_shapes(call, err);
    for (int i = 0; i < 4 && !known; i++)
        op_call_defer(call, i);
    if (!code && known)
        code = check_scalars(call, err);
    if (code || !known)
        return code;
    const struct shape *scores = &call->in[1]->shape;
    int64_t total = *TENSOR_AT(call->in[3], int32_t);
    int64_t most = *TENSOR_AT(call->in[2], int32_t) * scores->dims[2];
    if (op_attr_bool(call, "pad_per_class") && most < total)
        total = most;
    const struct shape boxes = {.rank = 3, .dims = {scores->dims[0], total, 4}};
    const struct shape values = shape_matrix(scores->dims[0], total);
    const struct shape counts = shape_vector(scores->dims[0]);
    op_call_shape(call, 0, &boxes);
    op_call_shape(call, 1, &values);
    op_call_shape(call, 2, &values);
    op_call_shape(call, 3, &counts);
    return CODE_OK;
}

static enum code combined_prepare(struct op_call *call, struct error *err)
{
    const struct shape *boxes = &call->in[0]->shape, *scores = &call->in[1]->shape;
    struct combined *c = ARENA_NEW(call->arena, struct combined);
    int64_t per_class = *TENSOR_AT(call->in[2], int32_t), results;
    call->state = c;
    *c = (struct combined){
        .batch = scores->dims[0],
        .boxes = scores->dims[1],
        .q = boxes->dims[2],
        .classes = scores->dims[2],
        .per_class = per_class < scores->dims[1] ? per_class : scores->dims[1],
        .total = call->out[0]->shape.dims[1],
        .clip = op_attr_bool(call, "clip_boxes"),
    };
    if (c->boxes > INT32_MAX || __builtin_mul_overflow(c->per_class, c->classes, &results) ||
        results > INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "size_per_class * num_classes causes overflow");
    return CODE_OK;
}

/* ---- one class, one image ---- */

static const float *corners_of(const struct combined *c, const float *boxes, int64_t box,
                               int64_t class)
{
    return boxes + (box * c->q + (c->q > 1 ? class : 0)) * 4;
}

static bool overlaps_chosen(const struct combined *c, const struct box *box, int64_t count)
{
    for (int64_t k = count - 1; k >= 0; k--) {
        if (box_overlap(box, &c->chosen[k]) > c->overlap_limit)
            return true;
    }
    return false;
}

/* Returns how many results the class has. */
static int64_t choose(const struct combined *c, const float *boxes, const float *scores,
                      int64_t class)
{
    int64_t waiting = 0, count = 0;
    for (int64_t i = 0; i < c->boxes; i++) {
        const float score = scores[i * c->classes + class];
        if (score > c->lowest)
            ranking_push(c->heap, &waiting, (struct ranked){score, (int32_t)i});
    }
    while (count < c->per_class && waiting) {
        struct ranked best = ranking_pop(c->heap, &waiting);
        struct box box = box_make(corners_of(c, boxes, best.item, class));
        if (overlaps_chosen(c, &box, count))
            continue;
        int64_t at = class * c->per_class + count;
        c->sources[at] = best.item;
        c->results[at] = (struct ranked){best.score, (int32_t)at};
        c->chosen[count++] = box;
    }
    for (int64_t k = count; k < c->per_class; k++)
        c->results[class * c->per_class + k] = (struct ranked){-__builtin_inff(), -1};
    return count;
}

static float clipped(const struct combined *c, float x)
{
    if (!c->clip)
        return x;
    x = 1 < x ? 1 : x;
    return x < 0 ? 0 : x;
}

struct result {
    float *boxes, *scores, *classes;
};

/* The best of the classes, then zeros. */
static void put_results(const struct combined *c, const float *boxes, int64_t count,
                        const struct result *to)
{
    for (int64_t i = 0; i < c->total; i++) {
        bool there = i < count && c->results[i].item >= 0;
        int64_t class = there ? c->results[i].item / c->per_class : 0;
        const float *corners =
            there ? corners_of(c, boxes, c->sources[c->results[i].item], class) : NULL;
        to->scores[i] = there ? c->results[i].score : 0;
        to->classes[i] = (float)class;
        for (int k = 0; k < 4; k++)
            to->boxes[4 * i + k] = there ? clipped(c, corners[k]) : 0;
    }
}

static enum code take_memory(const struct op_call *call, struct combined *c, struct error *err)
{
    int64_t results = c->per_class * c->classes;
    enum code code = kernel_array(call, c->boxes, sizeof *c->heap, &c->heap, err);
    if (!code)
        code = kernel_array(call, c->per_class, sizeof *c->chosen, &c->chosen, err);
    if (!code)
        code = kernel_array(call, results, sizeof *c->results, &c->results, err);
    return code ? code : kernel_array(call, results, sizeof *c->sources, &c->sources, err);
}

static enum code combined_run(struct op_call *call, struct error *err)
{
    struct combined c = *(const struct combined *)call->state;
    c.overlap_limit = *TENSOR_AT(call->in[4], float);
    c.lowest = *TENSOR_AT(call->in[5], float);
    enum code code = take_memory(call, &c, err);
    for (int64_t i = 0; !code && i < c.batch; i++) {
        const float *boxes = TENSOR_AT(call->in[0], float) + i * c.boxes * c.q * 4;
        const float *scores = TENSOR_AT(call->in[1], float) + i * c.boxes * c.classes;
        int64_t count = 0;
        for (int64_t class = 0; class < c.classes; class ++)
            count += choose(&c, boxes, scores, class);
        ranking_sort(c.results, c.classes * c.per_class);
        count = count < c.total ? count : c.total;
        const struct result to = {
            TENSOR_AT(call->out[0], float) + i * c.total * 4,
            TENSOR_AT(call->out[1], float) + i * c.total,
            TENSOR_AT(call->out[2], float) + i * c.total,
        };
        put_results(&c, boxes, count, &to);
        TENSOR_AT(call->out[3], int32_t)[i] = (int32_t)count;
    }
    return code;
}

const struct op op_CombinedNonMaxSuppression = {
    .name = "CombinedNonMaxSuppression",
    .inputs = "boxes:float scores:float max_output_size_per_class:int32 max_total_size:int32 "
              "iou_threshold:float score_threshold:float",
    .outputs = "nmsed_boxes:float nmsed_scores:float nmsed_classes:float valid_detections:int32",
    .attrs = "pad_per_class:bool=false clip_boxes:bool=true",
    .shape = combined_shape,
    .prepare = combined_prepare,
    .run = combined_run,
};
