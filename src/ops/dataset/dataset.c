/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/dataset/dataset.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

static void dataset_free(struct variant *variant)
{
    struct dataset *dataset = (struct dataset *)variant;
    if (dataset->input)
        variant_unref(&dataset->input->variant);
    for (int i = 0; i < dataset->tensor_count; i++)
        buffer_unref(dataset->tensors[i].buffer);
    free(dataset->tensors);
    free(dataset);
}

static const struct variant_ops dataset_ops = {.kind = "dataset", .free = dataset_free};

enum code dataset_of(const struct op_call *call, int i, const struct dataset **dataset,
                     struct error *err)
{
    const struct tensor *tensor = call->in[i];
    const struct variant *variant =
        tensor_elements(tensor) == 1 ? *TENSOR_AT(tensor, struct variant *) : NULL;
    *dataset = (const struct dataset *)variant;
    if (variant && variant->ops == &dataset_ops)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT, "Tensor must be a Dataset object.");
}

static struct dataset *new_dataset(const struct op_call *call)
{
    struct dataset *dataset = calloc(1, sizeof *dataset);
    CHECK(dataset && "out of memory");
    dataset->variant.ops = &dataset_ops;
    dataset->node = call->node;
    variant_keep(&dataset->variant, call->arena);
    return dataset;
}

enum code dataset_make(struct op_call *call, const struct dataset_kind *kind, int input,
                       const char *types, struct dataset **result, struct error *err)
{
    const struct dataset *from = NULL;
    struct shape scalar = shape_scalar();
    enum code code = input >= 0 ? dataset_of(call, input, &from, err) : CODE_OK;
    if (!code && from && from->variant.depth >= VARIANT_DEPTH_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "datasets upon datasets more than %d deep",
                         VARIANT_DEPTH_MAX);
    if (!code)
        code = op_call_alloc(call, 0, &scalar, err);
    if (code)
        return code;
    struct dataset *dataset = new_dataset(call);
    dataset->kind = kind;
    dataset->input = (struct dataset *)from;
    if (from) {
        variant_ref(&dataset->input->variant);
        dataset->variant.depth = from->variant.depth + 1;
    }
    dataset->component_count = (int)op_attr_types(call, types, &dataset->types);
    *TENSOR_AT(call->out[0], struct variant *) = &dataset->variant;
    *result = dataset;
    return CODE_OK;
}

enum code dataset_keep(struct dataset *dataset, const struct op_call *call, int first, int count,
                       struct error *err)
{
    enum code code = CODE_OK;
    dataset->tensors = calloc((size_t)count + 1, sizeof *dataset->tensors);
    CHECK(dataset->tensors && "out of memory");
    for (int i = 0; !code && i < count; i++) {
        code = tensor_copy_to_buffer(call->in[first + i], &dataset->tensors[i], err);
        dataset->tensor_count += !code;
    }
    return code;
}

struct iterator *iterator_new(const struct dataset *dataset, struct arena *arena)
{
    struct iterator *first = NULL, **link = &first;
    const struct iterator *parent = NULL;
    for (; dataset; dataset = dataset->input) {
        *link = ARENA_NEW(arena, struct iterator);
        (*link)->dataset = dataset;
        (*link)->parent = parent;
        parent = *link;
        link = &(*link)->input;
    }
    return first;
}

/* "::Map" of a MapDataset, behind those of the iterators around it. */
static void append_path(char *text, size_t size, const struct iterator *iterator)
{
    const struct iterator *path[VARIANT_DEPTH_MAX + 2];
    int count = 0;
    for (; iterator; iterator = iterator->parent)
        path[count++] = iterator;
    while (count--) {
        const char *name = path[count]->dataset->node->op->name;
        const char *middle = strstr(name, "Dataset");
        size_t at = strlen(text);
        snprintf(text + at, size - at, "::%.*s%s", (int)(middle ? middle - name : 0), name,
                 middle ? middle + strlen("Dataset") : name);
    }
}

enum code iterator_error(const struct iterator *iterator, struct error *err)
{
    char path[1024] = "";
    const struct dataset *dataset = iterator->dataset;
    append_path(path, sizeof path, iterator);
    return error_prefix(err,
                        "Error in user-defined function passed to %s:%d transformation with "
                        "iterator: SingleElementIterator%s: ",
                        dataset->node->op->name, dataset->variant.depth, path);
}

enum code iterator_next(struct iterator *iterator, struct run *run, struct tensor *element,
                        bool *end, struct error *err)
{
    *end = false;
    enum code code = run_check(run, err);
    return code ? code : iterator->dataset->kind->next(iterator, run, element, end, err);
}

enum code dataset_number(const struct op_call *call, int i, const char *what, int64_t *number,
                         struct error *err)
{
    if (call->in[i]->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s must be a scalar", what);
    *number = tensor_int(call->in[i], 0);
    return CODE_OK;
}
