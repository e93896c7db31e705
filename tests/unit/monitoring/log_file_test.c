/* SPDX-License-Identifier: Apache-2.0 */
#include "monitoring/log_file.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/thread.h"

static char folder[] = "/tmp/log_file_test.XXXXXX";
static char path[128], renamed[128];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/log", folder);
    snprintf(renamed, sizeof renamed, "%s/log.1", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    unlink(renamed);
    return rmdir(folder);
}

static size_t count_lines(const char *file)
{
    struct arena arena;
    struct span text;
    size_t lines = 0;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    assert_int_equal(file_read(file, &arena, &text, NULL), CODE_OK);
    while (text.len) {
        struct span line = span_cut(&text, '\n');
        assert_true(line.len > 5 && !memcmp(line.ptr, "line ", 5));
        lines++;
    }
    arena_release(&arena);
    return lines;
}

enum { THREADS = 80, LINES = 1000 }; /* more threads than there are rings */

static void add_lines(void *context)
{
    char line[32];
    for (int i = 0; i < LINES; i++) {
        int len = snprintf(line, sizeof line, "line %d\n", i);
        while (!log_file_add(context, span_make(line, (size_t)len)))
            sched_yield();
    }
}

static void lines_of_many_threads_are_whole(void **state)
{
    (void)state;
    struct log_file *file;
    pthread_t threads[THREADS];
    assert_int_equal(log_file_open(path, &file, NULL), CODE_OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(thread_start(&threads[i], "add", add_lines, file, NULL), CODE_OK);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    log_file_close(file);
    assert_int_equal(count_lines(path), THREADS * LINES);
    unlink(path);
}

static void a_file_that_is_renamed(void **state)
{
    (void)state;
    struct log_file *file;
    struct stat st;
    assert_int_equal(log_file_open(path, &file, NULL), CODE_OK);
    assert_true(log_file_add(file, SPAN_LITERAL("line 1\n")));
    while (stat(path, &st) || st.st_size != 7)
        sched_yield();
    assert_int_equal(rename(path, renamed), 0);
    log_file_reopen(file);
    while (stat(path, &st))
        sched_yield();
    assert_true(log_file_add(file, SPAN_LITERAL("line 2\n")));
    assert_true(log_file_add(file, SPAN_LITERAL("line 3\n")));
    log_file_close(file);
    assert_int_equal(count_lines(renamed), 1);
    assert_int_equal(count_lines(path), 2);
}

static void a_reader_that_is_slow_costs_lines(void **state)
{
    (void)state;
    struct log_file *file;
    static char line[1000];
    int dropped = 0, ends[2], before = dup(STDOUT_FILENO);
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    assert_int_equal(pipe(ends), 0);
    fflush(stdout);
    dup2(ends[1], STDOUT_FILENO);
    assert_int_equal(log_file_open("-", &file, NULL), CODE_OK);
    dup2(before, STDOUT_FILENO);
    for (int i = 0; i < 2 * LOG_FILE_RING / (int)sizeof line; i++)
        dropped += !log_file_add(file, span_make(line, sizeof line));
    assert_true(dropped > 0);
    assert_int_equal(log_file_dropped(file), dropped);
    close(ends[0]); /* the writer is let go: nobody reads any more */
    close(ends[1]);
    log_file_close(file);
    close(before);
}

static void a_path_that_is_none(void **state)
{
    (void)state;
    struct log_file *file;
    struct error err;
    assert_int_equal(log_file_open("/nowhere/at/all", &file, &err), CODE_NOT_FOUND);
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
    assert_null(file);
    log_file_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_many_threads_are_whole),
        cmocka_unit_test(a_file_that_is_renamed),
        cmocka_unit_test(a_reader_that_is_slow_costs_lines),
        cmocka_unit_test(a_path_that_is_none),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
