/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LevelDB's table format, reading side:
 *
 *   [data block]... [meta index block] [index block] [footer]
 *   block    contents, a type byte (0 plain, 1 snappy), masked crc32c of both
 *   contents entries, then `n` restart offsets (uint32), then n itself (uint32)
 *   entry    varint: bytes shared with the previous key, varint: further bytes, varint: value size,
 * key rest, value footer   48 bytes: handles (varint offset, varint size) of meta index and index,
 * zeros, 8 bytes of magic
 *
 * The index block has an entry per data block whose value is the block's handle. A checkpoint's
 * index is small and every entry is wanted, so that nothing is searched here: all blocks are walked
 * once, the restart offsets only tell where entries end. A file may lie anywhere in anything: each
 * length is checked against what is left before it is used.
 */
#include "savedmodel/table.h"

#include <inttypes.h>
#include <snappy-c.h>
#include <string.h>

#include "wire/crc32c.h"
#include "wire/varint.h"

enum {
    FOOTER_SIZE = 48,
    TRAILER_SIZE = 5,
    BLOCK_PLAIN = 0,
    BLOCK_SNAPPY = 1,
    /* Snappy's densest element makes 64 bytes of 3: a larger claim is a lie, not to be allocated
       for. */
    SNAPPY_RATIO_MAX = 22,
};

static const uint64_t TABLE_MAGIC = 0xdb4775248b80fb57;

struct handle {
    uint64_t offset;
    uint64_t size;
};

struct block {
    struct span entries;
    struct span last_key; /* what the next entry shares bytes with */
    size_t start;         /* of the block in the file, for messages */
};

struct table_reader {
    struct span bytes;
    struct arena *arena;
    struct table *table;
    size_t room;      /* entries allocated */
    size_t key_bytes; /* of all keys so far */
    struct error *err;
};

static uint32_t little32(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static bool take_bytes(struct span *in, uint64_t n, struct span *out)
{
    if (n > in->len)
        return false;
    *out = span_sub(*in, 0, (size_t)n);
    *in = span_sub(*in, (size_t)n, in->len);
    return true;
}

static bool take_handle(struct span *in, struct handle *handle)
{
    return varint_take(in, &handle->offset) && varint_take(in, &handle->size);
}

static enum code uncompress(struct table_reader *r, struct span packed, struct span *contents)
{
    size_t size;
    if (snappy_uncompressed_length(packed.ptr, packed.len, &size) != SNAPPY_OK ||
        size / SNAPPY_RATIO_MAX > packed.len)
        return error_set(r->err, CODE_DATA_LOSS, "corrupted compressed block contents");
    char *out = arena_try_alloc(r->arena, size, ARENA_ALIGN);
    if (!out)
        return error_set(r->err, CODE_RESOURCE_EXHAUSTED, "no memory for a block of %zu bytes",
                         size);
    if (snappy_uncompress(packed.ptr, packed.len, out, &size) != SNAPPY_OK)
        return error_set(r->err, CODE_DATA_LOSS, "corrupted compressed block contents");
    *contents = span_make(out, size);
    return CODE_OK;
}

/* The block's contents, checked and unpacked. */
static enum code read_contents(struct table_reader *r, struct handle handle, struct span *contents)
{
    size_t len = r->bytes.len;
    if (handle.offset > len || handle.size > len - handle.offset ||
        len - handle.offset - handle.size < TRAILER_SIZE)
        return error_set(r->err, CODE_DATA_LOSS,
                         "truncated block read: %" PRIu64 " bytes at offset %" PRIu64
                         " of a file of %zu bytes",
                         handle.size, handle.offset, len);
    *contents = span_sub(r->bytes, (size_t)handle.offset, (size_t)handle.size);
    const char *trailer = contents->ptr + contents->len;
    if (crc32c_unmask(little32(trailer + 1)) != crc32c(span_make(contents->ptr, contents->len + 1)))
        return error_set(r->err, CODE_DATA_LOSS, "block checksum mismatch at offset %" PRIu64,
                         handle.offset);
    if (*trailer == BLOCK_SNAPPY)
        return uncompress(r, *contents, contents);
    if (*trailer != BLOCK_PLAIN)
        return error_set(r->err, CODE_DATA_LOSS, "bad block type %d at offset %" PRIu64,
                         (unsigned char)*trailer, handle.offset);
    return CODE_OK;
}

static enum code open_block(struct table_reader *r, struct handle handle, struct block *block)
{
    struct span contents = {0};
    enum code code = read_contents(r, handle, &contents);
    if (code)
        return code;
    *block = (struct block){.start = (size_t)handle.offset};
    if (contents.len < 4)
        return error_set(r->err, CODE_DATA_LOSS, "bad block contents at offset %zu", block->start);
    uint64_t restarts = little32(contents.ptr + contents.len - 4);
    if (restarts > (contents.len - 4) / 4)
        return error_set(r->err, CODE_DATA_LOSS,
                         "bad block contents at offset %zu: %" PRIu64 " restarts in %zu bytes",
                         block->start, restarts, contents.len);
    block->entries = span_sub(contents, 0, contents.len - 4 - 4 * (size_t)restarts);
    return CODE_OK;
}

/* Joins the shared bytes of the previous key and the entry's own. */
static enum code join_key(struct table_reader *r, struct block *block, size_t shared,
                          struct span rest)
{
    size_t size = shared + rest.len;
    r->key_bytes += size;
    if (size > TABLE_KEY_MAX || r->key_bytes > TABLE_KEYS_MAX)
        return error_set(r->err, CODE_RESOURCE_EXHAUSTED,
                         "keys too long in the block at offset %zu: more than %d bytes, or %d in "
                         "all",
                         block->start, TABLE_KEY_MAX, TABLE_KEYS_MAX);
    char *key = arena_alloc(r->arena, size);
    if (shared)
        memcpy(key, block->last_key.ptr, shared);
    if (rest.len)
        memcpy(key + shared, rest.ptr, rest.len);
    block->last_key = span_make(key, size);
    return CODE_OK;
}

static enum code next_entry(struct table_reader *r, struct block *block, struct table_entry *entry)
{
    uint64_t shared, rest_size, value_size;
    struct span in = block->entries, rest;
    if (!varint_take(&in, &shared) || !varint_take(&in, &rest_size) ||
        !varint_take(&in, &value_size) || shared > block->last_key.len ||
        !take_bytes(&in, rest_size, &rest) || !take_bytes(&in, value_size, &entry->value))
        return error_set(r->err, CODE_DATA_LOSS, "bad entry in the block at offset %zu",
                         block->start);
    block->entries = in;
    enum code code = join_key(r, block, (size_t)shared, rest);
    entry->key = block->last_key;
    return code;
}

static enum code append(struct table_reader *r, struct table_entry entry, size_t block_start)
{
    struct table *t = r->table;
    if (t->count && span_compare(t->entries[t->count - 1].key, entry.key) >= 0)
        return error_set(r->err, CODE_DATA_LOSS, "keys out of order in the block at offset %zu",
                         block_start);
    if (t->count == r->room) {
        r->room = r->room ? 2 * r->room : 64;
        struct table_entry *grown = ARENA_ARRAY(r->arena, struct table_entry, r->room);
        if (t->count)
            memcpy(grown, t->entries, t->count * sizeof *grown);
        t->entries = grown;
    }
    t->entries[t->count++] = entry;
    return CODE_OK;
}

static enum code read_data_block(struct table_reader *r, struct handle handle)
{
    struct block block;
    enum code code = open_block(r, handle, &block);
    while (!code && block.entries.len) {
        struct table_entry entry;
        code = next_entry(r, &block, &entry);
        if (!code)
            code = append(r, entry, block.start);
    }
    return code;
}

/* The data blocks that the index names. They may not overlap, or a small file could name one big
 * block many times. */
static enum code read_blocks(struct table_reader *r, struct handle index_handle)
{
    struct block index;
    uint64_t behind = 0;
    enum code code = open_block(r, index_handle, &index);
    while (!code && index.entries.len) {
        struct table_entry entry;
        struct handle handle;
        code = next_entry(r, &index, &entry);
        if (code)
            break;
        if (!take_handle(&entry.value, &handle) || handle.offset < behind)
            return error_set(r->err, CODE_DATA_LOSS, "bad block handle in the index block");
        code = read_data_block(r, handle);
        behind = handle.offset + handle.size;
    }
    return code;
}

enum code table_read(struct span bytes, struct arena *arena, struct table *table, struct error *err)
{
    *table = (struct table){0};
    struct table_reader r = {.bytes = bytes, .arena = arena, .table = table, .err = err};
    if (bytes.len < FOOTER_SIZE)
        return error_set(err, CODE_DATA_LOSS, "file is too short to be an sstable");
    struct span footer = span_sub(bytes, bytes.len - FOOTER_SIZE, FOOTER_SIZE);
    uint64_t magic = little32(footer.ptr + 40) | (uint64_t)little32(footer.ptr + 44) << 32;
    if (magic != TABLE_MAGIC)
        return error_set(err, CODE_DATA_LOSS, "not an sstable (bad magic number)");
    struct handle meta_index, index;
    struct span handles = span_sub(footer, 0, 40);
    if (!take_handle(&handles, &meta_index) || !take_handle(&handles, &index))
        return error_set(err, CODE_DATA_LOSS, "bad block handle in the footer");
    return read_blocks(&r, index);
}
