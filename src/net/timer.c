/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A binary heap with the earliest timer at its root. Every timer knows its slot, so that it is
 * found without a search when it is moved or disarmed. Why no wheel: a loop has few armed timers (a
 * connection re-arms lazily, a call arms its deadline only when it is not answered at once), a
 * wheel wakes an idle loop at every tick, and a heap tells exactly how long to sleep.
 */
#include "net/timer.h"

#include <stdlib.h>

#include "base/check.h"

void timers_init(struct timers *timers)
{
    *timers = (struct timers){0};
}

void timers_release(struct timers *timers)
{
    free(timers->heap);
    *timers = (struct timers){0};
}

static void put(struct timers *timers, size_t slot, struct timer *timer)
{
    timers->heap[slot - 1] = timer;
    timer->slot = slot;
}

static struct timer *at(const struct timers *timers, size_t slot)
{
    return timers->heap[slot - 1];
}

static void sift_up(struct timers *timers, struct timer *timer, size_t slot)
{
    for (; slot > 1 && at(timers, slot / 2)->at_us > timer->at_us; slot /= 2)
        put(timers, slot, at(timers, slot / 2));
    put(timers, slot, timer);
}

static void sift_down(struct timers *timers, struct timer *timer, size_t slot)
{
    for (size_t child; (child = slot * 2) <= timers->count; slot = child) {
        if (child < timers->count && at(timers, child + 1)->at_us < at(timers, child)->at_us)
            child++;
        if (at(timers, child)->at_us >= timer->at_us)
            break;
        put(timers, slot, at(timers, child));
    }
    put(timers, slot, timer);
}

static void settle(struct timers *timers, struct timer *timer, size_t slot)
{
    if (slot > 1 && at(timers, slot / 2)->at_us > timer->at_us)
        sift_up(timers, timer, slot);
    else
        sift_down(timers, timer, slot);
}

static void grow(struct timers *timers)
{
    timers->capacity = timers->capacity ? timers->capacity * 2 : 64;
    timers->heap = realloc(timers->heap, timers->capacity * sizeof *timers->heap);
    CHECK(timers->heap && "out of memory");
}

void timers_arm(struct timers *timers, struct timer *timer, int64_t at_us)
{
    timer->at_us = at_us;
    if (!timer->slot) {
        if (timers->count == timers->capacity)
            grow(timers);
        timer->slot = ++timers->count;
    }
    settle(timers, timer, timer->slot);
}

void timers_disarm(struct timers *timers, struct timer *timer)
{
    size_t slot = timer->slot;
    if (!slot)
        return;
    timer->slot = 0;
    struct timer *last = at(timers, timers->count--);
    if (last != timer)
        settle(timers, last, slot);
}

int64_t timers_next(const struct timers *timers)
{
    return timers->count ? timers->heap[0]->at_us : INT64_MAX;
}

void timers_run(struct timers *timers, int64_t now_us)
{
    while (timers_next(timers) <= now_us) {
        struct timer *timer = timers->heap[0];
        timers_disarm(timers, timer);
        timer->fn(timer);
    }
}
