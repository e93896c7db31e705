/* SPDX-License-Identifier: Apache-2.0 */
/* A Classify or Regress request: its examples behind their context, of which the parsed message has
 * as many. */
#include "base/check.h"
#include "servables/tensorflow/examples.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_of(const struct pb_input *input)
{
    if (input && input->kind_case == 1)
        return input->example_list->examples.count;
    return input && input->kind_case == 2 ? input->example_list_with_context->examples.count : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct pb_serialized_request request;
    struct pb_classification_request parsed;
    struct tensor tensor = {0};
    arena_init(&arena, ARENA_FIRST_BLOCK);
    if (!pb_decode(&pb_serialized_request_type, span_make(data, size), &arena, &request, NULL)) {
        size_t count = 0, bytes = 0;
        if (!examples_to_tensor(request.input, &arena, &tensor, NULL))
            count = (size_t)tensor_elements(&tensor);
        for (size_t i = 0; i < count; i++) {
            struct span example = TENSOR_AT(&tensor, struct span)[i];
            for (size_t k = 0; k < example.len; k++)
                bytes += (unsigned char)example.ptr[k];
        }
        CHECK(bytes <= count * size * UINT8_MAX);
        if (!pb_decode(&pb_classification_request_type, span_make(data, size), &arena, &parsed,
                       NULL))
            CHECK(count == count_of(parsed.input));
    }
    arena_release(&arena);
    return 0;
}
