/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/variant.h"

#include "base/arena.h"
#include "base/check.h"

void variant_ref(struct variant *variant)
{
    if (variant)
        variant->refs++;
}

void variant_unref(struct variant *variant)
{
    if (!variant)
        return;
    CHECK(variant->refs > 0);
    if (--variant->refs == 0)
        variant->ops->free(variant);
}

static void unref(void *variant)
{
    variant_unref(variant);
}

void variant_keep(struct variant *variant, struct arena *arena)
{
    if (!variant)
        return;
    variant_ref(variant);
    arena_defer(arena, unref, variant);
}
