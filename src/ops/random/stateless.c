/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ops whose numbers follow from their inputs alone: a seed of two numbers (the first versions), or
 * a key, a counter and an algorithm (V2), which StatelessRandomGetKeyCounter makes of a seed.
 * Philox is the algorithm; it is what TensorFlow chooses on a CPU, too.
 */
#include "ops/random/stateless.h"

#include "ops/random/distribution.h"

enum {
    ALGORITHM_PHILOX = 1,
    ALGORITHM_AUTO = 3,
};

enum code stateless_seed(const struct op_call *call, int i, struct philox *philox,
                         struct error *err)
{
    const struct tensor *seed = call->in[i];
    char text[SHAPE_TEXT_SIZE];
    if (seed->shape.rank != 1 || seed->shape.dims[0] != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "seed must have shape [2], not %s",
                         shape_text(&seed->shape, text));
    uint64_t seeds[2] = {(uint64_t)tensor_int(seed, 0), (uint64_t)tensor_int(seed, 1)};
    uint32_t mix[PHILOX_WORDS];
    *philox = philox_load(seeds, UINT64_C(0x02461e293ec8f720));
    philox_next(philox, mix);
    *philox = (struct philox){{0, 0, mix[2], mix[3]}, {mix[0], mix[1]}};
    return CODE_OK;
}

static enum code stateless_shape(struct op_call *call, struct error *err)
{
    return distribution_shape(call, 0, err);
}

/* shape, seed [2] (, minval [], maxval []) -> output. */
static enum code fill_by_seed(struct op_call *call, enum distribution distribution,
                              struct error *err)
{
    struct philox philox;
    struct distribution_range range = {0, 0};
    enum code code = stateless_seed(call, 1, &philox, err);
    bool empty = tensor_elements(call->out[0]) == 0; /* then any range will do */
    if (!code && distribution == DISTRIBUTION_RANGE && !empty)
        code = distribution_read_range(call, 2, &range, err);
    if (!code)
        distribution_fill(distribution, philox, &range, call->out[0]);
    return code;
}

enum code stateless_key(const struct op_call *call, int first, struct philox *philox,
                        struct error *err)
{
    const struct tensor *key = call->in[first], *counter = call->in[first + 1];
    const struct tensor *algorithm = call->in[first + 2];
    char text[SHAPE_TEXT_SIZE];
    if (algorithm->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "input %d (0-based) must have shape [], not %s", first + 2,
                         shape_text(&algorithm->shape, text));
    int64_t number = tensor_int(algorithm, 0);
    if (key->shape.rank != 1 || key->shape.dims[0] != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "key must have shape [1], not %s. (Note that batched keys are not "
                         "supported yet.)",
                         shape_text(&key->shape, text));
    if (number == ALGORITHM_AUTO)
        number = ALGORITHM_PHILOX;
    /* TensorFlow takes the algorithm's number for the least length. */
    if (counter->shape.rank != 1 || counter->shape.dims[0] < number)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "counter must be a vector with length at least %lld; got shape: %s. (Note "
                         "that batched counters are not supported yet.)",
                         (long long)number, shape_text(&counter->shape, text));
    if (number != ALGORITHM_PHILOX)
        return error_set(err, CODE_INVALID_ARGUMENT, "Unsupported algorithm id: %lld",
                         (long long)number);
    if (counter->shape.dims[0] < 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "the counter of the Philox algorithm has 2 numbers, not %lld",
                         (long long)counter->shape.dims[0]);
    *philox = philox_load(counter->data, *TENSOR_AT(key, uint64_t));
    return CODE_OK;
}

/* shape, key [1], counter [2], alg [] (, minval [], maxval []) -> output. */
static enum code fill_by_key(struct op_call *call, enum distribution distribution,
                             struct error *err)
{
    struct philox philox;
    struct distribution_range range = {0, 0};
    enum code code = stateless_key(call, 1, &philox, err);
    bool empty = tensor_elements(call->out[0]) == 0;
    if (!code && distribution == DISTRIBUTION_RANGE && !empty)
        code = distribution_read_range(call, 4, &range, err);
    if (!code)
        distribution_fill(distribution, philox, &range, call->out[0]);
    return code;
}

#define STATELESS_RUN(name, distribution)                                                          \
    static enum code name##_run(struct op_call *call, struct error *err)                           \
    {                                                                                              \
        return fill_by_seed(call, distribution, err);                                              \
    }                                                                                              \
    static enum code name##_v2_run(struct op_call *call, struct error *err)                        \
    {                                                                                              \
        return fill_by_key(call, distribution, err);                                               \
    }
STATELESS_RUN(uniform, DISTRIBUTION_UNIFORM)
STATELESS_RUN(normal, DISTRIBUTION_NORMAL)
STATELESS_RUN(truncated, DISTRIBUTION_TRUNCATED_NORMAL)
STATELESS_RUN(range, DISTRIBUTION_RANGE)
STATELESS_RUN(bits, DISTRIBUTION_BITS)

/* ---- keys ---- */

static enum code key_shape(struct op_call *call, struct error *err)
{
    (void)err;
    struct shape key = shape_vector(1), counter = shape_vector(2), scalar = shape_scalar();
    op_call_shape(call, 0, &key);
    op_call_shape(call, 1, &counter);
    if (call->out_count > 2)
        op_call_shape(call, 2, &scalar);
    return CODE_OK;
}

/* seed [2] -> key [1], counter [2] (, alg []). */
static enum code key_run(struct op_call *call, struct error *err)
{
    struct philox philox;
    enum code code = stateless_seed(call, 0, &philox, err);
    if (code)
        return code;
    philox_store(&philox, call->out[1]->data, call->out[0]->data);
    if (call->out_count > 2)
        *TENSOR_AT(call->out[2], int32_t) = ALGORITHM_PHILOX;
    return CODE_OK;
}

/* -> alg []. */
static enum code algorithm_run(struct op_call *call, struct error *err)
{
    (void)err;
    *TENSOR_AT(call->out[0], int32_t) = ALGORITHM_PHILOX;
    return CODE_OK;
}

/* ---- the ops ---- */

#define SEED_OP(NAME, INPUTS, ATTRS, TYPES, RUN)                                                   \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = INPUTS,                                                                          \
        .outputs = "output:dtype",                                                                 \
        .attrs = ATTRS,                                                                            \
        .types = TYPES,                                                                            \
        .types_attr = "dtype",                                                                     \
        .shape = stateless_shape,                                                                  \
        .run = RUN,                                                                                \
    };
#define SEED_ATTRS "T:index=int32 Tseed:index=int64"
SEED_OP(StatelessRandomUniform, "shape:T seed:Tseed", "dtype:type=float " SEED_ATTRS,
        OP_TYPES_FLOAT, uniform_run)
SEED_OP(StatelessRandomNormal, "shape:T seed:Tseed", "dtype:type=float " SEED_ATTRS, OP_TYPES_FLOAT,
        normal_run)
SEED_OP(StatelessTruncatedNormal, "shape:T seed:Tseed", "dtype:type=float " SEED_ATTRS,
        OP_TYPES_FLOAT, truncated_run)
SEED_OP(StatelessRandomUniformInt, "shape:T seed:Tseed minval:dtype maxval:dtype",
        "dtype:type T:index Tseed:index=int64", OP_TYPES_INDEX, range_run)
SEED_OP(StatelessRandomUniformFullInt, "shape:T seed:Tseed",
        "dtype:type=uint64 T:index=int32 Tseed:integer=int64", DISTRIBUTION_INTEGERS, bits_run)

#define KEY_INPUTS "shape:Tshape key:uint64 counter:uint64 alg:int32"
SEED_OP(StatelessRandomUniformV2, KEY_INPUTS, "dtype:type=float Tshape:index=int32", OP_TYPES_FLOAT,
        uniform_v2_run)
SEED_OP(StatelessRandomNormalV2, KEY_INPUTS, "dtype:type=float Tshape:index=int32", OP_TYPES_FLOAT,
        normal_v2_run)
SEED_OP(StatelessTruncatedNormalV2, KEY_INPUTS, "dtype:type=float Tshape:index=int32",
        OP_TYPES_FLOAT, truncated_v2_run)
SEED_OP(StatelessRandomUniformIntV2, KEY_INPUTS " minval:dtype maxval:dtype",
        "dtype:type Tshape:index=int32", DISTRIBUTION_INTEGERS, range_v2_run)
SEED_OP(StatelessRandomUniformFullIntV2, KEY_INPUTS, "dtype:type=uint64 Tshape:index=int32",
        DISTRIBUTION_INTEGERS, bits_v2_run)

const struct op op_StatelessRandomGetKeyCounter = {
    .name = "StatelessRandomGetKeyCounter",
    .inputs = "seed:Tseed",
    .outputs = "key:uint64 counter:uint64",
    .attrs = "Tseed:index=int64",
    .shape = key_shape,
    .run = key_run,
};

const struct op op_StatelessRandomGetKeyCounterAlg = {
    .name = "StatelessRandomGetKeyCounterAlg",
    .inputs = "seed:Tseed",
    .outputs = "key:uint64 counter:uint64 alg:int32",
    .attrs = "Tseed:index=int64",
    .shape = key_shape,
    .run = key_run,
};

const struct op op_StatelessRandomGetAlg = {
    .name = "StatelessRandomGetAlg",
    .inputs = "",
    .outputs = "alg:int32",
    .attrs = "",
    .shape = kernel_shape_scalar,
    .run = algorithm_run,
};
