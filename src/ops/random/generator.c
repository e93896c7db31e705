/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/random/generator.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/check.h"
#include "engine/resource.h"
#include "engine/run.h"

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

uint64_t generator_random_bits(void)
{
    uint64_t bits;
    CHECK(getrandom(&bits, sizeof bits, 0) == (ssize_t)sizeof bits);
    return bits;
}

static struct resource *generator_make(const void *args)
{
    uint64_t seeds[2];
    memcpy(seeds, args, sizeof seeds);
    struct generator *g = calloc(1, sizeof *g);
    CHECK(g);
    pthread_mutex_init(&g->lock, NULL);
    if (!seeds[0] && !seeds[1]) {
        seeds[0] = generator_random_bits();
        seeds[1] = generator_random_bits();
    }
    g->philox = philox_load((uint64_t[]){0, seeds[1]}, seeds[0]);
    return &g->resource;
}

enum code generator_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    int64_t seeds[2] = {op_attr_int(call, "seed"), op_attr_int(call, "seed2")};
    struct resource_id id = {.ops = &generator_ops, .name = call->node->name};
    call->state = resource_get(call->run->resources, &id, generator_make, seeds);
    return CODE_OK;
}

struct philox generator_reserve(struct op_call *call, uint64_t steps)
{
    struct generator *g = call->state;
    pthread_mutex_lock(&g->lock);
    struct philox p = g->philox;
    philox_skip(&g->philox, steps);
    pthread_mutex_unlock(&g->lock);
    return p;
}
