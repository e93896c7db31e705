/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of records. A compressed one is inflated whole, into twice the room each time it gets
 * full, up to INFLATED_MAX: a small file can ask for a thousand times its size.
 */
#include "ops/forest/blobs.h"

#include <zlib.h>

enum {
    FILE_HEADER = 8,
    RECORD_HEADER = 4,
    GZIP_WINDOW = 15 + 16, /* zlib's word for: the largest window, and gzip's header */
};

/* More than any model of a sane size has. */
#define INFLATED_MAX (UINT64_C(4) << 30)

static uint32_t read_uint32(const char *bytes)
{
    const uint8_t *b = (const uint8_t *)bytes;
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

bool blobs_next(struct span *records, struct span *record)
{
    if (records->len < RECORD_HEADER)
        return false;
    size_t length = read_uint32(records->ptr);
    *record = span_sub(*records, RECORD_HEADER, length);
    *records = span_sub(*records, RECORD_HEADER + length, records->len);
    return true;
}

static enum code count_records(struct span records, size_t *count, struct error *err)
{
    size_t at = 0;
    for (*count = 0; at < records.len; (*count)++) {
        size_t left = records.len - at;
        if (left < RECORD_HEADER || read_uint32(records.ptr + at) > left - RECORD_HEADER)
            return error_set(err, CODE_INVALID_ARGUMENT, "the file ends within record %zu", *count);
        at += RECORD_HEADER + read_uint32(records.ptr + at);
    }
    return CODE_OK;
}

/* ---- gzip ---- */

/* Twice the room, what is there kept. */
static enum code grow(struct arena *arena, char **bytes, size_t *capacity, size_t used,
                      struct error *err)
{
    size_t wanted = *capacity ? 2 * *capacity : ARENA_FIRST_BLOCK;
    char *grown = wanted <= INFLATED_MAX ? arena_try_alloc(arena, wanted, ARENA_ALIGN) : NULL;
    if (!grown)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "no memory for more than %zu bytes", used);
    if (used)
        memcpy(grown, *bytes, used);
    *bytes = grown;
    *capacity = wanted;
    return CODE_OK;
}

static uInt portion(size_t size)
{
    return size < UINT32_MAX ? (uInt)size : UINT32_MAX;
}

static enum code inflate_into(z_stream *stream, struct span in, struct arena *arena,
                              struct span *out, struct error *err)
{
    char *bytes = NULL;
    size_t capacity = 0, used = 0, taken = 0;
    for (int status = Z_OK; status != Z_STREAM_END;) {
        enum code code = used == capacity ? grow(arena, &bytes, &capacity, used, err) : CODE_OK;
        if (code)
            return code;
        uInt room = portion(capacity - used), left = portion(in.len - taken);
        stream->next_in = (Bytef *)(uintptr_t)(in.ptr + taken);
        stream->avail_in = left;
        stream->next_out = (Bytef *)(bytes + used);
        stream->avail_out = room;
        status = inflate(stream, Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END)
            return error_set(err, CODE_INVALID_ARGUMENT, "its compressed part is not valid gzip");
        used += room - stream->avail_out;
        taken += left - stream->avail_in;
    }
    *out = span_make(bytes, used);
    return CODE_OK;
}

static enum code inflate_records(struct span in, struct arena *arena, struct span *out,
                                 struct error *err)
{
    z_stream stream = {.zalloc = Z_NULL};
    if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "out of memory");
    enum code code = inflate_into(&stream, in, arena, out, err);
    inflateEnd(&stream);
    return code;
}

enum code blobs_open(struct span file, struct arena *arena, struct span *records, size_t *count,
                     struct error *err)
{
    if (file.len < FILE_HEADER || memcmp(file.ptr, "BS", 2) != 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "is no file of records (\"BS\")");
    unsigned version = read_uint32(file.ptr) >> 16;
    unsigned compression = version ? (uint8_t)file.ptr[4] : 0;
    if (version > 1 || compression > 1)
        return error_set(err, CODE_UNIMPLEMENTED, "has version %u with compression %u", version,
                         compression);
    *records = span_sub(file, FILE_HEADER, file.len);
    enum code code = compression ? inflate_records(*records, arena, records, err) : CODE_OK;
    return code ? code : count_records(*records, count, err);
}
