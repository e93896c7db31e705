/* SPDX-License-Identifier: Apache-2.0 */
/* The list of ops that a model needs and we lack: collected over all signatures, reported in one
 * message. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/op.h"
#include "engine/passes/passes.h"

void missing_ops_init(struct missing_ops *missing, struct arena *arena)
{
    missing->arena = arena;
    map_init(&missing->ops, arena);
}

void missing_ops_add(struct missing_ops *missing, const struct node *node, struct span detail)
{
    struct span key = node->op_name.len ? node->op_name : SPAN_LITERAL("(unnamed)");
    if (detail.len)
        key = span_of(arena_printf(missing->arena, "%.*s %.*s", SPAN_ARG(key), SPAN_ARG(detail)));
    struct missing_op **slot = (struct missing_op **)map_at(&missing->ops, key, NULL);
    if (!*slot) {
        *slot = ARENA_NEW(missing->arena, struct missing_op);
        (*slot)->first_node = node->name;
    }
    (*slot)->nodes++;
}

static int compare_slots(const void *a, const void *b)
{
    const struct map_slot *const *x = a, *const *y = b;
    return span_compare((*x)->key, (*y)->key);
}

/* By name. */
static const struct map_slot **sorted_slots(const struct missing_ops *missing)
{
    const struct map_slot **slots =
        ARENA_ARRAY(missing->arena, const struct map_slot *, missing->ops.count);
    size_t cursor = 0;
    for (size_t i = 0; i < missing->ops.count; i++)
        slots[i] = map_next(&missing->ops, &cursor);
    qsort(slots, missing->ops.count, sizeof *slots, compare_slots);
    return slots;
}

enum code missing_ops_report(const struct missing_ops *missing, struct error *err)
{
    if (!missing->ops.count)
        return CODE_OK;
    error_set(err, CODE_UNIMPLEMENTED,
              "the model needs %zu op%s that this build lacks:", missing->ops.count,
              missing->ops.count == 1 ? "" : "s");
    const struct map_slot **slots = sorted_slots(missing);
    for (size_t i = 0; i < missing->ops.count; i++) {
        const struct missing_op *op = slots[i]->value;
        error_append(err, "%s %.*s (%zu node%s, first %.*s)", i ? "," : "", SPAN_ARG(slots[i]->key),
                     op->nodes, op->nodes == 1 ? "" : "s", SPAN_ARG(op->first_node));
    }
    return CODE_UNIMPLEMENTED;
}

/* Does our kernel have the node's dtype? */
static bool check_type(struct work *work, const struct node *node)
{
    if (!node->op->types)
        return true;
    const char *attr = node->op->types_attr ? node->op->types_attr : "T";
    const struct pb_attr_value *value = op_def_attr(node->def, node, span_of(attr));
    enum dtype dtype = value && value->value_case == ATTR_CASE_TYPE ? dtype_from_number(value->type)
                                                                    : DTYPE_INVALID;
    if (node->op->types & OP_TYPE(dtype))
        return true;
    char text[64];
    int len = snprintf(text, sizeof text, "for %s=%s", attr, dtype_name(dtype));
    missing_ops_add(work->missing, node, span_make(text, (size_t)len));
    return false;
}

bool pass_check_ops(struct work *work)
{
    bool complete = true;
    for (int i = 0; i < work->graph.count; i++) {
        const struct node *node = work->graph.nodes[i];
        if (node->op) {
            complete &= check_type(work, node);
        } else {
            missing_ops_add(work->missing, node, (struct span){0});
            complete = false;
        }
    }
    return complete;
}
