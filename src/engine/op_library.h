/* SPDX-License-Identifier: Apache-2.0 */
/* Ops from shared libraries: what include/tensord/op.h promises to them. */
#ifndef ENGINE_OP_LIBRARY_H
#define ENGINE_OP_LIBRARY_H

#include "engine/op.h"

/* Loads the library and adds its ops to those that op_find() finds. Before anything else runs; it
 * is never unloaded. NOT_FOUND when it can not be opened, INVALID_ARGUMENT when it is no op library
 * of an ABI that we know, ALREADY_EXISTS when there is an op of that name. */
enum code op_library_load(const char *path, struct error *err);

/* The op of that name from a library, or NULL. */
const struct op *op_library_find(struct span name);

#endif
