/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct graph: the engine's form of a GraphDef, on which the passes work. Nodes and edges live in
 * one arena; names and attribute values are borrowed from the decoded protobuf message. Reference
 * types are stripped from the dtypes; a node remembers which outputs were references.
 */
#ifndef ENGINE_NODE_H
#define ENGINE_NODE_H

#include "base/arena.h"
#include "base/map.h"
#include "savedmodel/attr_case.h"
#include "tensor/tensor.h"

struct op;
struct op_def;
struct region;
struct pb_attr_value;

struct node_attr {
    struct span name;
    const struct pb_attr_value *value;
};

struct edge {
    struct node *node;
    int output;
};

struct node {
    struct span name;
    struct span function; /* the library function whose body it comes from; empty: the main graph */
    struct span op_name;
    const struct op *op; /* NULL: an op that we lack, or a call of a library function by its name */
    const struct op_def *def; /* parsed definition; NULL with op */
    struct node_attr *attrs;
    size_t attr_count;
    struct edge *inputs;
    int input_count;
    struct node **controls; /* run before this node */
    int control_count;
    int output_count;
    enum dtype *output_types;
    const struct tensor *values; /* of all outputs, of a constant (Const, or folded); else NULL */
    int id;                      /* position in graph->nodes; -1: not in it any more */
    int mark;                    /* for the pass at work */
    int call_depth;              /* calls around it */
    struct region *regions;      /* functions that it runs, of an OP_CALLS op (engine/region.h) */
    int region_count;
    struct edge *forward;         /* replaced: where consumers of output i go now; NULL: in place */
    struct node *forward_control; /* replaced: what waits for it waits for this one */
    bool conditional;             /* may be dead: behind a Switch */
    bool effect;                  /* it, or something it waits for, changes state (passes/fold.c) */
};

struct graph {
    struct arena *arena; /* borrowed */
    struct node **nodes;
    int count;
    int room;
    struct map names; /* name -> node; of the main graph's nodes */
};

void graph_init(struct graph *graph, struct arena *arena);

/* Appends an empty node; its name is not entered in the map. */
struct node *graph_add(struct graph *graph);

/* The main graph's node of that name, or NULL. */
struct node *graph_find(const struct graph *graph, struct span name);

/* The edge after all replacements. */
struct edge edge_resolve(struct edge edge);

/* Lets all edges of the graph (not of fetches and targets) skip replaced nodes. */
void graph_resolve(struct graph *graph);

void node_add_control(struct graph *graph, struct node *node, struct node *before);

/* The attribute as the node has it, or NULL (defaults are the definition's affair: op_attr_*). */
const struct pb_attr_value *node_attr(const struct node *node, const char *name);

/* Splits "name:3", "name" (output 0) or "^name" (output -1). False for an output that is no number.
 */
bool node_parse_tensor_name(struct span text, struct span *name, int *output);

#endif
