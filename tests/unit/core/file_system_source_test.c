/* SPDX-License-Identifier: Apache-2.0 */
#include "core/file_system_source.h"

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
    int64_t version;
    uint64_t stamp;
    char path[256];
} told;
static sem_t telling;

static void set_aspired(void *context, struct span name, const struct aspired_version *versions,
                        size_t count)
{
    (void)context;
    assert_true(span_is(name, "m"));
    told.calls++;
    told.count = count;
    told.version = count ? versions[count - 1].version : -1;
    told.stamp = count ? versions[count - 1].stamp : 0;
    snprintf(told.path, sizeof told.path, "%s", count ? versions[count - 1].path : "");
    sem_post(&telling);
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

static struct file_system_source *make(const char *base, int64_t poll_wait_s)
{
    static struct file_system_servable servable;
    servable = (struct file_system_servable){
        .name = "m", .base_path = base, .policy = {.kind = VERSION_POLICY_LATEST, .latest = 1}};
    struct file_system_source_options options = {
        .poll_wait_s = poll_wait_s,
        .servables = &servable,
        .servable_count = 1,
        .target = {set_aspired, NULL},
    };
    return file_system_source_new(&options);
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
    assert_int_equal(file_system_source_poll(source, NULL), CODE_OK);
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

static const struct {
    const char *name;
    bool is;
    int64_t version;
} names[] = {
    {"0", true, 0},
    {"00000123", true, 123},
    {"-3", true, -3},
    {"+3", true, 3},
    {" 12 ", true, 12},
    {"9223372036854775807", true, INT64_MAX},
    {"9223372036854775808", false, 0},
    {"", false, 0},
    {"1.0", false, 0},
    {"0x10", false, 0},
    {"+-3", false, 0},
    {"1 2", false, 0},
    {"..", false, 0},
};

static void names_are_numbers_or_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int64_t version = 0;
        bool is = file_system_source_version(names[i].name, &version);
        if (is != names[i].is || (is && version != names[i].version))
            fail_msg("'%s': %d, %lld", names[i].name, is, (long long)version);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(newest_folder_wins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_that_change_change_the_stamp, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_folder_wants_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_missing_folder_tells_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(looks_as_often_as_told, set_up, tear_down),
        cmocka_unit_test(names_are_numbers_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
