/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as the files that an operator writes: a manifest of versions, a hashmap. */
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "core/version_listing.h"
#include "servables/hashmap/hashmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void list(const char *path)
{
    struct arena arena;
    struct version_listing listing;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    if (!version_listing_read(path, "m", &arena, &listing, NULL)) {
        for (size_t i = 0; i < listing.count; i++)
            CHECK(listing.versions[i].path && *listing.versions[i].path);
    }
    arena_release(&arena);
}

static void load(const char *path)
{
    const struct loader *loader = hashmap_kind.loader;
    void *object;
    if (!loader->load(path, NULL, &object, NULL))
        loader->unload(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("fuzz", 0);
    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    list(path);
    load(path);
    close(fd);
    return 0;
}
