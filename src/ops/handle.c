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

struct resource *handle_resource(const struct tensor *handle, const struct resource_ops *ops)
{
    struct resource *resource =
        tensor_elements(handle) == 1 ? *TENSOR_AT(handle, struct resource *) : NULL;
    return resource && resource->ops == ops ? resource : NULL;
}
