/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generators whose state is a variable (tf.random.Generator): int64 [3], the counter and the key of
 * Philox. Reading and going on is one step under the variable's lock, so that requests at the same
 * time get different numbers.
 */
#include "engine/resource.h"
#include "engine/run.h"
#include "ops/handle.h"
#include "ops/random/distribution.h"
#include "ops/random/generator.h"

enum {
    ALGORITHM_PHILOX = 1,
    ALGORITHM_THREEFRY = 2,
    ALGORITHM_AUTO = 3,
    STATE_SIZE = 3,
};

struct step {
    int64_t algorithm; /* -1: the state's first number says it (StatefulStandardNormal) */
    uint64_t numbers;  /* given away */
    uint64_t before[STATE_SIZE];
};

static enum code check_state(const struct tensor *state, int64_t skip, struct error *err)
{
    if (state->dtype != DTYPE_INT64)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "dtype of RNG state variable must be int64, not %s",
                         dtype_name(state->dtype));
    if (state->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "RNG state must have one and only one dimension, not %d",
                         state->shape.rank);
    if (tensor_elements(state) < skip + STATE_SIZE)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "For the Philox algorithm, the size of state must be at least %lld; got "
                         "%lld",
                         (long long)skip + STATE_SIZE, (long long)tensor_elements(state));
    return CODE_OK;
}

static enum code take_step(struct tensor *state, void *context, struct error *err)
{
    struct step *step = context;
    int64_t skip = step->algorithm < 0;
    if (skip && state->dtype == DTYPE_INT64 && tensor_elements(state) > 0)
        step->algorithm = TENSOR_AT(state, int64_t)[0];
    if (step->algorithm == ALGORITHM_AUTO)
        step->algorithm = ALGORITHM_PHILOX;
    if (step->algorithm != ALGORITHM_PHILOX)
        return error_set(err, CODE_INVALID_ARGUMENT, "Unsupported algorithm id: %lld",
                         (long long)step->algorithm);
    enum code code = check_state(state, skip, err);
    if (code)
        return code;
    uint64_t *words = TENSOR_AT(state, uint64_t) + skip;
    memcpy(step->before, words, sizeof step->before);
    struct philox philox = philox_load(words, words[2]);
    philox_skip(&philox, step->numbers * PHILOX_RESERVE_FACTOR);
    philox_store(&philox, words, &words[2]);
    return CODE_OK;
}

static enum code step_state(struct op_call *call, struct step *step, struct error *err)
{
    struct variable *variable;
    enum code code = handle_variable(call, &variable, err);
    return code ? code : variable_update(variable, take_step, step, err);
}

/* A scalar of the op's input i. */
static enum code read_scalar(const struct op_call *call, int i, int64_t *value, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (call->in[i]->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "input %d (0-based) must have shape [], not %s", i,
                         shape_text(&call->in[i]->shape, text));
    *value = tensor_int(call->in[i], 0);
    return CODE_OK;
}

/* ---- numbers ---- */

static enum code shape_of_2(struct op_call *call, struct error *err)
{
    return distribution_shape(call, 2, err);
}

static enum code shape_of_1(struct op_call *call, struct error *err)
{
    return distribution_shape(call, 1, err);
}

static enum code shape_of_0(struct op_call *call, struct error *err)
{
    return distribution_shape(call, 0, err);
}

static enum code fill(struct op_call *call, enum distribution distribution, bool has_algorithm,
                      struct error *err)
{
    struct step step = {.algorithm = -1, .numbers = (uint64_t)tensor_elements(call->out[0])};
    struct distribution_range range = {0, 0};
    enum code code = has_algorithm ? read_scalar(call, 1, &step.algorithm, err) : CODE_OK;
    if (!code && distribution == DISTRIBUTION_RANGE)
        code = distribution_read_range(call, 3, &range, err);
    if (!code)
        code = step_state(call, &step, err);
    if (!code)
        distribution_fill(distribution, philox_load(step.before, step.before[2]), &range,
                          call->out[0]);
    return code;
}

/* resource, algorithm [], shape (, minval [], maxval []) -> output. */
#define STATE_RUN(name, distribution, has_algorithm)                                               \
    static enum code name##_run(struct op_call *call, struct error *err)                           \
    {                                                                                              \
        return fill(call, distribution, has_algorithm, err);                                       \
    }
STATE_RUN(uniform, DISTRIBUTION_UNIFORM, true)
STATE_RUN(normal, DISTRIBUTION_NORMAL, true)
STATE_RUN(old_normal, DISTRIBUTION_NORMAL, false)
STATE_RUN(truncated, DISTRIBUTION_TRUNCATED_NORMAL, true)
STATE_RUN(range, DISTRIBUTION_RANGE, true)
STATE_RUN(bits, DISTRIBUTION_BITS, true)

/* shape -> output: bits that nobody can tell. */
static enum code ints_run(struct op_call *call, struct error *err)
{
    (void)err;
    struct philox philox = philox_load(
        (uint64_t[]){generator_random_bits(), generator_random_bits()}, generator_random_bits());
    distribution_fill(DISTRIBUTION_BITS, philox, NULL, call->out[0]);
    return CODE_OK;
}

/* ---- the state itself ---- */

static enum code read_step(const struct op_call *call, struct step *step, struct error *err)
{
    int64_t delta = 0;
    enum code code = read_scalar(call, 1, &step->algorithm, err);
    if (!code)
        code = read_scalar(call, 2, &delta, err);
    step->numbers = (uint64_t)delta;
    if (!code && step->algorithm == ALGORITHM_THREEFRY)
        return error_set(err, CODE_UNIMPLEMENTED,
                         "Non-XLA devices don't support the ThreeFry algorithm.");
    return code;
}

static enum code read_and_skip_shape(struct op_call *call, struct error *err)
{
    (void)err;
    struct shape shape = shape_vector(STATE_SIZE);
    op_call_shape(call, 0, &shape);
    return CODE_OK;
}

/* resource, alg [], delta [] -> value [3]: the state before. */
static enum code read_and_skip_run(struct op_call *call, struct error *err)
{
    struct step step = {0};
    enum code code = read_step(call, &step, err);
    if (!code)
        code = step_state(call, &step, err);
    if (!code)
        memcpy(call->out[0]->data, step.before, sizeof step.before);
    return code;
}

/* resource, algorithm [], delta [] -> nothing. */
static enum code skip_run(struct op_call *call, struct error *err)
{
    struct step step = {0};
    enum code code = read_step(call, &step, err);
    return code ? code : step_state(call, &step, err);
}

#define STATE_OP(NAME, INPUTS, ATTRS, TYPES, SHAPE, RUN)                                           \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = INPUTS,                                                                          \
        .outputs = "output:dtype",                                                                 \
        .attrs = ATTRS " shape_dtype:index=int64",                                                 \
        .flags = OP_STATEFUL | OP_WRITES_RESOURCE,                                                 \
        .types = TYPES,                                                                            \
        .types_attr = "dtype",                                                                     \
        .shape = SHAPE,                                                                            \
        .run = RUN,                                                                                \
    };
#define STATE_INPUTS "resource:resource algorithm:int64 shape:shape_dtype"
STATE_OP(StatefulUniform, STATE_INPUTS, "dtype:type=float", OP_TYPES_FLOAT, shape_of_2, uniform_run)
STATE_OP(StatefulStandardNormalV2, STATE_INPUTS, "dtype:type=float", OP_TYPES_FLOAT, shape_of_2,
         normal_run)
STATE_OP(StatefulStandardNormal, "resource:resource shape:shape_dtype", "dtype:type=float",
         OP_TYPES_FLOAT, shape_of_1, old_normal_run)
STATE_OP(StatefulTruncatedNormal, STATE_INPUTS, "dtype:type=float", OP_TYPES_FLOAT, shape_of_2,
         truncated_run)
STATE_OP(StatefulUniformInt, STATE_INPUTS " minval:dtype maxval:dtype", "dtype:type=int64",
         OP_TYPES_INDEX, shape_of_2, range_run)
STATE_OP(StatefulUniformFullInt, STATE_INPUTS, "dtype:type=uint64", DISTRIBUTION_INTEGERS,
         shape_of_2, bits_run)

const struct op op_NonDeterministicInts = {
    .name = "NonDeterministicInts",
    .inputs = "shape:shape_dtype",
    .outputs = "output:dtype",
    .attrs = "dtype:type=int64 shape_dtype:index=int64",
    .flags = OP_STATEFUL,
    .types = DISTRIBUTION_INTEGERS,
    .types_attr = "dtype",
    .shape = shape_of_0,
    .run = ints_run,
};

const struct op op_RngReadAndSkip = {
    .name = "RngReadAndSkip",
    .inputs = "resource:resource alg:int32 delta:uint64",
    .outputs = "value:int64",
    .attrs = "",
    .flags = OP_STATEFUL | OP_WRITES_RESOURCE,
    .shape = read_and_skip_shape,
    .run = read_and_skip_run,
};

const struct op op_RngSkip = {
    .name = "RngSkip",
    .inputs = "resource:resource algorithm:int64 delta:int64",
    .outputs = "",
    .attrs = "",
    .flags = OP_STATEFUL | OP_WRITES_RESOURCE,
    .run = skip_run,
};
