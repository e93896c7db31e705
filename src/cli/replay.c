/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tensorctl replay: sends the requests of a log (logging_config, or a file of warm-up requests) to
 * a server, over gRPC, one after the other, and compares the answers with those of the log if that
 * is asked for. Records are read as bytes; a line of JSON becomes the same bytes first.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/compare.h"
#include "cli/remote.h"
#include "savedmodel/mapped_file.h"
#include "wire/messages.h"
#include "wire/tfrecord.h"

#define NAME "replay"

enum { SHOWN_MAX = 10 }; /* failures and differences that are printed */

struct replay {
    const char *path;
    struct remote remote;
    double rate; /* a second; 0: as fast as the server answers */
    bool compares;
    struct compare compare;
    struct arena arena; /* of one record */
    struct grpc_client *client;
    size_t number; /* of the record, from 1 */
    size_t sent, failed, differ, skipped, shown;
    int64_t answered_us; /* in all */
    int64_t slowest_us;
};

/* ---- records ---- */

static enum code next_record(struct replay *r, struct span *rest, struct span *record, bool *done,
                             struct error *err)
{
    (void)r;
    return tfrecord_next(rest, record, done, err);
}

static enum code next_line(struct replay *r, struct span *rest, struct span *record, bool *done,
                           struct error *err)
{
    struct pb_prediction_log log;
    struct span line = {0};
    while (rest->len && !line.len)
        line = span_strip(span_cut(rest, '\n'));
    *done = !line.len;
    if (*done)
        return CODE_OK;
    enum code code = pb_parse_json(&pb_prediction_log_type, line, &r->arena, &log, err);
    if (!code)
        *record = pb_encode(&pb_prediction_log_type, &log, &r->arena);
    return code;
}

static const struct {
    enum prediction_log_kind kind;
    const char *method;
} methods[] = {
    {PREDICTION_LOG_PREDICT, "/tensorflow.serving.PredictionService/Predict"},
    {PREDICTION_LOG_CLASSIFY, "/tensorflow.serving.PredictionService/Classify"},
    {PREDICTION_LOG_REGRESS, "/tensorflow.serving.PredictionService/Regress"},
    {PREDICTION_LOG_MULTI_INFERENCE, "/tensorflow.serving.PredictionService/MultiInference"},
};

static const char *method_of(uint32_t kind)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (methods[i].kind == kind)
            return methods[i].method;
    }
    return NULL;
}

/* ---- one after the other ---- */

static void show(struct replay *r, const char *what, const char *text)
{
    if (r->shown++ >= SHOWN_MAX)
        return;
    printf("record %zu %s: ", r->number, what);
    command_print_line(span_of(text));
}

/* The next one is due at a multiple of the interval, however long the last one took. */
static void pace(const struct replay *r, int64_t start_us)
{
    if (r->rate <= 0)
        return;
    int64_t left_us = start_us + (int64_t)((double)r->sent * 1e6 / r->rate) - clock_now_us();
    if (left_us > 0)
        nanosleep(&(struct timespec){left_us / 1000000, left_us % 1000000 * 1000}, NULL);
}

static void judge(struct replay *r, enum prediction_log_kind kind, struct span response,
                  struct span wanted)
{
    struct error err;
    bool same;
    r->compare.arena = &r->arena;
    if (compare_responses(&r->compare, kind, response, wanted, &same, &err)) {
        r->failed++;
        show(r, "can not be compared", err.message);
    } else if (!same) {
        r->differ++;
        show(r, "differs", r->compare.text);
    }
}

/* The connection's end is the end of it all. */
static enum code send_one(struct replay *r, const char *method, enum prediction_log_kind kind,
                          const struct pb_serialized_call_log *call, struct error *err)
{
    struct span response;
    int64_t start_us = clock_now_us();
    enum code code = grpc_client_call(r->client, method, call->request, r->remote.timeout_us,
                                      &r->arena, &response, err);
    int64_t took_us = clock_now_us() - start_us;
    r->sent++;
    r->answered_us += took_us;
    r->slowest_us = took_us > r->slowest_us ? took_us : r->slowest_us;
    if (code) {
        r->failed++;
        show(r, code_name(code), err->message);
    } else if (r->compares) {
        judge(r, kind, response, call->response);
    }
    return code == CODE_UNAVAILABLE ? code : CODE_OK;
}

static enum code replay_record(struct replay *r, struct span record, struct error *err)
{
    static const struct pb_serialized_call_log empty;
    struct pb_serialized_prediction_log log;
    enum code code = pb_decode(&pb_serialized_prediction_log_type, record, &r->arena, &log, err);
    const char *method = code ? NULL : method_of(log.log_type_case);
    if (code)
        return code;
    if (!method) {
        r->skipped++;
        return CODE_OK;
    }
    const struct pb_serialized_call_log *call = log.predict_log; /* all members are of this type */
    return send_one(r, method, log.log_type_case, call ? call : &empty, err);
}

static enum code replay_all(struct replay *r, struct span rest, struct error *err)
{
    bool is_json = rest.len && rest.ptr[0] == '{', done = false;
    int64_t start_us = clock_now_us();
    enum code code = CODE_OK;
    while (!code && !done) {
        struct span record;
        arena_reset(&r->arena);
        r->number++;
        code = (is_json ? next_line : next_record)(r, &rest, &record, &done, err);
        if (code || done)
            continue;
        pace(r, start_us);
        code = replay_record(r, record, err);
    }
    double seconds = (double)(clock_now_us() - start_us) / 1e6;
    if (r->shown > SHOWN_MAX)
        printf("... and %zu more\n", r->shown - SHOWN_MAX);
    printf("%zu requests in %.3f s (%.1f a second): %zu answered, %zu failed", r->sent, seconds,
           seconds > 0 ? (double)r->sent / seconds : 0, r->sent - r->failed, r->failed);
    if (r->compares)
        printf(", %zu differ", r->differ);
    if (r->skipped)
        printf(", %zu records of other kinds passed over", r->skipped);
    printf("; %.3f ms each, the slowest %.3f ms\n",
           r->sent ? (double)r->answered_us / (double)r->sent / 1e3 : 0,
           (double)r->slowest_us / 1e3);
    return code ? error_prefix(err, "%s: record %zu: ", r->path, r->number) : CODE_OK;
}

static int replay(struct replay *r)
{
    struct error err;
    struct buffer *file;
    error_clear(&err);
    if (mapped_file_open(r->path, &file, &err))
        return command_failed(NAME, &err);
    enum code code = remote_connect(&r->remote, &r->client, &err);
    arena_init(&r->arena, ARENA_FIRST_BLOCK);
    if (!code) {
        code = replay_all(r, mapped_file_bytes(file), &err);
        grpc_client_free(r->client);
    }
    arena_release(&r->arena);
    buffer_unref(file);
    if (code)
        return command_failed(NAME, &err);
    return r->failed || r->differ ? EXIT_FAILED : EXIT_DONE;
}

/* ---- the command line ---- */

static bool take_number(const char *text, double least, double most, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return *text && !*end && *value >= least && *value <= most;
}

/* How many arguments an option takes; 0 or below: it is none, or malformed. */
static int take_option(struct replay *r, int argc, char **argv, struct arena *arena)
{
    bool rate = !strcmp(argv[0], "--rate"), tolerance = !strcmp(argv[0], "--tolerance");
    r->compares |= !strcmp(argv[0], "--compare");
    if (!strcmp(argv[0], "--compare"))
        return 1;
    if (!rate && !tolerance)
        return remote_take(&r->remote, argc, argv, arena);
    if (argc < 2)
        return -1;
    bool ok = rate ? take_number(argv[1], 1e-3, 1e7, &r->rate)
                   : take_number(argv[1], 0, HUGE_VAL, &r->compare.tolerance);
    return ok ? 2 : -1;
}

static int run(int argc, char **argv, struct arena *arena)
{
    struct replay r = {.remote.timeout_us = 60 * 1000000, .compare.tolerance = 1e-5};
    for (int i = 1, taken = 1; i < argc; i += taken) {
        bool option = argv[i][0] == '-';
        taken = option ? take_option(&r, argc - i, argv + i, arena) : !r.remote.target;
        if (taken <= 0)
            return command_usage(NAME, "unexpected argument, or without its value: %s", argv[i]);
        if (!option)
            *(r.path ? &r.remote.target : &r.path) = argv[i];
    }
    if (!r.path)
        return command_usage(NAME, "which file?");
    if (!r.remote.target)
        r.remote.target = "localhost:8500";
    return replay(&r);
}

const struct command command_replay = {
    .name = NAME,
    .arguments = "FILE [HOST:PORT] [OPTIONS]",
    .summary = "send a log's requests to a server, and compare the answers",
    .help = "FILE has PredictionLogs, as a logging_config writes them: a TFRecord file or a JSON "
            "message a\n"
            "line. The requests go to HOST:PORT (localhost:8500; unix:PATH is a Unix socket) over "
            "gRPC, one\n"
            "after the other.\n"
            "\n"
            "  --rate N            so many a second at most; default: as fast as they are "
            "answered\n"
            "  --compare           with the answers of the log; exit code 1 if one differs\n"
            "  --tolerance T       of floats, relative above 1; default: 1e-5\n"
            "  --timeout SECONDS   of each; default: 60\n" REMOTE_TOKEN_HELP "\n"
            "Exit code 1 if a request fails, too.\n"
            "\n"
            "Example:\n"
            "  tensorctl replay half-20261125T132000Z-77-00000.tfrecord localhost:8500 "
            "--compare\n",
    .run = run,
};
