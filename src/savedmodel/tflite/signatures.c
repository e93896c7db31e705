/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three sources, the first that has any counts: a buffer that the metadata call
 * "signature_defs_metadata", a FlexBuffer map of names to SignatureDef messages, whose tensors are
 * meant by their names; the schema's own table, whose tensors are numbers; the subgraph's inputs
 * and outputs themselves.
 */
#include "savedmodel/tflite/signatures.h"

#include <stdlib.h>

#include "base/map.h"
#include "wire/flexbuffer.h"
#include "wire/pb.h"

#define METADATA_NAME "signature_defs_metadata"
#define PREDICT       "tensorflow/serving/predict"

enum { MODEL_METADATA = 6, MODEL_SIGNATURES };
enum { METADATA_NAME_FIELD, METADATA_BUFFER };
enum { SIGNATURE_INPUTS, SIGNATURE_OUTPUTS, SIGNATURE_KEY, SIGNATURE_SUBGRAPH = 4 };
enum { MAP_NAME, MAP_TENSOR };
enum { TENSOR_INFO_NAME = 1 }; /* the field of the message's oneof */

static struct pb_tensor_shape_proto *shape_message(struct arena *arena, const struct shape *shape)
{
    struct pb_tensor_shape_proto *message = ARENA_NEW(arena, struct pb_tensor_shape_proto);
    message->dim.count = (size_t)shape->rank;
    message->dim.items = ARENA_ARRAY(arena, struct pb_tensor_shape_proto_dim, message->dim.count);
    for (int i = 0; i < shape->rank; i++)
        message->dim.items[i].size = shape->dims[i];
    return message;
}

static void set_info(struct tfl_model *model, size_t subgraph, int number, struct span alias,
                     struct tfl_info *info)
{
    const struct tfl_tensor *tensor = &model->subgraphs[subgraph].tensors[number];
    *info = (struct tfl_info){.alias = alias, .tensor = number};
    info->proto.encoding_case = TENSOR_INFO_NAME;
    info->proto.name = tensor->name;
    info->proto.dtype = (int32_t)tensor->dtype;
    info->proto.tensor_shape = shape_message(model->arena, &tensor->declared);
}

static struct tfl_info *new_infos(struct tfl_model *model, size_t count, struct error *err)
{
    enum { SHAPES_TOO = 8 }; /* what an info points to takes several times its own size */
    if (count > SIZE_MAX / SHAPES_TOO / sizeof(struct tfl_info) ||
        tfl_charge(model, count * SHAPES_TOO * sizeof(struct tfl_info), err))
        return NULL;
    return ARENA_ARRAY(model->arena, struct tfl_info, count);
}

static struct span cut_at_colon(struct span name)
{
    return span_sub(name, 0, span_find(name, ':'));
}

/* ---- made of the tensors' names ---- */

static int by_tensor_name(const void *a, const void *b)
{
    return span_compare(((const struct tfl_info *)a)->proto.name,
                        ((const struct tfl_info *)b)->proto.name);
}

/* Of several names that are the same up to their ":" the last keeps the short one, as in TensorFlow
 * Serving; there the others are lost, here they are called by all of their name. */
static struct tfl_info *name_all(struct tfl_model *model, const struct tfl_list *list,
                                 struct error *err)
{
    struct tfl_info *infos = new_infos(model, list->count, err);
    for (size_t i = 0; infos && i < list->count; i++)
        set_info(model, 0, list->items[i], (struct span){0}, &infos[i]);
    if (infos)
        qsort(infos, list->count, sizeof *infos, by_tensor_name);
    for (size_t i = 0; infos && i < list->count; i++) {
        struct span name = infos[i].proto.name, alias = cut_at_colon(name);
        bool taken =
            i + 1 < list->count && span_equal(alias, cut_at_colon(infos[i + 1].proto.name));
        infos[i].alias = taken ? name : alias;
    }
    return infos;
}

static enum code generate(struct tfl_model *model, struct tfl_signature *signature,
                          struct error *err)
{
    const struct tfl_subgraph *graph = &model->subgraphs[0];
    *signature = (struct tfl_signature){
        .name = SPAN_LITERAL("serving_default"),
        .method_name = SPAN_LITERAL(PREDICT),
        .inputs = name_all(model, &graph->inputs, err),
        .input_count = graph->inputs.count,
        .output_count = graph->outputs.count,
    };
    if (!signature->inputs)
        return CODE_RESOURCE_EXHAUSTED;
    signature->outputs = name_all(model, &graph->outputs, err);
    return signature->outputs ? CODE_OK : CODE_RESOURCE_EXHAUSTED;
}

/* ---- the schema's table ---- */

/* Which of the subgraph's tensors are in the list. */
static bool *marks(struct tfl_model *model, size_t subgraph, const struct tfl_list *list,
                   struct error *err)
{
    size_t count = model->subgraphs[subgraph].tensor_count;
    if (tfl_charge(model, count, err))
        return NULL;
    bool *marked = ARENA_ARRAY(model->arena, bool, count);
    for (size_t i = 0; i < list->count; i++)
        marked[list->items[i]] = true;
    return marked;
}

static enum code read_map(struct tfl_model *model, const struct flatbuffer_table *table, int field,
                          size_t subgraph, struct tfl_info **infos, size_t *count,
                          struct error *err)
{
    const struct tfl_subgraph *graph = &model->subgraphs[subgraph];
    const struct tfl_list *list = field == SIGNATURE_INPUTS ? &graph->inputs : &graph->outputs;
    struct flatbuffer_vector all;
    struct flatbuffer_table one;
    if (!flatbuffer_vector(table, field, 4, &all))
        return error_set(err, CODE_INVALID_ARGUMENT, "it leads out of the file");
    *infos = new_infos(model, all.count, err);
    const bool *known = *infos ? marks(model, subgraph, list, err) : NULL;
    if (!known)
        return CODE_RESOURCE_EXHAUSTED;
    *count = all.count;
    for (size_t i = 0; i < all.count; i++) {
        struct span alias;
        uint64_t number = 0;
        if (!flatbuffer_vector_table(&all, i, &one) || !flatbuffer_string(&one, MAP_NAME, &alias) ||
            !flatbuffer_number(&one, MAP_TENSOR, 4, &number))
            return error_set(err, CODE_INVALID_ARGUMENT, "it leads out of the file");
        if (number >= graph->tensor_count || !known[number])
            return error_set(err, CODE_INVALID_ARGUMENT, "\"%.*s\" is tensor %llu, which is no %s",
                             SPAN_ARG(alias), (unsigned long long)number,
                             field == SIGNATURE_INPUTS ? "input" : "output");
        set_info(model, subgraph, (int)number, alias, &(*infos)[i]);
    }
    return CODE_OK;
}

static enum code read_signature(struct tfl_model *model, const struct flatbuffer_table *table,
                                struct tfl_signature *signature, struct error *err)
{
    uint64_t subgraph = 0;
    signature->method_name = SPAN_LITERAL(PREDICT);
    if (!flatbuffer_string(table, SIGNATURE_KEY, &signature->name) ||
        !flatbuffer_number(table, SIGNATURE_SUBGRAPH, 4, &subgraph))
        return error_set(err, CODE_INVALID_ARGUMENT, "it leads out of the file");
    if (subgraph >= model->subgraph_count)
        return error_set(err, CODE_INVALID_ARGUMENT, "there is no subgraph %llu",
                         (unsigned long long)subgraph);
    signature->subgraph = (size_t)subgraph;
    enum code code = read_map(model, table, SIGNATURE_INPUTS, signature->subgraph,
                              &signature->inputs, &signature->input_count, err);
    if (!code)
        code = read_map(model, table, SIGNATURE_OUTPUTS, signature->subgraph, &signature->outputs,
                        &signature->output_count, err);
    return code;
}

static enum code read_table(struct tfl_model *model, const struct flatbuffer_vector *all,
                            struct tfl_signature *signatures, struct error *err)
{
    enum code code = CODE_OK;
    for (size_t i = 0; !code && i < all->count; i++) {
        struct flatbuffer_table one;
        if (!flatbuffer_vector_table(all, i, &one))
            code = error_set(err, CODE_INVALID_ARGUMENT, "it leads out of the file");
        if (!code)
            code = read_signature(model, &one, &signatures[i], err);
        if (code)
            error_prefix(err, "signature %zu: ", i);
    }
    return code;
}

/* ---- the metadata ---- */

static enum code find_metadata(const struct tfl_model *model, struct span *bytes, struct error *err)
{
    struct flatbuffer_vector all;
    struct flatbuffer_table one;
    *bytes = (struct span){0};
    if (!flatbuffer_vector(&model->root, MODEL_METADATA, 4, &all))
        return error_set(err, CODE_INVALID_ARGUMENT, "its metadata lead out of the file");
    for (size_t i = 0; i < all.count; i++) {
        struct span name;
        uint64_t buffer = 0;
        if (!flatbuffer_vector_table(&all, i, &one) ||
            !flatbuffer_string(&one, METADATA_NAME_FIELD, &name) ||
            !flatbuffer_number(&one, METADATA_BUFFER, 4, &buffer))
            return error_set(err, CODE_INVALID_ARGUMENT, "metadata %zu lead out of the file", i);
        if (span_is(name, METADATA_NAME))
            return tfl_buffer(model, buffer, bytes, err);
    }
    return CODE_OK;
}

/* The inputs or outputs that a SignatureDef may name. */
struct side {
    const char *what;
    struct map numbers; /* tensors' names -> entries of the list */
};

static enum code side_init(struct tfl_model *model, const char *what, const struct tfl_list *list,
                           struct side *side, struct error *err)
{
    enum { SLOTS = 4 }; /* of a map's room, for each entry */
    side->what = what;
    map_init(&side->numbers, model->arena);
    if (tfl_charge(model, SLOTS * list->count * sizeof(struct map_slot), err))
        return CODE_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < list->count; i++) {
        struct span name = model->subgraphs[0].tensors[list->items[i]].name;
        if (name.len)
            map_put(&side->numbers, name, (void *)&list->items[i]);
    }
    return CODE_OK;
}

/* The tensor of that name, or of that name up to its ":". */
static const int *find_tensor(const struct side *side, struct span name)
{
    const int *found = name.len ? map_get(&side->numbers, name) : NULL;
    struct span cut = cut_at_colon(name);
    return found || !cut.len ? found : map_get(&side->numbers, cut);
}

static enum code take_info(struct tfl_model *model, const struct side *side, struct span alias,
                           const struct pb_tensor_info *proto, struct tfl_info *info,
                           struct error *err)
{
    struct span name = proto->encoding_case == TENSOR_INFO_NAME ? proto->name : (struct span){0};
    const int *number = find_tensor(side, name);
    if (!number)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Signature %s %.*s references an unknown tensor: Unknown tensor '%.*s'.",
                         side->what, SPAN_ARG(alias), SPAN_ARG(name));
    set_info(model, 0, *number, alias, info);
    info->proto.dtype = proto->dtype ? proto->dtype : info->proto.dtype;
    info->proto.tensor_shape = proto->tensor_shape ? proto->tensor_shape : info->proto.tensor_shape;
    return CODE_OK;
}

static enum code take_message(struct tfl_model *model, const struct side sides[2],
                              struct span bytes, struct tfl_signature *signature, struct error *err)
{
    struct pb_signature_def proto;
    enum code code = pb_decode(&pb_signature_def_type, bytes, model->arena, &proto, err);
    if (code)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Cannot parse signature def found in flatbuffer.");
    signature->method_name = proto.method_name;
    signature->input_count = proto.inputs.count;
    signature->output_count = proto.outputs.count;
    signature->inputs = new_infos(model, proto.inputs.count, err);
    signature->outputs = signature->inputs ? new_infos(model, proto.outputs.count, err) : NULL;
    if (!signature->outputs)
        return CODE_RESOURCE_EXHAUSTED;
    for (size_t i = 0; !code && i < proto.inputs.count; i++)
        code = take_info(model, &sides[0], proto.inputs.items[i].key, proto.inputs.items[i].value,
                         &signature->inputs[i], err);
    for (size_t i = 0; !code && i < proto.outputs.count; i++)
        code = take_info(model, &sides[1], proto.outputs.items[i].key, proto.outputs.items[i].value,
                         &signature->outputs[i], err);
    return code;
}

static enum code take_metadata(struct tfl_model *model, const struct flexbuffer_value *map,
                               size_t count, struct tfl_signature *signatures, struct error *err)
{
    const struct tfl_subgraph *graph = &model->subgraphs[0];
    struct side sides[2];
    enum code code = side_init(model, "input", &graph->inputs, &sides[0], err);
    if (!code)
        code = side_init(model, "output", &graph->outputs, &sides[1], err);
    for (size_t i = 0; !code && i < count; i++) {
        struct flexbuffer_value item;
        struct span bytes;
        if (!flexbuffer_key(map, i, &signatures[i].name) || !flexbuffer_item(map, i, &item) ||
            !flexbuffer_text(&item, &bytes))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "%s: entry %zu leads out of it or is no text", METADATA_NAME, i);
        code = take_message(model, sides, bytes, &signatures[i], err);
    }
    return code;
}

/* ---- all of them ---- */

static enum code new_signatures(struct tfl_model *model, size_t count,
                                struct tfl_signature **signatures, struct error *err)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, sizeof **signatures, &bytes))
        bytes = SIZE_MAX;
    enum code code = tfl_charge(model, bytes, err);
    if (!code)
        *signatures = ARENA_ARRAY(model->arena, struct tfl_signature, count);
    return code;
}

enum code tfl_signatures_read(struct tfl_model *model, struct tfl_signature **signatures,
                              size_t *count, struct error *err)
{
    struct span metadata;
    struct flexbuffer_value map;
    struct flatbuffer_vector table;
    enum code code = find_metadata(model, &metadata, err);
    if (code)
        return code;
    if (metadata.len) {
        if (!flexbuffer_root(metadata, &map) || !flexbuffer_count(&map, count))
            return error_set(err, CODE_INVALID_ARGUMENT, METADATA_NAME " is no FlexBuffer map");
        code = new_signatures(model, *count, signatures, err);
        if (code || *count)
            return code ? code : take_metadata(model, &map, *count, *signatures, err);
    }
    if (!flatbuffer_vector(&model->root, MODEL_SIGNATURES, 4, &table))
        return error_set(err, CODE_INVALID_ARGUMENT, "its signatures lead out of the file");
    *count = table.count ? table.count : 1;
    code = new_signatures(model, *count, signatures, err);
    if (code)
        return code;
    return table.count ? read_table(model, &table, *signatures, err)
                       : generate(model, *signatures, err);
}
