/* SPDX-License-Identifier: Apache-2.0 */
#include "core/version_event.h"

#include "base/clock.h"
#include "base/thread.h"
#include "monitoring/recording.h"

static void add(const char *name, const struct servable_id *id, enum code code,
                const struct recording_part *parts, size_t count)
{
    const struct recording_value values[] = {
        {.name = "model", .text = id->name},
        {.name = "version", .number = id->version},
        {.name = "code", .text = span_of(code_name(code))},
    };
    recording_add(&(struct recording_event){
        .name = name,
        .begin = parts[0].begin,
        .end = parts[count - 1].end,
        .level = RECORDING_REQUESTS,
        .thread = thread_id(),
        .parts = parts,
        .part_count = count,
        .values = values,
        .value_count = sizeof values / sizeof *values,
    });
}

/* Its stages follow each other in the order of their numbers; what none of them took comes last. */
void version_event_loaded(const struct servable_id *id, int64_t begin,
                          const struct progress *progress, enum code code)
{
    struct recording_part parts[PROGRESS_STAGES];
    size_t count = 0;
    int64_t at = begin, end = clock_ticks();
    if (!recording_wants(RECORDING_REQUESTS))
        return;
    for (int i = PROGRESS_BEGIN + 1; i < PROGRESS_STAGES; i++) {
        double took_ns = (double)atomic_load(&progress->took_us[i]) * 1e3;
        int64_t until = at + (int64_t)(took_ns / clock_tick_ns());
        if (until <= at || until > end)
            continue;
        const char *name = progress_stage_name((enum progress_stage)i);
        parts[count++] = (struct recording_part){name, at, until, true};
        at = until;
    }
    parts[count++] = (struct recording_part){"rest", at, end, true};
    add("load", id, code, parts, count);
}

void version_event_unloaded(const struct servable_id *id, int64_t begin, int64_t idle)
{
    const struct recording_part parts[] = {{"drain", begin, idle, false},
                                           {"free", idle, clock_ticks(), true}};
    if (recording_wants(RECORDING_REQUESTS))
        add("unload", id, CODE_OK, parts, 2);
}
