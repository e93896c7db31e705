/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct region: a library function that a control flow op (OP_CALLS: While, If, Case) runs while
 * it runs, any number of times or never. It is not inlined: it becomes a plan of its own, compiled
 * with all passes, which the calling node and thereby its plan own. compile.c walks through the
 * regions of regions; here is what one of them is made of.
 *
 * The functions are those that the op's attributes of kind func name, in the definition's order;
 * their arguments are the tensors of the op's last input argument. A loop (OP_LOOPS) has two, of
 * which the first gives the condition; all others give the node's outputs. The function of an
 * OP_COMBINES op takes two scalars for each output instead, and gives one.
 */
#ifndef ENGINE_REGION_H
#define ENGINE_REGION_H

#include "engine/passes/passes.h"
#include "engine/plan.h"

struct compilation;
struct loop;

struct region {
    const struct pb_name_attr_list *function; /* borrowed; NULL: the region is half of `loop` */
    const struct loop *loop;                  /* borrowed; of a _Loop (passes/loops.c) */
    struct work *work;                        /* while it is compiled; in the compilation */
    struct compilation *compilation;          /* owned; NULL once the plan is made */
    struct plan *plan;                        /* owned; NULL before */
};

/* Makes node->regions, each with its function only; a _Loop has them. INVALID_ARGUMENT for an
 * attribute that names no function. RESOURCE_EXHAUSTED when one plan would have too many. */
enum code regions_find(struct work *work, struct node *node, struct error *err);

/* Fills the empty region->work with a call of the function upon feeds, to be inlined.
 * INVALID_ARGUMENT for a function that the library does not have. */
enum code region_fill(const struct node *node, int i, struct error *err);

/* Arguments that are constants at the call (and that no turn of a loop changes) become constants in
 * the regions. To be called whenever more is known: for the handles of variables, and after
 * folding. */
void regions_substitute(const struct node *node);

/* Fills an empty work, which has its feeds, with the loop's condition or body. INVALID_ARGUMENT for
 * a loop that does not hang together. */
enum code loop_fill(const struct loop *loop, bool is_body, struct work *work, struct error *err);

/* The dtypes of region i's results against the node's outputs. INVALID_ARGUMENT. */
enum code region_check_results(const struct node *node, int i, struct error *err);

/* The first of the node's inputs that is an argument of its regions. */
int regions_first_input(const struct node *node);

#endif
