/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two ways to a convolution of volumes:
 *
 *   fast       float, half and bfloat16, channels last: rows of a window are runs of floats in the
 *              volume, copied into the middle of zeros first, and go through the product of
 *              ops/nn/tile.h, as images do in ops/nn/convolution.c. Groups one by one.
 *   reference  everything else.
 *
 * Scratch of a run: the widened in[0] and out[0], what ops/nn/filter.h takes, the padded volume.
 */
#include "ops/nn/convolution3d.h"

#include "ops/kernel.h"
#include "ops/nn/widen.h"

enum { PADDED_ELEMENTS_MAX = 1 << 30 }; /* of one volume; beyond, the plain loops need no copy */

/* ---- plain loops ---- */

#define DEFINE_REFERENCE(name, type, computed, load, store)                                        \
    static type element_##name(const struct convolution3d *c, const type *in, const type *filter,  \
                               const struct volume_element *e)                                     \
    {                                                                                              \
        const struct volume *v = &c->volume;                                                       \
        const struct volume_steps step = volume_steps(v, v->in, v->channels);                      \
        const int64_t depth = v->channels / c->groups;                                             \
        const int64_t first = e->channel / (c->out_channels / c->groups) * depth;                  \
        const int64_t taps = volume_count(v->kernel), plane = v->kernel[1] * v->kernel[2];         \
        computed sum = 0;                                                                          \
        for (int64_t tap = 0; tap < taps; tap++) {                                                 \
            const int64_t k[] = {tap / plane, tap / v->kernel[2] % v->kernel[1],                   \
                                 tap % v->kernel[2]};                                              \
            const type *x = in + e->image * step.image + first * step.channel;                     \
            const type *f = filter + tap * depth * c->out_channels + e->channel;                   \
            bool inside = true;                                                                    \
            for (int d = 0; d < VOLUME_DIMS; d++) {                                                \
                int64_t at = e->at[d] * v->stride[d] - v->before[d] + k[d] * v->dilation[d];       \
                inside = inside && at >= 0 && at < v->in[d];                                       \
                x += inside ? at * step.space[d] : 0;                                              \
            }                                                                                      \
            for (int64_t i = 0; inside && i < depth; i++)                                          \
                sum +=                                                                             \
                    (computed)load(x[i * step.channel]) * (computed)load(f[i * c->out_channels]);  \
        }                                                                                          \
        return (type)store(sum);                                                                   \
    }                                                                                              \
                                                                                                   \
    static void reference_##name(const struct convolution3d *c, const struct op_call *call)        \
    {                                                                                              \
        const struct volume *v = &c->volume;                                                       \
        const struct volume_steps step = volume_steps(v, v->out, c->out_channels);                 \
        const int64_t count = v->batch * volume_count(v->out) * c->out_channels;                   \
        type *out = call->out[0]->data;                                                            \
        for (int64_t i = 0; i < count; i++) {                                                      \
            const struct volume_element e = volume_element(v->out, c->out_channels, i);            \
            out[volume_offset(&step, &e)] =                                                        \
                element_##name(c, call->in[0]->data, call->in[1]->data, &e);                       \
        }                                                                                          \
    }

#define AS_IS(v) (v)
DEFINE_REFERENCE(float, float, float, AS_IS, AS_IS)
DEFINE_REFERENCE(double, double, double, AS_IS, AS_IS)
DEFINE_REFERENCE(int32, int32_t, uint32_t, AS_IS, AS_IS)
DEFINE_REFERENCE(half, uint16_t, float, dtype_half_to_float, dtype_half_from_float)
DEFINE_REFERENCE(bfloat16, uint16_t, float, dtype_bfloat16_to_float, dtype_bfloat16_from_float)

void convolution3d_reference(const struct convolution3d *c, struct op_call *call)
{
    static void (*const references[DTYPE_COUNT])(const struct convolution3d *,
                                                 const struct op_call *) = {
        [DTYPE_FLOAT] = reference_float,       [DTYPE_DOUBLE] = reference_double,
        [DTYPE_INT32] = reference_int32,       [DTYPE_HALF] = reference_half,
        [DTYPE_BFLOAT16] = reference_bfloat16,
    };
    references[call->in[0]->dtype](c, call);
}

/* ---- fast ---- */

/* The padded volume is as large as the windows reach, at least the volume itself. */
static bool find_padded_size(struct convolution3d *c)
{
    const struct volume *v = &c->volume;
    int64_t elements = v->channels;
    for (int d = 0; d < VOLUME_DIMS; d++) {
        int64_t reach = (v->out[d] - 1) * v->stride[d] + (v->kernel[d] - 1) * v->dilation[d] + 1;
        c->padded[d] = v->before[d] + v->in[d];
        if (reach > c->padded[d])
            c->padded[d] = reach;
        if (__builtin_mul_overflow(elements, c->padded[d], &elements))
            return false;
    }
    return elements <= PADDED_ELEMENTS_MAX;
}

/* The segments of a window: whole rows when columns lie side by side, else single pixels. */
static void find_segments(struct convolution3d *c, struct arena *arena)
{
    const struct volume *v = &c->volume;
    bool whole = v->dilation[2] == 1 && c->groups == 1;
    int64_t depth = v->channels / c->groups, per_row = whole ? 1 : v->kernel[2];
    c->segments = v->kernel[0] * v->kernel[1] * per_row;
    c->length = whole ? v->kernel[2] * depth : depth;
    int64_t *offsets = ARENA_ARRAY(arena, int64_t, (size_t)c->segments);
    for (int64_t s = 0; s < c->segments; s++) {
        int64_t row = s / per_row;
        int64_t at = row / v->kernel[1] * v->dilation[0] * c->padded[1];
        at = (at + row % v->kernel[1] * v->dilation[1]) * c->padded[2];
        offsets[s] = (at + s % per_row * v->dilation[2]) * v->channels;
    }
    c->offsets = offsets;
}

static size_t padded_bytes(const struct convolution3d *c)
{
    return tensor_align((size_t)(volume_count(c->padded) * c->volume.channels) * sizeof(float));
}

void convolution3d_prepare(struct convolution3d *c, struct op_call *call)
{
    const struct tensor *in = call->in[0], *filter = call->in[1];
    int64_t group = c->out_channels / c->groups;
    c->fast = !c->volume.channels_first && tensor_elements(call->out[0]) &&
              tensor_elements(filter) && (in->dtype == DTYPE_FLOAT || widen_is_needed(in->dtype)) &&
              find_padded_size(c);
    if (!c->fast)
        return;
    find_segments(c, call->arena);
    c->filter = (struct filter){
        .groups = c->groups,
        .group_step = group,
        .group = {.row_step = c->out_channels,
                  .column_step = 1,
                  .k = c->segments * c->length,
                  .n = group},
    };
    call->scratch_size = widen_size(in->dtype, tensor_elements(in)) +
                         widen_size(in->dtype, tensor_elements(call->out[0])) +
                         filter_prepare(&c->filter, call) + padded_bytes(c);
}

/* Copies one volume into the middle of zeros. */
static void pad(const struct convolution3d *c, const float *volume, float *to)
{
    const struct volume *v = &c->volume;
    size_t row = (size_t)(v->in[2] * v->channels) * sizeof(float);
    memset(to, 0, padded_bytes(c));
    for (int64_t i = 0; i < v->in[0] * v->in[1]; i++) {
        int64_t plane = i / v->in[1] + v->before[0], line = i % v->in[1] + v->before[1];
        int64_t at = (plane * c->padded[1] + line) * c->padded[2] + v->before[2];
        memcpy(to + at * v->channels, volume + i * v->in[2] * v->channels, row);
    }
}

static void run_volume(const struct convolution3d *c, const float *padded, const float *packed,
                       float *out)
{
    const struct volume *v = &c->volume;
    const int64_t n = c->out_channels / c->groups, depth = v->channels / c->groups;
    struct tile_rows rows = {
        .in_step = v->stride[2] * v->channels,
        .out_step = c->out_channels,
        .rows = v->out[2],
        .offsets = c->offsets,
        .segments = c->segments,
        .length = c->length,
        .n = n,
    };
    for (int64_t i = 0; i < v->out[0] * v->out[1]; i++) {
        int64_t plane = i / v->out[1] * v->stride[0], line = i % v->out[1] * v->stride[1];
        const float *first = padded + (plane * c->padded[1] + line) * c->padded[2] * v->channels;
        for (int64_t g = 0; g < c->groups; g++) {
            rows.in = first + g * depth;
            rows.out = out + i * v->out[2] * c->out_channels + g * n;
            tile_run(&rows, packed + (size_t)g * c->filter.packed_floats);
        }
    }
}

static void run_fast(const struct convolution3d *c, struct op_call *call)
{
    const struct volume *v = &c->volume;
    char *scratch = call->scratch;
    const float *in = widen_input(call->in[0], &scratch);
    float *out = widen_output(call->out[0], &scratch);
    const float *packed = filter_packed(&c->filter, call, &scratch);
    float *padded = (float *)scratch;
    for (int64_t i = 0; i < v->batch; i++) {
        pad(c, in + i * volume_count(v->in) * v->channels, padded);
        run_volume(c, padded, packed, out + i * volume_count(v->out) * c->out_channels);
    }
    widen_finish(call->out[0], out);
}

void convolution3d_run(const struct convolution3d *c, struct op_call *call)
{
    if (c->fast)
        run_fast(c, call);
    else
        convolution3d_reference(c, call);
}
