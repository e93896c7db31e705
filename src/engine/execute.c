/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a plan: the binding for the request's shapes, a frame, the steps.
 *
 * Some shapes only a run can tell (behind a list's element, a variable, Where), and a binding made
 * from the feeds' shapes leaves all steps behind them to run time. But mostly they are what they
 * were last time. So after a run the shapes that came up are learned: a second binding is made
 * which expects them, with everything behind prepared. When a step then gives another shape, the
 * run goes on in a binding that knows better, another learned one or the first, with the values
 * that it has so far. A binding whose expectations fail too often stops expecting.
 */
#include "base/check.h"
#include "base/memory.h"
#include "engine/binding.h"
#include "engine/denormals.h"
#include "wire/messages.h"

enum {
    CREDIT_MAX = 64,
    MISS_COST = 4, /* a run begun anew costs more than a hit saves */
};

/* ---- bindings ---- */

static struct binding *find_binding(struct plan *plan, const struct tensor *inputs)
{
    int count = atomic_load_explicit(&plan->binding_count, memory_order_acquire);
    for (int i = 0; i < count; i++) {
        struct binding *binding = atomic_load_explicit(&plan->bindings[i], memory_order_relaxed);
        if (binding_matches(plan, binding, inputs))
            return binding;
    }
    return NULL;
}

/* Constants that follow from the shapes may be large. */
static bool may_stay(struct binding *binding)
{
    size_t size = arena_reserved(&binding->arena);
    if (!memory_keep(size))
        return false;
    binding->kept_size = size;
    return true;
}

/* Keeps it, unless another thread was first (then that one is used) or the room is full (then it
 * lives with the request). */
static struct binding *publish(struct plan *plan, struct binding *binding,
                               const struct tensor *inputs, struct arena *request)
{
    pthread_mutex_lock(&plan->lock);
    struct binding *other = find_binding(plan, inputs);
    int count = atomic_load_explicit(&plan->binding_count, memory_order_relaxed);
    if (!other && count < BINDINGS_MAX && may_stay(binding)) {
        atomic_store_explicit(&plan->bindings[count], binding, memory_order_relaxed);
        atomic_store_explicit(&plan->binding_count, count + 1, memory_order_release);
    } else if (!other) {
        arena_defer(request, (arena_defer_fn *)binding_free, binding);
    }
    pthread_mutex_unlock(&plan->lock);
    if (!other)
        return binding;
    binding_free(binding);
    return other;
}

/* An error comes with the binding of the steps that stand before it, which is the request's own. */
static enum code get_binding(struct plan *plan, const struct tensor *inputs, struct run *run,
                             struct binding **binding, struct error *err)
{
    *binding = find_binding(plan, inputs);
    if (*binding)
        return CODE_OK;
    enum code code = binding_new(plan, inputs, run, NULL, binding, err);
    if (code)
        arena_defer(run->arena, (arena_defer_fn *)binding_free, *binding);
    else
        *binding = publish(plan, *binding, inputs, run->arena);
    return code;
}

static enum code check_dtypes(const struct plan *plan, const struct tensor *inputs,
                              struct error *err)
{
    for (int i = 0; i < plan->feed_count; i++) {
        enum dtype expected = plan->values[plan->feeds[i]].dtype;
        if (inputs[i].dtype != expected)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Expects arg[%d] to be %s but %s is provided", i, dtype_name(expected),
                             dtype_name(inputs[i].dtype));
    }
    return CODE_OK;
}

/* Kernels read elements by their type: data that is not aligned for it is copied. */
static enum code set_feed(struct tensor *value, const struct tensor *input, struct arena *arena,
                          struct error *err)
{
    size_t size = dtype_size(input->dtype);
    size_t needed = size < sizeof(double) ? size : sizeof(double);
    value->data = input->data;
    value->buffer = input->buffer;
    if ((uintptr_t)input->data % needed == 0)
        return CODE_OK;
    value->buffer = NULL;
    enum code code = tensor_alloc(value, input->dtype, &input->shape, arena, err);
    if (!code)
        memcpy(value->data, input->data, tensor_bytes(input));
    return code;
}

static enum code set_feeds(const struct plan *plan, struct frame *frame,
                           const struct tensor *inputs, struct run *run, struct error *err)
{
    for (int i = 0; i < plan->feed_count; i++) {
        enum code code = set_feed(&frame->values[plan->feeds[i]], &inputs[i], run->arena, err);
        if (code)
            return code;
    }
    const int *pairs = frame->binding->aliased_feeds;
    for (int i = 0; i < frame->binding->aliased_count; i++)
        frame->values[pairs[2 * i]].data = frame->values[pairs[2 * i + 1]].data;
    return CODE_OK;
}

static enum code get_outputs(const struct plan *plan, const struct frame *frame,
                             struct tensor *outputs, struct error *err)
{
    for (int i = 0; i < plan->fetch_count; i++) {
        outputs[i] = frame->values[plan->fetches[i]];
        if (!outputs[i].data)
            return error_set(err, CODE_INVALID_ARGUMENT, "Retval[%d] does not have value", i);
    }
    return CODE_OK;
}

/* ---- what is learned ---- */

/* Whether expecting pays: counted without order, for it is a matter of averages. */
static bool expects(const struct binding *binding)
{
    return atomic_load_explicit(&binding->credit, memory_order_relaxed) > 0;
}

static void count_hit(struct binding *binding)
{
    int credit = atomic_load_explicit(&binding->credit, memory_order_relaxed);
    if (credit < CREDIT_MAX)
        atomic_store_explicit(&binding->credit, credit + 1, memory_order_relaxed);
}

static void count_miss(struct binding *binding)
{
    int credit = atomic_load_explicit(&binding->credit, memory_order_relaxed);
    atomic_store_explicit(&binding->credit, credit - MISS_COST, memory_order_relaxed);
}

/* After a run that ended in the first binding: one more that expects the shapes of this run. Who
 * comes while another thread does this goes on without. */
static void learn(struct plan *plan, struct binding *binding, const struct frame *frame,
                  const struct tensor *inputs, struct run *run)
{
    struct binding *learned = NULL;
    int count = atomic_load_explicit(&binding->learned_count, memory_order_acquire);
    bool stays = binding->kept_size > 0; /* else it goes with the request */
    if (!binding->dynamic_count || !stays || count == LEARNED_MAX || !expects(binding) ||
        pthread_mutex_trylock(&plan->lock))
        return;
    count = atomic_load_explicit(&binding->learned_count, memory_order_relaxed);
    bool wanted = count < LEARNED_MAX;
    if (wanted && !binding_new(plan, inputs, run, frame->values, &learned, NULL) &&
        may_stay(learned)) {
        atomic_store_explicit(&binding->learned[count], learned, memory_order_relaxed);
        atomic_store_explicit(&binding->learned_count, count + 1, memory_order_release);
    } else if (wanted) {
        binding_free(learned);
        atomic_store_explicit(&binding->credit, 0, memory_order_relaxed);
    }
    pthread_mutex_unlock(&plan->lock);
}

/* The binding to go on with when the first `done` steps gave the shapes that are in `frame`. */
static struct binding *know_better(const struct plan *plan, struct binding *first,
                                   const struct frame *frame, int done)
{
    int count = atomic_load_explicit(&first->learned_count, memory_order_acquire);
    for (int i = 0; i < count; i++) {
        struct binding *learned = atomic_load_explicit(&first->learned[i], memory_order_relaxed);
        if (learned != frame->binding && binding_expects(plan, learned, frame->values, done))
            return learned;
    }
    return first;
}

/* ---- one run ---- */

struct execution {
    struct plan *plan;
    struct run *run;
    const struct tensor *inputs;
    struct binding *first; /* the one that expects nothing */
    struct frame *frame;
};

/* Names the largest of the values that the block has room for. */
static enum code no_room(const struct binding *binding, struct error *err)
{
    const struct tensor *largest = NULL;
    const struct node *maker = NULL;
    for (int i = 0; i < binding->step_count; i++) {
        const struct plan_step *step = binding->steps[i].step;
        for (int k = 0; k < step->out_count; k++) {
            const struct tensor *value = &binding->values[step->out[k]];
            bool in_block = binding->places[step->out[k]].kind == PLACE_BLOCK;
            if (!in_block || (largest && tensor_bytes(value) <= tensor_bytes(largest)))
                continue;
            largest = value;
            maker = step->node;
        }
    }
    if (!largest)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM when allocating %zu bytes for a run",
                         binding->block_size);
    char text[SHAPE_TEXT_SIZE];
    error_set(err, CODE_RESOURCE_EXHAUSTED,
              "OOM when allocating tensor with shape%s and type %s, one of those of a run, which "
              "take %zu bytes",
              shape_text(&largest->shape, text), dtype_name(largest->dtype), binding->block_size);
    return node_error(maker, err);
}

static enum code take_frame(struct execution *x, struct binding *binding, struct error *err)
{
    x->frame = frame_take(x->plan, binding, x->run->arena);
    if (!x->frame)
        return no_room(binding, err);
    return set_feeds(x->plan, x->frame, x->inputs, x->run, err);
}

/* Goes on behind the first `done` steps of the plan in another binding. Both frames stay: values
 * lie in either. */
static enum code change_frame(struct execution *x, struct binding *binding, int done,
                              struct error *err)
{
    struct frame *before = x->frame;
    enum code code = take_frame(x, binding, err);
    if (!x->frame)
        return code;
    arena_defer(x->run->arena, (arena_defer_fn *)frame_put_changed, x->frame);
    if (!code)
        frame_adopt(x->plan, x->frame, before, done);
    return code;
}

static enum code run_steps(struct execution *x, struct error *err)
{
    int done = 0;
    enum code code = frame_run(x->frame, x->run, &done, err);
    while (!code && done < x->plan->step_count) {
        struct binding *better = know_better(x->plan, x->first, x->frame, done);
        count_miss(x->first);
        code = change_frame(x, better, done, err);
        if (!code)
            code = frame_run(x->frame, x->run, &done, err);
    }
    return code;
}

static enum code run_binding(struct execution *x, struct binding *binding, struct error *err)
{
    enum code code = take_frame(x, binding, err);
    if (!x->frame)
        return code;
    arena_defer(x->run->arena, (arena_defer_fn *)frame_put, x->frame);
    if (code)
        return code;
    unsigned mode = denormals_off();
    code = run_steps(x, err);
    denormals_restore(mode);
    return code;
}

static struct binding *choose(struct binding *first)
{
    bool learned = atomic_load_explicit(&first->learned_count, memory_order_acquire) > 0;
    return learned && expects(first)
               ? atomic_load_explicit(&first->learned[0], memory_order_relaxed)
               : first;
}

enum code plan_run(struct plan *plan, const struct tensor *inputs, struct run *run,
                   struct tensor *outputs, struct error *err)
{
    struct execution x = {.plan = plan, .run = run, .inputs = inputs};
    enum code code = check_dtypes(plan, inputs, err);
    if (code)
        return code;
    enum code unfit = get_binding(plan, inputs, run, &x.first, err);
    if (unfit) {
        struct error earlier;
        code = run_binding(&x, x.first, &earlier);
        return code ? error_set(err, code, "%s", earlier.message) : unfit;
    }
    struct binding *chosen = choose(x.first);
    code = run_binding(&x, chosen, err);
    if (code)
        return code;
    if (x.frame->binding == x.first)
        learn(plan, x.first, x.frame, inputs, run);
    else if (x.frame->binding == chosen)
        count_hit(x.first);
    return get_outputs(plan, x.frame, outputs, err);
}

enum code plan_prebind(struct plan *plan, const struct tensor *inputs, struct run *run,
                       struct error *err)
{
    struct binding *binding;
    return get_binding(plan, inputs, run, &binding, err);
}
