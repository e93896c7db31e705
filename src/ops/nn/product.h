/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct product: batches of matrix products with what may follow them (bias, activation), the core
 * of MatMul, BatchMatMul and their fused forms. Filled in by prepare(), read by run().
 */
#ifndef OPS_NN_PRODUCT_H
#define OPS_NN_PRODUCT_H

#include "engine/op.h"
#include "ops/nn/activation.h"

/* What happens to the result on its way out. */
struct epilogue {
    int bias_input; /* a vector, one number per column (or channel); -1: none */
    enum activation activation;
    float alpha; /* of the activation */
};

struct product {
    int64_t m, n, k;
    bool transpose_a;              /* in[0]'s matrices are [k, m] */
    bool transpose_b;              /* in[1]'s are [n, k] */
    bool conjugate_a, conjugate_b; /* of complex matrices */
    int64_t batches;
    const int64_t *a_index; /* per batch: which of in[0]'s matrices; NULL: number 0 */
    const int64_t *b_index;
    struct epilogue epilogue;
    /* Set by product_prepare: */
    const float *packed;    /* all of in[1]'s matrices, packed; NULL: packed when it runs */
    size_t packed_floats;   /* of one matrix */
    const int64_t *offsets; /* { 0 } */
};

/* Chooses the kernel, packs constant weights, asks for scratch. The dtype is in[0]'s; in[1] and
 * out[0] have it too. */
enum code product_prepare(struct product *product, struct op_call *call, struct error *err);

/* Computes all batches; call->state need not be the product. */
void product_run(const struct product *product, struct op_call *call);

/* The plain loops for any dtype and size, without epilogue: what the fast ones are tested
 * against. */
void product_reference(const struct product *product, const struct op_call *call);

/* That of a fused op: its input 2 is the bias, its attributes name the activation. */
struct epilogue epilogue_read(const struct op_call *call);

/* Adds the bias and applies the activation to `rows` rows of n floats. */
void epilogue_run(const struct epilogue *epilogue, const float *bias, float *out, int64_t rows,
                  int64_t n);

#endif
