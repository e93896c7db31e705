/* SPDX-License-Identifier: Apache-2.0 */
/*
 * giflib takes the file apart and undoes the LZW coding; the frames are kept here, in the request's
 * arena: giflib's own DGifSlurp() would take memory without asking the budget. What it keeps
 * besides (descriptions of frames, palettes) is as large as the file at most.
 *
 * Frames are read first, since the canvas is as large as the largest, then painted upon one
 * another. Pixels outside the first frame and transparent ones of it are black.
 */
#include "ops/image/gif.h"

#include <gif_lib.h>

#include "ops/kernel.h"

struct frame {
    struct frame *next;
    const GifByteType *pixels; /* [rows, columns] of indices into the palette */
    int64_t left, top, rows, columns;
    const ColorMapObject *palette; /* NULL: the file's */
    int transparent;               /* index, or NO_TRANSPARENT_COLOR */
};

struct gif {
    GifFileType *file;
    struct span rest;
    struct image_target *target;
    struct frame *first;
    struct frame **last;
    int64_t frames;
    int64_t rows, columns; /* of the canvas */
    /* Of the frame that follows: */
    int transparent;
    bool has_control;
};

static int read_bytes(GifFileType *file, GifByteType *to, int size)
{
    struct gif *g = file->UserData;
    if (size < 0 || (size_t)size > g->rest.len)
        return 0;
    if (size)
        memcpy(to, g->rest.ptr, (size_t)size);
    g->rest = span_sub(g->rest, (size_t)size, g->rest.len);
    return size;
}

/* ---- reading; false: the file breaks off here ---- */

static bool read_extension(struct gif *g)
{
    int kind;
    GifByteType *block; /* its length, then its bytes */
    if (DGifGetExtension(g->file, &kind, &block) == GIF_ERROR)
        return false;
    while (block) {
        GraphicsControlBlock control;
        if (kind == GRAPHICS_EXT_FUNC_CODE && !g->has_control) {
            g->has_control = true;
            if (DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
                g->transparent = control.TransparentColor;
        }
        if (DGifGetExtensionNext(g->file, &block) == GIF_ERROR)
            return false;
    }
    return true;
}

/* Rows of an interlaced frame come every 8th, then those between them. */
static bool read_pixels(struct gif *g, GifByteType *pixels)
{
    static const int offset[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
    const GifImageDesc *d = &g->file->Image;
    if (!d->Interlace)
        return DGifGetLine(g->file, pixels, d->Width * d->Height) != GIF_ERROR;
    for (int pass = 0; pass < 4; pass++) {
        for (int row = offset[pass]; row < d->Height; row += step[pass]) {
            if (DGifGetLine(g->file, pixels + (size_t)row * (size_t)d->Width, d->Width) ==
                GIF_ERROR)
                return false;
        }
    }
    return true;
}

static void add_frame(struct gif *g, struct frame *frame)
{
    const GifImageDesc *d = &g->file->Image;
    frame->left = d->Left;
    frame->top = d->Top;
    frame->rows = d->Height;
    frame->columns = d->Width;
    frame->transparent = g->transparent;
    *g->last = frame;
    g->last = &frame->next;
    g->frames++;
    g->rows = frame->rows > g->rows ? frame->rows : g->rows;
    g->columns = frame->columns > g->columns ? frame->columns : g->columns;
    g->transparent = NO_TRANSPARENT_COLOR;
    g->has_control = false;
}

/* A frame that has no pixels, or whose pixels break off, ends the file. */
static enum code read_frame(struct gif *g, bool *more, struct error *err)
{
    struct op_call *call = g->target->call;
    *more = DGifGetImageDesc(g->file) != GIF_ERROR;
    int64_t pixels = (int64_t)g->file->Image.Width * g->file->Image.Height;
    *more = *more && pixels && pixels <= INT32_MAX;
    if (!*more)
        return CODE_OK;
    enum code code = image_target_check(g->target, err);
    struct frame *frame = ARENA_NEW(call->arena, struct frame);
    void *to = NULL;
    if (!code)
        code = kernel_array(call, pixels, 1, &to, err);
    if (code)
        return code;
    frame->pixels = to;
    *more = read_pixels(g, to);
    if (*more)
        add_frame(g, frame);
    return CODE_OK;
}

/* The file's regular end; one without a frame is an error. */
static bool end(struct gif *g)
{
    if (!g->frames)
        g->file->Error = D_GIF_ERR_NO_IMAG_DSCR;
    return false;
}

static enum code read_records(struct gif *g, struct error *err)
{
    enum code code = CODE_OK;
    bool more = true;
    while (!code && more) {
        GifRecordType record = UNDEFINED_RECORD_TYPE;
        if (DGifGetRecordType(g->file, &record) == GIF_ERROR)
            more = false;
        else if (record == IMAGE_DESC_RECORD_TYPE)
            code = read_frame(g, &more, err);
        else if (record == EXTENSION_RECORD_TYPE)
            more = read_extension(g);
        else if (record == TERMINATE_RECORD_TYPE)
            more = end(g);
    }
    return code;
}

/* giflib moves its list of frames when it grows, so palettes are looked up at the end. */
static void find_palettes(struct gif *g)
{
    int i = 0;
    for (struct frame *f = g->first; f; f = f->next)
        f->palette = g->file->SavedImages[i++].ImageDesc.ColorMap;
}

/* ---- painting ---- */

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static enum code paint(const struct gif *g, const struct frame *f, uint8_t *canvas,
                       struct error *err)
{
    const ColorMapObject *palette = f->palette;
    int64_t bottom = smaller(f->top + f->rows, g->rows);
    int64_t right = smaller(f->left + f->columns, g->columns);
    for (int64_t y = f->top; y < bottom; y++) {
        const GifByteType *from = f->pixels + (y - f->top) * f->columns;
        uint8_t *to = canvas + (y * g->columns + f->left) * 3;
        for (int64_t x = f->left; x < right; x++, from++, to += 3) {
            if (*from == f->transparent)
                continue;
            if (*from >= palette->ColorCount)
                return error_set(err, CODE_INVALID_ARGUMENT,
                                 "found color index %d outside of color map range %d", *from,
                                 palette->ColorCount);
            const GifColorType *colour = &palette->Colors[*from];
            to[0] = colour->Red;
            to[1] = colour->Green;
            to[2] = colour->Blue;
        }
    }
    return CODE_OK;
}

static enum code paint_frames(struct gif *g, int64_t frames, struct error *err)
{
    size_t size = (size_t)(g->rows * g->columns * 3);
    uint8_t *canvas = g->target->pixels;
    struct frame *f = g->first;
    for (int64_t i = 0; i < frames; i++, f = f->next, canvas += size) {
        if (i)
            memcpy(canvas, canvas - size, size);
        else
            memset(canvas, 0, size);
        enum code code = image_target_check(g->target, err);
        f->palette = f->palette ? f->palette : g->file->SColorMap;
        if (!code && !f->palette)
            code = error_set(err, CODE_INVALID_ARGUMENT, "missing color map for frame %lld",
                             (long long)i);
        if (!code)
            code = paint(g, f, canvas, err);
        if (code)
            return code;
    }
    return CODE_OK;
}

static const char *reason(int error)
{
    const char *text = GifErrorString(error);
    return text ? text : "Unknown error";
}

static enum code read_file(struct gif *g, struct error *err)
{
    int error = D_GIF_SUCCEEDED;
    g->file = DGifOpen(g, read_bytes, &error);
    if (!g->file)
        return error_set(err, CODE_INVALID_ARGUMENT, "failed to open gif file: %s", reason(error));
    enum code code = read_records(g, err);
    if (!code && !g->frames)
        code = error_set(err, CODE_INVALID_ARGUMENT, "failed to slurp gif file: %s",
                         reason(g->file->Error));
    if (!code)
        find_palettes(g);
    return code;
}

/* Says which file was bad. */
static enum code of_file(enum code code, struct span bytes, struct error *err)
{
    if (code == CODE_INVALID_ARGUMENT)
        error_prefix(err, "Invalid GIF data (size %zu), ", bytes.len);
    return code;
}

static enum code decode(struct gif *g, struct span bytes, const struct gif_options *options,
                        struct error *err)
{
    enum code code = of_file(read_file(g, err), bytes, err);
    if (code)
        return code;
    int64_t frames = options->first_frame ? 1 : g->frames;
    if (options->single_frame && frames > 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Got %lld frames, but animated gifs can only be decoded by "
                         "tf.io.decode_gif or tf.io.decode_image",
                         (long long)frames);
    struct image_size size = {frames, g->rows, g->columns, 3};
    code = image_target_open(g->target, &size, DTYPE_UINT8, err);
    if (!code)
        code = of_file(paint_frames(g, frames, err), bytes, err);
    if (!code)
        image_target_close(g->target);
    return code;
}

enum code gif_decode(struct span bytes, const struct gif_options *options,
                     struct image_target *target, struct error *err)
{
    struct gif g = {.rest = bytes, .target = target, .transparent = NO_TRANSPARENT_COLOR};
    int ignored;
    g.last = &g.first;
    enum code code = decode(&g, bytes, options, err);
    if (g.file)
        DGifCloseFile(g.file, &ignored);
    return code;
}
