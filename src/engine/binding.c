/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binding walks the steps once with the request's shapes. A step whose inputs are all constants, or
 * that looks at shapes only, is computed here and never again; one whose output shapes follow is
 * prepared; the rest is left to run time ("dynamic"), and so is everything behind it. Errors of
 * shape rules surface here, with the step's name, as they would in a run.
 */
#include "engine/binding.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "engine/evaluate.h"

struct binder {
    struct plan *plan;
    struct binding *binding;
    struct run run;                /* of the request, with the binding's arena */
    const struct tensor *expected; /* may be NULL */
    const struct tensor **in;      /* room for the widest step */
    struct tensor **out;
};

enum code node_error(const struct node *node, struct error *err)
{
    if (node->function.len)
        return error_append(err, "\n\t [[{{function_node %.*s}}{{node %.*s}}]]",
                            SPAN_ARG(node->function), SPAN_ARG(node->name));
    return error_append(err, "\n\t [[{{node %.*s}}]]", SPAN_ARG(node->name));
}

int binding_root(const struct binding *binding, int value)
{
    while (binding->places[value].kind == PLACE_ALIAS)
        value = binding->places[value].index;
    return value;
}

static struct op_call make_call(struct binder *b, const struct plan_step *step)
{
    struct binding *binding = b->binding;
    for (int i = 0; i < step->in_count; i++)
        b->in[i] = &binding->values[step->in[i]];
    for (int i = 0; i < step->out_count; i++)
        b->out[i] = &binding->values[step->out[i]];
    return (struct op_call){
        .node = step->node,
        .in = b->in,
        .out = b->out,
        .in_count = step->in_count,
        .out_count = step->out_count,
        .in_const = step->in_const,
        .arena = &binding->arena,
        .pack = b->plan->pack,
        .run = &b->run,
    };
}

enum inputs {
    INPUTS_CONST,
    INPUTS_STATIC,
    INPUTS_DYNAMIC,
};

static enum inputs judge_inputs(const struct binder *b, const struct plan_step *step)
{
    enum inputs worst = INPUTS_CONST;
    for (int i = 0; i < step->in_count; i++) {
        enum place_kind kind = b->binding->places[step->in[i]].kind;
        bool unknown = b->binding->values[step->in[i]].shape.rank == SHAPE_UNKNOWN_RANK;
        if (kind == PLACE_DYNAMIC && unknown)
            return INPUTS_DYNAMIC;
        if (kind != PLACE_CONST)
            worst = INPUTS_STATIC;
    }
    return worst;
}

static void set_places(struct binder *b, const struct plan_step *step, enum place_kind kind)
{
    for (int i = 0; i < step->out_count; i++)
        b->binding->places[step->out[i]] = (struct place){.kind = kind};
}

static struct bound_step *add_step(struct binder *b, const struct plan_step *step)
{
    struct bound_step *bound = &b->binding->steps[b->binding->step_count++];
    *bound = (struct bound_step){.step = step};
    b->binding->arg_count += step->in_count + step->out_count;
    return bound;
}

static void bind_dynamic(struct binder *b, const struct plan_step *step)
{
    add_step(b, step)->dynamic = true;
    b->binding->dynamic_count++;
    set_places(b, step, PLACE_DYNAMIC);
    for (int i = 0; i < step->out_count; i++) {
        struct tensor *out = &b->binding->values[step->out[i]];
        const struct tensor *expected = b->expected ? &b->expected[step->out[i]] : NULL;
        out->dtype = step->node->output_types[i];
        out->shape = expected && expected->data ? expected->shape : shape_unknown();
        out->data = NULL;
    }
}

static enum code bind_const(struct binder *b, const struct plan_step *step, struct error *err)
{
    struct op_call call = make_call(b, step);
    enum code code = op_evaluate(&call, err);
    if (!code)
        set_places(b, step, PLACE_CONST);
    return code;
}

static void bind_alias(struct binder *b, const struct plan_step *step)
{
    struct place source = b->binding->places[step->in[0]];
    if (source.kind == PLACE_CONST) {
        b->binding->values[step->out[0]].data = b->binding->values[step->in[0]].data;
        b->binding->places[step->out[0]] = source;
    } else {
        b->binding->places[step->out[0]] =
            (struct place){.kind = PLACE_ALIAS, .index = step->in[0]};
    }
}

static bool outputs_known(const struct op_call *call)
{
    for (int i = 0; i < call->out_count; i++) {
        if (call->out[i]->shape.rank == SHAPE_UNKNOWN_RANK)
            return false;
    }
    return true;
}

static bool updates_in_place(const struct binder *b, const struct plan_step *step)
{
    if (!(step->node->op->flags & OP_UPDATES))
        return false;
    struct place place = b->binding->places[step->in[0]];
    return place.kind == PLACE_FEED && plan_overwrites(b->plan, place.index) &&
           b->plan->updates[place.index] == step->out[0];
}

static enum code bind_static(struct binder *b, const struct plan_step *step, struct error *err)
{
    const struct op *op = step->node->op;
    struct op_call call = make_call(b, step);
    enum code code = op_infer(&call, err);
    if (code)
        return code;
    if (!outputs_known(&call)) {
        bind_dynamic(b, step);
        return CODE_OK;
    }
    if ((op->flags & OP_ALIAS) && b->binding->places[step->in[0]].kind == PLACE_DYNAMIC) {
        bind_dynamic(b, step); /* its data is not known before it runs */
        return CODE_OK;
    }
    if (op->flags & OP_ALIAS) {
        bind_alias(b, step);
        return CODE_OK;
    }
    if (op->prepare)
        code = op->prepare(&call, err);
    if (code)
        return code;
    set_places(b, step, PLACE_BLOCK);
    if (updates_in_place(b, step))
        b->binding->places[step->out[0]] =
            (struct place){.kind = PLACE_ALIAS, .index = step->in[0]};
    struct bound_step *bound = add_step(b, step);
    bound->state = call.state;
    bound->scratch_size = call.scratch_size;
    return CODE_OK;
}

static enum code bind_step(struct binder *b, const struct plan_step *step, struct error *err)
{
    unsigned flags = step->node->op->flags;
    enum inputs inputs = judge_inputs(b, step);
    bool pure = !(flags & (OP_STATEFUL | OP_CONTROL_FLOW)) && !step->conditional;
    enum code code = CODE_OK;
    if (pure && (inputs == INPUTS_CONST || (inputs == INPUTS_STATIC && (flags & OP_FROM_SHAPES))))
        code = bind_const(b, step, err);
    else if (inputs == INPUTS_DYNAMIC || step->conditional ||
             (flags & (OP_DYNAMIC | OP_CONTROL_FLOW)))
        bind_dynamic(b, step);
    else
        code = bind_static(b, step, err);
    return code ? node_error(step->node, err) : CODE_OK;
}

/* The request's tensors stand for the feeds, without their values. */
static void bind_feeds(struct binder *b, const struct tensor *inputs)
{
    const struct plan *plan = b->plan;
    b->binding->feed_shapes =
        ARENA_ARRAY(&b->binding->arena, struct shape, (size_t)plan->feed_count);
    for (int i = 0; i < plan->feed_count; i++) {
        int value = plan->feeds[i];
        b->binding->feed_shapes[i] = inputs[i].shape;
        b->binding->values[value] =
            (struct tensor){.dtype = inputs[i].dtype, .shape = inputs[i].shape};
        b->binding->places[value] = (struct place){.kind = PLACE_FEED, .index = i};
    }
}

static struct binding *binding_init(const struct plan *plan)
{
    struct binding *binding = calloc(1, sizeof *binding);
    CHECK(binding);
    arena_init(&binding->arena, ARENA_FIRST_BLOCK);
    size_t count = (size_t)plan->value_count;
    atomic_store(&binding->credit, CREDIT_START);
    binding->values = ARENA_ARRAY(&binding->arena, struct tensor, count);
    binding->places = ARENA_ARRAY(&binding->arena, struct place, count);
    binding->steps = ARENA_ARRAY(&binding->arena, struct bound_step, (size_t)plan->step_count);
    memcpy(binding->values, plan->values, count * sizeof *binding->values);
    for (size_t i = 0; i < count; i++) {
        if (binding->values[i].data)
            binding->places[i].kind = PLACE_CONST;
    }
    return binding;
}

/* Values that are another name for a feed get its pointer in every run. */
static void list_aliased_feeds(const struct plan *plan, struct binding *binding)
{
    binding->aliased_feeds = ARENA_ARRAY(&binding->arena, int, (size_t)plan->value_count * 2);
    for (int i = 0; i < plan->value_count; i++) {
        if (binding->places[i].kind != PLACE_ALIAS)
            continue;
        int root = binding_root(binding, i);
        if (binding->places[root].kind != PLACE_FEED)
            continue;
        binding->aliased_feeds[binding->aliased_count * 2] = i;
        binding->aliased_feeds[binding->aliased_count * 2 + 1] = root;
        binding->aliased_count++;
    }
}

static int widest_step(const struct plan *plan)
{
    int widest = 1;
    for (int i = 0; i < plan->step_count; i++) {
        const struct plan_step *step = &plan->steps[i];
        widest = step->in_count > widest ? step->in_count : widest;
        widest = step->out_count > widest ? step->out_count : widest;
    }
    return widest;
}

enum code binding_new(struct plan *plan, const struct tensor *inputs, struct run *run,
                      const struct tensor *expected, struct binding **result, struct error *err)
{
    struct binding *binding = binding_init(plan);
    struct binder b = {.plan = plan, .binding = binding, .run = *run, .expected = expected};
    b.run.arena = &binding->arena;
    arena_set_limit(&binding->arena, run->arena->limit);
    size_t widest = (size_t)widest_step(plan);
    b.in = ARENA_ARRAY(&binding->arena, const struct tensor *, widest);
    b.out = ARENA_ARRAY(&binding->arena, struct tensor *, widest);
    bind_feeds(&b, inputs);
    enum code code = CODE_OK;
    for (int i = 0; !code && i < plan->step_count; i++)
        code = bind_step(&b, &plan->steps[i], err);
    binding_layout(plan, binding);
    list_aliased_feeds(plan, binding);
    *result = binding;
    return code;
}

void binding_free(struct binding *binding)
{
    if (!binding)
        return;
    for (int i = 0; i < LEARNED_MAX; i++)
        binding_free(atomic_load(&binding->learned[i]));
    for (int i = 0; i < FRAMES_MAX; i++) {
        struct frame *frame = atomic_load(&binding->frames[i]);
        if (frame) {
            memory_unkeep(frame->size);
            memory_give(frame, frame->size);
        }
    }
    memory_unkeep(binding->kept_size);
    arena_release(&binding->arena);
    free(binding);
}

bool binding_expects(const struct plan *plan, const struct binding *binding,
                     const struct tensor *values, int done)
{
    for (int i = 0; i < binding->step_count; i++) {
        const struct bound_step *bound = &binding->steps[i];
        if (bound->step - plan->steps >= done)
            break;
        if (bound->dynamic && !bound_step_expects(binding, bound, values))
            return false;
    }
    return true;
}

bool binding_matches(const struct plan *plan, const struct binding *binding,
                     const struct tensor *inputs)
{
    for (int i = 0; i < plan->feed_count; i++) {
        if (!shape_equal(&binding->feed_shapes[i], &inputs[i].shape))
            return false;
    }
    return true;
}
