/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Yggdrasil's files of records ("blob sequences"): "BS", a version (uint16), four bytes that are
 * zero in version 0; in version 1 the first of them says how what follows is compressed (0: not,
 * 1: gzip); then records: a length (uint32) and as many bytes. Numbers are little endian.
 */
#ifndef OPS_FOREST_BLOBS_H
#define OPS_FOREST_BLOBS_H

#include "base/arena.h"
#include "base/error.h"

/* The records of a file, all lengths checked, and how many there are. Inflated ones lie in the
 * arena, others in `file`. INVALID_ARGUMENT: broken; UNIMPLEMENTED: another version or compression;
 * RESOURCE_EXHAUSTED. */
enum code blobs_open(struct span file, struct arena *arena, struct span *records, size_t *count,
                     struct error *err);

/* Takes the next of the records that blobs_open() returned; false: there is none. */
bool blobs_next(struct span *records, struct span *record);

#endif
