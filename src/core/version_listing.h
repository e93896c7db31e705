/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct version_listing: the versions that a base path has.
 *
 * A folder (reference 4.11): each entry whose name is a whole number is a version: leading zeros, a
 * sign and blanks around it are fine; the path keeps the name as it is written.
 *
 * A file is a manifest: a version a line, its number, then, if its folder is not called so, the
 * folder's path from the manifest's own folder; '#' begins a comment. Written beside and renamed
 * into place, it publishes versions all at once, after they are whole.
 */
#ifndef CORE_VERSION_LISTING_H
#define CORE_VERSION_LISTING_H

#include <stdbool.h>

#include "base/arena.h"
#include "core/source.h"

struct version_listing {
    struct aspired_version *versions; /* in the arena; stamps are 0 */
    size_t count;
    size_t room;
    bool is_manifest;
};

/* INVALID_ARGUMENT `Could not find base path P for servable S with error <e>`; DATA_LOSS for a
 * manifest that can not be read, with its line. */
enum code version_listing_read(const char *base_path, const char *servable, struct arena *arena,
                               struct version_listing *listing, struct error *err);

/* The number that a folder's name stands for. */
bool version_listing_number(struct span name, int64_t *version);

/* What a version's files look like from outside: two values that differ when sizes or times do, and
 * the time of the last write, in microseconds since 1970; 0: there are no files. */
struct version_files {
    uint64_t stamp;
    int64_t written_us;
};
struct version_files version_listing_files(const char *path, struct arena *arena);

#endif
