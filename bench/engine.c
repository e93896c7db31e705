/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine alone: loads a model's version folder, decodes one PredictRequest and runs its
 * signature over and over on one thread, without a server, without encoding answers. Prints one
 * JSON object: median and least time of a run, CPU time of one, load time, memory of the plan.
 *
 * usage: engine MODEL_DIR REQUEST.pb [SECONDS]
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "servables/tensorflow/predict.h"
#include "tensor/tensor_proto.h"
#include "wire/pb.h"
#include "wire/pb_table.h"

enum {
    SAMPLES_MAX = 1 << 20,
    WARM_UP_RUNS = 50,
};

static int failed(const char *what, const struct error *err)
{
    fprintf(stderr, "%s: %s: %s\n", what, code_name(err->code), err->message);
    return 1;
}

/* The request's tensors in the order of the signature's inputs. */
static enum code order_inputs(const struct pb_predict_request *request,
                              const struct savedmodel_signature *info, struct arena *arena,
                              struct tensor **inputs, struct error *err)
{
    *inputs = ARENA_ARRAY(arena, struct tensor, info->input_count);
    for (size_t i = 0; i < info->input_count; i++) {
        const struct pb_tensor_proto *proto = NULL;
        for (size_t k = 0; k < request->inputs.count; k++) {
            if (span_equal(request->inputs.items[k].key, info->inputs[i].alias))
                proto = request->inputs.items[k].value;
        }
        if (!proto)
            return error_set(err, CODE_INVALID_ARGUMENT, "the request lacks input %.*s",
                             SPAN_ARG(info->inputs[i].alias));
        enum code code = tensor_from_proto(proto, arena, &(*inputs)[i], err);
        if (code)
            return code;
    }
    return CODE_OK;
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

struct subject {
    struct session_signature *signature;
    const struct tensor *inputs;
    struct tensor *outputs;
    struct arena arena; /* of a run */
};

static enum code run_once(struct subject *s, struct error *err)
{
    struct run run = {.arena = &s->arena, .deadline_us = INT64_MAX};
    enum code code = session_run(s->signature, s->inputs, NULL, 0, &run, s->outputs, err);
    arena_reset(&s->arena);
    return code;
}

/* Runs for that long; fills `times` (sorted) and the CPU time of all. */
static enum code measure(struct subject *s, double seconds, int64_t *times, size_t *count,
                         int64_t *cpu_ns, struct error *err)
{
    enum code code = CODE_OK;
    int64_t warm_until = clock_now_ns() + 500000000;
    for (int i = 0; !code && i < WARM_UP_RUNS && clock_now_ns() < warm_until; i++)
        code = run_once(s, err);
    int64_t until = clock_now_ns() + (int64_t)(seconds * 1e9);
    int64_t cpu = clock_thread_cpu_ns();
    int64_t before = clock_now_ns();
    while (!code && *count < SAMPLES_MAX && (before < until || *count < 3)) {
        code = run_once(s, err);
        int64_t after = clock_now_ns();
        times[(*count)++] = after - before;
        before = after;
    }
    *cpu_ns = clock_thread_cpu_ns() - cpu;
    qsort(times, *count, sizeof *times, compare_times);
    return code;
}

static enum code bench(const char *const *paths, double seconds, struct arena *arena,
                       struct error *err)
{
    struct session *session;
    struct span bytes;
    struct pb_predict_request request;
    int64_t start = clock_now_ns();
    enum code code = session_load(paths[0], NULL, &session, err);
    if (code)
        return code;
    int64_t loaded = clock_now_ns();
    struct subject s = {0};
    struct tensor *inputs = NULL;
    arena_init(&s.arena, ARENA_FIRST_BLOCK);
    code = file_read(paths[1], arena, &bytes, err);
    if (!code)
        code = pb_decode(&pb_predict_request_type, bytes, arena, &request, err);
    struct span name = {0};
    if (!code && request.model_spec)
        name = request.model_spec->signature_name;
    if (!code)
        code = predict_signature(session, name, &s.signature, err);
    if (!code)
        code = order_inputs(&request, session_signature_info(s.signature), arena, &inputs, err);
    int64_t *times = ARENA_ARRAY(arena, int64_t, SAMPLES_MAX);
    size_t count = 0;
    int64_t cpu_ns = 0, first = 0;
    if (!code) {
        s.inputs = inputs;
        s.outputs =
            ARENA_ARRAY(arena, struct tensor, session_signature_info(s.signature)->output_count);
        int64_t before = clock_now_ns();
        code = run_once(&s, err);
        first = clock_now_ns() - before;
    }
    if (!code)
        code = measure(&s, seconds, times, &count, &cpu_ns, err);
    struct plan_info info = {0};
    if (!code && session_describe(s.signature, &info))
        printf("{\"model\": \"%s\", \"p50_us\": %.3f, \"min_us\": %.3f, \"cpu_us\": %.3f, "
               "\"first_us\": %.1f, \"load_ms\": %.2f, \"runs\": %zu, \"steps\": %d, "
               "\"block_bytes\": %zu, \"naive_bytes\": %zu, \"packed_bytes\": %zu}\n",
               paths[0], (double)times[count / 2] / 1e3, (double)times[0] / 1e3,
               (double)cpu_ns / 1e3 / (double)count, (double)first / 1e3,
               (double)(loaded - start) / 1e6, count, info.bound_steps, info.block_bytes,
               info.naive_bytes, info.packed_bytes);
    arena_release(&s.arena);
    session_free(session);
    return code;
}

int main(int argc, char **argv)
{
    if (argc != 3 && argc != 4) {
        fprintf(stderr, "usage: engine MODEL_DIR REQUEST.pb [SECONDS]\n");
        return 2;
    }
    struct arena arena;
    struct error err;
    error_clear(&err);
    arena_init(&arena, ARENA_FIRST_BLOCK);
    const char *paths[] = {argv[1], argv[2]};
    enum code code = bench(paths, argc == 4 ? strtod(argv[3], NULL) : 0.5, &arena, &err);
    arena_release(&arena);
    return code ? failed(argv[1], &err) : 0;
}
