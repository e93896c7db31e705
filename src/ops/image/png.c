/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpng reports an error by a function that must not return; ours jumps back into the guard of
 * this file. What is decoded or encoded is kept in a struct of the caller's frame and all library
 * calls stand in functions below the guard, so that no local variable outlives the jump.
 *
 * The library's own limits stay on (10^6 rows or columns, 8 MB a chunk); an image has fewer than
 * 2^29 pixels, as in TensorFlow, and its memory comes from the request's arena.
 */
#include "ops/image/png.h"

#include <setjmp.h>

#include <png.h>
#include <zlib.h>

#include "ops/kernel.h"

enum { PNG_SIDE_LIMIT = 1 << 27, PNG_PIXELS_LIMIT = 1 << 29 };

static void forget_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

/* ---- decoding ---- */

struct decoder {
    png_structp png;
    png_infop info;
    jmp_buf jump;
    struct span rest; /* of the file */
    int channels;
    int bits; /* of the pixels: 8 or 16 */
    int passes;
    bool synthesize; /* the file has 8 bits or less, 16 are wanted */
    png_uint_32 rows, columns;
    int depth, colour;
    struct image_target *target;
    struct error *err;
    enum code code; /* of what is not the file's fault */
};

static void decoder_on_error(png_structp png, png_const_charp message)
{
    struct decoder *d = png_get_error_ptr(png);
    (void)message;
    longjmp(d->jump, 1);
}

static void read_bytes(png_structp png, png_bytep to, size_t size)
{
    struct decoder *d = png_get_io_ptr(png);
    if (d->rest.len < size)
        png_error(png, "the file ends early");
    memcpy(to, d->rest.ptr, size);
    d->rest = span_sub(d->rest, size, d->rest.len);
}

static void read_header(struct decoder *d)
{
    d->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, d, decoder_on_error, forget_warning);
    d->info = d->png ? png_create_info_struct(d->png) : NULL;
    if (!d->info)
        longjmp(d->jump, 1);
    png_set_read_fn(d->png, d, read_bytes);
    png_read_info(d->png, d->info);
    png_get_IHDR(d->png, d->info, &d->columns, &d->rows, &d->depth, &d->colour, NULL, NULL, NULL);
}

static void choose_alpha(struct decoder *d)
{
    bool transparent = png_get_valid(d->png, d->info, PNG_INFO_tRNS) != 0;
    bool alpha = d->colour & PNG_COLOR_MASK_ALPHA;
    if (!d->channels) {
        d->channels = png_get_channels(d->png, d->info);
        if (d->colour == PNG_COLOR_TYPE_PALETTE)
            d->channels = transparent ? 4 : 3;
    }
    bool wanted = d->channels % 2 == 0;
    if (!wanted && (alpha || transparent))
        png_set_strip_alpha(d->png);
    else if (wanted && !alpha && transparent)
        png_set_tRNS_to_alpha(d->png);
    else if (wanted && !alpha)
        png_set_add_alpha(d->png, (1U << d->depth) - 1, PNG_FILLER_AFTER);
}

static void choose_colours(struct decoder *d)
{
    bool gray = !(d->colour & PNG_COLOR_MASK_COLOR);
    if (d->colour == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(d->png);
    if (gray && d->depth < 8)
        png_set_expand_gray_1_2_4_to_8(d->png);
    if (d->channels < 3 && !gray)
        png_set_rgb_to_gray(d->png, PNG_ERROR_ACTION_NONE, 0.299, 0.587);
    if (d->channels >= 3 && gray)
        png_set_gray_to_rgb(d->png);
}

static void choose_transformations(struct decoder *d)
{
    read_header(d);
    choose_alpha(d);
    if (d->depth > 8 && d->bits == 8)
        png_set_strip_16(d->png);
    d->synthesize = d->depth <= 8 && d->bits == 16;
    png_set_packing(d->png);
    d->passes = png_set_interlace_handling(d->png);
    if (d->bits == 16)
        png_set_swap(d->png);
    choose_colours(d);
    png_read_update_info(d->png, d->info);
}

static size_t row_size(const struct decoder *d)
{
    return (size_t)d->columns * (size_t)d->channels * (size_t)(d->bits / 8);
}

/* Each pass goes over all rows. */
static void read_pixels(struct decoder *d)
{
    size_t expected = row_size(d) / (d->synthesize ? 2 : 1);
    if (png_get_rowbytes(d->png, d->info) != expected)
        png_error(d->png, "rows of another size");
    for (int pass = 0; pass < d->passes; pass++) {
        png_bytep row = d->target->pixels;
        d->code = image_target_check(d->target, d->err);
        if (d->code)
            longjmp(d->jump, 1);
        for (png_uint_32 i = 0; i < d->rows; i++, row += row_size(d))
            png_read_row(d->png, row, NULL);
    }
    png_read_end(d->png, d->info);
}

static bool guard(struct decoder *d, void (*work)(struct decoder *d))
{
    if (setjmp(d->jump))
        return false;
    work(d);
    return true;
}

/* Bytes at the start of each row become words, from behind. */
static void synthesize_words(const struct decoder *d)
{
    size_t n = (size_t)d->columns * (size_t)d->channels;
    uint8_t *row = d->target->pixels;
    for (png_uint_32 i = 0; i < d->rows; i++, row += row_size(d)) {
        for (size_t k = n; k-- > 0;) {
            uint8_t byte = row[k];
            row[2 * k] = byte;
            row[2 * k + 1] = byte;
        }
    }
}

static enum code check_size(const struct decoder *d, struct error *err)
{
    if (d->rows < PNG_SIDE_LIMIT && d->columns < PNG_SIDE_LIMIT &&
        (uint64_t)d->rows * d->columns < PNG_PIXELS_LIMIT)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT, "PNG size too large for int: %u by %u", d->columns,
                     d->rows);
}

static enum code decode(struct decoder *d, size_t size)
{
    if (!guard(d, choose_transformations))
        return error_set(d->err, CODE_INVALID_ARGUMENT,
                         "Invalid PNG. Failed to initialize decoder.");
    enum code code = check_size(d, d->err);
    if (code)
        return code;
    struct image_size image = {1, d->rows, d->columns, d->channels};
    code = image_target_open(d->target, &image, d->bits == 8 ? DTYPE_UINT8 : DTYPE_UINT16, d->err);
    if (code)
        return code;
    if (!guard(d, read_pixels))
        return d->code
                   ? d->code
                   : error_set(d->err, CODE_INVALID_ARGUMENT, "Invalid PNG data, size %zu", size);
    if (d->synthesize)
        synthesize_words(d);
    image_target_close(d->target);
    return CODE_OK;
}

enum code png_decode(struct span bytes, int channels, struct image_target *target,
                     struct error *err)
{
    struct decoder d = {
        .rest = bytes,
        .channels = channels,
        .bits = target->call->out[0]->dtype == DTYPE_UINT8 ? 8 : 16,
        .target = target,
        .err = err,
    };
    enum code code = decode(&d, bytes.len);
    png_destroy_read_struct(&d.png, &d.info, NULL);
    return code;
}

/* ---- encoding ---- */

struct encoder {
    png_structp png;
    png_infop info;
    jmp_buf jump;
    const struct png_encoding *encoding;
    struct arena *arena;
    char *file; /* grows twofold */
    size_t size, room;
};

static void encoder_on_error(png_structp png, png_const_charp message)
{
    struct encoder *e = png_get_error_ptr(png);
    (void)message;
    longjmp(e->jump, 1);
}

static void write_bytes(png_structp png, png_bytep from, size_t size)
{
    enum { FIRST_ROOM = 4096 };
    struct encoder *e = png_get_io_ptr(png);
    if (size > e->room - e->size) {
        size_t room = (e->room > size ? e->room : size) * 2 + FIRST_ROOM;
        char *file = arena_try_alloc(e->arena, room, 1);
        if (!file)
            png_error(png, "no memory");
        if (e->size)
            memcpy(file, e->file, e->size);
        e->file = file;
        e->room = room;
    }
    memcpy(e->file + e->size, from, size);
    e->size += size;
}

static void flush_bytes(png_structp png)
{
    (void)png;
}

static void encode(struct encoder *e)
{
    static const int colours[] = {
        [1] = PNG_COLOR_TYPE_GRAY,
        [2] = PNG_COLOR_TYPE_GRAY_ALPHA,
        [3] = PNG_COLOR_TYPE_RGB,
        [4] = PNG_COLOR_TYPE_RGB_ALPHA,
    };
    const struct png_encoding *how = e->encoding;
    e->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, e, encoder_on_error, forget_warning);
    e->info = e->png ? png_create_info_struct(e->png) : NULL;
    if (!e->info)
        longjmp(e->jump, 1);
    png_set_write_fn(e->png, e, write_bytes, flush_bytes);
    png_set_compression_level(e->png, how->compression);
    png_set_compression_mem_level(e->png, MAX_MEM_LEVEL);
    png_set_IHDR(e->png, e->info, (png_uint_32)how->columns, (png_uint_32)how->rows, how->bits,
                 colours[how->channels], PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(e->png, e->info);
    if (how->bits == 16)
        png_set_swap(e->png);
    png_const_bytep row = how->pixels;
    for (int64_t i = 0; i < how->rows; i++, row += how->columns * how->channels * how->bits / 8)
        png_write_row(e->png, row);
    png_write_end(e->png, NULL);
}

static bool guard_encoder(struct encoder *e)
{
    if (setjmp(e->jump))
        return false;
    encode(e);
    return true;
}

bool png_encode(const struct png_encoding *encoding, struct arena *arena, struct span *file)
{
    struct encoder e = {.encoding = encoding, .arena = arena};
    bool done = encoding->rows && encoding->columns && guard_encoder(&e);
    png_destroy_write_struct(&e.png, &e.info);
    *file = span_make(e.file, e.size);
    return done;
}
