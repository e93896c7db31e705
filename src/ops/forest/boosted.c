/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message: trees (1), their weights (2), what training noted of each (3) and of all (4). A tree
 * is a list of nodes, the root first; a split names its children by their places, which must be
 * behind its own, so that every walk ends.
 */
#include "ops/forest/boosted.h"

#include "wire/field.h"

enum { TREES = 1, WEIGHTS = 2, TREE_NOTES = 3, NOTES = 4 };
enum { NODE_LEAF = 1, NODE_BUCKET = 2, NODE_CATEGORY = 3 };
enum { SPLIT_FEATURE = 1, SPLIT_VALUE = 2, SPLIT_LEFT = 3, SPLIT_RIGHT = 4, SPLIT_DIMENSION = 5 };
enum { LEAF_VECTOR = 1, LEAF_SCALAR = 3, VECTOR_VALUE = 1 };

static enum code malformed(const char *what, struct error *err)
{
    return error_set(err, CODE_INVALID_ARGUMENT, "Unable to parse tree ensemble proto: %s", what);
}

/* How often the field occurs. */
static bool count_fields(struct span in, uint32_t number, size_t *count)
{
    struct pb_wire_field field;
    bool done = false;
    *count = 0;
    while (pb_next_field(&in, &field, &done)) {
        if (done)
            return true;
        *count += field.number == number;
    }
    return false;
}

/* Floats of a repeated field, packed or not, behind those that are there. */
static void take_floats(const struct pb_wire_field *field, float *to, size_t *count)
{
    size_t n = field->bytes.len / sizeof *to;
    if (n)
        memcpy(to + *count, field->bytes.ptr, n * sizeof *to);
    *count += n;
}

/* All floats that the field has in the message. */
static bool read_floats(struct span in, uint32_t number, struct arena *arena, float **values,
                        size_t *count)
{
    struct pb_wire_field field;
    bool done = false;
    *count = 0;
    *values = arena_try_alloc(arena, in.len + sizeof **values, ARENA_ALIGN);
    while (*values && pb_next_field(&in, &field, &done)) {
        if (done)
            return true;
        bool floats = field.wire == PB_WIRE_BYTES || field.wire == PB_WIRE_32;
        if (field.number == number && floats)
            take_floats(&field, *values, count);
    }
    return false;
}

static bool read_leaf(struct span in, struct arena *arena, struct boosted_node *node)
{
    struct pb_wire_field field;
    struct span rest = in;
    bool done = false;
    float *values = NULL;
    size_t count = 0;
    node->kind = BOOSTED_LEAF;
    while (pb_next_field(&rest, &field, &done)) {
        if (done)
            break;
        if (field.number == LEAF_VECTOR && field.wire == PB_WIRE_BYTES &&
            !read_floats(field.bytes, VECTOR_VALUE, arena, &values, &count))
            return false;
    }
    if (done && !values && !read_floats(in, LEAF_SCALAR, arena, &values, &count))
        return false;
    if (!done || count > INT32_MAX)
        return false;
    if (!count)
        values[count++] = 0;
    node->values = values;
    node->value_count = (int32_t)count;
    return true;
}

static bool read_split(struct span in, struct boosted_node *node)
{
    struct pb_wire_field field;
    bool done = false;
    int32_t *const places[] = {
        [SPLIT_FEATURE] = &node->feature,     [SPLIT_VALUE] = &node->value,
        [SPLIT_LEFT] = &node->left,           [SPLIT_RIGHT] = &node->right,
        [SPLIT_DIMENSION] = &node->dimension,
    };
    while (pb_next_field(&in, &field, &done)) {
        if (done)
            return true;
        if (field.wire == PB_WIRE_VARINT && field.number >= SPLIT_FEATURE &&
            field.number <= SPLIT_DIMENSION)
            *places[field.number] = (int32_t)(uint32_t)field.varint;
    }
    return false;
}

static bool read_node(struct span in, struct arena *arena, struct boosted_node *node)
{
    struct pb_wire_field field;
    bool done = false, known = false;
    while (pb_next_field(&in, &field, &done)) {
        if (done)
            return known;
        if (field.wire != PB_WIRE_BYTES || field.number < NODE_LEAF || field.number > NODE_CATEGORY)
            continue;
        *node = (struct boosted_node){.kind = field.number == NODE_BUCKET ? BOOSTED_BUCKET
                                                                          : BOOSTED_CATEGORY};
        known = field.number == NODE_LEAF ? read_leaf(field.bytes, arena, node)
                                          : read_split(field.bytes, node);
        if (!known)
            return false;
    }
    return false;
}

static bool check_split(const struct boosted_node *node, int32_t place, int32_t count)
{
    return node->left > place && node->left < count && node->right > place && node->right < count &&
           node->feature >= 0 && node->dimension >= 0 && node->feature < INT32_MAX &&
           node->dimension < INT32_MAX;
}

static enum code read_tree(struct span in, struct arena *arena, struct boosted *e,
                           struct boosted_tree *tree, struct error *err)
{
    struct pb_wire_field field;
    size_t count;
    bool done = false;
    if (!count_fields(in, 1, &count) || count > INT32_MAX)
        return malformed("a tree", err);
    tree->nodes = arena_try_alloc(arena, count * sizeof *tree->nodes + 1, ARENA_ALIGN);
    if (!tree->nodes)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a tree of %zu nodes", count);
    while (pb_next_field(&in, &field, &done) && !done) {
        if (field.number == 1 && !read_node(field.bytes, arena, &tree->nodes[tree->count++]))
            return malformed("a node that is no leaf, bucketized or categorical split", err);
    }
    for (int32_t i = 0; i < tree->count; i++) {
        const struct boosted_node *node = &tree->nodes[i];
        if (node->kind == BOOSTED_LEAF)
            continue;
        if (!check_split(node, i, tree->count))
            return malformed("a split whose children are not behind it", err);
        e->features = node->feature >= e->features ? node->feature + 1 : e->features;
        e->dimensions = node->dimension >= e->dimensions ? node->dimension + 1 : e->dimensions;
    }
    return tree->count ? CODE_OK : malformed("a tree without nodes", err);
}

/* Number `number` of a message of notes; 0 when it is not there. */
static int32_t note(struct span in, uint32_t number)
{
    struct pb_wire_field field;
    bool done = false;
    int32_t value = 0;
    while (pb_next_field(&in, &field, &done) && !done) {
        if (field.number == number && field.wire == PB_WIRE_VARINT)
            value = (int32_t)(uint32_t)field.varint;
    }
    return value;
}

static void read_notes(struct span in, struct boosted *e)
{
    enum { LAYERS = 2, FIRST_NODE = 3, LAST_NODE = 4 };
    e->layers_attempted = note(in, LAYERS);
    e->last_layer[0] = note(in, FIRST_NODE);
    e->last_layer[1] = note(in, LAST_NODE);
}

enum code boosted_read(struct span bytes, struct arena *arena, struct boosted *e, struct error *err)
{
    enum { IS_FINALIZED = 3 };
    struct pb_wire_field field;
    struct span in = bytes;
    size_t count, weight_count;
    float *weights;
    bool done = false;
    *e = (struct boosted){.count = 0};
    if (!count_fields(bytes, TREES, &count) || count > INT32_MAX ||
        !read_floats(bytes, WEIGHTS, arena, &weights, &weight_count))
        return malformed("broken bytes", err);
    e->trees = arena_try_alloc(arena, count * sizeof *e->trees + 1, ARENA_ALIGN);
    if (!e->trees)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for %zu trees", count);
    if (weight_count < count)
        return malformed("fewer weights than trees", err);
    while (pb_next_field(&in, &field, &done) && !done) {
        if (field.number == TREES) {
            struct boosted_tree *tree = &e->trees[e->count];
            *tree = (struct boosted_tree){.weight = weights[e->count]};
            enum code code = read_tree(field.bytes, arena, e, tree, err);
            if (code)
                return code;
            e->count++;
        } else if (field.number == TREE_NOTES) {
            e->finalized += note(field.bytes, IS_FINALIZED) != 0;
        } else if (field.number == NOTES) {
            read_notes(field.bytes, e);
        }
    }
    return CODE_OK;
}

void boosted_answer(const struct boosted *e, const int32_t *const *features, float *sums,
                    int32_t outputs)
{
    for (int32_t t = 0; t < e->count; t++) {
        const struct boosted_tree *tree = &e->trees[t];
        const struct boosted_node *node = &tree->nodes[0];
        while (node->kind != BOOSTED_LEAF) {
            int32_t own = features[node->feature][node->dimension];
            bool left = node->kind == BOOSTED_BUCKET ? own <= node->value : own == node->value;
            node = &tree->nodes[left ? node->left : node->right];
        }
        for (int32_t i = 0; i < outputs && i < node->value_count; i++)
            sums[i] += tree->weight * node->values[i];
    }
}
