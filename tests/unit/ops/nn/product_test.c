/* SPDX-License-Identifier: Apache-2.0 */
/* The packed product against the plain loops; a row's result in any batch; vector functions against
 * libm. */
#include "ops/nn/product.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/binding.h"
#include "ops/nn/vector_math.h"

enum { ROUNDS = 400 };

static unsigned seed = 1;

static int64_t pick(int64_t from, int64_t to)
{
    seed = seed * 1103515245u + 12345u;
    return from + (int64_t)(seed >> 8) % (to - from + 1);
}

struct trial {
    struct arena arena;
    struct pack_cache *pack;
    struct product product;
    struct tensor a, b, bias, out;
    const struct tensor *ins[3];
    struct tensor *outs[1];
    struct op_call call;
};

static void fill(struct trial *t, struct tensor *tensor, struct shape shape)
{
    assert_int_equal(tensor_alloc(tensor, DTYPE_FLOAT, &shape, &t->arena, NULL), CODE_OK);
    for (int64_t i = 0; i < tensor_elements(tensor); i++)
        TENSOR_AT(tensor, float)[i] = (float)pick(-100, 100) / 100.0f;
}

struct sizes {
    int64_t m, n, k;
    bool transpose_a, transpose_b, constant;
};

static void trial_init(struct trial *t, const struct sizes *s)
{
    *t = (struct trial){.pack = pack_cache_new()};
    arena_init(&t->arena, ARENA_FIRST_BLOCK);
    t->product = (struct product){
        .m = s->m,
        .n = s->n,
        .k = s->k,
        .transpose_a = s->transpose_a,
        .transpose_b = s->transpose_b,
        .batches = 1,
        .epilogue = {.bias_input = 2, .activation = ACTIVATION_RELU},
    };
    fill(t, &t->b, s->transpose_b ? shape_matrix(s->n, s->k) : shape_matrix(s->k, s->n));
    fill(t, &t->bias, shape_vector(s->n));
    fill(t, &t->a, s->transpose_a ? shape_matrix(s->k, s->m) : shape_matrix(s->m, s->k));
    fill(t, &t->out, shape_matrix(s->m, s->n));
    t->ins[0] = &t->a;
    t->ins[1] = &t->b;
    t->ins[2] = &t->bias;
    t->outs[0] = &t->out;
    t->call = (struct op_call){
        .in = t->ins,
        .out = t->outs,
        .in_count = 3,
        .out_count = 1,
        .in_const = s->constant ? 6 : 0,
        .arena = &t->arena,
        .pack = t->pack,
    };
    assert_int_equal(product_prepare(&t->product, &t->call, NULL), CODE_OK);
    assert_int_equal(t->product.packed != NULL, s->constant);
    if (t->call.scratch_size)
        t->call.scratch = arena_try_alloc(&t->arena, t->call.scratch_size, TENSOR_ALIGN);
}

static void trial_release(struct trial *t)
{
    arena_release(&t->arena);
    pack_cache_free(t->pack);
}

static void check(struct trial *t)
{
    struct tensor plain;
    struct tensor *outs[] = {&plain};
    struct op_call call = t->call;
    assert_int_equal(tensor_alloc(&plain, DTYPE_FLOAT, &t->out.shape, &t->arena, NULL), CODE_OK);
    call.out = outs;
    product_reference(&t->product, &call);
    epilogue_run(&t->product.epilogue, t->bias.data, plain.data, t->product.m, t->product.n);
    product_run(&t->product, &t->call);
    for (int64_t i = 0; i < tensor_elements(&plain); i++) {
        float ours = TENSOR_AT(&t->out, float)[i], expected = TENSOR_AT(&plain, float)[i];
        if (fabsf(ours - expected) > 1e-4f + 1e-4f * fabsf(expected))
            fail_msg("[%lld %lld %lld] element %lld is %g, expected %g", (long long)t->product.m,
                     (long long)t->product.k, (long long)t->product.n, (long long)i, (double)ours,
                     (double)expected);
    }
}

static void test_packed(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct trial t;
        /* Every eighth has few long columns. */
        struct sizes s = {pick(1, 9), pick(1, 150), pick(0, 70),
                          pick(0, 1), pick(0, 1),   pick(0, 1)};
        if (i % 8 == 0) {
            s.n = pick(1, 5);
            s.k = pick(200, 400);
        }
        trial_init(&t, &s);
        check(&t);
        trial_release(&t);
    }
}

/* Every width of panel, and rows computed by ones, twos and fours. */
static void test_row_does_not_depend_on_batch(void **state)
{
    (void)state;
    for (int64_t n = 1; n < 140; n++) {
        struct trial one, many;
        struct sizes s = {1, n, n % 2 ? 53 : 301, false, false, true};
        seed = (unsigned)n;
        trial_init(&one, &s);
        product_run(&one.product, &one.call);
        seed = (unsigned)n;
        s.m = 7;
        trial_init(&many, &s);
        for (int64_t row = 1; row < s.m; row++)
            memcpy(TENSOR_AT(&many.a, float) + row * s.k, many.a.data, (size_t)s.k * sizeof(float));
        product_run(&many.product, &many.call);
        assert_memory_equal(one.a.data, many.a.data, tensor_bytes(&one.a));
        for (int64_t row = 0; row < s.m; row++)
            assert_memory_equal(one.out.data, TENSOR_AT(&many.out, float) + row * n,
                                tensor_bytes(&one.out));
        trial_release(&one);
        trial_release(&many);
    }
}

/* Distance in units of the last place of `expected`. */
static double ulps(float ours, double expected)
{
    if ((double)ours == expected || (isnan(ours) && isnan(expected)))
        return 0;
    float nearest = (float)expected;
    double unit = (double)(nextafterf(fabsf(nearest), INFINITY) - fabsf(nearest));
    return fabs((double)ours - expected) / unit;
}

static void test_vector_math(void **state)
{
    (void)state;
    for (float x = -104; x < 89; x += 0.00371f) {
        double e = exp((double)x);
        if (e > (double)FLT_MIN && e < (double)FLT_MAX)
            assert_true(ulps(vector_exp(x), e) <= 2);
        assert_true(ulps(vector_tanh(x), tanh((double)x)) <= 3);
    }
    for (float x = -20; x < 20; x += 0.00371f)
        assert_true(ulps(vector_sigmoid(x), 1 / (1 + exp(-(double)x))) <= 3);
    for (float x = 1e-30f; x < 1; x *= 1.7f)
        assert_true(ulps(vector_tanh(x), tanh((double)x)) <= 3);
    for (float x = -6; x < 6; x += 0.000371f) {
        assert_true(fabs((double)vector_erf(x) - erf((double)x)) <= 4e-7 * fabs(erf((double)x)));
        assert_true(fabs((double)vector_erfc(x) - erfc((double)x)) <= 5e-6 * erfc((double)x));
    }
    for (float x = 6; x < 9; x += 0.000371f)
        assert_true(fabs((double)vector_erfc(x) - erfc((double)x)) <= 5e-6 * erfc((double)x));
    assert_true(vector_erf(INFINITY) == 1 && vector_erf(-INFINITY) == -1 && isnan(vector_erf(NAN)));
    assert_true(vector_erfc(INFINITY) == 0 && vector_erfc(-INFINITY) == 2);
    assert_true(isnan(vector_erfc(NAN)));
    assert_true(vector_exp(INFINITY) == INFINITY);
    assert_true(vector_exp(-INFINITY) == 0);
    assert_true(vector_exp(100) == INFINITY);
    assert_true(vector_exp(0) == 1);
    assert_true(isnan(vector_exp(NAN)));
    assert_true(isnan(vector_tanh(NAN)));
    assert_true(vector_tanh(INFINITY) == 1 && vector_tanh(-INFINITY) == -1);
    assert_true(vector_exp(-103) > 0); /* a denormal */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packed),
        cmocka_unit_test(test_row_does_not_depend_on_batch),
        cmocka_unit_test(test_vector_math),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
