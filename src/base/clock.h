/* SPDX-License-Identifier: Apache-2.0 */
/* Time. Intervals are measured with the monotonic clock only; wall time is for logs. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
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

/* Ditto, of all threads. */
int64_t clock_process_cpu_ns(void);

/*
 * Ticks: for short times that are taken often. The processor's own counter where it runs evenly,
 * which costs a third of asking the system; nanoseconds of the monotonic clock elsewhere, and
 * before clock_calibrate().
 */
extern bool clock_has_counter; /* set by clock_calibrate() */

static inline int64_t clock_ticks(void)
{
#if defined(__x86_64__)
    if (clock_has_counter)
        return (int64_t)__builtin_ia32_rdtsc();
#endif
    return clock_now_ns();
}

/* Finds out how long a tick is, in a millisecond. Once, before there are other threads. */
void clock_calibrate(void);

/* Nanoseconds of a tick. */
double clock_tick_ns(void);

extern uint64_t clock_us_per_2_32_ticks;

/* Whole microseconds of so many ticks, rounded down; below 0: 0. */
static inline int64_t clock_ticks_us(int64_t ticks)
{
    uint64_t n = ticks < 0 ? 0 : (uint64_t)ticks;
    return (int64_t)((unsigned __int128)n * clock_us_per_2_32_ticks >> 32);
}

#endif
