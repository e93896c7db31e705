/* SPDX-License-Identifier: Apache-2.0 */
#include "servables/kinds.h"

#include "base/check.h"
#include "servables/hashmap/hashmap.h"
#include "servables/tensorflow/kind.h"

const struct servable_kind *const servable_kinds[] = {
    &tensorflow_kind,
    &hashmap_kind,
};
const size_t servable_kind_count = sizeof servable_kinds / sizeof *servable_kinds;

const struct servable_kind *servable_kind_of(const struct loader *loader)
{
    for (size_t i = 0; i < servable_kind_count; i++) {
        if (servable_kinds[i]->loader == loader)
            return servable_kinds[i];
    }
    CHECK(false && "a loader without a kind");
}
