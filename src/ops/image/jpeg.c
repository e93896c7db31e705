/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libjpeg reports a fatal error by a function that must not return; ours jumps back into the guard
 * of this file. What is decoded or encoded is kept in a struct of the caller's frame and every
 * library call that may fail stands in a function below the guard, so that no local variable
 * outlives the jump; the library's own memory is freed behind the guard, on every way.
 *
 * Sizes: an image of 2^29 samples or more is refused, as TensorFlow does. A progressive file makes
 * the library hold all coefficients, two bytes each; before it takes them, as much is taken out of
 * the process's budget (base/memory.h), and given back at the end. A file may have many passes
 * over all of them: at each, the request's deadline is looked at, and there may be
 * JPEG_SCANS_MAX.
 */
#include "ops/image/jpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>
/* Behind it, since it leans on its types. */
#include <jerror.h>

#include "base/memory.h"
#include "ops/kernel.h"

enum {
    JPEG_SAMPLES_MAX = 1 << 29,
    JPEG_SCANS_MAX = 500,       /* encoders write about ten */
    JPEG_REREADS_MAX = 1 << 16, /* a block has at most 1,280 bytes */
};

static void forget_message(j_common_ptr info)
{
    (void)info;
}

/* ---- decoding ---- */

struct decoder {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    struct span bytes;
    const JOCTET *reread; /* from here the library reads again: */
    int rereads;          /* so often */
    const struct jpeg_options *options;
    struct image_target *target; /* NULL: only the size is wanted */
    struct error *err;
    enum code code; /* of what is not the file's fault */
    void *reserved; /* memory_take */
    size_t reserved_size;
    JSAMPLE *line; /* of the library's own width and channels, when they are not the target's */
    int64_t rows, columns, channels; /* of the result */
    int64_t skipped;                 /* rows above it */
    int64_t rows_read;
};

static void decoder_on_fatal(j_common_ptr info)
{
    struct decoder *d = info->client_data;
    longjmp(d->jump, 1);
}

static void watch_progress(j_common_ptr info)
{
    struct decoder *d = info->client_data;
    if (d->info.input_scan_number > JPEG_SCANS_MAX)
        longjmp(d->jump, 1);
    if (d->target)
        d->code = image_target_check(d->target, d->err);
    if (d->code)
        longjmp(d->jump, 1);
}

static void start_source(j_decompress_ptr info)
{
    struct decoder *d = info->client_data;
    d->source.next_input_byte = (const JOCTET *)d->bytes.ptr;
    d->source.bytes_in_buffer = d->bytes.len;
}

/* With recovery the library may read the last bytes again, as if they were new ones, until it has
 * finished a block; where it looks for a marker it would do so forever. */
static boolean read_again(struct decoder *d)
{
    if (d->reread != d->source.next_input_byte) {
        d->reread = d->source.next_input_byte;
        d->rereads = 0;
    }
    if (++d->rereads > JPEG_REREADS_MAX)
        decoder_on_fatal((j_common_ptr)&d->info);
    return TRUE;
}

/* The library asks for bytes behind the last one. Where it still counts some as unread it is in the
 * midst of a block: FALSE makes it stop there, which keeps the rows that are complete. */
static boolean fill_source(j_decompress_ptr info)
{
    static const JOCTET end_of_image[2] = {0xff, JPEG_EOI};
    struct decoder *d = info->client_data;
    bool recover = d->options && d->options->try_recover_truncated;
    if (!d->source.bytes_in_buffer && d->source.next_input_byte == (const JOCTET *)d->bytes.ptr)
        ERREXIT(info, JERR_INPUT_EMPTY);
    if (d->source.bytes_in_buffer)
        return recover ? read_again(d) : FALSE;
    if (!recover || d->source.next_input_byte == end_of_image)
        ERREXIT(info, JERR_FILE_READ);
    d->source.next_input_byte = end_of_image;
    d->source.bytes_in_buffer = sizeof end_of_image;
    return TRUE;
}

static void skip_source(j_decompress_ptr info, long count)
{
    struct decoder *d = info->client_data;
    if (count < 0)
        return;
    if ((size_t)count > d->source.bytes_in_buffer) {
        d->source.bytes_in_buffer = 0;
        fill_source(info);
        return;
    }
    d->source.bytes_in_buffer -= (size_t)count;
    d->source.next_input_byte += count;
}

static void end_source(j_decompress_ptr info)
{
    (void)info;
}

static void decoder_init(struct decoder *d)
{
    d->info.err = jpeg_std_error(&d->errors);
    d->errors.error_exit = decoder_on_fatal;
    d->errors.output_message = forget_message;
    d->info.client_data = d;
    jpeg_create_decompress(&d->info);
    d->source = (struct jpeg_source_mgr){
        .init_source = start_source,
        .fill_input_buffer = fill_source,
        .skip_input_data = skip_source,
        .resync_to_restart = jpeg_resync_to_restart,
        .term_source = end_source,
    };
    d->progress.progress_monitor = watch_progress;
    d->info.src = &d->source;
    d->info.progress = &d->progress;
    jpeg_read_header(&d->info, TRUE);
}

/* Something outside the file went wrong or stops us: back to the guard. */
static void decoder_stop(struct decoder *d, enum code code)
{
    d->code = code;
    longjmp(d->jump, 1);
}

/* Takes the coefficients' memory out of the budget where the library will hold them all. */
static void reserve_coefficients(struct decoder *d)
{
    if (!jpeg_has_multiple_scans(&d->info))
        return;
    size_t samples = (size_t)d->info.image_width * d->info.image_height;
    d->reserved_size = samples * (size_t)d->info.num_components * sizeof(JCOEF);
    if (d->reserved_size < MEMORY_LARGE)
        return;
    d->reserved = memory_take(d->reserved_size, TENSOR_ALIGN);
    if (!d->reserved)
        decoder_stop(d, error_set(d->err, CODE_RESOURCE_EXHAUSTED,
                                  "OOM when decoding a JPEG of %u x %u pixels", d->info.image_width,
                                  d->info.image_height));
}

static void choose_colours(struct decoder *d)
{
    J_COLOR_SPACE from = d->info.jpeg_color_space;
    d->channels = d->options->channels;
    if (!d->channels)
        d->channels = d->info.num_components < 3 ? d->info.num_components : 3;
    if (d->channels == 1)
        d->info.out_color_space = JCS_GRAYSCALE;
    else if (d->channels == 3)
        d->info.out_color_space = from == JCS_CMYK || from == JCS_YCCK ? JCS_CMYK : JCS_RGB;
    else
        decoder_on_fatal((j_common_ptr)&d->info);
}

/* The window must lie in the image; the library widens it to the left up to a whole block. */
static void crop(struct decoder *d)
{
    const struct jpeg_options *o = d->options;
    if (o->crop_columns <= 0 || o->crop_rows <= 0 || o->crop_column < 0 || o->crop_row < 0 ||
        (int64_t)o->crop_row + o->crop_rows > d->rows ||
        (int64_t)o->crop_column + o->crop_columns > d->columns)
        decoder_on_fatal((j_common_ptr)&d->info);
    d->rows = o->crop_rows;
    d->columns = o->crop_columns;
    JDIMENSION column = (JDIMENSION)o->crop_column, columns = (JDIMENSION)o->crop_columns;
    jpeg_crop_scanline(&d->info, &column, &columns);
    d->skipped = jpeg_skip_scanlines(&d->info, (JDIMENSION)o->crop_row);
    if (d->skipped != o->crop_row)
        decoder_on_fatal((j_common_ptr)&d->info);
}

static void cmyk_to_rgb(const struct decoder *d, const JSAMPLE *from, uint8_t *to)
{
    bool inverted = d->info.saw_Adobe_marker;
    for (int64_t i = 0; i < d->columns; i++, from += 4, to += 3) {
        int k = from[3];
        for (int c = 0; c < 3; c++)
            to[c] = (uint8_t)((inverted ? k * from[c] : (255 - k) * (255 - from[c])) / 255);
    }
}

/* One row; false when there is none. */
static bool read_row(struct decoder *d, uint8_t *to)
{
    bool cmyk = d->info.out_color_space == JCS_CMYK;
    JSAMPROW row = d->line ? d->line : to;
    if (!jpeg_read_scanlines(&d->info, &row, 1))
        return false;
    int64_t channels = cmyk ? 4 : d->channels;
    const JSAMPLE *from = row + ((int64_t)d->info.output_width - d->columns) * channels;
    if (cmyk)
        cmyk_to_rgb(d, from, to);
    else if (d->line)
        memcpy(to, from, (size_t)(d->columns * d->channels));
    return true;
}

/* The file ends before its last row: with recovery the rows that lack repeat the last one. */
static void fill_rows(struct decoder *d, int64_t from)
{
    size_t size = (size_t)(d->columns * d->channels);
    uint8_t *to = (uint8_t *)d->target->pixels + (size_t)from * size;
    d->rows_read = from;
    if (!d->options->try_recover_truncated)
        return;
    for (int64_t i = from; i < d->rows; i++, to += size) {
        if (i)
            memcpy(to, to - size, size);
        else
            memset(to, 0, size);
    }
    d->rows_read = d->rows;
    d->info.output_scanline = (JDIMENSION)(d->skipped + d->rows);
}

/* TensorFlow finishes only what is complete: what the finishing finds fails the decoding. */
static void read_rows(struct decoder *d)
{
    size_t size = (size_t)(d->columns * d->channels);
    uint8_t *to = d->target->pixels;
    d->rows_read = d->rows;
    for (int64_t i = 0; i < d->rows; i++, to += size) {
        if (!read_row(d, to)) {
            fill_rows(d, i);
            break;
        }
    }
    if (d->options->crop && d->info.output_scanline < d->info.output_height)
        jpeg_skip_scanlines(&d->info, d->info.output_height - (JDIMENSION)(d->skipped + d->rows));
    bool complete = d->rows_read == d->rows;
    if (complete)
        jpeg_finish_decompress(&d->info);
}

static void take_memory(struct decoder *d)
{
    struct image_size size = {1, d->rows, d->columns, d->channels};
    d->code = image_target_open(d->target, &size, DTYPE_UINT8, d->err);
    bool cmyk = d->info.out_color_space == JCS_CMYK;
    if (!d->code && (cmyk || d->info.output_width != d->columns))
        d->code = kernel_array(d->target->call, (int64_t)d->info.output_width, cmyk ? 4 : 3,
                               &d->line, d->err);
    if (d->code)
        decoder_stop(d, d->code);
}

static void decode(struct decoder *d)
{
    decoder_init(d);
    choose_colours(d);
    d->info.do_fancy_upsampling = d->options->fancy_upscaling;
    d->info.scale_num = 1;
    d->info.scale_denom = (unsigned)d->options->ratio;
    d->info.dct_method = d->options->accurate_dct ? JDCT_ISLOW : JDCT_IFAST;
    jpeg_calc_output_dimensions(&d->info);
    d->rows = d->info.output_height;
    d->columns = d->info.output_width;
    int64_t samples = d->rows * d->columns * d->info.num_components;
    if (!samples || samples >= JPEG_SAMPLES_MAX)
        decoder_on_fatal((j_common_ptr)&d->info);
    reserve_coefficients(d);
    jpeg_start_decompress(&d->info);
    if (d->options->crop)
        crop(d);
    if (d->info.output_components != (d->info.out_color_space == JCS_CMYK ? 4 : d->channels))
        decoder_on_fatal((j_common_ptr)&d->info);
    take_memory(d);
    read_rows(d);
}

static void measure(struct decoder *d)
{
    decoder_init(d);
    reserve_coefficients(d);
    jpeg_start_decompress(&d->info);
    d->rows = d->info.output_height;
    d->columns = d->info.output_width;
    d->channels = d->info.output_components;
}

static bool guard_decoder(struct decoder *d, void (*work)(struct decoder *d))
{
    if (setjmp(d->jump))
        return false;
    work(d);
    return true;
}

static void decoder_release(struct decoder *d)
{
    jpeg_destroy_decompress(&d->info);
    memory_give(d->reserved, d->reserved_size);
}

enum code jpeg_decode(struct span bytes, const struct jpeg_options *options,
                      struct image_target *target, struct error *err)
{
    struct decoder d = {.bytes = bytes, .options = options, .target = target, .err = err};
    bool done = guard_decoder(&d, decode);
    decoder_release(&d);
    if (d.code)
        return d.code;
    float fraction = done ? (float)d.rows_read / (float)d.rows : 0;
    if (!done || fraction < (options->acceptable_fraction < 1 ? options->acceptable_fraction : 1))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "jpeg::Uncompress failed. Invalid JPEG data or crop window.");
    size_t size = (size_t)(d.columns * d.channels);
    memset((uint8_t *)target->pixels + (size_t)d.rows_read * size, 0,
           (size_t)(d.rows - d.rows_read) * size);
    image_target_close(target);
    return CODE_OK;
}

enum code jpeg_size(struct span bytes, int64_t size[3], struct error *err)
{
    struct decoder d = {.bytes = bytes, .err = err};
    bool done = bytes.len && guard_decoder(&d, measure);
    decoder_release(&d);
    if (d.code)
        return d.code;
    if (!done)
        return error_set(err, CODE_INVALID_ARGUMENT, "Invalid JPEG data, size %zu", bytes.len);
    memcpy(size, (int64_t[]){d.rows, d.columns, d.channels}, 3 * sizeof *size);
    return CODE_OK;
}

/* ---- encoding: the library writes into pieces of the arena, joined at the end ---- */

struct encoder {
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr destination;
    jmp_buf jump;
    const struct jpeg_encoding *encoding;
    struct arena *arena;
    char *file; /* grows twofold */
    size_t size, room;
    enum code code;
};

static void encoder_on_fatal(j_common_ptr info)
{
    struct encoder *e = info->client_data;
    longjmp(e->jump, 1);
}

static void offer_room(struct encoder *e)
{
    e->destination.next_output_byte = (JOCTET *)e->file + e->size;
    e->destination.free_in_buffer = e->room - e->size;
}

static boolean grow_file(j_compress_ptr info)
{
    enum { FIRST_ROOM = 4096 };
    struct encoder *e = info->client_data;
    size_t room = e->room ? 2 * e->room : FIRST_ROOM;
    char *file = arena_try_alloc(e->arena, room, 1);
    if (!file) {
        e->code = CODE_RESOURCE_EXHAUSTED;
        longjmp(e->jump, 1);
    }
    /* The library says "full" with all of the room used, whatever its counter tells. */
    if (e->room)
        memcpy(file, e->file, e->room);
    e->size = e->room;
    e->file = file;
    e->room = room;
    offer_room(e);
    return TRUE;
}

static void start_file(j_compress_ptr info)
{
    grow_file(info);
}

static void end_file(j_compress_ptr info)
{
    struct encoder *e = info->client_data;
    e->size = e->room - e->destination.free_in_buffer;
}

static void encoder_init(struct encoder *e)
{
    const struct jpeg_encoding *how = e->encoding;
    e->info.err = jpeg_std_error(&e->errors);
    e->errors.error_exit = encoder_on_fatal;
    e->errors.output_message = forget_message;
    e->info.client_data = e;
    jpeg_create_compress(&e->info);
    e->destination = (struct jpeg_destination_mgr){
        .init_destination = start_file,
        .empty_output_buffer = grow_file,
        .term_destination = end_file,
    };
    e->info.dest = &e->destination;
    e->info.image_width = (JDIMENSION)how->columns;
    e->info.image_height = (JDIMENSION)how->rows;
    e->info.input_components = how->channels;
    e->info.in_color_space = how->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&e->info);
}

static void write_metadata(struct encoder *e)
{
    static const char name[] = "http://ns.adobe.com/xap/1.0/"; /* its zero is written, too */
    struct span xmp = e->encoding->xmp_metadata;
    if (!xmp.len)
        return;
    size_t size = sizeof name + xmp.len;
    char *packet = arena_try_alloc(e->arena, size, 1);
    if (!packet || size > UINT16_MAX)
        encoder_on_fatal((j_common_ptr)&e->info);
    memcpy(packet, name, sizeof name);
    memcpy(packet + sizeof name, xmp.ptr, xmp.len);
    jpeg_write_marker(&e->info, JPEG_APP0 + 1, (const JOCTET *)packet, (unsigned)size);
}

static void encode(struct encoder *e)
{
    const struct jpeg_encoding *how = e->encoding;
    encoder_init(e);
    e->info.optimize_coding = how->optimize_size;
    e->info.density_unit = (UINT8)how->density_unit;
    e->info.X_density = (UINT16)how->x_density;
    e->info.Y_density = (UINT16)how->y_density;
    jpeg_set_quality(&e->info, how->quality, TRUE);
    if (how->progressive)
        jpeg_simple_progression(&e->info);
    for (int c = 0; !how->chroma_downsampling && c < e->info.num_components; c++) {
        e->info.comp_info[c].h_samp_factor = 1;
        e->info.comp_info[c].v_samp_factor = 1;
    }
    jpeg_start_compress(&e->info, TRUE);
    write_metadata(e);
    for (int64_t i = 0; i < how->rows; i++) {
        JSAMPROW row = (JSAMPROW)how->pixels + i * how->columns * how->channels;
        jpeg_write_scanlines(&e->info, &row, 1);
    }
    jpeg_finish_compress(&e->info);
}

static bool guard_encoder(struct encoder *e)
{
    if (setjmp(e->jump))
        return false;
    encode(e);
    return true;
}

enum code jpeg_encode(const struct jpeg_encoding *encoding, struct arena *arena, struct span *file,
                      struct error *err)
{
    struct encoder e = {.encoding = encoding, .arena = arena};
    int64_t pixels;
    bool fits = !__builtin_mul_overflow(encoding->rows, encoding->columns, &pixels) && pixels > 0 &&
                pixels < JPEG_SAMPLES_MAX;
    bool done = fits && guard_encoder(&e);
    jpeg_destroy_compress(&e.info);
    if (e.code)
        return error_set(err, e.code, "OOM when encoding a JPEG");
    if (!done)
        return error_set(err, CODE_INTERNAL, "JPEG encoding failed");
    *file = span_make(e.file, e.size);
    return CODE_OK;
}
