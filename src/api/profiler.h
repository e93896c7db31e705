/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct profiler: tensorflow.ProfilerService. Profile records for a while what the server does
 * (monitoring/recording.h) and answers with it as an XSpace (api/xspace.h); Monitor sums up in
 * words what it did meanwhile (api/monitor.h). Both answer at once what there is when they are
 * terminated or the server ends.
 *
 * Nothing is written on the server's side: TensorFlow's client, which names a folder that both can
 * reach, writes the file itself when the answer has it.
 */
#ifndef API_PROFILER_H
#define API_PROFILER_H

#include "api/api.h"

enum {
    PROFILER_DURATION_MS_MAX = 3600 * 1000, /* a caller that asks for more has mistaken the unit */
    PROFILER_MONITORS_MAX = 8,              /* at a time: each holds a thread */
    PROFILER_BYTES_MAX = 32 << 20,          /* of a recording: tens of thousands of requests */
};

struct profiler *profiler_new(void);

/* Nobody waits any more: the network has ended. NULL is fine. */
void profiler_free(struct profiler *profiler);

/* INVALID_ARGUMENT; INTERNAL `Another profiling session active.` */
void api_profile(struct exchange *exchange, void *api);

/* Always OK, as in the original, whether there was such a session or not. */
void api_terminate(struct exchange *exchange, void *api);

/* INVALID_ARGUMENT; RESOURCE_EXHAUSTED: too many at a time. */
void api_monitor(struct exchange *exchange, void *api);

#endif
