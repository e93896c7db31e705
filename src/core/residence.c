/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue has only versions that requests wait for, so it is short; names and versions in memory
 * are walked, which is done once per eviction only.
 *
 * A version that has just come is not evicted before a request has used it, or has had the time to:
 * whoever waited for it would wait again.
 */
#include "core/residence.h"

#include "base/check.h"

enum { SETTLE_US = 1000 * 1000 }; /* the time that a request has to use what it waited for */

bool residence_stands(const struct harness *h)
{
    return h->state == HARNESS_READY || h->state == HARNESS_ASLEEP ||
           (h->state == HARNESS_LOADING && h->woken) ||
           (h->state == HARNESS_UNLOADING && h->evicting);
}

static bool is_higher(const struct harness *h, const struct harness *than)
{
    return !than || h->servable.id.version > than->servable.id.version;
}

struct harness *residence_latest(const struct managed *name)
{
    struct harness *latest = NULL;
    for (struct harness *h = name->harnesses; h; h = h->next) {
        if (residence_stands(h) && is_higher(h, latest))
            latest = h;
    }
    return latest;
}

/* ---- asking ---- */

static struct harness *find_version(const struct managed *name, int64_t version)
{
    for (struct harness *h = name->harnesses; h; h = h->next) {
        if (h->servable.id.version == version)
            return residence_stands(h) || h->state == HARNESS_FAILED ? h : NULL;
    }
    return NULL;
}

static struct harness *find_latest(const struct managed *name)
{
    struct harness *latest = residence_latest(name);
    for (struct harness *h = latest ? NULL : name->harnesses; h; h = h->next) {
        if (h->state == HARNESS_FAILED && is_higher(h, latest))
            latest = h;
    }
    return latest;
}

void residence_enqueue(struct lifecycle *l, struct harness *h, bool first)
{
    struct harness **at = &l->asked;
    while (*at && !first)
        at = &(*at)->next_asked;
    h->next_asked = *at;
    h->asked = true;
    *at = h;
}

void residence_withdraw(struct lifecycle *l, struct harness *h)
{
    struct harness **at = &l->asked;
    if (!h->asked)
        return;
    while (*at != h)
        at = &(*at)->next_asked;
    *at = h->next_asked;
    h->next_asked = NULL;
    h->asked = false;
}

enum residence residence_ask(struct lifecycle *l, struct span name, const int64_t *version,
                             int64_t now_us, struct harness **found, struct error *err)
{
    const struct managed *managed = map_get(&l->index, name);
    if (!managed)
        return RESIDENCE_NONE;
    struct harness *h = version ? find_version(managed, *version) : find_latest(managed);
    *found = h;
    if (!h)
        return RESIDENCE_NONE;
    if (h->state == HARNESS_READY)
        return RESIDENCE_READY;
    /* A name that is not lazy waits for its files to change. */
    if (h->state == HARNESS_FAILED && !managed->lazy)
        return RESIDENCE_NONE;
    if (h->state == HARNESS_FAILED && now_us < h->due_us) {
        error_set(err, h->failure, "%s", h->failure_text);
        return RESIDENCE_FAILED;
    }
    h->asked_us = now_us;
    if (!h->asked && h->state != HARNESS_LOADING)
        residence_enqueue(l, h, false);
    return RESIDENCE_COMES;
}

struct harness *residence_next(struct lifecycle *l, int64_t now_us)
{
    struct harness *next;
    for (struct harness *h = l->asked; h; h = next) {
        next = h->next_asked;
        if (h->state == HARNESS_UNLOADING)
            continue;
        bool waited_for = now_us - h->asked_us < RESIDENCE_ASK_US;
        residence_withdraw(l, h);
        if (waited_for)
            return h;
    }
    return NULL;
}

int64_t residence_due(int64_t now_us, int64_t tries)
{
    int64_t pause_us = RESIDENCE_PAUSE_US;
    for (int64_t i = 1; i < tries && pause_us < RESIDENCE_PAUSE_MAX_US; i++)
        pause_us *= 2;
    return now_us + (pause_us < RESIDENCE_PAUSE_MAX_US ? pause_us : RESIDENCE_PAUSE_MAX_US);
}

/* ---- making room ---- */

/* A version that is to go as soon as another one is there stays until then. */
static bool is_being_replaced(const struct harness *h)
{
    bool comes = false;
    for (const struct harness *o = h->aspired ? NULL : h->owner->harnesses; o; o = o->next)
        comes |= o->aspired && (o->state == HARNESS_NEW || o->state == HARNESS_LOADING ||
                                o->state == HARNESS_RETRYING);
    return comes;
}

static bool is_movable(const struct harness *h)
{
    return h->owner->lazy && h->state == HARNESS_READY && !is_being_replaced(h);
}

/* When it was used last; one that has just come counts as used then. */
static int64_t use_of(const struct harness *h)
{
    int64_t used = atomic_load_explicit(&h->servable.used, memory_order_relaxed);
    return used ? used : USE_TICK(h->loaded_us);
}

static bool is_idle(const struct harness *h, int64_t now_us)
{
    bool settled = atomic_load_explicit(&h->servable.used, memory_order_relaxed) ||
                   now_us - h->loaded_us >= SETTLE_US;
    return settled && !shard_sum(h->servable.handles);
}

struct harness *residence_victim(const struct lifecycle *l, int64_t now_us)
{
    struct harness *victim = NULL;
    for (const struct managed *name = l->names; name; name = name->next) {
        for (struct harness *h = name->harnesses; h; h = h->next) {
            bool older = is_movable(h) && (!victim || use_of(h) < use_of(victim));
            if (older && is_idle(h, now_us))
                victim = h;
        }
    }
    return victim;
}

size_t residence_movable(const struct lifecycle *l)
{
    size_t bytes = 0;
    for (const struct managed *name = l->names; name; name = name->next) {
        for (const struct harness *h = name->harnesses; h; h = h->next)
            bytes += is_movable(h) ? h->reserved : 0;
    }
    return bytes;
}
