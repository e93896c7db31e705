/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame is one allocation: the struct, its tensors, calls, argument pointers, flags, and the
 * block. All pointers into the block are set when it is made, so that a run only sets the feeds and
 * makes the calls one after the other.
 *
 * Conditional steps (behind a Switch) may be dead: a dead tensor has no data. Such a step runs if
 * none of its inputs and none of the steps that it waits for is dead; else its outputs are dead.
 * Switch and Merge (OP_CONTROL_FLOW) see dead inputs and decide themselves.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"
#include "engine/binding.h"
#include "engine/evaluate.h"
#include "monitoring/recording.h"

static void set_data(const struct plan *plan, struct frame *frame)
{
    const struct binding *binding = frame->binding;
    for (int i = 0; i < plan->value_count; i++) {
        int root = binding_root(binding, i);
        struct place place = binding->places[root];
        if (place.kind == PLACE_BLOCK)
            frame->values[i].data = frame->block + place.offset;
        else if (place.kind != PLACE_CONST)
            frame->values[i].data = NULL;
    }
}

static void set_calls(const struct plan *plan, struct frame *frame, const struct tensor **args)
{
    const struct binding *binding = frame->binding;
    for (int i = 0; i < binding->step_count; i++) {
        const struct bound_step *bound = &binding->steps[i];
        const struct plan_step *step = bound->step;
        const struct tensor **in = args;
        for (int k = 0; k < step->in_count; k++)
            *args++ = &frame->values[step->in[k]];
        struct tensor **out = (struct tensor **)args;
        for (int k = 0; k < step->out_count; k++)
            *args++ = &frame->values[step->out[k]];
        frame->calls[i] = (struct op_call){
            .node = step->node,
            .in = in,
            .out = out,
            .in_count = step->in_count,
            .out_count = step->out_count,
            .in_const = step->in_const,
            .state = bound->state,
            .scratch_size = bound->scratch_size,
            .scratch = frame->block + binding->scratch_at,
        };
    }
    (void)plan;
}

static struct frame *frame_new(const struct plan *plan, struct binding *binding)
{
    size_t values_at = tensor_align(sizeof(struct frame));
    size_t calls_at = tensor_align(values_at + (size_t)plan->value_count * sizeof(struct tensor));
    size_t args_at = tensor_align(calls_at + (size_t)binding->step_count * sizeof(struct op_call));
    size_t dead_at = tensor_align(args_at + (size_t)binding->arg_count * sizeof(void *));
    size_t block_at =
        tensor_align(dead_at + (plan->has_conditional ? (size_t)plan->step_count : 0));
    size_t size = tensor_align(block_at + binding->block_size);
    char *memory = memory_take(size, TENSOR_ALIGN);
    if (!memory)
        return NULL;
    struct frame *frame = (struct frame *)memory;
    *frame = (struct frame){
        .plan = plan,
        .binding = binding,
        .values = (struct tensor *)(memory + values_at),
        .calls = (struct op_call *)(memory + calls_at),
        .dead = plan->has_conditional ? (bool *)(memory + dead_at) : NULL,
        .block = memory + block_at,
        .size = size,
    };
    memcpy(frame->values, binding->values, (size_t)plan->value_count * sizeof(struct tensor));
    set_data(plan, frame);
    set_calls(plan, frame, (const struct tensor **)(memory + args_at));
    return frame;
}

static struct frame *find_frame(const struct plan *plan, struct binding *binding)
{
    for (int i = 0; i < FRAMES_MAX; i++) {
        if (!atomic_load_explicit(&binding->frames[i], memory_order_relaxed))
            continue;
        struct frame *frame =
            atomic_exchange_explicit(&binding->frames[i], NULL, memory_order_acquire);
        if (frame) {
            memory_unkeep(frame->size);
            return frame;
        }
    }
    return frame_new(plan, binding);
}

/* Keeps the frame for the next run, or frees it. */
static void frame_give(struct frame *frame)
{
    struct binding *binding = frame->binding;
    bool keep = memory_keep(frame->size);
    for (int i = 0; keep && i < FRAMES_MAX; i++) {
        struct frame *none = NULL;
        if (atomic_compare_exchange_strong_explicit(&binding->frames[i], &none, frame,
                                                    memory_order_release, memory_order_relaxed))
            return;
    }
    if (keep)
        memory_unkeep(frame->size);
    memory_give(frame, frame->size);
}

struct frame *frame_take(const struct plan *plan, struct binding *binding, struct arena *arena)
{
    struct frame *frame = find_frame(plan, binding);
    if (!frame)
        return NULL;
    frame->payer = arena;
    if (arena_charge(arena, frame->size))
        return frame;
    frame_give(frame);
    return NULL;
}

void frame_put(struct frame *frame)
{
    arena_discharge(frame->payer, frame->size);
    frame_give(frame);
}

static bool is_dead(const struct plan *plan, const struct frame *frame, const struct op_call *call,
                    const struct plan_step *step)
{
    for (int i = 0; i < step->control_count; i++) {
        if (frame->dead[step->controls[i]])
            return true;
    }
    bool any = false;
    for (int i = 0; i < call->in_count; i++)
        any |= !call->in[i]->data;
    (void)plan;
    return any && !(step->node->op->flags & OP_CONTROL_FLOW);
}

static enum code run_dynamic(const struct plan *plan, struct frame *frame, struct op_call *call,
                             const struct plan_step *step, struct error *err)
{
    if (step->conditional) {
        bool dead = is_dead(plan, frame, call, step);
        frame->dead[step - plan->steps] = dead;
        if (dead) {
            for (int i = 0; i < call->out_count; i++)
                call->out[i]->data = NULL;
            return CODE_OK;
        }
    }
    enum code code = op_evaluate(call, err);
    call->state = NULL;
    call->scratch_size = 0;
    return code;
}

static inline enum code run_step(const struct plan *plan, struct frame *frame, struct op_call *call,
                                 const struct bound_step *bound, struct error *err)
{
    const struct op *op = bound->step->node->op;
    enum code code =
        bound->dynamic ? run_dynamic(plan, frame, call, bound->step, err) : op->run(call, err);
    if (__builtin_expect(code != CODE_OK, 0))
        return op->flags & OP_CALLS ? code : node_error(bound->step->node, err);
    return CODE_OK;
}

/* The first bound step that is the plan's step `number` or a later one. */
static int find_step(const struct plan *plan, const struct binding *binding, int number)
{
    int i = 0;
    while (i < binding->step_count && binding->steps[i].step - plan->steps < number)
        i++;
    return i;
}

/* For a profile. */
static enum code run_recorded(const struct plan *plan, struct frame *frame, struct op_call *call,
                              const struct bound_step *bound, struct error *err)
{
    const struct node *node = bound->step->node;
    struct recording_event event = {
        .name = node->op->name,
        .subject = node->name,
        .begin = clock_ticks(),
        .level = RECORDING_OPS,
        .thread = thread_id(),
    };
    enum code code = run_step(plan, frame, call, bound, err);
    event.end = clock_ticks();
    recording_add(&event);
    return code;
}

typedef enum code step_fn(const struct plan *plan, struct frame *frame, struct op_call *call,
                          const struct bound_step *bound, struct error *err);

/* Inlined for each way to make a step, so that a run which nobody records does not pay for what one
 * might be. */
static inline __attribute__((always_inline)) enum code
run_all(struct frame *frame, struct run *run, int *done, step_fn *make_step, struct error *err)
{
    const struct binding *binding = frame->binding;
    const struct plan *plan = frame->plan;
    for (int i = *done ? find_step(plan, binding, *done) : 0; i < binding->step_count; i++) {
        const struct bound_step *bound = &binding->steps[i];
        struct op_call *call = &frame->calls[i];
        call->arena = run->arena;
        call->run = run;
        enum code code = make_step(plan, frame, call, bound, err);
        if (code)
            return code;
        if (run->cancelled && atomic_load_explicit(run->cancelled, memory_order_relaxed))
            return run_check(run, err);
        *done = (int)(bound->step - plan->steps) + 1;
        if (bound->dynamic && !bound_step_expects(binding, bound, frame->values))
            return CODE_OK;
    }
    *done = plan->step_count;
    return CODE_OK;
}

enum code frame_run(struct frame *frame, struct run *run, int *done, struct error *err)
{
    return recording_wants(RECORDING_OPS) ? run_all(frame, run, done, run_recorded, err)
                                          : run_all(frame, run, done, run_step, err);
}

/* ---- a run that changes frames ---- */

void frame_adopt(const struct plan *plan, struct frame *frame, const struct frame *from, int done)
{
    for (int i = 0; i < done; i++) {
        const struct plan_step *step = &plan->steps[i];
        for (int k = 0; k < step->out_count; k++)
            frame->values[step->out[k]] = from->values[step->out[k]];
    }
    for (int i = 0; i < plan->value_count; i++) {
        if (frame->binding->places[i].kind == PLACE_ALIAS)
            frame->values[i].data = frame->values[binding_root(frame->binding, i)].data;
    }
    if (frame->dead)
        memcpy(frame->dead, from->dead, (size_t)plan->step_count * sizeof *frame->dead);
}

void frame_put_changed(struct frame *frame)
{
    const struct plan *plan = frame->plan;
    memcpy(frame->values, frame->binding->values,
           (size_t)plan->value_count * sizeof(struct tensor));
    set_data(plan, frame);
    frame_put(frame);
}
