/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A writer is a shard's: a thread's own, or that of all threads beyond SHARDS, which take a lock.
 * It fills blocks one after the other:
 *
 *   block     | event, parts, values, texts | event, ...         |
 *
 * The pointers of an event point behind it, so that reading it is looking at it. Who ends a
 * recording takes it away first and then waits for the sections (base/epoch.h) in which somebody
 * may still add to it.
 *
 * Ops may fill half of the room: a run has many, and requests are to be seen beside them.
 */
#include "monitoring/recording.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/epoch.h"

enum { BLOCK = 64 << 10 }; /* the largest event fits many times */

struct block {
    struct block *next;
    size_t len; /* of bytes */
    _Alignas(16) char bytes[];
};

struct writer {
    _Alignas(SHARD_LINE) struct block *first;
    struct block *last;
    size_t events;
    size_t dropped;
};

struct recording {
    struct writer writers[SHARDS];
    pthread_mutex_t mutex; /* of the last writer */
    atomic_size_t room;    /* bytes that may still be taken */
    size_t half;           /* of the room at first */
};

_Atomic int recording_level_now;

static _Atomic(struct recording *) current;
static struct epoch epoch;
static pthread_once_t epoch_once = PTHREAD_ONCE_INIT;

static void init_epoch(void)
{
    epoch_init(&epoch);
}

/* ---- adding ---- */

static size_t aligned(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

static struct span shown(struct span text)
{
    return span_sub(text, 0, RECORDING_TEXT_MAX);
}

static size_t size_of(const struct recording_event *event)
{
    size_t size = sizeof *event + event->part_count * sizeof *event->parts +
                  event->value_count * sizeof *event->values + shown(event->subject).len;
    for (size_t i = 0; i < event->value_count; i++)
        size += event->values[i].text.ptr ? shown(event->values[i].text).len : 0;
    return aligned(size);
}

static struct block *add_block(struct recording *recording, struct writer *writer,
                               enum recording_level level)
{
    size_t room = atomic_load_explicit(&recording->room, memory_order_relaxed);
    size_t kept = level == RECORDING_OPS ? recording->half : 0;
    do {
        if (room < kept + BLOCK)
            return NULL;
    } while (!atomic_compare_exchange_weak(&recording->room, &room, room - BLOCK));
    struct block *block = malloc(BLOCK);
    if (!block)
        return NULL;
    block->next = NULL;
    block->len = 0;
    *(writer->last ? &writer->last->next : &writer->first) = block;
    return writer->last = block;
}

static char *take(struct recording *recording, struct writer *writer, size_t size,
                  enum recording_level level)
{
    struct block *block = writer->last;
    if (!block || size > BLOCK - sizeof *block - block->len)
        block = add_block(recording, writer, level);
    if (!block)
        return NULL;
    char *at = block->bytes + block->len;
    block->len += size;
    return at;
}

/* Puts the text at *to, and *to behind it. */
static struct span copy_text(char **to, struct span text)
{
    struct span copy = span_make(*to, shown(text).len);
    if (copy.len)
        memcpy(*to, text.ptr, copy.len);
    *to += copy.len;
    return copy;
}

/* Into `at`, which has size_of() bytes. */
static void copy_event(char *at, const struct recording_event *event)
{
    struct recording_event *copy = (struct recording_event *)at;
    struct recording_part *parts = (struct recording_part *)(copy + 1);
    struct recording_value *values = (struct recording_value *)(parts + event->part_count);
    char *text = (char *)(values + event->value_count);
    *copy = *event;
    copy->parts = parts;
    copy->values = values;
    copy->subject = copy_text(&text, event->subject);
    for (size_t i = 0; i < event->part_count; i++)
        parts[i] = event->parts[i];
    for (size_t i = 0; i < event->value_count; i++) {
        values[i] = event->values[i];
        if (values[i].text.ptr)
            values[i].text = copy_text(&text, values[i].text);
    }
}

static void write_event(struct recording *recording, struct writer *writer,
                        const struct recording_event *event)
{
    char *at = take(recording, writer, size_of(event), event->level);
    if (at)
        copy_event(at, event);
    *(at ? &writer->events : &writer->dropped) += 1;
}

static void add(struct recording *recording, const struct recording_event *event)
{
    unsigned index = shard_index();
    bool own = shard_is_own(index);
    if (!own)
        pthread_mutex_lock(&recording->mutex);
    write_event(recording, &recording->writers[index], event);
    if (!own)
        pthread_mutex_unlock(&recording->mutex);
}

void recording_add(const struct recording_event *event)
{
    CHECK(event->part_count <= RECORDING_PARTS_MAX && event->value_count <= RECORDING_VALUES_MAX);
    pthread_once(&epoch_once, init_epoch);
    struct epoch_section section = epoch_enter(&epoch);
    struct recording *recording = atomic_load(&current);
    if (recording)
        add(recording, event);
    epoch_leave(section);
}

/* ---- life ---- */

struct recording *recording_begin(enum recording_level level, size_t bytes)
{
    pthread_once(&epoch_once, init_epoch);
    struct recording *recording = aligned_alloc(SHARD_LINE, sizeof *recording), *none = NULL;
    CHECK(recording && "out of memory");
    memset(recording, 0, sizeof *recording);
    pthread_mutex_init(&recording->mutex, NULL);
    atomic_init(&recording->room, bytes);
    recording->half = bytes / 2;
    if (atomic_compare_exchange_strong(&current, &none, recording)) {
        atomic_store(&recording_level_now, (int)level);
        return recording;
    }
    recording_free(recording);
    return NULL;
}

void recording_end(struct recording *recording)
{
    CHECK(atomic_load(&current) == recording);
    atomic_store(&recording_level_now, RECORDING_OFF);
    atomic_store(&current, NULL);
    epoch_wait(&epoch);
}

void recording_free(struct recording *recording)
{
    if (!recording)
        return;
    for (int i = 0; i < SHARDS; i++) {
        struct block *block = recording->writers[i].first;
        while (block) {
            struct block *next = block->next;
            free(block);
            block = next;
        }
    }
    pthread_mutex_destroy(&recording->mutex);
    free(recording);
}

/* ---- reading ---- */

size_t recording_count(const struct recording *recording)
{
    size_t sum = 0;
    for (int i = 0; i < SHARDS; i++)
        sum += recording->writers[i].events;
    return sum;
}

size_t recording_dropped(const struct recording *recording)
{
    size_t sum = 0;
    for (int i = 0; i < SHARDS; i++)
        sum += recording->writers[i].dropped;
    return sum;
}

void recording_list(const struct recording *recording, const struct recording_event **events)
{
    for (int i = 0; i < SHARDS; i++) {
        for (const struct block *block = recording->writers[i].first; block; block = block->next) {
            for (size_t at = 0; at < block->len; at += size_of(*events++))
                *events = (const struct recording_event *)(block->bytes + at);
        }
    }
}
