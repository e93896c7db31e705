/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CTCGreedyDecoder: the best class of each step of each sequence, repetitions merged if asked for,
 * blanks left out, as a sparse matrix; with the negated sum of the best scores.
 */
#include "ops/signal/ctc.h"

#include "ops/kernel.h"

static enum code check_lengths(const struct ctc *c, const struct tensor *lengths, struct error *err)
{
    if (lengths->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "sequence_length is not a vector");
    if (lengths->shape.dims[0] != c->batch)
        return error_set(err, CODE_FAILED_PRECONDITION,
                         "len(sequence_length) != batch_size.  len(sequence_length):  %lld "
                         "batch_size: %lld",
                         (long long)lengths->shape.dims[0], (long long)c->batch);
    for (int64_t b = 0; b < c->batch; b++) {
        if (TENSOR_AT(lengths, int32_t)[b] > c->time)
            return error_set(err, CODE_FAILED_PRECONDITION, "sequence_length(%lld) <= %lld",
                             (long long)b, (long long)c->time);
    }
    return CODE_OK;
}

enum code ctc_begin(const struct op_call *call, struct ctc *c, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    if (in->rank != 3)
        return error_set(err, CODE_INVALID_ARGUMENT, "inputs is not a 3-Tensor");
    if (!tensor_elements(call->in[0]))
        return error_set(err, CODE_INVALID_ARGUMENT, "inputs must not be empty");
    *c = (struct ctc){call->in[0], in->dims[0], in->dims[1], in->dims[2], in->dims[2] - 1, false};
    c->merges = op_attr_bool(call, "merge_repeated");
    return check_lengths(c, call->in[1], err);
}

static enum code choose_blank(const struct op_call *call, struct ctc *c, struct error *err)
{
    int64_t blank = op_attr_int(call, "blank_index");
    c->blank = blank < 0 ? c->classes + blank : blank;
    if (c->blank >= 0 && c->blank < c->classes)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "blank_index expected to be between %lld and %lld but was %lld",
                     (long long)-c->classes, (long long)c->classes - 1, (long long)blank);
}

double ctc_score(const struct ctc *c, int64_t i)
{
    return c->inputs->dtype == DTYPE_FLOAT ? (double)TENSOR_AT(c->inputs, float)[i]
                                           : TENSOR_AT(c->inputs, double)[i];
}

void ctc_put_score(struct tensor *out, int64_t i, double score)
{
    if (out->dtype == DTYPE_FLOAT)
        TENSOR_AT(out, float)[i] = (float)score;
    else
        TENSOR_AT(out, double)[i] = score;
}

/* The classes of one sequence go to `classes`; *sum becomes the negated sum of their scores, in the
 * inputs' precision. */
static int64_t decode(const struct ctc *c, int64_t b, int64_t length, int64_t *classes, double *sum)
{
    int64_t count = 0, previous = -1;
    *sum = 0;
    for (int64_t t = 0; t < length; t++) {
        int64_t row = (t * c->batch + b) * c->classes, best = 0;
        for (int64_t i = 1; i < c->classes; i++)
            best = ctc_score(c, row + i) > ctc_score(c, row + best) ? i : best;
        *sum -= ctc_score(c, row + best);
        if (c->inputs->dtype == DTYPE_FLOAT)
            *sum = (double)(float)*sum;
        if (best != c->blank && !(c->merges && best == previous))
            classes[count++] = best;
        previous = best;
    }
    return count;
}

enum code ctc_give(struct op_call *call, const struct ctc *c, struct ctc_decoded decoded,
                   struct ctc_outputs outputs, struct error *err)
{
    int64_t total = 0, longest = 0;
    for (int64_t b = 0; b < c->batch; b++) {
        total += decoded.counts[b];
        longest = decoded.counts[b] > longest ? decoded.counts[b] : longest;
    }
    struct shape indices = {2, {total, 2}}, values = shape_vector(total), pair = shape_vector(2);
    enum code code = op_call_alloc(call, outputs.indices, &indices, err);
    if (!code)
        code = op_call_alloc(call, outputs.values, &values, err);
    if (!code)
        code = op_call_alloc(call, outputs.shape, &pair, err);
    if (code)
        return code;
    int64_t *place = call->out[outputs.indices]->data, *value = call->out[outputs.values]->data;
    for (int64_t b = 0; b < c->batch; b++) {
        for (int64_t i = 0; i < decoded.counts[b]; i++) {
            *place++ = b;
            *place++ = i;
            *value++ = decoded.classes[b * decoded.stride + i];
        }
    }
    TENSOR_AT(call->out[outputs.shape], int64_t)[0] = c->batch;
    TENSOR_AT(call->out[outputs.shape], int64_t)[1] = longest;
    return CODE_OK;
}

/* inputs [time, batch, classes], sequence_length [batch] -> decoded_indices [n, 2], decoded_values
 * [n], decoded_shape [2], log_probability [batch, 1]. */
static enum code greedy_run(struct op_call *call, struct error *err)
{
    struct ctc c;
    int64_t *classes, *counts;
    enum code code = ctc_begin(call, &c, err);
    if (!code)
        code = choose_blank(call, &c, err);
    if (code)
        return code;
    struct shape scores = {2, {c.batch, 1}};
    code = op_call_alloc(call, 3, &scores, err);
    if (!code)
        code = kernel_array(call, c.time * c.batch, sizeof *classes, &classes, err);
    if (!code)
        code = kernel_array(call, c.batch, sizeof *counts, &counts, err);
    for (int64_t b = 0; !code && b < c.batch; b++) {
        double sum;
        counts[b] = decode(&c, b, TENSOR_AT(call->in[1], int32_t)[b], classes + b * c.time, &sum);
        ctc_put_score(call->out[3], b, sum);
    }
    if (code)
        return code;
    return ctc_give(call, &c, (struct ctc_decoded){classes, counts, c.time},
                    (struct ctc_outputs){0, 1, 2}, err);
}

const struct op op_CTCGreedyDecoder = {
    .name = "CTCGreedyDecoder",
    .inputs = "inputs:T sequence_length:int32",
    .outputs = "decoded_indices:int64 decoded_values:int64 decoded_shape:int64 log_probability:T",
    .attrs = "merge_repeated:bool=false blank_index:int=-1 T:type=float",
    .flags = OP_DYNAMIC,
    .types = OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE),
    .run = greedy_run,
};
