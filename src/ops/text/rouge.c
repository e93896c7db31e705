/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RougeL: how much of the longest common subsequence a hypothesis and a reference have in common,
 * row by row (Lin 2004): precision, recall, and a mean of both weighted by alpha. A negative alpha
 * asks for tensor2tensor's formula.
 */
#include "ops/text/rows.h"

enum { HYPOTHESIS, HYPOTHESIS_SPLITS, REFERENCE, REFERENCE_SPLITS, ALPHA };

static enum code check_rouge(const struct op_call *call, struct error *err)
{
    static const char *const names[] = {"hypotheses values", "hypotheses splits",
                                        "references values", "references splits"};
    static const int order[] = {HYPOTHESIS, REFERENCE, HYPOTHESIS_SPLITS, REFERENCE_SPLITS};
    int64_t hypotheses = tensor_elements(call->in[HYPOTHESIS_SPLITS]);
    int64_t references = tensor_elements(call->in[REFERENCE_SPLITS]);
    float alpha = tensor_elements(call->in[ALPHA]) ? *TENSOR_AT(call->in[ALPHA], float) : 2;
    if (!(alpha <= 1))
        return error_set(err, CODE_INVALID_ARGUMENT, "alpha must be <1 but was=%g", (double)alpha);
    if (hypotheses != references)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "ref splits len=%lldmust equal hyp splits len=%lld", (long long)references,
                         (long long)hypotheses);
    for (int i = 0; i < 4; i++) {
        if (call->in[order[i]]->shape.rank != 1)
            return error_set(err, CODE_INVALID_ARGUMENT, "%s must be a vector", names[order[i]]);
    }
    if (!references)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "ref splits len=0; must have at least 1 split");
    enum code code = row_check_splits(call->in[HYPOTHESIS_SPLITS],
                                      tensor_elements(call->in[HYPOTHESIS]), "hyp_splits", err);
    return code ? code
                : row_check_splits(call->in[REFERENCE_SPLITS], tensor_elements(call->in[REFERENCE]),
                                   "ref_splits", err);
}

static bool same(const struct op_call *call, int64_t i, int64_t k)
{
    const struct tensor *a = call->in[HYPOTHESIS], *b = call->in[REFERENCE];
    if (a->dtype == DTYPE_STRING)
        return span_equal(TENSOR_AT(a, struct span)[i], TENSOR_AT(b, struct span)[k]);
    return tensor_int(a, i) == tensor_int(b, k);
}

/* Of the elements [from[0], to[0]) of the hypothesis and [from[1], to[1]) of the reference. `row`
 * is the line of the table before this one, and becomes this one. */
static int32_t common_length(const struct op_call *call, const int64_t from[2], const int64_t to[2],
                             int32_t *row)
{
    int64_t width = to[1] - from[1];
    memset(row, 0, (size_t)(width + 1) * sizeof *row);
    for (int64_t i = from[0]; i < to[0]; i++) {
        int32_t diagonal = 0;
        for (int64_t k = 0; k < width; k++) {
            int32_t above = row[k + 1];
            int32_t longer = above > row[k] ? above : row[k];
            row[k + 1] = same(call, i, from[1] + k) ? diagonal + 1 : longer;
            diagonal = above;
        }
    }
    return row[width];
}

static float mean_of(float p, float r, float alpha)
{
    if (alpha < 0) {
        float beta = (float)((double)p / ((double)r + 1e-12));
        float numerator = (1 + beta * beta) * r * p, denominator = r + beta * beta * p;
        return denominator > 0 ? numerator / denominator : 0;
    }
    float denominator = alpha * r + (1 - alpha) * p;
    return denominator > 0 ? p * r / denominator : denominator;
}

static enum code rouge_run(struct op_call *call, struct error *err)
{
    const struct tensor *splits[2] = {call->in[HYPOTHESIS_SPLITS], call->in[REFERENCE_SPLITS]};
    int32_t *row;
    enum code code = check_rouge(call, err);
    if (code)
        return code;
    int64_t n = tensor_elements(splits[0]) - 1;
    struct shape shape = shape_vector(n);
    for (int i = 0; !code && i < 3; i++)
        code = op_call_alloc(call, i, &shape, err);
    if (!code)
        code = kernel_array(call, tensor_elements(call->in[REFERENCE]) + 1, sizeof *row, &row, err);
    for (int64_t i = 0; !code && i < n; i++) {
        int64_t from[2] = {tensor_int(splits[0], i), tensor_int(splits[1], i)};
        int64_t to[2] = {tensor_int(splits[0], i + 1), tensor_int(splits[1], i + 1)};
        double common = common_length(call, from, to, row);
        float p = (float)(common / ((double)(float)(to[0] - from[0]) + 1e-12));
        float r = (float)(common / ((double)(float)(to[1] - from[1]) + 1e-12));
        TENSOR_AT(call->out[0], float)[i] = mean_of(p, r, *TENSOR_AT(call->in[ALPHA], float));
        TENSOR_AT(call->out[1], float)[i] = p;
        TENSOR_AT(call->out[2], float)[i] = r;
    }
    return code;
}

const struct op op_RougeL = {
    .name = "RougeL",
    .inputs = "hyp_values:Tvalues hyp_splits:Tsplits ref_values:Tvalues ref_splits:Tsplits "
              "alpha:float",
    .outputs = "f_measure:float p_measure:float r_measure:float",
    .attrs = "Tsplits:index=int64 Tvalues:type",
    .flags = OP_DYNAMIC,
    .types = OP_TYPES_INDEX | OP_TYPE(DTYPE_STRING),
    .types_attr = "Tvalues",
    .run = rouge_run,
};
