/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TensorFlow's answers to single ops and small graphs: every case in tests/golden/ops/, one file
 * per family, written by tests/golden/make_ops.py, which says how a file looks. A case is compiled
 * as a plan of its own and run; outputs are compared within the case's tolerance, errors by code
 * and text.
 */
#include <glob.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include <cmocka.h>

#include "engine/compile.h"
#include "tensor/tensor_proto.h"
#include "wire/pb.h"
#include "wire/pb_table.h"

enum {
    BLOBS_MAX = 64,
    TENSORS_MAX = 32,
    FAILURES_SHOWN = 40,
};

enum { NAME, GRAPH, CODE, MESSAGE, RTOL, ATOL, FEEDS, HEADER_BLOBS };

struct golden {
    struct span blobs[BLOBS_MAX];
    int count;
    int feed_count;
    int fetch_count;
    double rtol, atol;
    struct arena arena; /* of the case */
    char complaint[1024];
    bool goes_on; /* its answer changes from run to run */
};

/* ---- reading ---- */

static double number(struct span text, struct arena *arena)
{
    return strtod(arena_strdup(arena, text), NULL);
}

static bool read_number(gzFile file, uint32_t *value)
{
    unsigned char bytes[4];
    if (gzread(file, bytes, sizeof bytes) != sizeof bytes)
        return false;
    *value =
        bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    return true;
}

static bool read_case(gzFile file, struct golden *g)
{
    uint32_t count, length = 0;
    if (!read_number(file, &count))
        return false;
    assert_in_range(count, HEADER_BLOBS, BLOBS_MAX);
    g->count = (int)count;
    for (int i = 0; i < g->count; i++) {
        assert_true(read_number(file, &length));
        char *bytes = arena_try_alloc(&g->arena, length, TENSOR_ALIGN);
        assert_int_equal(gzread(file, bytes, length), (int)length);
        g->blobs[i] = span_make(bytes, length);
    }
    g->rtol = number(g->blobs[RTOL], &g->arena);
    g->atol = number(g->blobs[ATOL], &g->arena);
    g->feed_count = (int)number(g->blobs[FEEDS], &g->arena);
    g->fetch_count = (g->count - HEADER_BLOBS) / 2 - g->feed_count;
    assert_in_range(g->feed_count, 0, TENSORS_MAX);
    assert_in_range(g->fetch_count, 1, TENSORS_MAX);
    return true;
}

static void read_tensor(struct golden *g, int blob, struct tensor *tensor)
{
    struct pb_tensor_proto *proto = ARENA_NEW(&g->arena, struct pb_tensor_proto);
    assert_int_equal(pb_decode(&pb_tensor_proto_type, g->blobs[blob], &g->arena, proto, NULL),
                     CODE_OK);
    assert_int_equal(tensor_from_proto(proto, &g->arena, tensor, NULL), CODE_OK);
}

/* ---- comparing ---- */

static double element(const struct tensor *t, int64_t i)
{
    switch (t->dtype) {
    case DTYPE_FLOAT:
        return (double)TENSOR_AT(t, float)[i];
    case DTYPE_DOUBLE:
        return TENSOR_AT(t, double)[i];
    case DTYPE_HALF:
        return (double)dtype_half_to_float(TENSOR_AT(t, uint16_t)[i]);
    case DTYPE_BFLOAT16:
        return (double)dtype_bfloat16_to_float(TENSOR_AT(t, uint16_t)[i]);
    default:
        return (double)tensor_int(t, i);
    }
}

static bool near(const struct golden *g, double ours, double theirs)
{
    if (ours == theirs || (isnan(ours) && isnan(theirs)))
        return true;
    return fabs(ours - theirs) <= g->atol + g->rtol * fabs(theirs);
}

/* A complex number is two floats side by side. */
static void view_as_reals(struct tensor *t)
{
    if (t->dtype != DTYPE_COMPLEX64 && t->dtype != DTYPE_COMPLEX128)
        return;
    t->dtype = t->dtype == DTYPE_COMPLEX64 ? DTYPE_FLOAT : DTYPE_DOUBLE;
    t->shape = shape_vector(2 * tensor_elements(t));
}

static void compare_output(struct golden *g, int i, const struct tensor *ours)
{
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    struct tensor theirs;
    read_tensor(g, HEADER_BLOBS + 2 * (g->feed_count + i) + 1, &theirs);
    if (ours->dtype != theirs.dtype || !shape_equal(&ours->shape, &theirs.shape)) {
        snprintf(g->complaint, sizeof g->complaint, "output %d is %s%s, expected %s%s", i,
                 dtype_name(ours->dtype), shape_text(&ours->shape, left), dtype_name(theirs.dtype),
                 shape_text(&theirs.shape, right));
        return;
    }
    view_as_reals(&theirs);
    struct tensor reals = *ours;
    view_as_reals(&reals);
    ours = &reals;
    if (!dtype_is_float(ours->dtype)) {
        if (!tensor_equal(ours, &theirs))
            snprintf(g->complaint, sizeof g->complaint, "output %d has other values", i);
        return;
    }
    for (int64_t k = 0; k < tensor_elements(ours) && !*g->complaint; k++) {
        double a = element(ours, k), b = element(&theirs, k);
        if (!near(g, a, b))
            snprintf(g->complaint, sizeof g->complaint, "output %d[%lld] is %.9g, expected %.9g", i,
                     (long long)k, a, b);
    }
}

/* The text before the node's name. */
static void compare_error(struct golden *g, enum code code, struct error *err)
{
    char *end = strstr(err->message, "\n\t [[");
    if (end)
        *end = 0;
    int expected = (int)number(g->blobs[CODE], &g->arena);
    if ((int)code != expected || !span_equal(span_of(err->message), g->blobs[MESSAGE]))
        snprintf(g->complaint, sizeof g->complaint, "%s '%s', expected %s '%.*s'", code_name(code),
                 code ? err->message : "", code_name((enum code)expected),
                 SPAN_ARG(g->blobs[MESSAGE]));
}

/* ---- running ---- */

static enum code compile(struct golden *g, struct module *module, struct plan **plan,
                         struct error *err)
{
    struct span feeds[TENSORS_MAX], fetches[TENSORS_MAX];
    for (int i = 0; i < g->feed_count; i++)
        feeds[i] = g->blobs[HEADER_BLOBS + 2 * i];
    for (int i = 0; i < g->fetch_count; i++)
        fetches[i] = g->blobs[HEADER_BLOBS + 2 * (g->feed_count + i)];
    struct compile_request request = {
        .feeds = feeds,
        .feed_count = g->feed_count,
        .fetches = fetches,
        .fetch_count = g->fetch_count,
        .is_signature = true,
    };
    struct missing_ops missing;
    missing_ops_init(&missing, &g->arena);
    struct compilation *compilation;
    enum code code = compile_begin(module, &request, &missing, &compilation, err);
    if (code)
        return code;
    code = missing_ops_report(&missing, err);
    if (!code)
        return compile_finish(compilation, true, plan, err);
    compile_abort(compilation);
    return code;
}

/* Twice: the second run meets a binding and a frame that are there already. Random streams go on:
 * their answer is that of the first run. */
static enum code run(struct golden *g, struct plan *plan, struct resource_store *resources,
                     struct tensor *outputs, struct error *err)
{
    struct tensor inputs[TENSORS_MAX];
    for (int i = 0; i < g->feed_count; i++)
        read_tensor(g, HEADER_BLOBS + 2 * i + 1, &inputs[i]);
    enum code code = CODE_OK;
    for (int turn = 0; turn < 2 && !code; turn++) {
        struct arena request;
        arena_init(&request, ARENA_FIRST_BLOCK);
        struct run context = {
            .arena = &request,
            .resources = resources,
            .deadline_us = INT64_MAX,
        };
        struct tensor got[TENSORS_MAX];
        code = plan_run(plan, inputs, &context, got, err);
        for (int i = 0; i < g->fetch_count && !code && (turn == 0 || !g->goes_on); i++)
            assert_int_equal(tensor_copy(&got[i], &g->arena, &outputs[i], NULL), CODE_OK);
        arena_release(&request);
    }
    return code;
}

static void check_case(struct golden *g)
{
    struct error err;
    struct module module;
    struct plan *plan = NULL;
    struct tensor outputs[TENSORS_MAX];
    struct pb_graph_def graph;
    struct resource_store *resources = resource_store_new();
    error_clear(&err);
    assert_int_equal(pb_decode(&pb_graph_def_type, g->blobs[GRAPH], &g->arena, &graph, NULL),
                     CODE_OK);
    enum code code = module_init(&module, &g->arena, resources, &graph, &err);
    if (!code)
        code = compile(g, &module, &plan, &err);
    if (!code)
        code = run(g, plan, resources, outputs, &err);
    if (code || !span_is(g->blobs[CODE], "0"))
        compare_error(g, code, &err);
    for (int i = 0; i < g->fetch_count && !code && !*g->complaint; i++)
        compare_output(g, i, &outputs[i]);
    plan_free(plan);
    resource_store_free(resources);
}

static int check_file(const char *path)
{
    bool goes_on = strstr(path, "random") != NULL;
    int failures = 0;
    gzFile file = gzopen(path, "rb");
    assert_non_null(file);
    struct golden *g = calloc(1, sizeof *g);
    assert_non_null(g);
    for (;;) {
        arena_init(&g->arena, ARENA_FIRST_BLOCK);
        *g->complaint = 0;
        g->goes_on = goes_on;
        if (!read_case(file, g))
            break;
        check_case(g);
        if (*g->complaint && failures++ < FAILURES_SHOWN)
            print_error("%.*s: %s\n", SPAN_ARG(g->blobs[NAME]), g->complaint);
        arena_release(&g->arena);
    }
    arena_release(&g->arena);
    free(g);
    gzclose(file);
    return failures;
}

static void test_answers(void **state)
{
    (void)state;
    int failures = 0;
    glob_t files;
    assert_int_equal(glob("tests/golden/ops/*.gz", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++)
        failures += check_file(files.gl_pathv[i]);
    globfree(&files);
    assert_int_equal(failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
