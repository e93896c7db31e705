/* SPDX-License-Identifier: Apache-2.0 */
/* tensorctl run: Predict on a model's folder, without a server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/model_dir.h"
#include "servables/tensorflow/predict.h"
#include "wire/pb.h"

/* A request's file and where the answer goes (NULL: printed as text). */
struct message {
    const char *request;
    const char *response;
};

struct options {
    const char *dir;
    struct inputs inputs;
    struct message *messages;
    int message_count;
    int64_t repeat;
    bool prefers_tflite;
};

/* ---- from messages ---- */

static enum code answer(struct session *session, struct span bytes, struct arena *arena,
                        struct pb_predict_response *response, struct error *err)
{
    struct pb_predict_request request;
    struct run run = {.arena = arena, .deadline_us = INT64_MAX};
    enum code code = pb_decode(&pb_predict_request_type, bytes, arena, &request, err);
    return code ? code : predict(session, &request, false, &run, response, err);
}

static enum code run_message(struct session *session, const struct message *message,
                             struct error *err)
{
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct span bytes;
    struct pb_predict_response response = {0};
    enum code code = file_read(message->request, &arena, &bytes, err);
    if (!code)
        code = answer(session, bytes, &arena, &response, err);
    if (!code && message->response) {
        code = file_write(message->response,
                          pb_encode(&pb_predict_response_type, &response, &arena), err);
    } else if (!code) {
        struct span text = pb_print_text(&pb_predict_response_type, &response, &arena);
        fwrite(text.ptr, 1, text.len, stdout);
    }
    arena_release(&arena);
    return code;
}

/* ---- from JSON, .npy and inline values ---- */

/* Runs again for --repeat and says how long a run takes. */
static enum code time_runs(const struct options *o, struct session_signature *signature,
                           const struct named_tensor *inputs, size_t count, struct error *err)
{
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    int64_t least = INT64_MAX, total = 0;
    enum code code = CODE_OK;
    for (int64_t i = 0; !code && i < o->repeat; i++) {
        struct run run = {.arena = &arena, .deadline_us = INT64_MAX};
        struct named_tensor *outputs;
        size_t output_count;
        int64_t start = clock_now_ns();
        code = predict_run(signature, inputs, count, NULL, &run, &outputs, &output_count, err);
        int64_t took = clock_now_ns() - start;
        least = took < least ? took : least;
        total += took;
        arena_reset(&arena);
    }
    arena_release(&arena);
    if (!code && o->repeat)
        fprintf(stderr, "%lld runs: least %.2f us, mean %.2f us\n", (long long)o->repeat,
                (double)least / 1e3, (double)total / (double)o->repeat / 1e3);
    return code;
}

static enum code run_values(const struct options *o, struct session *session, struct arena *arena,
                            struct error *err)
{
    struct session_signature *signature;
    struct named_tensor *inputs, *outputs;
    size_t count, output_count;
    enum code code = predict_signature(session, span_of(o->inputs.signature), &signature, err);
    if (!code)
        code = inputs_read(&o->inputs, predict_json_inputs(signature, arena),
                           session_signature_info(signature)->input_count, arena, &inputs, &count,
                           err);
    struct run run = {.arena = arena, .deadline_us = INT64_MAX};
    if (!code)
        code = predict_run(signature, inputs, count, NULL, &run, &outputs, &output_count, err);
    if (!code)
        code = inputs_answer(&o->inputs, outputs, output_count, arena, err);
    return code ? code : time_runs(o, signature, inputs, count, err);
}

/* ---- the command ---- */

static int run_all(const struct options *o, struct arena *arena)
{
    struct error err;
    error_clear(&err);
    const char *dir;
    struct session *session;
    if (model_dir_find(o->dir, arena, &dir, &err))
        return command_failed("run", &err);
    const struct session_options options = {
        .prefers_tflite = o->prefers_tflite || !model_dir_has_saved_model(dir, arena)};
    if (session_load(dir, &options, &session, &err))
        return command_failed("run", &err);
    int status = EXIT_DONE;
    for (int i = 0; i < o->message_count; i++) {
        if (run_message(session, &o->messages[i], &err))
            status = command_failed("run", &err);
    }
    /* What a run leaves there goes back to the session. */
    struct arena values;
    arena_init(&values, ARENA_FIRST_BLOCK);
    if (!o->message_count && run_values(o, session, &values, &err))
        status = command_failed("run", &err);
    arena_release(&values);
    session_free(session);
    return status;
}

/* How many arguments an option of our own takes; 0: it is none. */
static int take_own(struct options *o, int argc, char **argv)
{
    bool request = !strcmp(argv[0], "--request"), response = !strcmp(argv[0], "--response");
    bool repeat = !strcmp(argv[0], "--repeat"), tflite = !strcmp(argv[0], "--prefer-tflite");
    o->prefers_tflite |= tflite;
    if (tflite)
        return 1;
    if (!request && !response && !repeat)
        return 0;
    if (argc < 2 || (response && !o->message_count))
        return -1;
    if (request)
        o->messages[o->message_count++].request = argv[1];
    else if (response)
        o->messages[o->message_count - 1].response = argv[1];
    else if (!span_to_int64(span_of(argv[1]), &o->repeat) || o->repeat < 0)
        return -1;
    return 2;
}

static int run(int argc, char **argv, struct arena *arena)
{
    struct options o = {.messages = ARENA_ARRAY(arena, struct message, (size_t)argc)};
    for (int i = 1, taken; i < argc; i += taken) {
        taken = take_own(&o, argc - i, argv + i);
        if (!taken)
            taken = inputs_take(&o.inputs, argc - i, argv + i, arena);
        if (taken < 0)
            return command_usage("run", "%s lacks its value, or it is malformed", argv[i]);
        if (taken)
            continue;
        if (argv[i][0] == '-' || o.dir)
            return command_usage("run", "unexpected argument: %s", argv[i]);
        o.dir = argv[i];
        taken = 1;
    }
    if (!o.dir)
        return command_usage("run", "which model? Give its folder");
    return run_all(&o, arena);
}

const struct command command_run = {
    .name = "run",
    .arguments = "DIR [OPTIONS]",
    .summary = "predict with a model's folder, without a server",
    .help = "Loads the SavedModel in DIR (a version's folder, or a model's: then its newest "
            "version) and "
            "runs a signature once.\n"
            "\n" INPUTS_HELP "  --repeat N          run N times more and say how long a run takes\n"
            "  --prefer-tflite     its model.tflite, though there is a SavedModel, too\n"
            "\n"
            "Instead of values, whole messages, one after the other:\n"
            "\n"
            "  --request FILE      a serialized tensorflow.serving.PredictRequest\n"
            "  --response FILE     where its answer goes, serialized; without it, it is printed as "
            "text\n"
            "\n"
            "Examples:\n"
            "  tensorctl run models/half_plus_two_tf2 --input 'x=[1, 2, 5]'\n"
            "  tensorctl run models/digits --input image=@images.npy --output scores=scores.npy\n",
    .run = run,
};
