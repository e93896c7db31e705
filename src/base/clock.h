/* SPDX-License-Identifier: Apache-2.0 */
/* Time. Intervals are measured with the monotonic clock only; wall time is for logs. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Microseconds / nanoseconds of the monotonic clock. Any thread. */
int64_t clock_now_us(void);
int64_t clock_now_ns(void);

/* clock_now_us() as the last tick of the system had it, some milliseconds ago: for a fraction of
 * the price. */
int64_t clock_coarse_us(void);

/* Microseconds since 1970-01-01 UTC. */
int64_t clock_wall_us(void);

/* CPU time of the calling thread, nanoseconds. */
int64_t clock_thread_cpu_ns(void);

#endif
