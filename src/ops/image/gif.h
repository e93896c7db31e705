/* SPDX-License-Identifier: Apache-2.0 */
/* GIF, still and animated, by giflib. */
#ifndef OPS_IMAGE_GIF_H
#define OPS_IMAGE_GIF_H

#include "ops/image/target.h"

struct gif_options {
    bool first_frame;  /* only it is wanted */
    bool single_frame; /* the target has no dimension for frames: INVALID_ARGUMENT for more */
};

/* Three channels; a frame is what one sees: upon the frames before it, as large as the largest. A
 * file that breaks off gives the frames before that. INVALID_ARGUMENT, RESOURCE_EXHAUSTED, and what
 * image_target_check says. */
enum code gif_decode(struct span bytes, const struct gif_options *options,
                     struct image_target *target, struct error *err);

#endif
