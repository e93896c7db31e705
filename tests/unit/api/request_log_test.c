/* SPDX-License-Identifier: Apache-2.0 */
#include "api/request_log.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/file.h"
#include "wire/messages.h"
#include "wire/tfrecord.h"

static char folder[] = "/tmp/request_log_test.XXXXXX";
static const struct span serve = {"serve", 5};
static struct servable servable = {.id = {{"m", 1}, 7}};

static struct request_logs *start(size_t file_bytes)
{
    memcpy(strrchr(folder, '.') + 1, "XXXXXX", 6);
    CHECK(mkdtemp(folder));
    return request_logs_new(file_bytes, &serve, 1);
}

/* Puts loggers with these rates and this type into force for the model "m". */
static enum code configure(struct request_logs *logs, const char *type, const double *rates,
                           size_t count)
{
    struct model_configs *configs = model_configs_new();
    struct arena *arena = &configs->arena;
    struct model_logging *loggings = ARENA_ARRAY(arena, struct model_logging, count + 1);
    for (size_t i = 0; i < count; i++) {
        struct pb_log_collector_config collector = {.type = span_of(type)};
        struct pb_sampling_config sampling = {.sampling_rate = rates[i]};
        const struct pb_logging_config config = {&collector, &sampling, NULL};
        loggings[i] = (struct model_logging){
            .type = span_of(type),
            .prefix = span_of(arena_printf(arena, "%s/log", folder)),
            .rate = rates[i],
            .config = pb_encode(&pb_logging_config_type, &config, arena),
        };
    }
    struct model_config model = {.name = "m", .loggings = loggings, .logging_count = count};
    configs->models = &model;
    configs->count = 1;
    void *prepared;
    enum code code = request_logs_prepare(logs, configs, &prepared, NULL);
    if (!code)
        request_logs_commit(logs, prepared);
    model_configs_free(configs);
    return code;
}

static size_t log_one(struct request_logs *logs, struct span request)
{
    struct request_log_choice choice;
    struct arena arena;
    if (!request_logs_choose(logs, servable.id.name, &choice))
        return 0;
    size_t count = choice.count;
    const struct request_log_entry entry = {
        .kind = PREDICTION_LOG_PREDICT, .request = request, .servable = &servable};
    arena_init(&arena, ARENA_FIRST_BLOCK);
    request_logs_add(logs, &choice, &entry, &arena);
    arena_release(&arena);
    return count;
}

/* Records in all files, which are removed, and the folder with them. */
static size_t count_records(size_t *files)
{
    char pattern[64];
    glob_t found;
    size_t count = 0;
    snprintf(pattern, sizeof pattern, "%s/*", folder);
    *files = glob(pattern, 0, NULL, &found) ? 0 : found.gl_pathc;
    for (size_t i = 0; i < *files; i++) {
        struct arena arena;
        struct span in, record;
        bool done = false;
        arena_init(&arena, ARENA_FIRST_BLOCK);
        assert_int_equal(file_read(found.gl_pathv[i], &arena, &in, NULL), CODE_OK);
        for (; !tfrecord_next(&in, &record, &done, NULL) && !done; count++) {
            struct pb_prediction_log log;
            assert_int_equal(pb_decode(&pb_prediction_log_type, record, &arena, &log, NULL),
                             CODE_OK);
            assert_int_equal(log.log_metadata->model_spec->version->value, 7);
        }
        assert_true(done);
        arena_release(&arena);
        unlink(found.gl_pathv[i]);
    }
    if (*files)
        globfree(&found);
    rmdir(folder);
    return count;
}

/* A PredictRequest with a name of so many bytes. */
static struct span large_request(size_t size, struct arena *arena)
{
    struct pb_model_spec spec = {.name = span_make(arena_calloc(arena, 1, size), size)};
    const struct pb_predict_request request = {.model_spec = &spec};
    return pb_encode(&pb_predict_request_type, &request, arena);
}

static void what_is_drawn_is_written(void **state)
{
    (void)state;
    struct request_logs *logs = start(1000);
    size_t drawn = 0, files;
    assert_int_equal(log_one(logs, (struct span){0}), 0);
    assert_int_equal(configure(logs, "tfrecord", (const double[]){1, 0.5, 0}, 3), CODE_OK);
    for (int i = 0; i < 400; i++)
        drawn += log_one(logs, (struct span){0});
    assert_in_range(drawn, 400 + 120, 400 + 280);
    request_logs_free(logs);
    assert_int_equal(count_records(&files), drawn);
    assert_true(files > 5);
}

static void configurations_follow_each_other(void **state)
{
    (void)state;
    struct request_logs *logs = start(1 << 20);
    static const double rates[] = {1, 1, 1};
    size_t files;
    assert_int_equal(configure(logs, "tfrecord", rates, 1), CODE_OK);
    assert_int_equal(log_one(logs, (struct span){0}), 1);
    assert_int_equal(configure(logs, "none", rates, 1), CODE_NOT_FOUND);
    assert_int_equal(log_one(logs, (struct span){0}), 1);
    assert_int_equal(configure(logs, "tfrecord", rates, 3), CODE_OK); /* thrice the same */
    assert_int_equal(log_one(logs, (struct span){0}), 3);
    assert_int_equal(configure(logs, "tfrecord", rates, 0), CODE_OK);
    assert_int_equal(log_one(logs, (struct span){0}), 0);
    request_logs_free(logs);
    assert_int_equal(count_records(&files), 5);
    assert_int_equal(files, 1);
}

static void what_waits_is_bounded(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct request_logs *logs = start(1u << 30);
    struct span request = large_request(70 << 20, &arena);
    size_t files;
    assert_int_equal(configure(logs, "tfrecord", (const double[]){1}, 1), CODE_OK);
    log_one(logs, request); /* larger than all that may wait */
    log_one(logs, large_request(1 << 20, &arena));
    request_logs_free(logs);
    assert_int_equal(count_records(&files), 1);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_drawn_is_written),
        cmocka_unit_test(configurations_follow_each_other),
        cmocka_unit_test(what_waits_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
