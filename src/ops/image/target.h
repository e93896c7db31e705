/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct image_target: where a decoder's pixels go. The decoder learns the image's size from its
 * bytes, opens the target, gets memory for pixels of 8 or 16 bits and fills it; closing brings them
 * to the output's dtype. For uint8 that memory is the output itself.
 */
#ifndef OPS_IMAGE_TARGET_H
#define OPS_IMAGE_TARGET_H

#include "engine/op.h"

struct image_size {
    int64_t frames;
    int64_t rows;
    int64_t columns;
    int64_t channels;
};

struct image_target {
    struct op_call *call; /* of a decoding op: output 0 is the image */
    bool with_frames;     /* the output has the dimension of the frames, too */
    /* Set by image_target_open: */
    enum dtype dtype; /* of the pixels: uint8 or uint16 */
    void *pixels;
};

/* Takes memory for the output and for pixels of that dtype, not cleared. RESOURCE_EXHAUSTED. */
enum code image_target_open(struct image_target *target, const struct image_size *size,
                            enum dtype dtype, struct error *err);

/* Writes the output, if the pixels are not in it already: uint8 to uint16 times 256, to float over
 * 255; uint16 to float over 65535. */
void image_target_close(struct image_target *target);

/* OK, or CANCELLED or DEADLINE_EXCEEDED: decoders look at every frame or pass. */
enum code image_target_check(const struct image_target *target, struct error *err);

#endif
