/* SPDX-License-Identifier: Apache-2.0 */
/* struct binding and struct frame, as engine/plan.h describes them; for the files of the executor
 * only. */
#ifndef ENGINE_BINDING_H
#define ENGINE_BINDING_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/plan.h"

enum {
    BINDINGS_MAX = 64, /* cached tuples of shapes of one plan; further ones are bound for their
                          request alone */
    LEARNED_MAX = 4,   /* bindings that expect shapes, see execute.c */
    CREDIT_START = 16, /* see execute.c */
    FRAMES_MAX = 16,   /* frames that a binding keeps for reuse, as far as the process may keep
                          memory; more run at once and are freed after */
};

/* A signature, compiled. */
struct plan {
    struct arena *arena; /* owned */
    int value_count;
    struct tensor *values; /* dtypes, and the constants whole */
    int feed_count;
    int *feeds; /* value numbers */
    int fetch_count;
    int *fetches;
    int step_count;
    struct plan_step *steps;
    int *updates; /* per feed: what it becomes in place, or -1; NULL: none does */
    bool has_conditional;
    bool has_loop;           /* in a step or in a function that a step runs */
    bool changes_state;      /* ditto */
    struct pack_cache *pack; /* owned */
    _Atomic(struct binding *) bindings[BINDINGS_MAX];
    atomic_int binding_count;
    pthread_mutex_t lock; /* of writers of bindings */
    const struct op_def *feed_defs;
};

enum place_kind {
    PLACE_NONE,    /* never made: nobody needs it */
    PLACE_CONST,   /* data is final */
    PLACE_FEED,    /* the request's tensor; index: of the feed */
    PLACE_BLOCK,   /* at `offset` of the frame's block */
    PLACE_ALIAS,   /* the data of value `index` */
    PLACE_DYNAMIC, /* made in the request's arena; the shape is one that is expected, or unknown */
};

struct place {
    enum place_kind kind;
    int index;
    size_t offset;
};

struct bound_step {
    const struct plan_step *step;
    bool dynamic;
    void *state;
    size_t scratch_size;
};

struct binding {
    struct arena arena;
    struct shape *feed_shapes;
    struct tensor *values; /* value_count; dtype and shape where known */
    struct place *places;
    struct bound_step *steps;
    int step_count;
    int dynamic_count;
    int arg_count;     /* inputs and outputs of all bound steps */
    size_t block_size; /* values, then the scratch that all steps share */
    size_t scratch_at;
    size_t naive_size;
    int *aliased_feeds; /* pairs: value, feed's value */
    int aliased_count;
    size_t kept_size;                               /* what memory_keep() knows of */
    _Atomic(struct binding *) learned[LEARNED_MAX]; /* owned; of one that expects nothing */
    atomic_int learned_count;
    atomic_int credit;
    _Atomic(struct frame *) frames[FRAMES_MAX];
};

/* Has what the step made the shapes that are expected of it? Dead outputs have none. */
static inline bool bound_step_expects(const struct binding *binding, const struct bound_step *bound,
                                      const struct tensor *values)
{
    for (int i = 0; i < bound->step->out_count; i++) {
        int out = bound->step->out[i];
        const struct shape *expected = &binding->values[out].shape;
        if (expected->rank != SHAPE_UNKNOWN_RANK && values[out].data &&
            !shape_equal(expected, &values[out].shape))
            return false;
    }
    return true;
}

struct frame {
    const struct plan *plan; /* borrowed */
    struct binding *binding; /* borrowed */
    struct tensor *values;   /* data resolved but for feeds and dynamic values */
    struct op_call *calls;   /* one per bound step */
    bool *dead;              /* per step of the plan; NULL without conditional steps */
    char *block;
    size_t size;         /* of the whole allocation */
    struct arena *payer; /* borrowed: the run's, charged with size while the frame is out */
};

/* Binds the plan to these shapes. `expected` (or NULL): the plan's values, of which the shapes are
 * expected where only a run can tell. When the shapes do not fit some step, its code and message,
 * and *binding has the steps before it: they would run, and may have errors of their own to tell
 * first.
 */
enum code binding_new(struct plan *plan, const struct tensor *inputs, struct run *run,
                      const struct tensor *expected, struct binding **binding, struct error *err);
void binding_free(struct binding *binding);
bool binding_matches(const struct plan *plan, const struct binding *binding,
                     const struct tensor *inputs);

/* Does it expect no other shapes than `values` has, of what the plan's first `done` steps make? */
bool binding_expects(const struct plan *plan, const struct binding *binding,
                     const struct tensor *values, int done);

/* Gives every PLACE_BLOCK value its offset, so that values that live at the same time do not meet.
 */
void binding_layout(const struct plan *plan, struct binding *binding);

/* The value whose memory `value` has. */
int binding_root(const struct binding *binding, int value);

/* A frame nobody else uses, charged to the run's arena; NULL without memory, or above the arena's
 * limit. frame_put gives it back. */
struct frame *frame_take(const struct plan *plan, struct binding *binding, struct arena *arena);
void frame_put(struct frame *frame);

/* Takes over what the plan's first `done` steps made in another frame; the feeds are set.
 * frame_put_changed gives such a frame back. */
void frame_adopt(const struct plan *plan, struct frame *frame, const struct frame *from, int done);
void frame_put_changed(struct frame *frame);

/* Runs its plan's steps from number *done on. The feeds are set. *done becomes the plan's count of
 * steps, or, when a step gave another shape than is expected, the number of the next one. */
enum code frame_run(struct frame *frame, struct run *run, int *done, struct error *err);

/* ---- packed weights ---- */

struct pack_cache *pack_cache_new(void);
void pack_cache_free(struct pack_cache *cache);
size_t pack_cache_bytes(const struct pack_cache *cache);

#endif
