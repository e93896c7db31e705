/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource variables. A handle is a tensor of one pointer, made when a plan is compiled. Reading
 * hands out the variable's buffer with a reference that the request's arena gives back; writing
 * goes through engine/resource.h, which never changes a buffer that somebody else holds.
 */
#include <complex.h>

#include "engine/op.h"
#include "engine/resource.h"
#include "engine/run.h"
#include "ops/array/combine.h"
#include "ops/handle.h"
#include "ops/kernel.h"

static enum code make_handle(struct op_call *call, const struct resource_ops *ops,
                             struct error *err)
{
    struct shape scalar = shape_scalar();
    enum dtype dtype = op_attr_type(call, "dtype");
    struct span name = op_attr_string(call, "shared_name");
    struct resource_id id = {
        .ops = ops,
        .container = op_attr_string(call, "container"),
        .name = name.len ? name : call->node->name,
    };
    enum code code = op_call_alloc(call, 0, &scalar, err);
    if (!code)
        *TENSOR_AT(call->out[0], struct resource *) =
            resource_get(call->run->resources, &id, variable_make, &dtype);
    return code;
}

static enum code handle_run(struct op_call *call, struct error *err)
{
    return make_handle(call, &variable_ops, err);
}

static enum code reference_run(struct op_call *call, struct error *err)
{
    return make_handle(call, &reference_variable_ops, err);
}

static enum code read_run(struct op_call *call, struct error *err)
{
    struct tensor value;
    enum code code = handle_read(call, &value, err);
    if (!code)
        *call->out[0] = value;
    return code;
}

static enum code assign_run(struct op_call *call, struct error *err)
{
    struct variable *variable;
    enum code code = handle_variable(call, &variable, err);
    return code ? code
                : variable_assign(variable, call->in[1], op_attr_bool(call, "validate_shape"), err);
}

static enum code is_initialized_run(struct op_call *call, struct error *err)
{
    struct variable *variable;
    struct tensor value;
    struct shape scalar = shape_scalar();
    enum code code = handle_variable(call, &variable, err);
    if (code)
        return code;
    bool there = !variable_read(variable, &value, NULL);
    if (there)
        buffer_unref(value.buffer);
    code = op_call_alloc(call, 0, &scalar, err);
    if (!code)
        *TENSOR_AT(call->out[0], bool) = there;
    return code;
}

static enum code shape_run(struct op_call *call, struct error *err)
{
    struct variable *variable;
    struct tensor value;
    enum code code = handle_variable(call, &variable, err);
    if (!code)
        code = variable_read(variable, &value, err);
    if (code)
        return code;
    buffer_unref(value.buffer);
    struct shape shape = shape_vector(value.shape.rank);
    code = op_call_alloc(call, 0, &shape, err);
    for (int i = 0; !code && i < value.shape.rank; i++)
        kernel_put_index(call->out[0], i, value.shape.dims[i]);
    return code;
}

/* What belongs to a loaded version stays until it is unloaded. */
static enum code destroy_run(struct op_call *call, struct error *err)
{
    (void)call;
    (void)err;
    return CODE_OK;
}

/* ---- updates: the variable's elements (`to`), the op's inputs behind the handle ---- */

static enum code check_update(const struct op_call *call, const struct tensor *value,
                              const struct tensor *delta, struct error *err)
{
    if (value->dtype == delta->dtype && shape_equal(&value->shape, &delta->shape))
        return CODE_OK;
    char have[SHAPE_TEXT_SIZE], got[SHAPE_TEXT_SIZE];
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Cannot update variable with shape %s using a Tensor with shape %s, shapes "
                     "must be equal.",
                     shape_text(&value->shape, have), shape_text(&delta->shape, got));
    (void)call;
}

struct update {
    struct op_call *call;
    enum combine combine;
};

static enum code add_to(struct tensor *value, void *context, struct error *err)
{
    struct update *update = context;
    const struct tensor *delta = update->call->in[1];
    enum code code = check_update(update->call, value, delta, err);
    if (!code)
        combine_find(update->combine, value->dtype)(value->data, delta->data,
                                                    tensor_elements(value));
    return code;
}

static enum code update_run(struct op_call *call, enum combine combine, struct error *err)
{
    struct variable *variable;
    struct update update = {call, combine};
    enum code code = handle_variable(call, &variable, err);
    return code ? code : variable_update(variable, add_to, &update, err);
}

static enum code assign_add_run(struct op_call *call, struct error *err)
{
    return update_run(call, COMBINE_ADD, err);
}

static enum code assign_sub_run(struct op_call *call, struct error *err)
{
    return update_run(call, COMBINE_SUB, err);
}

/* var -= alpha * delta */
#define DEFINE_DESCENT(name, type, computed, load, store)                                          \
    static void descend_##name(void *var, const void *alpha, const void *delta, int64_t n)         \
    {                                                                                              \
        type *to = var;                                                                            \
        const type *by = delta;                                                                    \
        const computed rate = load(*(const type *)alpha);                                          \
        for (int64_t i = 0; i < n; i++)                                                            \
            to[i] = store(load(to[i]) - load(by[i]) * rate);                                       \
    }
DEFINE_DESCENT(float, float, float, , )
DEFINE_DESCENT(double, double, double, , )
DEFINE_DESCENT(half, uint16_t, float, dtype_half_to_float, dtype_half_from_float)
DEFINE_DESCENT(bfloat16, uint16_t, float, dtype_bfloat16_to_float, dtype_bfloat16_from_float)
DEFINE_DESCENT(complex64, float complex, float complex, , )
DEFINE_DESCENT(complex128, double complex, double complex, , )

typedef void descend_fn(void *var, const void *alpha, const void *delta, int64_t n);
static descend_fn *const descents[DTYPE_COUNT] = {
    [DTYPE_FLOAT] = descend_float,         [DTYPE_DOUBLE] = descend_double,
    [DTYPE_HALF] = descend_half,           [DTYPE_BFLOAT16] = descend_bfloat16,
    [DTYPE_COMPLEX64] = descend_complex64, [DTYPE_COMPLEX128] = descend_complex128,
};

static enum code descend(struct tensor *value, void *context, struct error *err)
{
    struct op_call *call = context;
    const struct tensor *alpha = call->in[1];
    const struct tensor *delta = call->in[2];
    char text[SHAPE_TEXT_SIZE];
    if (alpha->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "alpha is not a scalar: %s",
                         shape_text(&alpha->shape, text));
    enum code code = check_update(call, value, delta, err);
    if (code)
        return code;
    descents[value->dtype](value->data, alpha->data, delta->data, tensor_elements(value));
    return CODE_OK;
}

static enum code gradient_descent_run(struct op_call *call, struct error *err)
{
    struct variable *variable;
    enum code code = handle_variable(call, &variable, err);
    return code ? code : variable_update(variable, descend, call, err);
}

const struct op op_VarHandleOp = {
    .name = "VarHandleOp",
    .inputs = "",
    .outputs = "resource:resource",
    .attrs = "container:string='' shared_name:string='' debug_name:string='' dtype:type "
             "shape:shape allowed_devices:list(string)=[]",
    .flags = OP_DYNAMIC | OP_MAKES_RESOURCE,
    .run = handle_run,
};

/* VariableV2 after engine/passes/references.c. */
const struct op op__ReferenceVariable = {
    .name = "_ReferenceVariable",
    .inputs = "",
    .outputs = "resource:resource",
    .attrs = "shape:shape dtype:type container:string='' shared_name:string=''",
    .flags = OP_DYNAMIC | OP_MAKES_RESOURCE,
    .run = reference_run,
};

const struct op op_ReadVariableOp = {
    .name = "ReadVariableOp",
    .inputs = "resource:resource",
    .outputs = "value:dtype",
    .attrs = "dtype:type",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = read_run,
};

const struct op op_AssignVariableOp = {
    .name = "AssignVariableOp",
    .inputs = "resource:resource value:dtype",
    .outputs = "",
    .attrs = "dtype:type validate_shape:bool=false",
    .flags = OP_STATEFUL | OP_WRITES_RESOURCE,
    .run = assign_run,
};

/* Assign after engine/passes/references.c. */
const struct op op__ReferenceAssign = {
    .name = "_ReferenceAssign",
    .inputs = "resource:resource value:dtype",
    .outputs = "",
    .attrs = "dtype:type validate_shape:bool=true use_locking:bool=true",
    .flags = OP_STATEFUL | OP_WRITES_RESOURCE,
    .run = assign_run,
};

const struct op op_AssignAddVariableOp = {
    .name = "AssignAddVariableOp",
    .inputs = "resource:resource value:dtype",
    .outputs = "",
    .attrs = "dtype:type",
    .flags = OP_STATEFUL | OP_WRITES_RESOURCE,
    .types = OP_TYPES_NUMBER,
    .types_attr = "dtype",
    .run = assign_add_run,
};

const struct op op_AssignSubVariableOp = {
    .name = "AssignSubVariableOp",
    .inputs = "resource:resource value:dtype",
    .outputs = "",
    .attrs = "dtype:type",
    .flags = OP_STATEFUL | OP_WRITES_RESOURCE,
    .types = OP_TYPES_NUMBER,
    .types_attr = "dtype",
    .run = assign_sub_run,
};

const struct op op_ResourceApplyGradientDescent = {
    .name = "ResourceApplyGradientDescent",
    .inputs = "var:resource alpha:T delta:T",
    .outputs = "",
    .attrs = "T:type use_locking:bool=false",
    .flags = OP_STATEFUL | OP_WRITES_RESOURCE,
    .types = OP_TYPES_FLOAT | OP_TYPES_COMPLEX,
    .run = gradient_descent_run,
};

const struct op op_VarIsInitializedOp = {
    .name = "VarIsInitializedOp",
    .inputs = "resource:resource",
    .outputs = "is_initialized:bool",
    .attrs = "",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = is_initialized_run,
};

const struct op op_VariableShape = {
    .name = "VariableShape",
    .inputs = "input:resource",
    .outputs = "output:out_type",
    .attrs = "out_type:index=int32",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = shape_run,
};

const struct op op_DestroyResourceOp = {
    .name = "DestroyResourceOp",
    .inputs = "resource:resource",
    .outputs = "",
    .attrs = "ignore_lookup_error:bool=true",
    .flags = OP_STATEFUL,
    .run = destroy_run,
};
