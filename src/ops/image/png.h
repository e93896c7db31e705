/* SPDX-License-Identifier: Apache-2.0 */
/* PNG by libpng, with the transformations that TensorFlow asks it for. */
#ifndef OPS_IMAGE_PNG_H
#define OPS_IMAGE_PNG_H

#include "ops/image/target.h"

/* channels: 1, 3, 4 or 0, as the image has them. The pixels are uint16 unless the target's output
 * is uint8. INVALID_ARGUMENT for what is no image or damaged, RESOURCE_EXHAUSTED, and what
 * image_target_check says. */
enum code png_decode(struct span bytes, int channels, struct image_target *target,
                     struct error *err);

struct png_encoding {
    const void *pixels; /* [rows, columns, channels] of uint8 or uint16 */
    int64_t rows, columns;
    int channels;    /* 1..4 */
    int bits;        /* 8 or 16 */
    int compression; /* 0..9 as zlib has them, or -1 */
};

/* The file in memory of the arena; false when that is not possible. */
bool png_encode(const struct png_encoding *encoding, struct arena *arena, struct span *file);

#endif
