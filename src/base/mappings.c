/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each mapping is a line "start-end rights offset device inode   path" and lines "Name:  N kB"
 * below it, "Rss" among them.
 */
#include "base/mappings.h"

#include <stdio.h>
#include <stdlib.h>

struct mapping {
    unsigned long long start;
    unsigned long long end;
    char *path; /* owned */
};

/* Of the line that begins a mapping; false: it is none. */
static bool begin(struct mapping *mapping, const char *line)
{
    struct mapping found = {0};
    int path = 0;
    if (sscanf(line, "%llx-%llx %*s %*s %*s %*s %n", &found.start, &found.end, &path) != 2 || !path)
        return false;
    free(mapping->path);
    found.path = strdup(line + path);
    *mapping = found;
    return true;
}

void mappings_read(mappings_fn *fn, void *context)
{
    FILE *file = fopen("/proc/self/smaps", "re");
    struct mapping mapping = {0};
    char *line = NULL;
    size_t room = 0;
    long long kib;
    while (file && getline(&line, &room, file) > 0) {
        if (begin(&mapping, line) || !mapping.path || sscanf(line, "Rss: %lld kB", &kib) != 1)
            continue;
        fn(span_strip(span_of(mapping.path)), (int64_t)(mapping.end - mapping.start), kib * 1024,
           context);
    }
    free(mapping.path);
    free(line);
    if (file)
        fclose(file);
}
