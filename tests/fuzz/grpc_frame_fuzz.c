/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC's pure parts: message frames in any split, compression with a cap, timeouts, status texts.
 */
#include <stdlib.h>

#include "base/check.h"
#include "net/body.h"
#include "net/grpc.h"
#include "net/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX = 1 << 16 };

static enum code read_message(struct span all, size_t step, struct arena *arena, struct body *body,
                              bool *compressed)
{
    struct grpc_reader reader = {0};
    enum code code = CODE_OK;
    for (size_t i = 0; i < all.len && !code; i += step) {
        struct span payload;
        code = grpc_reader_feed(&reader, span_sub(all, i, step), MAX, &payload, NULL);
        CHECK(body_append(body, arena, payload, reader.size));
    }
    *compressed = reader.compressed;
    return code ? code : grpc_reader_end(&reader, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct span all = span_make(data, size);
    struct body whole = {0}, split = {0}, inflated = {0};
    bool compressed, same;
    enum code code = read_message(all, size + 1, &arena, &whole, &compressed);
    CHECK(read_message(all, 1 + size % 5, &arena, &split, &same) == code);
    if (code == CODE_OK) {
        CHECK(compressed == same && span_equal(body_span(&whole), body_span(&split)));
        inflate_all(&inflated, &arena, size % 2 ? ENCODING_GZIP : ENCODING_DEFLATE,
                    body_span(&whole), MAX, NULL);
        CHECK(inflated.len <= MAX + 1);
    }
    CHECK(grpc_timeout_us(all) >= 0);
    grpc_accepts(all, ENCODING_GZIP);
    struct span text = grpc_message_encode(&arena, all);
    CHECK(text.len <= GRPC_STATUS_MESSAGE_MAX * 3 + 12);
    body_release(&inflated);
    body_release(&split);
    body_release(&whole);
    arena_release(&arena);
    return 0;
}
