/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ensembles of tf.estimator's BoostedTreesClassifier and BoostedTreesRegressor, read from a
 * boosted_trees.TreeEnsemble message: trees over features that are buckets' or categories' numbers.
 */
#ifndef OPS_FOREST_BOOSTED_H
#define OPS_FOREST_BOOSTED_H

#include "base/arena.h"
#include "base/error.h"

enum boosted_kind { BOOSTED_LEAF, BOOSTED_BUCKET, BOOSTED_CATEGORY };

struct boosted_node {
    enum boosted_kind kind;
    int32_t feature, dimension; /* of a split: which number of which feature */
    int32_t value;              /* bucket: at most this goes left; category: this goes left */
    int32_t left, right;        /* within the tree, both behind the node */
    const float *values;        /* leaf */
    int32_t value_count;
};

struct boosted_tree {
    struct boosted_node *nodes;
    int32_t count;
    float weight;
};

struct boosted {
    struct boosted_tree *trees;
    int32_t count;
    int32_t features;   /* splits name features below this */
    int32_t dimensions; /* and dimensions below this */
    int32_t finalized, layers_attempted, last_layer[2];
};

/* In the arena. INVALID_ARGUMENT for what is no such message, or whose trees have no end. */
enum code boosted_read(struct span bytes, struct arena *arena, struct boosted *ensemble,
                       struct error *err);

/* One row of features: number d of feature f is features[f][d]. Adds up to `outputs` sums. */
void boosted_answer(const struct boosted *ensemble, const int32_t *const *features, float *sums,
                    int32_t outputs);

#endif
