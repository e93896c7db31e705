/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as a WAV file for DecodeWav: an answer or an error. */
#include <stdint.h>

#include "engine/evaluate.h"
#include "engine/op_def.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct op_def *def;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    enum dtype types[] = {DTYPE_FLOAT, DTYPE_INT32};
    const struct op *op = op_find(SPAN_LITERAL("DecodeWav"));
    if (!op_def_parse(op, &arena, &def, NULL)) {
        const struct node node = {.op = op, .def = def, .output_count = 2, .output_types = types};
        struct span file = {(const char *)data, size};
        const struct tensor contents = {
            .dtype = DTYPE_STRING, .shape = shape_scalar(), .data = &file};
        struct tensor audio, rate;
        struct op_call call = {
            .node = &node,
            .in = (const struct tensor *[]){&contents},
            .out = (struct tensor *[]){&audio, &rate},
            .in_count = 1,
            .out_count = 2,
            .arena = &arena,
        };
        op_evaluate(&call, NULL);
    }
    arena_release(&arena);
    return 0;
}
