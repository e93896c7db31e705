/* SPDX-License-Identifier: Apache-2.0 */
/* Our kernels and oneDNN's against the plain loops, on random shapes; many threads on one
 * convolution; an image's result in any batch. */
#include "ops/nn/convolution.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/binding.h"

enum {
    ROUNDS = 300,
    THREADS = 8,
    RUNS = 50,
};

/* A convolution with tensors and a call of its own. */
struct trial {
    struct arena arena;
    struct pack_cache *pack;
    struct convolution convolution;
    struct tensor in, filter, bias, out;
    const struct tensor *ins[3];
    struct tensor *outs[1];
    struct op_call call;
};

static unsigned seed = 1;

static int64_t pick(int64_t from, int64_t to)
{
    seed = seed * 1103515245u + 12345u;
    return from + (int64_t)(seed >> 8) % (to - from + 1);
}

static void fill(struct trial *t, struct tensor *tensor, struct shape shape)
{
    assert_int_equal(tensor_alloc(tensor, DTYPE_FLOAT, &shape, &t->arena, NULL), CODE_OK);
    for (int64_t i = 0; i < tensor_elements(tensor); i++)
        TENSOR_AT(tensor, float)[i] = (float)pick(-100, 100) / 100.0f;
}

/* Sizes by SAME padding, or VALID when `pad` is false. */
static void fit(struct window *w, bool pad)
{
    for (int d = 0; d < WINDOW_DIMS; d++) {
        int64_t extent = (w->kernel[d] - 1) * w->dilation[d] + 1;
        w->out[d] = pad ? (w->in[d] + w->stride[d] - 1) / w->stride[d]
                        : (w->in[d] - extent) / w->stride[d] + 1;
        int64_t needed = (w->out[d] - 1) * w->stride[d] + extent - w->in[d];
        w->before[d] = needed > 0 ? needed / 2 : 0;
        w->after[d] = needed > 0 ? needed - needed / 2 : 0;
    }
}

static void make_tensors(struct trial *t)
{
    struct convolution *c = &t->convolution;
    struct window *w = &c->window;
    fill(t, &t->in, (struct shape){4, {w->batch, w->in[0], w->in[1], w->channels}});
    struct shape filter = {4, {w->kernel[0], w->kernel[1], w->channels / c->groups, 0}};
    filter.dims[3] = c->out_channels;
    if (c->depthwise)
        filter = (struct shape){
            4, {w->kernel[0], w->kernel[1], w->channels, c->out_channels / w->channels}};
    fill(t, &t->filter, filter);
    fill(t, &t->bias, shape_vector(c->out_channels));
    fill(t, &t->out, (struct shape){4, {w->batch, w->out[0], w->out[1], c->out_channels}});
    t->ins[0] = &t->in;
    t->ins[1] = &t->filter;
    t->ins[2] = &t->bias;
    t->outs[0] = &t->out;
    t->call = (struct op_call){
        .in = t->ins,
        .out = t->outs,
        .in_count = 3,
        .out_count = 1,
        .in_const = 6,
        .arena = &t->arena,
        .pack = t->pack,
    };
}

static void trial_init(struct trial *t, bool depthwise)
{
    *t = (struct trial){.pack = pack_cache_new()};
    arena_init(&t->arena, ARENA_FIRST_BLOCK);
    struct convolution *c = &t->convolution;
    struct window *w = &c->window;
    w->batch = pick(1, 3);
    int64_t depth = pick(1, 20), group = pick(1, 70);
    c->groups = depthwise ? pick(2, 70) : pick(0, 3) ? 1 : pick(2, 4);
    c->depthwise = depthwise;
    w->channels = depthwise ? c->groups : c->groups * depth;
    c->out_channels = depthwise ? c->groups : c->groups * group;
    for (int d = 0; d < WINDOW_DIMS; d++) {
        w->kernel[d] = pick(1, 4);
        w->stride[d] = pick(1, 3);
        w->dilation[d] = pick(0, 3) ? 1 : 2;
        w->in[d] = pick((w->kernel[d] - 1) * w->dilation[d] + 1, 16);
    }
    fit(w, pick(0, 1));
    static const enum activation activations[] = {ACTIVATION_NONE, ACTIVATION_RELU,
                                                  ACTIVATION_RELU6, ACTIVATION_TANH};
    c->epilogue =
        (struct epilogue){.bias_input = pick(0, 1) ? 2 : -1, .activation = activations[pick(0, 3)]};
    make_tensors(t);
}

static void trial_release(struct trial *t)
{
    arena_release(&t->arena);
    pack_cache_free(t->pack);
}

static void *scratch_of(struct trial *t)
{
    return t->call.scratch_size ? arena_try_alloc(&t->arena, t->call.scratch_size, TENSOR_ALIGN)
                                : NULL;
}

static const float *expected_of(struct trial *t)
{
    struct tensor plain;
    struct tensor *outs[] = {&plain};
    struct op_call call = t->call;
    const struct convolution *c = &t->convolution;
    assert_int_equal(tensor_alloc(&plain, DTYPE_FLOAT, &t->out.shape, &t->arena, NULL), CODE_OK);
    call.out = outs;
    assert_true(convolution_reference(c, &call));
    int64_t rows = tensor_elements(&plain) / c->out_channels;
    epilogue_run(&c->epilogue, c->epilogue.bias_input < 0 ? NULL : t->bias.data, plain.data, rows,
                 c->out_channels);
    return plain.data;
}

static void assert_near(const float *ours, const float *expected, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (fabsf(ours[i] - expected[i]) > 1e-4f + 1e-4f * fabsf(expected[i]))
            fail_msg("element %lld is %g, expected %g", (long long)i, (double)ours[i],
                     (double)expected[i]);
    }
}

/* Returns how often the way was one. */
static int compare(bool depthwise, bool (*prepare)(struct convolution *, struct op_call *))
{
    int count = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct trial t;
        trial_init(&t, depthwise);
        if (prepare(&t.convolution, &t.call)) {
            t.call.scratch = scratch_of(&t);
            assert_int_equal(convolution_run(&t.convolution, &t.call, NULL), CODE_OK);
            assert_near(t.out.data, expected_of(&t), tensor_elements(&t.out));
            count++;
        }
        trial_release(&t);
    }
    return count;
}

static void test_own(void **state)
{
    (void)state;
    assert_int_equal(compare(false, convolution_prepare_own), ROUNDS);
    assert_int_equal(compare(true, convolution_prepare_own), ROUNDS);
}

/* The library may lack a kernel for some machine, or for some shapes on any. */
static void test_onednn(void **state)
{
    (void)state;
    compare(false, convolution_prepare_onednn);
    compare(true, convolution_prepare_onednn);
}

static void test_without_constant_filter(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS / 10; i++) {
        struct trial t;
        trial_init(&t, i % 2);
        t.call.in_const = 0;
        assert_false(convolution_prepare_onednn(&t.convolution, &t.call));
        assert_true(convolution_prepare_own(&t.convolution, &t.call));
        t.call.scratch = scratch_of(&t);
        assert_int_equal(convolution_run(&t.convolution, &t.call, NULL), CODE_OK);
        assert_near(t.out.data, expected_of(&t), tensor_elements(&t.out));
        trial_release(&t);
    }
}

/* A convolution large enough for oneDNN, with `batch` images. */
static void large_trial(struct trial *t, int64_t batch)
{
    *t = (struct trial){.pack = pack_cache_new()};
    arena_init(&t->arena, ARENA_FIRST_BLOCK);
    struct window *w = &t->convolution.window;
    *w = (struct window){.batch = batch,
                         .channels = 24,
                         .in = {13, 14},
                         .kernel = {3, 3},
                         .stride = {1, 1},
                         .dilation = {1, 1}};
    t->convolution.groups = 1;
    t->convolution.out_channels = 40;
    t->convolution.epilogue = (struct epilogue){.bias_input = 2, .activation = ACTIVATION_RELU};
    fit(w, true);
    seed = 7;
    make_tensors(t);
    assert_int_equal(convolution_prepare(&t->convolution, &t->call, NULL), CODE_OK);
    t->call.scratch = scratch_of(t);
}

/* The first image's result has the same bits whatever is behind it. */
static void test_image_does_not_depend_on_batch(void **state)
{
    (void)state;
    struct trial one, many;
    large_trial(&one, 1);
    large_trial(&many, 5);
    memcpy(many.in.data, one.in.data, tensor_bytes(&one.in));
    memcpy(many.filter.data, one.filter.data, tensor_bytes(&one.filter));
    memcpy(many.bias.data, one.bias.data, tensor_bytes(&one.bias));
    /* Packed anew: the filter has changed. */
    pack_cache_free(many.pack);
    many.call.pack = many.pack = pack_cache_new();
    assert_int_equal(convolution_prepare(&many.convolution, &many.call, NULL), CODE_OK);
    assert_int_equal(convolution_run(&one.convolution, &one.call, NULL), CODE_OK);
    assert_int_equal(convolution_run(&many.convolution, &many.call, NULL), CODE_OK);
    assert_memory_equal(one.out.data, many.out.data, tensor_bytes(&one.out));
    trial_release(&one);
    trial_release(&many);
}

struct runner {
    const struct trial *trial;
    float *out;
    void *scratch;
    bool failed;
};

static void *run_often(void *arg)
{
    struct runner *r = arg;
    struct tensor out = r->trial->out;
    struct tensor *outs[] = {&out};
    struct op_call call = r->trial->call;
    out.data = r->out;
    call.out = outs;
    call.scratch = r->scratch;
    for (int i = 0; i < RUNS; i++)
        r->failed |= convolution_run(&r->trial->convolution, &call, NULL) != CODE_OK;
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct trial t;
    pthread_t threads[THREADS];
    struct runner runners[THREADS];
    large_trial(&t, 1);
    for (int i = 0; i < THREADS; i++) {
        runners[i] = (struct runner){
            .trial = &t,
            .out = arena_try_alloc(&t.arena, tensor_bytes(&t.out), TENSOR_ALIGN),
            .scratch = scratch_of(&t),
        };
        assert_int_equal(pthread_create(&threads[i], NULL, run_often, &runners[i]), 0);
    }
    const float *expected = expected_of(&t);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(runners[i].failed);
        assert_near(runners[i].out, expected, tensor_elements(&t.out));
    }
    trial_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own),
        cmocka_unit_test(test_onednn),
        cmocka_unit_test(test_without_constant_filter),
        cmocka_unit_test(test_image_does_not_depend_on_batch),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
