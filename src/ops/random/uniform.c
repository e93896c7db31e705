/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RandomUniform by TensorFlow's generator: Philox 4x32-10 (Salmon et al., "Parallel Random Numbers:
 * As Easy as 1, 2, 3", 2011), keyed by the attributes seed and seed2, so that seeded graphs give
 * TensorFlow's numbers. The counter belongs to the node and goes on from run to run; it lives in
 * the version's resources. Without seeds the key is random.
 */
#include <stdlib.h>
#include <sys/random.h>

#include "base/check.h"
#include "engine/resource.h"
#include "engine/run.h"
#include "ops/array/sizes.h"
#include "ops/kernel.h"

enum {
    RESERVE_FACTOR = 256
}; /* TensorFlow steps the counter by this much for each number that it gives */

struct philox {
    uint32_t counter[4];
    uint32_t key[2];
};

struct generator {
    struct resource resource; /* first */
    pthread_mutex_t lock;
    struct philox philox; /* guarded by lock */
};

static void generator_free(struct resource *resource)
{
    pthread_mutex_destroy(&((struct generator *)resource)->lock);
}

static const struct resource_ops generator_ops = {.kind = "generator", .free = generator_free};

static struct resource *generator_make(const void *args)
{
    uint64_t seeds[2];
    memcpy(seeds, args, sizeof seeds);
    struct generator *g = calloc(1, sizeof *g);
    CHECK(g);
    pthread_mutex_init(&g->lock, NULL);
    if (!seeds[0] && !seeds[1])
        CHECK(getrandom(seeds, sizeof seeds, 0) == (ssize_t)sizeof seeds);
    g->philox.key[0] = (uint32_t)seeds[0];
    g->philox.key[1] = (uint32_t)(seeds[0] >> 32);
    g->philox.counter[2] = (uint32_t)seeds[1];
    g->philox.counter[3] = (uint32_t)(seeds[1] >> 32);
    return &g->resource;
}

static void philox_skip(struct philox *p, uint64_t count)
{
    for (int i = 0; i < 4 && count; i++) {
        count += p->counter[i];
        p->counter[i] = (uint32_t)count;
        count >>= 32;
    }
}

static void philox_next(const struct philox *p, uint32_t out[4])
{
    uint32_t c[4], k0 = p->key[0], k1 = p->key[1];
    memcpy(c, p->counter, sizeof c);
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)c[0] * 0xD2511F53u, b = (uint64_t)c[2] * 0xCD9E8D57u;
        uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ k0, (uint32_t)b,
                            (uint32_t)(a >> 32) ^ c[3] ^ k1, (uint32_t)a};
        memcpy(c, next, sizeof c);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    memcpy(out, c, sizeof c);
}

/* The generator as it stands, stepped on for `count` numbers. */
static struct philox reserve(struct generator *g, int64_t count)
{
    pthread_mutex_lock(&g->lock);
    struct philox p = g->philox;
    philox_skip(&g->philox, (uint64_t)count * RESERVE_FACTOR);
    pthread_mutex_unlock(&g->lock);
    return p;
}

static enum code uniform_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 0)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    struct shape out;
    enum code code = sizes_read_shape(call, 0, &out, err);
    if (!code)
        op_call_shape(call, 0, &out);
    return code;
}

static enum code uniform_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    int64_t seeds[2] = {op_attr_int(call, "seed"), op_attr_int(call, "seed2")};
    struct resource_id id = {.ops = &generator_ops, .name = call->node->name};
    call->state = resource_get(call->run->resources, &id, generator_make, seeds);
    return CODE_OK;
}

/* 23 random bits of a float in [1, 2), less 1. */
static void fill_floats(struct philox *p, float *to, int64_t n)
{
    for (int64_t i = 0; i < n; i += 4, philox_skip(p, 1)) {
        uint32_t bits[4];
        philox_next(p, bits);
        for (int64_t k = 0; k < 4 && i + k < n; k++) {
            uint32_t raw = (bits[k] & 0x7fffff) | 0x3f800000;
            float value;
            memcpy(&value, &raw, sizeof value);
            to[i + k] = value - 1;
        }
    }
}

/* 52 random bits of a double in [1, 2), less 1; the first word is the upper one. */
static void fill_doubles(struct philox *p, double *to, int64_t n)
{
    for (int64_t i = 0; i < n; i += 2, philox_skip(p, 1)) {
        uint32_t bits[4];
        philox_next(p, bits);
        for (int64_t k = 0; k < 2 && i + k < n; k++) {
            uint64_t raw =
                (uint64_t)(bits[2 * k] & 0xfffff) << 32 | bits[2 * k + 1] | UINT64_C(1023) << 52;
            double value;
            memcpy(&value, &raw, sizeof value);
            to[i + k] = value - 1;
        }
    }
}

static enum code uniform_run(struct op_call *call, struct error *err)
{
    (void)err;
    int64_t n = tensor_elements(call->out[0]);
    struct philox p = reserve(call->state, n);
    if (call->out[0]->dtype == DTYPE_FLOAT)
        fill_floats(&p, call->out[0]->data, n);
    else
        fill_doubles(&p, call->out[0]->data, n);
    return CODE_OK;
}

const struct op op_RandomUniform = {
    .name = "RandomUniform",
    .inputs = "shape:T",
    .outputs = "output:dtype",
    .attrs = "seed:int=0 seed2:int=0 dtype:type T:index",
    .flags = OP_STATEFUL,
    .types = OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE),
    .types_attr = "dtype",
    .shape = uniform_shape,
    .prepare = uniform_prepare,
    .run = uniform_run,
};
