/* SPDX-License-Identifier: Apache-2.0 */
/* The function's plan runs in an arena of its own, cleared before each turn: what it gives is
 * copied at once. */
#include "ops/xla/reducer.h"

#include <stdlib.h>

#include "engine/region.h"
#include "engine/run.h"
#include "ops/kernel.h"
#include "ops/math/broadcast.h"

enum {
    BLOCK = 4096
}; /* elements of one turn: what a function computes of them stays in the cache */

enum reducer_way {
    WAY_SCALARS, /* any function, element by element */
    WAY_VECTORS, /* elementwise operations only */
    WAY_LOOP,    /* one operation on accumulator and value */
    WAY_REPLACE, /* the value is the result */
};

struct reducer {
    const struct op_call *call;
    struct plan *plan;
    enum reducer_way way;
    broadcast_inner_fn *loop;
    bool swapped; /* WAY_LOOP: the value is the operation's first argument */
    struct arena arena;
    struct run run; /* the request's, with this arena */
    int count;
    struct tensor *arguments; /* 2 * count */
    struct tensor *results;
};

/* ---- what the function is ---- */

/* Operations whose result at some place depends on the arguments there alone. Sorted. */
static const char *const elementwise[] = {
    "Abs",       "Add",        "AddV2",       "Atan2",       "BitwiseAnd",
    "BitwiseOr", "BitwiseXor", "Cast",        "Ceil",        "Cos",
    "Div",       "DivNoNan",   "Equal",       "Exp",         "Expm1",
    "Floor",     "FloorDiv",   "FloorMod",    "Greater",     "GreaterEqual",
    "Identity",  "Inv",        "Invert",      "IsFinite",    "IsInf",
    "IsNan",     "LeftShift",  "Less",        "LessEqual",   "Log",
    "Log1p",     "LogicalAnd", "LogicalNot",  "LogicalOr",   "Maximum",
    "Minimum",   "Mul",        "Neg",         "NotEqual",    "Pow",
    "RealDiv",   "Reciprocal", "Relu",        "RightShift",  "Rint",
    "Round",     "Rsqrt",      "Select",      "SelectV2",    "Sigmoid",
    "Sign",      "Sin",        "Sqrt",        "Square",      "SquaredDifference",
    "Sub",       "Tanh",       "TruncateDiv", "TruncateMod", "ZerosLike",
};

static int compare_name(const void *name, const void *entry)
{
    return strcmp(name, *(const char *const *)entry);
}

static bool is_elementwise(const struct plan *plan)
{
    for (int i = 0; i < plan_step_count(plan); i++) {
        if (!bsearch(plan_step(plan, i)->node->op->name, elementwise,
                     sizeof elementwise / sizeof *elementwise, sizeof *elementwise, compare_name))
            return false;
    }
    return true;
}

/* The value that `value` is another name for, through steps that only hand on. */
static int value_origin(const struct plan *plan, int value)
{
    for (int i = plan_step_count(plan) - 1; i >= 0; i--) {
        const struct plan_step *step = plan_step(plan, i);
        const struct op *op = step->node->op;
        if (step->out_count == 1 && step->out[0] == value && (op->flags & OP_ALIAS) && !op->shape)
            value = step->in[0];
    }
    return value;
}

/* The step that makes the value; NULL: it is a feed or a constant. */
static const struct plan_step *value_step(const struct plan *plan, int value)
{
    for (int i = 0; i < plan_step_count(plan); i++) {
        const struct plan_step *step = plan_step(plan, i);
        if (step->out_count == 1 && step->out[0] == value)
            return step;
    }
    return NULL;
}

/* The operation's own loop, as it would be chosen for vectors. */
static broadcast_inner_fn *find_loop(const struct op_call *call, const struct plan_step *step)
{
    const struct tensor vector = {.dtype = call->out[0]->dtype,
                                  .shape = {.rank = 1, .dims = {BLOCK}}};
    const struct tensor *in[] = {&vector, &vector};
    struct tensor result = vector, *out[] = {&result};
    struct op_call inner = {
        .node = step->node,
        .in = in,
        .out = out,
        .in_count = 2,
        .out_count = 1,
        .arena = call->arena,
    };
    struct error ignored;
    if (step->node->op->prepare(&inner, &ignored) || inner.scratch_size)
        return NULL;
    return ((const struct broadcast *)inner.state)->fn;
}

static bool is_loop(struct reducer *r)
{
    int accumulator = plan_feed_value(r->plan, 0), value = plan_feed_value(r->plan, 1);
    const struct plan_step *step =
        value_step(r->plan, value_origin(r->plan, plan_fetch_value(r->plan, 0)));
    if (!step || step->node->op->run != broadcast_op_run || step->in_count != 2 ||
        step->node->output_types[0] != r->call->out[0]->dtype)
        return false;
    int first = value_origin(r->plan, step->in[0]), second = value_origin(r->plan, step->in[1]);
    r->swapped = first == value;
    if (r->swapped ? second != accumulator : first != accumulator || second != value)
        return false;
    r->loop = find_loop(r->call, step);
    return r->loop;
}

static enum reducer_way find_way(struct reducer *r)
{
    if (r->count == 1 &&
        value_origin(r->plan, plan_fetch_value(r->plan, 0)) == plan_feed_value(r->plan, 1))
        return WAY_REPLACE;
    if (r->count == 1 && is_loop(r))
        return WAY_LOOP;
    return is_elementwise(r->plan) ? WAY_VECTORS : WAY_SCALARS;
}

static void reducer_release(void *ptr)
{
    struct reducer *reducer = ptr;
    arena_release(&reducer->arena);
}

struct reducer *reducer_new(const struct op_call *call)
{
    struct reducer *r = ARENA_NEW(call->arena, struct reducer);
    arena_init(&r->arena, ARENA_FIRST_BLOCK);
    arena_defer(call->arena, reducer_release, r);
    r->call = call;
    r->plan = call->node->regions[0].plan;
    r->run = *call->run;
    r->run.arena = &r->arena;
    r->count = call->out_count;
    r->way = find_way(r);
    r->arguments = ARENA_ARRAY(call->arena, struct tensor, 2 * (size_t)r->count);
    r->results = ARENA_ARRAY(call->arena, struct tensor, (size_t)r->count);
    for (int i = 0; i < 2 * r->count; i++)
        r->arguments[i].dtype = call->out[i % r->count]->dtype;
    return r;
}

/* ---- running it ---- */

static size_t element_size(const struct reducer *r, int i)
{
    return dtype_size(r->call->out[i]->dtype);
}

/* What one turn gave becomes accumulators: n elements, or one that stands for all. */
static enum code take_results(struct reducer *r, void *const *accumulators, int64_t at, int64_t n,
                              struct error *err)
{
    for (int i = 0; i < r->count; i++) {
        int64_t given = tensor_elements(&r->results[i]);
        if (r->results[i].dtype != r->arguments[i].dtype || (given != n && given != 1))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "result %d of the function of %s is no scalar", i,
                             r->call->node->op->name);
    }
    for (int i = 0; i < r->count; i++) {
        size_t size = element_size(r, i);
        char *to = (char *)accumulators[i] + (size_t)at * size;
        const char *from = r->results[i].data;
        if (tensor_elements(&r->results[i]) == n)
            memcpy(to, from, (size_t)n * size);
        else
            kernel_fill(to, from, size, n);
    }
    return CODE_OK;
}

static enum code run_function(struct reducer *r, void *const *accumulators,
                              const void *const *values, int64_t at, int64_t n, struct error *err)
{
    bool scalars = r->way == WAY_SCALARS;
    arena_reset(&r->arena);
    for (int i = 0; i < 2 * r->count; i++) {
        const char *from = i < r->count ? accumulators[i] : values[i - r->count];
        r->arguments[i].data =
            (void *)(uintptr_t)(from + (size_t)at * element_size(r, i % r->count));
        r->arguments[i].shape = scalars ? shape_scalar() : (struct shape){.rank = 1, .dims = {n}};
    }
    enum code code = run_check(&r->run, err);
    if (!code)
        code = plan_run(r->plan, r->arguments, &r->run, r->results, err);
    return code ? code : take_results(r, accumulators, at, n, err);
}

/* Powers of two, so that the plan sees few different shapes. */
static int64_t turn_length(const struct reducer *r, int64_t rest)
{
    int64_t n = r->way == WAY_SCALARS ? 1 : BLOCK;
    while (n > rest)
        n /= 2;
    return n;
}

static enum code run_loop(struct reducer *r, void *accumulator, const void *value, int64_t n)
{
    const void *first = r->swapped ? value : accumulator;
    const void *second = r->swapped ? accumulator : value;
    r->loop(first, second, accumulator, n, 1, 1);
    return CODE_OK;
}

enum code reducer_apply(struct reducer *r, void *const *accumulators, const void *const *values,
                        int64_t n, struct error *err)
{
    if (r->way == WAY_LOOP)
        return run_loop(r, accumulators[0], values[0], n);
    if (r->way == WAY_REPLACE) {
        memcpy(accumulators[0], values[0], (size_t)n * element_size(r, 0));
        return CODE_OK;
    }
    enum code code = CODE_OK;
    for (int64_t at = 0, step; !code && at < n; at += step) {
        step = turn_length(r, n - at);
        code = run_function(r, accumulators, values, at, step, err);
    }
    return code;
}
