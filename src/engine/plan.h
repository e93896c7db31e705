/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct plan: a signature (or any choice of feeds and fetches) compiled: a flat list of steps over
 * numbered values. Immutable, used by any number of requests at once.
 *
 * struct binding: the plan for one tuple of input shapes, made when the shapes are first seen and
 * cached: all shapes, the place of each value in one block of memory, prepared kernels; what
 * depends on shapes alone is computed already. struct frame: one run's memory for a binding: the
 * block, the tensors with their pointers, the calls ready to be made. Frames are reused; a run of a
 * bound plan takes no malloc, no lock and looks no name up.
 */
#ifndef ENGINE_PLAN_H
#define ENGINE_PLAN_H

#include "engine/op.h"
#include "engine/passes/passes.h"
#include "engine/run.h"

struct plan;

struct plan_step {
    const struct node *node;
    const int *in; /* value numbers */
    const int *out;
    int in_count;
    int out_count;
    uint64_t in_const;   /* see struct op_call */
    bool conditional;    /* its inputs may be dead, or a step that it waits for */
    const int *controls; /* of a conditional step: the steps that it waits for */
    int control_count;
};

/* Makes a plan of a finished graph (all passes done). The plan owns `arena`, in which the graph
 * lives, and frees it; the feeds' declared dtypes are checked by plan_run. */
struct plan *plan_new(struct arena *arena, const struct work *work);
void plan_free(struct plan *plan);

int plan_feed_count(const struct plan *plan);
int plan_fetch_count(const struct plan *plan);
int plan_step_count(const struct plan *plan);
/* Whether it has a loop, so that how long a run takes is the request's affair. */
bool plan_has_loop(const struct plan *plan);
/* Whether a run writes to variables, tables and the like. */
bool plan_changes_state(const struct plan *plan);
const struct plan_step *plan_step(const struct plan *plan, int i);
enum dtype plan_feed_dtype(const struct plan *plan, int i);
/* The numbers that a step's `in` and `out` have for feed i, fetch i. */
int plan_feed_value(const struct plan *plan, int i);
int plan_fetch_value(const struct plan *plan, int i);

/* Of a loop's body, whose fetch i is feed i of the next turn: lets feeds that are only updated
 * (OP_UPDATES) be changed in place. plan_overwrites: does plan_run change feed i's data? It must
 * then be writable and in nobody else's use. */
void plan_claim_feeds(struct plan *plan);
bool plan_overwrites(const struct plan *plan, int i);

/* Runs the plan. `inputs`: one tensor per feed, in memory that outlives run->arena's next reset.
 * `outputs`: one per fetch, filled; their data lives until run->arena is reset (a deferred call
 * then gives the frame back). INVALID_ARGUMENT "Expects arg[0] to be float but string is provided"
 * for a wrong dtype; else the code of the step that failed, its message followed by "\n\t [[{{node
 * NAME}}]]". */
enum code plan_run(struct plan *plan, const struct tensor *inputs, struct run *run,
                   struct tensor *outputs, struct error *err);

/* Makes the binding for these shapes ahead of time. */
enum code plan_prebind(struct plan *plan, const struct tensor *inputs, struct run *run,
                       struct error *err);

/* Sizes for a user: of the last binding made. */
struct plan_info {
    int steps;           /* of the plan */
    int bound_steps;     /* that run for a request */
    int dynamic_steps;   /* of these: bound only when they run */
    size_t block_bytes;  /* memory of one run */
    size_t naive_bytes;  /* the same if no memory were reused */
    size_t packed_bytes; /* weights in the kernels' own layouts */
};
void plan_describe(struct plan *plan, struct plan_info *info);

#endif
