/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as the module of an XlaCallModule, translated for nodes of one and two arguments: the
 * answer is functions of the library or an error. They are not run: what they ask of memory is the
 * graph's affair (graph_fuzz).
 */
#include "engine/stablehlo/module.h"
#include "wire/messages.h"

static void translate(struct span bytes, int arguments, int results)
{
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct library library;
    struct error err;
    error_clear(&err);
    struct pb_attr_value module = {.value_case = ATTR_CASE_STRING, .s = bytes};
    struct node_attr attr = {SPAN_LITERAL("module"), &module};
    struct node node = {
        .name = SPAN_LITERAL("call"),
        .attrs = &attr,
        .attr_count = 1,
        .input_count = arguments,
        .output_count = results,
    };
    const struct function *function;
    if (!library_init(&library, &arena, NULL, &err))
        stablehlo_function(&library, &node, &function, &err);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int arguments = 1; arguments <= 2; arguments++) {
        for (int results = 1; results <= 3; results++)
            translate(span_make(data, size), arguments, results);
    }
    return 0;
}
