/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking a forest. A walk is a loop over forward jumps; sums are floats, added in the order of the
 * trees, as Yggdrasil's own engines do.
 *
 * Yggdrasil serves most models with an engine that puts the mean or the most frequent value in the
 * place of a missing one. It does so only where each node's own rule for missing values says the
 * same, so that rule alone is enough here.
 */
#include "ops/forest/forest.h"

#include <math.h>

struct walk {
    const struct forest *forest;
    const struct forest_row *row;
};

/* ---- features ---- */

/* As Yggdrasil reads it: -1 is missing, what is out of range is in no dictionary. */
static inline int32_t category(const struct walk *w, const struct forest_node *node, int32_t value)
{
    int32_t limit = w->forest->limits[node->feature][node->slot];
    return value < -1 || value >= limit ? 0 : value;
}

struct set {
    const int32_t *values;
    int64_t count;
};

static inline struct set set_of(const struct walk *w, const struct forest_node *node)
{
    const int64_t *bounds = w->row->set_bounds + node->slot;
    return (struct set){w->row->set_values + bounds[0], bounds[1] - bounds[0]};
}

static inline bool set_is_missing(const struct walk *w, const struct forest_node *node,
                                  const struct set *set)
{
    return set->count && category(w, node, set->values[0]) < 0;
}

static bool is_missing(const struct walk *w, const struct forest_node *node)
{
    struct set set;
    switch ((enum forest_feature)node->feature) {
    case FOREST_NUMBER:
        return isnan(w->row->numbers[node->slot]);
    case FOREST_BOOLEAN:
        return isnan(w->row->booleans[node->slot]);
    case FOREST_CATEGORY:
        return category(w, node, w->row->categories[node->slot]) < 0;
    case FOREST_SET:
        set = set_of(w, node);
        return set_is_missing(w, node, &set);
    case FOREST_FEATURES:
        break;
    }
    return false;
}

/* ---- conditions ---- */

static inline bool is_higher(const struct walk *w, const struct forest_node *node)
{
    float value = w->row->numbers[node->slot];
    return isnan(value) ? node->missing : value >= node->threshold;
}

static inline bool is_true(const struct walk *w, const struct forest_node *node)
{
    float value = w->row->booleans[node->slot];
    return isnan(value) ? node->missing : value >= 0.5f;
}

static inline bool bitmap_has(const struct walk *w, const struct forest_node *node, int32_t value)
{
    const union forest_word *words = w->forest->words + node->first;
    return value >= 0 && (words[value / 32].bits >> (value % 32) & 1);
}

static bool list_has(const struct walk *w, const struct forest_node *node, int32_t value)
{
    const union forest_word *words = w->forest->words + node->first;
    uint32_t low = 0, high = node->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (words[middle].integer < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low < node->count && words[low].integer == value;
}

typedef bool has_fn(const struct walk *w, const struct forest_node *node, int32_t value);

static inline bool is_in(const struct walk *w, const struct forest_node *node, has_fn *has)
{
    int32_t value = category(w, node, w->row->categories[node->slot]);
    return value < 0 ? node->missing : has(w, node, value);
}

static inline bool any_in(const struct walk *w, const struct forest_node *node, has_fn *has)
{
    struct set set = set_of(w, node);
    if (set_is_missing(w, node, &set))
        return node->missing;
    for (int64_t i = 0; i < set.count; i++) {
        if (has(w, node, category(w, node, set.values[i])))
            return true;
    }
    return false;
}

static bool is_oblique(const struct walk *w, const struct forest_node *node)
{
    float sum = 0;
    const union forest_word *words = w->forest->words + node->first;
    for (uint32_t i = 0; i < node->count; i += 3) {
        float value = w->row->numbers[words[i].integer];
        if (isnan(value))
            value = words[i + 2].real;
        if (isnan(value))
            return node->missing;
        sum += value * words[i + 1].real;
    }
    return sum >= node->threshold;
}

static inline bool holds(const struct walk *w, const struct forest_node *node)
{
    switch ((enum forest_kind)node->kind) {
    case FOREST_HIGHER:
        return is_higher(w, node);
    case FOREST_TRUE:
        return is_true(w, node);
    case FOREST_IN_LIST:
        return is_in(w, node, list_has);
    case FOREST_IN_BITMAP:
        return is_in(w, node, bitmap_has);
    case FOREST_ANY_LIST:
        return any_in(w, node, list_has);
    case FOREST_ANY_BITMAP:
        return any_in(w, node, bitmap_has);
    case FOREST_OBLIQUE:
        return is_oblique(w, node);
    case FOREST_MISSING:
        return is_missing(w, node);
    case FOREST_LEAF:
        break;
    }
    return false;
}

static inline const struct forest_node *find_leaf(const struct walk *w, int32_t tree)
{
    const struct forest_node *nodes = w->forest->nodes, *node = nodes + w->forest->roots[tree];
    while (node->kind != FOREST_LEAF)
        node = holds(w, node) ? nodes + node->next : node + 1;
    return node;
}

/* ---- answers ---- */

static void softmax(float *values, int32_t count)
{
    float sum = 0;
    for (int32_t i = 0; i < count; i++) {
        values[i] = expf(values[i]);
        sum += values[i];
    }
    float scale = sum > 0 ? 1.0f / sum : 0.0f;
    for (int32_t i = 0; i < count; i++)
        values[i] *= scale;
}

static void finish(const struct forest *forest, float *outputs)
{
    if (forest->link == FOREST_LOGISTIC)
        outputs[0] = 1.0f / (1.0f + expf(-outputs[0]));
    if (forest->link == FOREST_EXPONENTIAL)
        outputs[0] = expf(fminf(fmaxf(outputs[0], -19.0f), 19.0f));
    if (forest->link == FOREST_SOFTMAX)
        softmax(outputs, forest->sums);
    if (forest->pair) {
        float p = fminf(fmaxf(outputs[0], 0.0f), 1.0f);
        outputs[0] = 1.0f - p;
        outputs[1] = p;
    }
}

void forest_answer(const struct forest *forest, const struct forest_row *row, float *outputs)
{
    const struct walk w = {forest, row};
    for (int32_t i = 0; i < forest->sums; i++)
        outputs[i] = forest->initial;
    for (int32_t tree = 0; tree < forest->tree_count; tree++) {
        const struct forest_node *leaf = find_leaf(&w, tree);
        const union forest_word *words = forest->words + leaf->first;
        for (uint32_t i = 0; i < leaf->count; i++)
            outputs[(uint32_t)leaf->slot + i] += words[i].real;
    }
    finish(forest, outputs);
}

void forest_leaves(const struct forest *forest, const struct forest_row *row, int32_t *leaves)
{
    const struct walk w = {forest, row};
    for (int32_t tree = 0; tree < forest->tree_count; tree++)
        leaves[tree] = (int32_t)find_leaf(&w, tree)->next;
}
