/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main graph has, for each subgraph that a signature is of, a Placeholder for each of its
 * inputs and a call of its function; what is called once is a call that the initialiser waits for.
 * A SavedModel's reader then takes it from there; only the names by which a signature's tensors are
 * found in the graph are set apart from those that users see, which are the file's and may be any.
 */
#include "savedmodel/tflite/tflite.h"

#include <unistd.h>

#include "base/map.h"
#include "savedmodel/mapped_file.h"
#include "savedmodel/tflite/signatures.h"
#include "savedmodel/tflite/translate.h"

#define FILE_NAME "model.tflite"

struct builder {
    struct arena *arena;
    struct tfl_translation t;
    struct tfl_signature *signatures;
    size_t signature_count;
    struct pb_graph_def *graph;
    struct function_maker main; /* its nodes are the graph's */
    struct map names;           /* of the graph's nodes */
    struct entry *entries;      /* by subgraph */
};

/* How a signature enters a subgraph and what it takes out. */
struct entry {
    struct pb_node_def *call; /* NULL: no signature is of it */
    struct span *tensors;     /* of the graph, by the subgraph's tensor: inputs */
    struct span *results;     /* the same, outputs */
};

/* ---- nodes ---- */

/* Letters, digits and what else a node's name may have; the rest becomes "_". */
static struct span legal(struct arena *arena, struct span name)
{
    enum { SHOWN_MAX = 200 };
    static const char others[] = "_.-/";
    struct span text = span_sub(name, 0, SHOWN_MAX);
    char *copy = arena_strdup(arena, text);
    for (size_t i = 0; i < text.len; i++) {
        char c = copy[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_plain && (!c || !strchr(others, c)))
            copy[i] = '_';
    }
    return text.len ? span_make(copy, text.len) : SPAN_LITERAL("tensor");
}

/* A node named so, or so and a number. */
static struct pb_node_def *add_node(struct builder *b, struct span name, const char *op)
{
    struct pb_node_def *node = function_maker_node(&b->main, span_of(op));
    struct span unique = name;
    while (map_has(&b->names, unique))
        unique = span_of(arena_printf(b->arena, "%.*s_%zu", SPAN_ARG(name), b->names.count));
    map_put(&b->names, unique, node);
    node->name = unique;
    return node;
}

static struct pb_node_def *add_call(struct builder *b, size_t subgraph)
{
    const struct tfl_subgraph *graph = &b->t.model->subgraphs[subgraph];
    struct span function = tfl_function_name(&b->t, subgraph);
    struct pb_node_def *node = add_node(b, legal(b->arena, function), "StatefulPartitionedCall");
    const struct tfl_list *lists[] = {&graph->inputs, &graph->outputs};
    static const char *const names[] = {"Tin", "Tout"};
    for (int side = 0; side < 2; side++) {
        enum dtype *dtypes = ARENA_ARRAY(b->arena, enum dtype, lists[side]->count);
        for (size_t i = 0; i < lists[side]->count; i++)
            dtypes[i] = graph->tensors[lists[side]->items[i]].dtype;
        node_types(b->arena, node, names[side], dtypes, lists[side]->count);
    }
    node_func(b->arena, node, "f", function);
    return node;
}

static struct span add_placeholder(struct builder *b, const struct tfl_tensor *tensor)
{
    struct span short_name = span_sub(tensor->name, 0, span_find(tensor->name, ':'));
    struct pb_node_def *node = add_node(b, legal(b->arena, short_name), "Placeholder");
    node_type(b->arena, node, "dtype", tensor->dtype);
    return node->name;
}

/* Its inputs and its call, when it is first asked for. */
static void add_subgraph(struct builder *b, size_t subgraph)
{
    const struct tfl_subgraph *graph = &b->t.model->subgraphs[subgraph];
    struct entry *entry = &b->entries[subgraph];
    if (entry->call)
        return;
    entry->tensors = ARENA_ARRAY(b->arena, struct span, graph->tensor_count);
    entry->results = ARENA_ARRAY(b->arena, struct span, graph->tensor_count);
    for (size_t i = 0; i < graph->inputs.count; i++) {
        int number = graph->inputs.items[i];
        entry->tensors[number] = add_placeholder(b, &graph->tensors[number]);
    }
    entry->call = add_call(b, subgraph);
    for (size_t i = 0; i < graph->inputs.count; i++)
        node_input(b->arena, entry->call, entry->tensors[graph->inputs.items[i]]);
    for (size_t i = 0; i < graph->outputs.count; i++)
        entry->results[graph->outputs.items[i]] = node_output(b->arena, entry->call, i);
}

/* What is called once, and a node that waits for it; empty: nothing is. */
static struct span add_initialiser(struct builder *b)
{
    struct pb_node_def *all = NULL;
    for (size_t i = 0; i < b->t.model->subgraph_count; i++) {
        if (!b->t.ran_once[i] || !b->t.functions[i])
            continue;
        all = all ? all : add_node(b, SPAN_LITERAL("initialise"), "NoOp");
        struct span call = add_call(b, i)->name;
        node_input(b->arena, all, span_of(arena_printf(b->arena, "^%.*s", SPAN_ARG(call))));
    }
    return all ? all->name : (struct span){0};
}

/* ---- signatures ---- */

static void name_tensors(struct builder *b, struct tfl_signature *s)
{
    const struct entry *entry = &b->entries[s->subgraph];
    for (size_t i = 0; i < s->input_count; i++)
        s->inputs[i].graph_name = entry->tensors[s->inputs[i].tensor];
    for (size_t i = 0; i < s->output_count; i++)
        s->outputs[i].graph_name = entry->results[s->outputs[i].tensor];
}

static struct pb_signature_def *signature_message(struct arena *arena,
                                                  const struct tfl_signature *s)
{
    struct pb_signature_def *message = ARENA_NEW(arena, struct pb_signature_def);
    message->method_name = s->method_name;
    message->inputs.count = s->input_count;
    message->inputs.items =
        ARENA_ARRAY(arena, struct pb_signature_def_inputs_entry, s->input_count);
    for (size_t i = 0; i < s->input_count; i++)
        message->inputs.items[i] = (struct pb_signature_def_inputs_entry){
            .key = s->inputs[i].alias, .value = &s->inputs[i].proto};
    message->outputs.count = s->output_count;
    message->outputs.items =
        ARENA_ARRAY(arena, struct pb_signature_def_outputs_entry, s->output_count);
    for (size_t i = 0; i < s->output_count; i++)
        message->outputs.items[i] = (struct pb_signature_def_outputs_entry){
            .key = s->outputs[i].alias, .value = &s->outputs[i].proto};
    return message;
}

static void use_graph_names(struct savedmodel_tensor_info *infos, size_t count)
{
    for (size_t i = 0; i < count; i++)
        infos[i].name = ((const struct tfl_info *)infos[i].proto)->graph_name;
}

/* ---- the whole ---- */

static void finish_graph(struct builder *b)
{
    const struct pb_function_def *main = function_maker_finish(&b->main);
    struct pb_graph_def *graph = b->graph;
    graph->node.items = main->node_def.items;
    graph->node.count = main->node_def.count;
    graph->library = ARENA_NEW(b->arena, struct pb_function_def_library);
    graph->library->function.items =
        ARENA_ARRAY(b->arena, struct pb_function_def, b->t.model->subgraph_count);
    for (size_t i = 0; i < b->t.model->subgraph_count; i++) {
        if (b->t.functions[i])
            graph->library->function.items[graph->library->function.count++] = *b->t.functions[i];
    }
}

static struct pb_saved_model *message_of(struct builder *b)
{
    struct pb_saved_model *message = ARENA_NEW(b->arena, struct pb_saved_model);
    struct pb_meta_graph_def *meta_graph = ARENA_NEW(b->arena, struct pb_meta_graph_def);
    meta_graph->graph_def = b->graph;
    meta_graph->signature_def.count = b->signature_count;
    meta_graph->signature_def.items =
        ARENA_ARRAY(b->arena, struct pb_meta_graph_def_signature_def_entry, b->signature_count);
    for (size_t i = 0; i < b->signature_count; i++)
        meta_graph->signature_def.items[i] = (struct pb_meta_graph_def_signature_def_entry){
            .key = b->signatures[i].name,
            .value = signature_message(b->arena, &b->signatures[i]),
        };
    message->meta_graphs.items = meta_graph;
    message->meta_graphs.count = 1;
    return message;
}

static enum code build(struct builder *b, struct tfl_model *model, struct error *err)
{
    enum code code = tfl_signatures_read(model, &b->signatures, &b->signature_count, err);
    if (code)
        return code;
    size_t count = model->subgraph_count;
    b->t = (struct tfl_translation){
        .model = model,
        .arena = b->arena,
        .functions = ARENA_ARRAY(b->arena, const struct pb_function_def *, count),
        .wanted = ARENA_ARRAY(b->arena, bool, count),
        .queue = ARENA_ARRAY(b->arena, size_t, count),
        .ran_once = ARENA_ARRAY(b->arena, bool, count),
    };
    b->entries = ARENA_ARRAY(b->arena, struct entry, count);
    tfl_find_effects(&b->t);
    for (size_t i = 0; i < b->signature_count; i++) {
        add_subgraph(b, b->signatures[i].subgraph);
        name_tensors(b, &b->signatures[i]);
        tfl_want(&b->t, b->signatures[i].subgraph);
    }
    return tfl_translate(&b->t, err);
}

enum code tflite_from_bytes(struct savedmodel *model, struct span bytes, struct error *err)
{
    struct arena *arena = model->arena;
    struct builder b = {.arena = arena};
    struct tfl_model *parsed = ARENA_NEW(arena, struct tfl_model);
    b.graph = ARENA_NEW(arena, struct pb_graph_def);
    map_init(&b.names, arena);
    function_maker_init(&b.main, arena, (struct span){0}, 0, 0);
    enum code code = tfl_model_read(bytes, arena, parsed, err);
    if (!code)
        code = build(&b, parsed, err);
    if (code)
        return code;
    struct span initialiser = add_initialiser(&b);
    finish_graph(&b);
    code = savedmodel_from_proto(model, message_of(&b), NULL, 0, err);
    for (size_t i = 0; !code && i < model->signature_count; i++) {
        use_graph_names(model->signatures[i].inputs, model->signatures[i].input_count);
        use_graph_names(model->signatures[i].outputs, model->signatures[i].output_count);
    }
    model->init_op = initialiser;
    return code;
}

/* ---- the file ---- */

static const char *path_in(struct arena *arena, const char *dir)
{
    return arena_printf(arena, "%s/" FILE_NAME, dir);
}

bool tflite_is_in(const char *dir)
{
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    bool is_there = access(path_in(&arena, dir), F_OK) == 0;
    arena_release(&arena);
    return is_there;
}

static void unref_buffer(void *buffer)
{
    buffer_unref(buffer);
}

enum code tflite_read(const char *dir, struct arena *arena, struct savedmodel *model,
                      struct error *err)
{
    struct error local = {0}; /* texts are built upon each other, also when nobody wants them */
    err = err ? err : &local;
    *model = (struct savedmodel){.arena = arena, .dir = arena_copy(arena, span_of(dir))};
    const char *path = path_in(arena, dir);
    struct buffer *file;
    enum code code = mapped_file_open(path, &file, err);
    if (code)
        return code;
    arena_defer(arena, unref_buffer, file);
    code = tflite_from_bytes(model, mapped_file_bytes(file), err);
    return code ? error_prefix(err, "%s: ", path) : CODE_OK;
}

enum code tflite_check_file(const char *dir, struct error *err)
{
    struct arena arena;
    struct buffer *file;
    struct tfl_model model;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    const char *path = path_in(&arena, dir);
    enum code code = mapped_file_open(path, &file, err);
    if (!code) {
        code = tfl_model_read(mapped_file_bytes(file), &arena, &model, err);
        if (code)
            error_prefix(err, "%s: ", path);
        buffer_unref(file);
    }
    arena_release(&arena);
    return code ? CODE_UNAVAILABLE : CODE_OK;
}

bool tflite_operator(size_t i, const char **name, const char **op)
{
    size_t builtin = 0;
    for (const struct tfl_rule *rule; (rule = tfl_rule_at(builtin)) != NULL; builtin++) {
        if (builtin != i)
            continue;
        *name = rule->name;
        *op = rule->op;
        return true;
    }
    return tfl_custom_at(i - builtin, name, op);
}
