/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two ways to a transposed convolution:
 *
 *   fast       float, half and bfloat16, channels last: some pixels of a given row times the whole
 *              filter (the product of ops/nn/tile.h) are the contributions of each pixel to each
 *              position of its window; these are added to the result. Groups one by one.
 *   reference  everything else: each element of the result collects what is its.
 *
 * Scratch of a run: the widened input and result, what ops/nn/filter.h takes, the contributions
 * [block, kernel positions, channels of a group].
 */
#include "ops/nn/transposed.h"

#include "ops/kernel.h"
#include "ops/nn/widen.h"

enum { BLOCK_FLOATS = 1 << 16 }; /* contributions at a time: they stay in the cache */

/* ---- plain loops ---- */

/* Which given position (of dimension d) kernel position k takes to the result's position; false:
 * none. */
static bool source_of(const struct volume *v, int d, int64_t at, int64_t k, int64_t *source)
{
    int64_t distance = at + v->before[d] - k * v->dilation[d];
    *source = distance / v->stride[d];
    return distance >= 0 && distance % v->stride[d] == 0 && *source < v->out[d];
}

/* Offset of the given pixel behind kernel position `tap`; false: none. */
static bool pixel_of(const struct volume *v, const struct volume_steps *step,
                     const struct volume_element *e, int64_t tap, int64_t *pixel)
{
    int64_t k[VOLUME_DIMS] = {tap / (v->kernel[1] * v->kernel[2]),
                              tap / v->kernel[2] % v->kernel[1], tap % v->kernel[2]};
    *pixel = e->image * step->image;
    for (int d = 0; d < VOLUME_DIMS; d++) {
        int64_t source;
        if (!source_of(v, d, e->at[d], k[d], &source))
            return false;
        *pixel += source * step->space[d];
    }
    return true;
}

#define DEFINE_REFERENCE(name, type, computed, load, store)                                        \
    static type element_##name(const struct transposed *t, const type *given, const type *filter,  \
                               const struct volume_element *e)                                     \
    {                                                                                              \
        const struct volume *v = &t->volume;                                                       \
        const struct volume_steps step = volume_steps(v, v->out, t->out_channels);                 \
        const int64_t depth = v->channels / t->groups, n = t->out_channels / t->groups;            \
        const int64_t first = e->channel / depth * n;                                              \
        const int64_t taps = volume_count(v->kernel);                                              \
        computed sum = 0;                                                                          \
        for (int64_t tap = 0; tap < taps; tap++) {                                                 \
            int64_t pixel;                                                                         \
            if (!pixel_of(v, &step, e, tap, &pixel))                                               \
                continue;                                                                          \
            const type *f = filter + (tap * depth + e->channel % depth) * t->out_channels + first; \
            const type *x = given + pixel + first * step.channel;                                  \
            for (int64_t k = 0; k < n; k++)                                                        \
                sum += (computed)load(x[k * step.channel]) * (computed)load(f[k]);                 \
        }                                                                                          \
        return (type)store(sum);                                                                   \
    }                                                                                              \
                                                                                                   \
    static void reference_##name(const struct transposed *t, const struct op_call *call)           \
    {                                                                                              \
        const struct volume *v = &t->volume;                                                       \
        const struct volume_steps step = volume_steps(v, v->in, v->channels);                      \
        const int64_t count = v->batch * volume_count(v->in) * v->channels;                        \
        type *out = call->out[0]->data;                                                            \
        for (int64_t i = 0; i < count; i++) {                                                      \
            const struct volume_element e = volume_element(v->in, v->channels, i);                 \
            out[volume_offset(&step, &e)] =                                                        \
                element_##name(t, call->in[t->given]->data, call->in[1]->data, &e);                \
        }                                                                                          \
    }

#define AS_IS(v) (v)
DEFINE_REFERENCE(float, float, float, AS_IS, AS_IS)
DEFINE_REFERENCE(double, double, double, AS_IS, AS_IS)
DEFINE_REFERENCE(int32, int32_t, uint32_t, AS_IS, AS_IS)
DEFINE_REFERENCE(half, uint16_t, float, dtype_half_to_float, dtype_half_from_float)
DEFINE_REFERENCE(bfloat16, uint16_t, float, dtype_bfloat16_to_float, dtype_bfloat16_from_float)

void transposed_reference(const struct transposed *t, struct op_call *call)
{
    static void (*const references[DTYPE_COUNT])(const struct transposed *,
                                                 const struct op_call *) = {
        [DTYPE_FLOAT] = reference_float,       [DTYPE_DOUBLE] = reference_double,
        [DTYPE_INT32] = reference_int32,       [DTYPE_HALF] = reference_half,
        [DTYPE_BFLOAT16] = reference_bfloat16,
    };
    references[call->in[1]->dtype](t, call);
}

/* ---- fast ---- */

static int64_t contributions_of(const struct transposed *t)
{
    return volume_count(t->volume.kernel) * (t->volume.channels / t->groups);
}

enum code transposed_prepare(struct transposed *t, struct op_call *call, struct error *err)
{
    const struct tensor *filter = call->in[1], *given = call->in[t->given];
    int64_t *offset = ARENA_ARRAY(call->arena, int64_t, (size_t)t->groups);
    (void)err;
    t->fast = !t->volume.channels_first && tensor_elements(given) && tensor_elements(filter) &&
              (filter->dtype == DTYPE_FLOAT || widen_is_needed(filter->dtype));
    if (!t->fast)
        return CODE_OK;
    for (int64_t g = 0; g < t->groups; g++)
        offset[g] = g * (t->out_channels / t->groups);
    t->offset = offset;
    int64_t each = contributions_of(t);
    t->block = each < BLOCK_FLOATS ? BLOCK_FLOATS / each : 1;
    t->block = t->block < t->volume.out[2] ? t->block : t->volume.out[2];
    t->filter = (struct filter){
        .groups = t->groups,
        .group_step = t->out_channels / t->groups,
        .group = {.row_step = 1,
                  .column_step = t->out_channels,
                  .k = t->out_channels / t->groups,
                  .n = each},
    };
    call->scratch_size = widen_size(given->dtype, tensor_elements(given)) +
                         widen_size(filter->dtype, tensor_elements(call->out[0])) +
                         tensor_align((size_t)(t->block * each) * sizeof(float)) +
                         filter_prepare(&t->filter, call);
    return CODE_OK;
}

KERNEL void add(float *restrict to, const float *restrict from, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        to[i] += from[i];
}

/* A given row: image and the first two dimensions. */
struct row {
    int64_t image, at[2];
};

/* Adds the contributions of given pixel `column` to the result's group of channels at `out`. */
static void scatter(const struct transposed *t, const struct row *row, int64_t column,
                    const float *from, float *out)
{
    const struct volume *v = &t->volume;
    const struct volume_steps step = volume_steps(v, v->in, v->channels);
    const int64_t depth = v->channels / t->groups;
    int64_t begin[VOLUME_DIMS], first[VOLUME_DIMS], end[VOLUME_DIMS];
    for (int d = 0; d < VOLUME_DIMS; d++)
        volume_range(v, d, d < 2 ? row->at[d] : column, &begin[d], &first[d], &end[d]);
    for (int64_t i = first[0]; i < end[0]; i++) {
        for (int64_t j = first[1]; j < end[1]; j++) {
            float *line = out + row->image * step.image +
                          (begin[0] + i * v->dilation[0]) * step.space[0] +
                          (begin[1] + j * v->dilation[1]) * step.space[1];
            const float *taps = from + (i * v->kernel[1] + j) * v->kernel[2] * depth;
            for (int64_t k = first[2]; k < end[2]; k++)
                add(line + (begin[2] + k * v->dilation[2]) * step.space[2], taps + k * depth,
                    depth);
        }
    }
}

/* What a run works with. */
struct work {
    const float *given;
    const float *packed;
    float *contributions;
    float *out;
};

/* Groups have their channels side by side in a pixel. */
static void run_row(const struct transposed *t, const struct row *row, const struct work *work)
{
    const struct volume *v = &t->volume;
    const int64_t each = contributions_of(t);
    const struct volume_steps step = volume_steps(v, v->out, t->out_channels);
    const float *first = work->given + row->image * step.image + row->at[0] * step.space[0] +
                         row->at[1] * step.space[1];
    struct tile_rows rows = {
        .in_step = t->out_channels,
        .out = work->contributions,
        .out_step = each,
        .segments = 1,
        .length = t->out_channels / t->groups,
        .n = each,
    };
    for (int64_t from = 0; from < v->out[2]; from += t->block) {
        rows.in = first + from * t->out_channels;
        rows.rows = v->out[2] - from < t->block ? v->out[2] - from : t->block;
        for (int64_t g = 0; g < t->groups; g++) {
            rows.offsets = t->offset + g;
            tile_run(&rows, work->packed + (size_t)g * t->filter.packed_floats);
            for (int64_t i = 0; i < rows.rows; i++)
                scatter(t, row, from + i, work->contributions + i * each,
                        work->out + g * (v->channels / t->groups));
        }
    }
}

static void run_fast(const struct transposed *t, struct op_call *call)
{
    const struct volume *v = &t->volume;
    char *scratch = call->scratch;
    struct work work;
    work.given = widen_input(call->in[t->given], &scratch);
    work.out = widen_output(call->out[0], &scratch);
    work.packed = filter_packed(&t->filter, call, &scratch);
    work.contributions = (float *)scratch;
    memset(work.out, 0, (size_t)tensor_elements(call->out[0]) * sizeof(float));
    for (int64_t i = 0; i < v->batch * v->out[0] * v->out[1]; i++) {
        const struct row row = {i / (v->out[0] * v->out[1]),
                                {i / v->out[1] % v->out[0], i % v->out[1]}};
        run_row(t, &row, &work);
    }
    widen_finish(call->out[0], work.out);
}

void transposed_run(const struct transposed *t, struct op_call *call)
{
    if (t->fast)
        run_fast(t, call);
    else
        transposed_reference(t, call);
}
