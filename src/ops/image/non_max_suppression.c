/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NonMaxSuppression (V1 to V5, ...WithOverlaps): boxes in the order of their scores, without those
 * that overlap a better one too much (hard), or with their scores lowered by as much as they do
 * (soft, V5 with a sigma). Candidates stand in a heap; of equal scores the first box is better. A
 * candidate that was lowered goes back into the heap, and is then compared only with the boxes
 * chosen since.
 *
 * In half, every step is rounded to half, as TensorFlow computes it.
 */
#include <float.h>
#include <math.h>

#include "engine/run.h"
#include "ops/image/boxes.h"
#include "ops/kernel.h"

struct candidate {
    int32_t box;
    int32_t compared; /* chosen boxes that it was compared with already */
    float score;
};

struct selection {
    bool half;
    float threshold; /* of the overlap */
    float lowest;    /* score, not chosen itself */
    float sigma;
    int64_t boxes;
    int64_t wanted;
    bool pad;
    const struct box *box; /* [boxes], or */
    const float *overlaps; /* [boxes, boxes] */
    struct candidate *heap;
    int64_t heap_size;
    int32_t *chosen;
    float *scores; /* of the chosen */
    int64_t count;
};

/* call->state; NULL: nothing of all this. */
struct attributes {
    bool pad;
    bool tells_rank;
    float threshold; /* of NonMaxSuppression, an attribute there */
};

/* ---- the heap ---- */

static bool is_better(const struct candidate *a, const struct candidate *b)
{
    return a->score > b->score || (a->score == b->score && a->box < b->box);
}

static void heap_push(struct selection *s, struct candidate c)
{
    int64_t at = s->heap_size++;
    while (at && is_better(&c, &s->heap[(at - 1) / 2])) {
        s->heap[at] = s->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    s->heap[at] = c;
}

static struct candidate heap_pop(struct selection *s)
{
    struct candidate best = s->heap[0], last = s->heap[--s->heap_size];
    int64_t at = 0;
    for (;;) {
        int64_t child = 2 * at + 1;
        if (child >= s->heap_size)
            break;
        if (child + 1 < s->heap_size && is_better(&s->heap[child + 1], &s->heap[child]))
            child++;
        if (!is_better(&s->heap[child], &last))
            break;
        s->heap[at] = s->heap[child];
        at = child;
    }
    s->heap[at] = last;
    return best;
}

/* ---- suppression ---- */

static float rounded(const struct selection *s, float x)
{
    return s->half ? dtype_half_to_float(dtype_half_from_float(x)) : x;
}

static float overlap_of(const struct selection *s, int32_t a, int32_t b)
{
    return s->overlaps ? s->overlaps[a * s->boxes + b] : box_overlap(&s->box[a], &s->box[b]);
}

/* What an overlap leaves of a score; of an infinite one, nothing that counts. */
static float weight_of(const struct selection *s, float overlap)
{
    if (!(s->sigma > 0))
        return overlap <= s->threshold ? 1 + 0 * overlap : 0;
    const float scale = rounded(s, -0.5f / s->sigma);
    return rounded(s, expf(rounded(s, rounded(s, scale * overlap) * overlap)));
}

/* Compares with the chosen boxes, last first, and lowers the score. True: it is out for good. */
static bool suppress(const struct selection *s, struct candidate *c)
{
    for (int64_t k = s->count - 1; k >= c->compared; k--) {
        const float overlap = rounded(s, overlap_of(s, c->box, s->chosen[k]));
        c->score = rounded(s, c->score * weight_of(s, overlap));
        if (!(s->sigma > 0) && overlap > s->threshold)
            return true;
        if (c->score <= s->lowest)
            break;
    }
    c->compared = (int32_t)s->count;
    return false;
}

enum { CANDIDATES_BETWEEN_CHECKS = 64 };

/* CANCELLED, DEADLINE_EXCEEDED: a request decides how many boxes there are to compare. */
static enum code choose(struct selection *s, const struct run *run, struct error *err)
{
    for (int64_t turn = 0; s->count < s->wanted && s->heap_size; turn++) {
        bool checks = run && turn % CANDIDATES_BETWEEN_CHECKS == 0;
        enum code code = checks ? run_check(run, err) : CODE_OK;
        if (code)
            return code;
        struct candidate c = heap_pop(s);
        const float before = c.score;
        if (suppress(s, &c))
            continue;
        if (c.score == before) {
            s->chosen[s->count] = c.box;
            s->scores[s->count++] = c.score;
        } else if (c.score > s->lowest) {
            heap_push(s, c);
        }
    }
    return CODE_OK;
}

/* ---- inputs ---- */

static float number(const struct tensor *tensor, int64_t i)
{
    if (tensor->dtype == DTYPE_HALF)
        return dtype_half_to_float(TENSOR_AT(tensor, uint16_t)[i]);
    return TENSOR_AT(tensor, float)[i];
}

/* V3 tells of two inputs more than the others do. */
static enum code check_scalar(const struct op_call *call, int i, const char *name,
                              struct error *err)
{
    const struct attributes *a = call->state;
    const struct shape *shape = &call->in[i]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (!shape->rank)
        return CODE_OK;
    error_set(err, CODE_INVALID_ARGUMENT, "%s must be 0-D, got shape %s", name,
              shape_text(shape, text));
    if (a && a->tells_rank && i <= 3)
        error_append(err, " (Shape must be rank 0 but is rank %d)", shape->rank);
    return CODE_INVALID_ARGUMENT;
}

static enum code read_scalar(const struct op_call *call, int i, const char *name, float *value,
                             struct error *err)
{
    enum dtype dtype = call->in[i]->dtype;
    enum code code = check_scalar(call, i, name, err);
    if (code)
        return code;
    if (dtype != DTYPE_FLOAT && dtype != DTYPE_HALF)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s must be float or half, got %s", name,
                         dtype_name(dtype));
    *value = number(call->in[i], 0);
    return CODE_OK;
}

static enum code read_wanted(const struct op_call *call, struct selection *s, struct error *err)
{
    enum code code = check_scalar(call, 2, "max_output_size", err);
    if (code)
        return code;
    s->wanted = *TENSOR_AT(call->in[2], int32_t);
    s->half = call->in[0]->dtype == DTYPE_HALF;
    s->lowest = s->half ? -65504.0f : -FLT_MAX;
    return CODE_OK;
}

/* Inputs 3, 4 and 5, those that there are. */
static enum code read_thresholds(const struct op_call *call, struct selection *s, struct error *err)
{
    enum code code = read_scalar(call, 3, "iou_threshold", &s->threshold, err);
    s->threshold = rounded(s, s->threshold);
    if (!code && !(s->threshold >= 0 && s->threshold <= 1))
        code = error_set(err, CODE_INVALID_ARGUMENT, "iou_threshold must be in [0, 1]");
    if (!code && call->in_count > 4)
        code = read_scalar(call, 4, "score_threshold", &s->lowest, err);
    s->lowest = rounded(s, s->lowest);
    if (!code && call->in_count > 5)
        code = read_scalar(call, 5, "soft_nms_sigma", &s->sigma, err);
    if (!code && !(s->sigma >= 0))
        code = error_set(err, CODE_INVALID_ARGUMENT, "soft_nms_sigma_val must be >= 0");
    return code;
}

static enum code check_boxes(const struct op_call *call, struct selection *s, struct error *err)
{
    const struct shape *boxes = &call->in[0]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (boxes->rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "boxes must be 2-D%s (Shape must be rank 2 but is rank %d)",
                         shape_text(boxes, text), boxes->rank);
    if (boxes->dims[1] != 4)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "boxes must have 4 columns (Dimension must be 4 but is %lld)",
                         (long long)boxes->dims[1]);
    s->boxes = boxes->dims[0];
    return CODE_OK;
}

static enum code check_overlaps(const struct op_call *call, struct selection *s, struct error *err)
{
    const struct shape *overlaps = &call->in[0]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (overlaps->rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "overlaps must be 2-D%s",
                         shape_text(overlaps, text));
    s->boxes = overlaps->dims[0];
    if (overlaps->dims[1] != s->boxes)
        return error_set(err, CODE_INVALID_ARGUMENT, "overlaps must be square%s",
                         shape_text(overlaps, text));
    s->overlaps = call->in[0]->data;
    return CODE_OK;
}

static enum code check_scores(const struct op_call *call, const struct selection *s,
                              struct error *err)
{
    const struct shape *scores = &call->in[1]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (scores->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "scores must be 1-D%s (Shape must be rank 1 but is rank %d)",
                         shape_text(scores, text), scores->rank);
    if (scores->dims[0] != s->boxes)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "scores has incompatible shape (Dimensions must be equal, but are %lld "
                         "and %lld)",
                         (long long)s->boxes, (long long)scores->dims[0]);
    if (s->wanted < 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "output size must be non-negative");
    if (s->boxes > INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "too many boxes: %lld", (long long)s->boxes);
    return CODE_OK;
}

static enum code read_boxes(const struct op_call *call, struct selection *s, struct error *err)
{
    struct box *box;
    enum code code = kernel_array(call, s->boxes, sizeof *box, &box, err);
    for (int64_t i = 0; !code && i < s->boxes; i++) {
        float corners[4];
        for (int k = 0; k < 4; k++)
            corners[k] = number(call->in[0], 4 * i + k);
        box[i] = box_make(corners);
    }
    s->box = box;
    return code;
}

static enum code fill_heap(const struct op_call *call, struct selection *s, struct error *err)
{
    int64_t room = s->wanted < s->boxes ? s->wanted : s->boxes;
    enum code code = kernel_array(call, s->boxes, sizeof *s->heap, &s->heap, err);
    if (!code)
        code = kernel_array(call, room, sizeof *s->chosen, &s->chosen, err);
    if (!code)
        code = kernel_array(call, room, sizeof *s->scores, &s->scores, err);
    for (int64_t i = 0; !code && i < s->boxes; i++) {
        const float score = number(call->in[1], i);
        if (score > s->lowest)
            heap_push(s, (struct candidate){.box = (int32_t)i, .score = score});
    }
    return code;
}

/* ---- outputs: indices; scores if there is an output of dtype T for them; how many are valid ----
 */

static enum code put_scores(struct op_call *call, const struct selection *s,
                            const struct shape *shape, struct error *err)
{
    enum code code = op_call_alloc(call, 1, shape, err);
    for (int64_t i = 0; !code && i < shape->dims[0]; i++) {
        const float score = i < s->count ? s->scores[i] : 0;
        if (s->half)
            TENSOR_AT(call->out[1], uint16_t)[i] = dtype_half_from_float(score);
        else
            TENSOR_AT(call->out[1], float)[i] = score;
    }
    return code;
}

static enum code put_outputs(struct op_call *call, const struct selection *s, struct error *err)
{
    struct shape shape = shape_vector(s->pad ? s->wanted : s->count), scalar = shape_scalar();
    enum code code = op_call_alloc(call, 0, &shape, err);
    for (int64_t i = 0; !code && i < shape.dims[0]; i++)
        TENSOR_AT(call->out[0], int32_t)[i] = i < s->count ? s->chosen[i] : 0;
    if (!code && call->out_count == 3)
        code = put_scores(call, s, &shape, err);
    if (code || call->out_count == 1)
        return code;
    code = op_call_alloc(call, call->out_count - 1, &scalar, err);
    if (!code)
        *TENSOR_AT(call->out[call->out_count - 1], int32_t) = (int32_t)s->count;
    return code;
}

static enum code select_boxes(struct op_call *call, struct selection *s, struct error *err)
{
    enum code code = check_scores(call, s, err);
    if (!code && !s->overlaps)
        code = read_boxes(call, s, err);
    if (!code)
        code = fill_heap(call, s, err);
    if (!code)
        code = choose(s, call->run, err);
    return code ? code : put_outputs(call, s, err);
}

/* ---- the ops ---- */

static enum code first_prepare(struct op_call *call, struct error *err)
{
    struct attributes *a = ARENA_NEW(call->arena, struct attributes);
    call->state = a;
    a->threshold = op_attr_float(call, "iou_threshold");
    (void)err;
    return CODE_OK;
}

static enum code first_run(struct op_call *call, struct error *err)
{
    struct selection s = {.threshold = ((const struct attributes *)call->state)->threshold};
    enum code code = read_wanted(call, &s, err);
    if (!code && !(s.threshold >= 0 && s.threshold <= 1))
        code = error_set(err, CODE_INVALID_ARGUMENT, "iou_threshold must be in [0, 1]");
    if (!code)
        code = check_boxes(call, &s, err);
    return code ? code : select_boxes(call, &s, err);
}

static enum code third_prepare(struct op_call *call, struct error *err)
{
    struct attributes *a = ARENA_NEW(call->arena, struct attributes);
    call->state = a;
    a->tells_rank = true;
    (void)err;
    return CODE_OK;
}

static enum code padding_prepare(struct op_call *call, struct error *err)
{
    struct attributes *a = ARENA_NEW(call->arena, struct attributes);
    call->state = a;
    a->pad = op_attr_bool(call, "pad_to_max_output_size");
    (void)err;
    return CODE_OK;
}

static enum code select_run(struct op_call *call, struct error *err)
{
    const struct attributes *a = call->state;
    struct selection s = {.pad = a && a->pad};
    enum code code = read_wanted(call, &s, err);
    if (!code)
        code = read_thresholds(call, &s, err);
    if (!code)
        code = check_boxes(call, &s, err);
    return code ? code : select_boxes(call, &s, err);
}

static enum code overlaps_run(struct op_call *call, struct error *err)
{
    struct selection s = {0};
    enum code code = read_wanted(call, &s, err);
    if (!code)
        code = read_scalar(call, 3, "overlap_threshold", &s.threshold, err);
    if (!code)
        code = read_scalar(call, 4, "score_threshold", &s.lowest, err);
    if (!code)
        code = check_overlaps(call, &s, err);
    return code ? code : select_boxes(call, &s, err);
}

#define NMS_TYPES (OP_TYPE(DTYPE_HALF) | OP_TYPE(DTYPE_FLOAT))

const struct op op_NonMaxSuppression = {
    .name = "NonMaxSuppression",
    .inputs = "boxes:float scores:float max_output_size:int32",
    .outputs = "selected_indices:int32",
    .attrs = "iou_threshold:float=0.5",
    .flags = OP_DYNAMIC,
    .prepare = first_prepare,
    .run = first_run,
};

const struct op op_NonMaxSuppressionV2 = {
    .name = "NonMaxSuppressionV2",
    .inputs = "boxes:T scores:T max_output_size:int32 iou_threshold:T_threshold",
    .outputs = "selected_indices:int32",
    .attrs = "T:type=float T_threshold:type=float",
    .flags = OP_DYNAMIC,
    .types = NMS_TYPES,
    .run = select_run,
};

const struct op op_NonMaxSuppressionV3 = {
    .name = "NonMaxSuppressionV3",
    .inputs = "boxes:T scores:T max_output_size:int32 iou_threshold:T_threshold "
              "score_threshold:T_threshold",
    .outputs = "selected_indices:int32",
    .attrs = "T:type=float T_threshold:type=float",
    .flags = OP_DYNAMIC,
    .types = NMS_TYPES,
    .prepare = third_prepare,
    .run = select_run,
};

const struct op op_NonMaxSuppressionV4 = {
    .name = "NonMaxSuppressionV4",
    .inputs = "boxes:T scores:T max_output_size:int32 iou_threshold:T_threshold "
              "score_threshold:T_threshold",
    .outputs = "selected_indices:int32 valid_outputs:int32",
    .attrs = "T:type=float T_threshold:type=float pad_to_max_output_size:bool=false",
    .flags = OP_DYNAMIC,
    .types = NMS_TYPES,
    .prepare = padding_prepare,
    .run = select_run,
};

const struct op op_NonMaxSuppressionV5 = {
    .name = "NonMaxSuppressionV5",
    .inputs = "boxes:T scores:T max_output_size:int32 iou_threshold:T score_threshold:T "
              "soft_nms_sigma:T",
    .outputs = "selected_indices:int32 selected_scores:T valid_outputs:int32",
    .attrs = "T:type=float pad_to_max_output_size:bool=false",
    .flags = OP_DYNAMIC,
    .types = NMS_TYPES,
    .prepare = padding_prepare,
    .run = select_run,
};

const struct op op_NonMaxSuppressionWithOverlaps = {
    .name = "NonMaxSuppressionWithOverlaps",
    .inputs = "overlaps:float scores:float max_output_size:int32 overlap_threshold:float "
              "score_threshold:float",
    .outputs = "selected_indices:int32",
    .flags = OP_DYNAMIC,
    .run = overlaps_run,
};
