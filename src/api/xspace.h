/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording (monitoring/recording.h) as an XSpace, which TensorBoard's profile plugin and
 * TensorFlow's own tools read: one plane, "/host:CPU", with
 *
 *   a line for each thread that did something: what it did for requests, loads, the ops of runs
 *   lines for the requests of each loop: a request with its stages; as many as it takes for those
 *   that are there at the same time to stand beside each other
 *
 * and a plane "Task Environment" that says when all of it began and ended. Strings are UTF-8.
 */
#ifndef API_XSPACE_H
#define API_XSPACE_H

#include "base/error.h"
#include "monitoring/recording.h"
#include "wire/messages.h"

enum {
    XSPACE_LANES_MAX = 64, /* lines for the requests of one loop; what exceeds them is left out */
};

struct xspace_options {
    int64_t begin; /* of the recording; clock_ticks() */
    int64_t end;
    int64_t begin_ns;  /* the same as wall time */
    size_t events_max; /* what exceeds them is left out; 0: no limit */
    struct span host;
};

/* In the arena; texts are the recording's. What is left out or was dropped is told in `warnings`.
 * RESOURCE_EXHAUSTED: no memory. */
enum code xspace_make(const struct recording *recording, const struct xspace_options *options,
                      struct arena *arena, struct pb_x_space *space, struct error *err);

#endif
