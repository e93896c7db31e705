/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A region's graph starts as feeds, one per argument, and a node that calls the function upon them;
 * the inlining pass then does what it does for any call, so that the control outputs become targets
 * and names keep their function.
 *
 * A captured variable comes in as a handle. It is substituted by the handle constant, and so
 * variables read inside a loop freeze and weights are packed once, as anywhere else. The feed stays
 * (the caller still passes the tensor); feed->forward says that it was substituted.
 */
#include "engine/region.h"

#include "engine/op.h"
#include "wire/messages.h"

enum {
    REGIONS_MAX = 10000
}; /* of one plan; each is a plan: two in each of many bodies are a bomb
    */

/* Which inputs of the node are arguments: those of its last input argument; of a map, of
 * other_arguments; none of a combination. */
static void find_arguments(const struct node *node, int *first, int *count)
{
    const struct op_def *def = node->def;
    bool maps = node->op->flags & OP_MAPS;
    *first = *count = 0;
    for (int i = 0; i < def->input_count; i++) {
        *first += *count;
        op_def_arg_count(def, node, &def->inputs[i], count, NULL);
        if (maps && span_is(def->inputs[i].name, "other_arguments"))
            break;
    }
    *first = *first < node->input_count ? *first : node->input_count;
    *count = *count < node->input_count - *first ? *count : node->input_count - *first;
    if (node->op->flags & OP_COMBINES)
        *count = 0;
}

int regions_first_input(const struct node *node)
{
    int first, count;
    find_arguments(node, &first, &count);
    return first;
}

static enum code bad_attr(const struct node *node, const struct op_attr_def *attr,
                          struct error *err)
{
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Attr '%.*s' of node %.*s (op %s) names no function", SPAN_ARG(attr->name),
                     SPAN_ARG(node->name), node->op->name);
}

/* The functions that one attribute names. */
static enum code list_functions(const struct node *node, const struct op_attr_def *attr,
                                const struct pb_name_attr_list **functions, size_t *count,
                                struct error *err)
{
    const struct pb_attr_value *value = op_def_attr(node->def, node, attr->name);
    enum attr_case wanted = attr->is_list ? ATTR_CASE_LIST : ATTR_CASE_FUNC;
    if (!value || value->value_case != (uint32_t)wanted)
        return bad_attr(node, attr, err);
    *functions = attr->is_list ? value->list->func.items : value->func;
    *count = attr->is_list ? value->list->func.count : 1;
    return *count ? CODE_OK : bad_attr(node, attr, err);
}

static enum code add_regions(struct work *work, struct node *node,
                             const struct pb_name_attr_list *functions, size_t count,
                             struct error *err)
{
    if (count > (size_t)(REGIONS_MAX - work->budget->regions))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Node %.*s: more than %d functions are run by loops and conditionals",
                         SPAN_ARG(node->name), REGIONS_MAX);
    work->budget->regions += (int)count;
    size_t before = (size_t)node->region_count;
    struct region *regions = ARENA_ARRAY(work->graph.arena, struct region, before + count);
    if (before)
        memcpy(regions, node->regions, before * sizeof *regions);
    for (size_t i = 0; i < count; i++)
        regions[before + i].function = &functions[i];
    node->regions = regions;
    node->region_count += (int)count;
    return CODE_OK;
}

enum code regions_find(struct work *work, struct node *node, struct error *err)
{
    if (node->region_count)
        return CODE_OK;
    for (int i = 0; i < node->def->attr_count; i++) {
        const struct op_attr_def *attr = &node->def->attrs[i];
        const struct pb_name_attr_list *functions = NULL;
        size_t count = 0;
        if (attr->kind != ATTR_FUNC)
            continue;
        enum code code = list_functions(node, attr, &functions, &count, err);
        if (!code)
            code = add_regions(work, node, functions, count, err);
        if (code)
            return code;
    }
    return CODE_OK;
}

/* ---- the graph of one region ---- */

static bool is_condition(const struct node *node, int i)
{
    return (node->op->flags & OP_LOOPS) && i == 0;
}

/* The dtype of the function's argument i, where its signature says it. */
static enum dtype argument_type(const struct function *function, int i)
{
    return i < function->def->input_count ? function->def->inputs[i].type : DTYPE_INVALID;
}

static void add_feed(struct work *work, int i, struct span name, enum dtype type)
{
    struct node *feed = work_add(work, &feed_op, name);
    work_set_output(work, feed, type);
    work->feeds[i] = feed;
}

/* `function` gives arguments of its own in front (OP_MAPS), or is NULL. */
static void add_feeds(struct work *work, const struct node *node, const struct function *function)
{
    int first, count;
    find_arguments(node, &first, &count);
    bool combines = node->op->flags & OP_COMBINES;
    int own = combines ? 2 * node->output_count : function ? function->def->input_count - count : 0;
    own = own < 0 ? 0 : own;
    work->feed_count = own + count;
    work->feeds = ARENA_ARRAY(work->graph.arena, struct node *, (size_t)work->feed_count);
    for (int i = 0; i < own; i++)
        add_feed(work, i, node->name,
                 combines ? node->output_types[i % node->output_count]
                          : argument_type(function, i));
    for (int i = 0; i < count; i++) {
        struct edge edge = node->inputs[first + i];
        bool known = edge.output < edge.node->output_count;
        add_feed(work, own + i, edge.node->name,
                 known ? edge.node->output_types[edge.output] : DTYPE_INVALID);
    }
}

static struct node *add_call(struct work *work, const struct node *node, int i,
                             const struct function *mapped)
{
    struct arena *arena = work->graph.arena;
    const struct pb_name_attr_list *function = node->regions[i].function;
    struct node *call = graph_add(&work->graph);
    call->name = node->name;
    call->function = node->function;
    call->op_name = function->name;
    call->call_depth = node->call_depth + 1;
    call->attr_count = function->attr.count;
    call->attrs = ARENA_ARRAY(arena, struct node_attr, call->attr_count);
    for (size_t k = 0; k < call->attr_count; k++)
        call->attrs[k] =
            (struct node_attr){function->attr.items[k].key, function->attr.items[k].value};
    call->input_count = work->feed_count;
    call->inputs = ARENA_ARRAY(arena, struct edge, (size_t)work->feed_count);
    for (int k = 0; k < work->feed_count; k++)
        call->inputs[k] = (struct edge){work->feeds[k], 0};
    call->output_count = is_condition(node, i) ? 1 : node->output_count;
    if (mapped)
        call->output_count = mapped->def->output_count;
    return call;
}

enum code region_fill(const struct node *node, int i, struct error *err)
{
    struct work *work = node->regions[i].work;
    if (node->regions[i].loop) {
        add_feeds(work, node, NULL);
        return loop_fill(node->regions[i].loop, i == 1, work, err);
    }
    struct span name = node->regions[i].function->name;
    const struct function *function = library_function(work->library, name);
    if (!function)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Node %.*s calls function %.*s, which the library does not have",
                         SPAN_ARG(node->name), SPAN_ARG(name));
    const struct function *mapped = node->op->flags & OP_MAPS ? function : NULL;
    add_feeds(work, node, mapped);
    struct node *call = add_call(work, node, i, mapped);
    work->fetch_count = call->output_count;
    work->fetches = ARENA_ARRAY(work->graph.arena, struct edge, (size_t)call->output_count);
    for (int k = 0; k < call->output_count; k++)
        work->fetches[k] = (struct edge){call, k};
    return CODE_OK;
}

static struct span region_name(const struct node *node, int i)
{
    return node->regions[i].function ? node->regions[i].function->name : node->name;
}

enum code region_check_results(const struct node *node, int i, struct error *err)
{
    const struct work *work = node->regions[i].work;
    if (node->op->flags & OP_MAPS)
        return CODE_OK; /* the op looks at each element */
    for (int k = 0; k < work->fetch_count; k++) {
        struct edge edge = work->fetches[k];
        enum dtype type = edge.output < edge.node->output_count
                              ? edge.node->output_types[edge.output]
                              : DTYPE_INVALID;
        bool fits = is_condition(node, i) ? type != DTYPE_INVALID : type == node->output_types[k];
        if (!fits)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Node %.*s: result %d of function %.*s is %s", SPAN_ARG(node->name), k,
                             SPAN_ARG(region_name(node, i)), dtype_name(type));
    }
    return CODE_OK;
}

/* ---- constants ---- */

/* Does each turn of the loop hand argument i on as it is? */
static bool is_invariant(const struct node *node, int i)
{
    if (!(node->op->flags & OP_LOOPS))
        return true;
    const struct work *body = node->regions[1].work;
    return edge_origin(body->fetches[i]).node == body->feeds[i];
}

static void substitute(struct work *work, int i, const struct tensor *value)
{
    struct node *feed = work->feeds[i];
    struct node *constant = work_add(work, &barrier_op, feed->name);
    constant->output_count = 1;
    constant->output_types = feed->output_types;
    constant->values = value;
    feed->forward = ARENA_NEW(work->graph.arena, struct edge);
    *feed->forward = (struct edge){constant, 0};
}

void regions_substitute(const struct node *node)
{
    int first, count;
    find_arguments(node, &first, &count);
    int own = node->region_count ? node->regions[0].work->feed_count - count : 0;
    for (int i = 0; i < count; i++) {
        struct edge edge = edge_origin(node->inputs[first + i]);
        bool known = edge.node->values && !node->regions[0].work->feeds[own + i]->forward;
        if (!known || !is_invariant(node, i))
            continue;
        for (int k = 0; k < node->region_count; k++)
            substitute(node->regions[k].work, own + i, &edge.node->values[edge.output]);
    }
    for (int k = 0; k < node->region_count; k++)
        work_resolve(node->regions[k].work);
}
