/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The passes that make a plan's graph from the main graph, in the order in which compile.c runs
 * them. Each works on the plan's own graph (struct work) and leaves it valid: edges point to nodes
 * of the graph or to folded constants.
 */
#ifndef ENGINE_PASSES_PASSES_H
#define ENGINE_PASSES_PASSES_H

#include "engine/library.h"
#include "engine/run.h"

/* Ops that we lack, found on the way; reported all at once. */
struct missing_ops {
    struct arena *arena;
    struct map ops; /* op name -> struct missing_op */
};

struct missing_op {
    struct span first_node; /* of the first node that needs it */
    struct span detail;     /* empty, or why: "for T=complex64" */
    size_t nodes;
};

void missing_ops_init(struct missing_ops *missing, struct arena *arena);
void missing_ops_add(struct missing_ops *missing, const struct node *node, struct span detail);
/* UNIMPLEMENTED with all of them by name, count and first node; OK when there are none. */
enum code missing_ops_report(const struct missing_ops *missing, struct error *err);

/* What one plan with all its regions (engine/region.h) has used up of its limits. */
struct work_budget {
    int nodes; /* of inlined functions */
    int regions;
};

/* A graph on its way to a plan. */
struct work {
    struct graph graph;
    struct library *library;
    struct missing_ops *missing;
    struct work_budget *budget; /* shared by all that becomes one plan */
    struct node **feeds;        /* "_Feed" nodes, one output each, in the order asked for */
    int feed_count;
    struct edge *fetches;
    int fetch_count;
    struct node **targets; /* run for their effect */
    int target_count;
    int target_room;
    struct run *run; /* for folding: arena and resources of the loaded version */
};

/* Ops of our own: a feed's value; a point that waits and is waited for; a constant that may be
 * dead. */
extern const struct op feed_op;
extern const struct op barrier_op;
extern const struct op gate_op;

/* Appends a node of one of our own ops. */
struct node *work_add(struct work *work, const struct op *op, struct span name);

/* Appends a node of an op of the table, without inputs, outputs and attributes. */
struct node *work_add_op(struct work *work, const char *op_name, struct span name);

/* Sets or replaces an attribute; the name is borrowed. A dtype; the dtypes of the outputs. */
void work_set_attr(struct work *work, struct node *node, const char *name,
                   const struct pb_attr_value *value);
void work_set_type(struct work *work, struct node *node, const char *name, enum dtype type);
void work_set_types(struct work *work, struct node *node, const char *name);

/* The node has one output, of that dtype. */
void work_set_output(struct work *work, struct node *node, enum dtype type);

void work_add_target(struct work *work, struct node *node);

/* Lets fetches, targets and all edges skip replaced nodes. */
void work_resolve(struct work *work);

/* Where a tensor comes from, through ops that only hand it on. */
struct edge edge_origin(struct edge edge);

/* What a plan is asked to do, in terms of the main graph. */
struct work_request {
    const struct graph *graph;
    const struct edge *feeds;
    int feed_count;
    const struct edge *fetches;
    int fetch_count;
    struct node *const *targets;
    int target_count;
};

/* Copies what the fetches and targets need from the main graph, stopping at the feeds. Const nodes
 * get their value. INVALID_ARGUMENT for a tensor that is fed twice or a Const that can not be read.
 */
enum code pass_extract(struct work *work, const struct work_request *request, struct error *err);

/* Gives the Const nodes from id `first` on their value. */
enum code pass_load_consts(struct work *work, int first, struct error *err);

/* Puts the bodies of called functions in the place of the calls. INVALID_ARGUMENT for recursion or
 * an unknown function. */
enum code pass_inline(struct work *work, struct error *err);

/* Puts a _Loop node with two regions (engine/region.h) in the place of each outermost loop of
 * TensorFlow 1. INVALID_ARGUMENT for loops that do not hang together. */
enum code pass_loops(struct work *work, struct error *err);

/* Drops nodes that nothing reaches from fetches and targets. */
void pass_prune(struct work *work);

/* Adds ops that we lack to work->missing, kernels without the dtype too. False when there are any.
 */
bool pass_check_ops(struct work *work);

/* Inputs and type attributes of every node against its op's definition. INVALID_ARGUMENT. */
enum code pass_check_types(struct work *work, struct error *err);

/* Turns reference variables (VariableV2, Assign, ...) into resource variables with explicit reads.
 */
enum code pass_references(struct work *work, struct error *err);

/* Computes the handles of resources: they become constants. Before the two passes below. */
enum code pass_handles(struct work *work, struct error *err);

/* Marks variables that an op of this graph writes (variable->written), so that no plan freezes
 * them. Only for signatures. */
void pass_mark_written(struct work *work);

/* Makes reads of variables that no op writes constants. */
void pass_freeze(struct work *work);

/* Computes what depends on constants only; resolves Switch and Merge with a constant predicate;
 * marks what may be dead. Needs topological order (pass_order) and leaves it. A step that fails is
 * left to fail when it runs. */
enum code pass_fold(struct work *work, struct error *err);

/* Computes a node whose inputs are all constants, if its outputs are not out of proportion: it then
 * has values. */
void work_fold(struct work *work, struct node *node);

/* x + c + d becomes x + (c + d), and so for products, as TensorFlow's optimiser has it. Leaves an
 * order to be made. */
void pass_reassociate(struct work *work);

/* A While's body multiplies each element of a list with the same weights: the node's graph does so
 * once, with all elements at a time. Before the node's regions become plans; leaves an order to be
 * made here and there. */
void pass_hoist(struct work *work, struct node *node);

/* Puts one op in the place of several: matrix product or convolution with bias, batch norm and
 * activation. */
void pass_fuse(struct work *work);

/* Drops nodes that nothing reaches from fetches and targets; orders the rest so that inputs and
 * controls come first (stable). INVALID_ARGUMENT for a cycle. */
enum code pass_order(struct work *work, struct error *err);

#endif
