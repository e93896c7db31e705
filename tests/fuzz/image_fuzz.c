/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoders of images. The first two bytes pick decoder, attributes and dtype, the rest is the
 * file. Whatever it is, the answer is pixels, all of them written, or an error.
 */
#include "base/memory.h"
#include "engine/op.h"
#include "ops/image/bmp.h"
#include "ops/image/gif.h"
#include "ops/image/jpeg.h"
#include "ops/image/png.h"

enum { BUDGET = 64 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum code fuzz_jpeg(struct span file, unsigned how, struct image_target *target)
{
    struct jpeg_options options = {
        .channels = how & 1 ? 3 : 0,
        .ratio = 1 << (how >> 1 & 3),
        .fancy_upscaling = how & 8,
        .try_recover_truncated = how & 16,
        .acceptable_fraction = how & 32 ? 0 : 1,
        .accurate_dct = how & 64,
        .crop = how & 128,
        .crop_row = (int32_t)(how >> 1 & 3),
        .crop_column = (int32_t)(how >> 3 & 3),
        .crop_rows = 3,
        .crop_columns = 5,
    };
    int64_t sizes[3];
    jpeg_size(file, sizes, NULL);
    return jpeg_decode(file, &options, target, NULL);
}

static enum code fuzz_png(struct span file, unsigned how, struct image_target *target)
{
    static const int channels[] = {0, 1, 3, 4};
    return png_decode(file, channels[how & 3], target, NULL);
}

static enum code fuzz_gif(struct span file, unsigned how, struct image_target *target)
{
    struct gif_options options = {.first_frame = how & 1, .single_frame = how & 2};
    return gif_decode(file, &options, target, NULL);
}

static enum code fuzz_bmp(struct span file, unsigned how, struct image_target *target)
{
    return bmp_decode(file, how & 1 ? 3 : how & 2 ? 4 : 0, target, NULL);
}

/* Reads every byte, which the memory sanitizer and valgrind follow. */
static void look_at(const struct tensor *image)
{
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < tensor_bytes(image); i++)
        sum = (uint8_t)(sum + ((const uint8_t *)image->data)[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static enum code (*const decoders[])(struct span, unsigned, struct image_target *) = {
        fuzz_jpeg, fuzz_png, fuzz_gif, fuzz_bmp};
    static const enum dtype dtypes[] = {DTYPE_UINT8, DTYPE_UINT16, DTYPE_FLOAT, DTYPE_UINT8};
    if (size < 2)
        return 0;
    memory_set_budget(BUDGET);
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    const struct node node = {.op = op_find(SPAN_LITERAL("DecodeImage"))};
    struct tensor image = {.dtype = dtypes[data[0] >> 2 & 3]};
    struct tensor *out[] = {&image};
    struct op_call call = {.node = &node, .out = out, .out_count = 1, .arena = &arena};
    struct image_target target = {.call = &call, .with_frames = data[0] & 16};
    if (!decoders[data[0] & 3](span_make(data + 2, size - 2), data[1], &target))
        look_at(&image);
    arena_release(&arena);
    return 0;
}
