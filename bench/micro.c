/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsers by themselves: parses a file over and over on one thread and prints one JSON object, the
 * median time of a pass and megabytes a second.
 *
 *   micro json|predict FILE [SECONDS]
 *
 *   json     a JSON text to the tape          predict   a PredictRequest to its struct
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "wire/json.h"
#include "wire/messages.h"
#include "wire/pb.h"

enum { SAMPLES_MAX = 1 << 20 };

typedef enum code pass_fn(struct span bytes, struct arena *arena, struct error *err);

static enum code parse_json(struct span bytes, struct arena *arena, struct error *err)
{
    struct json_document document;
    return json_parse(bytes, arena, &document, err);
}

static enum code parse_predict(struct span bytes, struct arena *arena, struct error *err)
{
    struct pb_predict_request request;
    return pb_decode(&pb_predict_request_type, bytes, arena, &request, err);
}

static const struct {
    const char *name;
    pass_fn *pass;
    int batch; /* passes between two looks at the clock */
} subjects[] = {
    {"json", parse_json, 1},
    {"predict", parse_predict, 64},
};

static int compare_times(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static enum code measure(size_t subject, struct span bytes, double seconds, struct error *err)
{
    static double times[SAMPLES_MAX];
    size_t count = 0;
    struct arena arena;
    enum code code = CODE_OK;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    int64_t start = clock_now_ns(), before = start;
    while (!code && count < SAMPLES_MAX && (double)(before - start) < seconds * 1e9) {
        for (int i = 0; !code && i < subjects[subject].batch; i++) {
            code = subjects[subject].pass(bytes, &arena, err);
            arena_reset(&arena);
        }
        int64_t after = clock_now_ns();
        times[count++] = (double)(after - before) / subjects[subject].batch;
        before = after;
    }
    arena_release(&arena);
    if (code)
        return code;
    qsort(times, count, sizeof *times, compare_times);
    double ns = times[count / 2];
    printf("{\"bytes\": %zu, \"ns\": %.1f, \"mb_per_s\": %.1f, \"samples\": %zu}\n", bytes.len, ns,
           (double)bytes.len / ns * 1e3, count);
    return CODE_OK;
}

int main(int argc, char **argv)
{
    size_t subject = 0, subjects_count = sizeof subjects / sizeof *subjects;
    while (argc > 2 && subject < subjects_count && strcmp(argv[1], subjects[subject].name) != 0)
        subject++;
    if ((argc != 3 && argc != 4) || subject == subjects_count) {
        fprintf(stderr, "usage: micro json|predict FILE [SECONDS]\n");
        return 2;
    }
    struct arena arena;
    struct span bytes;
    struct error err;
    error_clear(&err);
    arena_init(&arena, ARENA_FIRST_BLOCK);
    enum code code = file_read(argv[2], &arena, &bytes, &err);
    if (!code)
        code = measure(subject, bytes, argc == 4 ? strtod(argv[3], NULL) : 0.5, &err);
    if (code)
        fprintf(stderr, "micro: %s: %s\n", code_name(code), err.message);
    arena_release(&arena);
    return code != CODE_OK;
}
