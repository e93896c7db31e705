/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each event, and each part of one, becomes an item: it says on which line it stands and from when
 * to when. A request is there twice: in a lane of its loop with all of its stages, and on the line
 * of the thread that worked on it with those in which that thread was busy. Sorted by line and
 * time, the longer first, items are in the order of the XEvents, and viewers show what lies within
 * another event below it.
 *
 *   lane of a loop   | predict: read | queue         | run      | encode | write |
 *   thread                                | predict: run | encode |
 *                                         | a:MatMul | b:Add |
 *
 * Times count from the first event, which may have begun before the recording did.
 */
#include "api/xspace.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/map.h"
#include "wire/utf8.h"

enum {
    WHOLE = -1, /* item.part: the event itself */
    OFFSET_PS = 2,
    UINT64_VALUE = 3, /* cases, by the numbers of their fields */
    INT64_VALUE = 4,
    STR_VALUE = 5,
    LINE_NAME_MAX = 64,
    OP_NAME_MAX = 128,
};

struct item {
    int64_t begin;
    int64_t end;
    const struct recording_event *event;
    int owner;               /* thread_id() of whose line it is */
    short lane;              /* of the owner's requests, from 1; 0: what it did itself */
    short part;              /* of the event, or WHOLE */
    int64_t name;            /* as metadata_id */
    struct pb_x_stat *stats; /* of the event's values */
};

struct space {
    const struct xspace_options *options;
    struct arena *arena;
    const struct recording_event **events;
    size_t event_count;
    struct item *items;
    size_t item_count;
    size_t left_out;        /* events */
    int64_t begin;          /* of the first event, or the recording */
    struct map event_names; /* name -> number that stands for it, from 1 */
    struct map stat_names;
    struct pb_x_stat *stats; /* room for those of the events that are still to come */
};

static enum code no_memory(const struct space *s, struct error *err)
{
    return error_set(err, CODE_RESOURCE_EXHAUSTED,
                     "OOM when allocating what shows %zu events of a profile", s->event_count);
}

static int64_t name_id(struct map *names, struct span name)
{
    bool added;
    void **id = map_at(names, name, &added);
    if (added)
        *id = (void *)(uintptr_t)names->count;
    return (int64_t)(uintptr_t)*id;
}

/* "dense/MatMul:MatMul", as TensorFlow calls an op of a node: of events by such names TensorBoard
 * makes a table of ops. */
static int64_t event_name_id(struct space *s, const struct recording_event *event)
{
    struct span subject = utf8_prefix(event->subject, event->subject.len);
    if (!subject.len)
        return name_id(&s->event_names, span_of(event->name));
    char text[RECORDING_TEXT_MAX + OP_NAME_MAX];
    int len = snprintf(text, sizeof text, "%.*s:%s", SPAN_ARG(subject), event->name);
    struct span name = span_make(text, len < (int)sizeof text ? (size_t)len : sizeof text - 1);
    if (!map_has(&s->event_names, name))
        name = arena_copy(s->arena, name);
    return name_id(&s->event_names, name);
}

/* ---- items ---- */

static void set_stat(struct pb_x_stat *stat, int64_t name, const struct recording_value *value)
{
    stat->metadata_id = name;
    if (value->text.ptr) {
        stat->value_case = STR_VALUE;
        stat->str_value = utf8_prefix(value->text, value->text.len);
    } else {
        stat->value_case = INT64_VALUE;
        stat->int64_value = value->number;
    }
}

static struct pb_x_stat *make_stats(struct space *s, const struct recording_event *event)
{
    struct pb_x_stat *stats = s->stats;
    for (size_t i = 0; i < event->value_count; i++) {
        const struct recording_value *value = &event->values[i];
        set_stat(s->stats++, name_id(&s->stat_names, span_of(value->name)), value);
    }
    return stats;
}

/* What a thread was busy with, of a request: from the first such part to the last. */
static bool busy_time(const struct recording_event *event, int64_t *begin, int64_t *end)
{
    bool any = false;
    for (size_t i = 0; i < event->part_count; i++) {
        if (!event->parts[i].on_thread)
            continue;
        *begin = any ? *begin : event->parts[i].begin;
        *end = event->parts[i].end;
        any = true;
    }
    return any;
}

static void add_item(struct space *s, const struct item *item)
{
    const struct recording_event *event = item->event;
    struct item *to = &s->items[s->item_count++];
    *to = *item;
    to->name = item->part == WHOLE
                   ? event_name_id(s, event)
                   : name_id(&s->event_names, span_of(event->parts[item->part].name));
}

/* An event and its parts, on one line; of a request on a thread's line those that belong there. */
static void add_items(struct space *s, struct item item)
{
    const struct recording_event *event = item.event;
    bool all = item.lane || !event->home;
    item.part = WHOLE;
    add_item(s, &item);
    for (size_t i = 0; i < event->part_count; i++) {
        if (!all && !event->parts[i].on_thread)
            continue;
        item.part = (short)i;
        item.begin = event->parts[i].begin;
        item.end = event->parts[i].end;
        add_item(s, &item);
    }
}

/* At most so many items come of it. */
static size_t items_of(const struct recording_event *event)
{
    return (event->home ? 2 : 1) * (event->part_count + 1);
}

/* ---- lanes ---- */

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* What is of no loop comes last: if anything is left out, it is that. */
static int by_home_and_begin(const void *a, const void *b)
{
    const struct recording_event *x = *(const struct recording_event *const *)a;
    const struct recording_event *y = *(const struct recording_event *const *)b;
    int order = compare(y->home, x->home);
    return order ? order : compare(x->begin, y->begin);
}

/* Requests in the order of their beginnings take the first lane that is free; 0: none is. */
struct lanes {
    int home;
    int64_t free_from[XSPACE_LANES_MAX];
    short count;
};

static short take_lane(struct lanes *lanes, const struct recording_event *event)
{
    short lane = 0;
    if (lanes->home != event->home)
        *lanes = (struct lanes){.home = event->home};
    while (lane < lanes->count && lanes->free_from[lane] > event->begin)
        lane++;
    if (lane == XSPACE_LANES_MAX)
        return 0;
    lanes->free_from[lane] = event->end;
    if (lane == lanes->count)
        lanes->count++;
    return (short)(lane + 1);
}

static void add_request(struct space *s, struct lanes *lanes, struct item item)
{
    const struct recording_event *event = item.event;
    item.owner = event->home;
    item.lane = take_lane(lanes, event);
    if (item.lane)
        add_items(s, item);
    else
        s->left_out++;
    item.owner = event->thread;
    item.lane = 0;
    if (busy_time(event, &item.begin, &item.end))
        add_items(s, item);
}

static void add_event(struct space *s, struct lanes *lanes, const struct recording_event *event)
{
    struct item item = {
        .begin = event->begin,
        .end = event->end,
        .event = event,
        .owner = event->thread,
        .stats = make_stats(s, event),
    };
    if (event->home)
        add_request(s, lanes, item);
    else
        add_items(s, item);
    s->begin = event->begin < s->begin ? event->begin : s->begin;
}

static enum code make_room(struct space *s, struct error *err)
{
    size_t items = 0, values = 0;
    for (size_t i = 0; i < s->event_count; i++) {
        items += items_of(s->events[i]);
        values += s->events[i]->value_count;
    }
    s->items = arena_try_calloc(s->arena, items, sizeof *s->items);
    s->stats = arena_try_calloc(s->arena, values, sizeof *s->stats);
    return s->items && s->stats ? CODE_OK : no_memory(s, err);
}

static enum code list_items(struct space *s, const struct recording *recording, struct error *err)
{
    struct lanes lanes = {.count = 0};
    size_t max = s->options->events_max ? s->options->events_max : SIZE_MAX, shown = 0;
    s->events = arena_try_calloc(s->arena, s->event_count, sizeof *s->events);
    if (!s->events)
        return no_memory(s, err);
    recording_list(recording, s->events);
    enum code code = make_room(s, err);
    if (code)
        return code;
    if (s->event_count)
        qsort(s->events, s->event_count, sizeof(void *), by_home_and_begin);
    while (shown < s->event_count && items_of(s->events[shown]) <= max - s->item_count)
        add_event(s, &lanes, s->events[shown++]);
    s->left_out += s->event_count - shown;
    return CODE_OK;
}

/* Threads' own lines first; on a line what holds others before them. */
static int by_line_and_time(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    const int64_t pairs[][2] = {
        {x->lane > 0, y->lane > 0}, {x->owner, y->owner}, {x->lane, y->lane},
        {x->begin, y->begin},       {y->end, x->end},     {x->part, y->part},
    };
    int order = 0;
    for (size_t i = 0; !order && i < sizeof pairs / sizeof *pairs; i++)
        order = compare(pairs[i][0], pairs[i][1]);
    return order;
}

/* ---- messages ---- */

static int64_t picoseconds(const struct space *s, int64_t ticks)
{
    return (int64_t)((double)(ticks - s->begin) * clock_tick_ns() * 1e3);
}

static void set_event(const struct space *s, const struct item *item, struct pb_x_event *x)
{
    int64_t begin_ps = picoseconds(s, item->begin);
    x->metadata_id = item->name;
    x->data_case = OFFSET_PS;
    x->offset_ps = begin_ps;
    x->duration_ps = picoseconds(s, item->end) - begin_ps;
    if (item->part != WHOLE)
        return;
    x->stats.items = item->stats;
    x->stats.count = item->event->value_count;
}

static bool same_line(const struct item *a, const struct item *b)
{
    return a->owner == b->owner && a->lane == b->lane;
}

/* "worker 4711", "requests of loop 4709", "requests of loop 4709 (2)"; a thread that has ended has
 * no name any more. */
static struct span line_name(const struct space *s, const struct item *item)
{
    char path[LINE_NAME_MAX], comm[LINE_NAME_MAX];
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", item->owner);
    struct span thread = utf8_prefix(file_read_small(path, comm, sizeof comm), sizeof comm);
    if (!thread.len)
        thread = SPAN_LITERAL("thread");
    const char *of = item->lane ? "requests of " : "";
    return span_of(item->lane > 1
                       ? arena_printf(s->arena, "%s%.*s %d (%d)", of, SPAN_ARG(thread), item->owner,
                                      item->lane)
                       : arena_printf(s->arena, "%s%.*s %d", of, SPAN_ARG(thread), item->owner));
}

static size_t count_lines(const struct space *s)
{
    size_t count = s->item_count > 0;
    for (size_t i = 1; i < s->item_count; i++)
        count += !same_line(&s->items[i - 1], &s->items[i]);
    return count;
}

static void set_lines(const struct space *s, struct pb_x_event *events, struct pb_x_plane *plane)
{
    struct pb_x_line *line = NULL;
    plane->lines.items = ARENA_ARRAY(s->arena, struct pb_x_line, count_lines(s));
    for (size_t i = 0; i < s->item_count; i++) {
        const struct item *item = &s->items[i];
        if (!line || !same_line(item - 1, item)) {
            line = &plane->lines.items[plane->lines.count++];
            line->id = (int64_t)plane->lines.count;
            line->name = line_name(s, item);
            line->events.items = &events[i];
        }
        set_event(s, item, &events[i]);
        line->events.count++;
    }
}

static void set_event_names(const struct space *s, struct pb_x_plane *plane)
{
    size_t cursor = 0, count = 0;
    const struct map_slot *slot;
    plane->event_metadata.items =
        ARENA_ARRAY(s->arena, struct pb_x_plane_event_metadata_entry, s->event_names.count);
    while ((slot = map_next(&s->event_names, &cursor))) {
        struct pb_x_event_metadata *metadata = ARENA_NEW(s->arena, struct pb_x_event_metadata);
        *metadata =
            (struct pb_x_event_metadata){.id = (int64_t)(uintptr_t)slot->value, .name = slot->key};
        plane->event_metadata.items[count].key = metadata->id;
        plane->event_metadata.items[count++].value = metadata;
    }
    plane->event_metadata.count = count;
}

static void set_stat_names(const struct space *s, struct pb_x_plane *plane)
{
    size_t cursor = 0, count = 0;
    const struct map_slot *slot;
    plane->stat_metadata.items =
        ARENA_ARRAY(s->arena, struct pb_x_plane_stat_metadata_entry, s->stat_names.count);
    while ((slot = map_next(&s->stat_names, &cursor))) {
        struct pb_x_stat_metadata *metadata = ARENA_NEW(s->arena, struct pb_x_stat_metadata);
        *metadata =
            (struct pb_x_stat_metadata){.id = (int64_t)(uintptr_t)slot->value, .name = slot->key};
        plane->stat_metadata.items[count].key = metadata->id;
        plane->stat_metadata.items[count++].value = metadata;
    }
    plane->stat_metadata.count = count;
}

static enum code set_host(struct space *s, struct pb_x_plane *plane, struct error *err)
{
    struct pb_x_event *events = arena_try_calloc(s->arena, s->item_count, sizeof *events);
    if (!events)
        return no_memory(s, err);
    plane->name = SPAN_LITERAL("/host:CPU");
    if (s->item_count)
        qsort(s->items, s->item_count, sizeof *s->items, by_line_and_time);
    set_lines(s, events, plane);
    set_event_names(s, plane);
    set_stat_names(s, plane);
    return CODE_OK;
}

/* ---- when it was ---- */

static int64_t wall_ns(const struct space *s, int64_t ticks)
{
    return s->options->begin_ns + (int64_t)((double)(ticks - s->options->begin) * clock_tick_ns());
}

/* By these names readers look for them. */
static void set_environment(struct space *s, struct pb_x_plane *plane)
{
    static const char *const names[] = {"profile_start_time", "profile_stop_time"};
    const int64_t times[] = {s->begin, s->options->end};
    map_init(&s->stat_names, s->arena);
    plane->name = SPAN_LITERAL("Task Environment");
    plane->stats.items = ARENA_ARRAY(s->arena, struct pb_x_stat, 2);
    plane->stats.count = 2;
    for (int i = 0; i < 2; i++) {
        struct pb_x_stat *stat = &plane->stats.items[i];
        stat->metadata_id = name_id(&s->stat_names, span_of(names[i]));
        stat->value_case = UINT64_VALUE;
        stat->uint64_value = (uint64_t)wall_ns(s, times[i]);
    }
    set_stat_names(s, plane);
}

static void warn(struct space *s, struct pb_x_space *space, size_t count, const char *what)
{
    if (count)
        space->warnings.items[space->warnings.count++] =
            span_of(arena_printf(s->arena, "%zu events %s", count, what));
}

enum code xspace_make(const struct recording *recording, const struct xspace_options *options,
                      struct arena *arena, struct pb_x_space *space, struct error *err)
{
    struct space s = {
        .options = options,
        .arena = arena,
        .event_count = recording_count(recording),
        .begin = options->begin,
    };
    *space = (struct pb_x_space){0};
    map_init(&s.event_names, arena);
    map_init(&s.stat_names, arena);
    space->planes.items = ARENA_ARRAY(arena, struct pb_x_plane, 2);
    enum code code = list_items(&s, recording, err);
    if (!code)
        code = set_host(&s, &space->planes.items[0], err);
    if (code)
        return code;
    set_environment(&s, &space->planes.items[1]);
    space->planes.count = 2;
    space->hostnames.items = ARENA_ARRAY(arena, struct span, 1);
    space->hostnames.items[space->hostnames.count++] = options->host;
    space->warnings.items = ARENA_ARRAY(arena, struct span, 2);
    warn(&s, space, recording_dropped(recording), "were dropped, for the recording was full");
    warn(&s, space, s.left_out, "were left out, for there are too many, or too many at a time");
    return CODE_OK;
}
