/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct savedmodel: the files of one version directory, read and checked, not run: saved_model.pb
 * or .pbtxt, the MetaGraph whose tags are asked for, its signatures, assets, initialiser and
 * checkpoint prefix (reference 6.1, 6.2).
 */
#ifndef SAVEDMODEL_SAVEDMODEL_H
#define SAVEDMODEL_SAVEDMODEL_H

#include "base/arena.h"
#include "tensor/tensor.h"

struct pb_saved_model;
struct pb_meta_graph_def;

struct savedmodel_tensor_info {
    struct span alias;
    struct span name;   /* "x:0"; empty for composite and sparse ones */
    enum dtype dtype;   /* references stripped; DTYPE_INVALID: none declared */
    struct shape shape; /* as declared */
    bool is_ref;
    const struct pb_tensor_info *proto; /* borrowed */
    struct tensor *default_value;       /* a signature's default for this input, or NULL */
};

struct savedmodel_signature {
    struct span name;
    struct span method_name;
    struct savedmodel_tensor_info *inputs; /* sorted by alias */
    size_t input_count;
    struct savedmodel_tensor_info *outputs; /* sorted by alias */
    size_t output_count;
    const struct pb_signature_def *proto;
};

struct savedmodel_asset {
    struct span tensor_name; /* "Const:0" */
    struct span path;        /* "<dir>/assets/<file>" */
};

struct savedmodel {
    struct arena *arena; /* borrowed: everything below lives in it */
    struct span dir;
    const struct pb_meta_graph_def *meta_graph; /* the chosen one */
    struct savedmodel_signature *signatures;    /* sorted by name; with the initialiser's */
    size_t signature_count;
    struct savedmodel_asset *assets;
    size_t asset_count;
    struct span init_op;         /* node to run after restore; empty: none */
    struct span restore_op;      /* empty: no checkpoint or nothing to restore */
    struct span filename_tensor; /* to feed with variables_prefix */
    const char
        *variables_prefix; /* "<dir>/variables/variables"; NULL when there is no index file */
};

/* `tags` of `tag_count`, compared as a set. The file is mapped and stays mapped until the arena is
 * released. Codes and texts of reference 6.1; INVALID_ARGUMENT/DATA_LOSS names the file for what
 * can not be parsed. */
enum code savedmodel_read(const char *dir, const struct span *tags, size_t tag_count,
                          struct arena *arena, struct savedmodel *model, struct error *err);

/* The same for a proto that was decoded already and, with its bytes, outlives the model; `arena`
 * and `dir` of the model are set, everything else is filled in. */
enum code savedmodel_from_proto(struct savedmodel *model, const struct pb_saved_model *proto,
                                const struct span *tags, size_t tag_count, struct error *err);

const struct savedmodel_signature *savedmodel_find_signature(const struct savedmodel *model,
                                                             struct span name);

#endif
