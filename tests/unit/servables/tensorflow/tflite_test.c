/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the interpreter of TFLite models answers: every case in tests/golden/tflite.gz, which
 * tests/golden/make_tflite.py wrote and describes. A case's model is put into a version's folder
 * and loaded as a server would.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "savedmodel/tflite/tflite.h"
#include "servables/tensorflow/predict.h"
#include "tensor/tensor_proto.h"
#include "wire/messages.h"
#include "wire/pb.h"

enum { BLOBS_MAX = 64, FAILURES_SHOWN = 60 };

enum { NAME, MODEL, RTOL, ATOL, STEP, FEEDS, HEADER_BLOBS };

struct golden {
    struct span blobs[BLOBS_MAX];
    size_t count;
    struct arena arena; /* of the case */
    char complaint[8192];
};

static double number(struct golden *g, int blob)
{
    return strtod(arena_strdup(&g->arena, g->blobs[blob]), NULL);
}

static bool read_number(gzFile file, uint32_t *value)
{
    return gzread(file, value, sizeof *value) == sizeof *value;
}

static bool read_case(gzFile file, struct golden *g)
{
    uint32_t count, length = 0;
    if (!read_number(file, &count))
        return false;
    assert_in_range(count, HEADER_BLOBS, BLOBS_MAX);
    g->count = count;
    for (size_t i = 0; i < g->count; i++) {
        assert_true(read_number(file, &length));
        char *bytes = arena_try_alloc(&g->arena, length, TENSOR_ALIGN);
        assert_int_equal(gzread(file, bytes, length), (int)length);
        g->blobs[i] = span_make(bytes, length);
    }
    return true;
}

static struct named_tensor read_tensor(struct golden *g, size_t blob)
{
    struct named_tensor named = {.name = g->blobs[blob]};
    struct pb_tensor_proto *proto = ARENA_NEW(&g->arena, struct pb_tensor_proto);
    assert_int_equal(pb_decode(&pb_tensor_proto_type, g->blobs[blob + 1], &g->arena, proto, NULL),
                     CODE_OK);
    assert_int_equal(tensor_from_proto(proto, &g->arena, &named.tensor, NULL), CODE_OK);
    return named;
}

static bool near(struct golden *g, const struct tensor *ours, const struct tensor *theirs,
                 int64_t i)
{
    if (ours->dtype != DTYPE_FLOAT)
        return llabs(tensor_int(ours, i) - tensor_int(theirs, i)) <= (int64_t)number(g, STEP);
    double a = (double)TENSOR_AT(ours, float)[i], b = (double)TENSOR_AT(theirs, float)[i];
    bool same = a == b || (isnan(a) && isnan(b));
    return same || fabs(a - b) <= number(g, ATOL) + number(g, RTOL) * fabs(b);
}

static void compare(struct golden *g, struct span name, struct tensor ours, struct tensor theirs)
{
    char a[SHAPE_TEXT_SIZE], b[SHAPE_TEXT_SIZE];
    if (ours.dtype != theirs.dtype || !shape_equal(&ours.shape, &theirs.shape)) {
        snprintf(g->complaint, sizeof g->complaint, "%.*s is %s%s, not %s%s", SPAN_ARG(name),
                 dtype_name(ours.dtype), shape_text(&ours.shape, a), dtype_name(theirs.dtype),
                 shape_text(&theirs.shape, b));
        return;
    }
    bool is_exact = ours.dtype == DTYPE_STRING || ours.dtype == DTYPE_COMPLEX64;
    if (ours.dtype == DTYPE_COMPLEX64) {
        ours.dtype = theirs.dtype = DTYPE_FLOAT;
        ours.shape.dims[ours.shape.rank - 1] *= 2;
        is_exact = false;
    }
    if (is_exact && !tensor_equal(&ours, &theirs))
        snprintf(g->complaint, sizeof g->complaint, "%.*s differs", SPAN_ARG(name));
    for (int64_t i = 0; !is_exact && i < tensor_elements(&ours); i++) {
        if (near(g, &ours, &theirs, i))
            continue;
        bool is_float = ours.dtype == DTYPE_FLOAT;
        snprintf(g->complaint, sizeof g->complaint, "%.*s[%lld] is %g, not %g", SPAN_ARG(name),
                 (long long)i,
                 is_float ? (double)TENSOR_AT(&ours, float)[i] : (double)tensor_int(&ours, i),
                 is_float ? (double)TENSOR_AT(&theirs, float)[i] : (double)tensor_int(&theirs, i));
        return;
    }
}

static enum code ask(struct golden *g, struct session *session, struct named_tensor **outputs,
                     size_t *output_count, struct error *err)
{
    size_t count = (size_t)number(g, FEEDS);
    struct named_tensor *inputs = ARENA_ARRAY(&g->arena, struct named_tensor, count);
    for (size_t i = 0; i < count; i++)
        inputs[i] = read_tensor(g, HEADER_BLOBS + 2 * i);
    struct session_signature *signature;
    enum code code = predict_signature(session, (struct span){0}, &signature, err);
    struct run run = {.arena = &g->arena, .deadline_us = INT64_MAX};
    return code ? code
                : predict_run(signature, inputs, count, NULL, &run, outputs, output_count, err);
}

static void check_answers(struct golden *g, const struct named_tensor *outputs, size_t count)
{
    for (size_t at = HEADER_BLOBS + 2 * (size_t)number(g, FEEDS); at < g->count; at += 2) {
        struct named_tensor theirs = read_tensor(g, at);
        bool found = false;
        for (size_t i = 0; !g->complaint[0] && i < count; i++) {
            if (!span_equal(outputs[i].name, theirs.name))
                continue;
            compare(g, theirs.name, outputs[i].tensor, theirs.tensor);
            found = true;
        }
        if (!found && !g->complaint[0])
            snprintf(g->complaint, sizeof g->complaint, "there is no %.*s", SPAN_ARG(theirs.name));
    }
}

static void run_case(struct golden *g)
{
    char dir[] = "/tmp/tflite_test.XXXXXX";
    assert_non_null(mkdtemp(dir));
    char path[64];
    snprintf(path, sizeof path, "%s/model.tflite", dir);
    struct error err;
    error_clear(&err);
    assert_int_equal(file_write(path, g->blobs[MODEL], NULL), CODE_OK);
    const struct session_options options = {.prefers_tflite = true};
    struct session *session = NULL;
    struct named_tensor *outputs = NULL;
    size_t count = 0;
    enum code code = session_load(dir, &options, &session, &err);
    if (!code)
        code = ask(g, session, &outputs, &count, &err);
    if (code)
        snprintf(g->complaint, sizeof g->complaint, "%s", err.message);
    else
        check_answers(g, outputs, count);
    arena_reset(&g->arena);
    session_free(session);
    unlink(path);
    rmdir(dir);
}

static void test_answers(void **state)
{
    (void)state;
    gzFile file = gzopen("tests/golden/tflite.gz", "rb");
    assert_non_null(file);
    struct golden g = {.count = 0};
    arena_init(&g.arena, ARENA_FIRST_BLOCK);
    int cases = 0, failures = 0;
    while (read_case(file, &g)) {
        char name[256];
        snprintf(name, sizeof name, "%.*s", SPAN_ARG(g.blobs[NAME]));
        g.complaint[0] = 0;
        run_case(&g);
        cases++;
        if (!g.complaint[0])
            continue;
        if (failures++ < FAILURES_SHOWN)
            print_message("%s: %s\n", name, g.complaint);
    }
    print_message("%d cases, %d failures\n", cases, failures);
    gzclose(file);
    arena_release(&g.arena);
    assert_true(cases > 0);
    assert_int_equal(failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
