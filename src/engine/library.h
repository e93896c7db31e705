/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct library: what the nodes of one model refer to: its functions by name and the definitions
 * of the ops it uses. Built once when a version is loaded; read-only afterwards.
 */
#ifndef ENGINE_LIBRARY_H
#define ENGINE_LIBRARY_H

#include "engine/node.h"
#include "engine/op_def.h"

struct function {
    const struct pb_function_def *proto; /* borrowed */
    struct op_def *def;                  /* its signature as a definition */
};

struct library {
    struct arena *arena;  /* borrowed */
    struct map functions; /* name -> struct function */
    struct map defs;      /* op name -> struct op_def */
};

/* INVALID_ARGUMENT for a function without a name or with a malformed signature. `functions` may be
 * NULL. */
enum code library_init(struct library *library, struct arena *arena,
                       const struct pb_function_def_library *functions, struct error *err);

/* Adds or replaces; the function has a signature with a name. INVALID_ARGUMENT when that is
 * malformed. */
enum code library_add_function(struct library *library, const struct pb_function_def *proto,
                               struct error *err);

/* The function of that name, or NULL. */
const struct function *library_function(const struct library *library, struct span name);

/* The parsed definition of an op, or NULL when we lack the op. Not thread-safe: it fills the cache.
 */
struct op_def *library_def(struct library *library, struct span op_name);

/* Fills a node from its proto: names, op, attributes (those of `with` replace placeholders; may be
 * NULL), outputs with their dtypes; inputs are left to the caller. INVALID_ARGUMENT for attributes
 * that do not fit the definition. */
enum code library_fill_node(struct library *library, struct graph *graph,
                            const struct pb_node_def *proto, const struct node *with,
                            struct node *node, struct error *err);

/* Reads the main graph. All edges are resolved; what is unknown to us stays in the graph with op
 * NULL. INVALID_ARGUMENT names the node for an unknown or doubled name, a bad output number, an
 * edge to an output that is not there; FAILED_PRECONDITION for a Const without a value. Linear in
 * the graph. */
enum code graph_import(struct library *library, const struct pb_graph_def *proto,
                       struct graph *graph, struct error *err);

#endif
