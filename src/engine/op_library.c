/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An op of a library gets a struct op of its own, whose functions lead to the library's; the host
 * functions lead back. What a library sees of a call is struct tensord_call, which lives as long as
 * one of its functions runs.
 */
#include "engine/op_library.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <tensord/op.h>

#include "base/check.h"
#include "base/library.h"
#include "engine/op_def.h"
#include "engine/resource.h"
#include "engine/run.h"
#include "engine/tensor_view.h"

enum { CUSTOM_OPS_MAX = 4096, WHAT_MAX = 256 };

struct custom_op {
    struct op op; /* first */
    const struct tensord_op *from;
};

/* Filled before anything runs, read only afterwards. */
static struct custom_op *custom_ops[CUSTOM_OPS_MAX];
static size_t custom_op_count;

struct tensord_call {
    struct op_call *call;
    struct error *err;
    bool runs; /* run(), else shape() */
};

const struct op *op_library_find(struct span name)
{
    for (size_t i = 0; i < custom_op_count; i++) {
        if (span_is(name, custom_ops[i]->op.name))
            return &custom_ops[i]->op;
    }
    return NULL;
}

/* ---- what a library may call: tensors ---- */

static int host_fail(struct tensord_call *call, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int host_fail(struct tensord_call *call, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum code failed = tensor_view_fail(call->err, code, format, args);
    va_end(args);
    return (int)failed;
}

static int host_input_count(const struct tensord_call *call)
{
    return call->call->in_count;
}

static int host_output_count(const struct tensord_call *call)
{
    return call->call->out_count;
}

static int host_input(struct tensord_call *call, int i, struct tensord_tensor *tensor)
{
    if (i < 0 || i >= call->call->in_count)
        return host_fail(call, CODE_INVALID_ARGUMENT, "op %s asks for input %d of %d",
                         call->call->node->op->name, i, call->call->in_count);
    tensor_view(call->call->in[i], tensor);
    return CODE_OK;
}

static int read_shape(struct tensord_call *call, int rank, const int64_t *dims, struct shape *shape)
{
    char what[WHAT_MAX];
    snprintf(what, sizeof what, "op %s gives an output", call->call->node->op->name);
    return (int)tensor_view_shape(rank, dims, what, shape, call->err);
}

static int host_output(struct tensord_call *call, int i, int rank, const int64_t *dims,
                       struct tensord_tensor *tensor)
{
    struct op_call *c = call->call;
    struct shape shape;
    if (i < 0 || i >= c->out_count)
        return host_fail(call, CODE_INVALID_ARGUMENT, "op %s asks for output %d of %d",
                         c->node->op->name, i, c->out_count);
    int code = read_shape(call, rank, dims, &shape);
    if (code)
        return code;
    bool settled = call->runs && c->out[i]->data;
    if (settled && !shape_equal(&shape, &c->out[i]->shape))
        return host_fail(call, CODE_INTERNAL, "op %s gives output %d another shape than it said",
                         c->node->op->name, i);
    if (!call->runs)
        op_call_shape(c, i, &shape);
    else if (!settled)
        code = (int)op_call_alloc(c, i, &shape, call->err);
    if (!code && call->runs && c->out[i]->dtype == DTYPE_STRING)
        memset(c->out[i]->data, 0, tensor_bytes(c->out[i]));
    if (!code)
        tensor_view(c->out[i], tensor);
    return code;
}

/* ---- attributes ---- */

static const struct pb_attr_value *find_attr(struct tensord_call *call, const char *name,
                                             enum attr_case kind, int *code)
{
    const struct node *node = call->call->node;
    const struct pb_attr_value *value = op_def_attr(node->def, node, span_of(name));
    bool found = value && value->value_case == (uint32_t)kind;
    *code = found ? CODE_OK
                  : host_fail(call, CODE_NOT_FOUND, "op %s has no attribute %s of that kind",
                              node->op->name, name);
    return found ? value : NULL;
}

/* The value of one kind of attribute: an expression upon `attr`. */
#define HOST_ATTR(name, type, kind, expression)                                                    \
    static int host_attr_##name(struct tensord_call *call, const char *attr_name, type *value)     \
    {                                                                                              \
        int code;                                                                                  \
        const struct pb_attr_value *attr = find_attr(call, attr_name, kind, &code);                \
        if (attr)                                                                                  \
            *value = expression;                                                                   \
        return code;                                                                               \
    }
HOST_ATTR(int, int64_t, ATTR_CASE_INT, attr->i)
HOST_ATTR(float, float, ATTR_CASE_FLOAT, attr->f)
HOST_ATTR(bool, int, ATTR_CASE_BOOL, attr->b)
HOST_ATTR(string, struct tensord_string, ATTR_CASE_STRING,
          ((struct tensord_string){attr->s.ptr, attr->s.len}))
HOST_ATTR(dtype, int32_t, ATTR_CASE_TYPE, (int32_t)dtype_from_number(attr->type))

static int host_attr_ints(struct tensord_call *call, const char *name, const int64_t **values,
                          size_t *count)
{
    int code;
    if (find_attr(call, name, ATTR_CASE_LIST, &code))
        *count = op_attr_ints(call->call, name, values);
    return code;
}

static int host_attr_floats(struct tensord_call *call, const char *name, const float **values,
                            size_t *count)
{
    int code;
    if (find_attr(call, name, ATTR_CASE_LIST, &code))
        *count = op_attr_floats(call->call, name, values);
    return code;
}

/* ---- memory, state, time ---- */

static void *host_alloc(struct tensord_call *call, size_t bytes)
{
    return arena_try_alloc(call->call->arena, bytes, TENSOR_ALIGN);
}

struct custom_resource {
    struct resource resource; /* first */
    void *object;
    void (*release)(void *object);
};

struct custom_make {
    void *(*make)(void *arg);
    void (*release)(void *object);
    void *arg;
};

static void custom_resource_free(struct resource *resource)
{
    struct custom_resource *custom = (struct custom_resource *)resource;
    if (custom->release && custom->object)
        custom->release(custom->object);
}

static const struct resource_ops custom_resource_ops = {
    .kind = "custom",
    .free = custom_resource_free,
};

static struct resource *custom_resource_make(const void *args)
{
    const struct custom_make *make = args;
    struct custom_resource *custom = calloc(1, sizeof *custom);
    CHECK(custom && "out of memory");
    custom->release = make->release;
    custom->object = make->make(make->arg);
    return &custom->resource;
}

static void *host_resource(struct tensord_call *call, const char *name, void *(*make)(void *arg),
                           void (*release)(void *object), void *arg)
{
    if (!call->call->run)
        return NULL;
    struct custom_make args = {make, release, arg};
    struct resource_id id = {.ops = &custom_resource_ops, .name = span_of(name)};
    struct resource *resource =
        resource_get(call->call->run->resources, &id, custom_resource_make, &args);
    return ((struct custom_resource *)resource)->object;
}

static int host_is_cancelled(const struct tensord_call *call)
{
    return call->call->run && run_check(call->call->run, NULL) != CODE_OK;
}

static const struct tensord_host host = {
    .size = sizeof host,
    .input_count = host_input_count,
    .output_count = host_output_count,
    .input = host_input,
    .output = host_output,
    .attr_int = host_attr_int,
    .attr_float = host_attr_float,
    .attr_bool = host_attr_bool,
    .attr_string = host_attr_string,
    .attr_dtype = host_attr_dtype,
    .attr_ints = host_attr_ints,
    .attr_floats = host_attr_floats,
    .alloc = host_alloc,
    .resource = host_resource,
    .is_cancelled = host_is_cancelled,
    .fail = host_fail,
};

/* ---- what the engine calls ---- */

/* A library that fails without a word still fails. */
static enum code outcome(struct tensord_call *call, int code)
{
    if (!code)
        return CODE_OK;
    if (call->err && call->err->code == CODE_OK)
        host_fail(call, code, "op %s failed", call->call->node->op->name);
    return call->err ? call->err->code : (enum code)code;
}

static enum code custom_shape(struct op_call *call, struct error *err)
{
    const struct custom_op *custom = (const struct custom_op *)call->node->op;
    struct error own = {.code = CODE_OK};
    struct tensord_call view = {.call = call, .err = err ? err : &own};
    view.err->code = CODE_OK;
    return outcome(&view, custom->from->shape(&view));
}

static enum code custom_run(struct op_call *call, struct error *err)
{
    const struct custom_op *custom = (const struct custom_op *)call->node->op;
    struct error own = {.code = CODE_OK};
    struct tensord_call view = {.call = call, .err = err ? err : &own, .runs = true};
    view.err->code = CODE_OK;
    enum code code = outcome(&view, custom->from->run(&view));
    for (int i = 0; !code && i < call->out_count; i++) {
        if (!call->out[i]->data)
            return error_set(err, CODE_INTERNAL, "op %s gave no output %d", custom->op.name, i);
    }
    return code;
}

/* ---- loading ---- */

static enum code check_definition(const struct op *op, struct error *err)
{
    struct arena arena;
    struct op_def *def;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    enum code code = op_def_parse(op, &arena, &def, err);
    arena_release(&arena);
    return code;
}

static enum code add_op(const char *path, const struct tensord_op *from, struct error *err)
{
    if (!from->name || !*from->name || !from->inputs || !from->outputs || !from->attrs ||
        !from->run)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "%s: an op lacks its name, its definition or run()", path);
    if (op_find(span_of(from->name)))
        return error_set(err, CODE_ALREADY_EXISTS, "%s: there is an op %s already", path,
                         from->name);
    if (custom_op_count == CUSTOM_OPS_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s: more than %d custom ops", path,
                         CUSTOM_OPS_MAX);
    struct custom_op *custom = calloc(1, sizeof *custom);
    CHECK(custom && "out of memory");
    custom->from = from;
    custom->op = (struct op){
        .name = from->name,
        .inputs = from->inputs,
        .outputs = from->outputs,
        .attrs = from->attrs,
        .flags = (from->flags & TENSORD_OP_STATEFUL ? OP_STATEFUL : 0u) |
                 (from->shape ? 0u : OP_DYNAMIC),
        .shape = from->shape ? custom_shape : NULL,
        .run = custom_run,
    };
    enum code code = check_definition(&custom->op, err);
    if (code) {
        free(custom);
        return error_prefix(err, "%s: ", path);
    }
    custom_ops[custom_op_count++] = custom;
    return CODE_OK;
}

static enum code add_ops(const char *path, const struct tensord_op_library *library,
                         struct error *err)
{
    if (!library || library->abi != TENSORD_OP_ABI || library->op_size < sizeof(struct tensord_op))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "%s: made for ABI %u of tensord/op.h, this build has %d", path,
                         library ? library->abi : 0, TENSORD_OP_ABI);
    enum code code = CODE_OK;
    for (size_t i = 0; !code && i < library->op_count; i++) {
        const char *at = (const char *)library->ops + i * library->op_size;
        code = add_op(path, (const struct tensord_op *)at, err);
    }
    return code;
}

typedef const struct tensord_op_library *entry_fn(const struct tensord_host *host);

enum code op_library_load(const char *path, struct error *err)
{
    library_fn *entry;
    enum code code = library_open(path, "op library", "tensord_op_library", &entry, err);
    return code ? code : add_ops(path, ((entry_fn *)entry)(&host), err);
}
