/* SPDX-License-Identifier: Apache-2.0 */
/* What models have answered within some time, in words: the difference between what was counted
 * before (api/served.h) and after. What a version that went meanwhile has answered is not told. */
#ifndef API_MONITOR_H
#define API_MONITOR_H

#include "api/served.h"
#include "base/arena.h"

/* How things stand. */
struct monitor_state {
    int64_t us;     /* of clock_now_us() */
    int64_t cpu_ns; /* of the process */
    struct served_total *totals;
    size_t count;
    size_t room;
    struct arena *arena;
};

/* Takes it; in the arena. */
void monitor_take(struct monitor_state *state, struct arena *arena);

struct monitor_options {
    bool time_of_day; /* in front */
    bool details;     /* of each method of each signature, too */
};

/* Lines of text, in the arena. `after` is used up. */
struct span monitor_text(const struct monitor_state *before, struct monitor_state *after,
                         const struct monitor_options *options, struct arena *arena);

#endif
