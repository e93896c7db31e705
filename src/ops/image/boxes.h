/* SPDX-License-Identifier: Apache-2.0 */
/* Boxes (two opposite corners: y, x, y, x, in any order) and how much they overlap. */
#ifndef OPS_IMAGE_BOXES_H
#define OPS_IMAGE_BOXES_H

struct box {
    float top, left, bottom, right;
    float area;
};

struct box box_make(const float corners[4]);

/* Intersection over union; 0 if one of them has no area. */
float box_overlap(const struct box *a, const struct box *b);

#endif
