/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/image/target.h"

#include "engine/run.h"
#include "ops/kernel.h"

enum code image_target_open(struct image_target *target, const struct image_size *size,
                            enum dtype dtype, struct error *err)
{
    struct op_call *call = target->call;
    struct shape shape = {.rank = 3, .dims = {size->rows, size->columns, size->channels}};
    if (target->with_frames)
        shape = (struct shape){
            .rank = 4,
            .dims = {size->frames, size->rows, size->columns, size->channels},
        };
    enum code code = op_call_alloc(call, 0, &shape, err);
    if (code)
        return code;
    target->dtype = dtype;
    target->pixels = call->out[0]->data;
    if (call->out[0]->dtype == dtype)
        return CODE_OK;
    return kernel_array(call, tensor_elements(call->out[0]), dtype_size(dtype), &target->pixels,
                        err);
}

KERNEL void widen_bytes(const uint8_t *restrict in, uint16_t *restrict out, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = (uint16_t)(in[i] * 256);
}

KERNEL void scale_bytes(const uint8_t *restrict in, float *restrict out, int64_t n)
{
    const float scale = (float)(1. / UINT8_MAX);
    for (int64_t i = 0; i < n; i++)
        out[i] = (float)in[i] * scale;
}

KERNEL void scale_words(const uint16_t *restrict in, float *restrict out, int64_t n)
{
    const float scale = (float)(1. / UINT16_MAX);
    for (int64_t i = 0; i < n; i++)
        out[i] = (float)in[i] * scale;
}

void image_target_close(struct image_target *target)
{
    struct tensor *out = target->call->out[0];
    int64_t n = tensor_elements(out);
    if (out->data == target->pixels)
        return;
    if (out->dtype == DTYPE_UINT16)
        widen_bytes(target->pixels, out->data, n);
    else if (target->dtype == DTYPE_UINT8)
        scale_bytes(target->pixels, out->data, n);
    else
        scale_words(target->pixels, out->data, n);
}

enum code image_target_check(const struct image_target *target, struct error *err)
{
    return target->call->run ? run_check(target->call->run, err) : CODE_OK;
}
