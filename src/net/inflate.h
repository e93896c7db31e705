/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compression (zlib): gzip (RFC 1952) and what HTTP and gRPC call "deflate", the zlib
 * format (RFC 1950). Any thread.
 */
#ifndef NET_INFLATE_H
#define NET_INFLATE_H

#include "base/error.h"
#include "net/body.h"

enum encoding {
    ENCODING_IDENTITY,
    ENCODING_GZIP,
    ENCODING_DEFLATE,
    ENCODING_COUNT,
};

/* Inflates a stream that comes in parts, appending to `out`; `max` bounds all that comes out of it.
 */
struct inflater;

/* RESOURCE_EXHAUSTED without memory. */
enum code inflater_new(struct inflater **inflater, enum encoding encoding, size_t max,
                       struct error *err);
void inflater_free(struct inflater *inflater);

/* The next part. Codes as inflate_all(); after an error the stream is of no use any more. */
enum code inflater_feed(struct inflater *inflater, struct body *out, struct arena *arena,
                        struct span in, struct error *err);

/* The parts are all there. INTERNAL: the stream is not whole. */
enum code inflater_end(const struct inflater *inflater, struct error *err);

/* The same at once: inflates `in` into the empty `out`, at most `max` bytes. RESOURCE_EXHAUSTED:
 * more than that, or no memory (the message tells); INTERNAL: not whole or not valid. Several gzip
 * members one after the other are one stream. */
enum code inflate_all(struct body *out, struct arena *arena, enum encoding encoding, struct span in,
                      size_t max, struct error *err);

/* Compresses the pieces into the empty `out`. RESOURCE_EXHAUSTED without memory. */
enum code deflate_all(struct body *out, struct arena *arena, enum encoding encoding,
                      const struct span *pieces, size_t count, struct error *err);

#endif
