/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The graph is an array of node pointers that grows by doubling in the graph's arena; a node never
 * moves. Passes drop nodes by compacting the array, so that ids stay dense.
 */
#include "engine/node.h"

#include "engine/op_def.h"

void graph_init(struct graph *graph, struct arena *arena)
{
    *graph = (struct graph){.arena = arena};
    map_init(&graph->names, arena);
}

struct node *graph_add(struct graph *graph)
{
    if (graph->count == graph->room) {
        int room = graph->room ? graph->room * 2 : 64;
        struct node **nodes = ARENA_ARRAY(graph->arena, struct node *, (size_t)room);
        if (graph->count)
            memcpy(nodes, graph->nodes, (size_t)graph->count * sizeof *nodes);
        graph->nodes = nodes;
        graph->room = room;
    }
    struct node *node = ARENA_NEW(graph->arena, struct node);
    node->id = graph->count;
    graph->nodes[graph->count++] = node;
    return node;
}

struct node *graph_find(const struct graph *graph, struct span name)
{
    return name.len ? map_get(&graph->names, name) : NULL;
}

void node_add_control(struct graph *graph, struct node *node, struct node *before)
{
    struct node **controls =
        ARENA_ARRAY(graph->arena, struct node *, (size_t)node->control_count + 1);
    if (node->control_count)
        memcpy(controls, node->controls, (size_t)node->control_count * sizeof *controls);
    controls[node->control_count++] = before;
    node->controls = controls;
}

const struct pb_attr_value *node_attr(const struct node *node, const char *name)
{
    return op_def_attr(NULL, node, span_of(name));
}

bool node_parse_tensor_name(struct span text, struct span *name, int *output)
{
    if (text.len && text.ptr[0] == '^') {
        *name = span_sub(text, 1, text.len);
        *output = -1;
        return true;
    }
    size_t colon = text.len;
    while (colon > 0 && text.ptr[colon - 1] != ':')
        colon--;
    *name = colon ? span_sub(text, 0, colon - 1) : text;
    *output = 0;
    if (!colon)
        return true;
    int64_t number;
    if (!span_to_int64(span_sub(text, colon, text.len), &number) || number < 0 ||
        number > OP_ARG_TENSORS_MAX)
        return false;
    *output = (int)number;
    return true;
}

struct edge edge_resolve(struct edge edge)
{
    while (edge.node->forward)
        edge = edge.node->forward[edge.output];
    return edge;
}

void graph_resolve(struct graph *graph)
{
    for (int i = 0; i < graph->count; i++) {
        struct node *node = graph->nodes[i];
        for (int k = 0; k < node->input_count; k++)
            node->inputs[k] = edge_resolve(node->inputs[k]);
        for (int k = 0; k < node->control_count; k++) {
            while (node->controls[k]->forward_control)
                node->controls[k] = node->controls[k]->forward_control;
        }
    }
}
