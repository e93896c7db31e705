/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MaxPool3D, AvgPool3D: one number for each window of a volume. Padding takes no part. The
 * innermost loop goes over the channels. half and bfloat16 are computed in float.
 */
#include <float.h>

#include "ops/kernel.h"
#include "ops/nn/volume.h"
#include "ops/nn/widen.h"

struct pool3d {
    struct volume volume;
    bool average;
};

static enum code pool3d_read(const struct op_call *call, struct pool3d *p, struct error *err)
{
    struct volume *v = &p->volume;
    const int64_t *ksize, *strides;
    *v = (struct volume){
        .channels_first = span_is(op_attr_string(call, "data_format"), "NCDHW"),
        .spatial = 3,
        .dilation = {1, 1, 1},
    };
    p->average = span_is(span_of(call->node->op->name), "AvgPool3D");
    enum code code = volume_attr(call, "ksize", &ksize, err);
    if (!code)
        code = volume_attr(call, "strides", &strides, err);
    if (code)
        return code;
    int channels = volume_channel_axis(v);
    volume_pick(v, ksize, v->kernel);
    volume_pick(v, strides, v->stride);
    for (int d = 0; d < VOLUME_DIMS; d++) {
        if (v->kernel[d] <= 0 || v->kernel[d] > INT32_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Sliding window ksize field must have non-negative dimensions");
        if (v->stride[d] <= 0 || v->stride[d] > INT32_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Sliding window stride must be positive, but got %lld",
                             (long long)v->stride[d]);
    }
    if (ksize[0] != 1 || strides[0] != 1)
        return error_set(err, CODE_UNIMPLEMENTED,
                         "Pooling is not yet supported on the batch dimension.");
    if (ksize[channels] != 1 || strides[channels] != 1)
        return error_set(err, CODE_UNIMPLEMENTED,
                         "Pooling is not yet supported on the depth dimension.");
    return CODE_OK;
}

static enum code pool3d_fit(const struct op_call *call, struct pool3d *p, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    struct volume *v = &p->volume;
    enum code code = pool3d_read(call, p, err);
    if (code)
        return code;
    if (in->rank != 5)
        return error_set(err, CODE_INVALID_ARGUMENT, "tensor_in must be 5-dimensional");
    v->batch = in->dims[0];
    v->channels = in->dims[volume_channel_axis(v)];
    volume_pick(v, in->dims, v->in);
    return volume_fit(call, v, err);
}

static enum code pool3d_shape(struct op_call *call, struct error *err)
{
    struct pool3d p;
    enum code code = pool3d_fit(call, &p, err);
    if (code)
        return code;
    struct shape out = volume_shape(&p.volume, p.volume.out, p.volume.channels);
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code pool3d_prepare(struct op_call *call, struct error *err)
{
    struct pool3d *p = ARENA_NEW(call->arena, struct pool3d);
    enum dtype dtype = call->in[0]->dtype;
    call->state = p;
    call->scratch_size = widen_size(dtype, tensor_elements(call->in[0])) +
                         widen_size(dtype, tensor_elements(call->out[0]));
    return pool3d_fit(call, p, err);
}

#define DEFINE_POOL(type, lowest)                                                                  \
    static void pixel_##type(const struct pool3d *p, const type *in, const int64_t at[3],          \
                             type *out, int64_t out_step)                                          \
    {                                                                                              \
        const struct volume *v = &p->volume;                                                       \
        const struct volume_steps step = volume_steps(v, v->in, v->channels);                      \
        int64_t begin[VOLUME_DIMS], from[VOLUME_DIMS], to[VOLUME_DIMS], count = 1;                 \
        for (int d = 0; d < VOLUME_DIMS; d++) {                                                    \
            volume_range(v, d, at[d], &begin[d], &from[d], &to[d]);                                \
            count *= to[d] - from[d];                                                              \
        }                                                                                          \
        for (int64_t c = 0; c < v->channels; c++)                                                  \
            out[c * out_step] = p->average ? 0 : lowest;                                           \
        for (int64_t k = 0; k < count; k++) {                                                      \
            const int64_t columns = to[2] - from[2], rows = to[1] - from[1];                       \
            const type *x = in + (begin[0] + from[0] + k / columns / rows) * step.space[0] +       \
                            (begin[1] + from[1] + k / columns % rows) * step.space[1] +            \
                            (begin[2] + from[2] + k % columns) * step.space[2];                    \
            for (int64_t c = 0; c < v->channels; c++) {                                            \
                const type value = x[c * step.channel], had = out[c * out_step];                   \
                out[c * out_step] = p->average ? had + value : had < value ? value : had;          \
            }                                                                                      \
        }                                                                                          \
        for (int64_t c = 0; p->average && c < v->channels; c++)                                    \
            out[c * out_step] /= (type)count;                                                      \
    }                                                                                              \
                                                                                                   \
    static void pool_##type(const struct pool3d *p, const type *in, type *out)                     \
    {                                                                                              \
        const struct volume *v = &p->volume;                                                       \
        const struct volume_steps step = volume_steps(v, v->out, v->channels);                     \
        const struct volume_steps in_step = volume_steps(v, v->in, v->channels);                   \
        const int64_t pixels = volume_count(v->out), plane = v->out[1] * v->out[2];                \
        for (int64_t i = 0; i < v->batch * pixels; i++) {                                          \
            const int64_t k = i % pixels;                                                          \
            const int64_t at[] = {k / plane, k / v->out[2] % v->out[1], k % v->out[2]};            \
            pixel_##type(p, in + i / pixels * in_step.image, at,                                   \
                         out + i / pixels * step.image + at[0] * step.space[0] +                   \
                             at[1] * step.space[1] + at[2] * step.space[2],                        \
                         step.channel);                                                            \
        }                                                                                          \
    }

DEFINE_POOL(float, -FLT_MAX)
DEFINE_POOL(double, -DBL_MAX)

static enum code pool3d_run(struct op_call *call, struct error *err)
{
    const struct pool3d *p = call->state;
    char *scratch = call->scratch;
    (void)err;
    if (call->in[0]->dtype == DTYPE_DOUBLE) {
        pool_double(p, call->in[0]->data, call->out[0]->data);
        return CODE_OK;
    }
    const float *in = widen_input(call->in[0], &scratch);
    float *out = widen_output(call->out[0], &scratch);
    pool_float(p, in, out);
    widen_finish(call->out[0], out);
    return CODE_OK;
}

#define POOL3D_ATTRS                                                                               \
    "ksize:list(int) strides:list(int) padding:string data_format:string='NDHWC' T:type"

const struct op op_MaxPool3D = {
    .name = "MaxPool3D",
    .inputs = "input:T",
    .outputs = "output:T",
    .attrs = POOL3D_ATTRS,
    .types = OP_TYPE(DTYPE_HALF) | OP_TYPE(DTYPE_BFLOAT16) | OP_TYPE(DTYPE_FLOAT),
    .shape = pool3d_shape,
    .prepare = pool3d_prepare,
    .run = pool3d_run,
};

const struct op op_AvgPool3D = {
    .name = "AvgPool3D",
    .inputs = "input:T",
    .outputs = "output:T",
    .attrs = POOL3D_ATTRS,
    .types = OP_TYPES_FLOAT,
    .shape = pool3d_shape,
    .prepare = pool3d_prepare,
    .run = pool3d_run,
};
