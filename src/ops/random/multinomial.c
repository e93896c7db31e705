/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multinomial and StatelessMultinomial: class numbers drawn from rows of unnormalised log
 * probabilities. Each draw looks a uniform number up in the row's running sums. TensorFlow's
 * threads may begin inside a batch elsewhere in the stream; this is what one thread does.
 */
#include <math.h>

#include "ops/math/number.h"
#include "ops/random/generator.h"
#include "ops/random/stateless.h"

static enum code check_samples(const struct op_call *call, int64_t *samples, struct error *err)
{
    const struct tensor *logits = call->in[0], *number = call->in[1];
    char text[SHAPE_TEXT_SIZE];
    if (logits->shape.rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "logits should be a matrix, got shape %s",
                         shape_text(&logits->shape, text));
    if (number->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "num_samples should be a scalar, got shape %s",
                         shape_text(&number->shape, text));
    *samples = *TENSOR_AT(number, int32_t);
    if (*samples < 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "num_samples should be non-negative, got %lld",
                         (long long)*samples);
    if (logits->shape.dims[1] <= 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "num_classes should be positive, got %lld",
                         (long long)logits->shape.dims[1]);
    return CODE_OK;
}

/* The running sums of a row's probabilities, relative to the largest. */
static void sum_up(const struct tensor *logits, int64_t row, double *sums)
{
    int64_t classes = logits->shape.dims[1];
    double most = -INFINITY, total = 0;
    for (int64_t i = 0; i < classes; i++) {
        double value = number_at(logits, row * classes + i);
        most = isfinite(value) && value > most ? value : most;
    }
    for (int64_t i = 0; i < classes; i++) {
        double value = number_at(logits, row * classes + i);
        total += isfinite(value) ? exp(value - most) : 0;
        sums[i] = total;
    }
}

/* How many of the sums are not above `wanted`. */
static int64_t look_up(const double *sums, int64_t count, double wanted)
{
    int64_t low = 0, high = count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (sums[middle] > wanted)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void draw(struct op_call *call, struct philox philox, double *sums)
{
    const struct tensor *logits = call->in[0];
    struct tensor *out = call->out[0];
    int64_t classes = logits->shape.dims[1], samples = out->shape.dims[1];
    struct philox_words words = philox_words_of(philox);
    for (int64_t row = 0; row < out->shape.dims[0]; row++) {
        sum_up(logits, row, sums);
        for (int64_t i = 0; i < samples; i++) {
            uint32_t upper = philox_word(&words), lower = philox_word(&words);
            double wanted = philox_double(upper, lower) * sums[classes - 1];
            int64_t found = look_up(sums, classes, wanted);
            if (out->dtype == DTYPE_INT32)
                TENSOR_AT(out, int32_t)[row * samples + i] = (int32_t)found;
            else
                TENSOR_AT(out, int64_t)[row * samples + i] = found;
        }
    }
}

/* Memory for the output and a row of sums. */
static enum code begin(struct op_call *call, int64_t *samples, double **sums, struct error *err)
{
    enum code code = check_samples(call, samples, err);
    if (code)
        return code;
    struct shape shape = {2, {call->in[0]->shape.dims[0], *samples}};
    code = op_call_alloc(call, 0, &shape, err);
    return code ? code : kernel_array(call, call->in[0]->shape.dims[1], sizeof **sums, sums, err);
}

/* logits [batch, classes], num_samples [] -> output [batch, num_samples]. */
static enum code multinomial_run(struct op_call *call, struct error *err)
{
    int64_t samples;
    double *sums;
    enum code code = begin(call, &samples, &sums, err);
    if (code || !tensor_elements(call->out[0]))
        return code;
    uint64_t reserved = (uint64_t)call->in[0]->shape.dims[0] * ((uint64_t)samples + 3) / 4 * 4 * 2;
    draw(call, generator_reserve(call, reserved * PHILOX_RESERVE_FACTOR), sums);
    return CODE_OK;
}

/* logits [batch, classes], num_samples [], seed [2] -> output [batch, num_samples]. */
static enum code stateless_multinomial_run(struct op_call *call, struct error *err)
{
    int64_t samples;
    double *sums;
    struct philox philox;
    enum code code = stateless_seed(call, 2, &philox, err);
    if (!code)
        code = begin(call, &samples, &sums, err);
    if (!code)
        draw(call, philox, sums);
    return code;
}

const struct op op_Multinomial = {
    .name = "Multinomial",
    .inputs = "logits:T num_samples:int32",
    .outputs = "output:output_dtype",
    .attrs = "seed:int=0 seed2:int=0 T:type output_dtype:index=int64",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .types = OP_TYPES_FLOAT,
    .prepare = generator_prepare,
    .run = multinomial_run,
};

const struct op op_StatelessMultinomial = {
    .name = "StatelessMultinomial",
    .inputs = "logits:T num_samples:int32 seed:Tseed",
    .outputs = "output:output_dtype",
    .attrs = "T:type Tseed:index=int64 output_dtype:index=int64",
    .flags = OP_DYNAMIC,
    .types = OP_TYPES_FLOAT,
    .run = stateless_multinomial_run,
};
