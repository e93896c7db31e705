/* SPDX-License-Identifier: Apache-2.0 */
/* Handles, scalars that hold a resource: of a variable, of a table, of a model. A graph from
 * outside may give an op any tensor of that dtype, also one without an element. */
#ifndef OPS_HANDLE_H
#define OPS_HANDLE_H

#include "engine/op.h"
#include "engine/resource.h"

/* Output 0 becomes a scalar: the resource of the attributes container and shared_name, made as
 * resource_get() does it, also at *resource (which may be NULL). Without a shared name the resource
 * is the node's own. In run(). RESOURCE_EXHAUSTED. */
enum code handle_make(struct op_call *call, const struct resource_ops *ops,
                      struct resource *(*make)(const void *args), const void *args,
                      struct resource **resource, struct error *err);

/* The resource of that kind which the handle holds; NULL if it holds none or another. */
struct resource *handle_resource(const struct tensor *handle, const struct resource_ops *ops);

/* Input 0's variable. INVALID_ARGUMENT: the handle has none. */
enum code handle_variable(const struct op_call *call, struct variable **variable,
                          struct error *err);

/* The value of input 0's variable, of the dtype of output 0; it is kept while the call's arena is.
 * INVALID_ARGUMENT, and as variable_read(). */
enum code handle_read(struct op_call *call, struct tensor *value, struct error *err);

#endif
