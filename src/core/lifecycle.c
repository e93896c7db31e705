/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconcile() brings a name's harnesses in line with its wishes; it runs whenever either changes.
 * What to do next the transition policy says, from the states alone. A name of which it said
 * "nothing" is not asked again until something of it changes, so that with thousands of names a
 * look for work costs a walk over flags.
 */
#include "core/lifecycle.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "core/residence.h"

struct wish {
    int64_t version;
    char *path;      /* owned */
    char *waits_for; /* owned, or NULL */
    uint64_t stamp;
};

void lifecycle_init(struct lifecycle *l, const struct lifecycle_options *options)
{
    *l = (struct lifecycle){.options = *options};
    if (!l->options.policy)
        l->options.policy = transition_availability_preserving;
    arena_init(&l->arena, ARENA_FIRST_BLOCK);
    map_init(&l->index, &l->arena);
    arena_init(&l->kept_arena, ARENA_FIRST_BLOCK);
    map_init(&l->kept, &l->kept_arena);
}

static void announce(struct lifecycle *l, const struct harness *h, enum servable_state state,
                     const struct error *err)
{
    state_monitor_set(l->options.monitor, h->servable.id, state, err);
}

static char *copy_text(const char *text)
{
    char *copy = text ? strdup(text) : NULL;
    CHECK((copy || !text) && "out of memory");
    return copy;
}

/* ---- names and wishes ---- */

static void free_wishes(struct managed *name)
{
    for (size_t i = 0; i < name->wish_count; i++) {
        free(name->wishes[i].path);
        free(name->wishes[i].waits_for);
    }
    free(name->wishes);
    name->wishes = NULL;
    name->wish_count = 0;
}

static void set_wishes(struct managed *name, const struct aspired_version *versions, size_t count)
{
    free_wishes(name);
    name->wishes = calloc(count + 1, sizeof *name->wishes);
    CHECK(name->wishes && "out of memory");
    for (size_t i = 0; i < count; i++)
        name->wishes[i] = (struct wish){
            .version = versions[i].version,
            .path = copy_text(versions[i].path),
            .waits_for = copy_text(versions[i].waits_for),
            .stamp = versions[i].stamp,
        };
    name->wish_count = count;
}

static const struct wish *find_wish(const struct managed *name, int64_t version)
{
    for (size_t i = 0; i < name->wish_count; i++) {
        if (name->wishes[i].version == version)
            return &name->wishes[i];
    }
    return NULL;
}

static struct harness *find_harness(const struct managed *name, int64_t version)
{
    struct harness *h = name->harnesses;
    while (h && h->servable.id.version != version)
        h = h->next;
    return h;
}

static struct managed *find_or_add(struct lifecycle *l, struct span name)
{
    struct managed *n = map_get(&l->index, name);
    if (n)
        return n;
    n = ARENA_NEW(&l->arena, struct managed);
    n->name = arena_strdup(&l->arena, name);
    n->lazy = l->options.lazy && !map_has(&l->kept, name);
    map_put(&l->index, span_of(n->name), n);
    *(l->names ? &l->last->next : &l->names) = n;
    l->last = n;
    return n;
}

/* ---- wishes become harnesses ---- */

/* It is known; or it is known, and waits. */
static void announce_start(struct lifecycle *l, const struct harness *h)
{
    struct error why = {.code = CODE_OK};
    if (h->waits_for)
        error_set(&why, CODE_UNAVAILABLE, "Not loaded yet: %s", h->waits_for);
    announce(l, h, STATE_START, &why);
}

static void add_harness(struct lifecycle *l, struct managed *name, const struct wish *wish)
{
    struct harness *h = malloc(sizeof *h);
    CHECK(h && "out of memory");
    *h = (struct harness){
        .servable = {.id = {span_of(name->name), wish->version},
                     .loader = name->platform->loader,
                     .notes_use = l->options.lazy},
        .next = name->harnesses,
        .owner = name,
        .platform = name->platform,
        .path = copy_text(wish->path),
        .waits_for = copy_text(wish->waits_for),
        .stamp = wish->stamp,
        .changed = wish->stamp,
        .aspired = true,
    };
    name->harnesses = h;
    announce_start(l, h);
}

static void release_reserved(struct lifecycle *l, struct harness *h)
{
    l->reserved -= h->reserved;
    l->short_of_room = false;
    h->reserved = 0;
}

static void remove_harness(struct lifecycle *l, struct harness *h)
{
    struct harness **at = &h->owner->harnesses;
    while (*at != h)
        at = &(*at)->next;
    *at = h->next;
    l->retrying -= h->state == HARNESS_RETRYING;
    residence_withdraw(l, h);
    release_reserved(l, h);
    free(h->servable.handles);
    free(h->path);
    free(h->waits_for);
    free(h->failure_text);
    struct servable_attachment *attachment = atomic_load(&h->servable.attachment);
    if (attachment)
        attachment->free(attachment);
    free(h);
}

static bool is_same_text(const char *a, const char *b)
{
    return (!a && !b) || (a && b && !strcmp(a, b));
}

/* One that is not loaded yet has the files that there are now. */
static void take_news(struct lifecycle *l, struct harness *h, const struct wish *wish)
{
    bool same = is_same_text(h->waits_for, wish->waits_for);
    h->proven &= h->stamp == wish->stamp;
    h->stamp = h->changed = wish->stamp;
    free(h->path);
    h->path = copy_text(wish->path);
    if (same)
        return;
    free(h->waits_for);
    h->waits_for = copy_text(wish->waits_for);
    h->state = HARNESS_NEW;
    residence_withdraw(l, h);
    announce_start(l, h);
}

/* It answers, though not at once: whoever waits for it to be available need not wait any more. */
static void fall_asleep(struct lifecycle *l, struct harness *h)
{
    struct error note = {.code = CODE_OK};
    error_set(&note, CODE_OK, "Not in memory: the next request for it loads it");
    free(h->servable.handles);
    h->servable.handles = NULL;
    h->servable.object = NULL;
    h->woken = h->evicting = false;
    h->state = HARNESS_ASLEEP;
    announce(l, h, STATE_AVAILABLE, &note);
}

/* What was loaded is what is served, whatever becomes of the files. */
static void report_change(struct lifecycle *l, struct harness *h, const struct wish *wish)
{
    if (wish->stamp == h->changed)
        return;
    h->changed = wish->stamp;
    struct error note = {.code = CODE_OK};
    if (wish->stamp != h->stamp)
        error_set(&note, CODE_OK,
                  "The files in %s have changed since it was loaded; a changed model "
                  "wants a new version number",
                  h->path);
    announce(l, h, STATE_AVAILABLE, &note);
    if (wish->stamp != h->stamp)
        log_warning("Servable version " HARNESS_FORMAT ": %s", HARNESS_ARG(*h), note.message);
}

/* Takes note of whether a harness is still wanted; drops it when it is not, or when it failed and
 * its files have changed since: a copy that went on while it was loaded may be whole by now. */
static void review(struct lifecycle *l, struct managed *name, struct harness *h)
{
    const struct wish *wish = find_wish(name, h->servable.id.version);
    h->aspired = wish && (h->state != HARNESS_UNLOADING || h->evicting);
    /* One that has answered goes when the policy says so. */
    bool idle = h->state == HARNESS_NEW || h->state == HARNESS_RETRYING ||
                (h->state == HARNESS_ASLEEP && !h->proven);
    bool changed = wish && wish->stamp != h->stamp;
    if (!h->aspired && idle)
        announce(l, h, STATE_END, NULL);
    if ((!h->aspired && idle) || ((!h->aspired || changed) && h->state == HARNESS_FAILED))
        remove_harness(l, h);
    else if (wish && (h->state == HARNESS_NEW || h->state == HARNESS_ASLEEP))
        take_news(l, h, wish);
    else if (wish && h->state == HARNESS_READY)
        report_change(l, h, wish);
}

static bool is_in_memory(const struct managed *name)
{
    bool is = false;
    for (const struct harness *h = name->harnesses; h; h = h->next)
        is |= h->state == HARNESS_READY || h->state == HARNESS_LOADING;
    return is;
}

/* New versions of a lazy name sleep, unless they are to take the place of one in memory. */
static void put_to_sleep(struct lifecycle *l, struct managed *name)
{
    if (!name->lazy || is_in_memory(name))
        return;
    for (struct harness *h = name->harnesses; h; h = h->next) {
        if (h->state == HARNESS_NEW && !h->waits_for)
            fall_asleep(l, h);
    }
}

/* Brings the harnesses of a name in line with its wishes, as far as they are not busy. A version
 * that is being unloaded and is wanted again starts afresh when it is gone. */
static void reconcile(struct lifecycle *l, struct managed *name)
{
    struct harness *next;
    for (struct harness *h = name->harnesses; h; h = next) {
        next = h->next;
        review(l, name, h);
    }
    for (size_t i = 0; i < name->wish_count; i++) {
        if (!find_harness(name, name->wishes[i].version))
            add_harness(l, name, &name->wishes[i]);
    }
    put_to_sleep(l, name);
    name->settled = false;
}

static bool is_same_wish(const struct wish *wish, const struct aspired_version *version)
{
    return wish->version == version->version && wish->stamp == version->stamp &&
           !strcmp(wish->path, version->path) && is_same_text(wish->waits_for, version->waits_for);
}

static bool are_same_wishes(const struct managed *name, const struct platform *platform,
                            const struct aspired_version *versions, size_t count)
{
    bool same = name->platform == platform && name->wish_count == count;
    for (size_t i = 0; same && i < count; i++)
        same = is_same_wish(&name->wishes[i], &versions[i]);
    return same;
}

bool lifecycle_set_aspired(struct lifecycle *l, struct span name, const struct platform *platform,
                           const struct aspired_version *versions, size_t count)
{
    struct managed *managed = find_or_add(l, name);
    if (are_same_wishes(managed, platform, versions, count))
        return false;
    managed->platform = platform;
    set_wishes(managed, versions, count);
    reconcile(l, managed);
    return true;
}

void lifecycle_keep_loaded(struct lifecycle *l, const struct span *names, size_t count)
{
    arena_release(&l->kept_arena);
    arena_init(&l->kept_arena, ARENA_FIRST_BLOCK);
    map_init(&l->kept, &l->kept_arena);
    for (size_t i = 0; i < count; i++)
        map_put(&l->kept, arena_copy(&l->kept_arena, names[i]), l);
    for (struct managed *name = l->names; name; name = name->next) {
        bool lazy = l->options.lazy && !map_has(&l->kept, span_of(name->name));
        bool changes = lazy != name->lazy;
        name->lazy = lazy;
        if (changes)
            reconcile(l, name);
    }
}

void lifecycle_want_nothing(struct lifecycle *l)
{
    for (struct managed *name = l->names; name; name = name->next) {
        free_wishes(name);
        reconcile(l, name);
    }
}

void lifecycle_release(struct lifecycle *l)
{
    for (struct managed *name = l->names; name; name = name->next) {
        CHECK(!name->harnesses);
        free_wishes(name);
    }
    arena_release(&l->arena);
    arena_release(&l->kept_arena);
}

/* ---- what to do next ---- */

static enum transition_state transition_state_of(const struct harness *h)
{
    bool loadable =
        h->state == HARNESS_NEW || (h->state == HARNESS_ASLEEP && !h->owner->lazy && h->aspired);
    if (loadable && !h->waits_for)
        return TRANSITION_NEW;
    bool answers = h->state == HARNESS_READY || (h->state == HARNESS_ASLEEP && h->proven);
    return answers                      ? TRANSITION_READY
           : h->state == HARNESS_FAILED ? TRANSITION_ENDED
                                        : TRANSITION_BUSY;
}

enum { VERSIONS_AT_ONCE = 64 }; /* of a name, without memory from the heap */

/* What the policy wants done with this name; the harness, or NULL. */
static struct harness *ask_policy(const struct lifecycle *l, const struct managed *name,
                                  enum transition_kind *kind)
{
    struct transition_version few[VERSIONS_AT_ONCE] = {0}, *versions = few;
    size_t count = 0, i = 0;
    for (const struct harness *h = name->harnesses; h; h = h->next)
        count++;
    if (count > VERSIONS_AT_ONCE)
        versions = calloc(count, sizeof *versions);
    CHECK(versions && "out of memory");
    for (const struct harness *h = name->harnesses; h; h = h->next)
        versions[i++] =
            (struct transition_version){h->servable.id.version, transition_state_of(h), h->aspired};
    struct transition next = l->options.policy(versions, count);
    struct harness *h =
        next.kind == TRANSITION_NONE ? NULL : find_harness(name, versions[next.index].version);
    if (versions != few)
        free(versions);
    *kind = next.kind;
    return h;
}

/* The first name, in the order in which they came, of which the policy wants this done. */
static struct harness *next_harness(struct lifecycle *l, enum transition_kind wanted)
{
    for (struct managed *name = l->names; name; name = name->next) {
        enum transition_kind kind;
        struct harness *h = name->settled ? NULL : ask_policy(l, name, &kind);
        if (h && kind == wanted)
            return h;
        name->settled |= !h;
    }
    return NULL;
}

static void begin(struct lifecycle *l, struct harness *h, enum harness_state state)
{
    l->retrying -= h->state == HARNESS_RETRYING;
    h->state = state;
    l->busy++;
    l->loading += state == HARNESS_LOADING;
    put_to_sleep(l, h->owner); /* what was to take its place need not */
}

static void end(struct lifecycle *l, bool was_load)
{
    l->busy--;
    l->loading -= was_load;
    l->short_of_room = false;
}

/* One that failed and whose time has come; else *wake_us says when the first one's comes. */
static struct harness *next_retry(const struct lifecycle *l, int64_t now_us, int64_t *wake_us)
{
    *wake_us = INT64_MAX;
    if (!l->retrying)
        return NULL;
    for (const struct managed *name = l->names; name; name = name->next) {
        for (struct harness *h = name->harnesses; h; h = h->next) {
            if (h->state != HARNESS_RETRYING)
                continue;
            if (h->due_us <= now_us)
                return h;
            *wake_us = h->due_us < *wake_us ? h->due_us : *wake_us;
        }
    }
    return NULL;
}

/* While a load waits for room nothing else takes it, until it is time to look again. */
static bool is_short_of_room(struct lifecycle *l, int64_t now_us, int64_t *wake_us)
{
    l->short_of_room &= now_us < l->room_due_us;
    if (l->short_of_room && l->room_due_us < *wake_us)
        *wake_us = l->room_due_us;
    return l->short_of_room;
}

static struct harness *begin_load(struct lifecycle *l, struct harness *h, bool woken)
{
    if (!h)
        return NULL;
    h->woken = woken || h->state == HARNESS_ASLEEP; /* requests may wait for it all the same */
    residence_withdraw(l, h);
    begin(l, h, HARNESS_LOADING);
    announce(l, h, STATE_LOADING, NULL);
    return h;
}

struct harness *lifecycle_next_load(struct lifecycle *l, int64_t now_us, int64_t *wake_us)
{
    struct harness *h = next_retry(l, now_us, wake_us);
    if (!h && !is_short_of_room(l, now_us, wake_us))
        h = next_harness(l, TRANSITION_LOAD);
    return begin_load(l, h, false);
}

struct harness *lifecycle_next_wanted(struct lifecycle *l, int64_t now_us, int64_t *wake_us)
{
    *wake_us = INT64_MAX;
    bool waits = is_short_of_room(l, now_us, wake_us);
    return waits ? NULL : begin_load(l, residence_next(l, now_us), true);
}

/* Nobody needs it in memory: the next one to be evicted, as long as there is not room enough. */
static struct harness *next_eviction(struct lifecycle *l, int64_t now_us)
{
    struct harness *h = l->room_wanted ? residence_victim(l, now_us) : NULL;
    if (!h) {
        l->room_wanted = 0;
        return NULL;
    }
    l->room_wanted -= h->reserved < l->room_wanted ? h->reserved : l->room_wanted;
    h->evicting = true;
    return h;
}

/* One that sleeps takes no time to end. */
static void end_asleep(struct lifecycle *l, struct harness *h)
{
    struct managed *name = h->owner;
    announce(l, h, STATE_END, NULL);
    remove_harness(l, h);
    reconcile(l, name);
}

struct harness *lifecycle_next_unload(struct lifecycle *l, int64_t now_us)
{
    struct harness *h;
    while ((h = next_harness(l, TRANSITION_UNLOAD)) && h->state == HARNESS_ASLEEP)
        end_asleep(l, h);
    if (!h)
        h = next_eviction(l, now_us);
    if (!h)
        return NULL;
    begin(l, h, HARNESS_UNLOADING);
    announce(l, h, STATE_UNLOADING, NULL);
    return h;
}

/* ---- how it went ---- */

static void fail(struct lifecycle *l, struct harness *h, const struct error *err, int64_t now_us)
{
    h->state = HARNESS_FAILED;
    h->due_us = residence_due(now_us, h->tries);
    h->failure = err->code;
    free(h->failure_text);
    h->failure_text = copy_text(err->message);
    release_reserved(l, h);
    announce(l, h, STATE_END, err);
    log_error("Encountered an error for servable version " HARNESS_FORMAT ": %s: %s",
              HARNESS_ARG(*h), code_name(err->code), err->message);
}

/* Bytes of what is being unloaded. */
static size_t leaving(const struct lifecycle *l)
{
    size_t bytes = 0;
    for (const struct managed *name = l->names; name; name = name->next) {
        for (const struct harness *h = name->harnesses; h; h = h->next)
            bytes += h->state == HARNESS_UNLOADING ? h->reserved : 0;
    }
    return bytes;
}

/* Tried again when something ends or was evicted; `missing` bytes are to be freed for it. */
static void wait_for_room(struct lifecycle *l, struct harness *h, size_t missing, int64_t now_us)
{
    size_t comes = leaving(l);
    l->short_of_room = true;
    l->room_due_us = residence_movable(l) ? now_us + RESIDENCE_ROOM_US : INT64_MAX;
    l->room_wanted = missing > comes ? missing - comes : 0;
    if (h->woken) {
        fall_asleep(l, h);
        residence_enqueue(l, h, true);
    } else {
        h->state = HARNESS_NEW;
        announce_start(l, h);
    }
}

bool lifecycle_reserve(struct lifecycle *l, struct harness *h, size_t bytes, int64_t now_us)
{
    size_t limit = l->options.memory_limit;
    size_t others = l->reserved - h->reserved; /* a try before this one has its room still */
    if (!limit || (bytes <= limit && others <= limit - bytes)) {
        l->reserved = others + bytes;
        h->reserved = bytes;
        return true;
    }
    release_reserved(l, h);
    bool fits = bytes <= limit;
    size_t missing = fits ? others - (limit - bytes) : 0;
    bool later = l->busy > 1 || (fits && missing <= residence_movable(l));
    end(l, true);
    if (later) {
        wait_for_room(l, h, missing, now_us);
    } else {
        struct error err;
        error_set(&err, CODE_RESOURCE_EXHAUSTED,
                  "Insufficient resources to load servable " HARNESS_FORMAT
                  ": it needs %zu bytes, the limit is %zu, other versions have %zu",
                  HARNESS_ARG(*h), bytes, limit, others);
        fail(l, h, &err, now_us);
    }
    reconcile(l, h->owner);
    return false;
}

static void retry_later(struct lifecycle *l, struct harness *h, const struct error *err,
                        int64_t now_us)
{
    int64_t wait_us = l->options.retry_interval_us > 0 ? l->options.retry_interval_us : 0;
    log_warning("Loading servable version " HARNESS_FORMAT " failed, try %lld of %lld: %s: %s",
                HARNESS_ARG(*h), (long long)h->tries, (long long)l->options.load_retries + 1,
                code_name(err->code), err->message);
    h->state = HARNESS_RETRYING;
    l->retrying++;
    if (__builtin_add_overflow(now_us, wait_us, &h->due_us))
        h->due_us = INT64_MAX;
}

static enum loaded load_failed(struct lifecycle *l, struct harness *h, const struct error *err,
                               int64_t now_us)
{
    h->tries++;
    /* Requests that wait are told; the next one tries again. */
    bool again = h->aspired && !h->woken && h->tries <= l->options.load_retries &&
                 err->code != CODE_UNIMPLEMENTED;
    if (again)
        retry_later(l, h, err, now_us);
    else
        fail(l, h, err, now_us);
    reconcile(l, h->owner);
    return again ? LOADED_RETRYING : LOADED_FAILED;
}

static struct shard_counter *new_handles(void)
{
    struct shard_counter *handles = aligned_alloc(SHARD_LINE, sizeof *handles);
    CHECK(handles && "out of memory");
    memset(handles, 0, sizeof *handles);
    return handles;
}

enum loaded lifecycle_loaded(struct lifecycle *l, struct harness *h, void *object,
                             const struct error *err, int64_t now_us)
{
    end(l, true);
    /* What answered before is wanted until something takes its place. */
    bool wanted = h->aspired || (h->woken && h->proven);
    if (err->code && wanted)
        return load_failed(l, h, err, now_us);
    if (!wanted) {
        h->cancelled = true;
        begin(l, h, HARNESS_UNLOADING);
        return LOADED_UNWANTED;
    }
    h->servable.object = object;
    h->servable.handles = new_handles();
    atomic_store(&h->servable.used, 0);
    h->loaded_us = now_us;
    h->tries = 0;
    h->proven = true;
    h->state = HARNESS_READY;
    return LOADED_READY;
}

void lifecycle_available(struct lifecycle *l, struct harness *h)
{
    announce(l, h, STATE_AVAILABLE, NULL);
    reconcile(l, h->owner);
}

void lifecycle_unloaded(struct lifecycle *l, struct harness *h)
{
    struct managed *name = h->owner;
    struct error cancelled = {.code = CODE_OK};
    if (h->cancelled) {
        error_set(&cancelled, CODE_CANCELLED, "Loading of servable cancelled");
        log_info("Loading of servable version " HARNESS_FORMAT " cancelled", HARNESS_ARG(*h));
    }
    end(l, false);
    if (h->evicting) {
        release_reserved(l, h);
        fall_asleep(l, h);
    } else {
        announce(l, h, STATE_END, &cancelled);
        remove_harness(l, h);
    }
    reconcile(l, name);
}
