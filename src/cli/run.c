/* SPDX-License-Identifier: Apache-2.0 */
/* tensorctl run: Predict on a model's folder, without a server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/command.h"
#include "servables/tensorflow/predict.h"
#include "wire/pb.h"
#include "wire/pb_table.h"

/* A request's file and where the answer goes (NULL: printed as text). */
struct exchange {
    const char *request;
    const char *response;
};

static enum code answer(struct session *session, struct span bytes, struct arena *arena,
                        struct pb_predict_response *response, struct error *err)
{
    struct pb_predict_request request;
    struct run run = {.arena = arena, .deadline_us = INT64_MAX};
    enum code code = pb_decode(&pb_predict_request_type, bytes, arena, &request, err);
    return code ? code : predict(session, &request, false, &run, response, err);
}

static enum code run_one(struct session *session, const struct exchange *exchange,
                         struct error *err)
{
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct span bytes;
    struct pb_predict_response response = {0};
    enum code code = file_read(exchange->request, &arena, &bytes, err);
    if (!code)
        code = answer(session, bytes, &arena, &response, err);
    if (!code && exchange->response) {
        code = file_write(exchange->response,
                          pb_encode(&pb_predict_response_type, &response, &arena), err);
    } else if (!code) {
        struct span text = pb_print_text(&pb_predict_response_type, &response, &arena);
        fwrite(text.ptr, 1, text.len, stdout);
    }
    arena_release(&arena);
    return code;
}

static int run_all(const char *dir, const struct exchange *exchanges, int count)
{
    struct error err;
    error_clear(&err);
    struct session *session;
    if (session_load(dir, NULL, &session, &err))
        return command_failed("run", &err);
    int status = EXIT_DONE;
    for (int i = 0; i < count; i++) {
        if (run_one(session, &exchanges[i], &err))
            status = command_failed("run", &err);
    }
    session_free(session);
    return status;
}

static int run(int argc, char **argv, struct arena *arena)
{
    const char *dir = NULL;
    struct exchange *exchanges = ARENA_ARRAY(arena, struct exchange, (size_t)argc);
    int count = 0;
    for (int i = 1; i < argc; i++) {
        bool has_value = i + 1 < argc;
        if (!strcmp(argv[i], "--request") && has_value)
            exchanges[count++].request = argv[++i];
        else if (!strcmp(argv[i], "--response") && has_value && count)
            exchanges[count - 1].response = argv[++i];
        else if (argv[i][0] != '-' && !dir)
            dir = argv[i];
        else
            return command_usage("run", "unexpected argument: %s", argv[i]);
    }
    if (!dir)
        return command_usage("run", "which model? Give a version's folder");
    return run_all(dir, exchanges, count);
}

const struct command command_run = {
    .name = "run",
    .arguments = "DIR --request FILE [--response FILE] ...",
    .summary = "predict with a model's folder, without a server",
    .help =
        "Loads the SavedModel in DIR (a version's folder) and answers PredictRequest messages one "
        "after the other.\n"
        "\n"
        "  --request FILE   a serialized tensorflow.serving.PredictRequest\n"
        "  --response FILE  where its answer goes, serialized; without it, it is printed as text\n",
    .run = run,
};
