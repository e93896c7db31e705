/* SPDX-License-Identifier: Apache-2.0 */
/* Files that TensorFlow's own writer made: the corpus of the fuzz target. */
#include "wire/tfrecord.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"

#define CORPUS "tests/fuzz/corpus/tfrecord/"

struct row {
    const char *file;
    size_t lengths[3]; /* of the records */
    size_t count;
    const char *message; /* NULL: no error */
};

static const struct row rows[] = {
    {CORPUS "two", {3, 0}, 2, NULL},
    {CORPUS "one", {300}, 1, NULL},
    {CORPUS "short", {0}, 0, "truncated record: 88 of 300 bytes"},
    {CORPUS "bad_sum", {0}, 0, "corrupted record: the checksum of its 300 bytes"},
    {CORPUS "bad_length", {0}, 0, "corrupted record: the checksum of its length"},
    {CORPUS "header", {0}, 0, "truncated record: 7 bytes of its header"},
};

static void check(const struct row *row)
{
    struct arena arena;
    struct span in, record;
    struct error err;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    assert_int_equal(file_read(row->file, &arena, &in, &err), CODE_OK);
    size_t count = 0;
    bool done = false;
    enum code code;
    while (!(code = tfrecord_next(&in, &record, &done, &err)) && !done) {
        assert_true(count < row->count);
        assert_int_equal(record.len, row->lengths[count++]);
    }
    assert_int_equal(count, row->count);
    assert_int_equal(code, row->message ? CODE_DATA_LOSS : CODE_OK);
    if (row->message)
        assert_string_equal(err.message, row->message);
    arena_release(&arena);
}

static void records_or_an_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i]);
}

/* The corpus has TensorFlow's own framing of the same bytes. */
static void what_is_framed_is_the_originals(void **state)
{
    (void)state;
    struct arena arena;
    struct span file, in, record;
    bool done;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    assert_int_equal(file_read(CORPUS "one", &arena, &file, NULL), CODE_OK);
    in = file;
    assert_int_equal(tfrecord_next(&in, &record, &done, NULL), CODE_OK);
    unsigned char head[TFRECORD_HEAD], foot[TFRECORD_FOOT];
    tfrecord_frame(record, head, foot);
    assert_memory_equal(head, file.ptr, sizeof head);
    assert_memory_equal(foot, record.ptr + record.len, sizeof foot);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(records_or_an_error),
                                       cmocka_unit_test(what_is_framed_is_the_originals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
