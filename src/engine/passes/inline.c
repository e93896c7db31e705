/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inlining puts a copy of a function's body in the place of each call. The body's nodes keep their
 * names and remember the function, as TensorFlow's messages do. Consumers of the call are led on by
 * node->forward; who waits for the call waits for an exit barrier, which waits for the function's
 * control outputs and results; the control outputs become targets, for a call runs the effects of
 * its function whoever consumes its results. Where the call itself waits, an entry barrier holds up
 * what in the body has an effect or no inputs. Calls inside the body are appended behind it and
 * inlined in the same sweep.
 */
#include "engine/op.h"
#include "engine/passes/passes.h"
#include "engine/stablehlo/module.h"
#include "wire/messages.h"

enum {
    CALL_DEPTH_MAX = 200,        /* deeper nesting is recursion */
    INLINED_NODES_MAX = 4000000, /* two calls in each of thirty functions are a bomb */
};

/* One call being inlined. */
struct call {
    struct work *work;
    struct node *node;
    const struct function *function;
    struct node attrs; /* only its attributes: what the body's placeholders stand for */
    struct map names;  /* of body nodes -> node */
    int first;         /* id of the first body node */
};

static enum code call_error(const struct call *call, struct error *err)
{
    return error_prefix(
        err, "In function %.*s, called by %.*s: ", SPAN_ARG(call->function->proto->signature->name),
        SPAN_ARG(call->node->name));
}

/* An XlaCallModule calls a function that is made of its module now. */
static enum code make_function(struct call *call, struct error *err)
{
    return span_is(call->node->op_name, "XlaCallModule")
               ? stablehlo_function(call->work->library, call->node, &call->function, err)
               : CODE_OK;
}

/* Ops whose attribute f is a function that gets all their inputs. BatchFunction would join the
 * tensors of several requests; what comes out for each is the same without. */
static bool calls_its_function(struct span op_name)
{
    static const char *const names[] = {"PartitionedCall", "StatefulPartitionedCall",
                                        "BatchFunction"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (span_is(op_name, names[i]))
            return true;
    }
    return false;
}

/* Which function does the node call, with which attributes? False if it calls none. */
static bool find_function(struct work *work, const struct node *node, struct call *call,
                          struct span *name)
{
    *call = (struct call){.work = work, .node = (struct node *)node};
    *name = node->op_name;
    call->attrs.attrs = node->attrs;
    call->attrs.attr_count = node->attr_count;
    if (calls_its_function(*name)) {
        const struct pb_attr_value *f = node_attr(node, "f");
        if (!f || f->value_case != ATTR_CASE_FUNC)
            return true;
        *name = f->func->name;
        call->attrs.attr_count = f->func->attr.count;
        call->attrs.attrs = ARENA_ARRAY(work->graph.arena, struct node_attr, f->func->attr.count);
        for (size_t i = 0; i < f->func->attr.count; i++)
            call->attrs.attrs[i] =
                (struct node_attr){f->func->attr.items[i].key, f->func->attr.items[i].value};
        call->function = library_function(work->library, *name);
        return true;
    }
    call->function = library_function(work->library, *name);
    return call->function != NULL || span_is(*name, "XlaCallModule");
}

static enum code add_body(struct call *call, struct error *err)
{
    const struct pb_function_def *proto = call->function->proto;
    struct graph *graph = &call->work->graph;
    call->first = graph->count;
    map_init(&call->names, graph->arena);
    struct work_budget *budget = call->work->budget;
    if (proto->node_def.count > (size_t)(INLINED_NODES_MAX - budget->nodes))
        return error_set(err, CODE_INVALID_ARGUMENT, "more than %d nodes after inlining",
                         INLINED_NODES_MAX);
    budget->nodes += (int)proto->node_def.count;
    for (size_t i = 0; i < proto->node_def.count; i++) {
        struct node *node = graph_add(graph);
        enum code code = library_fill_node(call->work->library, graph, &proto->node_def.items[i],
                                           &call->attrs, node, err);
        if (code)
            return code;
        node->function = proto->signature->name;
        node->call_depth = call->node->call_depth + 1;
        if (node->name.len)
            map_put(&call->names, node->name, node);
    }
    return CODE_OK;
}

/* The caller's tensor behind "argument" or "argument:i". */
static bool find_argument(const struct call *call, struct span name, int index, struct edge *edge)
{
    const struct op_def *def = call->function->def;
    int at = 0;
    for (int i = 0; i < def->input_count; i++) {
        int count;
        if (op_def_arg_count(def, &call->attrs, &def->inputs[i], &count, NULL))
            return false;
        if (span_equal(def->inputs[i].name, name)) {
            bool there = index < count && at + index < call->node->input_count;
            if (there)
                *edge = call->node->inputs[at + index];
            return there;
        }
        at += count;
    }
    return false;
}

/* Output number of "node:argument:index". Without an argument the index counts all outputs: of an
 * unknown op, and in functions that are made here. */
static bool find_output(const struct call *call, const struct node *node, struct span argument,
                        int index, int *output)
{
    const struct function *function = library_function(call->work->library, node->op_name);
    const struct op_def *def = function ? function->def : node->def;
    *output = index;
    if (!def)
        return true;
    int at = 0;
    for (int i = 0; i < def->output_count; i++) {
        int count;
        if (op_def_arg_count(def, node, &def->outputs[i], &count, NULL))
            return false;
        if (span_equal(def->outputs[i].name, argument)) {
            *output = at + index;
            return index < count;
        }
        at += count;
    }
    /* With one output any name means it. */
    return argument.len ? at == 1 && index == 0 : index < at;
}

/* "argument", "node:argument:index", "node:argument", "^node". */
static enum code resolve(const struct call *call, struct span text, struct edge *edge,
                         struct error *err)
{
    bool control = text.len && text.ptr[0] == '^';
    struct span rest = control ? span_sub(text, 1, text.len) : text;
    struct span name = span_sub(rest, 0, span_find(rest, ':'));
    rest = span_sub(rest, name.len + 1, rest.len);
    struct span argument = span_sub(rest, 0, span_find(rest, ':'));
    rest = span_sub(rest, argument.len + 1, rest.len);
    int64_t index = 0;
    bool numbered = !rest.len || span_to_int64(rest, &index);
    if (!rest.len && argument.len && span_to_int64(argument, &index))
        argument = (struct span){0};
    struct node *node = name.len ? map_get(&call->names, name) : NULL;
    bool found = numbered && index >= 0 && index < OP_ARG_TENSORS_MAX;
    if (found && node) {
        edge->node = node;
        if (control)
            edge->output = -1;
        else
            found = find_output(call, node, argument, (int)index, &edge->output);
    } else {
        found = found && find_argument(call, name, (int)index, edge);
        if (found && control)
            edge->output = -1;
    }
    if (!found)
        return error_set(err, CODE_INVALID_ARGUMENT, "no such tensor: %.*s", SPAN_ARG(text));
    return CODE_OK;
}

static enum code add_body_edges(struct call *call, int i, struct error *err)
{
    const struct pb_node_def *proto = &call->function->proto->node_def.items[i];
    struct node *node = call->work->graph.nodes[call->first + i];
    size_t count = proto->input.count;
    node->inputs = ARENA_ARRAY(call->work->graph.arena, struct edge, count);
    node->controls = ARENA_ARRAY(call->work->graph.arena, struct node *, count + 1);
    for (size_t k = 0; k < count; k++) {
        struct edge edge;
        enum code code = resolve(call, proto->input.items[k], &edge, err);
        if (code)
            return error_prefix(err, "Node %.*s: ", SPAN_ARG(node->name));
        if (edge.output < 0)
            node->controls[node->control_count++] = edge.node;
        else
            node->inputs[node->input_count++] = edge;
    }
    return CODE_OK;
}

/* What has no inputs, or an effect, must not run before the call's own controls have. */
static void add_entry(struct call *call, int body_count)
{
    struct node *caller = call->node;
    if (!caller->control_count)
        return;
    struct node *entry = work_add(call->work, &barrier_op, caller->name);
    entry->controls = caller->controls;
    entry->control_count = caller->control_count;
    entry->call_depth = caller->call_depth;
    for (int i = 0; i < body_count; i++) {
        struct node *node = call->work->graph.nodes[call->first + i];
        bool effect = !node->op || (node->op->flags & (OP_STATEFUL | OP_STRUCTURAL));
        if (effect || !node->input_count)
            node->controls[node->control_count++] = entry;
    }
}

static enum code find_result(const struct call *call, const struct op_arg *arg, int index,
                             struct edge *edge, struct error *err)
{
    const struct pb_function_def *proto = call->function->proto;
    for (size_t i = 0; i < proto->ret.count; i++) {
        if (!span_equal(proto->ret.items[i].key, arg->name))
            continue;
        enum code code = resolve(call, proto->ret.items[i].value, edge, err);
        edge->output += code ? 0 : index;
        return code;
    }
    return error_set(err, CODE_INVALID_ARGUMENT, "result %.*s is returned by no node",
                     SPAN_ARG(arg->name));
}

static enum code add_results(struct call *call, struct error *err)
{
    const struct op_def *def = call->function->def;
    struct node *node = call->node;
    struct edge *forward =
        ARENA_ARRAY(call->work->graph.arena, struct edge, (size_t)node->output_count + 1);
    int at = 0;
    for (int i = 0; i < def->output_count; i++) {
        int count;
        enum code code = op_def_arg_count(def, &call->attrs, &def->outputs[i], &count, err);
        for (int k = 0; !code && k < count && at < node->output_count; k++)
            code = find_result(call, &def->outputs[i], k, &forward[at++], err);
        if (code)
            return code;
    }
    if (at < node->output_count)
        return error_set(err, CODE_INVALID_ARGUMENT, "it returns %d tensors, %d are expected", at,
                         node->output_count);
    node->forward = forward;
    return CODE_OK;
}

static enum code add_exit(struct call *call, struct error *err)
{
    const struct pb_function_def *proto = call->function->proto;
    struct node *exit = work_add(call->work, &barrier_op, call->node->name);
    exit->controls = ARENA_ARRAY(call->work->graph.arena, struct node *,
                                 proto->control_ret.count + (size_t)call->node->output_count);
    for (size_t i = 0; i < proto->control_ret.count; i++) {
        struct node *node = map_get(&call->names, proto->control_ret.items[i].value);
        if (!node)
            return error_set(err, CODE_INVALID_ARGUMENT, "no node for control output %.*s",
                             SPAN_ARG(proto->control_ret.items[i].value));
        exit->controls[exit->control_count++] = node;
        work_add_target(call->work, node);
    }
    for (int i = 0; i < call->node->output_count; i++)
        exit->controls[exit->control_count++] = call->node->forward[i].node;
    call->node->forward_control = exit;
    return CODE_OK;
}

static enum code inline_call(struct call *call, struct error *err)
{
    if (call->node->call_depth >= CALL_DEPTH_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "calls are nested more than %d deep: recursion", CALL_DEPTH_MAX);
    enum code code = add_body(call, err);
    int body_count = call->work->graph.count - call->first;
    for (int i = 0; !code && i < body_count; i++)
        code = add_body_edges(call, i, err);
    if (!code) {
        add_entry(call, body_count);
        code = add_results(call, err);
    }
    if (!code)
        code = add_exit(call, err);
    return code ? code : pass_load_consts(call->work, call->first, err);
}

enum code pass_inline(struct work *work, struct error *err)
{
    for (int i = 0; i < work->graph.count; i++) {
        struct call call;
        struct span name;
        if (!find_function(work, work->graph.nodes[i], &call, &name))
            continue;
        enum code code = make_function(&call, err);
        if (code)
            return code;
        if (!call.function)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Node %.*s calls function %.*s, which the library does not have",
                             SPAN_ARG(call.node->name), SPAN_ARG(name));
        code = inline_call(&call, err);
        if (code)
            return call_error(&call, err);
    }
    work_resolve(work);
    return CODE_OK;
}
