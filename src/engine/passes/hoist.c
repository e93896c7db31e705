/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recurrent network multiplies, in each turn of its loop, the step's input with the same weights:
 *
 *   outside   TensorListFromTensor(x [T, batch, k]) -> While
 *   inside    MatMul(TensorListGetItem(list, i), weights)
 *
 * The inputs are all known before the loop, so one product of T * batch rows does it outside, and
 * the body takes its rows from a list of products. Weights are read once instead of T times, and
 * rows are multiplied several at a time. A row's sums have the same order in any batch
 * (ops/nn/tile.c), so the answer is the same to the bit.
 */
#include "engine/op.h"
#include "engine/op_def.h"
#include "engine/passes/passes.h"
#include "engine/region.h"
#include "wire/messages.h"

struct product {
    struct node *matmul; /* in the body */
    struct node *item;   /* its input 0 */
    int variable;        /* of the loop: the list */
    struct node *source; /* outside: what made the list */
};

static bool is_op(const struct node *node, const char *name)
{
    return span_is(node->op_name, name);
}

/* The loop's variable that the edge is, if no turn changes it; -1. */
static int invariant_of(const struct work *body, struct edge edge)
{
    struct node *origin = edge_origin(edge).node;
    for (int i = 0; i < body->feed_count; i++) {
        if (body->feeds[i] == origin)
            return edge_origin(body->fetches[i]).node == origin ? i : -1;
    }
    return -1;
}

static bool is_false(const struct node *node, const char *attr)
{
    const struct pb_attr_value *value = op_def_attr(node->def, node, span_of(attr));
    return value && value->value_case == ATTR_CASE_BOOL && !value->b;
}

static bool is_float(enum dtype type)
{
    return type == DTYPE_FLOAT || type == DTYPE_DOUBLE || type == DTYPE_HALF ||
           type == DTYPE_BFLOAT16;
}

static bool find_product(const struct work *body, const struct node *loop, struct node *node,
                         struct product *product)
{
    if (!is_op(node, "MatMul") || node->conditional || node->control_count ||
        node->input_count != 2 || !node->inputs[1].node->values ||
        !is_float(node->output_types[0]) || !is_false(node, "transpose_a"))
        return false;
    struct node *item = node->inputs[0].node;
    if (!is_op(item, "TensorListGetItem") || item->conditional || item->input_count != 3)
        return false;
    int variable = invariant_of(body, item->inputs[0]);
    if (variable < 0)
        return false;
    struct node *source = edge_origin(loop->inputs[regions_first_input(loop) + variable]).node;
    *product = (struct product){node, item, variable, source};
    return is_op(source, "TensorListFromTensor") && !source->conditional && !loop->conditional;
}

/* A scalar -1: a shape of which nothing is known. */
static struct edge add_unknown_shape(struct work *work, struct span name)
{
    struct arena *arena = work->graph.arena;
    struct node *node = work_add(work, &barrier_op, name);
    struct tensor *value = ARENA_NEW(arena, struct tensor);
    work_set_output(work, node, DTYPE_INT32);
    *value = (struct tensor){.dtype = DTYPE_INT32, .shape = shape_scalar()};
    value->data = arena_alloc(arena, sizeof(int32_t));
    *TENSOR_AT(value, int32_t) = -1;
    node->values = value;
    return (struct edge){node, 0};
}

static void set_inputs(struct work *work, struct node *node, const struct edge *inputs, int count)
{
    node->inputs = ARENA_ARRAY(work->graph.arena, struct edge, (size_t)count);
    memcpy(node->inputs, inputs, (size_t)count * sizeof *inputs);
    node->input_count = count;
}

/* The constant as a node of another graph; the value stays where it is, in the plan's regions. */
static struct edge import_constant(struct work *work, struct edge edge)
{
    struct node *node = work_add(work, &barrier_op, edge.node->name);
    work_set_output(work, node, edge.node->output_types[edge.output]);
    node->values = &edge.node->values[edge.output];
    return (struct edge){node, 0};
}

/* Outside: the products, as a list. */
static struct edge add_list(struct work *work, const struct product *p)
{
    enum dtype type = p->matmul->output_types[0];
    struct node *rows = work_add_op(work, "_RowsMatMul", p->matmul->name);
    rows->function = p->matmul->function;
    set_inputs(work, rows,
               (struct edge[]){p->source->inputs[0], import_constant(work, p->matmul->inputs[1])},
               2);
    work_set_output(work, rows, type);
    work_set_type(work, rows, "T", type);
    const struct pb_attr_value *transposed = node_attr(p->matmul, "transpose_b");
    if (transposed)
        work_set_attr(work, rows, "transpose_b", transposed);
    struct node *list = work_add_op(work, "TensorListFromTensor", p->source->name);
    list->function = p->source->function;
    set_inputs(work, list, (struct edge[]){{rows, 0}, add_unknown_shape(work, p->source->name)}, 2);
    work_set_output(work, list, DTYPE_VARIANT);
    work_set_type(work, list, "element_dtype", type);
    work_set_type(work, list, "shape_type", DTYPE_INT32);
    return (struct edge){list, 0};
}

/* One more input of the loop, which comes out as it went in. */
static void add_loop_input(struct work *work, struct node *loop, struct edge edge)
{
    struct arena *arena = work->graph.arena;
    int count = loop->input_count;
    struct edge *inputs = ARENA_ARRAY(arena, struct edge, (size_t)count + 1);
    enum dtype *types = ARENA_ARRAY(arena, enum dtype, (size_t)count + 1);
    memcpy(inputs, loop->inputs, (size_t)count * sizeof *inputs);
    memcpy(types, loop->output_types, (size_t)count * sizeof *types);
    inputs[count] = edge;
    types[count] = edge.node->output_types[edge.output];
    loop->inputs = inputs;
    loop->output_types = types;
    loop->input_count = loop->output_count = count + 1;
    work_set_types(work, loop, "T");
}

static struct node *add_feed(struct work *region, struct span name)
{
    struct node **feeds =
        ARENA_ARRAY(region->graph.arena, struct node *, (size_t)region->feed_count + 1);
    memcpy(feeds, region->feeds, (size_t)region->feed_count * sizeof *feeds);
    struct node *feed = work_add(region, &feed_op, name);
    work_set_output(region, feed, DTYPE_VARIANT);
    feeds[region->feed_count++] = feed;
    region->feeds = feeds;
    return feed;
}

static void add_fetch(struct work *body, struct node *feed)
{
    struct edge *fetches =
        ARENA_ARRAY(body->graph.arena, struct edge, (size_t)body->fetch_count + 1);
    memcpy(fetches, body->fetches, (size_t)body->fetch_count * sizeof *fetches);
    fetches[body->fetch_count++] = (struct edge){feed, 0};
    body->fetches = fetches;
}

/* Inside: the product is an element of that list. */
static void take_element(struct work *body, const struct product *p, struct node *feed)
{
    struct node *item = work_add_op(body, "TensorListGetItem", p->item->name);
    item->function = p->item->function;
    item->controls = p->item->controls;
    item->control_count = p->item->control_count;
    set_inputs(
        body, item,
        (struct edge[]){{feed, 0}, p->item->inputs[1], add_unknown_shape(body, p->item->name)}, 3);
    work_set_output(body, item, p->matmul->output_types[0]);
    work_set_type(body, item, "element_dtype", p->matmul->output_types[0]);
    p->matmul->forward = ARENA_NEW(body->graph.arena, struct edge);
    *p->matmul->forward = (struct edge){item, 0};
    p->matmul->forward_control = item;
}

void pass_hoist(struct work *work, struct node *node)
{
    struct work *body = node->regions[1].work;
    int count = body->graph.count;
    for (int i = 0; i < count; i++) {
        struct product product;
        if (!find_product(body, node, body->graph.nodes[i], &product))
            continue;
        add_loop_input(work, node, add_list(work, &product));
        add_feed(node->regions[0].work, product.source->name);
        struct node *feed = add_feed(body, product.source->name);
        add_fetch(body, feed);
        take_element(body, &product, feed);
    }
    work_resolve(body);
}
