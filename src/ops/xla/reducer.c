/* SPDX-License-Identifier: Apache-2.0 */
/* The function's plan runs in an arena of its own, cleared before each turn: what it gives are
 * scalars, copied at once. */
#include "ops/xla/reducer.h"

#include "engine/region.h"
#include "engine/run.h"

struct reducer {
    const struct op_call *call;
    struct arena arena;
    struct run run; /* the request's, with this arena */
    int count;
    struct tensor *arguments; /* 2 * count */
    struct tensor *results;
};

static void reducer_release(void *ptr)
{
    struct reducer *reducer = ptr;
    arena_release(&reducer->arena);
}

struct reducer *reducer_new(const struct op_call *call)
{
    struct reducer *r = ARENA_NEW(call->arena, struct reducer);
    arena_init(&r->arena, ARENA_FIRST_BLOCK);
    arena_set_payer(&r->arena, run_request_arena(call->run));
    arena_defer(call->arena, reducer_release, r);
    r->call = call;
    r->run = *call->run;
    r->run.arena = &r->arena;
    r->count = call->out_count;
    r->arguments = ARENA_ARRAY(call->arena, struct tensor, 2 * (size_t)r->count);
    r->results = ARENA_ARRAY(call->arena, struct tensor, (size_t)r->count);
    for (int i = 0; i < 2 * r->count; i++)
        r->arguments[i].dtype = call->out[i % r->count]->dtype;
    return r;
}

enum code reducer_apply(struct reducer *r, void *const *accumulators, const void *const *values,
                        struct error *err)
{
    arena_reset(&r->arena);
    for (int i = 0; i < r->count; i++) {
        r->arguments[i].data = accumulators[i];
        r->arguments[r->count + i].data = (void *)(uintptr_t)values[i];
    }
    enum code code = run_check(&r->run, err);
    if (!code)
        code = plan_run(r->call->node->regions[0].plan, r->arguments, &r->run, r->results, err);
    for (int i = 0; !code && i < r->count; i++) {
        if (r->results[i].dtype != r->arguments[i].dtype || tensor_elements(&r->results[i]) != 1)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "result %d of the function of %s is no scalar", i,
                             r->call->node->op->name);
        memcpy(accumulators[i], r->results[i].data, dtype_size(r->results[i].dtype));
    }
    return code;
}
