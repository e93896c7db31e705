/* SPDX-License-Identifier: Apache-2.0 */
/* The text format: what parses is printed, and the print must parse to the same bytes. */
#include "messages.h"

#include "base/check.h"

static const struct pb_message *const types[] = {
    &pb_model_server_config_type, &pb_platform_config_map_type, &pb_batching_parameters_type,
    &pb_saved_model_type,         &pb_tensor_proto_type,
};

static void try_type(const struct pb_message *type, struct span text, struct arena *arena)
{
    void *message = arena_alloc(arena, pb_size(type));
    if (pb_parse_text(type, text, arena, message, NULL))
        return;
    struct span printed = pb_print_text(type, message, arena);
    void *again = arena_alloc(arena, pb_size(type));
    CHECK(pb_parse_text(type, printed, arena, again, NULL) == CODE_OK);
    /* Maps are printed sorted, so the second print is the one to compare with. */
    CHECK(span_equal(pb_print_text(type, again, arena), printed));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return try_types(types, sizeof types / sizeof *types, span_make(data, size), try_type);
}
