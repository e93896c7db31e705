/* SPDX-License-Identifier: Apache-2.0 */
/* EncodeJpeg, EncodeJpegVariableQuality, EncodePng: pixels to the bytes of a file. */
#include "ops/image/jpeg.h"
#include "ops/image/png.h"
#include "ops/kernel.h"

/* ---- EncodeJpeg ---- */

static enum code read_format(const struct op_call *call, int *channels, struct error *err)
{
    struct span format = op_attr_string(call, "format");
    *channels = 0;
    if (span_is(format, "grayscale"))
        *channels = 1;
    else if (span_is(format, "rgb"))
        *channels = 3;
    else if (format.len)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "format must be '', grayscale or rgb, got %.*s", SPAN_ARG(format));
    return CODE_OK;
}

static enum code check_quality(int64_t quality, struct error *err)
{
    if (quality < 0 || quality > 100)
        return error_set(err, CODE_INVALID_ARGUMENT, "quality must be in [0,100], got %lld",
                         (long long)quality);
    return CODE_OK;
}

static enum code read_encoding(const struct op_call *call, struct jpeg_encoding *e,
                               struct error *err)
{
    struct span unit = op_attr_string(call, "density_unit");
    enum code code = read_format(call, &e->channels, err);
    if (!code)
        code = check_quality(op_attr_int(call, "quality"), err);
    if (code)
        return code;
    if (!span_is(unit, "in") && !span_is(unit, "cm"))
        return error_set(err, CODE_INVALID_ARGUMENT, "density_unit must be 'in' or 'cm'%.*s",
                         SPAN_ARG(unit));
    e->quality = (int)op_attr_int(call, "quality");
    e->progressive = op_attr_bool(call, "progressive");
    e->optimize_size = op_attr_bool(call, "optimize_size");
    e->chroma_downsampling = op_attr_bool(call, "chroma_downsampling");
    e->density_unit = span_is(unit, "in") ? 1 : 2;
    e->x_density = op_attr_int(call, "x_density");
    e->y_density = op_attr_int(call, "y_density");
    e->xmp_metadata = op_attr_string(call, "xmp_metadata");
    return CODE_OK;
}

static enum code check_image(const struct op_call *call, struct jpeg_encoding *e, struct error *err)
{
    const struct shape *shape = &call->in[0]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (shape->rank != 3)
        return error_set(err, CODE_INVALID_ARGUMENT, "image must be 3-dimensional%s",
                         shape_text(shape, text));
    if (tensor_elements(call->in[0]) >= INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Cannot encode images with >= max int32 elements");
    e->rows = shape->dims[0];
    e->columns = shape->dims[1];
    if (e->channels && e->channels != shape->dims[2])
        return error_set(err, CODE_INVALID_ARGUMENT, "format %s expects %d channels, got %s",
                         e->channels == 1 ? "grayscale" : "rgb", e->channels,
                         shape_text(shape, text));
    if (shape->dims[2] != 1 && shape->dims[2] != 3)
        return error_set(err, CODE_INVALID_ARGUMENT, "image must have 1 or 3 channels, got %s",
                         shape_text(shape, text));
    e->channels = (int)shape->dims[2];
    return CODE_OK;
}

static enum code jpeg_prepare(struct op_call *call, struct error *err)
{
    struct jpeg_encoding *e = ARENA_NEW(call->arena, struct jpeg_encoding);
    call->state = e;
    enum code code = read_encoding(call, e, err);
    return code ? code : check_image(call, e, err);
}

static enum code jpeg_run(struct op_call *call, struct error *err)
{
    struct jpeg_encoding e = *(const struct jpeg_encoding *)call->state;
    e.pixels = call->in[0]->data;
    return jpeg_encode(&e, call->arena, call->out[0]->data, err);
}

static enum code variable_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    struct jpeg_encoding *e = ARENA_NEW(call->arena, struct jpeg_encoding);
    *e = (struct jpeg_encoding){
        .chroma_downsampling = true,
        .density_unit = 1,
        .x_density = 300,
        .y_density = 300,
    };
    call->state = e;
    return CODE_OK;
}

static enum code variable_run(struct op_call *call, struct error *err)
{
    struct jpeg_encoding e = *(const struct jpeg_encoding *)call->state;
    char text[SHAPE_TEXT_SIZE];
    e.pixels = call->in[0]->data;
    if (call->in[0]->shape.rank == 3 && call->in[1]->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "quality must be scalar: %s",
                         shape_text(&call->in[1]->shape, text));
    enum code code = CODE_OK;
    if (call->in[0]->shape.rank == 3)
        code = check_quality(*TENSOR_AT(call->in[1], int32_t), err);
    if (!code)
        code = check_image(call, &e, err);
    if (code)
        return code;
    e.quality = *TENSOR_AT(call->in[1], int32_t);
    return jpeg_encode(&e, call->arena, call->out[0]->data, err);
}

/* ---- EncodePng: images [..., rows, columns, channels] -> files [...] ---- */

static enum code check_png(const struct op_call *call, struct error *err)
{
    const struct shape *shape = &call->in[0]->shape;
    char text[SHAPE_TEXT_SIZE];
    int64_t compression = op_attr_int(call, "compression"), row;
    if (compression < -1 || compression > 9)
        return error_set(err, CODE_INVALID_ARGUMENT, "compression should be in [-1,9], got %lld",
                         (long long)compression);
    if (shape->rank < 3)
        return error_set(err, CODE_INVALID_ARGUMENT, "images must be at least rank 3%s",
                         shape_text(shape, text));
    if (tensor_elements(call->in[0]) >= INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "image cannot have >= int32 max elements");
    int64_t channels = shape->dims[shape->rank - 1];
    if (__builtin_mul_overflow(shape->dims[shape->rank - 2], channels, &row) ||
        row >= INT32_MAX / 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "image too wide to encode");
    if (channels < 1 || channels > 4)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "image must have 1, 2, 3, or 4 channels, got %lld", (long long)channels);
    return CODE_OK;
}

static enum code png_shape(struct op_call *call, struct error *err)
{
    enum code code = check_png(call, err);
    if (code)
        return code;
    struct shape out = call->in[0]->shape;
    out.rank -= 3;
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code png_prepare(struct op_call *call, struct error *err)
{
    const struct shape *shape = &call->in[0]->shape;
    struct png_encoding *e = ARENA_NEW(call->arena, struct png_encoding);
    (void)err;
    *e = (struct png_encoding){
        .rows = shape->dims[shape->rank - 3],
        .columns = shape->dims[shape->rank - 2],
        .channels = (int)shape->dims[shape->rank - 1],
        .bits = (int)dtype_size(call->in[0]->dtype) * 8,
        .compression = (int)op_attr_int(call, "compression"),
    };
    call->state = e;
    return CODE_OK;
}

static enum code png_run(struct op_call *call, struct error *err)
{
    struct png_encoding e = *(const struct png_encoding *)call->state;
    int64_t images = tensor_elements(call->out[0]);
    int64_t size = e.rows * e.columns * e.channels * e.bits / 8;
    for (int64_t i = 0; i < images; i++) {
        e.pixels = (const char *)call->in[0]->data + i * size;
        if (!png_encode(&e, call->arena, TENSOR_AT(call->out[0], struct span) + i))
            return error_set(err, CODE_INTERNAL,
                             "PNG encoding failed at the following flattened batch indices: %lld",
                             (long long)i);
    }
    return CODE_OK;
}

const struct op op_EncodeJpeg = {
    .name = "EncodeJpeg",
    .inputs = "image:uint8",
    .outputs = "contents:string",
    .attrs = "format:string='' quality:int=95 progressive:bool=false optimize_size:bool=false "
             "chroma_downsampling:bool=true density_unit:string='in' x_density:int=300 "
             "y_density:int=300 xmp_metadata:string=''",
    .shape = kernel_shape_scalar,
    .prepare = jpeg_prepare,
    .run = jpeg_run,
};

const struct op op_EncodeJpegVariableQuality = {
    .name = "EncodeJpegVariableQuality",
    .inputs = "images:uint8 quality:int32",
    .outputs = "contents:string",
    .shape = kernel_shape_scalar,
    .prepare = variable_prepare,
    .run = variable_run,
};

const struct op op_EncodePng = {
    .name = "EncodePng",
    .inputs = "image:T",
    .outputs = "contents:string",
    .attrs = "compression:int=-1 T:type=uint8",
    .types = OP_TYPE(DTYPE_UINT8) | OP_TYPE(DTYPE_UINT16),
    .shape = png_shape,
    .prepare = png_prepare,
    .run = png_run,
};
