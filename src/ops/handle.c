/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/handle.h"

#include "engine/run.h"
#include "ops/kernel.h"

static struct span name_of(const struct op_call *call)
{
    struct span shared = op_attr_string(call, "shared_name");
    if (shared.len)
        return shared;
    return span_of(arena_printf(call->arena, "%.*s/%.*s", SPAN_ARG(call->node->function),
                                SPAN_ARG(call->node->name)));
}

enum code handle_make(struct op_call *call, const struct resource_ops *ops,
                      struct resource *(*make)(const void *args), const void *args,
                      struct resource **resource, struct error *err)
{
    struct shape scalar = shape_scalar();
    struct resource_id id = {
        .ops = ops,
        .container = op_attr_string(call, "container"),
        .name = name_of(call),
    };
    enum code code = op_call_alloc(call, 0, &scalar, err);
    if (code)
        return code;
    struct resource *made = resource_get(call->run->resources, &id, make, args);
    *TENSOR_AT(call->out[0], struct resource *) = made;
    if (resource)
        *resource = made;
    return CODE_OK;
}

static struct resource *any_resource(const struct tensor *handle)
{
    return tensor_elements(handle) == 1 ? *TENSOR_AT(handle, struct resource *) : NULL;
}

struct resource *handle_resource(const struct tensor *handle, const struct resource_ops *ops)
{
    struct resource *resource = any_resource(handle);
    return resource && resource->ops == ops ? resource : NULL;
}

enum code handle_variable(const struct op_call *call, struct variable **variable, struct error *err)
{
    struct resource *resource = any_resource(call->in[0]);
    if (!resource || !resource_is_variable(resource))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input 0 of node %.*s is no handle of a variable",
                         SPAN_ARG(call->node->name));
    *variable = (struct variable *)resource;
    return CODE_OK;
}

static void unref(void *buffer)
{
    buffer_unref(buffer);
}

enum code handle_read(struct op_call *call, struct tensor *value, struct error *err)
{
    struct variable *variable;
    enum code code = handle_variable(call, &variable, err);
    if (!code)
        code = variable_read(variable, value, err);
    if (code)
        return code;
    arena_defer(call->arena, unref, value->buffer);
    if (value->dtype != call->out[0]->dtype)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Trying to read variable with wrong dtype. Expected %s got %s",
                         dtype_name(call->out[0]->dtype), dtype_name(value->dtype));
    return CODE_OK;
}
