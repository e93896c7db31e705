/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JPEG by libjpeg-turbo, driven as TensorFlow drives it, so that pixels and bytes are equal.
 */
#ifndef OPS_IMAGE_JPEG_H
#define OPS_IMAGE_JPEG_H

#include "ops/image/target.h"

struct jpeg_options {
    int channels; /* 1, 3 or 0: as the image has them; CMYK becomes RGB */
    int ratio;    /* 1, 2, 4 or 8: how many times smaller */
    bool fancy_upscaling;
    bool try_recover_truncated;
    float acceptable_fraction; /* of the rows that must be readable */
    bool accurate_dct;
    bool crop; /* to this window, in pixels of the image made smaller */
    int32_t crop_row, crop_column, crop_rows, crop_columns;
};

/* Opens the target when the size is known. INVALID_ARGUMENT for what is no image or too damaged,
 * RESOURCE_EXHAUSTED, and what image_target_check says. */
enum code jpeg_decode(struct span bytes, const struct jpeg_options *options,
                      struct image_target *target, struct error *err);

/* size: rows, columns, channels, without decoding the pixels. INVALID_ARGUMENT. */
enum code jpeg_size(struct span bytes, int64_t size[3], struct error *err);

struct jpeg_encoding {
    const uint8_t *pixels; /* [rows, columns, channels] */
    int64_t rows, columns;
    int channels; /* 1 or 3 */
    int quality;  /* 0..100 */
    bool progressive;
    bool optimize_size;
    bool chroma_downsampling;
    int density_unit; /* 1: inch, 2: cm */
    int64_t x_density, y_density;
    struct span xmp_metadata;
};

/* The file in memory of the arena. INTERNAL "JPEG encoding failed", RESOURCE_EXHAUSTED. */
enum code jpeg_encode(const struct jpeg_encoding *encoding, struct arena *arena, struct span *file,
                      struct error *err);

#endif
