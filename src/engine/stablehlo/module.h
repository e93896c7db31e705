/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XlaCallModule's module becomes functions of the library: "main" and whatever it calls, with
 * bodies of our own ops, so that inlining, folding, freezing and fusing apply to them as to any
 * other. An operation that has no counterpart becomes a node of an op that nobody has,
 * "stablehlo.NAME", which passes/missing.c reports with all others.
 */
#ifndef ENGINE_STABLEHLO_MODULE_H
#define ENGINE_STABLEHLO_MODULE_H

#include "engine/library.h"

/* The function that the XlaCallModule node calls with its inputs. Translated anew for each node,
 * into the library. INVALID_ARGUMENT for a module that is malformed or does not fit the node;
 * UNIMPLEMENTED for one whose format we do not know. */
enum code stablehlo_function(struct library *library, const struct node *node,
                             const struct function **function, struct error *err);

#endif
