/* SPDX-License-Identifier: Apache-2.0 */
#include "api/xspace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "wire/text.h"

/* Before clock_calibrate() a tick is a nanosecond. */
enum { PLENTY = 4 << 20, LOOP = 1 << 28, WORKER, OTHER_LOOP }; /* no thread has these numbers */

static struct arena arena;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

/* A request that waits for a worker: read 1, queue 2, run 3, write 1 of 10 ticks. */
static void add_request(int home, int64_t at)
{
    const struct recording_part parts[] = {
        {"read", at, at + 10, false},
        {"queue", at + 10, at + 30, false},
        {"run", at + 30, at + 60, true},
        {"write", at + 60, at + 70, false},
    };
    const struct recording_value values[] = {
        {.name = "model", .text = SPAN_LITERAL("half")},
        {.name = "version", .number = 3},
        {.name = "path", .text = SPAN_LITERAL("/v1\xff")},
    };
    recording_add(&(struct recording_event){
        .name = "predict",
        .begin = at,
        .end = at + 70,
        .level = RECORDING_REQUESTS,
        .home = home,
        .thread = WORKER,
        .parts = parts,
        .part_count = 4,
        .values = values,
        .value_count = 3,
    });
}

static void add_op(const char *name, const char *node, int64_t from, int64_t to)
{
    recording_add(&(struct recording_event){.name = name,
                                            .subject = span_of(node),
                                            .begin = from,
                                            .end = to,
                                            .level = RECORDING_OPS,
                                            .thread = WORKER});
}

static struct span name_of(const struct pb_x_plane *plane, const struct pb_x_event *event)
{
    for (size_t i = 0; i < plane->event_metadata.count; i++)
        if (plane->event_metadata.items[i].key == event->metadata_id)
            return plane->event_metadata.items[i].value->name;
    fail();
    return (struct span){0};
}

/* Lines of text:  NAME: event offset+duration ... */
static char *in_words(const struct pb_x_plane *plane)
{
    struct text text;
    text_init(&text, &arena);
    for (size_t i = 0; i < plane->lines.count; i++) {
        const struct pb_x_line *line = &plane->lines.items[i];
        text_span_add(&text, line->name);
        text_char(&text, ':');
        for (size_t k = 0; k < line->events.count; k++) {
            const struct pb_x_event *event = &line->events.items[k];
            text_char(&text, ' ');
            text_span_add(&text, name_of(plane, event));
            text_char(&text, ' ');
            text_int(&text, event->offset_ps / 1000);
            text_char(&text, '+');
            text_int(&text, event->duration_ps / 1000);
        }
        text_char(&text, '\n');
    }
    return arena_strdup(&arena, text_span(&text));
}

/* Ends the recording and shows it. */
static char *shown(struct recording *recording, size_t events_max, struct pb_x_space *space)
{
    const struct xspace_options options = {
        .begin = 1000,
        .end = 2000,
        .begin_ns = 5000000,
        .events_max = events_max,
        .host = SPAN_LITERAL("here"),
    };
    recording_end(recording);
    assert_int_equal(xspace_make(recording, &options, &arena, space, NULL), CODE_OK);
    /* As a reader gets it. */
    struct span bytes = pb_encode(&pb_x_space_type, space, &arena);
    assert_int_equal(pb_decode(&pb_x_space_type, bytes, &arena, space, NULL), CODE_OK);
    recording_free(recording);
    return in_words(&space->planes.items[0]);
}

static void stages_stand_where_they_took_place(void **state)
{
    (void)state;
    struct pb_x_space space;
    struct recording *recording = recording_begin(RECORDING_OPS, PLENTY);
    add_op("Add", "dense/add", 1045, 1050);
    add_op("Add", "\xff", 1050, 1055);
    add_op("MatMul", "dense/MatMul", 1030, 1045);
    add_request(LOOP, 1000);
    assert_string_equal(shown(recording, 0, &space),
                        "thread 268435457: predict 30+30 run 30+30 dense/MatMul:MatMul 30+15 "
                        "dense/add:Add 45+5 Add 50+5\n"
                        "requests of thread 268435456: predict 0+70 read 0+10 queue 10+20 "
                        "run 30+30 write 60+10\n");
    assert_string_equal(arena_strdup(&arena, space.planes.items[0].name), "/host:CPU");
    assert_int_equal(space.warnings.count, 0);
    assert_true(span_is(space.hostnames.items[0], "here"));
}

static const struct pb_x_stat *find(const struct pb_x_plane *plane, const struct pb_x_event *event,
                                    const char *name)
{
    for (size_t i = 0; i < event->stats.count; i++)
        for (size_t k = 0; k < plane->stat_metadata.count; k++)
            if (plane->stat_metadata.items[k].key == event->stats.items[i].metadata_id &&
                span_is(plane->stat_metadata.items[k].value->name, name))
                return &event->stats.items[i];
    return NULL;
}

static void values_come_with_the_whole(void **state)
{
    (void)state;
    struct pb_x_space space;
    struct recording *recording = recording_begin(RECORDING_OPS, PLENTY);
    add_request(LOOP, 1000);
    shown(recording, 0, &space);
    const struct pb_x_plane *plane = &space.planes.items[0];
    for (size_t i = 0; i < plane->lines.count; i++) {
        const struct pb_x_event *event = plane->lines.items[i].events.items;
        assert_true(span_is(find(plane, &event[0], "model")->str_value, "half"));
        assert_int_equal(find(plane, &event[0], "version")->int64_value, 3);
        /* Cut where it is no UTF-8 any more. */
        assert_true(span_is(find(plane, &event[0], "path")->str_value, "/v1"));
        assert_int_equal(event[1].stats.count, 0);
    }
}

static void requests_at_a_time_stand_beside_each_other(void **state)
{
    (void)state;
    struct pb_x_space space;
    struct recording *recording = recording_begin(RECORDING_REQUESTS, PLENTY);
    add_request(LOOP, 1035);
    add_request(LOOP, 1000);
    add_request(LOOP, 1070);
    add_request(OTHER_LOOP, 1000);
    char *text = shown(recording, 0, &space);
    const char *lanes = strchr(text, '\n') + 1;
    assert_string_equal(lanes, "requests of thread 268435456: predict 0+70 read 0+10 queue 10+20 "
                               "run 30+30 write 60+10 predict 70+70 read 70+10 queue 80+20 "
                               "run 100+30 write 130+10\n"
                               "requests of thread 268435456 (2): predict 35+70 read 35+10 "
                               "queue 45+20 run 65+30 write 95+10\n"
                               "requests of thread 268435458: predict 0+70 read 0+10 queue 10+20 "
                               "run 30+30 write 60+10\n");
}

static void what_is_left_out_is_told(void **state)
{
    (void)state;
    struct pb_x_space space;
    struct recording *recording = recording_begin(RECORDING_REQUESTS, PLENTY);
    for (int i = 0; i < XSPACE_LANES_MAX + 3; i++)
        add_request(LOOP, 1000);
    shown(recording, 0, &space);
    assert_int_equal(space.warnings.count, 1);
    assert_true(span_starts_with(space.warnings.items[0], SPAN_LITERAL("3 events were left out")));

    recording = recording_begin(RECORDING_OPS, PLENTY);
    add_op("Add", "", 1045, 1055);
    add_request(LOOP, 1100);
    add_request(LOOP, 1000);
    assert_string_equal(shown(recording, 12, &space),
                        "thread 268435457: predict 30+30 run 30+30\n"
                        "requests of thread 268435456: predict 0+70 read 0+10 queue 10+20 "
                        "run 30+30 write 60+10\n");
    assert_true(span_starts_with(space.warnings.items[0], SPAN_LITERAL("2 events were left out")));
}

static int64_t environment(const struct pb_x_space *space, int i)
{
    const struct pb_x_plane *plane = &space->planes.items[1];
    assert_true(span_is(plane->name, "Task Environment"));
    return (int64_t)plane->stats.items[i].uint64_value;
}

/* Times count from the first event where that began before the recording. */
static void the_beginning_is_the_first_event(void **state)
{
    (void)state;
    struct pb_x_space space;
    struct recording *recording = recording_begin(RECORDING_REQUESTS, PLENTY);
    add_request(LOOP, 990);
    const char *text = shown(recording, 0, &space);
    assert_non_null(strstr(text, "predict 0+70"));
    assert_int_equal(environment(&space, 0), 5000000 - 10);
    assert_int_equal(environment(&space, 1), 5000000 + 1000);
}

static void nothing_happened(void **state)
{
    (void)state;
    struct pb_x_space space;
    assert_string_equal(shown(recording_begin(RECORDING_OPS, PLENTY), 0, &space), "");
    assert_int_equal(space.planes.count, 2);
    assert_int_equal(environment(&space, 0), 5000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stages_stand_where_they_took_place, begin, end),
        cmocka_unit_test_setup_teardown(values_come_with_the_whole, begin, end),
        cmocka_unit_test_setup_teardown(requests_at_a_time_stand_beside_each_other, begin, end),
        cmocka_unit_test_setup_teardown(what_is_left_out_is_told, begin, end),
        cmocka_unit_test_setup_teardown(the_beginning_is_the_first_event, begin, end),
        cmocka_unit_test_setup_teardown(nothing_happened, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
