/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct state_monitor: what state every version of every servable is in, or ended in (reference
 * 4.5, 4.10). The manager writes it, status requests read it. Versions that ended stay listed, with
 * the error that ended them, up to STATE_ENDED_MAX per name; then the lowest goes.
 */
#ifndef CORE_STATE_MONITOR_H
#define CORE_STATE_MONITOR_H

#include <stdbool.h>

#include "base/arena.h"
#include "core/servable.h"

enum { STATE_ENDED_MAX = 1000 }; /* a version a minute for a working day and a half */

enum servable_state {
    STATE_START, /* known */
    STATE_LOADING,
    STATE_AVAILABLE, /* answers requests */
    STATE_UNLOADING, /* takes no new requests */
    STATE_END,       /* gone, or never came: see the error */
    STATE_COUNT,
};

/* "START", "LOADING", ... */
const char *state_name(enum servable_state state);

struct version_state {
    int64_t version;
    enum servable_state state;
    enum code code;      /* OK, or what went wrong */
    const char *message; /* of it, or a note; "": none */
    uint64_t sequence;   /* of its last change; grows with every change of any version */
};

struct state_monitor;

struct state_monitor *state_monitor_new(void);
void state_monitor_free(struct state_monitor *monitor);

/* Any thread. `err` may be NULL: healthy, and nothing to say. */
void state_monitor_set(struct state_monitor *monitor, struct servable_id id,
                       enum servable_state state, const struct error *err);

/* Copies of all versions of a name, highest first; 0 when the name was never seen. Any thread. */
size_t state_monitor_get(struct state_monitor *monitor, struct span name, struct arena *arena,
                         struct version_state **versions);

/* All names that were ever seen, in the arena, in no particular order. Any thread. */
size_t state_monitor_names(struct state_monitor *monitor, struct arena *arena, struct span **names);

/* The number of changes until now: it grows with every one, and with every poke. Whoever waits for
 * something reads it, looks, and waits for it to be another one:
 *
 *   do
 *       sequence = state_monitor_sequence(monitor);
 *   while (!is_as_it_should_be() && state_monitor_await(monitor, sequence));
 */
uint64_t state_monitor_sequence(struct state_monitor *monitor);

/* Waits until the sequence is another one. False: interrupted. Any thread. */
bool state_monitor_await(struct state_monitor *monitor, uint64_t sequence);

/* The same, until clock_now_us() is `until_us` at the latest. */
bool state_monitor_await_until(struct state_monitor *monitor, uint64_t sequence, int64_t until_us);

/* Makes all who wait look again, at what is no state. Any thread. */
void state_monitor_poke(struct state_monitor *monitor);

/* Ends all waiting, now and later. Any thread. */
void state_monitor_interrupt(struct state_monitor *monitor);

#endif
