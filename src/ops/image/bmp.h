/* SPDX-License-Identifier: Apache-2.0 */
/* BMP without compression, of 8, 24 or 32 bits; 8 bits are taken as gray. */
#ifndef OPS_IMAGE_BMP_H
#define OPS_IMAGE_BMP_H

#include "ops/image/target.h"

/* channels: 3, 4 or 0, as the image has them. INVALID_ARGUMENT, RESOURCE_EXHAUSTED. */
enum code bmp_decode(struct span bytes, int channels, struct image_target *target,
                     struct error *err);

#endif
