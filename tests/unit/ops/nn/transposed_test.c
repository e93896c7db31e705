/* SPDX-License-Identifier: Apache-2.0 */
/* Transposed convolutions and convolutions of volumes: the fast ways against the plain loops, on
 * random shapes with dilations and groups, which TensorFlow has no answers to on a CPU; and the
 * plain loops in either layout. */
#include "ops/nn/transposed.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/binding.h"
#include "ops/nn/convolution3d.h"

enum { ROUNDS = 200 };

/* A volume with the tensors of both ops: `in` and `out` change their roles. */
struct trial {
    struct arena arena;
    struct pack_cache *pack;
    struct volume volume;
    int64_t groups, out_channels;
    struct tensor in, filter, out, ours, expected;
};

static unsigned seed = 1;

static int64_t pick(int64_t from, int64_t to)
{
    seed = seed * 1103515245u + 12345u;
    return from + (int64_t)(seed >> 8) % (to - from + 1);
}

static void make(struct trial *t, struct tensor *tensor, struct shape shape)
{
    assert_int_equal(tensor_alloc(tensor, DTYPE_FLOAT, &shape, &t->arena, NULL), CODE_OK);
    for (int64_t i = 0; i < tensor_elements(tensor); i++)
        TENSOR_AT(tensor, float)[i] = (float)pick(-100, 100) / 100.0f;
}

static void trial_init(struct trial *t, bool channels_first)
{
    *t = (struct trial){.pack = pack_cache_new()};
    arena_init(&t->arena, ARENA_FIRST_BLOCK);
    struct volume *v = &t->volume;
    v->spatial = (int)pick(2, 3);
    v->channels_first = channels_first;
    v->batch = pick(1, 2);
    t->groups = pick(0, 2) ? 1 : pick(2, 3);
    v->channels = t->groups * pick(1, 9);
    t->out_channels = t->groups * pick(1, 20);
    for (int d = 0; d < VOLUME_DIMS; d++) {
        bool space = d >= VOLUME_DIMS - v->spatial;
        v->kernel[d] = space ? pick(1, 4) : 1;
        v->stride[d] = space ? pick(1, 3) : 1;
        v->dilation[d] = space && !pick(0, 2) ? 2 : 1;
        int64_t extent = (v->kernel[d] - 1) * v->dilation[d] + 1;
        v->in[d] = space ? pick(extent, 12) : 1;
        v->before[d] = pick(0, 1) ? (extent - 1) / 2 : 0;
        v->out[d] = (v->in[d] + 2 * v->before[d] - extent) / v->stride[d] + 1;
    }
    make(t, &t->in, volume_shape(v, v->in, v->channels));
    make(t, &t->out, volume_shape(v, v->out, t->out_channels));
    make(t, &t->filter,
         (struct shape){
             5,
             {v->kernel[0], v->kernel[1], v->kernel[2], v->channels / t->groups, t->out_channels}});
}

static void trial_release(struct trial *t)
{
    arena_release(&t->arena);
    pack_cache_free(t->pack);
}

static struct op_call call_of(struct trial *t, const struct tensor **in, struct tensor **out)
{
    return (struct op_call){
        .in = in,
        .out = out,
        .in_count = 2,
        .out_count = 1,
        .in_const = pick(0, 1) ? 2 : 0,
        .arena = &t->arena,
        .pack = t->pack,
    };
}

static void take_scratch(struct trial *t, struct op_call *call)
{
    if (call->scratch_size)
        call->scratch = arena_try_alloc(&t->arena, call->scratch_size, TENSOR_ALIGN);
}

static void assert_near(const struct tensor *ours, const struct tensor *expected)
{
    for (int64_t i = 0; i < tensor_elements(expected); i++) {
        float a = TENSOR_AT(ours, float)[i], b = TENSOR_AT(expected, float)[i];
        if (fabsf(a - b) > 1e-4f + 1e-4f * fabsf(b))
            fail_msg("element %lld is %g, expected %g", (long long)i, (double)a, (double)b);
    }
}

static void test_transposed(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct trial t;
        trial_init(&t, false);
        make(&t, &t.ours, t.in.shape);
        make(&t, &t.expected, t.in.shape);
        const struct tensor *in[] = {&t.out, &t.filter};
        struct tensor *ours[] = {&t.ours}, *expected[] = {&t.expected};
        struct transposed transposed = {
            .volume = t.volume, .groups = t.groups, .out_channels = t.out_channels};
        struct op_call call = call_of(&t, in, ours);
        assert_int_equal(transposed_prepare(&transposed, &call, NULL), CODE_OK);
        assert_true(transposed.fast);
        take_scratch(&t, &call);
        transposed_run(&transposed, &call);
        call.out = expected;
        transposed_reference(&transposed, &call);
        assert_near(&t.ours, &t.expected);
        trial_release(&t);
    }
}

static void test_convolution3d(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct trial t;
        trial_init(&t, false);
        make(&t, &t.ours, t.out.shape);
        make(&t, &t.expected, t.out.shape);
        const struct tensor *in[] = {&t.in, &t.filter};
        struct tensor *ours[] = {&t.ours}, *expected[] = {&t.expected};
        struct convolution3d convolution = {
            .volume = t.volume, .groups = t.groups, .out_channels = t.out_channels};
        struct op_call call = call_of(&t, in, ours);
        convolution3d_prepare(&convolution, &call);
        assert_true(convolution.fast);
        take_scratch(&t, &call);
        convolution3d_run(&convolution, &call);
        call.out = expected;
        convolution3d_reference(&convolution, &call);
        assert_near(&t.ours, &t.expected);
        trial_release(&t);
    }
}

static double dot(const struct tensor *a, const struct tensor *b)
{
    double sum = 0;
    for (int64_t i = 0; i < tensor_elements(a); i++)
        sum += (double)TENSOR_AT(a, float)[i] * (double)TENSOR_AT(b, float)[i];
    return sum;
}

/* <convolution(x), y> = <x, transposed(y)>, in both layouts. */
static void test_adjoint(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct trial t;
        trial_init(&t, i % 2);
        make(&t, &t.ours, t.out.shape);
        make(&t, &t.expected, t.in.shape);
        const struct tensor *x[] = {&t.in, &t.filter}, *y[] = {&t.out, &t.filter};
        struct tensor *forward[] = {&t.ours}, *back[] = {&t.expected};
        struct convolution3d convolution = {
            .volume = t.volume, .groups = t.groups, .out_channels = t.out_channels};
        struct transposed transposed = {
            .volume = t.volume, .groups = t.groups, .out_channels = t.out_channels};
        struct op_call call = call_of(&t, x, forward);
        convolution3d_reference(&convolution, &call);
        call = call_of(&t, y, back);
        transposed_reference(&transposed, &call);
        assert_true(fabs(dot(&t.ours, &t.out) - dot(&t.in, &t.expected)) < 1e-2);
        trial_release(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transposed),
        cmocka_unit_test(test_convolution3d),
        cmocka_unit_test(test_adjoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
