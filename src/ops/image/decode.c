/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DecodeJpeg, DecodeAndCropJpeg, DecodePng, DecodeGif, DecodeBmp, DecodeImage, ExtractJpegShape.
 * What a file is, its first bytes tell, not the op: all but DecodeBmp and DecodeAndCropJpeg decode
 * JPEG, PNG and GIF alike. Bytes are what a request sent: nothing in them is trusted.
 */
#include "ops/image/bmp.h"
#include "ops/image/gif.h"
#include "ops/image/jpeg.h"
#include "ops/image/png.h"
#include "ops/kernel.h"

enum kind { KIND_JPEG, KIND_CROP, KIND_PNG, KIND_GIF, KIND_BMP, KIND_IMAGE };

struct decode {
    enum kind kind;
    int64_t channels;
    struct jpeg_options jpeg;
    bool first_frame;
};

typedef enum code decode_fn(struct op_call *call, struct span bytes, struct error *err);

/* ---- the formats ---- */

static enum code refuse_op(const struct decode *d, const char *format, struct error *err)
{
    if (d->kind == KIND_CROP)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "DecodeAndCropJpeg operation can run on JPEG only, but detected %s.",
                         format);
    const char *op = format[0] == 'J' ? "jpeg" : format[0] == 'P' ? "png" : "gif";
    if (d->kind == KIND_BMP)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Trying to decode %s format using DecodeBmp op. Use `decode_%s` or "
                         "`decode_image` instead.",
                         format, op);
    return CODE_OK;
}

static enum code read_window(const struct op_call *call, struct jpeg_options *o, struct error *err)
{
    const struct shape *shape = &call->in[1]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (shape->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "crop_window must be 1-D, got shape %s",
                         shape_text(shape, text));
    if (shape->dims[0] != 4)
        return error_set(err, CODE_INVALID_ARGUMENT, "crop_size must have four elements %s",
                         shape_text(shape, text));
    const int32_t *window = call->in[1]->data;
    o->crop = true;
    o->crop_row = window[0];
    o->crop_column = window[1];
    o->crop_rows = window[2];
    o->crop_columns = window[3];
    return CODE_OK;
}

static enum code decode_jpeg(struct op_call *call, struct span bytes, struct error *err)
{
    const struct decode *d = call->state;
    struct jpeg_options options = d->jpeg;
    struct image_target target = {.call = call, .with_frames = d->kind == KIND_GIF};
    enum code code = CODE_OK;
    if (d->channels == 4)
        return error_set(err, CODE_INVALID_ARGUMENT, "JPEG does not support 4 channels");
    if (d->kind == KIND_CROP)
        code = read_window(call, &options, err);
    else
        code = refuse_op(d, "JPEG", err);
    options.channels = (int)d->channels;
    return code ? code : jpeg_decode(bytes, &options, &target, err);
}

static enum code decode_png(struct op_call *call, struct span bytes, struct error *err)
{
    const struct decode *d = call->state;
    struct image_target target = {.call = call, .with_frames = d->kind == KIND_GIF};
    enum code code = refuse_op(d, "PNG", err);
    return code ? code : png_decode(bytes, (int)d->channels, &target, err);
}

static enum code decode_gif(struct op_call *call, struct span bytes, struct error *err)
{
    const struct decode *d = call->state;
    if (d->channels != 0 && d->channels != 3)
        return error_set(err, CODE_INVALID_ARGUMENT, "channels must be 0 or 3 for GIF, got %lld",
                         (long long)d->channels);
    enum code code = refuse_op(d, "GIF", err);
    bool single = d->kind == KIND_JPEG || d->kind == KIND_PNG;
    struct gif_options options = {.first_frame = d->first_frame, .single_frame = single};
    struct image_target target = {.call = call, .with_frames = !single && !d->first_frame};
    return code ? code : gif_decode(bytes, &options, &target, err);
}

static enum code decode_bmp(struct op_call *call, struct span bytes, struct error *err)
{
    const struct decode *d = call->state;
    struct image_target target = {.call = call};
    if (d->channels == 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "`channels` must be 0, 3 or 4 for BMP, but got 1");
    if (d->kind == KIND_CROP)
        return refuse_op(d, "BMP", err);
    if (d->kind != KIND_BMP && d->kind != KIND_IMAGE)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Trying to decode BMP format using a wrong op. Use `decode_bmp` or "
                         "`decode_image` instead. Op used: %s",
                         call->node->op->name);
    return bmp_decode(bytes, (int)d->channels, &target, err);
}

/* What TensorFlow decodes and tensord does not. */
static enum code refuse_format(struct op_call *call, struct span bytes, struct error *err)
{
    (void)call;
    return error_set(err, CODE_UNIMPLEMENTED, "%s images are not supported",
                     bytes.ptr[0] == 'R' ? "WebP" : "JPEG XL");
}

static bool is_webp(struct span bytes)
{
    return bytes.len > 12 && span_starts_with(bytes, SPAN_LITERAL("RIFF")) &&
           span_starts_with(span_sub(bytes, 8, 4), SPAN_LITERAL("WEBP"));
}

static decode_fn *format_of(struct span bytes)
{
    static const struct {
        struct span magic;
        decode_fn *decode;
    } formats[] = {
        {SPAN_LITERAL("\xff\xd8\xff"), decode_jpeg},
        {SPAN_LITERAL("\x89PNG\r\n\x1a\n"), decode_png},
        {SPAN_LITERAL("GIF8"), decode_gif},
        {SPAN_LITERAL("BM"), decode_bmp},
        {SPAN_LITERAL("\xff\x0a"), refuse_format},
        {SPAN_LITERAL("\0\0\0\x0cJXL \r\n\x87\n"), refuse_format},
    };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (span_starts_with(bytes, formats[i].magic))
            return formats[i].decode;
    }
    return is_webp(bytes) ? refuse_format : NULL;
}

static enum code decode_run(struct op_call *call, struct error *err)
{
    const struct shape *shape = &call->in[0]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (shape->rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "`contents` must be scalar but got shape%s",
                         shape_text(shape, text));
    struct span bytes = *TENSOR_AT(call->in[0], struct span);
    if (!bytes.len)
        return error_set(err, CODE_INVALID_ARGUMENT, "Input is empty.");
    if (bytes.len > INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "Input contents are too large for int: %zu",
                         bytes.len);
    decode_fn *decode = format_of(bytes);
    if (!decode)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Unknown image file format. One of JPEG, JPEG XL, PNG, GIF, BMP, WebP "
                         "required.");
    return decode(call, bytes, err);
}

/* ---- the ops ---- */

static enum code prepare(struct op_call *call, enum kind kind, struct error *err)
{
    struct decode *d = ARENA_NEW(call->arena, struct decode);
    *d = (struct decode){
        .kind = kind,
        .channels = kind == KIND_GIF ? 3 : op_attr_int(call, "channels"),
        .jpeg = {.ratio = 1, .fancy_upscaling = true, .acceptable_fraction = 1},
        .first_frame = kind == KIND_IMAGE && !op_attr_bool(call, "expand_animations"),
    };
    call->state = d;
    if (d->channels != 0 && d->channels != 1 && d->channels != 3 && d->channels != 4)
        return error_set(err, CODE_INVALID_ARGUMENT, "`channels` must be 0, 1, 3 or 4 but got %lld",
                         (long long)d->channels);
    return CODE_OK;
}

static enum code prepare_jpeg(struct op_call *call, enum kind kind, struct error *err)
{
    int64_t ratio = op_attr_int(call, "ratio");
    struct span method = op_attr_string(call, "dct_method");
    if (ratio != 1 && ratio != 2 && ratio != 4 && ratio != 8)
        return error_set(err, CODE_INVALID_ARGUMENT, "ratio must be 1, 2, 4, or 8, got %lld",
                         (long long)ratio);
    if (method.len && !span_is(method, "INTEGER_FAST") && !span_is(method, "INTEGER_ACCURATE"))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "dct_method must be one of {'', 'INTEGER_FAST', 'INTEGER_ACCURATE'}");
    enum code code = prepare(call, kind, err);
    struct decode *d = call->state;
    d->jpeg = (struct jpeg_options){
        .ratio = (int)ratio,
        .fancy_upscaling = op_attr_bool(call, "fancy_upscaling"),
        .try_recover_truncated = op_attr_bool(call, "try_recover_truncated"),
        .acceptable_fraction = op_attr_float(call, "acceptable_fraction"),
        .accurate_dct = span_is(method, "INTEGER_ACCURATE"),
    };
    return code;
}

static enum code jpeg_prepare(struct op_call *call, struct error *err)
{
    return prepare_jpeg(call, KIND_JPEG, err);
}

static enum code crop_prepare(struct op_call *call, struct error *err)
{
    return prepare_jpeg(call, KIND_CROP, err);
}

static enum code png_prepare(struct op_call *call, struct error *err)
{
    return prepare(call, KIND_PNG, err);
}

static enum code gif_prepare(struct op_call *call, struct error *err)
{
    return prepare(call, KIND_GIF, err);
}

static enum code bmp_prepare(struct op_call *call, struct error *err)
{
    return prepare(call, KIND_BMP, err);
}

static enum code image_prepare(struct op_call *call, struct error *err)
{
    return prepare(call, KIND_IMAGE, err);
}

/* ---- ExtractJpegShape: -> [rows, columns, channels] ---- */

static enum code extract_shape(struct op_call *call, struct error *err)
{
    struct shape out = shape_vector(3);
    (void)err;
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code extract_run(struct op_call *call, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    int64_t size[3];
    if (call->in[0]->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "contents must be scalar, got shape %s",
                         shape_text(&call->in[0]->shape, text));
    enum code code = jpeg_size(*TENSOR_AT(call->in[0], struct span), size, err);
    for (int i = 0; !code && i < 3; i++) {
        if (call->out[0]->dtype == DTYPE_INT64)
            TENSOR_AT(call->out[0], int64_t)[i] = size[i];
        else
            TENSOR_AT(call->out[0], int32_t)[i] = (int32_t)size[i];
    }
    return code;
}

#define JPEG_ATTRS                                                                                 \
    "channels:int=0 ratio:int=1 fancy_upscaling:bool=true try_recover_truncated:bool=false "       \
    "acceptable_fraction:float=1 dct_method:string=''"

const struct op op_DecodeJpeg = {
    .name = "DecodeJpeg",
    .inputs = "contents:string",
    .outputs = "image:uint8",
    .attrs = JPEG_ATTRS,
    .flags = OP_DYNAMIC,
    .prepare = jpeg_prepare,
    .run = decode_run,
};

const struct op op_DecodeAndCropJpeg = {
    .name = "DecodeAndCropJpeg",
    .inputs = "contents:string crop_window:int32",
    .outputs = "image:uint8",
    .attrs = JPEG_ATTRS,
    .flags = OP_DYNAMIC,
    .prepare = crop_prepare,
    .run = decode_run,
};

const struct op op_DecodePng = {
    .name = "DecodePng",
    .inputs = "contents:string",
    .outputs = "image:dtype",
    .attrs = "channels:int=0 dtype:type=uint8",
    .flags = OP_DYNAMIC,
    .types = OP_TYPE(DTYPE_UINT8) | OP_TYPE(DTYPE_UINT16),
    .types_attr = "dtype",
    .prepare = png_prepare,
    .run = decode_run,
};

const struct op op_DecodeGif = {
    .name = "DecodeGif",
    .inputs = "contents:string",
    .outputs = "image:uint8",
    .flags = OP_DYNAMIC,
    .prepare = gif_prepare,
    .run = decode_run,
};

const struct op op_DecodeBmp = {
    .name = "DecodeBmp",
    .inputs = "contents:string",
    .outputs = "image:uint8",
    .attrs = "channels:int=0",
    .flags = OP_DYNAMIC,
    .prepare = bmp_prepare,
    .run = decode_run,
};

const struct op op_DecodeImage = {
    .name = "DecodeImage",
    .inputs = "contents:string",
    .outputs = "image:dtype",
    .attrs = "channels:int=0 dtype:type=uint8 expand_animations:bool=true",
    .flags = OP_DYNAMIC,
    .types = OP_TYPE(DTYPE_UINT8) | OP_TYPE(DTYPE_UINT16) | OP_TYPE(DTYPE_FLOAT),
    .types_attr = "dtype",
    .prepare = image_prepare,
    .run = decode_run,
};

const struct op op_ExtractJpegShape = {
    .name = "ExtractJpegShape",
    .inputs = "contents:string",
    .outputs = "image_shape:output_type",
    .attrs = "output_type:index=int32",
    .shape = extract_shape,
    .run = extract_run,
};
