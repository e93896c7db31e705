/* SPDX-License-Identifier: Apache-2.0 */
/* Names, each with its versions sorted descending, under one lock: states change rarely
 * and are read rarely. */
#include "core/state_monitor.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "base/thread.h"

const char *state_name(enum servable_state state)
{
    static const char *const names[STATE_COUNT] = {
        [STATE_START] = "START",
        [STATE_LOADING] = "LOADING",
        [STATE_AVAILABLE] = "AVAILABLE",
        [STATE_UNLOADING] = "UNLOADING",
        [STATE_END] = "END",
    };
    return names[state];
}

struct state_name {
    struct state_name *next;
    struct span name;
    struct version_state *versions; /* owned, as are the messages that are not "" */
    size_t count;
    size_t room;
};

struct state_monitor {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct arena arena;       /* of the names */
    struct map index;         /* of the names */
    struct state_name *names; /* guarded by mutex, like everything below */
    bool interrupted;
    uint64_t sequence;
};

struct state_monitor *state_monitor_new(void)
{
    struct state_monitor *monitor = calloc(1, sizeof *monitor);
    CHECK(monitor && "out of memory");
    arena_init(&monitor->arena, ARENA_FIRST_BLOCK);
    map_init(&monitor->index, &monitor->arena);
    pthread_mutex_init(&monitor->mutex, NULL);
    thread_condition_init(&monitor->changed);
    return monitor;
}

static void free_message(struct version_state *version)
{
    if (version->message[0])
        free((char *)(uintptr_t)version->message);
}

static void free_name(struct state_name *name)
{
    for (size_t i = 0; i < name->count; i++)
        free_message(&name->versions[i]);
    free(name->versions);
}

void state_monitor_free(struct state_monitor *monitor)
{
    if (!monitor)
        return;
    for (struct state_name *name = monitor->names; name; name = name->next)
        free_name(name);
    arena_release(&monitor->arena);
    pthread_cond_destroy(&monitor->changed);
    pthread_mutex_destroy(&monitor->mutex);
    free(monitor);
}

static struct state_name *find(struct state_monitor *monitor, struct span name)
{
    return map_get(&monitor->index, name);
}

static struct state_name *find_or_add(struct state_monitor *monitor, struct span name)
{
    struct state_name *n = find(monitor, name);
    if (n)
        return n;
    n = ARENA_NEW(&monitor->arena, struct state_name);
    n->name = arena_copy(&monitor->arena, name);
    map_put(&monitor->index, n->name, n);
    n->next = monitor->names;
    monitor->names = n;
    return n;
}

static void remove_at(struct state_name *name, size_t i)
{
    free_message(&name->versions[i]);
    memmove(&name->versions[i], &name->versions[i + 1],
            (name->count - i - 1) * sizeof *name->versions);
    name->count--;
}

static void forget_surplus(struct state_name *name)
{
    size_t ended = 0;
    for (size_t i = 0; i < name->count; i++)
        ended += name->versions[i].state == STATE_END;
    for (size_t i = name->count; i > 0 && ended > STATE_ENDED_MAX; i--) {
        if (name->versions[i - 1].state == STATE_END) {
            remove_at(name, i - 1);
            ended--;
        }
    }
}

/* The version's entry, added in its place when it is new. */
static struct version_state *entry_of(struct state_name *name, int64_t version)
{
    size_t i = 0;
    while (i < name->count && name->versions[i].version > version)
        i++;
    if (i < name->count && name->versions[i].version == version)
        return &name->versions[i];
    if (name->count == name->room) {
        name->room = name->room ? 2 * name->room : 4;
        name->versions = realloc(name->versions, name->room * sizeof *name->versions);
        CHECK(name->versions && "out of memory");
    }
    memmove(&name->versions[i + 1], &name->versions[i], (name->count - i) * sizeof *name->versions);
    name->versions[i] = (struct version_state){.version = version, .message = ""};
    name->count++;
    return &name->versions[i];
}

void state_monitor_set(struct state_monitor *monitor, struct servable_id id,
                       enum servable_state state, const struct error *err)
{
    const char *message = err && err->message[0] ? strdup(err->message) : "";
    CHECK(message && "out of memory");
    pthread_mutex_lock(&monitor->mutex);
    struct state_name *name = find_or_add(monitor, id.name);
    struct version_state *entry = entry_of(name, id.version);
    free_message(entry);
    entry->state = state;
    entry->sequence = ++monitor->sequence;
    entry->code = err ? err->code : CODE_OK;
    entry->message = message;
    forget_surplus(name);
    pthread_cond_broadcast(&monitor->changed);
    pthread_mutex_unlock(&monitor->mutex);
}

size_t state_monitor_get(struct state_monitor *monitor, struct span name, struct arena *arena,
                         struct version_state **versions)
{
    pthread_mutex_lock(&monitor->mutex);
    const struct state_name *n = find(monitor, name);
    size_t count = n ? n->count : 0;
    *versions = arena_alloc(arena, (count + 1) * sizeof **versions);
    for (size_t i = 0; i < count; i++) {
        (*versions)[i] = n->versions[i];
        (*versions)[i].message = arena_strdup(arena, span_of(n->versions[i].message));
    }
    pthread_mutex_unlock(&monitor->mutex);
    return count;
}

size_t state_monitor_names(struct state_monitor *monitor, struct arena *arena, struct span **names)
{
    size_t count = 0;
    pthread_mutex_lock(&monitor->mutex);
    *names = ARENA_ARRAY(arena, struct span, monitor->index.count + 1);
    for (const struct state_name *n = monitor->names; n; n = n->next)
        (*names)[count++] = n->name;
    pthread_mutex_unlock(&monitor->mutex);
    return count;
}

uint64_t state_monitor_sequence(struct state_monitor *monitor)
{
    pthread_mutex_lock(&monitor->mutex);
    uint64_t sequence = monitor->sequence;
    pthread_mutex_unlock(&monitor->mutex);
    return sequence;
}

bool state_monitor_await(struct state_monitor *monitor, uint64_t sequence)
{
    return state_monitor_await_until(monitor, sequence, INT64_MAX);
}

bool state_monitor_await_until(struct state_monitor *monitor, uint64_t sequence, int64_t until_us)
{
    bool in_time = true;
    pthread_mutex_lock(&monitor->mutex);
    while (monitor->sequence == sequence && !monitor->interrupted && in_time)
        in_time = thread_wait_until(&monitor->changed, &monitor->mutex, until_us);
    bool interrupted = monitor->interrupted;
    pthread_mutex_unlock(&monitor->mutex);
    return !interrupted;
}

void state_monitor_poke(struct state_monitor *monitor)
{
    pthread_mutex_lock(&monitor->mutex);
    monitor->sequence++;
    pthread_cond_broadcast(&monitor->changed);
    pthread_mutex_unlock(&monitor->mutex);
}

void state_monitor_interrupt(struct state_monitor *monitor)
{
    pthread_mutex_lock(&monitor->mutex);
    monitor->interrupted = true;
    pthread_cond_broadcast(&monitor->changed);
    pthread_mutex_unlock(&monitor->mutex);
}
