/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct version_gate: lets a version of one servable pass when it is whole: its platform misses no
 * file (loader->check), and nothing was written to its folder for a while. One that misses files
 * and to which nobody has written for long passes too: loading it says what is wrong. A version
 * that has passed stays; when its files change, the change is told only when they are whole again.
 *
 * "For a while" is told by the wall clock from the times of the files, or, since clocks of file
 * servers differ, by the files having looked the same for as long by our own.
 */
#ifndef CORE_VERSION_GATE_H
#define CORE_VERSION_GATE_H

#include "base/arena.h"
#include "core/source.h"

struct version_gate {
    struct known_version *known; /* owned; those of the last round */
    size_t count;
    size_t room;
};

struct version_gate_clock {
    int64_t quiet_us; /* how long nothing must have been written; <= 0: no matter */
    int64_t now_us;   /* of the monotonic clock */
    int64_t wall_us;  /* since 1970 */
};

/* Sets the version's stamp, and waits_for (in the arena) while it may not pass. *wake_us is lowered
 * to when a version that waits should be looked at again. */
void version_gate_pass(struct version_gate *gate, const struct platform *platform,
                       const struct version_gate_clock *clock, struct aspired_version *version,
                       int64_t *wake_us, struct arena *arena);

/* Forgets the versions that are not among these. */
void version_gate_forget(struct version_gate *gate, const struct aspired_version *versions,
                         size_t count);

void version_gate_release(struct version_gate *gate);

#endif
