/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/nn/promoted.h"

#include "ops/array/cast.h"
#include "ops/kernel.h"

enum { OPERANDS = 2 };

struct promoted {
    struct cast casts[OPERANDS];
    bool needed[OPERANDS];
    size_t at; /* of scratch: the operands, behind what the product and the casts need */
    op_fn *run;
    void *state; /* of the product */
};

/* The call that the product sees: its inputs, without data where they are to be cast. */
struct inner {
    struct op_call call;
    struct tensor tensors[OPERANDS];
    const struct tensor *ins[OPERANDS];
};

static void inner_init(struct inner *inner, const struct promoted *p, const struct op_call *call)
{
    inner->call = *call;
    inner->call.in = inner->ins;
    for (int i = 0; i < OPERANDS; i++) {
        inner->ins[i] = &inner->tensors[i];
        inner->tensors[i] = *call->in[i];
        if (!p->needed[i])
            continue;
        inner->tensors[i].dtype = call->out[0]->dtype;
        inner->tensors[i].data = NULL;
        inner->call.in_const &= ~(UINT64_C(1) << i);
    }
}

static size_t operand_size(const struct op_call *call, int i)
{
    return tensor_align((size_t)tensor_elements(call->in[i]) * dtype_size(call->out[0]->dtype));
}

/* A product of floats is not computed in integers, nor one in a type that has no products. */
static bool is_sound(enum dtype operand, enum dtype result)
{
    uint64_t exact = OP_TYPES_INTEGER, wider = OP_TYPES_FLOAT | OP_TYPES_COMPLEX;
    return operand == result || (exact >> operand & (exact | wider) >> result & 1) ||
           (OP_TYPES_FLOAT >> operand & wider >> result & 1);
}

enum code promoted_prepare(struct op_call *call, op_fn *prepare, op_fn *run, struct error *err)
{
    struct promoted *p = ARENA_NEW(call->arena, struct promoted);
    struct inner inner;
    p->run = run;
    for (int i = 0; i < OPERANDS; i++) {
        p->needed[i] = call->in[i]->dtype != call->out[0]->dtype;
        if (!is_sound(call->in[i]->dtype, call->out[0]->dtype) ||
            !cast_plan(&p->casts[i], call->in[i]->dtype, call->out[0]->dtype))
            return error_set(err, CODE_UNIMPLEMENTED, "a product of %s and %s to %s",
                             dtype_name(call->in[0]->dtype), dtype_name(call->in[1]->dtype),
                             dtype_name(call->out[0]->dtype));
    }
    inner_init(&inner, p, call);
    enum code code = prepare(&inner.call, err);
    p->state = inner.call.state;
    p->at = tensor_align(inner.call.scratch_size);
    size_t operands = 0;
    for (int i = 0; i < OPERANDS; i++) {
        size_t casting = cast_scratch(&p->casts[i], tensor_elements(call->in[i]));
        p->at = casting > p->at ? casting : p->at;
        operands += p->needed[i] ? operand_size(call, i) : 0;
    }
    call->scratch_size = p->at + operands;
    call->state = p;
    return code;
}

enum code promoted_run(struct op_call *call, struct error *err)
{
    const struct promoted *p = call->state;
    struct inner inner;
    inner_init(&inner, p, call);
    char *to = (char *)call->scratch + p->at;
    for (int i = 0; i < OPERANDS; i++) {
        if (!p->needed[i])
            continue;
        cast_run(&p->casts[i], call->in[i]->data, to, tensor_elements(call->in[i]), call->scratch);
        inner.tensors[i].data = to;
        to += operand_size(call, i);
    }
    inner.call.state = p->state;
    return p->run(&inner.call, err);
}
