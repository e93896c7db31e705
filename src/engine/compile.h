/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct module: one loaded version's graph with its functions and state, of which plans are made.
 * Making a plan has two halves, since variables can be frozen only when it is known what all
 * signatures write, and their values only after restoring and initialising:
 *
 *   compile_begin() for every signature     extract, inline, check ops, references; marks what it
 * writes (restore and init run: plans with `freeze` off) compile_finish() for every signature
 * freeze, fold, fuse, order -> plan
 */
#ifndef ENGINE_COMPILE_H
#define ENGINE_COMPILE_H

#include "engine/passes/passes.h"
#include "engine/plan.h"
#include "engine/resource.h"

struct pb_graph_def;

struct module {
    struct arena *arena; /* borrowed; the version's */
    struct library library;
    struct graph graph;
    struct resource_store *resources; /* borrowed */
};

/* Imports the graph; `proto` must outlive the module. */
enum code module_init(struct module *module, struct arena *arena, struct resource_store *resources,
                      const struct pb_graph_def *proto, struct error *err);

struct compile_request {
    const struct span *feeds; /* "x:0" */
    int feed_count;
    const struct span *fetches; /* "y:0" */
    int fetch_count;
    const struct span *targets; /* "init" */
    int target_count;
    bool is_signature; /* what it writes is not frozen */
};

struct compilation; /* half a plan */

/* INVALID_ARGUMENT for a tensor that is not there (TensorFlow's text). Ops that we lack go to
 * `missing`, and then the compilation can not be finished. compile_abort frees it. Not thread-safe
 * on one module. */
enum code compile_begin(struct module *module, const struct compile_request *request,
                        struct missing_ops *missing, struct compilation **compilation,
                        struct error *err);

/* Frees the compilation, makes the plan. With `freeze`, variables that no signature writes are
 * constants. */
enum code compile_finish(struct compilation *compilation, bool freeze, struct plan **plan,
                         struct error *err);
void compile_abort(struct compilation *compilation);

#endif
