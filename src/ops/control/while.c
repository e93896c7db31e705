/* SPDX-License-Identifier: Apache-2.0 */
/*
 * While, and _Loop, which the engine makes of a loop of TensorFlow 1. The body runs in two arenas
 * in turn: what turn k makes (its frame too, which its arena gives back) stays until turn k+1 has
 * consumed it, and turn k+2 clears it. So memory does not grow with the turns, and the variables
 * move from turn to turn without a copy. Three kinds are not made by the turn that yields them:
 *   - handed on: the data lies in an input of the turn. If that one lives outside the loop, so does
 *     this one, and nothing is done; if the turn before made it, it is copied before that memory is
 *     cleared.
 *   - strings and lists: the spans or pointers are new, but what they point to may be the turn
 *     before's; strings are copied as well, lists get one more reference.
 *   - changed in place: a variable that the body does nothing to but update some elements
 *     (plan_overwrites) has memory of its own for the whole loop, so that a turn costs what it
 *     changes. What else the turn gives that lies there is copied.
 * The condition runs in an arena of its own, cleared every time. The arenas join the request's: the
 * last turn's values are the outputs.
 */
#include "engine/run.h"
#include "ops/control/region_call.h"

struct loop {
    const struct op_call *call;
    struct arena turns[2];
    struct arena condition;
    struct run run; /* the request's, with the arena of the turn */
    const struct region *regions;
    int count;             /* of variables */
    struct tensor *values; /* at the beginning of the turn */
    struct tensor *next;   /* at its end */
    bool *outside;         /* per variable: its memory outlives the loop */
    bool *next_outside;
    void **own; /* per variable: where it is changed in place; else NULL */
};

static void loop_release(void *ptr)
{
    struct loop *loop = ptr;
    arena_release(&loop->turns[0]);
    arena_release(&loop->turns[1]);
    arena_release(&loop->condition);
}

static struct loop *loop_new(const struct op_call *call)
{
    size_t count = (size_t)call->in_count;
    struct loop *loop = ARENA_NEW(call->arena, struct loop);
    struct arena *const arenas[] = {&loop->turns[0], &loop->turns[1], &loop->condition};
    for (size_t i = 0; i < sizeof arenas / sizeof *arenas; i++) {
        arena_init(arenas[i], ARENA_FIRST_BLOCK);
        arena_set_payer(arenas[i], run_request_arena(call->run));
    }
    arena_defer(call->arena, loop_release, loop);
    loop->call = call;
    loop->run = *call->run;
    loop->run.request = run_request_arena(call->run);
    loop->regions = call->node->regions;
    loop->count = call->in_count;
    loop->values = region_inputs(call, 0);
    loop->next = ARENA_ARRAY(call->arena, struct tensor, count);
    loop->outside = ARENA_ARRAY(call->arena, bool, count);
    loop->next_outside = ARENA_ARRAY(call->arena, bool, count);
    loop->own = ARENA_ARRAY(call->arena, void *, count);
    for (size_t i = 0; i < count; i++)
        loop->outside[i] = true;
    return loop;
}

static enum code ask(struct loop *loop, bool *goes_on, struct error *err)
{
    struct tensor answer;
    arena_reset(&loop->condition);
    loop->run.arena = &loop->condition;
    enum code code = plan_run(loop->regions[0].plan, loop->values, &loop->run, &answer, err);
    return code ? code : region_condition(loop->call, &answer, goes_on, err);
}

/* The variable in whose memory the data lies; -1: none. */
static int find_holder(const struct loop *loop, const struct tensor *tensor)
{
    uintptr_t at = (uintptr_t)tensor->data;
    for (int i = 0; i < loop->count; i++) {
        uintptr_t from = (uintptr_t)loop->values[i].data;
        if (at == from || (at > from && at - from < tensor_bytes(&loop->values[i])))
            return i;
    }
    return -1;
}

static bool points_elsewhere(enum dtype dtype)
{
    return dtype == DTYPE_STRING || dtype == DTYPE_VARIANT;
}

/* Brings variable i, if the body changes it in place, to its own memory. */
static enum code own(struct loop *loop, int i, struct error *err)
{
    struct tensor *value = &loop->values[i];
    if (!plan_overwrites(loop->regions[1].plan, i) || value->data == loop->own[i])
        return CODE_OK;
    struct tensor copy = *value;
    enum code code = CODE_OK;
    if (loop->own[i]) { /* of the same size: an update keeps the shape */
        memcpy(loop->own[i], value->data, tensor_bytes(value));
        copy.data = loop->own[i];
        copy.buffer = NULL;
    } else {
        code = tensor_copy(value, loop->call->arena, &copy, err);
    }
    if (code)
        return code;
    *value = copy;
    loop->own[i] = copy.data;
    loop->outside[i] = true;
    return CODE_OK;
}

/* Makes variable i, as the turn gave it, outlive the clearing of the turn before. */
static enum code keep(struct loop *loop, int i, struct error *err)
{
    struct tensor given = loop->next[i];
    int holder = find_holder(loop, &given);
    bool stays = holder >= 0 && (holder == i || !loop->own[holder]);
    loop->next_outside[i] = stays && loop->outside[holder];
    if (loop->next_outside[i] || (holder < 0 && !points_elsewhere(given.dtype)))
        return CODE_OK;
    return tensor_copy(&given, loop->run.arena, &loop->next[i], err);
}

static enum code take_turn(struct loop *loop, struct arena *arena, struct error *err)
{
    arena_reset(arena);
    loop->run.arena = arena;
    enum code code = CODE_OK;
    for (int i = 0; !code && i < loop->count; i++)
        code = own(loop, i, err);
    if (code)
        return code;
    code = plan_run(loop->regions[1].plan, loop->values, &loop->run, loop->next, err);
    for (int i = 0; !code && i < loop->count; i++)
        code = keep(loop, i, err);
    struct tensor *values = loop->values;
    loop->values = loop->next;
    loop->next = values;
    bool *outside = loop->outside;
    loop->outside = loop->next_outside;
    loop->next_outside = outside;
    return code;
}

/* input... -> output...: the variables after the last turn. */
static enum code while_run(struct op_call *call, struct error *err)
{
    struct loop *loop = loop_new(call);
    for (unsigned turn = 0;; turn++) {
        bool goes_on;
        enum code code = run_check(&loop->run, err);
        if (!code)
            code = ask(loop, &goes_on, err);
        if (!code && goes_on)
            code = take_turn(loop, &loop->turns[turn % 2], err);
        if (code)
            return code;
        if (!goes_on)
            break;
    }
    for (int i = 0; i < call->out_count; i++)
        *call->out[i] = loop->values[i];
    return CODE_OK;
}

const struct op op_While = {
    .name = "While",
    .inputs = "input:T",
    .outputs = "output:T",
    .attrs = "T:list(type) cond:func body:func output_shapes:list(shape)=[] "
             "parallel_iterations:int=10",
    .flags = OP_STATEFUL | OP_DYNAMIC | OP_HANDS_ON | OP_CALLS | OP_LOOPS,
    .run = while_run,
};

const struct op op_StatelessWhile = {
    .name = "StatelessWhile",
    .inputs = "input:T",
    .outputs = "output:T",
    .attrs = "T:list(type) cond:func body:func output_shapes:list(shape)=[] "
             "parallel_iterations:int=10",
    .flags = OP_STATEFUL | OP_DYNAMIC | OP_HANDS_ON | OP_CALLS | OP_LOOPS,
    .run = while_run,
};

const struct op op__Loop = {
    .name = "_Loop",
    .inputs = "input:T",
    .outputs = "output:T",
    .attrs = "T:list(type)",
    .flags = OP_STATEFUL | OP_DYNAMIC | OP_HANDS_ON | OP_CALLS | OP_LOOPS,
    .run = while_run,
};
