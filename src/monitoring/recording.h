/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct recording: what happens for a while, event by event, for a profile. There is at most one
 * at a time; while there is none, whoever could add an event pays for a look at `recording_level`.
 *
 * Each thread writes behind what it wrote before, in memory of its own, and waits for nobody. All
 * that memory together is bounded; what does not fit is counted.
 */
#ifndef MONITORING_RECORDING_H
#define MONITORING_RECORDING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum recording_level {
    RECORDING_OFF,
    RECORDING_REQUESTS, /* and what happens to versions */
    RECORDING_OPS,      /* and what runs are made of */
};

enum {
    RECORDING_PARTS_MAX = 12,
    RECORDING_VALUES_MAX = 16,
    RECORDING_TEXT_MAX = 200, /* bytes of a value; what is longer is cut */
};

/* A part of an event, within it. */
struct recording_part {
    const char *name; /* a literal, like all names here */
    int64_t begin;    /* of clock_ticks() */
    int64_t end;
    bool on_thread; /* it is what `thread` was busy with; else the event waited */
};

struct recording_value {
    const char *name;
    struct span text; /* ptr NULL: it is a number */
    int64_t number;
};

struct recording_event {
    const char *name;
    struct span subject; /* what the name is about, the node of an op; cut, too; empty: nothing */
    int64_t begin;
    int64_t end;
    enum recording_level level;
    int home;   /* thread_id() of whose requests it is one; 0: of none, it is what a thread did */
    int thread; /* thread_id() of who did it */
    const struct recording_part *parts; /* one behind the other */
    size_t part_count;
    const struct recording_value *values;
    size_t value_count;
};

extern _Atomic int recording_level_now; /* an enum recording_level */

/* Is there a recording that wants events of this level? */
static inline bool recording_wants(enum recording_level level)
{
    int now = atomic_load_explicit(&recording_level_now, memory_order_relaxed);
    return __builtin_expect(now >= (int)level, false);
}

/* Adds a copy; nothing where there is no recording. Any thread; does not wait. */
void recording_add(const struct recording_event *event);

struct recording;

/* Begins one, of at most `bytes`; NULL: there is one already. */
struct recording *recording_begin(enum recording_level level, size_t bytes);

/* No more events come. Any thread; waits for those that are being added. */
void recording_end(struct recording *recording);

/* Of one that has ended: how many events it has, and how many it had no room for. */
size_t recording_count(const struct recording *recording);
size_t recording_dropped(const struct recording *recording);

/* All of them, recording_count(), which stay as long as it does. */
void recording_list(const struct recording *recording, const struct recording_event **events);

/* Has ended. NULL is fine. */
void recording_free(struct recording *recording);

#endif
