/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XlaDot, XlaDotV2: a product over any contracted and batch dimensions: result [batch, free in lhs,
 * free in rhs], which is an einsum; XlaEinsum says its equation itself.
 */
#include "ops/nn/einsum.h"
#include "ops/nn/promoted.h"
#include "ops/xla/numbers.h"

enum { LHS_CONTRACTING = 1, RHS_CONTRACTING, LHS_BATCH, RHS_BATCH };
enum { EQUATION_SIZE = 4 * SHAPE_RANK_MAX + 4 };

/* The letters of both operands' dimensions. */
struct letters {
    char of[2][SHAPE_RANK_MAX];
    char next;
};

/* Dimensions that stand for each other get one letter. */
static enum code pair(const struct op_call *call, const struct numbers_list *lhs,
                      const struct numbers_list *rhs, struct letters *letters, struct error *err)
{
    enum code code = numbers_check(lhs, call->in[0]->shape.rank, "lhs", err);
    if (!code)
        code = numbers_check(rhs, call->in[1]->shape.rank, "rhs", err);
    if (!code && lhs->count != rhs->count)
        code = error_set(err, CODE_INVALID_ARGUMENT,
                         "Must specify the same number of dimensions for lhs and rhs. Got: %d and "
                         "%d",
                         lhs->count, rhs->count);
    for (int i = 0; !code && i < lhs->count; i++) {
        if (letters->of[0][lhs->values[i]] || letters->of[1][rhs->values[i]])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "A dimension is both contracting and batch.");
        letters->of[0][lhs->values[i]] = letters->of[1][rhs->values[i]] = letters->next++;
    }
    return code;
}

static void append_free(const struct op_call *call, int operand, struct letters *letters,
                        char **result)
{
    for (int i = 0; i < call->in[operand]->shape.rank; i++) {
        if (letters->of[operand][i])
            continue;
        letters->of[operand][i] = letters->next++;
        *(*result)++ = letters->of[operand][i];
    }
}

static enum code make_equation(const struct op_call *call, char text[EQUATION_SIZE],
                               struct span *equation, struct error *err)
{
    struct numbers numbers;
    struct letters letters = {.next = 'a'};
    enum code code = numbers_read(op_attr_string(call, "dimension_numbers"), &numbers, err);
    const struct numbers_list *fields = numbers.fields;
    if (!code)
        code = pair(call, &fields[LHS_BATCH], &fields[RHS_BATCH], &letters, err);
    if (!code)
        code = pair(call, &fields[LHS_CONTRACTING], &fields[RHS_CONTRACTING], &letters, err);
    if (code)
        return code;
    char result[2 * SHAPE_RANK_MAX], *end = result;
    for (int i = 0; i < fields[LHS_BATCH].count; i++)
        *end++ = letters.of[0][fields[LHS_BATCH].values[i]];
    append_free(call, 0, &letters, &end);
    append_free(call, 1, &letters, &end);
    char *to = text;
    for (int operand = 0; operand < 2; operand++) {
        size_t rank = (size_t)call->in[operand]->shape.rank;
        memcpy(to, letters.of[operand], rank);
        to += rank;
        memcpy(to, operand ? "->" : ",", operand ? 2 : 1);
        to += operand ? 2 : 1;
    }
    memcpy(to, result, (size_t)(end - result));
    *equation = span_make(text, (size_t)(to - text) + (size_t)(end - result));
    return CODE_OK;
}

static enum code dot_shape(struct op_call *call, struct error *err)
{
    char text[EQUATION_SIZE];
    struct span equation;
    enum code code = make_equation(call, text, &equation, err);
    return code ? code : einsum_shape(call, equation, err);
}

static enum code dot_prepare(struct op_call *call, struct error *err)
{
    char text[EQUATION_SIZE];
    struct span equation;
    enum code code = make_equation(call, text, &equation, err);
    return code ? code : einsum_prepare(call, equation, err);
}

static enum code dot_v2_prepare(struct op_call *call, struct error *err)
{
    return promoted_prepare(call, dot_prepare, einsum_run, err);
}

static enum code xla_einsum_shape(struct op_call *call, struct error *err)
{
    return einsum_shape(call, op_attr_string(call, "equation"), err);
}

static enum code xla_einsum_prepare(struct op_call *call, struct error *err)
{
    return einsum_prepare(call, op_attr_string(call, "equation"), err);
}

const struct op op_XlaDot = {
    .name = "XlaDot",
    .inputs = "lhs:T rhs:T",
    .outputs = "output:T",
    .attrs = "T:type dimension_numbers:string precision_config:string",
    .types = OP_TYPES_NUMBER,
    .shape = dot_shape,
    .prepare = dot_prepare,
    .run = einsum_run,
};

const struct op op_XlaDotV2 = {
    .name = "XlaDotV2",
    .inputs = "lhs:LhsT rhs:RhsT",
    .outputs = "output:preferred_element_type",
    .attrs = "LhsT:type RhsT:type dimension_numbers:string precision_config:string "
             "preferred_element_type:type",
    .types = OP_TYPES_NUMBER,
    .types_attr = "LhsT",
    .shape = dot_shape,
    .prepare = dot_v2_prepare,
    .run = promoted_run,
};

const struct op op_XlaEinsum = {
    .name = "XlaEinsum",
    .inputs = "a:T b:T",
    .outputs = "product:T",
    .attrs = "equation:string T:type",
    .types = OP_TYPE(DTYPE_BFLOAT16) | OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_COMPLEX64),
    .shape = xla_einsum_shape,
    .prepare = xla_einsum_prepare,
    .run = einsum_run,
};
