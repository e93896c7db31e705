/* SPDX-License-Identifier: Apache-2.0 */
#include "core/file_system_source.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

/* What the target was told last. */
static struct {
    int calls;
    size_t count;
    int64_t version; /* of the last one */
    uint64_t stamp;
    char path[256];
    char waits_for[256]; /* empty: nothing */
    int64_t first;       /* version */
} told;
static sem_t telling;

static pthread_mutex_t telling_mutex = PTHREAD_MUTEX_INITIALIZER;

static void set_aspired(void *context, struct span name, const struct platform *platform,
                        const struct aspired_version *versions, size_t count)
{
    (void)context;
    (void)platform;
    assert_true(span_is(name, "m"));
    pthread_mutex_lock(&telling_mutex);
    told.calls++;
    told.count = count;
    told.version = count ? versions[count - 1].version : -1;
    told.stamp = count ? versions[count - 1].stamp : 0;
    bool waits = count && versions[count - 1].waits_for;
    snprintf(told.waits_for, sizeof told.waits_for, "%s",
             waits ? versions[count - 1].waits_for : "");
    told.first = count ? versions[0].version : -1;
    snprintf(told.path, sizeof told.path, "%s", count ? versions[count - 1].path : "");
    pthread_mutex_unlock(&telling_mutex);
    sem_post(&telling);
}

/* While the source's thread may tell. */
static int64_t told_version(void)
{
    pthread_mutex_lock(&telling_mutex);
    int64_t version = told.version;
    pthread_mutex_unlock(&telling_mutex);
    return version;
}

static char folder[] = "/tmp/tensord-source-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    sem_init(&telling, 0, 0);
    memset(&told, 0, sizeof told);
    memcpy(strrchr(folder, '-') + 1, "XXXXXX", 6);
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static enum code nothing_misses(const char *path, void *context, struct error *err)
{
    (void)context;
    struct stat st;
    char file[300];
    snprintf(file, sizeof file, "%s/missing", path);
    return stat(file, &st) ? CODE_OK : error_set(err, CODE_UNAVAILABLE, "a file is missing");
}

static const struct loader loader = {.platform = "fake", .check = nothing_misses};
static const struct platform platform = {&loader, NULL};

static struct file_system_source *make_quiet(const char *base, int64_t poll_wait_s,
                                             int64_t quiet_us)
{
    struct file_system_servable servable = {.name = "m",
                                            .base_path = base,
                                            .platform = &platform,
                                            .policy = {.kind = VERSION_POLICY_LATEST, .latest = 1}};
    struct file_system_source_options options = {
        .poll_wait_s = poll_wait_s,
        .quiet_us = quiet_us,
        .target = {set_aspired, NULL},
    };
    struct file_system_source *source = file_system_source_new(&options);
    file_system_source_set(source, &servable, 1);
    return source;
}

static struct file_system_source *make(const char *base, int64_t poll_wait_s)
{
    return make_quiet(base, poll_wait_s, 0);
}

static void newest_folder_wins(void **state)
{
    (void)state;
    static const char *const names[] = {"00000123", "9", "x7", "124.tmp", "12a", "-5", "tmp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        mkdir(in_folder(names[i]), 0755);
    char base[256];
    snprintf(base, sizeof base, "%s//", folder);
    struct file_system_source *source = make(base, 0);
    assert_int_equal(file_system_source_poll(source, NULL), CODE_OK);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.version, 123);
    assert_string_equal(told.path, in_folder("00000123"));
    mkdir(in_folder("200"), 0755);
    assert_int_equal(file_system_source_poll(source, NULL), CODE_OK);
    assert_int_equal(told.version, 200);
    rmdir(in_folder("200"));
    assert_int_equal(file_system_source_poll(source, NULL), CODE_OK);
    assert_int_equal(told.version, 123);
    file_system_source_free(source);
}

static uint64_t stamp_now(struct file_system_source *source)
{
    assert_int_equal(file_system_source_poll(source, NULL), CODE_OK);
    return told.stamp;
}

static void files_that_change_change_the_stamp(void **state)
{
    (void)state;
    struct file_system_source *source = make(folder, 0);
    mkdir(in_folder("1"), 0755);
    uint64_t empty = stamp_now(source);
    assert_int_equal(stamp_now(source), empty);
    assert_int_equal(file_write(in_folder("1/saved_model.pb"), SPAN_LITERAL("a"), NULL), CODE_OK);
    uint64_t one = stamp_now(source);
    assert_int_not_equal(one, empty);
    mkdir(in_folder("1/variables"), 0755);
    assert_int_equal(file_write(in_folder("1/variables/x"), SPAN_LITERAL("a"), NULL), CODE_OK);
    uint64_t two = stamp_now(source);
    assert_int_not_equal(two, one);
    assert_int_equal(file_write(in_folder("1/variables/x"), SPAN_LITERAL("ab"), NULL), CODE_OK);
    assert_int_not_equal(stamp_now(source), two);
    file_system_source_free(source);
}

static void an_empty_folder_wants_nothing(void **state)
{
    (void)state;
    struct file_system_source *source = make(folder, 0);
    assert_int_equal(told.calls, 1);
    assert_int_equal(told.count, 0);
    file_system_source_free(source);
}

static void a_missing_folder_tells_nothing(void **state)
{
    (void)state;
    struct error err;
    char base[256], expected[600];
    snprintf(base, sizeof base, "%s/none", folder);
    struct file_system_source *source = make(base, 0);
    assert_int_equal(file_system_source_poll(source, &err), CODE_INVALID_ARGUMENT);
    snprintf(expected, sizeof expected,
             "Could not find base path %s for servable m with error NOT_FOUND: No such file or "
             "directory",
             base);
    assert_string_equal(err.message, expected);
    assert_int_equal(told.calls, 0);
    mkdir(base, 0755);
    assert_int_equal(file_system_source_poll(source, &err), CODE_OK);
    assert_int_equal(told.calls, 1);
    file_system_source_free(source);
}

static void looks_as_often_as_told(void **state)
{
    (void)state;
    mkdir(in_folder("1"), 0755);
    struct file_system_source *never = make(folder, -1);
    assert_int_equal(file_system_source_start(never, NULL), CODE_OK);
    file_system_source_free(never);
    assert_int_equal(told.calls, 0);
    struct file_system_source *once = make(folder, 0);
    assert_int_equal(file_system_source_start(once, NULL), CODE_OK);
    file_system_source_free(once);
    assert_int_equal(told.calls, 1);
    struct file_system_source *often = make(folder, 1);
    assert_int_equal(file_system_source_start(often, NULL), CODE_OK);
    for (int i = 0; i < 3; i++)
        sem_wait(&telling); /* those of `once`, of the start, of the thread */
    file_system_source_free(often);
    assert_true(told.calls >= 3);
}

static void hears_of_a_new_folder(void **state)
{
    (void)state;
    struct file_system_source *source = make(folder, 3600);
    assert_int_equal(file_system_source_start(source, NULL), CODE_OK);
    mkdir(in_folder("5"), 0755);
    while (told_version() != 5)
        sem_wait(&telling);
    rmdir(in_folder("5"));
    while (told_version() != -1)
        sem_wait(&telling);
    file_system_source_free(source);
}

static void what_is_not_whole_takes_no_place(void **state)
{
    (void)state;
    struct file_system_source *source = make(folder, 0);
    mkdir(in_folder("1"), 0755);
    mkdir(in_folder("2"), 0755);
    assert_int_equal(file_write(in_folder("2/missing"), SPAN_LITERAL(""), NULL), CODE_OK);
    assert_int_equal(file_system_source_poll(source, NULL), CODE_OK);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.first, 1);
    assert_int_equal(told.version, 2);
    assert_string_equal(told.waits_for, "a file is missing");
    unlink(in_folder("2/missing"));
    assert_int_equal(file_system_source_poll(source, NULL), CODE_OK);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.version, 2);
    assert_string_equal(told.waits_for, "");
    /* It has been taken: it stays, and what is written there is told when it is whole. */
    uint64_t stamp = told.stamp;
    assert_int_equal(file_write(in_folder("2/missing"), SPAN_LITERAL(""), NULL), CODE_OK);
    assert_int_equal(stamp_now(source), stamp);
    assert_int_equal(told.version, 2);
    assert_string_equal(told.waits_for, "");
    file_system_source_free(source);
}

static void what_is_being_written_waits(void **state)
{
    (void)state;
    enum { HOUR_US = 3600 * 1000 * 1000LL };
    mkdir(in_folder("1"), 0755);
    struct file_system_source *source = make_quiet(folder, 0, HOUR_US);
    assert_int_equal(told.version, 1);
    assert_non_null(strstr(told.waits_for, "written"));
    file_system_source_free(source);
    /* It is looked at again when it may have been quiet for long enough, although told once. */
    source = make_quiet(folder, 0, 20 * 1000);
    assert_int_equal(file_system_source_start(source, NULL), CODE_OK);
    while (told.waits_for[0])
        sem_wait(&telling);
    file_system_source_free(source);
}

static void a_manifest_lists_versions(void **state)
{
    (void)state;
    struct error err;
    char base[256];
    snprintf(base, sizeof base, "%s", in_folder("manifest"));
    mkdir(in_folder("1"), 0755);
    struct span text = SPAN_LITERAL("# what is published\n1\n\n 3 elsewhere/three # new\n");
    assert_int_equal(file_write(base, text, NULL), CODE_OK);
    struct file_system_source *source = make(base, 0);
    assert_int_equal(told.version, 3);
    assert_string_equal(told.path, in_folder("elsewhere/three"));
    assert_int_equal(file_write(base, SPAN_LITERAL("1\n"), NULL), CODE_OK);
    assert_int_equal(file_system_source_poll(source, &err), CODE_OK);
    assert_string_equal(told.path, in_folder("1"));
    assert_int_equal(file_write(base, SPAN_LITERAL("1\nv2\n"), NULL), CODE_OK);
    assert_int_equal(file_system_source_poll(source, &err), CODE_DATA_LOSS);
    assert_non_null(strstr(err.message, "line 2: a version's number is expected, not 'v2'"));
    file_system_source_free(source);
}

static void what_is_left_out_goes(void **state)
{
    (void)state;
    mkdir(in_folder("1"), 0755);
    struct file_system_source *source = make(folder, 0);
    assert_int_equal(told.version, 1);
    file_system_source_set(source, NULL, 0);
    assert_int_equal(told.calls, 2);
    assert_int_equal(told.count, 0);
    file_system_source_free(source);
}

static void count_call(void *context, struct span name, const struct platform *of,
                       const struct aspired_version *versions, size_t count)
{
    (void)name;
    (void)of;
    (void)versions;
    (void)count;
    ++*(int *)context;
}

/* A hundred of them in full each time, and those whose base path has changed. */
static void many_are_looked_at_in_turn(void **state)
{
    (void)state;
    enum { MANY = 250 };
    static struct file_system_servable servables[MANY];
    static char names[MANY][8], paths[MANY][300];
    const struct timespec old[2] = {{1700000000, 0}, {1700000000, 0}};
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "m%d", i);
        snprintf(paths[i], sizeof paths[i], "%s/m%d", folder, i);
        mkdir(paths[i], 0755);
        utimensat(AT_FDCWD, paths[i], old, 0);
        servables[i] =
            (struct file_system_servable){.name = names[i],
                                          .base_path = paths[i],
                                          .platform = &platform,
                                          .policy = {.kind = VERSION_POLICY_LATEST, .latest = 1}};
    }
    int calls = 0;
    struct file_system_source_options options = {.target = {count_call, &calls}};
    struct file_system_source *source = file_system_source_new(&options);
    file_system_source_set(source, servables, MANY);
    assert_int_equal(calls, MANY);
    mkdir(in_folder("m240/2"), 0755);
    file_system_source_poll(source, NULL);
    assert_int_equal(calls, MANY + 101);
    utimensat(AT_FDCWD, paths[240], old, 0);
    file_system_source_poll(source, NULL);
    assert_int_equal(calls, MANY + 201);
    file_system_source_free(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(newest_folder_wins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_that_change_change_the_stamp, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_folder_wants_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_missing_folder_tells_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(looks_as_often_as_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hears_of_a_new_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_whole_takes_no_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_being_written_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_manifest_lists_versions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_left_out_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_are_looked_at_in_turn, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
