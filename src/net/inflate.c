/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zlib counts in `unsigned`, so that input and output beyond 4 GiB are fed in parts. The output
 * grows as bytes really come out: the size field of a gzip member is the peer's word and is not
 * looked at.
 */
#include "net/inflate.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

enum {
    WINDOW_ZLIB = 15,      /* the largest window, zlib header */
    WINDOW_GZIP = 15 + 16, /* the same, gzip header */
    DEFLATE_LEVEL = 1,     /* answers are floats, which hardly compress better at higher levels */
    DEFLATE_MEMORY = 8,    /* zlib's default */
};

static int window_bits(enum encoding encoding)
{
    return encoding == ENCODING_GZIP ? WINDOW_GZIP : WINDOW_ZLIB;
}

static unsigned clip(size_t n)
{
    return n < UINT_MAX ? (unsigned)n : UINT_MAX;
}

static void feed_input(z_stream *z, struct span *in)
{
    if (z->avail_in || !in->len)
        return;
    z->next_in = (Bytef *)(uintptr_t)in->ptr;
    z->avail_in = clip(in->len);
    in->ptr += z->avail_in;
    in->len -= z->avail_in;
}

struct inflater {
    z_stream z;
    size_t max;
    size_t total; /* what came out so far */
    bool whole;   /* the last member has ended */
};

enum code inflater_new(struct inflater **inflater, enum encoding encoding, size_t max,
                       struct error *err)
{
    struct inflater *made = calloc(1, sizeof *made);
    if (!made || inflateInit2(&made->z, window_bits(encoding)) != Z_OK) {
        free(made);
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "Out of memory while decompressing");
    }
    made->max = max;
    *inflater = made;
    return CODE_OK;
}

void inflater_free(struct inflater *inflater)
{
    if (!inflater)
        return;
    inflateEnd(&inflater->z);
    free(inflater);
}

/* Makes room behind the output and tells zlib; at most `max` plus one byte in all, so that excess
 * shows. */
static bool offer_output(struct inflater *inflater, struct body *out, struct arena *arena)
{
    if (!body_reserve(out, arena, 1, 0))
        return false;
    size_t room = out->capacity - out->len;
    size_t allowed = inflater->max - inflater->total + 1;
    inflater->z.next_out = (Bytef *)out->data + out->len;
    inflater->z.avail_out = clip(room < allowed ? room : allowed);
    return true;
}

static enum code not_valid(const z_stream *z, int result, struct error *err)
{
    if (result == Z_MEM_ERROR)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "Out of memory while decompressing");
    return error_set(err, CODE_INTERNAL, "Failed to decompress: %s",
                     z->msg ? z->msg : "not a valid stream");
}

/* One call of inflate(); *more: there may be more to come out. */
static enum code inflate_some(struct inflater *inflater, struct body *out, struct arena *arena,
                              bool *more, struct error *err)
{
    z_stream *z = &inflater->z;
    if (!offer_output(inflater, out, arena))
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "Out of memory while decompressing");
    unsigned offered = z->avail_out;
    int result = inflate(z, Z_NO_FLUSH);
    out->len += offered - z->avail_out;
    inflater->total += offered - z->avail_out;
    if (inflater->total > inflater->max)
        return error_set(err, CODE_RESOURCE_EXHAUSTED,
                         "Received message larger than max (%zu vs. %zu)", inflater->total,
                         inflater->max);
    *more = !z->avail_out;
    inflater->whole = result == Z_STREAM_END;
    if (inflater->whole)
        result = inflateReset(z);
    /* Z_BUF_ERROR says no more than that all input is used. */
    return result == Z_OK || result == Z_BUF_ERROR ? CODE_OK : not_valid(z, result, err);
}

enum code inflater_feed(struct inflater *inflater, struct body *out, struct arena *arena,
                        struct span in, struct error *err)
{
    z_stream *z = &inflater->z;
    enum code code = CODE_OK;
    bool more = false;
    while (!code && (in.len || z->avail_in || (more && !inflater->whole))) {
        feed_input(z, &in);
        code = inflate_some(inflater, out, arena, &more, err);
    }
    return code;
}

enum code inflater_end(const struct inflater *inflater, struct error *err)
{
    if (inflater->whole)
        return CODE_OK;
    return error_set(err, CODE_INTERNAL, "Failed to decompress: the data end early");
}

enum code inflate_all(struct body *out, struct arena *arena, enum encoding encoding, struct span in,
                      size_t max, struct error *err)
{
    struct inflater *inflater;
    enum code code = inflater_new(&inflater, encoding, max, err);
    if (code)
        return code;
    code = inflater_feed(inflater, out, arena, in, err);
    if (!code)
        code = inflater_end(inflater, err);
    inflater_free(inflater);
    return code;
}

static enum code deflate_piece(z_stream *z, struct body *out, struct arena *arena, struct span in,
                               bool last)
{
    int result = Z_OK;
    do {
        feed_input(z, &in);
        if (!body_reserve(out, arena, 1, 0))
            return CODE_RESOURCE_EXHAUSTED;
        unsigned room = clip(out->capacity - out->len);
        z->next_out = (Bytef *)out->data + out->len;
        z->avail_out = room;
        result = deflate(z, last && !in.len ? Z_FINISH : Z_NO_FLUSH);
        out->len += room - z->avail_out;
    } while (last ? result != Z_STREAM_END : z->avail_in || in.len);
    return CODE_OK;
}

enum code deflate_all(struct body *out, struct arena *arena, enum encoding encoding,
                      const struct span *pieces, size_t count, struct error *err)
{
    z_stream z = {0};
    if (deflateInit2(&z, DEFLATE_LEVEL, Z_DEFLATED, window_bits(encoding), DEFLATE_MEMORY,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "Out of memory while compressing");
    enum code code = CODE_OK;
    for (size_t i = 0; i < count && code == CODE_OK; i++)
        code = deflate_piece(&z, out, arena, pieces[i], false);
    if (code == CODE_OK)
        code = deflate_piece(&z, out, arena, (struct span){0}, true);
    deflateEnd(&z);
    return code ? error_set(err, code, "Out of memory while compressing") : CODE_OK;
}
