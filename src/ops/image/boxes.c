/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/image/boxes.h"

static float smaller(float a, float b)
{
    return b < a ? b : a;
}

static float larger(float a, float b)
{
    return a < b ? b : a;
}

struct box box_make(const float corners[4])
{
    struct box box = {
        .top = smaller(corners[0], corners[2]),
        .left = smaller(corners[1], corners[3]),
        .bottom = larger(corners[0], corners[2]),
        .right = larger(corners[1], corners[3]),
    };
    box.area = (box.bottom - box.top) * (box.right - box.left);
    return box;
}

float box_overlap(const struct box *a, const struct box *b)
{
    if (a->area <= 0 || b->area <= 0)
        return 0;
    const float rows = smaller(a->bottom, b->bottom) - larger(a->top, b->top);
    const float columns = smaller(a->right, b->right) - larger(a->left, b->left);
    const float common = larger(rows, 0) * larger(columns, 0);
    return common / (a->area + b->area - common);
}
