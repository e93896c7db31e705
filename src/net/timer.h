/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct timers: what a loop has to do later; a binary heap of timers that their owners embed.
 * Arming, moving and disarming cost O(log n), and a timer that is not armed costs nothing. Not
 * thread-safe: one heap per loop.
 */
#ifndef NET_TIMER_H
#define NET_TIMER_H

#include <stddef.h>
#include <stdint.h>

struct timer;
typedef void timer_fn(struct timer *timer);

struct timer {
    int64_t at_us; /* of clock_now_us(); meaningful while armed */
    size_t slot;   /* its place in the heap plus one; 0: not armed */
    timer_fn *fn;  /* called once, disarmed before */
};

struct timers {
    struct timer **heap; /* owned; the timers are borrowed */
    size_t count;
    size_t capacity;
};

void timers_init(struct timers *timers);
void timers_release(struct timers *timers);

/* Arms the timer, or moves it when it is armed already. */
void timers_arm(struct timers *timers, struct timer *timer, int64_t at_us);

/* Nothing happens when it is not armed. */
void timers_disarm(struct timers *timers, struct timer *timer);

/* When the next one is due; INT64_MAX: none is armed. */
int64_t timers_next(const struct timers *timers);

/* Calls those that are due at now_us, the earliest first. They may arm and disarm timers. */
void timers_run(struct timers *timers, int64_t now_us);

#endif
