/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/nn/filter.h"

#include <stdlib.h>

#include "engine/pack.h"
#include "ops/kernel.h"
#include "ops/nn/widen.h"

static size_t packed_bytes(const struct filter *f)
{
    return (size_t)f->groups * f->packed_floats * sizeof(float);
}

static void pack_groups(const struct filter *f, const float *from, float *packed)
{
    for (int64_t g = 0; g < f->groups; g++) {
        struct tile_weights weights = f->group;
        weights.at = from + g * f->group_step;
        tile_pack(&weights, packed + (size_t)g * f->packed_floats);
    }
}

bool filter_is_constant(const struct op_call *call)
{
    return (call->in_const & 2) && call->pack && op_call_known(call, 1);
}

struct packing {
    const struct filter *filter;
    const struct tensor *from;
};

static bool pack_constant(void *to, size_t size, void *context)
{
    const struct packing *p = context;
    int64_t elements = tensor_elements(p->from);
    (void)size;
    if (!widen_is_needed(p->from->dtype)) {
        pack_groups(p->filter, p->from->data, to);
        return true;
    }
    float *wide = malloc((size_t)elements * sizeof(float) + 1);
    if (!wide)
        return false;
    widen_to_float(p->from->dtype, p->from->data, wide, elements);
    pack_groups(p->filter, wide, to);
    free(wide);
    return true;
}

size_t filter_prepare(struct filter *f, const struct op_call *call)
{
    const struct tensor *from = call->in[1];
    const struct {
        const void *data;
        int64_t groups, group_step, row_step, column_step, k, n;
        char kind[8];
    } key = {from->data,           f->groups,  f->group_step, f->group.row_step,
             f->group.column_step, f->group.k, f->group.n,    "filter"};
    struct packing context = {f, from};
    f->packed_floats = tile_packed_floats(f->group.k, f->group.n);
    f->packed = filter_is_constant(call) ? pack_cache_get(call->pack, span_make(&key, sizeof key),
                                                          packed_bytes(f), pack_constant, &context)
                                         : NULL;
    if (f->packed)
        return 0;
    return widen_size(from->dtype, tensor_elements(from)) + tensor_align(packed_bytes(f));
}

const float *filter_packed(const struct filter *f, const struct op_call *call, char **scratch)
{
    if (f->packed)
        return f->packed;
    const float *from = widen_input(call->in[1], scratch);
    float *packed = (float *)*scratch;
    pack_groups(f, from, packed);
    *scratch += tensor_align(packed_bytes(f));
    return packed;
}
