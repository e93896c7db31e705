/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values given inline are put together as one {"inputs": {...}} document and read by the same
 * reader as a REST body, so that types and errors are the server's. Inputs from .npy files are left
 * out of what that reader is asked for.
 */
#include "cli/inputs.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "tensor/npy.h"

/* ---- the command line ---- */

static int take_input(struct inputs *inputs, char *text, struct arena *arena)
{
    struct span whole = span_of(text);
    size_t equals = span_find(whole, '=');
    if (equals == 0 || equals == whole.len)
        return -1;
    if (text[equals + 1] != '@') {
        struct span *values = ARENA_ARRAY(arena, struct span, inputs->value_count + 1);
        if (inputs->value_count)
            memcpy(values, inputs->values, inputs->value_count * sizeof *values);
        values[inputs->value_count++] = whole;
        inputs->values = values;
        return 2;
    }
    struct inputs_file *files = ARENA_ARRAY(arena, struct inputs_file, inputs->file_count + 1);
    if (inputs->file_count)
        memcpy(files, inputs->files, inputs->file_count * sizeof *files);
    files[inputs->file_count++] =
        (struct inputs_file){span_sub(whole, 0, equals), text + equals + 2};
    inputs->files = files;
    return 2;
}

static int take_output(struct inputs *inputs, char *text, struct arena *arena)
{
    struct span whole = span_of(text);
    size_t equals = span_find(whole, '=');
    if (equals == 0 || equals + 1 >= whole.len)
        return -1;
    struct inputs_file *files = ARENA_ARRAY(arena, struct inputs_file, inputs->output_count + 1);
    if (inputs->output_count)
        memcpy(files, inputs->outputs, inputs->output_count * sizeof *files);
    files[inputs->output_count++] =
        (struct inputs_file){span_sub(whole, 0, equals), text + equals + 1};
    inputs->outputs = files;
    return 2;
}

int inputs_take(struct inputs *inputs, int argc, char **argv, struct arena *arena)
{
    struct span option = span_of(argv[0]);
    bool input = span_is(option, "--input"), output = span_is(option, "--output");
    bool json = span_is(option, "--json"), signature = span_is(option, "--signature");
    if (!input && !output && !json && !signature)
        return 0;
    if (argc < 2)
        return -1;
    if (input)
        return take_input(inputs, argv[1], arena);
    if (output)
        return take_output(inputs, argv[1], arena);
    *(json ? &inputs->json_path : &inputs->signature) = argv[1];
    return 2;
}

/* ---- reading ---- */

static enum code read_npy(const struct inputs_file *file, struct arena *arena,
                          struct named_tensor *named, struct error *err)
{
    struct span bytes;
    named->name = file->name;
    enum code code = file_read(file->path, arena, &bytes, err);
    if (code)
        return code;
    code = npy_read(bytes, arena, &named->tensor, err);
    return code ? error_prefix(err, "%s: ", file->path) : CODE_OK;
}

/* {"inputs": {"a": 1, "b": [2]}}; a signature's only input is written bare, as the reader wants it.
 */
static struct span inline_document(const struct inputs *inputs, bool bare, struct arena *arena)
{
    struct json_writer w;
    json_writer_init(&w, arena, 256);
    json_write_raw(&w, bare ? SPAN_LITERAL("{\"inputs\":") : SPAN_LITERAL("{\"inputs\":{"));
    for (size_t i = 0; i < inputs->value_count; i++) {
        size_t equals = span_find(inputs->values[i], '=');
        if (!bare) {
            json_write_raw(&w, i ? SPAN_LITERAL(",") : SPAN_LITERAL(""));
            json_write_string(&w, span_sub(inputs->values[i], 0, equals));
            json_write_raw(&w, SPAN_LITERAL(":"));
        }
        json_write_raw(&w, span_sub(inputs->values[i], equals + 1, inputs->values[i].len));
    }
    json_write_raw(&w, bare ? SPAN_LITERAL("}") : SPAN_LITERAL("}}"));
    return json_writer_text(&w);
}

static enum code read_stdin(struct arena *arena, struct span *bytes, struct error *err)
{
    size_t used = 0, room = 1 << 16;
    char *text = arena_alloc(arena, room);
    for (size_t n; (n = fread(text + used, 1, room - used, stdin)) > 0;) {
        used += n;
        if (used < room)
            continue;
        char *more = arena_try_alloc(arena, room * 2, ARENA_ALIGN);
        if (!more)
            return error_set(err, CODE_RESOURCE_EXHAUSTED, "standard input is too large");
        memcpy(more, text, used);
        text = more;
        room *= 2;
    }
    *bytes = span_make(text, used);
    return CODE_OK;
}

/* The signature's inputs that are wanted from JSON: those not given as files, and with inline
 * values only those given. */
static size_t wanted_infos(const struct inputs *inputs, const struct tensor_json_input *infos,
                           size_t count, struct tensor_json_input *wanted)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool from_file = false, given = inputs->json_path != NULL;
        for (size_t k = 0; k < inputs->file_count; k++)
            from_file |= span_equal(inputs->files[k].name, infos[i].name);
        for (size_t k = 0; k < inputs->value_count; k++)
            given |= span_equal(span_sub(inputs->values[k], 0, span_find(inputs->values[k], '=')),
                                infos[i].name);
        if (!from_file && given)
            wanted[kept++] = infos[i];
    }
    return kept;
}

static enum code check_names(const struct inputs *inputs, const struct tensor_json_input *infos,
                             size_t count, struct error *err)
{
    for (size_t k = 0; k < inputs->value_count; k++) {
        struct span name = span_sub(inputs->values[k], 0, span_find(inputs->values[k], '='));
        bool known = false;
        for (size_t i = 0; i < count; i++)
            known |= span_equal(infos[i].name, name);
        if (!known)
            return error_set(err, CODE_INVALID_ARGUMENT, "the signature has no input '%.*s'",
                             SPAN_ARG(name));
    }
    return CODE_OK;
}

static enum code read_json(const struct inputs *inputs, const struct tensor_json_input *infos,
                           size_t count, struct arena *arena, struct tensor_json_found *found,
                           struct error *err)
{
    struct span text;
    enum code code = CODE_OK;
    if (!inputs->json_path)
        text = inline_document(inputs, count == 1 && inputs->value_count == 1, arena);
    else if (span_is(span_of(inputs->json_path), "-"))
        code = read_stdin(arena, &text, err);
    else
        code = file_read(inputs->json_path, arena, &text, err);
    struct json_document document;
    if (!code)
        code = json_parse(text, arena, &document, err);
    return code ? code : tensor_json_read(document.values, infos, count, arena, found, err);
}

enum code inputs_read(const struct inputs *inputs, const struct tensor_json_input *infos,
                      size_t info_count, struct arena *arena, struct named_tensor **tensors,
                      size_t *count, struct error *err)
{
    *tensors = ARENA_ARRAY(arena, struct named_tensor, info_count + inputs->file_count + 1);
    *count = 0;
    enum code code = check_names(inputs, infos, info_count, err);
    for (size_t i = 0; !code && i < inputs->file_count; i++)
        code = read_npy(&inputs->files[i], arena, &(*tensors)[(*count)++], err);
    if (code || (!inputs->json_path && !inputs->value_count))
        return code;
    struct tensor_json_input *wanted = ARENA_ARRAY(arena, struct tensor_json_input, info_count + 1);
    size_t wanted_count = wanted_infos(inputs, infos, info_count, wanted);
    struct tensor_json_found found = {0};
    code = read_json(inputs, wanted, wanted_count, arena, &found, err);
    for (size_t i = 0; i < found.count; i++)
        (*tensors)[(*count)++] = found.tensors[i];
    return code;
}

/* ---- answers ---- */

static const struct inputs_file *output_file(const struct inputs *inputs, struct span name)
{
    for (size_t i = 0; i < inputs->output_count; i++) {
        if (span_equal(inputs->outputs[i].name, name))
            return &inputs->outputs[i];
    }
    return NULL;
}

static enum code write_npy(const struct inputs_file *file, const struct tensor *tensor,
                           struct arena *arena, struct error *err)
{
    struct span bytes;
    enum code code = npy_write(tensor, arena, &bytes, err);
    if (code)
        return error_prefix(err, "%s: ", file->path);
    return file_write(file->path, bytes, err);
}

enum code inputs_answer(const struct inputs *inputs, const struct named_tensor *tensors,
                        size_t count, struct arena *arena, struct error *err)
{
    struct named_tensor *printed = ARENA_ARRAY(arena, struct named_tensor, count + 1);
    size_t printed_count = 0, written = 0;
    enum code code = CODE_OK;
    for (size_t i = 0; !code && i < count; i++) {
        const struct inputs_file *file = output_file(inputs, tensors[i].name);
        if (file)
            code = write_npy(file, &tensors[i].tensor, arena, err);
        else
            printed[printed_count++] = tensors[i];
        written += file != NULL;
    }
    if (!code && written < inputs->output_count)
        code =
            error_set(err, CODE_INVALID_ARGUMENT, "there is no output of that name for --output");
    if (code || !printed_count)
        return code;
    struct json_writer w;
    json_writer_init(&w, arena, 1024);
    code = tensor_json_write(&w, TENSOR_JSON_COLUMN, printed, printed_count, err);
    if (code)
        return code;
    struct span text = json_writer_text(&w);
    fwrite(text.ptr, 1, text.len, stdout);
    putchar('\n');
    return CODE_OK;
}
