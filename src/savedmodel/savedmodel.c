/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a version directory the way TensorFlow's C++ loader does: the proto, the MetaGraph of the
 * wanted tags, a look over its nodes, then what the loader would run, as names: restore op, assets,
 * initialiser. Nothing of the graph is built here.
 *
 * The proto is decoded in place: its spans, tensors included, point into the mapped file, which the
 * arena holds. Signatures and their tensors are copied to arrays sorted by name, for they are
 * looked up by every request.
 */
#include "savedmodel/savedmodel.h"

#include <stdlib.h>
#include <unistd.h>

#include "savedmodel/mapped_file.h"
#include "savedmodel/validate.h"
#include "tensor/tensor_proto.h"
#include "wire/messages.h"
#include "wire/pb.h"

/* Field numbers of oneofs. */
enum {
    COLLECTION_NODE_LIST = 1,
    COLLECTION_ANY_LIST = 5,
    TENSOR_INFO_NAME = 1,
};

#define INIT_OP_SIGNATURE "__saved_model_init_op"

/* ---- the file ---- */

static void unref_buffer(void *buffer)
{
    buffer_unref(buffer);
}

/* "<dir>/<name>" with one slash. */
static char *join(struct arena *arena, struct span dir, const char *name)
{
    const char *slash = dir.len && dir.ptr[dir.len - 1] == '/' ? "" : "/";
    return arena_printf(arena, "%.*s%s%s", SPAN_ARG(dir), slash, name);
}

static enum code decode_file(const char *path, bool is_text, struct arena *arena,
                             struct pb_saved_model *proto, struct error *err)
{
    struct buffer *file;
    enum code code = mapped_file_open(path, &file, err);
    if (code)
        return code;
    arena_defer(arena, unref_buffer, file);
    struct span bytes = mapped_file_bytes(file);
    code = is_text ? pb_parse_text(&pb_saved_model_type, bytes, arena, proto, err)
                   : pb_decode(&pb_saved_model_type, bytes, arena, proto, err);
    if (code)
        return error_set(err, CODE_DATA_LOSS, "Can't parse %s as %s proto: %s", path,
                         is_text ? "text" : "binary", err ? err->message : "");
    return CODE_OK;
}

static enum code read_proto(struct savedmodel *model, struct pb_saved_model **proto,
                            struct error *err)
{
    struct arena *arena = model->arena;
    *proto = ARENA_NEW(arena, struct pb_saved_model);
    const char *binary = join(arena, model->dir, "saved_model.pb");
    if (access(binary, F_OK) == 0)
        return decode_file(binary, false, arena, *proto, err);
    const char *text = join(arena, model->dir, "saved_model.pbtxt");
    if (access(text, F_OK) == 0)
        return decode_file(text, true, arena, *proto, err);
    if (access(join(arena, model->dir, "export.meta"), F_OK) == 0)
        return error_set(err, CODE_UNIMPLEMENTED, "Session Bundle is deprecated and removed.");
    return error_set(err, CODE_NOT_FOUND,
                     "Could not find SavedModel .pb or .pbtxt at supplied export directory path: "
                     "%.*s. Check that the directory exists and that you have the right "
                     "permissions for accessing it.",
                     SPAN_ARG(model->dir));
}

/* ---- the MetaGraph ---- */

static bool contains(const struct span *items, size_t count, struct span wanted)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal(items[i], wanted))
            return true;
    return false;
}

static bool includes(const struct span *a, size_t a_count, const struct span *b, size_t b_count)
{
    for (size_t i = 0; i < b_count; i++)
        if (!contains(a, a_count, b[i]))
            return false;
    return true;
}

static bool has_tags(const struct pb_meta_graph_def *graph, const struct span *tags, size_t count)
{
    struct pb_spans own = {0};
    if (graph->meta_info_def)
        own = graph->meta_info_def->tags;
    return includes(own.items, own.count, tags, count) &&
           includes(tags, count, own.items, own.count);
}

static enum code choose_meta_graph(struct savedmodel *model, const struct pb_saved_model *proto,
                                   const struct span *tags, size_t tag_count, struct error *err)
{
    for (size_t i = 0; i < proto->meta_graphs.count; i++) {
        if (has_tags(&proto->meta_graphs.items[i], tags, tag_count)) {
            model->meta_graph = &proto->meta_graphs.items[i];
            return CODE_OK;
        }
    }
    error_set(err, CODE_NOT_FOUND, "Could not find meta graph def matching supplied tags: { ");
    for (size_t i = 0; i < tag_count; i++)
        error_append(err, "%.*s ", SPAN_ARG(tags[i]));
    error_append(err, "}. To inspect available tag-sets in the SavedModel, please use the "
                      "SavedModel CLI: `saved_model_cli`");
    return CODE_NOT_FOUND;
}

static const struct pb_collection_def *find_collection(const struct pb_meta_graph_def *graph,
                                                       const char *name)
{
    for (size_t i = 0; i < graph->collection_def.count; i++)
        if (span_is(graph->collection_def.items[i].key, name))
            return graph->collection_def.items[i].value;
    return NULL;
}

/* ---- signatures ---- */

static void read_tensor_info(struct savedmodel_tensor_info *info, struct span alias,
                             const struct pb_tensor_info *proto)
{
    *info = (struct savedmodel_tensor_info){.alias = alias, .proto = proto};
    if (proto->encoding_case == TENSOR_INFO_NAME)
        info->name = proto->name;
    info->dtype = dtype_from_number(proto->dtype);
    info->is_ref = proto->dtype > DTYPE_REF_OFFSET;
    /* The declared shape is information, nothing is checked against it: a bad one is no reason to
     * refuse. */
    if (shape_from_proto(proto->tensor_shape, &info->shape, NULL))
        info->shape = shape_unknown();
}

static int by_alias(const void *a, const void *b)
{
    const struct savedmodel_tensor_info *x = a, *y = b;
    return span_compare(x->alias, y->alias);
}

static struct savedmodel_tensor_info *read_inputs(const struct pb_signature_def *proto,
                                                  struct arena *arena)
{
    size_t n = proto->inputs.count;
    struct savedmodel_tensor_info *infos = ARENA_ARRAY(arena, struct savedmodel_tensor_info, n);
    for (size_t i = 0; i < n; i++)
        read_tensor_info(&infos[i], proto->inputs.items[i].key, proto->inputs.items[i].value);
    qsort(infos, n, sizeof *infos, by_alias);
    return infos;
}

static struct savedmodel_tensor_info *read_outputs(const struct pb_signature_def *proto,
                                                   struct arena *arena)
{
    size_t n = proto->outputs.count;
    struct savedmodel_tensor_info *infos = ARENA_ARRAY(arena, struct savedmodel_tensor_info, n);
    for (size_t i = 0; i < n; i++)
        read_tensor_info(&infos[i], proto->outputs.items[i].key, proto->outputs.items[i].value);
    qsort(infos, n, sizeof *infos, by_alias);
    return infos;
}

/* A default for an alias that is no input says nothing and is passed over. */
static enum code read_defaults(struct savedmodel_signature *signature, struct arena *arena,
                               struct error *err)
{
    const struct pb_signature_def *proto = signature->proto;
    for (size_t i = 0; i < proto->defaults.count; i++) {
        struct savedmodel_tensor_info key = {.alias = proto->defaults.items[i].key};
        struct savedmodel_tensor_info *info =
            bsearch(&key, signature->inputs, signature->input_count, sizeof key, by_alias);
        if (!info)
            continue;
        info->default_value = ARENA_NEW(arena, struct tensor);
        enum code code =
            tensor_from_proto(proto->defaults.items[i].value, arena, info->default_value, err);
        if (code) {
            error_prefix(err, "signature \"%.*s\": default value of input \"%.*s\": ",
                         SPAN_ARG(signature->name), SPAN_ARG(key.alias));
            return code;
        }
    }
    return CODE_OK;
}

static int by_name(const void *a, const void *b)
{
    const struct savedmodel_signature *x = a, *y = b;
    return span_compare(x->name, y->name);
}

static enum code read_signatures(struct savedmodel *model, struct error *err)
{
    size_t n = model->meta_graph->signature_def.count;
    model->signatures = ARENA_ARRAY(model->arena, struct savedmodel_signature, n);
    model->signature_count = n;
    for (size_t i = 0; i < n; i++) {
        const struct pb_signature_def *proto = model->meta_graph->signature_def.items[i].value;
        struct savedmodel_signature *signature = &model->signatures[i];
        *signature = (struct savedmodel_signature){
            .name = model->meta_graph->signature_def.items[i].key,
            .method_name = proto->method_name,
            .inputs = read_inputs(proto, model->arena),
            .input_count = proto->inputs.count,
            .outputs = read_outputs(proto, model->arena),
            .output_count = proto->outputs.count,
            .proto = proto,
        };
        enum code code = read_defaults(signature, model->arena, err);
        if (code)
            return code;
    }
    qsort(model->signatures, n, sizeof *model->signatures, by_name);
    return CODE_OK;
}

const struct savedmodel_signature *savedmodel_find_signature(const struct savedmodel *model,
                                                             struct span name)
{
    struct savedmodel_signature key = {.name = name};
    if (model->signature_count == 0)
        return NULL;
    return bsearch(&key, model->signatures, model->signature_count, sizeof key, by_name);
}

/* ---- assets ---- */

static void read_asset(struct savedmodel *model, const struct pb_asset_file_def *proto)
{
    struct savedmodel_asset *asset = &model->assets[model->asset_count++];
    if (proto->tensor_info && proto->tensor_info->encoding_case == TENSOR_INFO_NAME)
        asset->tensor_name = proto->tensor_info->name;
    char *name = arena_printf(model->arena, "assets/%.*s", SPAN_ARG(proto->filename));
    asset->path = span_of(join(model->arena, model->dir, name));
}

/* Exports of TensorFlow 1 keep AssetFileDefs as Anys in a collection. */
static enum code read_asset_collection(struct savedmodel *model, struct error *err)
{
    const struct pb_collection_def *collection =
        find_collection(model->meta_graph, "saved_model_assets");
    if (!collection || collection->kind_case != COLLECTION_ANY_LIST)
        return CODE_OK;
    size_t n = collection->any_list->value.count;
    model->assets = ARENA_ARRAY(model->arena, struct savedmodel_asset, n);
    for (size_t i = 0; i < n; i++) {
        const struct pb_any *any = &collection->any_list->value.items[i];
        if (!span_ends_with(any->type_url, SPAN_LITERAL("/tensorflow.AssetFileDef")))
            return error_set(err, CODE_FAILED_PRECONDITION,
                             "Expected Any type_url for: tensorflow.AssetFileDef. Got: %.*s.",
                             SPAN_ARG(any->type_url));
        struct pb_asset_file_def asset;
        enum code code = pb_decode(&pb_asset_file_def_type, any->value, model->arena, &asset, err);
        if (code) {
            error_prefix(err, "collection saved_model_assets: ");
            return code;
        }
        read_asset(model, &asset);
    }
    return CODE_OK;
}

static enum code read_assets(struct savedmodel *model, struct error *err)
{
    size_t n = model->meta_graph->asset_file_def.count;
    if (n == 0)
        return read_asset_collection(model, err);
    model->assets = ARENA_ARRAY(model->arena, struct savedmodel_asset, n);
    for (size_t i = 0; i < n; i++)
        read_asset(model, &model->meta_graph->asset_file_def.items[i]);
    return CODE_OK;
}

/* ---- what runs at load ---- */

static enum code read_init_op(struct savedmodel *model, struct error *err)
{
    struct span key = SPAN_LITERAL(INIT_OP_SIGNATURE);
    const struct savedmodel_signature *signature = savedmodel_find_signature(model, key);
    for (size_t i = 0; signature && i < signature->output_count; i++) {
        if (span_equal(signature->outputs[i].alias, key)) {
            model->init_op = signature->outputs[i].name;
            return CODE_OK;
        }
    }
    if (signature)
        return error_set(err, CODE_FAILED_PRECONDITION, "Could not find output " INIT_OP_SIGNATURE);
    const struct pb_collection_def *collection =
        find_collection(model->meta_graph, "saved_model_main_op");
    if (!collection)
        collection = find_collection(model->meta_graph, "legacy_init_op");
    if (!collection)
        return CODE_OK;
    if (collection->kind_case != COLLECTION_NODE_LIST || collection->node_list->value.count != 1)
        return error_set(err, CODE_FAILED_PRECONDITION, "Expected exactly one main op in : %.*s",
                         SPAN_ARG(model->dir));
    model->init_op = collection->node_list->value.items[0];
    return CODE_OK;
}

static void read_restore(struct savedmodel *model)
{
    const struct pb_saver_def *saver = model->meta_graph->saver_def;
    const char *index = join(model->arena, model->dir, "variables/variables.index");
    if (access(index, F_OK) != 0)
        return;
    model->variables_prefix = join(model->arena, model->dir, "variables/variables");
    if (!saver)
        return;
    model->restore_op = saver->restore_op_name;
    model->filename_tensor = saver->filename_tensor_name;
}

enum code savedmodel_from_proto(struct savedmodel *model, const struct pb_saved_model *proto,
                                const struct span *tags, size_t tag_count, struct error *err)
{
    enum code code = choose_meta_graph(model, proto, tags, tag_count, err);
    if (!code)
        code = validate_graph(model->meta_graph->graph_def, err);
    if (!code)
        code = read_signatures(model, err);
    if (!code)
        code = read_assets(model, err);
    if (!code)
        code = read_init_op(model, err);
    if (!code)
        read_restore(model);
    return code;
}

enum code savedmodel_read(const char *dir, const struct span *tags, size_t tag_count,
                          struct arena *arena, struct savedmodel *model, struct error *err)
{
    struct error local = {0}; /* texts are built upon each other, also when nobody wants them */
    err = err ? err : &local;
    *model = (struct savedmodel){.arena = arena, .dir = arena_copy(arena, span_of(dir))};
    struct pb_saved_model *proto;
    enum code code = read_proto(model, &proto, err);
    if (!code)
        code = savedmodel_from_proto(model, proto, tags, tag_count, err);
    return code;
}
