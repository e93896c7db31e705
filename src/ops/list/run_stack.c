/* SPDX-License-Identifier: Apache-2.0 */
/*
 * StackV2: last in, first out, within one run. TensorFlow 1 keeps with it what the gradient of a
 * loop needs. What is pushed is copied into the request's arena, for a turn's memory does not last.
 */
#include "engine/run.h"
#include "ops/handle.h"
#include "ops/kernel.h"

struct entry {
    struct tensor value;
    struct entry *below;
};

struct stack {
    struct resource resource; /* first; in no store */
    struct arena *arena;
    enum dtype dtype;
    int64_t size;
    int64_t size_max; /* -1: no limit */
    struct entry *top;
};

static void nothing_to_free(struct resource *resource)
{
    (void)resource;
}

static const struct resource_ops stack_ops = {.kind = "stack", .free = nothing_to_free};

static enum code stack_of(const struct op_call *call, struct stack **stack, struct error *err)
{
    *stack = (struct stack *)handle_resource(call->in[0], &stack_ops);
    if (*stack)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT, "Input handle is not that of a Stack");
}

/* max_size [] -> handle. */
static enum code make_run(struct op_call *call, struct error *err)
{
    struct shape scalar = shape_scalar();
    char text[SHAPE_TEXT_SIZE];
    if (call->in[0]->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Stack size must be a scalar, but had shape: %s",
                         shape_text(&call->in[0]->shape, text));
    enum code code = op_call_alloc(call, 0, &scalar, err);
    if (code)
        return code;
    struct arena *arena = run_request_arena(call->run);
    struct stack *stack = ARENA_NEW(arena, struct stack);
    struct span name = op_attr_string(call, "stack_name");
    stack->resource.ops = &stack_ops;
    stack->resource.name = name.len ? name : call->node->name;
    stack->arena = arena;
    stack->dtype = op_attr_type(call, "elem_type");
    int32_t most = *TENSOR_AT(call->in[0], int32_t);
    stack->size_max = most < 0 ? -1 : most;
    *TENSOR_AT(call->out[0], struct resource *) = &stack->resource;
    return CODE_OK;
}

static enum code check_push(const struct stack *stack, enum dtype dtype, struct error *err)
{
    if (stack->dtype != dtype)
        return error_set(err, CODE_INVALID_ARGUMENT, "Must have type %s but got %s",
                         dtype_name(stack->dtype), dtype_name(dtype));
    if (stack->size_max >= 0 && stack->size >= stack->size_max)
        return error_set(err, CODE_INVALID_ARGUMENT, "Stack[%.*s_0] overflowed its max_size (%lld)",
                         SPAN_ARG(stack->resource.name), (long long)stack->size_max);
    return CODE_OK;
}

/* handle, elem -> output: elem. */
static enum code push_run(struct op_call *call, struct error *err)
{
    struct stack *stack;
    enum code code = stack_of(call, &stack, err);
    if (!code)
        code = check_push(stack, call->in[1]->dtype, err);
    if (code)
        return code;
    struct entry *entry = ARENA_NEW(stack->arena, struct entry);
    code = tensor_copy(call->in[1], stack->arena, &entry->value, err);
    if (code)
        return code;
    entry->below = stack->top;
    stack->top = entry;
    stack->size++;
    *call->out[0] = *call->in[1];
    return CODE_OK;
}

/* handle -> elem: the one pushed last, which is gone then. */
static enum code pop_run(struct op_call *call, struct error *err)
{
    struct stack *stack;
    enum code code = stack_of(call, &stack, err);
    if (code)
        return code;
    struct entry *entry = stack->top;
    if (!entry)
        return error_set(err, CODE_INVALID_ARGUMENT, "Stack[%.*s_0] is empty when calling Pop().",
                         SPAN_ARG(stack->resource.name));
    if (stack->dtype != call->out[0]->dtype)
        return error_set(err, CODE_INVALID_ARGUMENT, "Must have type %s but got %s",
                         dtype_name(stack->dtype), dtype_name(call->out[0]->dtype));
    stack->top = entry->below;
    stack->size--;
    *call->out[0] = entry->value;
    return CODE_OK;
}

/* handle -> nothing: what is on it is not needed any more. */
static enum code close_run(struct op_call *call, struct error *err)
{
    struct stack *stack;
    enum code code = stack_of(call, &stack, err);
    if (!code) {
        stack->top = NULL;
        stack->size = 0;
    }
    return code;
}

const struct op op_StackV2 = {
    .name = "StackV2",
    .inputs = "max_size:int32",
    .outputs = "handle:resource",
    .attrs = "elem_type:type stack_name:string=''",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = make_run,
};

const struct op op_StackPushV2 = {
    .name = "StackPushV2",
    .inputs = "handle:resource elem:T",
    .outputs = "output:T",
    .attrs = "T:type swap_memory:bool=false",
    .flags = OP_STATEFUL | OP_DYNAMIC | OP_CHANGES_RUN | OP_HANDS_ON,
    .run = push_run,
};

const struct op op_StackPopV2 = {
    .name = "StackPopV2",
    .inputs = "handle:resource",
    .outputs = "elem:elem_type",
    .attrs = "elem_type:type",
    .flags = OP_STATEFUL | OP_DYNAMIC | OP_CHANGES_RUN,
    .run = pop_run,
};

const struct op op_StackCloseV2 = {
    .name = "StackCloseV2",
    .inputs = "handle:resource",
    .outputs = "",
    .attrs = "",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = close_run,
};
