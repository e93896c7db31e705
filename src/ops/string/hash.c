/* SPDX-License-Identifier: Apache-2.0 */
/* StringToHashBucketFast: fingerprints modulo a number of buckets. */
#include "ops/kernel.h"
#include "ops/string/fingerprint.h"

static enum code hash_prepare(struct op_call *call, struct error *err)
{
    int64_t *buckets = ARENA_NEW(call->arena, int64_t);
    *buckets = op_attr_int(call, "num_buckets");
    call->state = buckets;
    if (*buckets < 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "num_buckets must be positive, got %lld",
                         (long long)*buckets);
    return CODE_OK;
}

static enum code hash_run(struct op_call *call, struct error *err)
{
    (void)err;
    uint64_t buckets = (uint64_t) * (const int64_t *)call->state;
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++)
        TENSOR_AT(call->out[0], int64_t)
    [i] = (int64_t)(fingerprint(TENSOR_AT(call->in[0], struct span)[i]) % buckets);
    return CODE_OK;
}

const struct op op_StringToHashBucketFast = {
    .name = "StringToHashBucketFast",
    .inputs = "input:string",
    .outputs = "output:int64",
    .attrs = "num_buckets:int",
    .prepare = hash_prepare,
    .run = hash_run,
};
