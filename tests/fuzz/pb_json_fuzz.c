/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as messages: what is read is printed, and the print is read as the same. */
#include "messages.h"

#include "base/check.h"

static const struct pb_message *const types[] = {
    &pb_prediction_log_type,
    &pb_model_server_config_type,
    &pb_signature_def_type,
    &pb_any_type,
};

/* Strings that are no UTF-8 print as something else. */
static bool is_sound(const struct pb_message *type, const void *message, struct arena *arena)
{
    void *decoded = arena_alloc(arena, pb_size(type));
    return !pb_decode(type, pb_encode(type, message, arena), arena, decoded, NULL);
}

static void try_type(const struct pb_message *type, struct span text, struct arena *arena)
{
    void *message = arena_alloc(arena, pb_size(type)), *again = arena_alloc(arena, pb_size(type));
    if (pb_parse_json(type, text, arena, message, NULL) || !is_sound(type, message, arena))
        return;
    struct span printed = pb_print_json_line(type, message, arena);
    if (pb_parse_json(type, printed, arena, again, NULL) == CODE_OK)
        CHECK(span_equal(pb_print_json_line(type, again, arena), printed));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return try_types(types, sizeof types / sizeof *types, span_make(data, size), try_type);
}
