/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Float products go through packed weights (ops/nn/tile.h): constants are packed once per plan,
 * other right-hand sides into scratch when they run. half and bfloat16 are widened first. double,
 * complex numbers and integers take the plain loops; integers wrap, as TensorFlow's do.
 *
 * Scratch of a run, one after the other: the widened in[0], in[1] and out[0] (half, bfloat16), the
 * packed matrix (in[1] no constant), the transposed one (transpose_a).
 */
#include "ops/nn/product.h"

#include <complex.h>
#include <stdlib.h>

#include "engine/pack.h"
#include "ops/kernel.h"
#include "ops/nn/tile.h"
#include "ops/nn/widen.h"

/* ---- plain loops ---- */

struct matrices {
    const void *a;
    const void *b;
    void *out;
};

/* out[m][n] = sum over p, in the order of p, with sums of type `computed`. */
#define DEFINE_REFERENCE(name, type, computed)                                                     \
    static void reference_##name(const struct product *c, const struct matrices *at)               \
    {                                                                                              \
        const type *a = at->a, *b = at->b;                                                         \
        type *out = at->out;                                                                       \
        const int64_t a_row = c->transpose_a ? 1 : c->k, a_column = c->transpose_a ? c->m : 1;     \
        const int64_t b_row = c->transpose_b ? 1 : c->n, b_column = c->transpose_b ? c->k : 1;     \
        for (int64_t i = 0; i < c->m; i++) {                                                       \
            for (int64_t j = 0; j < c->n; j++) {                                                   \
                computed sum = 0;                                                                  \
                for (int64_t p = 0; p < c->k; p++)                                                 \
                    sum += (computed)a[i * a_row + p * a_column] *                                 \
                           (computed)b[p * b_row + j * b_column];                                  \
                out[i * c->n + j] = (type)sum;                                                     \
            }                                                                                      \
        }                                                                                          \
    }

DEFINE_REFERENCE(float, float, float)
DEFINE_REFERENCE(double, double, double)
/* Integers wrap: computed without a sign. */
DEFINE_REFERENCE(8, uint8_t, uint32_t)
DEFINE_REFERENCE(16, uint16_t, uint32_t)
DEFINE_REFERENCE(32, uint32_t, uint32_t)
DEFINE_REFERENCE(64, uint64_t, uint64_t)

/* Sums of complex numbers; adjoint matrices are conjugate. */
#define DEFINE_COMPLEX(name, type, conjugate)                                                      \
    static void reference_##name(const struct product *c, const struct matrices *at)               \
    {                                                                                              \
        const type *a = at->a, *b = at->b;                                                         \
        type *out = at->out;                                                                       \
        const int64_t a_row = c->transpose_a ? 1 : c->k, a_column = c->transpose_a ? c->m : 1;     \
        const int64_t b_row = c->transpose_b ? 1 : c->n, b_column = c->transpose_b ? c->k : 1;     \
        for (int64_t i = 0; i < c->m; i++) {                                                       \
            for (int64_t j = 0; j < c->n; j++) {                                                   \
                type sum = 0;                                                                      \
                for (int64_t p = 0; p < c->k; p++) {                                               \
                    type x = a[i * a_row + p * a_column], y = b[p * b_row + j * b_column];         \
                    sum +=                                                                         \
                        (c->conjugate_a ? conjugate(x) : x) * (c->conjugate_b ? conjugate(y) : y); \
                }                                                                                  \
                out[i * c->n + j] = sum;                                                           \
            }                                                                                      \
        }                                                                                          \
    }

DEFINE_COMPLEX(complex64, float complex, conjf)
DEFINE_COMPLEX(complex128, double complex, conj)

#define DEFINE_WIDENED(name, load, store)                                                          \
    static void reference_##name(const struct product *c, const struct matrices *at)               \
    {                                                                                              \
        const uint16_t *a = at->a, *b = at->b;                                                     \
        uint16_t *out = at->out;                                                                   \
        const int64_t a_row = c->transpose_a ? 1 : c->k, a_column = c->transpose_a ? c->m : 1;     \
        const int64_t b_row = c->transpose_b ? 1 : c->n, b_column = c->transpose_b ? c->k : 1;     \
        for (int64_t i = 0; i < c->m; i++) {                                                       \
            for (int64_t j = 0; j < c->n; j++) {                                                   \
                float sum = 0;                                                                     \
                for (int64_t p = 0; p < c->k; p++)                                                 \
                    sum += load(a[i * a_row + p * a_column]) * load(b[p * b_row + j * b_column]);  \
                out[i * c->n + j] = store(sum);                                                    \
            }                                                                                      \
        }                                                                                          \
    }

DEFINE_WIDENED(half, dtype_half_to_float, dtype_half_from_float)
DEFINE_WIDENED(bfloat16, dtype_bfloat16_to_float, dtype_bfloat16_from_float)

typedef void reference_fn(const struct product *c, const struct matrices *at);

static reference_fn *const references[DTYPE_COUNT] = {
    [DTYPE_FLOAT] = reference_float,
    [DTYPE_DOUBLE] = reference_double,
    [DTYPE_HALF] = reference_half,
    [DTYPE_BFLOAT16] = reference_bfloat16,
    [DTYPE_INT8] = reference_8,
    [DTYPE_UINT8] = reference_8,
    [DTYPE_INT16] = reference_16,
    [DTYPE_UINT16] = reference_16,
    [DTYPE_INT32] = reference_32,
    [DTYPE_UINT32] = reference_32,
    [DTYPE_INT64] = reference_64,
    [DTYPE_UINT64] = reference_64,
    [DTYPE_COMPLEX64] = reference_complex64,
    [DTYPE_COMPLEX128] = reference_complex128,
};

static int64_t index_of(const int64_t *index, int64_t batch)
{
    return index ? index[batch] : 0;
}

void product_reference(const struct product *c, const struct op_call *call)
{
    enum dtype dtype = call->in[0]->dtype;
    size_t size = dtype_size(dtype);
    for (int64_t i = 0; i < c->batches; i++) {
        struct matrices at = {
            .a = (const char *)call->in[0]->data +
                 (size_t)(index_of(c->a_index, i) * c->m * c->k) * size,
            .b = (const char *)call->in[1]->data +
                 (size_t)(index_of(c->b_index, i) * c->k * c->n) * size,
            .out = (char *)call->out[0]->data + (size_t)(i * c->m * c->n) * size,
        };
        references[dtype](c, &at);
    }
}

/* ---- what follows ---- */

KERNEL void add_bias(float *out, const float *bias, int64_t rows, int64_t n)
{
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < n; j++)
            out[i * n + j] += bias[j];
    }
}

struct epilogue epilogue_read(const struct op_call *call)
{
    return (struct epilogue){
        .bias_input = 2,
        .activation = activation_of_op(op_attr_string(call, "activation")),
        .alpha = op_attr_float(call, "alpha"),
    };
}

void epilogue_run(const struct epilogue *epilogue, const float *bias, float *out, int64_t rows,
                  int64_t n)
{
    if (bias)
        add_bias(out, bias, rows, n);
    if (epilogue->activation != ACTIVATION_NONE)
        activation_loop(epilogue->activation, DTYPE_FLOAT)(out, out, rows * n, epilogue->alpha);
}

/* ---- packed floats ---- */

static bool is_packable(enum dtype dtype)
{
    return dtype == DTYPE_FLOAT || widen_is_needed(dtype);
}

static void pack_one(const struct product *c, const float *b, float *packed)
{
    struct tile_weights weights = {
        .at = b,
        .row_step = c->transpose_b ? 1 : c->n,
        .column_step = c->transpose_b ? c->k : 1,
        .k = c->k,
        .n = c->n,
    };
    tile_pack(&weights, packed);
}

struct packing {
    const struct product *product;
    const struct tensor *weights;
};

static int64_t matrix_count(const struct product *c, const struct tensor *weights)
{
    int64_t size = c->k * c->n;
    return size > 0 ? tensor_elements(weights) / size : 0;
}

static bool pack_all(void *to, size_t size, void *context)
{
    const struct packing *p = context;
    const struct product *c = p->product;
    int64_t elements = tensor_elements(p->weights);
    float *wide = NULL;
    const float *from = p->weights->data;
    (void)size;
    if (widen_is_needed(p->weights->dtype)) {
        wide = malloc((size_t)elements * sizeof(float) + 1);
        if (!wide)
            return false;
        widen_to_float(p->weights->dtype, p->weights->data, wide, elements);
        from = wide;
    }
    int64_t matrices = matrix_count(c, p->weights);
    for (int64_t i = 0; i < matrices; i++)
        pack_one(c, from + i * c->k * c->n, (float *)to + (size_t)i * c->packed_floats);
    free(wide);
    return true;
}

/* The packed form depends on the matrix's shape and orientation besides its values. */
static const float *pack_constant(struct product *c, struct op_call *call)
{
    struct {
        const void *data;
        int64_t k, n, transposed;
        char kind[8];
    } key = {call->in[1]->data, c->k, c->n, c->transpose_b, "product"};
    struct packing context = {c, call->in[1]};
    int64_t matrices = matrix_count(c, call->in[1]);
    return pack_cache_get(call->pack, span_make(&key, sizeof key),
                          (size_t)matrices * c->packed_floats * sizeof(float), pack_all, &context);
}

enum code product_prepare(struct product *c, struct op_call *call, struct error *err)
{
    (void)err;
    enum dtype dtype = call->in[0]->dtype;
    static const int64_t no_offset = 0;
    c->offsets = &no_offset;
    if (!is_packable(dtype))
        return CODE_OK;
    c->packed_floats = tile_packed_floats(c->k, c->n);
    bool constant = (call->in_const & 2) && call->pack && op_call_known(call, 1);
    c->packed = constant ? pack_constant(c, call) : NULL;
    call->scratch_size = widen_size(dtype, tensor_elements(call->in[0])) +
                         widen_size(dtype, tensor_elements(call->out[0]));
    if (!c->packed)
        call->scratch_size += widen_size(dtype, tensor_elements(call->in[1])) +
                              tensor_align(c->packed_floats * sizeof(float));
    if (c->transpose_a)
        call->scratch_size += tensor_align((size_t)(c->m * c->k) * sizeof(float));
    return CODE_OK;
}

static const float *transposed(const struct product *c, const float *a, float *to)
{
    for (int64_t i = 0; i < c->m; i++) {
        for (int64_t p = 0; p < c->k; p++)
            to[i * c->k + p] = a[p * c->m + i];
    }
    return to;
}

/* Where the parts of scratch are. */
struct workspace {
    const float *a;
    const float *b;
    float *out;
    float *packed;
    float *transposed;
};

static struct workspace lay_out(const struct product *c, struct op_call *call)
{
    char *scratch = call->scratch;
    struct workspace w = {.a = widen_input(call->in[0], &scratch)};
    w.out = widen_output(call->out[0], &scratch);
    if (!c->packed) {
        w.b = widen_input(call->in[1], &scratch);
        w.packed = (float *)scratch;
        scratch += tensor_align(c->packed_floats * sizeof(float));
    }
    w.transposed = (float *)scratch;
    return w;
}

static const float *packed_matrix(const struct product *c, const struct workspace *w, int64_t batch)
{
    int64_t index = index_of(c->b_index, batch);
    if (c->packed)
        return c->packed + (size_t)index * c->packed_floats;
    if (batch == 0 || index != index_of(c->b_index, batch - 1))
        pack_one(c, w->b + index * c->k * c->n, w->packed);
    return w->packed;
}

static const float *bias_of(const struct product *c, const struct op_call *call)
{
    return c->epilogue.bias_input < 0 ? NULL : call->in[c->epilogue.bias_input]->data;
}

static void run_packed(const struct product *c, struct op_call *call)
{
    struct workspace w = lay_out(c, call);
    for (int64_t i = 0; i < c->batches; i++) {
        const float *a = w.a + index_of(c->a_index, i) * c->m * c->k;
        float *out = w.out + i * c->m * c->n;
        struct tile_rows rows = {
            .in = c->transpose_a ? transposed(c, a, w.transposed) : a,
            .in_step = c->k,
            .out = out,
            .out_step = c->n,
            .rows = c->m,
            .offsets = c->offsets,
            .segments = 1,
            .length = c->k,
            .n = c->n,
            .bias = bias_of(c, call),
        };
        tile_run(&rows, packed_matrix(c, &w, i));
        epilogue_run(&c->epilogue, NULL, out, c->m, c->n);
    }
    widen_finish(call->out[0], w.out);
}

void product_run(const struct product *c, struct op_call *call)
{
    if (is_packable(call->in[0]->dtype))
        run_packed(c, call);
    else
        product_reference(c, call);
}
