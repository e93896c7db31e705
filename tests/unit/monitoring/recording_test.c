/* SPDX-License-Identifier: Apache-2.0 */
#include "monitoring/recording.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/shard.h"
#include "base/thread.h"

enum { PLENTY = 64 << 20, LITTLE = 1 << 20 };

static void add(int64_t number, enum recording_level level)
{
    const struct recording_part parts[] = {{"first", number, number + 1, true},
                                           {"second", number + 1, number + 2, false}};
    const struct recording_value values[] = {{.name = "number", .number = number},
                                             {.name = "text", .text = SPAN_LITERAL("words")}};
    recording_add(&(struct recording_event){
        .name = "event",
        .subject = SPAN_LITERAL("what it is about"),
        .begin = number,
        .end = number + 2,
        .level = level,
        .thread = thread_id(),
        .parts = parts,
        .part_count = 2,
        .values = values,
        .value_count = 2,
    });
}

static const struct recording_event **list(const struct recording *recording)
{
    const struct recording_event **events =
        malloc((recording_count(recording) + 1) * sizeof *events);
    assert_non_null(events);
    recording_list(recording, events);
    return events;
}

static void an_event_comes_back_as_it_was(void **state)
{
    (void)state;
    char large[2 * RECORDING_TEXT_MAX];
    memset(large, 'x', sizeof large);
    const struct recording_value value = {.name = "large", .text = {large, sizeof large}};
    struct recording *recording = recording_begin(RECORDING_REQUESTS, PLENTY);
    add(7, RECORDING_REQUESTS);
    recording_add(&(struct recording_event){
        .name = "other", .subject = value.text, .values = &value, .value_count = 1});
    memset(large, 'y', sizeof large);
    recording_end(recording);
    assert_int_equal(recording_count(recording), 2);
    assert_int_equal(recording_dropped(recording), 0);
    const struct recording_event **events = list(recording);
    assert_string_equal(events[0]->name, "event");
    assert_true(span_is(events[0]->subject, "what it is about"));
    assert_int_equal(events[0]->end, 9);
    assert_int_equal(events[0]->part_count, 2);
    assert_string_equal(events[0]->parts[1].name, "second");
    assert_true(events[0]->parts[0].on_thread && !events[0]->parts[1].on_thread);
    assert_int_equal(events[0]->values[0].number, 7);
    assert_null(events[0]->values[0].text.ptr);
    assert_true(span_is(events[0]->values[1].text, "words"));
    assert_string_equal(events[1]->name, "other");
    assert_int_equal(events[1]->subject.len, RECORDING_TEXT_MAX);
    assert_int_equal(events[1]->values[0].text.len, RECORDING_TEXT_MAX);
    assert_int_equal(events[1]->values[0].text.ptr[RECORDING_TEXT_MAX - 1], 'x');
    free(events);
    recording_free(recording);
}

static void there_is_one_at_a_time(void **state)
{
    (void)state;
    assert_false(recording_wants(RECORDING_REQUESTS));
    add(1, RECORDING_REQUESTS); /* nowhere */
    struct recording *recording = recording_begin(RECORDING_REQUESTS, PLENTY);
    assert_non_null(recording);
    assert_true(recording_wants(RECORDING_REQUESTS));
    assert_false(recording_wants(RECORDING_OPS));
    assert_null(recording_begin(RECORDING_OPS, PLENTY));
    recording_end(recording);
    assert_false(recording_wants(RECORDING_REQUESTS));
    assert_int_equal(recording_count(recording), 0);
    struct recording *next = recording_begin(RECORDING_OPS, PLENTY);
    assert_non_null(next);
    assert_true(recording_wants(RECORDING_OPS));
    recording_end(next);
    recording_free(next);
    recording_free(recording);
}

static void ops_leave_room_for_requests(void **state)
{
    (void)state;
    struct recording *recording = recording_begin(RECORDING_OPS, LITTLE);
    enum { MANY = 10000 };
    for (int i = 0; i < MANY; i++)
        add(i, RECORDING_OPS);
    for (int i = 0; i < MANY; i++)
        add(i, RECORDING_REQUESTS);
    recording_end(recording);
    size_t count = recording_count(recording), ops = 0;
    assert_int_equal(count + recording_dropped(recording), 2 * MANY);
    const struct recording_event **events = list(recording);
    for (size_t i = 0; i < count; i++)
        ops += events[i]->level == RECORDING_OPS;
    /* A block more or less. */
    assert_true(ops > count * 7 / 16 && ops < count * 9 / 16);
    free(events);
    recording_free(recording);
}

/* ---- many threads, some of which share a writer ---- */

enum { THREADS = SHARDS + 20, EVENTS = 500 };

static void add_some(void *context)
{
    for (int i = 0; i < EVENTS; i++)
        add(*(const int *)context * EVENTS + i, RECORDING_REQUESTS);
}

static void start_all(pthread_t *threads, int *numbers)
{
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(thread_start(&threads[i], "adds", add_some, &numbers[i], NULL), CODE_OK);
    }
}

static void join_all(pthread_t *threads)
{
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void every_event_of_every_thread(void **state)
{
    (void)state;
    static bool seen[THREADS * EVENTS];
    pthread_t threads[THREADS];
    int numbers[THREADS];
    struct recording *recording = recording_begin(RECORDING_REQUESTS, PLENTY);
    start_all(threads, numbers);
    join_all(threads);
    recording_end(recording);
    assert_int_equal(recording_count(recording), THREADS * EVENTS);
    const struct recording_event **events = list(recording);
    for (int i = 0; i < THREADS * EVENTS; i++) {
        assert_false(seen[events[i]->begin]);
        seen[events[i]->begin] = true;
    }
    free(events);
    recording_free(recording);
}

static void ends_while_events_come(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    int numbers[THREADS];
    struct recording *recording = recording_begin(RECORDING_REQUESTS, PLENTY);
    start_all(threads, numbers);
    recording_end(recording);
    size_t count = recording_count(recording);
    const struct recording_event **events = list(recording);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(events[i]->name, "event");
    join_all(threads);
    assert_int_equal(recording_count(recording), count);
    free(events);
    recording_free(recording);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_comes_back_as_it_was),
        cmocka_unit_test(there_is_one_at_a_time),
        cmocka_unit_test(ops_leave_room_for_requests),
        cmocka_unit_test(every_event_of_every_thread),
        cmocka_unit_test(ends_while_events_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
