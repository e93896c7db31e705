/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/string/concatenate.h"

#include "ops/kernel.h"
#include "ops/math/broadcast.h"

/* What the broadcast makes: the two texts of an element, which are joined behind it, for an inner
 * loop has no memory to take. */
struct pair {
    const struct span *left, *right;
};

static void pair_up(const void *a, const void *b, void *out, int64_t n, int a_step, int b_step)
{
    const struct span *left = a, *right = b;
    struct pair *pairs = out;
    for (int64_t i = 0; i < n; i++)
        pairs[i] = (struct pair){left + i * a_step, right + i * b_step};
}

enum code concatenate_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    struct broadcast *plan = ARENA_NEW(call->arena, struct broadcast);
    broadcast_init(plan, &call->in[0]->shape, &call->in[1]->shape);
    plan->in_size = sizeof(struct span);
    plan->out_size = sizeof(struct pair);
    plan->fn = pair_up;
    call->state = plan;
    call->scratch_size = (size_t)tensor_elements(call->out[0]) * sizeof(struct pair);
    return CODE_OK;
}

enum code concatenate_run(struct op_call *call, struct error *err)
{
    const struct pair *pairs = call->scratch;
    struct span *out = call->out[0]->data;
    broadcast_run(call->state, call->in[0]->data, call->in[1]->data, call->scratch);
    for (int64_t i = 0, n = tensor_elements(call->out[0]); i < n; i++) {
        struct span left = *pairs[i].left, right = *pairs[i].right;
        char *text = arena_try_alloc(call->arena, left.len + right.len + 1, 1);
        if (!text)
            return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a text of %zu bytes",
                             left.len + right.len);
        memcpy(text, left.ptr, left.len);
        memcpy(text + left.len, right.ptr, right.len);
        out[i] = span_make(text, left.len + right.len);
    }
    return CODE_OK;
}
