/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A checkpoint's index: as a whole file, and as the contents of a block that this target wraps into
 * a table with right checksums (a fuzzer does not guess those). The data files do not exist; every
 * entry must be refused cleanly.
 */
#include <stdlib.h>

#include "base/check.h"
#include "savedmodel/bundle_index.h"
#include "wire/crc32c.h"
#include "wire/varint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_index(struct span index)
{
    struct bundle *bundle;
    if (bundle_open_index("no-such-folder/bundle", index, &bundle, NULL))
        return;
    for (size_t i = 0; i < bundle_count(bundle); i++) {
        const struct bundle_entry *entry = bundle_entry(bundle, i);
        struct tensor tensor;
        CHECK(bundle_find(bundle, entry->name) == entry);
        if (!bundle_read(bundle, entry->name, &tensor, NULL))
            buffer_unref(tensor.buffer);
    }
    bundle_unref(bundle);
}

/* Appends a block of these contents, its type and its checksum; returns its size without the
 * trailer. */
static size_t put_block(char **out, struct span contents, char type)
{
    char *start = *out;
    memcpy(start, contents.ptr, contents.len);
    start[contents.len] = type;
    uint32_t sum = crc32c_mask(crc32c(span_make(start, contents.len + 1)));
    memcpy(start + contents.len + 1, &sum, sizeof sum);
    *out = start + contents.len + 5;
    return contents.len;
}

/* The first byte says whether the block is compressed. */
static void try_block(struct span contents, char type)
{
    char *file = calloc(1, contents.len + 256), *out = file;
    CHECK(file);
    size_t block = put_block(&out, contents, type);
    /* The index: no shared bytes, a key of one byte, the handle; one restart at 0. */
    char index[64] = {0, 1, 0, 'z'};
    size_t n = 4 + varint_put(index + 4, 0);
    n += varint_put(index + n, block);
    index[2] = (char)(n - 4);
    memset(index + n, 0, 8);
    index[n + 4] = 1;
    size_t index_at = (size_t)(out - file);
    size_t index_size = put_block(&out, span_make(index, n + 8), 0);
    char *footer = out;
    out += varint_put(out, 0);
    out += varint_put(out, 0);
    out += varint_put(out, index_at);
    varint_put(out, index_size);
    const uint64_t magic = 0xdb4775248b80fb57;
    memcpy(footer + 40, &magic, sizeof magic);
    try_index(span_make(file, (size_t)(footer - file) + 48));
    free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = span_make(data, size);
    try_index(bytes);
    if (size > 0)
        try_block(span_sub(bytes, 1, size), (char)(data[0] & 1));
    return 0;
}
