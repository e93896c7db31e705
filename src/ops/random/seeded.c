/* SPDX-License-Identifier: Apache-2.0 */
/* Ops whose stream belongs to the node: RandomUniform and its like, RandomShuffle. */
#include "ops/random/distribution.h"
#include "ops/random/generator.h"

static enum code seeded_shape(struct op_call *call, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (call->in[0]->shape.rank > 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "shape must be a vector of {int32,int64}, got shape %s",
                         shape_text(&call->in[0]->shape, text));
    return distribution_shape(call, 0, err);
}

static enum code fill(struct op_call *call, enum distribution distribution,
                      const struct distribution_range *range)
{
    uint64_t n = (uint64_t)tensor_elements(call->out[0]);
    struct philox philox = generator_reserve(call, n * PHILOX_RESERVE_FACTOR);
    distribution_fill(distribution, philox, range, call->out[0]);
    return CODE_OK;
}

static enum code uniform_run(struct op_call *call, struct error *err)
{
    (void)err;
    return fill(call, DISTRIBUTION_UNIFORM, NULL);
}

static enum code normal_run(struct op_call *call, struct error *err)
{
    (void)err;
    return fill(call, DISTRIBUTION_NORMAL, NULL);
}

static enum code truncated_run(struct op_call *call, struct error *err)
{
    (void)err;
    return fill(call, DISTRIBUTION_TRUNCATED_NORMAL, NULL);
}

/* shape, minval [], maxval [] -> output. */
static enum code uniform_int_run(struct op_call *call, struct error *err)
{
    struct distribution_range range;
    enum code code = CODE_OK;
    if (tensor_elements(call->out[0])) /* else any range will do */
        code = distribution_read_range(call, 1, &range, err);
    return code ? code : fill(call, DISTRIBUTION_RANGE, &range);
}

/* ---- shuffle ---- */

/* value [n, ...] -> output: the rows in another order, by Fisher and Yates. */
static enum code shuffle_run(struct op_call *call, struct error *err)
{
    const struct tensor *value = call->in[0];
    int64_t n = value->shape.rank ? value->shape.dims[0] : 1;
    size_t row = n ? tensor_bytes(value) / (size_t)n : 0;
    int64_t *order;
    enum code code = kernel_array(call, n + 1, sizeof *order, &order, err);
    if (code)
        return code;
    struct philox_words words =
        philox_words_of(generator_reserve(call, ((uint64_t)n + 3) / PHILOX_WORDS));
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    for (int64_t i = 0; i + 1 < n; i++) {
        int64_t k = i + philox_word(&words) % (uint32_t)(n - i);
        int64_t kept = order[i];
        order[i] = order[k];
        order[k] = kept;
    }
    for (int64_t i = 0; i < n; i++)
        memcpy((char *)call->out[0]->data + (size_t)i * row,
               (const char *)value->data + (size_t)order[i] * row, row);
    return CODE_OK;
}

#define SEEDED_OP(NAME, KERNEL_RUN)                                                                \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = "shape:T",                                                                       \
        .outputs = "output:dtype",                                                                 \
        .attrs = "seed:int=0 seed2:int=0 dtype:type T:index",                                      \
        .flags = OP_STATEFUL,                                                                      \
        .types = OP_TYPES_FLOAT,                                                                   \
        .types_attr = "dtype",                                                                     \
        .shape = seeded_shape,                                                                     \
        .prepare = generator_prepare,                                                              \
        .run = KERNEL_RUN,                                                                         \
    };
SEEDED_OP(RandomUniform, uniform_run)
SEEDED_OP(RandomStandardNormal, normal_run)
SEEDED_OP(TruncatedNormal, truncated_run)

const struct op op_RandomUniformInt = {
    .name = "RandomUniformInt",
    .inputs = "shape:T minval:Tout maxval:Tout",
    .outputs = "output:Tout",
    .attrs = "seed:int=0 seed2:int=0 Tout:index T:index",
    .flags = OP_STATEFUL,
    .shape = seeded_shape,
    .prepare = generator_prepare,
    .run = uniform_int_run,
};

const struct op op_RandomShuffle = {
    .name = "RandomShuffle",
    .inputs = "value:T",
    .outputs = "output:T",
    .attrs = "seed:int=0 seed2:int=0 T:type",
    .flags = OP_STATEFUL,
    .prepare = generator_prepare,
    .run = shuffle_run,
};
