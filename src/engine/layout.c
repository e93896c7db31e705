/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of a binding: each value that a step computes gets a place in one block from the step that
 * makes it to the last that reads it. Free places are kept in a list sorted by offset, neighbours
 * joined; the smallest that fits is taken. An elementwise op whose input dies with it writes over
 * that input. The scratch of all steps shares one region behind the values: steps run one by one.
 */
#include "base/check.h"
#include "engine/binding.h"

enum { LIVES_ON = INT32_MAX };

struct hole {
    size_t offset;
    size_t size;
};

struct layout {
    const struct plan *plan;
    struct binding *binding;
    int *last_use;      /* per value: step after which its memory is free */
    bool *taken_over;   /* per value: another value goes on in its memory */
    struct hole *holes; /* sorted by offset */
    int hole_count;
    size_t end;
};

static size_t value_size(const struct layout *l, int value)
{
    return tensor_align(tensor_bytes(&l->binding->values[value]));
}

static void use(struct layout *l, int value, int step)
{
    int root = binding_root(l->binding, value);
    if (l->last_use[root] < step)
        l->last_use[root] = step;
}

/* What a dynamic step may hand on as its own output must stay to the end. */
static bool may_forward(const struct bound_step *bound)
{
    return bound->dynamic &&
           (bound->step->node->op->flags & (OP_ALIAS | OP_CONTROL_FLOW | OP_HANDS_ON));
}

static void find_last_uses(struct layout *l)
{
    for (int i = 0; i < l->binding->step_count; i++) {
        const struct bound_step *bound = &l->binding->steps[i];
        for (int k = 0; k < bound->step->in_count; k++)
            use(l, bound->step->in[k], may_forward(bound) ? LIVES_ON : i);
        for (int k = 0; k < bound->step->out_count; k++)
            use(l, bound->step->out[k], i);
    }
    for (int i = 0; i < l->plan->fetch_count; i++)
        use(l, l->plan->fetches[i], LIVES_ON);
}

static void remove_hole(struct layout *l, int i)
{
    l->hole_count--;
    memmove(&l->holes[i], &l->holes[i + 1], (size_t)(l->hole_count - i) * sizeof *l->holes);
}

static size_t take(struct layout *l, size_t size)
{
    int best = -1;
    for (int i = 0; i < l->hole_count; i++) {
        if (l->holes[i].size >= size && (best < 0 || l->holes[i].size < l->holes[best].size))
            best = i;
    }
    if (best < 0) {
        size_t offset = l->end;
        l->end += size;
        return offset;
    }
    size_t offset = l->holes[best].offset;
    l->holes[best].offset += size;
    l->holes[best].size -= size;
    if (!l->holes[best].size)
        remove_hole(l, best);
    return offset;
}

static void give(struct layout *l, size_t offset, size_t size)
{
    if (!size)
        return;
    int i = 0;
    while (i < l->hole_count && l->holes[i].offset < offset)
        i++;
    bool joins_left = i > 0 && l->holes[i - 1].offset + l->holes[i - 1].size == offset;
    bool joins_right = i < l->hole_count && offset + size == l->holes[i].offset;
    if (joins_left) {
        l->holes[i - 1].size += size + (joins_right ? l->holes[i].size : 0);
        if (joins_right)
            remove_hole(l, i);
    } else if (joins_right) {
        l->holes[i].offset = offset;
        l->holes[i].size += size;
    } else {
        memmove(&l->holes[i + 1], &l->holes[i], (size_t)(l->hole_count - i) * sizeof *l->holes);
        l->holes[i] = (struct hole){offset, size};
        l->hole_count++;
    }
}

/* How many of the first inputs output 0 may be written over. */
static int replaceable_inputs(const struct layout *l, const struct bound_step *bound)
{
    const struct plan_step *step = bound->step;
    if (bound->dynamic)
        return 0;
    if (step->node->op->flags & OP_IN_PLACE)
        return step->in_count;
    bool updates = step->node->op->flags & OP_UPDATES;
    for (int k = 1; updates && k < step->in_count; k++)
        updates = binding_root(l->binding, step->in[k]) != binding_root(l->binding, step->in[0]);
    return updates;
}

/* An input that dies here, of output 0's size, whose memory output 0 may go on in; -1: none. */
static int dying_input(const struct layout *l, const struct bound_step *bound, int i)
{
    const struct plan_step *step = bound->step;
    const struct tensor *out = &l->binding->values[step->out[0]];
    int count = replaceable_inputs(l, bound);
    for (int k = 0; k < count; k++) {
        int root = binding_root(l->binding, step->in[k]);
        const struct tensor *in = &l->binding->values[step->in[k]];
        if (l->binding->places[root].kind == PLACE_BLOCK && l->last_use[root] == i &&
            in->dtype == out->dtype && tensor_bytes(in) == tensor_bytes(out) &&
            !l->taken_over[root])
            return root;
    }
    return -1;
}

static void place_outputs(struct layout *l, const struct bound_step *bound, int i)
{
    for (int k = 0; k < bound->step->out_count; k++) {
        int value = bound->step->out[k];
        if (l->binding->places[value].kind != PLACE_BLOCK)
            continue;
        int dying = k == 0 ? dying_input(l, bound, i) : -1;
        if (dying >= 0) {
            l->taken_over[dying] = true;
            l->binding->places[value].offset = l->binding->places[dying].offset;
        } else {
            l->binding->places[value].offset = take(l, value_size(l, value));
        }
        l->binding->naive_size += value_size(l, value);
    }
}

static void release(struct layout *l, int value, int i)
{
    int root = binding_root(l->binding, value);
    if (l->binding->places[root].kind != PLACE_BLOCK || l->last_use[root] != i ||
        l->taken_over[root])
        return;
    l->taken_over[root] = true; /* once only, though two inputs may be the same */
    give(l, l->binding->places[root].offset, value_size(l, root));
}

void binding_layout(const struct plan *plan, struct binding *binding)
{
    struct arena *arena = &binding->arena;
    size_t values = (size_t)plan->value_count;
    struct layout l = {.plan = plan, .binding = binding};
    l.last_use = ARENA_ARRAY(arena, int, values);
    l.taken_over = ARENA_ARRAY(arena, bool, values);
    l.holes = ARENA_ARRAY(arena, struct hole, values + 1);
    for (size_t i = 0; i < values; i++)
        l.last_use[i] = -1;
    find_last_uses(&l);
    size_t scratch = 0;
    for (int i = 0; i < binding->step_count; i++) {
        const struct bound_step *bound = &binding->steps[i];
        place_outputs(&l, bound, i);
        for (int k = 0; k < bound->step->in_count; k++)
            release(&l, bound->step->in[k], i);
        for (int k = 0; k < bound->step->out_count; k++)
            release(&l, bound->step->out[k], i);
        scratch = bound->scratch_size > scratch ? bound->scratch_size : scratch;
    }
    binding->scratch_at = l.end;
    binding->block_size = l.end + scratch;
}
