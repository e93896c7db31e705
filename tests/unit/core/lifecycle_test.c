/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lifecycle on a virtual clock: random wishes, loads that end when they like, as they like,
 * requests that hold versions and ask for those that sleep; after each of a million steps the
 * invariants of reference 4.3 to 4.6 are checked. A failure prints the seed; SEED=n in the
 * environment repeats it, STEPS=n goes on longer.
 */
#include "core/lifecycle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/log.h"
#include "core/residence.h"

enum {
    NAMES = 4,
    VERSIONS = 6, /* 0..5 */
    BUSY_MAX = 8, /* loads and unloads at once */
    HELD_MAX = 8, /* versions that requests use */
    STEPS = 1000000,
    RETRY_US = 1000,
    LIMIT = 100, /* of memory; a version takes up to 60 */
};

struct simulation {
    struct lifecycle lifecycle;
    struct state_monitor *monitor;
    transition_fn *policy;
    uint64_t seed;
    uint64_t random;
    int64_t now_us;
    struct harness *loading[BUSY_MAX];
    int loading_count;
    struct harness *unloading[BUSY_MAX];
    int unloading_count;
    bool wanted[NAMES][VERSIONS];
    bool loaded[NAMES][VERSIONS]; /* an object exists */

    bool lazy;
    struct harness *held[HELD_MAX];
    int held_count;

    int64_t loads, unloads, failures, retries, refusals, cancels;
    int64_t asked, pauses, wakes, evictions;
};

static const struct loader loader = {.platform = "simulated"};
static const struct platform platform = {&loader, NULL};
static int objects[NAMES][VERSIONS];

static uint64_t draw(struct simulation *s, uint64_t below)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return s->random % below;
}

static void check(const struct simulation *s, bool holds, const char *what)
{
    if (!holds)
        fail_msg("%s: SEED=%llu", what, (unsigned long long)s->seed);
}

static int index_of(const struct harness *h)
{
    return h->owner->name[0] - 'a';
}

/* ---- what happens ---- */

static void wish(struct simulation *s)
{
    struct aspired_version versions[VERSIONS];
    size_t count = 0;
    char name[2] = {(char)('a' + draw(s, NAMES)), 0};
    for (int i = 0; i < VERSIONS; i++) {
        bool wants = draw(s, 3) == 0;
        s->wanted[name[0] - 'a'][i] = wants;
        if (!wants)
            continue;
        bool waits = draw(s, 8) == 0;
        versions[count++] = (struct aspired_version){
            .version = i, .path = "p", .stamp = draw(s, 2), .waits_for = waits ? "a file" : NULL};
    }
    lifecycle_set_aspired(&s->lifecycle, span_of(name), &platform, versions, count);
}

/* A lazy name's version is loaded for a request, or to take the place of one in memory. */
static void check_occasion(struct simulation *s, const struct harness *h)
{
    bool in_memory = h->tries > 0;
    for (const struct harness *o = h->owner->harnesses; o; o = o->next)
        in_memory |= o != h && (o->state == HARNESS_READY || o->state == HARNESS_LOADING);
    check(s, !h->owner->lazy || h->woken || in_memory, "loaded though nobody asked");
    s->wakes += h->woken;
}

static void begin_load(struct simulation *s)
{
    int64_t wake_us;
    if (s->loading_count == BUSY_MAX)
        return;
    bool wanted = draw(s, 2);
    struct harness *h =
        (wanted ? lifecycle_next_wanted : lifecycle_next_load)(&s->lifecycle, s->now_us, &wake_us);
    if (!h)
        return;
    check(s, h->state == HARNESS_LOADING && (h->aspired || (h->woken && h->proven)),
          "only what is wanted is loaded");
    check(s, !h->waits_for, "only what is whole is loaded");
    s->retries += h->tries > 0;
    int name = index_of(h);
    check(s, !s->loaded[name][h->servable.id.version], "loaded twice");
    check_occasion(s, h);
    if (lifecycle_reserve(&s->lifecycle, h, 1 + draw(s, 60), s->now_us))
        s->loading[s->loading_count++] = h;
    else
        s->refusals++;
}

static void end_load(struct simulation *s)
{
    if (!s->loading_count)
        return;
    int i = (int)draw(s, (uint64_t)s->loading_count);
    struct harness *h = s->loading[i];
    s->loading[i] = s->loading[--s->loading_count];
    int name = index_of(h);
    int64_t version = h->servable.id.version;
    struct error err = {.code = CODE_OK};
    bool aspired = h->aspired || (h->woken && h->proven);
    void *object = &objects[name][version];
    if (draw(s, 4) == 0) {
        error_set(&err, draw(s, 2) ? CODE_DATA_LOSS : CODE_UNIMPLEMENTED, "no");
        object = NULL;
    }
    switch (lifecycle_loaded(&s->lifecycle, h, object, &err, s->now_us)) {
    case LOADED_READY:
        check(s, aspired && object, "ready although unwanted or failed");
        s->loaded[name][version] = true;
        s->loads++;
        lifecycle_available(&s->lifecycle, h);
        break;
    case LOADED_UNWANTED:
        check(s, !aspired, "cancelled although wanted");
        s->cancels++;
        s->loaded[name][version] = object;
        check(s, s->unloading_count < BUSY_MAX, "room");
        s->unloading[s->unloading_count++] = h;
        break;
    case LOADED_RETRYING:
        check(s, err.code != CODE_UNIMPLEMENTED, "tried again in vain");
        break;
    case LOADED_FAILED:
        s->failures++;
        break;
    }
}

/* Availability: the last version that answers is not taken away while its successor is not there.
 */
static void check_sacrifice(struct simulation *s, const struct harness *h)
{
    bool any_wanted = false, any_ready = false;
    for (const struct harness *o = h->owner->harnesses; o; o = o->next) {
        any_wanted |= o->aspired;
        any_ready |=
            o != h && (o->state == HARNESS_READY || (o->state == HARNESS_ASLEEP && o->proven));
    }
    if (s->policy == transition_availability_preserving)
        check(s, any_ready || !any_wanted, "the last one that answered was unloaded");
}

/* Who makes room is not in use, and was used before all others that are not. */
static void check_eviction(struct simulation *s, const struct harness *h)
{
    int64_t used = atomic_load(&h->servable.used);
    check(s, h->owner->lazy && !shard_sum(h->servable.handles), "what is in use was evicted");
    for (const struct managed *name = s->lifecycle.names; name && used; name = name->next) {
        for (const struct harness *o = name->harnesses; o; o = o->next) {
            bool idle = name->lazy && o->state == HARNESS_READY && o->aspired &&
                        !shard_sum(o->servable.handles);
            int64_t other = idle ? atomic_load(&o->servable.used) : 0;
            check(s, !other || other >= used, "what was used later was evicted");
        }
    }
    s->evictions++;
}

static void begin_unload(struct simulation *s)
{
    if (s->unloading_count + s->loading_count >= BUSY_MAX)
        return;
    struct harness *h = lifecycle_next_unload(&s->lifecycle, s->now_us);
    if (!h)
        return;
    check(s, h->state == HARNESS_UNLOADING && s->loaded[index_of(h)][h->servable.id.version],
          "only what is loaded is unloaded");
    if (h->evicting)
        check_eviction(s, h);
    else
        check_sacrifice(s, h);
    s->unloading[s->unloading_count++] = h;
}

static void end_unload(struct simulation *s)
{
    if (!s->unloading_count)
        return;
    int i = (int)draw(s, (uint64_t)s->unloading_count);
    struct harness *h = s->unloading[i];
    if (h->servable.handles && shard_sum(h->servable.handles))
        return; /* it waits for its requests */
    s->unloading[i] = s->unloading[--s->unloading_count];
    s->loaded[index_of(h)][h->servable.id.version] = false;
    s->unloads++;
    lifecycle_unloaded(&s->lifecycle, h);
}

/* A request for some version, or for the highest: it takes it, or waits, or is told. */
static void ask(struct simulation *s)
{
    char name[2] = {(char)('a' + draw(s, NAMES)), 0};
    int64_t version = (int64_t)draw(s, VERSIONS);
    bool latest = draw(s, 2);
    struct harness *h;
    struct error err;
    switch (residence_ask(&s->lifecycle, span_of(name), latest ? NULL : &version, s->now_us, &h,
                          &err)) {
    case RESIDENCE_READY:
        check(s, s->loaded[index_of(h)][h->servable.id.version], "ready without an object");
        atomic_store(&h->servable.used, USE_TICK(s->now_us) + 1);
        if (s->held_count == HELD_MAX)
            break;
        shard_add(h->servable.handles, 1);
        s->held[s->held_count++] = h;
        break;
    case RESIDENCE_COMES:
        check(s, h->asked || h->state == HARNESS_LOADING, "asked for in vain");
        s->asked++;
        break;
    case RESIDENCE_FAILED:
        check(s, h->state == HARNESS_FAILED && err.code, "failed without an error");
        s->pauses++;
        break;
    case RESIDENCE_NONE:
        break;
    }
}

/* Some of the names are not lazy any more, others are again. */
static void keep_loaded(struct simulation *s)
{
    static const char names[NAMES][2] = {"a", "b", "c", "d"};
    struct span kept[NAMES];
    size_t count = 0;
    for (int i = 0; i < NAMES; i++) {
        if (draw(s, 3) == 0)
            kept[count++] = span_of(names[i]);
    }
    lifecycle_keep_loaded(&s->lifecycle, kept, count);
    for (const struct managed *name = s->lifecycle.names; name; name = name->next)
        check(s, s->lazy || !name->lazy, "lazy though it is not");
}

static void let_go(struct simulation *s)
{
    if (!s->held_count)
        return;
    int i = (int)draw(s, (uint64_t)s->held_count);
    shard_add(s->held[i]->servable.handles, -1);
    s->held[i] = s->held[--s->held_count];
}

/* ---- what must always hold ---- */

static bool is_queued(const struct simulation *s, const struct harness *h)
{
    const struct harness *at = s->lifecycle.asked;
    while (at && at != h)
        at = at->next_asked;
    return at;
}

static void check_harness(struct simulation *s, const struct harness *h, size_t *reserved)
{
    static const enum servable_state published[] = {
        [HARNESS_NEW] = STATE_START,           [HARNESS_LOADING] = STATE_LOADING,
        [HARNESS_RETRYING] = STATE_LOADING,    [HARNESS_READY] = STATE_AVAILABLE,
        [HARNESS_UNLOADING] = STATE_UNLOADING, [HARNESS_FAILED] = STATE_END,
        [HARNESS_ASLEEP] = STATE_AVAILABLE,
    };
    struct arena arena;
    struct version_state *versions;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    size_t count = state_monitor_get(s->monitor, h->servable.id.name, &arena, &versions);
    bool told = false;
    for (size_t i = 0; i < count; i++)
        told |= versions[i].version == h->servable.id.version &&
                (versions[i].state == published[h->state] ||
                 (h->state == HARNESS_UNLOADING && h->cancelled));
    arena_release(&arena);
    int name = index_of(h);
    int64_t version = h->servable.id.version;
    check(s, told, "the monitor knows every state");
    bool gone =
        h->state == HARNESS_NEW || h->state == HARNESS_RETRYING || h->state == HARNESS_FAILED;
    bool sleeps = h->state == HARNESS_ASLEEP;
    check(s, !(gone || sleeps) || !s->loaded[name][version], "an object is lost");
    check(s, !sleeps || !h->reserved, "what sleeps takes no memory");
    check(s, h->state != HARNESS_READY || s->loaded[name][version], "ready without an object");
    check(s, !gone || s->wanted[name][version], "what nobody wants is forgotten");
    check(s, !sleeps || h->proven || s->wanted[name][version], "what never was is forgotten");
    check(s, s->lazy || !(sleeps || h->woken || h->evicting || h->asked), "lazy though it is not");
    check(s, !h->asked || is_queued(s, h), "a request is forgotten");
    *reserved += h->reserved;
}

static void check_all(struct simulation *s)
{
    size_t reserved = 0;
    unsigned busy = 0;
    for (const struct managed *name = s->lifecycle.names; name; name = name->next) {
        bool seen[VERSIONS] = {false};
        for (const struct harness *h = name->harnesses; h; h = h->next) {
            check(s, !seen[h->servable.id.version], "a version is managed twice");
            seen[h->servable.id.version] = true;
            busy += h->state == HARNESS_LOADING || h->state == HARNESS_UNLOADING;
            check_harness(s, h, &reserved);
        }
        for (int i = 0; i < VERSIONS; i++)
            check(s, seen[i] || !s->wanted[name->name[0] - 'a'][i], "a wish is lost");
    }
    check(s, reserved == s->lifecycle.reserved && reserved <= LIMIT, "memory is reckoned");
    check(s, busy == s->lifecycle.busy, "what is under way is reckoned");
}

/* With nothing more wanted or going wrong, all settles: what is wanted is ready or has failed. */
static void settle(struct simulation *s)
{
    while (s->held_count)
        let_go(s);
    for (int i = 0; i < 10000; i++) {
        s->now_us += RETRY_US;
        begin_load(s);
        begin_unload(s);
        end_load(s);
        end_unload(s);
    }
    check(s, !s->lifecycle.asked, "a request waits for ever");
    for (const struct managed *name = s->lifecycle.names; name; name = name->next) {
        for (const struct harness *h = name->harnesses; h; h = h->next)
            check(s,
                  h->state == HARNESS_READY || h->state == HARNESS_FAILED ||
                      (h->state == HARNESS_ASLEEP && (name->lazy || !h->aspired)) ||
                      (h->state == HARNESS_NEW && h->waits_for),
                  "something is stuck");
    }
}

typedef void event_fn(struct simulation *s);

static void step(struct simulation *s)
{
    static event_fn *const events[] = {begin_load, begin_load,   end_load,     end_load,
                                       end_load,   begin_unload, begin_unload, end_unload,
                                       end_unload, ask,          ask,          let_go};
    s->now_us += (int64_t)draw(s, RETRY_US);
    if (draw(s, 12) == 0)
        wish(s);
    else if (draw(s, 100) == 0)
        keep_loaded(s);
    else
        events[draw(s, sizeof events / sizeof *events)](s);
    check_all(s);
}

static void run(transition_fn *policy, bool lazy, uint64_t seed, int64_t steps)
{
    static struct simulation s;
    s = (struct simulation){.monitor = state_monitor_new(),
                            .policy = policy,
                            .lazy = lazy,
                            .seed = seed,
                            .random = seed};
    struct lifecycle_options options = {
        .policy = policy,
        .load_retries = 2,
        .retry_interval_us = RETRY_US,
        .memory_limit = LIMIT,
        .lazy = lazy,
        .monitor = s.monitor,
    };
    lifecycle_init(&s.lifecycle, &options);
    for (int64_t i = 0; i < steps; i++) {
        step(&s);
        if (i % 10000 == 9999)
            settle(&s);
    }
    memset(s.wanted, 0, sizeof s.wanted);
    lifecycle_want_nothing(&s.lifecycle);
    settle(&s);
    lifecycle_release(&s.lifecycle);
    state_monitor_free(s.monitor);
    assert_int_equal(s.loads + s.cancels, s.unloads);
    assert_true(s.loads && s.failures && s.retries && s.refusals && s.cancels);
    assert_true(!lazy || (s.asked && s.pauses && s.wakes && s.evictions));
}

static int64_t number_of(const char *name, int64_t otherwise)
{
    const char *text = getenv(name);
    int64_t value;
    return text && span_to_int64(span_of(text), &value) ? value : otherwise;
}

static void a_million_steps(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR + 1);
    int64_t steps = number_of("STEPS", STEPS) / 4;
    uint64_t seed = (uint64_t)number_of("SEED", 20261125);
    for (int lazy = 0; lazy < 2; lazy++) {
        run(transition_availability_preserving, lazy, seed, steps);
        run(transition_resource_preserving, lazy, seed, steps);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_million_steps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
