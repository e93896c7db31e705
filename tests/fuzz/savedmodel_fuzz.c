/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as saved_model.pb: read with the tags of each of its MetaGraphs. */
#include "savedmodel/savedmodel.h"
#include "wire/messages.h"
#include "wire/pb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct pb_saved_model proto;
    struct error err;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    if (!pb_decode(&pb_saved_model_type, span_make(data, size), &arena, &proto, NULL)) {
        for (size_t i = 0; i < proto.meta_graphs.count && i < 8; i++) {
            const struct pb_meta_graph_def_meta_info_def *info =
                proto.meta_graphs.items[i].meta_info_def;
            struct savedmodel model = {.arena = &arena, .dir = SPAN_LITERAL("no-such-folder")};
            (void)savedmodel_from_proto(&model, &proto, info ? info->tags.items : NULL,
                                        info ? info->tags.count : 0, &err);
        }
    }
    arena_release(&arena);
    return 0;
}
