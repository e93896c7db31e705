/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TensorFlow 1 variables are references: VariableV2 yields a reference to a buffer, Assign changes
 * it and yields it again, and any other op reads what it holds when the op runs. Here they become
 * resource variables: the reference is a handle, ops that change it are the resource forms, and
 * each reader that is no such op gets a ReadVariableOp of its own, which waits for what the reader
 * waits for, and for the op whose reference it reads.
 */
#include "base/check.h"
#include "engine/op.h"
#include "engine/op_def.h"
#include "engine/passes/passes.h"
#include "wire/messages.h"

/* Ops on references and what they become. */
static const struct {
    const char *reference;
    const char *resource;
} forms[] = {
    {"VariableV2", "_ReferenceVariable"},
    {"Variable", "_ReferenceVariable"},
    {"Assign", "_ReferenceAssign"},
    {"AssignAdd", "AssignAddVariableOp"},
    {"AssignSub", "AssignSubVariableOp"},
    {"ScatterUpdate", "ResourceScatterUpdate"},
    {"ScatterAdd", "ResourceScatterAdd"},
    {"ScatterSub", "ResourceScatterSub"},
    {"ScatterMul", "ResourceScatterMul"},
    {"ScatterDiv", "ResourceScatterDiv"},
    {"ScatterMin", "ResourceScatterMin"},
    {"ScatterMax", "ResourceScatterMax"},
    {"ScatterNdUpdate", "ResourceScatterNdUpdate"},
    {"ScatterNdAdd", "ResourceScatterNdAdd"},
    {"ScatterNdSub", "ResourceScatterNdSub"},
    {"ScatterNdMin", "ResourceScatterNdMin"},
    {"ScatterNdMax", "ResourceScatterNdMax"},
};

enum { FORM_COUNT = sizeof forms / sizeof *forms };

/* Ops that hand references on: upon what was read they are ops on values. */
static const struct {
    const char *reference;
    const char *value;
} plain[] = {
    {"RefIdentity", "Identity"},
    {"RefMerge", "Merge"},
    {"RefSwitch", "Switch"},
};

struct references {
    struct work *work;
    struct node **handles; /* by node id: the variable behind the reference that the node gives;
                              NULL: it gives none */
};

static int find_form(const struct node *node)
{
    for (int i = 0; i < FORM_COUNT; i++) {
        if (span_is(node->op_name, forms[i].reference))
            return i;
    }
    return -1;
}

static bool gives_reference(const struct node *node)
{
    return node->def && node->def->output_count && node->def->outputs[0].is_ref;
}

static bool takes_reference(const struct node *node, int i)
{
    return node->def && i < node->def->input_count && node->def->inputs[i].is_ref;
}

/* Follows input 0 to the variable. */
static enum code find_handle(struct references *r, struct node *node, struct error *err)
{
    struct node *handle = node;
    while (gives_reference(handle) && handle->input_count)
        handle = handle->inputs[0].node;
    bool known = find_form(node) >= 0 && find_form(handle) >= 0 && !handle->input_count;
    if (!known)
        return error_set(err, CODE_UNIMPLEMENTED,
                         "Node %.*s: op %.*s on this reference is not supported",
                         SPAN_ARG(node->name), SPAN_ARG(node->op_name));
    r->handles[node->id] = handle;
    return CODE_OK;
}

static struct node *handle_of(const struct references *r, struct edge edge, int count)
{
    return edge.output == 0 && edge.node->id < count ? r->handles[edge.node->id] : NULL;
}

static struct node *add_read(struct references *r, struct node *giver, const struct node *reader)
{
    const struct op_def *def = library_def(r->work->library, SPAN_LITERAL("ReadVariableOp"));
    CHECK(def);
    struct arena *arena = r->work->graph.arena;
    struct node *handle = r->handles[giver->id];
    struct node *read = work_add(r->work, def->op, giver->name);
    read->def = def;
    read->function = giver->function;
    read->output_count = 1;
    read->output_types = ARENA_NEW(arena, enum dtype);
    *read->output_types = giver->output_types[0];
    read->inputs = ARENA_NEW(arena, struct edge);
    read->inputs[0] = (struct edge){handle, 0};
    read->input_count = 1;
    int count = reader ? reader->control_count : 0;
    read->controls = ARENA_ARRAY(arena, struct node *, (size_t)count + 1);
    for (int i = 0; i < count; i++)
        read->controls[read->control_count++] = reader->controls[i];
    if (giver != handle)
        read->controls[read->control_count++] = giver;
    return read;
}

static void read_inputs(struct references *r, struct node *node, int count)
{
    for (int i = 0; i < node->input_count; i++) {
        struct edge edge = node->inputs[i];
        if (handle_of(r, edge, count) && !takes_reference(node, i))
            node->inputs[i] = (struct edge){add_read(r, edge.node, node), 0};
    }
}

static void become(struct references *r, struct node *node, const char *name)
{
    const struct op_def *def = library_def(r->work->library, span_of(name));
    CHECK(def);
    node->op_name = span_of(name);
    node->def = def;
    node->op = def->op;
}

static void take_value(struct references *r, struct node *node)
{
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (span_is(node->op_name, plain[i].reference))
            become(r, node, plain[i].value);
    }
}

/* IsVariableInitialized asks the variable, not its value. */
static void take_question(struct references *r, struct node *node, int count)
{
    struct edge edge = node->input_count ? node->inputs[0] : (struct edge){NULL, 0};
    if (!span_is(node->op_name, "IsVariableInitialized") || !handle_of(r, edge, count))
        return;
    if (edge.node != r->handles[edge.node->id])
        node_add_control(&r->work->graph, node, edge.node);
    node->inputs[0] = (struct edge){r->handles[edge.node->id], 0};
    become(r, node, "VarIsInitializedOp");
}

static bool has_attr(const struct op_def *def, const char *name)
{
    for (int i = 0; i < def->attr_count; i++) {
        if (span_is(def->attrs[i].name, name))
            return true;
    }
    return false;
}

/* Most resource forms call the element type `dtype`. */
static void rename_type(struct work *work, struct node *node)
{
    if (has_attr(node->def, "T"))
        return;
    struct node_attr *attrs = ARENA_ARRAY(work->graph.arena, struct node_attr, node->attr_count);
    for (size_t i = 0; i < node->attr_count; i++) {
        attrs[i] = node->attrs[i];
        if (span_is(attrs[i].name, "T"))
            attrs[i].name = SPAN_LITERAL("dtype");
    }
    node->attrs = attrs;
}

/* The variable itself gives a handle now; what changes it gives nothing and is waited for. */
static void take_form(struct references *r, struct node *node)
{
    struct node *handle = r->handles[node->id];
    if (handle != node) {
        struct node *giver = node->inputs[0].node;
        if (giver != handle)
            node_add_control(&r->work->graph, node, giver);
        node->inputs[0] = (struct edge){handle, 0};
        node->output_count = 0;
    } else {
        node->output_types = ARENA_NEW(r->work->graph.arena, enum dtype);
        *node->output_types = DTYPE_RESOURCE;
    }
    become(r, node, forms[find_form(node)].resource);
    rename_type(r->work, node);
}

enum code pass_references(struct work *work, struct error *err)
{
    struct graph *graph = &work->graph;
    int count = graph->count;
    struct references r = {work, ARENA_ARRAY(graph->arena, struct node *, (size_t)count)};
    for (int i = 0; i < count; i++) {
        enum code code = CODE_OK;
        if (gives_reference(graph->nodes[i]))
            code = find_handle(&r, graph->nodes[i], err);
        if (code)
            return code;
    }
    for (int i = 0; i < count; i++) {
        take_value(&r, graph->nodes[i]);
        read_inputs(&r, graph->nodes[i], count);
        take_question(&r, graph->nodes[i], count);
    }
    for (int i = 0; i < work->fetch_count; i++) {
        struct edge *fetch = &work->fetches[i];
        if (handle_of(&r, *fetch, count))
            *fetch = (struct edge){add_read(&r, fetch->node, NULL), 0};
    }
    for (int i = 0; i < count; i++) {
        if (r.handles[i])
            take_form(&r, graph->nodes[i]);
    }
    return CODE_OK;
}
