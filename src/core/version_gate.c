/* SPDX-License-Identifier: Apache-2.0 */
#include "core/version_gate.h"

#include <stdlib.h>

#include "base/check.h"
#include "core/version_listing.h"

enum {
    LOOK_AGAIN_US = 1000 * 1000,    /* at one of which files are missing */
    PATIENCE_US = 10 * 1000 * 1000, /* with one that nobody writes to any more */
};

struct known_version {
    int64_t version;
    bool passed;
    uint64_t stamp;  /* with which it passed */
    uint64_t seen;   /* the stamp of the last look */
    int64_t seen_us; /* since when it looks so */
};

static struct known_version *find_or_add(struct version_gate *gate, int64_t version)
{
    for (size_t i = 0; i < gate->count; i++) {
        if (gate->known[i].version == version)
            return &gate->known[i];
    }
    if (gate->count == gate->room) {
        gate->room = gate->room ? 2 * gate->room : 4;
        gate->known = realloc(gate->known, gate->room * sizeof *gate->known);
        CHECK(gate->known && "out of memory");
    }
    struct known_version *known = &gate->known[gate->count++];
    *known = (struct known_version){.version = version};
    return known;
}

/* NULL: nothing was written for long enough. */
static const char *why_not_quiet(const struct known_version *known,
                                 const struct version_gate_clock *clock,
                                 const struct version_files *files, int64_t *wake_us,
                                 struct arena *arena)
{
    int64_t since_us = clock->wall_us - files->written_us;
    int64_t seen_us = clock->now_us - known->seen_us;
    bool in_future = since_us < 0;
    if (clock->quiet_us <= 0 || seen_us >= clock->quiet_us ||
        (!in_future && since_us >= clock->quiet_us))
        return NULL;
    int64_t left_us = clock->quiet_us - (in_future || seen_us > since_us ? seen_us : since_us);
    *wake_us = clock->now_us + left_us < *wake_us ? clock->now_us + left_us : *wake_us;
    return arena_printf(arena,
                        "its files in this moment are being written, or were less than "
                        "%.3g s ago",
                        (double)clock->quiet_us / 1e6);
}

/* Nobody writes to it any more: then loading it says what is wrong with it. */
static bool is_given_up(const struct known_version *known, const struct version_gate_clock *clock,
                        const struct version_files *files)
{
    int64_t since_us = clock->wall_us - files->written_us;
    return since_us >= PATIENCE_US || clock->now_us - known->seen_us >= PATIENCE_US;
}

static const char *why_not_whole(const struct platform *platform, const char *path,
                                 struct arena *arena)
{
    struct error err;
    if (!platform->loader->check || !platform->loader->check(path, platform->context, &err))
        return NULL;
    return arena_strdup(arena, span_of(err.message));
}

void version_gate_pass(struct version_gate *gate, const struct platform *platform,
                       const struct version_gate_clock *clock, struct aspired_version *version,
                       int64_t *wake_us, struct arena *arena)
{
    struct known_version *known = find_or_add(gate, version->version);
    struct version_files files = version_listing_files(version->path, arena);
    if (files.stamp != known->seen || !known->seen_us) {
        known->seen = files.stamp;
        known->seen_us = clock->now_us;
    }
    if (known->passed && known->stamp == files.stamp) {
        version->stamp = known->stamp;
        return;
    }
    const char *why = why_not_whole(platform, version->path, arena);
    if (why && is_given_up(known, clock, &files))
        why = NULL;
    if (why && clock->now_us + LOOK_AGAIN_US < *wake_us)
        *wake_us = clock->now_us + LOOK_AGAIN_US;
    if (!why)
        why = why_not_quiet(known, clock, &files, wake_us, arena);
    known->stamp = known->passed && why ? known->stamp : files.stamp;
    version->stamp = known->stamp;
    version->waits_for = known->passed ? NULL : why;
    known->passed |= !why;
}

void version_gate_forget(struct version_gate *gate, const struct aspired_version *versions,
                         size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < gate->count; i++) {
        bool is_there = false;
        for (size_t k = 0; !is_there && k < count; k++)
            is_there = versions[k].version == gate->known[i].version;
        if (is_there)
            gate->known[kept++] = gate->known[i];
    }
    gate->count = kept;
}

void version_gate_release(struct version_gate *gate)
{
    free(gate->known);
    *gate = (struct version_gate){0};
}
