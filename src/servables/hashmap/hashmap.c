/* SPDX-License-Identifier: Apache-2.0 */
#include "servables/hashmap/hashmap.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/file.h"
#include "base/map.h"
#include "engine/run.h"
#include "tensor/tensor_proto.h"
#include "wire/messages.h"

#define FILE_NAME "hashmap.csv"

struct hashmap {
    struct arena arena; /* the file's text, and the map into it */
    struct map values;  /* struct span */
};

/* ---- loading ---- */

static enum code add_line(struct hashmap *map, struct span line, struct error *err)
{
    size_t comma = span_find(line, ',');
    if (comma == line.len)
        return error_set(err, CODE_INVALID_ARGUMENT, "'key,value' is expected, not '%.*s'",
                         (int)(line.len < 80 ? line.len : 80), line.ptr);
    struct span *value = ARENA_NEW(&map->arena, struct span);
    *value = span_sub(line, comma + 1, line.len);
    map_put(&map->values, span_sub(line, 0, comma), value);
    return CODE_OK;
}

static enum code read_lines(struct hashmap *map, const char *path, struct span text,
                            struct error *err)
{
    for (int number = 1; text.len; number++) {
        struct span line = span_cut(&text, '\n');
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (!line.len || !add_line(map, line, err))
            continue;
        error_prefix(err, "%s: line %d: ", path, number);
        return CODE_INVALID_ARGUMENT;
    }
    return CODE_OK;
}

static enum code load(const char *path, void *context, void **object, struct error *err)
{
    (void)context;
    struct hashmap *map = calloc(1, sizeof *map);
    CHECK(map && "out of memory");
    arena_init(&map->arena, ARENA_FIRST_BLOCK);
    map_init(&map->values, &map->arena);
    struct stat st;
    struct span text;
    if (!stat(path, &st) && S_ISDIR(st.st_mode))
        path = arena_printf(&map->arena, "%s/" FILE_NAME, path);
    enum code code = file_read(path, &map->arena, &text, err);
    if (!code)
        code = read_lines(map, path, text, err);
    *object = map;
    if (code) {
        arena_release(&map->arena);
        free(map);
    }
    return code;
}

static void unload(void *object)
{
    struct hashmap *map = object;
    arena_release(&map->arena);
    free(map);
}

static const struct loader loader = {.platform = "hashmap", .load = load, .unload = unload};

/* ---- Predict ---- */

static enum code read_keys(const struct pb_predict_request *request, struct arena *arena,
                           struct tensor *keys, struct error *err)
{
    struct span name = request->model_spec ? request->model_spec->signature_name : (struct span){0};
    if (name.len && !span_is(name, "serving_default"))
        return error_set(err, CODE_FAILED_PRECONDITION, "Serving signature key \"%.*s\" not found.",
                         SPAN_ARG(name));
    if (request->inputs.count != 1 || !span_is(request->inputs.items[0].key, "keys") ||
        !request->inputs.items[0].value)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "A hashmap has one input, `keys`; the request has %zu input%s%s%.*s",
                         request->inputs.count, request->inputs.count == 1 ? "" : "s",
                         request->inputs.count ? ", the first " : "",
                         request->inputs.count ? (int)request->inputs.items[0].key.len : 0,
                         request->inputs.count ? request->inputs.items[0].key.ptr : "");
    enum code code = tensor_from_proto(request->inputs.items[0].value, arena, keys, err);
    if (!code && keys->dtype != DTYPE_STRING)
        code = error_set(err, CODE_INVALID_ARGUMENT, "`keys` are strings, not %s",
                         dtype_name(keys->dtype));
    return code;
}

static void look_up(const struct hashmap *map, const struct tensor *keys, struct tensor *values,
                    struct tensor *found)
{
    const struct span *key = keys->data;
    for (int64_t i = 0; i < shape_elements(&keys->shape); i++) {
        const struct span *value = map_get(&map->values, key[i].ptr ? key[i] : SPAN_LITERAL(""));
        ((struct span *)values->data)[i] = value ? *value : (struct span){0};
        ((bool *)found->data)[i] = value;
    }
}

/* The output of that name is wanted: it is the next one. */
static void add_output(struct pb_predict_response *response, const char *name,
                       const struct tensor *tensor, bool content, struct arena *arena)
{
    struct pb_tensor_proto *proto = ARENA_NEW(arena, struct pb_tensor_proto);
    (content ? tensor_to_proto_content : tensor_to_proto)(tensor, arena, proto);
    response->outputs.items[response->outputs.count].key = span_of(name);
    response->outputs.items[response->outputs.count++].value = proto;
}

static enum code write_outputs(const struct pb_predict_request *request,
                               const struct tensor *values, const struct tensor *found,
                               bool content, struct arena *arena,
                               struct pb_predict_response *response, struct error *err)
{
    size_t wanted = request->output_filter.count;
    response->outputs.items = arena_alloc(arena, (wanted + 2) * sizeof *response->outputs.items);
    for (size_t i = 0; i < wanted; i++) {
        struct span alias = request->output_filter.items[i];
        if (!span_is(alias, "values") && !span_is(alias, "found"))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "output tensor alias not found in signature: %.*s Outputs expected to "
                             "be in the set {found,values}.",
                             SPAN_ARG(alias));
    }
    const struct {
        const char *name;
        const struct tensor *tensor;
    } outputs[] = {{"found", found}, {"values", values}};
    for (size_t i = 0; i < 2; i++) {
        bool is_wanted = !wanted;
        for (size_t k = 0; k < wanted; k++)
            is_wanted |= span_is(request->output_filter.items[k], outputs[i].name);
        if (is_wanted)
            add_output(response, outputs[i].name, outputs[i].tensor, content, arena);
    }
    return CODE_OK;
}

static enum code predict(void *object, const struct pb_predict_request *request, bool content,
                         struct run *run, struct pb_predict_response *response, struct error *err)
{
    struct tensor keys, values, found;
    enum code code = read_keys(request, run->arena, &keys, err);
    if (!code)
        code = tensor_alloc(&values, DTYPE_STRING, &keys.shape, run->arena, err);
    if (!code)
        code = tensor_alloc(&found, DTYPE_BOOL, &keys.shape, run->arena, err);
    if (code)
        return code;
    look_up(object, &keys, &values, &found);
    response->model_spec = ARENA_NEW(run->arena, struct pb_model_spec);
    response->model_spec->signature_name = SPAN_LITERAL("serving_default");
    return write_outputs(request, &values, &found, content, run->arena, response, err);
}

static bool is_quick(void *object, const struct pb_predict_request *request)
{
    (void)object;
    (void)request;
    return true;
}

const struct servable_kind hashmap_kind = {
    .loader = &loader,
    .is_quick = is_quick,
    .predict = predict,
};
