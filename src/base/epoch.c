/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why two phases: a writer waits for the readers of one phase while new ones enter the other, so
 * that a stream of readers can not keep it waiting. Why two turns: a reader may read the phase, be
 * held up, and enter under a phase that has passed. Such a straggler sees the new pointer of the
 * writer that it missed, but not that of the next one; by waiting for both phases in turn every
 * writer meets it.
 *
 * A reader enters and leaves through the same cell, so each cell is waited for by itself.
 *
 * Why one fence: a reader that entered before it sees to it that its entry is found here, whatever
 * phase it is under; one that enters after it reads the new pointer.
 */
#include "base/epoch.h"

#include <sched.h>

void epoch_init(struct epoch *epoch)
{
    *epoch = (struct epoch){0};
    fence_init();
    pthread_mutex_init(&epoch->writers, NULL);
}

void epoch_release(struct epoch *epoch)
{
    pthread_mutex_destroy(&epoch->writers);
}

static void await_phase(struct epoch *epoch, unsigned phase)
{
    for (unsigned i = 0; i < SHARDS; i++) {
        while (atomic_load(&epoch->slots[i].inside[phase]))
            sched_yield();
    }
}

void epoch_wait(struct epoch *epoch)
{
    pthread_mutex_lock(&epoch->writers);
    fence_heavy();
    for (int turn = 0; turn < 2; turn++) {
        unsigned phase = atomic_load(&epoch->phase);
        atomic_store(&epoch->phase, !phase);
        await_phase(epoch, phase);
    }
    pthread_mutex_unlock(&epoch->writers);
}
