/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file: a header of 14 bytes with, at 10, where the pixels begin; a second header with width
 * (18), height (22; negative: rows from above) and bits per pixel (28), all little-endian; rows of
 * B G R (A), each padded to a multiple of 4 bytes, the lowest first.
 */
#include "ops/image/bmp.h"

#include "ops/kernel.h"

enum { HEADER_NEEDED = 32 };

struct bmp {
    struct span bytes;
    int32_t pixels_at;
    int32_t columns;
    int64_t rows;
    bool top_down;
    int depth;    /* channels in the file */
    int channels; /* of the result */
};

static uint32_t little_endian(const char *at, int bytes)
{
    uint32_t number = 0;
    for (int i = bytes - 1; i >= 0; i--)
        number = number << 8 | (uint8_t)at[i];
    return number;
}

static enum code read_header(struct bmp *b, struct error *err)
{
    if (b->bytes.len < HEADER_NEEDED)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Incomplete bmp content, requires at least 32 bytes to find the header "
                         "size, width, height, and bpp, got %zu bytes",
                         b->bytes.len);
    b->pixels_at = (int32_t)little_endian(b->bytes.ptr + 10, 4);
    b->columns = (int32_t)little_endian(b->bytes.ptr + 18, 4);
    int32_t height = (int32_t)little_endian(b->bytes.ptr + 22, 4);
    b->top_down = height < 0;
    b->rows = b->top_down ? -(int64_t)height : height;
    b->depth = (int16_t)little_endian(b->bytes.ptr + 28, 2) / 8;
    if (b->depth != 1 && b->depth != 3 && b->depth != 4)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Number of channels inherent in the image must be 1, 3 or 4, was %d",
                         b->depth);
    b->channels = b->channels ? b->channels : b->depth;
    return CODE_OK;
}

static int64_t row_size(const struct bmp *b)
{
    return ((int64_t)b->depth * b->columns + 3) / 4 * 4;
}

static enum code check_sizes(const struct bmp *b, struct error *err)
{
    if (b->columns <= 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "Width must be positive");
    if (!b->rows)
        return error_set(err, CODE_INVALID_ARGUMENT, "Height must be nonzero");
    if (b->pixels_at < 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "header size must be nonnegative");
    if (b->columns * b->rows >= INT32_MAX / 8)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Total possible pixel bytes must be less than 2^30");
    int64_t difference = (int64_t)b->bytes.len - b->pixels_at - row_size(b) * b->rows;
    if (difference)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input size should match (header_size + row_size * abs_height) but they "
                         "differ by %lld",
                         (long long)difference);
    return CODE_OK;
}

static void convert_pixel(const struct bmp *b, const uint8_t *from, uint8_t *to)
{
    uint8_t colours[4] = {from[0], from[0], from[0], UINT8_MAX};
    if (b->depth > 1) {
        colours[0] = from[2];
        colours[1] = from[1];
    }
    if (b->depth == 4)
        colours[3] = from[3];
    memcpy(to, colours, (size_t)b->channels);
}

static void convert(const struct bmp *b, uint8_t *to)
{
    const uint8_t *pixels = (const uint8_t *)b->bytes.ptr + b->pixels_at;
    for (int64_t y = 0; y < b->rows; y++) {
        const uint8_t *from = pixels + (b->top_down ? y : b->rows - 1 - y) * row_size(b);
        for (int64_t x = 0; x < b->columns; x++, from += b->depth, to += b->channels)
            convert_pixel(b, from, to);
    }
}

enum code bmp_decode(struct span bytes, int channels, struct image_target *target,
                     struct error *err)
{
    struct bmp b = {.bytes = bytes, .channels = channels};
    enum code code = read_header(&b, err);
    if (!code)
        code = check_sizes(&b, err);
    struct image_size size = {1, b.rows, b.columns, b.channels};
    if (!code)
        code = image_target_open(target, &size, DTYPE_UINT8, err);
    if (code)
        return code;
    convert(&b, target->pixels);
    image_target_close(target);
    return CODE_OK;
}
