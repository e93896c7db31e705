/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DepthToSpace and SpaceToDepth: blocks of pixels are channels of one pixel; a transpose of six
 * dimensions, which ops/array/view.h copies.
 *
 * SpaceToBatch(ND) and BatchToSpace(ND): the pixels at the same place of each block are an image of
 * their own. In the tensor of `space` position s of a dimension, in the tensor of `batch` position
 * p and offset o within the block belong together:
 *
 *     s = p * block + o - start        start: padding in front, or what is cropped there
 *
 * and offset (o1, o2, ...) of image b is image (o1 * block2 + o2 ...) * images + b of the batch.
 */
#include "ops/array/view.h"
#include "ops/kernel.h"

/* ---- DepthToSpace, SpaceToDepth ---- */

enum format { FORMAT_LAST, FORMAT_FIRST };

static enum code read_depth(const struct op_call *call, enum format *format, int64_t *block,
                            struct error *err)
{
    struct span text = op_attr_string(call, "data_format");
    *block = op_attr_int(call, "block_size");
    *format = span_is(text, "NCHW") ? FORMAT_FIRST : FORMAT_LAST;
    if (*block < 2 || *block > INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "Block size should be > 1, but was: %lld",
                         (long long)*block);
    if (!span_is(text, "NHWC") && !span_is(text, "NCHW"))
        return error_set(err, CODE_UNIMPLEMENTED, "%s with data_format %.*s is not supported",
                         call->node->op->name, SPAN_ARG(text));
    return CODE_OK;
}

/* Axes: rows, columns, channels. */
static const int axes_of[][3] = {[FORMAT_LAST] = {1, 2, 3}, [FORMAT_FIRST] = {2, 3, 1}};

static enum code to_space_shape(struct op_call *call, struct error *err)
{
    struct shape out = call->in[0]->shape;
    enum format format;
    int64_t block;
    enum code code = read_depth(call, &format, &block, err);
    if (code)
        return code;
    const int *axes = axes_of[format];
    if (out.rank != 4)
        return error_set(err, CODE_INVALID_ARGUMENT, "Input rank should be: 4 instead of: %d",
                         out.rank);
    if (out.dims[axes[2]] % (block * block))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input depth dimension %lld should be divisible by: %lld",
                         (long long)out.dims[axes[2]], (long long)(block * block));
    out.dims[axes[2]] /= block * block;
    if (__builtin_mul_overflow(out.dims[axes[0]], block, &out.dims[axes[0]]) ||
        __builtin_mul_overflow(out.dims[axes[1]], block, &out.dims[axes[1]]))
        return error_set(err, CODE_INVALID_ARGUMENT, "block_size is too large");
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code to_depth_shape(struct op_call *call, struct error *err)
{
    struct shape out = call->in[0]->shape;
    enum format format;
    int64_t block;
    enum code code = read_depth(call, &format, &block, err);
    if (code)
        return code;
    const int *axes = axes_of[format];
    if (out.rank != 4)
        return error_set(err, CODE_INVALID_ARGUMENT, "Input rank should be 4 instead of %d",
                         out.rank);
    if (out.dims[axes[0]] % block || out.dims[axes[1]] % block)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Image width %lld and height %lld should be divisible by block_size: %lld",
                         (long long)out.dims[axes[1]], (long long)out.dims[axes[0]],
                         (long long)block);
    out.dims[axes[0]] /= block;
    out.dims[axes[1]] /= block;
    if (__builtin_mul_overflow(out.dims[axes[2]], block * block, &out.dims[axes[2]]))
        return error_set(err, CODE_INVALID_ARGUMENT, "block_size is too large");
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

/* The input seen with six dimensions; the result has them in the order `order`. */
static void set_view(struct op_call *call, const int64_t dims[6], const int order[6])
{
    struct shape shape = {.rank = 6};
    struct view view = {.rank = 6};
    int64_t strides[SHAPE_RANK_MAX];
    memcpy(shape.dims, dims, 6 * sizeof *dims);
    view_strides(&shape, strides);
    for (int i = 0; i < 6; i++) {
        view.dims[i] = dims[order[i]];
        view.strides[i] = strides[order[i]];
    }
    view_op_set(call, &view);
}

static enum code to_space_prepare(struct op_call *call, struct error *err)
{
    const int64_t *in = call->in[0]->shape.dims;
    enum format format;
    int64_t n;
    enum code code = read_depth(call, &format, &n, err);
    if (format == FORMAT_LAST)
        set_view(call, (int64_t[]){in[0], in[1], in[2], n, n, in[3] / (n * n)},
                 (int[]){0, 1, 3, 2, 4, 5});
    else
        set_view(call, (int64_t[]){in[0], n, n, in[1] / (n * n), in[2], in[3]},
                 (int[]){0, 3, 4, 1, 5, 2});
    return code;
}

static enum code to_depth_prepare(struct op_call *call, struct error *err)
{
    const int64_t *in = call->in[0]->shape.dims;
    enum format format;
    int64_t n;
    enum code code = read_depth(call, &format, &n, err);
    if (format == FORMAT_LAST)
        set_view(call, (int64_t[]){in[0], in[1] / n, n, in[2] / n, n, in[3]},
                 (int[]){0, 1, 3, 2, 4, 5});
    else
        set_view(call, (int64_t[]){in[0], in[1], in[2] / n, n, in[3] / n, n},
                 (int[]){0, 3, 5, 1, 2, 4});
    return code;
}

/* ---- SpaceToBatch, BatchToSpace ---- */

struct blocks {
    int dims;
    int64_t images; /* of the tensor of space */
    int64_t block[SHAPE_RANK_MAX];
    int64_t space[SHAPE_RANK_MAX];
    int64_t batch[SHAPE_RANK_MAX];
    int64_t start[SHAPE_RANK_MAX];
    int64_t end[SHAPE_RANK_MAX];
    int64_t offsets; /* product of block */
    size_t run;      /* bytes of a pixel */
    bool to_batch;
};

static bool is_plain(const struct op_call *call)
{
    return call->in_count == 2; /* block_size is an attribute */
}

static const struct tensor *ends_of(const struct op_call *call)
{
    return call->in[call->in_count - 1];
}

/* The sizes of blocks. */
static enum code read_block(const struct op_call *call, struct blocks *b, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    if (is_plain(call)) {
        int64_t size = op_attr_int(call, "block_size");
        if (size < 2)
            return error_set(err, CODE_INVALID_ARGUMENT, "Block size should be > 1: %lld",
                             (long long)size);
        if (in->rank != 4)
            return error_set(err, CODE_INVALID_ARGUMENT, "Input rank should be: 4instead of: %d",
                             in->rank);
        b->dims = 2;
        b->block[0] = size;
        b->block[1] = size;
        return CODE_OK;
    }
    if (call->in[1]->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "block_shape rank should be 1 instead of %d",
                         call->in[1]->shape.rank);
    int64_t dims = call->in[1]->shape.dims[0];
    if (in->rank < 1 + dims)
        return error_set(err, CODE_INVALID_ARGUMENT, "input rank should be >= %lld instead of %d",
                         (long long)(1 + dims), in->rank);
    b->dims = (int)dims;
    for (int i = 0; i < b->dims; i++)
        b->block[i] = tensor_int(call->in[1], i);
    return CODE_OK;
}

static enum code read_ends(const struct op_call *call, struct blocks *b, struct error *err)
{
    const struct shape *shape = &ends_of(call)->shape;
    char text[SHAPE_TEXT_SIZE];
    if (shape->rank != 2 || shape->dims[0] != b->dims || shape->dims[1] != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s should have shape [%d, 2] instead of %s",
                         b->to_batch ? "paddings" : "crops", b->dims, shape_text(shape, text));
    for (int i = 0; i < b->dims; i++) {
        b->start[i] = tensor_int(ends_of(call), 2 * i);
        b->end[i] = tensor_int(ends_of(call), 2 * i + 1);
    }
    b->offsets = 1;
    for (int i = 0; i < b->dims; i++) {
        if (b->block[i] < 1)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "All values in block_shape must be positive, got value, %lld at index "
                             "%d.",
                             (long long)b->block[i], i);
        if (__builtin_mul_overflow(b->offsets, b->block[i], &b->offsets))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Product of block sizes must be positive, got -1");
    }
    return CODE_OK;
}

static enum code fit_to_batch(struct blocks *b, int i, struct error *err)
{
    int64_t padded;
    if (b->start[i] < 0 || b->end[i] < 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "Paddings must be non-negative");
    if (__builtin_add_overflow(b->space[i], b->start[i], &padded) ||
        __builtin_add_overflow(padded, b->end[i], &padded))
        return error_set(err, CODE_INVALID_ARGUMENT, "paddings are too large");
    if (padded % b->block[i])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "padded_shape[%d]=%lld is not divisible by block_shape[%d]=%lld", i,
                         (long long)padded, i, (long long)b->block[i]);
    b->batch[i] = padded / b->block[i];
    return CODE_OK;
}

static enum code fit_to_space(struct blocks *b, int i, struct error *err)
{
    int64_t whole;
    if (b->start[i] < 0 || b->end[i] < 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "Crops must be non-negative");
    if (__builtin_mul_overflow(b->batch[i], b->block[i], &whole))
        return error_set(err, CODE_INVALID_ARGUMENT, "block_shape is too large");
    b->space[i] = whole - b->start[i] < b->end[i] ? -1 : whole - b->start[i] - b->end[i];
    if (b->space[i] < 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "cropped_shape[%d]=%lld must be non-negative",
                         i, (long long)(whole - b->start[i] - b->end[i]));
    return CODE_OK;
}

/* Everything that inputs say, and the shape of the result. */
static enum code read_all(const struct op_call *call, struct blocks *b, struct shape *out,
                          struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    *b = (struct blocks){
        .to_batch = span_starts_with(span_of(call->node->op->name), SPAN_LITERAL("Space"))};
    enum code code = read_block(call, b, err);
    if (!code)
        code = read_ends(call, b, err);
    if (code)
        return code;
    *out = *in;
    if (!b->to_batch && in->dims[0] % b->offsets)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input batch dimension (%lld) is not divisible by product of block sizes "
                         "(%lld)",
                         (long long)in->dims[0], (long long)b->offsets);
    b->images = b->to_batch ? in->dims[0] : in->dims[0] / b->offsets;
    out->dims[0] = b->images;
    if (b->to_batch && __builtin_mul_overflow(b->images, b->offsets, &out->dims[0]))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Negative output dimension size caused by overflow when multiplying %lld "
                         "and %lld",
                         (long long)b->images, (long long)b->offsets);
    for (int i = 0; !code && i < b->dims; i++) {
        if (b->to_batch) {
            b->space[i] = in->dims[1 + i];
            code = fit_to_batch(b, i, err);
            out->dims[1 + i] = b->batch[i];
        } else {
            b->batch[i] = in->dims[1 + i];
            code = fit_to_space(b, i, err);
            out->dims[1 + i] = b->space[i];
        }
    }
    return code;
}

static enum code blocks_shape(struct op_call *call, struct error *err)
{
    struct blocks b;
    struct shape out;
    for (int i = 1; i < call->in_count; i++) {
        if (!op_call_known(call, i)) {
            op_call_defer(call, 0);
            return CODE_OK;
        }
    }
    enum code code = read_all(call, &b, &out, err);
    if (!code)
        op_call_shape(call, 0, &out);
    return code;
}

static enum code blocks_prepare(struct op_call *call, struct error *err)
{
    struct blocks *b = ARENA_NEW(call->arena, struct blocks);
    struct shape out;
    call->state = b;
    enum code code = read_all(call, b, &out, err);
    if (!code && tensor_elements(call->out[0]))
        b->run = dtype_size(call->in[0]->dtype) * (size_t)kernel_span(&out, 1 + b->dims, out.rank);
    return code;
}

/* Positions [*from, *to) of the batch that offset `at` of dimension i has in space. */
static void range_of(const struct blocks *b, int i, int64_t at, int64_t *from, int64_t *to)
{
    int64_t first = at - b->start[i], block = b->block[i];
    *from = first < 0 ? (-first + block - 1) / block : 0;
    *to = first < b->space[i] ? (b->space[i] - first + block - 1) / block : 0;
    *to = *to < b->batch[i] ? *to : b->batch[i];
}

/* One image at one offset within the blocks. */
struct image {
    const struct blocks *blocks;
    int64_t offset[SHAPE_RANK_MAX];
    char *space; /* the image's first pixel in either tensor */
    char *batch;
};

static void copy_pixel(const struct image *image, const int64_t at[])
{
    const struct blocks *b = image->blocks;
    int64_t space = 0, batch = 0;
    for (int i = 0; i < b->dims; i++) {
        space = space * b->space[i] + at[i] * b->block[i] + image->offset[i] - b->start[i];
        batch = batch * b->batch[i] + at[i];
    }
    char *in_space = image->space + (size_t)space * b->run;
    char *in_batch = image->batch + (size_t)batch * b->run;
    if (b->to_batch)
        memcpy(in_batch, in_space, b->run);
    else
        memcpy(in_space, in_batch, b->run);
}

static void copy_image(const struct image *image)
{
    const struct blocks *b = image->blocks;
    int64_t from[SHAPE_RANK_MAX], to[SHAPE_RANK_MAX], at[SHAPE_RANK_MAX], pixels = 1;
    for (int i = 0; i < b->dims; i++) {
        range_of(b, i, image->offset[i], &from[i], &to[i]);
        pixels *= to[i] > from[i] ? to[i] - from[i] : 0;
        at[i] = from[i];
    }
    for (int64_t n = 0; n < pixels; n++) {
        copy_pixel(image, at);
        for (int i = b->dims - 1; i >= 0; i--) {
            if (++at[i] < to[i])
                break;
            at[i] = from[i];
        }
    }
}

static enum code blocks_run(struct op_call *call, struct error *err)
{
    const struct blocks *b = call->state;
    const struct shape *in = &call->in[0]->shape, *out = &call->out[0]->shape;
    (void)err;
    if (!tensor_elements(call->out[0]))
        return CODE_OK;
    const struct shape *space = b->to_batch ? in : out, *batch = b->to_batch ? out : in;
    size_t space_size = b->run * (size_t)kernel_span(space, 1, 1 + b->dims);
    size_t batch_size = b->run * (size_t)kernel_span(batch, 1, 1 + b->dims);
    char *from = call->in[0]->data, *to = call->out[0]->data;
    if (b->to_batch)
        memset(to, 0, tensor_bytes(call->out[0]));
    for (int64_t n = 0; n < b->offsets * b->images; n++) {
        int64_t offset = n / b->images;
        struct image image = {
            .blocks = b,
            .space = (b->to_batch ? from : to) + (size_t)(n % b->images) * space_size,
            .batch = (b->to_batch ? to : from) + (size_t)n * batch_size,
        };
        for (int i = b->dims - 1; i >= 0; i--) {
            image.offset[i] = offset % b->block[i];
            offset /= b->block[i];
        }
        copy_image(&image);
    }
    return CODE_OK;
}

const struct op op_DepthToSpace = {
    .name = "DepthToSpace",
    .inputs = "input:T",
    .outputs = "output:T",
    .attrs = "T:type block_size:int data_format:string='NHWC'",
    .shape = to_space_shape,
    .prepare = to_space_prepare,
    .run = view_op_run,
};

const struct op op_SpaceToDepth = {
    .name = "SpaceToDepth",
    .inputs = "input:T",
    .outputs = "output:T",
    .attrs = "T:type block_size:int data_format:string='NHWC'",
    .shape = to_depth_shape,
    .prepare = to_depth_prepare,
    .run = view_op_run,
};

const struct op op_SpaceToBatchND = {
    .name = "SpaceToBatchND",
    .inputs = "input:T block_shape:Tblock_shape paddings:Tpaddings",
    .outputs = "output:T",
    .attrs = "T:type Tblock_shape:index=int32 Tpaddings:index=int32",
    .types = OP_TYPES_REAL,
    .shape = blocks_shape,
    .prepare = blocks_prepare,
    .run = blocks_run,
};

const struct op op_BatchToSpaceND = {
    .name = "BatchToSpaceND",
    .inputs = "input:T block_shape:Tblock_shape crops:Tcrops",
    .outputs = "output:T",
    .attrs = "T:type Tblock_shape:index=int32 Tcrops:index=int32",
    .types = OP_TYPES_REAL,
    .shape = blocks_shape,
    .prepare = blocks_prepare,
    .run = blocks_run,
};

const struct op op_SpaceToBatch = {
    .name = "SpaceToBatch",
    .inputs = "input:T paddings:Tpaddings",
    .outputs = "output:T",
    .attrs = "T:type Tpaddings:index=int32 block_size:int",
    .types = OP_TYPES_REAL,
    .shape = blocks_shape,
    .prepare = blocks_prepare,
    .run = blocks_run,
};

const struct op op_BatchToSpace = {
    .name = "BatchToSpace",
    .inputs = "input:T crops:Tidx",
    .outputs = "output:T",
    .attrs = "T:type block_size:int Tidx:index=int32",
    .types = OP_TYPES_REAL,
    .shape = blocks_shape,
    .prepare = blocks_prepare,
    .run = blocks_run,
};
