/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two halves of forest_read() share: read.c reads the headers and the columns, nodes.c
 * the trees. Everything here lives in a scratch arena that ends with the reading.
 */
#ifndef OPS_FOREST_BUILD_H
#define OPS_FOREST_BUILD_H

#include "ops/forest/forest.h"

enum {
    /* Shards of nodes; their names count them with five digits. */
    FOREST_SHARDS_MAX = 99999,
    /* Classes. Bounds what a few bytes of a header can ask for; trees for so many would not be of
     * use to anybody. */
    FOREST_CLASSES_MAX = 1 << 16,
};

/* A column of the data that the model was made from. */
struct forest_column {
    int32_t type; /* enum pb_column_type */
    enum forest_feature feature;
    int32_t slot;            /* among the features of its kind; -1: no input of the model */
    int32_t limit;           /* of categories: how many values there are */
    const float *boundaries; /* of discretized numbers, ascending */
    size_t boundary_count;
};

/* What leaves say and what becomes of it. */
enum forest_vote {
    FOREST_VALUE,  /* the number of a regressor, times `scale` */
    FOREST_SHARES, /* a distribution of classes, times `scale` */
    FOREST_WINNER, /* `scale` for the most frequent class */
};

struct forest_build {
    const struct forest_source *source;
    struct arena *scratch;
    struct arena *arena;   /* of the forest */
    struct forest *forest; /* outputs, sums and features are known before nodes are read */
    struct forest_column *columns;
    size_t column_count;
    int32_t label;
    int32_t task; /* enum pb_task */
    bool probabilities;
    int32_t classes; /* of a classification; with two of them one sum stands for the second */
    /* of the header that the kind of model has */
    int64_t tree_count;
    int32_t shard_count;
    struct span node_format;
    enum forest_vote vote;
    float scale;
};

/* Reads all trees into build->forest. */
enum code forest_read_nodes(struct forest_build *build, struct error *err);

/* "folder/prefixname: " before the message; returns `code`, the error's. */
enum code forest_file_error(const struct forest_source *source, const char *name, enum code code,
                            struct error *err);

#endif
