/* SPDX-License-Identifier: Apache-2.0 */
#include "base/progress.h"

#include <stddef.h>

#include "base/clock.h"

static const struct {
    const char *name;
    const char *text;
} stages[PROGRESS_STAGES] = {
    [PROGRESS_BEGIN] = {"begin", "beginning"},
    [PROGRESS_READ] = {"read", "reading the graph"},
    [PROGRESS_COMPILE] = {"compile", "compiling"},
    [PROGRESS_RESTORE] = {"restore", "restoring variables"},
    [PROGRESS_INITIALISE] = {"initialise", "initialising"},
    [PROGRESS_PREPARE] = {"prepare", "preparing plans"},
    [PROGRESS_WARM_UP] = {"warm_up", "warming up"},
};

const char *progress_stage_text(enum progress_stage stage)
{
    return stages[stage].text;
}

const char *progress_stage_name(enum progress_stage stage)
{
    return stages[stage].name;
}

static _Thread_local struct progress *current;

void progress_begin(struct progress *progress)
{
    current = progress;
    *progress = (struct progress){.since_us = clock_now_us()};
}

void progress_end(void)
{
    progress_enter(PROGRESS_BEGIN);
    current = NULL;
}

void progress_enter(enum progress_stage stage)
{
    if (!current)
        return;
    int64_t now_us = clock_now_us();
    enum progress_stage before = (enum progress_stage)atomic_load(&current->stage);
    atomic_fetch_add(&current->took_us[before], now_us - atomic_load(&current->since_us));
    atomic_store(&current->since_us, now_us);
    atomic_store(&current->stage, (int32_t)stage);
}

void progress_add(int64_t bytes)
{
    if (current)
        atomic_fetch_add_explicit(&current->bytes, bytes, memory_order_relaxed);
}
