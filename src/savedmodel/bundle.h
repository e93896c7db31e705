/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct bundle: reads a tensor bundle (a TensorFlow V2 checkpoint: PREFIX.index and
 * PREFIX.data-00000-of-00002 ...). The index is an immutable sorted table in LevelDB's format:
 * blocks of prefix-compressed entries, each with a type byte (0 plain, 1 snappy) and a masked
 * crc32c, a 48-byte footer. Key "" holds BundleHeaderProto; the others BundleEntryProto. Data files
 * are mapped read-only; tensors are used in place where they are aligned for their dtype and copied
 * otherwise. Everything that the files claim is checked before it is used. Thread-safe after
 * opening.
 */
#ifndef SAVEDMODEL_BUNDLE_H
#define SAVEDMODEL_BUNDLE_H

#include "tensor/tensor.h"

struct bundle;

struct bundle_entry {
    struct span name;
    enum dtype dtype;
    struct shape shape;
    int64_t size; /* bytes in the data file; of a sliced tensor: of all its slices */
    bool sliced;
};

/* `prefix` as TensorFlow has it: ".../variables/variables". NOT_FOUND when there is no index;
 * DATA_LOSS for a broken one. Messages name the file. */
enum code bundle_open(const char *prefix, struct bundle **bundle, struct error *err);

/* References: a tensor read from it keeps the mapping alive through its buffer. */
struct bundle *bundle_ref(struct bundle *bundle);
void bundle_unref(struct bundle *bundle);

/* Is every byte there that the index speaks of? OUT_OF_RANGE for a data file that is too short,
 * what opening it said for one that is not there. The bytes themselves are not read. */
enum code bundle_check_files(const struct bundle *bundle, struct error *err);

size_t bundle_count(const struct bundle *bundle);
/* Sorted by name. Slices of a sliced tensor are not listed by themselves. */
const struct bundle_entry *bundle_entry(const struct bundle *bundle, size_t i);
/* NULL when it is not there. */
const struct bundle_entry *bundle_find(const struct bundle *bundle, struct span name);

/* Reads one tensor. The result's `buffer` has one reference, which is the caller's: the mapping
 * itself where the data is aligned, else a copy. The crc32c is checked. NOT_FOUND "Key x not found
 * in checkpoint"; DATA_LOSS for a wrong checksum, OUT_OF_RANGE/DATA_LOSS for a short data file. */
enum code bundle_read(struct bundle *bundle, struct span name, struct tensor *tensor,
                      struct error *err);

/* Reads a part: `slice` is TensorFlow's text "<full shape> <slice spec>", for example "1000 16
 * 0,500:-" or "10 4 -:0,2"; an empty one is the whole tensor. */
enum code bundle_read_slice(struct bundle *bundle, struct span name, struct span slice,
                            struct tensor *tensor, struct error *err);

#endif
