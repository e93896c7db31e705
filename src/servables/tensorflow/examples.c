/* SPDX-License-Identifier: Apache-2.0 */
#include "servables/tensorflow/examples.h"

#include "base/memory.h"

static struct pb_spans list_of(const struct pb_serialized_input *input, struct span *context)
{
    *context = (struct span){0};
    if (input && input->kind_case == INPUT_LIST)
        return input->example_list->examples;
    if (!input || input->kind_case != INPUT_WITH_CONTEXT)
        return (struct pb_spans){0};
    *context = input->example_list_with_context->context;
    return input->example_list_with_context->examples;
}

/* Examples of a few bytes behind a large context: what a client sends is multiplied. */
static enum code join(const struct pb_spans *list, struct span context, struct arena *arena,
                      struct span *joined, struct error *err)
{
    size_t total;
    bool fits = !__builtin_mul_overflow(list->count, context.len, &total);
    for (size_t i = 0; fits && i < list->count; i++)
        fits = !__builtin_add_overflow(total, list->items[i].len, &total);
    arena_set_limit(arena, memory_request_limit());
    char *to = fits ? arena_try_alloc(arena, total, ARENA_ALIGN) : NULL;
    if (!to)
        return error_set(err, CODE_RESOURCE_EXHAUSTED,
                         "a context of %zu bytes for each of %zu examples takes more memory than a "
                         "request may",
                         context.len, list->count);
    for (size_t i = 0; i < list->count; i++) {
        struct span example = list->items[i];
        joined[i] = span_make(to, context.len + example.len);
        memcpy(to, context.ptr, context.len);
        if (example.len)
            memcpy(to + context.len, example.ptr, example.len);
        to += joined[i].len;
    }
    return CODE_OK;
}

enum code examples_to_tensor(const struct pb_serialized_input *input, struct arena *arena,
                             struct tensor *tensor, struct error *err)
{
    struct span context;
    struct pb_spans list = list_of(input, &context);
    if (!list.count)
        return error_set(err, CODE_INVALID_ARGUMENT, "Input is empty.");
    struct shape shape = {.rank = 1, .dims = {(int64_t)list.count}};
    enum code code = tensor_alloc(tensor, DTYPE_STRING, &shape, arena, err);
    if (code)
        return code;
    if (context.len)
        return join(&list, context, arena, tensor->data, err);
    memcpy(tensor->data, list.items, list.count * sizeof *list.items);
    return CODE_OK;
}

bool examples_have_context(const struct pb_serialized_input *input)
{
    struct span context;
    list_of(input, &context);
    return context.len;
}

size_t examples_count(const struct pb_serialized_input *input)
{
    struct span context;
    return list_of(input, &context).count;
}
