/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PREFIX.index is a table (savedmodel/table.h). Its keys, in order: "" with the header; the keys of
 * stored slices, which begin with a zero byte (savedmodel/slice.h); the names of tensors. All
 * values are decoded on opening into one array in that order, so that a lookup is a binary search
 * and the named entries are its tail.
 *
 * An entry says which shard file holds its bytes, where, and their masked crc32c. An entry with
 * slices has no bytes of its own: every slice has an entry under its key. Numbers lie there as they
 * do in memory; a string tensor is
 *
 *   [varint length]... [masked crc32c of the lengths, each as uint32, or uint64 above 4 GiB]
 * [bytes]...
 *
 * and its entry's checksum covers the lengths in that form, the checksum and the bytes.
 *
 * Shards are mapped on opening and are never written after, so reading needs no lock. A shard that
 * could not be mapped is an error only for those who read from it: what it held may not be wanted.
 */
#include "savedmodel/bundle.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "savedmodel/bundle_index.h"
#include "savedmodel/mapped_file.h"
#include "savedmodel/slice.h"
#include "savedmodel/table.h"
#include "wire/crc32c.h"
#include "wire/messages.h"
#include "wire/pb.h"
#include "wire/varint.h"

enum {
    BUNDLE_VERSION = 1,        /* what we read: TensorFlow's kTensorBundleVersion */
    BUNDLE_SHARD_MAX = 100000, /* the file names have five digits */
};

struct stored {
    struct bundle_entry entry;
    int32_t shard;
    int64_t offset;
    uint32_t checksum; /* masked */
    struct slice *slices;
    size_t slice_count;
};

struct shard {
    struct buffer *buffer; /* owned; NULL: could not be mapped, or not needed */
    enum code code;
    const char *problem;
};

struct bundle {
    atomic_size_t refs;
    struct arena arena; /* everything below, and the references to the mappings */
    const char *prefix;
    struct stored *stored; /* sorted by key */
    size_t stored_count;
    size_t first_named; /* those before it are slices */
    struct shard *shards;
    int32_t shard_count;
};

/* ---- opening ---- */

static void unref_buffer(void *buffer)
{
    buffer_unref(buffer);
}

static enum code read_header(struct bundle *bundle, struct span bytes, struct error *err)
{
    struct pb_bundle_header_proto header;
    enum code code = pb_decode(&pb_bundle_header_proto_type, bytes, &bundle->arena, &header, err);
    if (code)
        return error_set(err, CODE_DATA_LOSS, "Unable to parse the header: %s",
                         err ? err->message : "");
    if (header.endianness != PB_BUNDLE_HEADER_PROTO_ENDIANNESS_LITTLE)
        return error_set(err, CODE_UNIMPLEMENTED,
                         "Reading a bundle with different endianness from the reader");
    if (header.version && header.version->min_consumer > BUNDLE_VERSION)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The bundle wants readers of version %d; this one has version %d",
                         header.version->min_consumer, BUNDLE_VERSION);
    if (header.num_shards < 0 || header.num_shards > BUNDLE_SHARD_MAX)
        return error_set(err, CODE_DATA_LOSS, "The bundle claims %d shards", header.num_shards);
    bundle->shard_count = header.num_shards;
    bundle->shards = ARENA_ARRAY(&bundle->arena, struct shard, (size_t)header.num_shards);
    return CODE_OK;
}

static enum code copy_slices(struct bundle *bundle, const struct pb_bundle_entry_proto *proto,
                             struct stored *stored, struct error *err)
{
    size_t n = proto->slices.count;
    stored->entry.sliced = n > 0;
    stored->slice_count = n;
    stored->slices = ARENA_ARRAY(&bundle->arena, struct slice, n);
    int64_t elements;
    if (n > 0 && dtype_is_plain(stored->entry.dtype) &&
        (!shape_elements_checked(&stored->entry.shape, &elements) ||
         __builtin_mul_overflow(elements, (int64_t)dtype_size(stored->entry.dtype),
                                &stored->entry.size)))
        return error_set(err, CODE_DATA_LOSS, "the shape has too many elements");
    for (size_t i = 0; i < n; i++) {
        enum code code = slice_from_proto(&proto->slices.items[i], &stored->slices[i], err);
        if (code)
            return code;
    }
    return CODE_OK;
}

static enum code read_entry(struct bundle *bundle, const struct table_entry *from,
                            struct stored *stored, struct error *err)
{
    struct pb_bundle_entry_proto proto;
    enum code code =
        pb_decode(&pb_bundle_entry_proto_type, from->value, &bundle->arena, &proto, err);
    if (code)
        return code;
    struct shape shape;
    code = shape_from_proto(proto.shape, &shape, err);
    if (code)
        return code;
    if (!shape_is_known(&shape) || !dtype_is_valid(proto.dtype))
        return error_set(err, CODE_DATA_LOSS, "the shape or the type (%d) is none", proto.dtype);
    if (proto.offset < 0 || proto.size < 0)
        return error_set(err, CODE_DATA_LOSS, "%" PRId64 " bytes at offset %" PRId64, proto.size,
                         proto.offset);
    if (proto.slices.count == 0 && (proto.shard_id < 0 || proto.shard_id >= bundle->shard_count))
        return error_set(err, CODE_DATA_LOSS, "shard %d of %d", proto.shard_id,
                         bundle->shard_count);
    *stored = (struct stored){
        .entry = {from->key, (enum dtype)proto.dtype, shape, proto.size, false},
        .shard = proto.shard_id,
        .offset = proto.offset,
        .checksum = proto.crc32c,
    };
    return copy_slices(bundle, &proto, stored, err);
}

/* The value of key "", which sorts first, is the header; the rest are entries. */
static enum code read_table(struct bundle *bundle, const struct table *table, struct error *err)
{
    if (table->count == 0 || table->entries[0].key.len > 0)
        return error_set(err, CODE_DATA_LOSS, "the header is missing");
    enum code code = read_header(bundle, table->entries[0].value, err);
    if (code)
        return code;
    bundle->stored_count = table->count - 1;
    bundle->stored = ARENA_ARRAY(&bundle->arena, struct stored, bundle->stored_count);
    for (size_t i = 0; i < bundle->stored_count; i++) {
        const struct table_entry *from = &table->entries[i + 1];
        code = read_entry(bundle, from, &bundle->stored[i], err);
        if (code)
            return error_set(err, CODE_DATA_LOSS, "entry \"%.*s\": %s", SPAN_ARG(from->key),
                             err ? err->message : "");
        if (from->key.ptr[0] == '\0')
            bundle->first_named = i + 1;
    }
    return CODE_OK;
}

static enum code read_index(struct bundle *bundle, struct span index, struct error *err)
{
    struct table table;
    enum code code = table_read(index, &bundle->arena, &table, err);
    if (!code)
        code = read_table(bundle, &table, err);
    if (code)
        error_prefix(err, "%s.index: ", bundle->prefix);
    return code;
}

static void open_shard(struct bundle *bundle, int32_t i)
{
    struct shard *shard = &bundle->shards[i];
    if (shard->buffer || shard->problem)
        return;
    char *path = arena_printf(&bundle->arena, "%s.data-%05d-of-%05d", bundle->prefix, i,
                              bundle->shard_count);
    struct error err = {0};
    shard->code = mapped_file_open(path, &shard->buffer, &err);
    if (shard->code)
        shard->problem = arena_strdup(&bundle->arena, span_of(err.message));
    else
        arena_defer(&bundle->arena, unref_buffer, shard->buffer);
}

static struct bundle *new_bundle(const char *prefix)
{
    struct bundle *bundle = calloc(1, sizeof *bundle);
    CHECK(bundle && "out of memory");
    atomic_init(&bundle->refs, 1);
    arena_init(&bundle->arena, ARENA_FIRST_BLOCK);
    bundle->prefix = arena_strdup(&bundle->arena, span_of(prefix));
    return bundle;
}

static enum code fill_bundle(struct bundle *bundle, struct span index, struct error *err)
{
    struct error local = {0}; /* texts are built upon each other, also when nobody wants them */
    enum code code = read_index(bundle, index, err ? err : &local);
    for (size_t i = 0; i < bundle->stored_count && !code; i++)
        if (!bundle->stored[i].entry.sliced)
            open_shard(bundle, bundle->stored[i].shard);
    return code;
}

enum code bundle_open_index(const char *prefix, struct span index, struct bundle **bundle,
                            struct error *err)
{
    struct bundle *made = new_bundle(prefix);
    enum code code = fill_bundle(made, index, err);
    if (code)
        bundle_unref(made);
    else
        *bundle = made;
    return code;
}

enum code bundle_open(const char *prefix, struct bundle **bundle, struct error *err)
{
    struct bundle *made = new_bundle(prefix);
    struct buffer *file;
    enum code code = mapped_file_open(arena_printf(&made->arena, "%s.index", prefix), &file, err);
    if (!code) {
        /* Keys and values may point into the mapping. */
        arena_defer(&made->arena, unref_buffer, file);
        code = fill_bundle(made, mapped_file_bytes(file), err);
    }
    if (code)
        bundle_unref(made);
    else
        *bundle = made;
    return code;
}

struct bundle *bundle_ref(struct bundle *bundle)
{
    atomic_fetch_add_explicit(&bundle->refs, 1, memory_order_relaxed);
    return bundle;
}

void bundle_unref(struct bundle *bundle)
{
    if (!bundle || atomic_fetch_sub_explicit(&bundle->refs, 1, memory_order_acq_rel) > 1)
        return;
    arena_release(&bundle->arena);
    free(bundle);
}

size_t bundle_count(const struct bundle *bundle)
{
    return bundle->stored_count - bundle->first_named;
}

const struct bundle_entry *bundle_entry(const struct bundle *bundle, size_t i)
{
    CHECK(i < bundle_count(bundle));
    return &bundle->stored[bundle->first_named + i].entry;
}

/* Of a tensor's name or a slice's key. */
static const struct stored *find(const struct bundle *bundle, struct span key)
{
    size_t low = 0, high = bundle->stored_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = span_compare(bundle->stored[middle].entry.name, key);
        if (order == 0)
            return &bundle->stored[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static const struct stored *find_named(const struct bundle *bundle, struct span name)
{
    return name.len && name.ptr[0] == '\0' ? NULL : find(bundle, name);
}

const struct bundle_entry *bundle_find(const struct bundle *bundle, struct span name)
{
    const struct stored *stored = find_named(bundle, name);
    return stored ? &stored->entry : NULL;
}

/* ---- reading one entry ---- */

static enum code find_bytes(const struct bundle *bundle, const struct stored *stored,
                            struct span *bytes, struct error *err)
{
    const struct shard *shard = &bundle->shards[stored->shard];
    if (!shard->buffer)
        return error_set(err, shard->code, "%s", shard->problem);
    uint64_t have = shard->buffer->size, offset = (uint64_t)stored->offset;
    if (offset > have || (uint64_t)stored->entry.size > have - offset)
        return error_set(err, CODE_OUT_OF_RANGE,
                         "TensorBundle at %s shard %d: key %.*s has %" PRId64
                         " bytes at offset %" PRId64 ", but the file ends at %" PRIu64,
                         bundle->prefix, stored->shard, SPAN_ARG(stored->entry.name),
                         stored->entry.size, stored->offset, have);
    *bytes = span_make((char *)shard->buffer->data + offset, (size_t)stored->entry.size);
    return CODE_OK;
}

enum code bundle_check_files(const struct bundle *bundle, struct error *err)
{
    struct span bytes;
    enum code code = CODE_OK;
    for (size_t i = 0; i < bundle->stored_count && !code; i++)
        if (!bundle->stored[i].entry.sliced)
            code = find_bytes(bundle, &bundle->stored[i], &bytes, err);
    return code;
}

static enum code check_sum(const struct bundle *bundle, const struct stored *stored,
                           uint32_t calculated, struct error *err)
{
    uint32_t expected = crc32c_unmask(stored->checksum);
    if (expected == calculated)
        return CODE_OK;
    return error_set(err, CODE_DATA_LOSS,
                     "TensorBundle at %s shard %d (%" PRId64 " bytes) key %.*s: Checksum does not "
                     "match: stored %08u vs. calculated on the restored bytes %08u",
                     bundle->prefix, stored->shard, stored->entry.size,
                     SPAN_ARG(stored->entry.name), expected, calculated);
}

static enum code bad_size(const struct stored *stored, size_t expected, struct error *err)
{
    return error_set(err, CODE_DATA_LOSS,
                     "Invalid size in bundle entry: key %.*s; stored size %" PRId64
                     "; expected size %zu",
                     SPAN_ARG(stored->entry.name), stored->entry.size, expected);
}

static enum code read_plain(struct bundle *bundle, const struct stored *stored,
                            struct tensor *tensor, struct error *err)
{
    struct span bytes;
    enum code code = find_bytes(bundle, stored, &bytes, err);
    if (code)
        return code;
    size_t expected;
    if (__builtin_mul_overflow((uint64_t)shape_elements(&stored->entry.shape),
                               (uint64_t)dtype_size(stored->entry.dtype), &expected))
        expected = SIZE_MAX;
    if (expected != bytes.len)
        return bad_size(stored, expected, err);
    code = check_sum(bundle, stored, crc32c(bytes), err);
    if (code)
        return code;
    if (stored->entry.dtype == DTYPE_BOOL && !tensor_bools_are_sound(bytes))
        return error_set(err, CODE_DATA_LOSS, "key %.*s: a bool is neither 0 nor 1",
                         SPAN_ARG(stored->entry.name));
    *tensor = (struct tensor){.dtype = stored->entry.dtype,
                              .shape = stored->entry.shape,
                              .data = (void *)(uintptr_t)bytes.ptr,
                              .buffer = bundle->shards[stored->shard].buffer};
    if ((uintptr_t)bytes.ptr % dtype_size(tensor->dtype) != 0)
        return tensor_copy_to_buffer(tensor, tensor, err);
    buffer_ref(tensor->buffer);
    return CODE_OK;
}

/* Reads the lengths and their checksum off `rest`; *sum becomes the running checksum of both. */
static enum code read_lengths(const struct stored *stored, struct span *rest, struct span *strings,
                              uint32_t *sum, struct error *err)
{
    int64_t n = shape_elements(&stored->entry.shape);
    uint64_t total = 0;
    *sum = 0;
    for (int64_t i = 0; i < n; i++) {
        uint64_t length;
        if (!varint_take(rest, &length) || length > rest->len)
            return error_set(err, CODE_DATA_LOSS, "key %.*s: bad length of string %" PRId64,
                             SPAN_ARG(stored->entry.name), i);
        uint32_t small = (uint32_t)length;
        *sum = length <= UINT32_MAX ? crc32c_extend(*sum, span_make(&small, sizeof small))
                                    : crc32c_extend(*sum, span_make(&length, sizeof length));
        strings[i].len = (size_t)length;
        total += length; /* can not overflow: n and every length are at most the file's size */
        if (total > rest->len)
            return bad_size(stored, (size_t)total, err);
    }
    uint32_t masked;
    if (rest->len != total + sizeof masked)
        return bad_size(stored, (size_t)stored->entry.size - rest->len + total + sizeof masked,
                        err);
    memcpy(&masked, rest->ptr, sizeof masked);
    if (crc32c_unmask(masked) != *sum)
        return error_set(err, CODE_DATA_LOSS,
                         "The length checksum does not match for key %.*s: expected %08u but got "
                         "%08u",
                         SPAN_ARG(stored->entry.name), *sum, crc32c_unmask(masked));
    *sum = crc32c_extend(*sum, span_make(&masked, sizeof masked));
    *rest = span_sub(*rest, sizeof masked, rest->len);
    return CODE_OK;
}

static enum code read_strings(struct bundle *bundle, const struct stored *stored,
                              struct tensor *tensor, struct error *err)
{
    struct span rest;
    enum code code = find_bytes(bundle, stored, &rest, err);
    if (code)
        return code;
    size_t n = (size_t)shape_elements(&stored->entry.shape);
    if (n > rest.len) /* a length takes a byte at least */
        return bad_size(stored, n, err);
    size_t spans = n * sizeof(struct span);
    struct buffer *buffer = buffer_new(spans + rest.len);
    if (!buffer)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "no memory for %zu strings", n);
    struct span *strings = buffer->data;
    uint32_t sum;
    code = read_lengths(stored, &rest, strings, &sum, err);
    if (!code)
        code = check_sum(bundle, stored, crc32c_extend(sum, rest), err);
    if (code) {
        buffer_unref(buffer);
        return code;
    }
    char *next = memcpy((char *)buffer->data + spans, rest.ptr, rest.len);
    for (size_t i = 0; i < n; i++) {
        strings[i].ptr = next;
        next += strings[i].len;
    }
    *tensor = (struct tensor){
        .dtype = DTYPE_STRING, .shape = stored->entry.shape, .data = strings, .buffer = buffer};
    return CODE_OK;
}

static enum code read_stored(struct bundle *bundle, const struct stored *stored,
                             struct tensor *tensor, struct error *err)
{
    if (stored->entry.dtype == DTYPE_STRING)
        return read_strings(bundle, stored, tensor, err);
    if (dtype_is_plain(stored->entry.dtype))
        return read_plain(bundle, stored, tensor, err);
    return error_set(err, CODE_UNIMPLEMENTED, "key %.*s: reading type %s from a checkpoint",
                     SPAN_ARG(stored->entry.name), dtype_name(stored->entry.dtype));
}

/* ---- reading boxes ---- */

struct gather {
    struct bundle *bundle;
    const struct stored *whole; /* the named entry */
    struct slice target;
    struct arena scratch; /* the parts live until all is copied: strings point into them */
    struct tensor out;
    int64_t covered;
    struct error *err;
};

/* The entry of slice `i`, checked to be what the named entry says, and its box. */
static enum code find_part(struct gather *g, size_t i, const struct stored **part,
                           struct slice *box)
{
    const struct bundle_entry *whole = &g->whole->entry;
    *box = g->whole->slices[i];
    *part = find(g->bundle, slice_key(whole->name, box, &g->scratch));
    if (!*part || (*part)->entry.sliced)
        return error_set(g->err, CODE_NOT_FOUND, "Slice %zu of key %.*s not found in checkpoint", i,
                         SPAN_ARG(whole->name));
    enum code code = slice_resolve(box, &whole->shape, g->err);
    if (code)
        return error_set(g->err, CODE_DATA_LOSS, "Slice %zu of key %.*s lies outside of it", i,
                         SPAN_ARG(whole->name));
    struct shape shape = slice_shape(box);
    if (!shape_equal(&shape, &(*part)->entry.shape) || (*part)->entry.dtype != whole->dtype)
        return error_set(g->err, CODE_DATA_LOSS,
                         "Slice %zu of key %.*s has another shape or type than its tensor says", i,
                         SPAN_ARG(whole->name));
    return CODE_OK;
}

static enum code copy_part(struct gather *g, const struct stored *part, const struct slice *box)
{
    struct tensor tensor;
    enum code code = read_stored(g->bundle, part, &tensor, g->err);
    if (code)
        return code;
    arena_defer(&g->scratch, unref_buffer, tensor.buffer);
    g->covered += slice_copy(box, tensor.data, &g->target, g->out.data, dtype_size(tensor.dtype));
    if (g->covered > tensor_elements(&g->out))
        return error_set(g->err, CODE_DATA_LOSS, "Slices of key %.*s overlap",
                         SPAN_ARG(g->whole->entry.name));
    return CODE_OK;
}

static enum code alloc_target(struct gather *g)
{
    enum dtype dtype = g->whole->entry.dtype;
    g->out = (struct tensor){.dtype = dtype, .shape = slice_shape(&g->target)};
    if (dtype == DTYPE_STRING)
        return tensor_alloc(&g->out, dtype, &g->out.shape, &g->scratch, g->err);
    size_t bytes;
    if (__builtin_mul_overflow((uint64_t)tensor_elements(&g->out), (uint64_t)dtype_size(dtype),
                               &bytes) ||
        !(g->out.buffer = buffer_new(bytes)))
        return error_set(g->err, CODE_RESOURCE_EXHAUSTED, "no memory for key %.*s",
                         SPAN_ARG(g->whole->entry.name));
    /* Nothing of another's memory is shown where a broken file's slices leave gaps. */
    memset(g->out.buffer->data, 0, bytes);
    g->out.data = g->out.buffer->data;
    return CODE_OK;
}

/* Do two boxes of one tensor share an element? */
static bool meet(const struct slice *a, const struct slice *b)
{
    for (int i = 0; i < a->rank; i++)
        if (a->start[i] + a->length[i] <= b->start[i] || b->start[i] + b->length[i] <= a->start[i])
            return false;
    return true;
}

static enum code copy_parts(struct gather *g)
{
    if (!g->whole->entry.sliced) {
        struct slice box = slice_whole(&g->whole->entry.shape);
        return copy_part(g, g->whole, &box);
    }
    for (size_t i = 0; i < g->whole->slice_count; i++) {
        const struct stored *part;
        struct slice box;
        enum code code = find_part(g, i, &part, &box);
        if (!code && meet(&box, &g->target))
            code = copy_part(g, part, &box);
        if (code)
            return code;
    }
    if (g->covered < tensor_elements(&g->out))
        return error_set(g->err, CODE_DATA_LOSS,
                         "The slices of key %.*s in the checkpoint do not cover what is read",
                         SPAN_ARG(g->whole->entry.name));
    return CODE_OK;
}

/* The stored slice that is exactly the target, or NULL: it can be used in place. What is wrong with
 * it copy_parts() says. */
static const struct stored *find_exact(struct gather *g)
{
    for (size_t i = 0; i < g->whole->slice_count; i++) {
        struct slice box = g->whole->slices[i];
        const struct stored *part;
        if (!slice_resolve(&box, &g->whole->entry.shape, NULL) && slice_equal(&box, &g->target))
            return find_part(g, i, &part, &box) ? NULL : part;
    }
    return NULL;
}

static enum code gather_parts(struct gather *g, struct tensor *tensor)
{
    const struct stored *exact = find_exact(g);
    if (exact)
        return read_stored(g->bundle, exact, tensor, g->err);
    enum code code = alloc_target(g);
    if (!code)
        code = copy_parts(g);
    if (code) {
        buffer_unref(g->out.buffer);
        return code;
    }
    if (g->out.dtype == DTYPE_STRING)
        return tensor_copy_to_buffer(&g->out, tensor, g->err);
    *tensor = g->out;
    return CODE_OK;
}

static enum code read_box(struct bundle *bundle, const struct stored *stored,
                          const struct slice *target, struct tensor *tensor, struct error *err)
{
    enum dtype dtype = stored->entry.dtype;
    struct slice whole = slice_whole(&stored->entry.shape);
    bool is_whole = slice_equal(&whole, target);
    if ((is_whole && !stored->entry.sliced) || (!dtype_is_plain(dtype) && dtype != DTYPE_STRING))
        return read_stored(bundle, stored, tensor, err);
    struct gather g = {.bundle = bundle, .whole = stored, .target = *target, .err = err};
    arena_init(&g.scratch, ARENA_FIRST_BLOCK);
    enum code code = gather_parts(&g, tensor);
    arena_release(&g.scratch);
    return code;
}

static enum code not_found(struct span name, struct error *err)
{
    return error_set(err, CODE_NOT_FOUND, "Key %.*s not found in checkpoint", SPAN_ARG(name));
}

enum code bundle_read(struct bundle *bundle, struct span name, struct tensor *tensor,
                      struct error *err)
{
    const struct stored *stored = find_named(bundle, name);
    if (!stored)
        return not_found(name, err);
    struct slice target = slice_whole(&stored->entry.shape);
    return read_box(bundle, stored, &target, tensor, err);
}

enum code bundle_read_slice(struct bundle *bundle, struct span name, struct span slice,
                            struct tensor *tensor, struct error *err)
{
    if (slice.len == 0)
        return bundle_read(bundle, name, tensor, err);
    const struct stored *stored = find_named(bundle, name);
    if (!stored)
        return not_found(name, err);
    struct shape shape;
    struct slice target;
    enum code code = slice_parse(slice, &shape, &target, err);
    if (code)
        return code;
    char asked[SHAPE_TEXT_SIZE], has[SHAPE_TEXT_SIZE];
    if (!shape_equal(&shape, &stored->entry.shape))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "tensor_name = %.*s; shape in shape_and_slice spec %s does not match the "
                         "shape stored in checkpoint: %s",
                         SPAN_ARG(name), shape_text(&shape, asked),
                         shape_text(&stored->entry.shape, has));
    return read_box(bundle, stored, &target, tensor, err);
}
