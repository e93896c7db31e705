/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct forest: a random forest or gradient boosted trees of Yggdrasil (TensorFlow Decision
 * Forests), read from its files and laid out for asking. Read-only once it is read; any number of
 * threads may ask it.
 *
 * All trees lie in one array of nodes in the order node, negative child, positive child, as they do
 * in the files: a condition that does not hold leads to the node right behind, one that holds to
 * `next`, which is always further on. So a walk ends whatever the file says. Lists, bitmaps, sums
 * and the values of leaves are ranges of one array of words.
 */
#ifndef OPS_FOREST_FOREST_H
#define OPS_FOREST_FOREST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

/* The kinds of features, each of which comes in a tensor of its own. */
enum forest_feature {
    FOREST_NUMBER,   /* float; NaN: missing */
    FOREST_BOOLEAN,  /* float, true from 0.5 on; NaN: missing */
    FOREST_CATEGORY, /* int32; -1: missing; out of range: 0, "in no dictionary" */
    FOREST_SET,      /* a list of categories; begins with -1: missing */
    FOREST_FEATURES,
};

enum forest_kind {
    FOREST_LEAF,       /* words: what it adds to the sums from `slot` on */
    FOREST_HIGHER,     /* number >= threshold */
    FOREST_TRUE,       /* boolean */
    FOREST_IN_LIST,    /* words: categories in ascending order */
    FOREST_IN_BITMAP,  /* words: bit v of them says whether category v belongs to it */
    FOREST_ANY_LIST,   /* the same for some element of a set */
    FOREST_ANY_BITMAP, /* the same */
    FOREST_OBLIQUE,    /* sum of weighted numbers >= threshold; words: slot, weight, replacement of
                          a missing number (NaN: none); ... */
    FOREST_MISSING,    /* the feature has no value */
};

struct forest_node {
    uint8_t kind;    /* enum forest_kind */
    uint8_t feature; /* enum forest_feature: what slot counts */
    bool missing;    /* what a condition says of a missing value */
    int32_t slot;    /* which feature of its kind; of a leaf: which sum */
    uint32_t next;   /* the node if the condition holds; of a leaf: its number in the tree */
    uint32_t first;  /* range of forest->words */
    uint32_t count;
    float threshold;
};

union forest_word {
    float real;
    int32_t integer;
    uint32_t bits;
};

/* From sums to answers. */
enum forest_link {
    FOREST_IDENTITY,
    FOREST_LOGISTIC,    /* of one sum */
    FOREST_EXPONENTIAL, /* of one sum, kept within [-19, 19] */
    FOREST_SOFTMAX,
};

/* Everything lies in the arena given to forest_read(). */
struct forest {
    const struct forest_node *nodes;
    const union forest_word *words;
    const uint32_t *roots; /* the first node of each tree */
    int32_t tree_count;
    int32_t feature_counts[FOREST_FEATURES];
    const int32_t *limits[FOREST_FEATURES]; /* of categories and sets: how many values there are */
    int32_t sums;                           /* numbers that the trees add to */
    int32_t outputs;                        /* of one example */
    enum forest_link link;
    bool pair; /* one sum p, two outputs: 1 - p and p, kept within [0, 1] */
    float initial;
    const struct span *labels; /* a name for each output; empty where there are no classes */
};

/* Where the files of a model come from. */
struct forest_source {
    /* The bytes of the file of that name, in the arena. NOT_FOUND and so on; errors name it. */
    enum code (*read)(const struct forest_source *source, const char *name, struct arena *arena,
                      struct span *bytes, struct error *err);
    const char *folder; /* with a slash at its end */
    const char *prefix; /* of the names of all files */
};

/* Reads from a folder. */
enum code forest_read_file(const struct forest_source *source, const char *name,
                           struct arena *arena, struct span *bytes, struct error *err);

/* Reads a model. INVALID_ARGUMENT: a file is broken; UNIMPLEMENTED: the model needs something that
 * is not here; RESOURCE_EXHAUSTED; and what source->read returns. The message names file and
 * record. */
enum code forest_read(const struct forest_source *source, struct arena *arena,
                      struct forest *forest, struct error *err);

/* The features of one example. */
struct forest_row {
    const float *numbers; /* feature_counts[FOREST_NUMBER]; and so on */
    const float *booleans;
    const int32_t *categories;
    const int64_t *set_bounds; /* set i: set_values from set_bounds[i] to set_bounds[i + 1] */
    const int32_t *set_values;
};

/* Writes forest->outputs numbers. */
void forest_answer(const struct forest *forest, const struct forest_row *row, float *outputs);

/* Writes for each tree which of its leaves is reached, counted from 0 in the order of the nodes. */
void forest_leaves(const struct forest *forest, const struct forest_row *row, int32_t *leaves);

#endif
