/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations exchanged over folders that hold nothing: the loader makes an object of any. */
#include "core/server_core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

static char folder[] = "/tmp/tensord-core-XXXXXX";
static struct server_core core;
static struct error err;

static enum code load(const char *path, void *context, void **object, struct error *error)
{
    (void)context;
    *object = folder;
    bool bad = strstr(path, "/bad/");
    return bad ? error_set(error, CODE_DATA_LOSS, "bad files") : CODE_OK;
}

static void unload(void *object)
{
    assert_ptr_equal(object, folder);
}

static const struct loader one = {.platform = "one", .load = load, .unload = unload};
static const struct loader two = {.platform = "two", .load = load, .unload = unload};
static const struct platform platforms[] = {{&one, NULL}, {&two, NULL}};

static void make(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    mkdir(path, 0755);
}

/* A follower that does not want a model "b". */
static struct {
    int prepared;
    int committed;
} follower;

static enum code prepare(void *context, const struct model_configs *configs, void **prepared,
                         struct error *error)
{
    assert_ptr_equal(context, &follower);
    *prepared = &follower.prepared;
    follower.prepared++;
    bool bad = map_has(&configs->by_name, SPAN_LITERAL("b"));
    return bad ? error_set(error, CODE_NOT_FOUND, "no b") : CODE_OK;
}

static void commit(void *context, void *prepared)
{
    assert_ptr_equal(context, &follower);
    assert_ptr_equal(prepared, &follower.prepared);
    follower.committed++;
}

static int set_up_with(bool labels_for_unavailable)
{
    memcpy(strrchr(folder, '-') + 1, "XXXXXX", 6);
    if (!mkdtemp(folder))
        return -1;
    static const char *const names[] = {"a", "a/1", "a/2", "b", "b/5", "bad", "bad/1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        make(names[i]);
    struct server_core_options options = {
        .manager = {.load_threads = 2},
        .labels_for_unavailable = labels_for_unavailable,
        .platforms = platforms,
        .platform_count = 2,
    };
    return (int)server_core_init(&core, &options, &err);
}

static int set_up(void **state)
{
    (void)state;
    return set_up_with(false);
}

static int set_up_ahead(void **state)
{
    (void)state;
    return set_up_with(true);
}

static int set_up_followed(void **state)
{
    int failed = set_up(state);
    core.options.follower = (struct config_follower){prepare, commit, &follower};
    return failed;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    server_core_release(&core);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

struct row {
    const char *name; /* also of the folder */
    const char *platform;
    enum version_policy_kind kind;
    const char *label; /* NULL: none */
    int64_t version;
};

static struct model_configs *configs_of(const struct row *rows)
{
    struct model_configs *configs = model_configs_new();
    struct arena *arena = &configs->arena;
    configs->models = ARENA_ARRAY(arena, struct model_config, 8);
    for (; rows->name; rows++) {
        struct model_label *label = ARENA_NEW(arena, struct model_label);
        *label = (struct model_label){rows->label ? span_of(rows->label) : (struct span){0},
                                      rows->version};
        configs->models[configs->count++] = (struct model_config){
            .name = rows->name,
            .base_path = arena_printf(arena, "%s/%s", folder, rows->name),
            .platform = span_of(rows->platform),
            .policy = {.kind = rows->kind, .latest = 1},
            .labels = label,
            .label_count = rows->label ? 1 : 0,
        };
    }
    return configs;
}

static enum code reload(const struct row *rows)
{
    struct server_core_news news;
    enum code code = server_core_reload(&core, configs_of(rows), &news, &err);
    if (!code)
        code = server_core_await(&core, &news, "model", &err);
    server_core_news_release(&news);
    return code;
}
#define RELOAD(...) reload((const struct row[]){__VA_ARGS__, {0}})
#define LATEST(name, platform)                                                                     \
    {                                                                                              \
        name, platform, VERSION_POLICY_LATEST, NULL, 0                                             \
    }

static bool serves(const char *name, int64_t version)
{
    return manager_has(core.manager, span_of(name), version);
}

static void models_come_and_go(void **state)
{
    (void)state;
    assert_int_equal(RELOAD(LATEST("a", "one")), CODE_OK);
    assert_true(serves("a", 2) && !serves("a", 1));
    assert_int_equal(RELOAD(LATEST("a", "one"), LATEST("b", "two")), CODE_OK);
    assert_true(serves("a", 2) && serves("b", 5));
    assert_int_equal(RELOAD(LATEST("b", "two")), CODE_OK);
    struct servable_request request = {.name = span_of("a")};
    uint64_t sequence;
    do
        sequence = state_monitor_sequence(core.monitor);
    while (serves("a", 2) && state_monitor_await(core.monitor, sequence));
    struct handle handle;
    assert_int_equal(manager_get(core.manager, &request, &handle, &err), CODE_NOT_FOUND);
}

static void bad_configs_change_nothing(void **state)
{
    (void)state;
    assert_int_equal(RELOAD(LATEST("a", "one")), CODE_OK);
    assert_int_equal(RELOAD(LATEST("b", "one"), LATEST("b", "one")), CODE_INVALID_ARGUMENT);
    assert_string_equal(err.message, "Illegal to list model b multiple times in config list");
    assert_int_equal(RELOAD(LATEST("b", "three")), CODE_INVALID_ARGUMENT);
    assert_string_equal(err.message, "Model b requests unsupported platform three");
    assert_int_equal(RELOAD(LATEST("b", "one"), LATEST("a", "two")), CODE_INVALID_ARGUMENT);
    assert_string_equal(
        err.message, "Illegal to change a model's platform. For model a platform was one and new "
                     "platform requested is two");
    assert_int_equal(RELOAD({"a", "one", VERSION_POLICY_ALL, "stable", 1}),
                     CODE_FAILED_PRECONDITION);
    assert_string_equal(err.message,
                        "Request to assign label to version 1 of model a, which is not "
                        "currently available for inference");
    assert_true(serves("a", 2) && !serves("a", 1));
    assert_int_equal(core.configs->count, 1);
}

static void a_model_that_fails_is_named(void **state)
{
    (void)state;
    assert_int_equal(RELOAD(LATEST("bad", "one"), LATEST("a", "one")), CODE_UNKNOWN);
    assert_string_equal(err.message,
                        "1 model(s) did not become available: {{{name: bad version: 1} "
                        "due to error: DATA_LOSS: bad files}, }");
    assert_true(serves("a", 2));
    /* It is not new any more: nobody waits for it. */
    assert_int_equal(RELOAD(LATEST("bad", "one"), LATEST("a", "one")), CODE_OK);
}

static int64_t labelled(const char *label)
{
    int64_t version = -1;
    manager_label(core.manager, span_of("a"), span_of(label), &version);
    return version;
}

static void labels_are_exchanged_as_a_whole(void **state)
{
    (void)state;
    assert_int_equal(RELOAD(LATEST("a", "one")), CODE_OK);
    assert_int_equal(RELOAD({"a", "one", VERSION_POLICY_LATEST, "stable", 2}), CODE_OK);
    assert_int_equal(labelled("stable"), 2);
    assert_int_equal(RELOAD({"a", "one", VERSION_POLICY_LATEST, "canary", 2}), CODE_OK);
    assert_int_equal(labelled("stable"), -1);
    assert_int_equal(labelled("canary"), 2);
}

static void labels_ahead_of_their_versions(void **state)
{
    (void)state;
    assert_int_equal(RELOAD({"a", "one", VERSION_POLICY_LATEST, "next", 9}), CODE_OK);
    assert_int_equal(labelled("next"), 9);
    /* It may stay as it is, but not move to another one that is not there. */
    assert_int_equal(RELOAD({"a", "one", VERSION_POLICY_LATEST, "next", 9}), CODE_OK);
    assert_int_equal(RELOAD({"a", "one", VERSION_POLICY_LATEST, "next", 8}),
                     CODE_FAILED_PRECONDITION);
    assert_int_equal(RELOAD({"a", "one", VERSION_POLICY_LATEST, "next", 2}), CODE_OK);
}

static void who_follows_may_refuse(void **state)
{
    (void)state;
    assert_int_equal(RELOAD(LATEST("a", "one")), CODE_OK);
    assert_int_equal(follower.committed, 1);
    assert_int_equal(RELOAD(LATEST("a", "one"), LATEST("b", "two")), CODE_NOT_FOUND);
    assert_string_equal(err.message, "no b");
    assert_true(serves("a", 2) && !serves("b", 5));
    assert_int_equal(core.configs->count, 1);
    /* What is refused anyway it is not asked about. */
    assert_int_equal(RELOAD(LATEST("a", "two")), CODE_INVALID_ARGUMENT);
    assert_int_equal(follower.prepared, 2);
    assert_int_equal(follower.committed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(models_come_and_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_configs_change_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_model_that_fails_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(labels_are_exchanged_as_a_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(labels_ahead_of_their_versions, set_up_ahead, tear_down),
        cmocka_unit_test_setup_teardown(who_follows_may_refuse, set_up_followed, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
