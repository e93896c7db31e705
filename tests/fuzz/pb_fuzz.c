/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The binary codec: what decodes as one of some messages is encoded, and must decode again to the
 * same bytes. The printers must survive it too.
 */
#include "messages.h"

#include "base/check.h"

static const struct pb_message *const types[] = {
    &pb_predict_request_type,
    &pb_saved_model_type,
    &pb_classification_request_type,
    &pb_reload_config_request_type,
    &pb_example_type,
    &pb_get_model_metadata_response_type,
    &pb_session_bundle_config_type,
    &pb_serialized_request_type,
    &pb_serialized_multi_request_type,
    &pb_profile_request_type,
};

static void try_type(const struct pb_message *type, struct span bytes, struct arena *arena)
{
    void *message = arena_alloc(arena, pb_size(type));
    if (pb_decode(type, bytes, arena, message, NULL))
        return;
    struct span once = pb_encode(type, message, arena);
    void *again = arena_alloc(arena, pb_size(type));
    CHECK(pb_decode(type, once, arena, again, NULL) == CODE_OK);
    CHECK(span_equal(pb_encode(type, again, arena), once));
    pb_print_text(type, message, arena);
    pb_print_json(type, message, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return try_types(types, sizeof types / sizeof *types, span_make(data, size), try_type);
}
