/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lazy names: which of their versions are in memory. A version that stands answers requests, though
 * the first may have to wait for it; requests ask for what is not there, and where room is short
 * the one that was not used for the longest goes, never one that a request uses.
 */
#ifndef CORE_RESIDENCE_H
#define CORE_RESIDENCE_H

#include "core/lifecycle.h"

enum {
    RESIDENCE_ASK_US = 1000 * 1000,  /* what nobody has asked for so long nobody waits for */
    RESIDENCE_ROOM_US = 20 * 1000,   /* until another look for room, while all is in use */
    RESIDENCE_PAUSE_US = 100 * 1000, /* after a load that failed; doubled with each one */
    RESIDENCE_PAUSE_MAX_US = 60 * 1000 * 1000,
};

/* Does it answer requests, at once or when it is loaded? Of any name; a NEW one does not. */
bool residence_stands(const struct harness *h);

/* The highest version of a name that stands, or NULL. */
struct harness *residence_latest(const struct managed *name);

enum residence {
    RESIDENCE_NONE,   /* no such version, or it failed and the name is not lazy */
    RESIDENCE_READY,  /* it is there: *h */
    RESIDENCE_COMES,  /* it was asked for; to be asked for again within RESIDENCE_ASK_US, until it
                         is something else */
    RESIDENCE_FAILED, /* err says why; after a pause it is tried again */
};

/* A request wants the version, or (NULL) the highest that stands; without one that stands, the
 * highest that failed. */
enum residence residence_ask(struct lifecycle *l, struct span name, const int64_t *version,
                             int64_t now_us, struct harness **h, struct error *err);

/* Takes it out of the queue; it need not be there. */
void residence_withdraw(struct lifecycle *l, struct harness *h);

/* Puts it there, behind the others or before them. */
void residence_enqueue(struct lifecycle *l, struct harness *h, bool first);

/* The next one of the queue that can be loaded now, or NULL. Those that nobody waits for any more
 * leave it. */
struct harness *residence_next(struct lifecycle *l, int64_t now_us);

/* The one to evict, or NULL. */
struct harness *residence_victim(const struct lifecycle *l, int64_t now_us);

/* Bytes that evictions could free once nothing is in use. */
size_t residence_movable(const struct lifecycle *l);

/* When a version that failed so often may be tried again. */
int64_t residence_due(int64_t now_us, int64_t tries);

#endif
