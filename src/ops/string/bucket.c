/* SPDX-License-Identifier: Apache-2.0 */
/*
 * StringToHashBucketStrong: SipHash under a key of two numbers.
 * StringToHashBucket: TensorFlow's first hash, MurmurHash64A with a seed of its own. Both modulo a
 * number of buckets; numbers are read little-endian.
 */
#include "ops/kernel.h"
#include "ops/string/sip_hash.h"

struct bucket {
    uint64_t buckets;
    uint64_t key[2];
};

static uint64_t fetch(const char *p, size_t count)
{
    uint64_t v = 0;
    memcpy(&v, p, count);
    return v;
}

/* ---- Murmur ---- */

static uint64_t murmur_hash(struct span text)
{
    const uint64_t m = 0xc6a4a7935bd1e995, seed = 0xdecafcaffe;
    uint64_t h = seed ^ text.len * m;
    size_t whole = text.len / 8 * 8;
    for (size_t i = 0; i < whole; i += 8) {
        uint64_t k = fetch(text.ptr + i, 8) * m;
        h = (h ^ (k ^ k >> 47) * m) * m;
    }
    if (text.len > whole)
        h = (h ^ fetch(text.ptr + whole, text.len - whole)) * m;
    h = (h ^ h >> 47) * m;
    return h ^ h >> 47;
}

/* ---- ops ---- */

static enum code bucket_prepare(struct op_call *call, struct error *err)
{
    struct bucket *b = ARENA_NEW(call->arena, struct bucket);
    int64_t buckets = op_attr_int(call, "num_buckets");
    call->state = b;
    b->buckets = (uint64_t)buckets;
    if (buckets < 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "num_buckets must be positive, got %lld",
                         (long long)buckets);
    return CODE_OK;
}

static enum code strong_prepare(struct op_call *call, struct error *err)
{
    const int64_t *key;
    enum code code = bucket_prepare(call, err);
    size_t count = op_attr_ints(call, "key", &key);
    if (code)
        return code;
    if (count != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "Key must have 2 elements");
    memcpy(((struct bucket *)call->state)->key, key, 2 * sizeof *key);
    return CODE_OK;
}

static enum code strong_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct bucket *b = call->state;
    const struct span *in = call->in[0]->data;
    int64_t *out = call->out[0]->data;
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++)
        out[i] = (int64_t)(sip_hash(in[i], b->key) % b->buckets);
    return CODE_OK;
}

static enum code legacy_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct bucket *b = call->state;
    const struct span *in = call->in[0]->data;
    int64_t *out = call->out[0]->data;
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++)
        out[i] = (int64_t)(murmur_hash(in[i]) % b->buckets);
    return CODE_OK;
}

const struct op op_StringToHashBucketStrong = {
    .name = "StringToHashBucketStrong",
    .inputs = "input:string",
    .outputs = "output:int64",
    .attrs = "num_buckets:int key:list(int)",
    .prepare = strong_prepare,
    .run = strong_run,
};

const struct op op_StringToHashBucket = {
    .name = "StringToHashBucket",
    .inputs = "string_tensor:string",
    .outputs = "output:int64",
    .attrs = "num_buckets:int",
    .prepare = bucket_prepare,
    .run = legacy_run,
};
