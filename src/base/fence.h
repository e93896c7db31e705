/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two threads that each write one thing and then read what the other has written: at least one of
 * them has to see the other, which takes a full barrier between write and read on either side.
 * Where one side is called all the time and the other seldom, the seldom one can pay for both:
 *
 *   often:  write a;  fence_light();  read b
 *   seldom: write b;  fence_heavy();  read a
 *
 * fence_heavy() has the system run a barrier on every processor that runs a thread of this process
 * (membarrier(2), some microseconds); fence_light() then only keeps the compiler from changing the
 * order. Where the system lacks that, it is a barrier of its own.
 */
#ifndef BASE_FENCE_H
#define BASE_FENCE_H

#include <stdatomic.h>
#include <stdbool.h>

/* Asks the system. Before anything that uses either; any thread, any number of times. */
void fence_init(void);

extern bool fence_is_cheap; /* set once, by fence_init() */

static inline void fence_light(void)
{
    if (__builtin_expect(fence_is_cheap, true))
        atomic_signal_fence(memory_order_seq_cst);
    else
        __sync_synchronize();
}

void fence_heavy(void);

#endif
