/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SimpleMLInferenceOpWithHandle, SimpleMLInferenceOp, SimpleMLInferenceLeafIndexOpWithHandle: a
 * model asked for a batch of examples. Features come sorted by kind: a matrix of numbers, one of
 * booleans and one of categories, with a row for each example, and a ragged tensor of sets:
 * [example, feature, element]. A kind of which the model has no feature may have any number of
 * rows; all others have the batch's.
 */
#include "engine/run.h"
#include "ops/forest/model.h"
#include "ops/kernel.h"

enum {
    NUMBERS,
    BOOLEANS,
    CATEGORIES,
    SET_VALUES,
    SET_BOUNDS,   /* of each set among the values */
    SET_EXAMPLES, /* of each example among the bounds */
    HANDLE,
    ROWS_BETWEEN_CHECKS = 256, /* of the deadline */
};

static const int8_t ranks[] = {2, 2, 2, 1, 1, 1};

/* ---- shapes ---- */

/* Examples that an input has; the bounds of sets have one more. */
static int64_t rows_of(const struct op_call *call, int input)
{
    return call->in[input]->shape.dims[0] - (input == SET_EXAMPLES);
}

/* The batch: what all inputs that are not empty agree on. */
static enum code count_rows(const struct op_call *call, int64_t *rows, struct error *err)
{
    static const int inputs[] = {NUMBERS, BOOLEANS, CATEGORIES, SET_EXAMPLES};
    *rows = 0;
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        int64_t count = rows_of(call, inputs[i]);
        if (count <= 0)
            continue;
        if (*rows && *rows != count)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "The batch size of the input features are inconsistent: %lld vs %lld.",
                             (long long)*rows, (long long)count);
        *rows = count;
    }
    return CODE_OK;
}

static enum code check_ranks(const struct op_call *call, struct error *err)
{
    for (int i = NUMBERS; i <= SET_EXAMPLES; i++) {
        if (call->in[i]->shape.rank != ranks[i])
            return error_set(err, CODE_INVALID_ARGUMENT, "Shape must be rank %d but is rank %d",
                             ranks[i], call->in[i]->shape.rank);
    }
    return CODE_OK;
}

static enum code answer_shape(struct op_call *call, struct error *err)
{
    int64_t rows, outputs = op_attr_int(call, "dense_output_dim");
    enum code code = check_ranks(call, err);
    if (!code)
        code = count_rows(call, &rows, err);
    if (!code && outputs < 1)
        code = error_set(err, CODE_INVALID_ARGUMENT, "dense_output_dim is %lld, not at least 1",
                         (long long)outputs);
    if (code)
        return code;
    struct shape matrix = shape_matrix(rows, outputs), vector = shape_vector(outputs);
    op_call_shape(call, 0, &matrix);
    op_call_shape(call, 1, &vector);
    return CODE_OK;
}

/* ---- inputs ---- */

/* The matrices: as many columns as the model has features of the kind, and a row an example. */
static enum code check_matrices(const struct op_call *call, const struct forest *forest,
                                int64_t rows, struct error *err)
{
    static const char *const banks[] = {"numerical_features", "boolean_features",
                                        "categorical_int_features"};
    for (int i = NUMBERS; i <= CATEGORIES; i++) {
        const struct shape *shape = &call->in[i]->shape;
        int32_t features = forest->feature_counts[i];
        if (shape->dims[1] != features || (features && shape->dims[0] != rows))
            return error_set(err, CODE_INVALID_ARGUMENT, "Unexpected dimension of %s bank.",
                             banks[i]);
    }
    return CODE_OK;
}

/* The ragged tensor: both kinds of bounds are within what they bound and ascend. */
static enum code check_sets(const struct op_call *call, const struct forest *forest, int64_t rows,
                            struct error *err)
{
    const struct tensor *bounds = call->in[SET_BOUNDS];
    const int64_t *examples = TENSOR_AT(call->in[SET_EXAMPLES], int64_t);
    int64_t features = forest->feature_counts[FOREST_SET], last = 0, sets;
    if (!features || !rows)
        return CODE_OK;
    if (rows_of(call, SET_EXAMPLES) != rows)
        return error_set(err, CODE_INTERNAL, "Unexpected features_row_splits_dim_2 size.");
    if (__builtin_mul_overflow(rows, features, &sets) || tensor_elements(bounds) <= sets)
        return error_set(err, CODE_INTERNAL, "Unexpected features_row_splits_dim_1 size.");
    for (int64_t i = 0; i <= rows; i++) {
        if (examples[i] != i * features)
            return error_set(err, CODE_INTERNAL, "Unexpected features_row_splits_dim_2 size.");
    }
    for (int64_t i = 0; i <= sets; i++) {
        int64_t bound = TENSOR_AT(bounds, int64_t)[i];
        if (bound < last || bound > tensor_elements(call->in[SET_VALUES]))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "features_row_splits_dim_1[%lld] = %lld is out of order or range",
                             (long long)i, (long long)bound);
        last = bound;
    }
    return CODE_OK;
}

/* The forest of a model, and the batch, checked against each other. */
static enum code begin(const struct op_call *call, struct forest_model *model,
                       const struct forest **forest, int64_t *rows, struct error *err)
{
    *forest = atomic_load_explicit(&model->loaded, memory_order_acquire);
    if (!*forest)
        return error_set(err, CODE_FAILED_PRECONDITION,
                         "The model of node %.*s has not been loaded.", SPAN_ARG(call->node->name));
    enum code code = check_ranks(call, err);
    if (!code)
        code = count_rows(call, rows, err);
    if (!code)
        code = check_matrices(call, *forest, *rows, err);
    return code ? code : check_sets(call, *forest, *rows, err);
}

static struct forest_row row_of(const struct op_call *call, const struct forest *forest, int64_t i)
{
    const int32_t *counts = forest->feature_counts;
    return (struct forest_row){
        .numbers = TENSOR_AT(call->in[NUMBERS], float) + i * counts[FOREST_NUMBER],
        .booleans = TENSOR_AT(call->in[BOOLEANS], float) + i * counts[FOREST_BOOLEAN],
        .categories = TENSOR_AT(call->in[CATEGORIES], int32_t) + i * counts[FOREST_CATEGORY],
        .set_bounds = TENSOR_AT(call->in[SET_BOUNDS], int64_t) + i * counts[FOREST_SET],
        .set_values = TENSOR_AT(call->in[SET_VALUES], int32_t),
    };
}

/* ---- answers ---- */

static enum code answer(struct op_call *call, struct forest_model *model, struct error *err)
{
    const struct forest *forest;
    int64_t rows, outputs = call->out[1]->shape.dims[0];
    enum code code = begin(call, model, &forest, &rows, err);
    if (!code && outputs != forest->outputs)
        code = error_set(err, CODE_INVALID_ARGUMENT,
                         "The \"dense_output_dim\"=%lld attribute does not match the model output "
                         "dimension=%d",
                         (long long)outputs, forest->outputs);
    if (code)
        return code;
    memcpy(call->out[1]->data, forest->labels, (size_t)outputs * sizeof *forest->labels);
    float *to = TENSOR_AT(call->out[0], float);
    for (int64_t i = 0; !code && i < rows; i++, to += outputs) {
        struct forest_row row = row_of(call, forest, i);
        forest_answer(forest, &row, to);
        if (i % ROWS_BETWEEN_CHECKS == ROWS_BETWEEN_CHECKS - 1)
            code = run_check(call->run, err);
    }
    return code;
}

static enum code with_handle_run(struct op_call *call, struct error *err)
{
    struct forest_model *model;
    enum code code = forest_model_of(call, call->in[HANDLE], &model, err);
    return code ? code : answer(call, model, err);
}

static enum code identified_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    struct span *identifier = ARENA_NEW(call->arena, struct span);
    *identifier = op_attr_string(call, "model_identifier");
    call->state = identifier;
    return CODE_OK;
}

static enum code identified_run(struct op_call *call, struct error *err)
{
    const struct span *identifier = call->state;
    return answer(call, forest_model_identified(call->run->resources, *identifier), err);
}

static enum code leaves_run(struct op_call *call, struct error *err)
{
    struct forest_model *model;
    const struct forest *forest;
    int64_t rows;
    enum code code = forest_model_of(call, call->in[HANDLE], &model, err);
    if (!code)
        code = begin(call, model, &forest, &rows, err);
    if (code)
        return code;
    struct shape shape = shape_matrix(rows, forest->tree_count);
    code = op_call_alloc(call, 0, &shape, err);
    for (int64_t i = 0; !code && i < rows; i++) {
        struct forest_row row = row_of(call, forest, i);
        forest_leaves(forest, &row, TENSOR_AT(call->out[0], int32_t) + i * forest->tree_count);
        if (i % ROWS_BETWEEN_CHECKS == ROWS_BETWEEN_CHECKS - 1)
            code = run_check(call->run, err);
    }
    return code;
}

#define FEATURES                                                                                   \
    "numerical_features:float boolean_features:float categorical_int_features:int32 "              \
    "categorical_set_int_features_values:int32 "                                                   \
    "categorical_set_int_features_row_splits_dim_1:int64 "                                         \
    "categorical_set_int_features_row_splits_dim_2:int64"

#define ANSWERS "dense_predictions:float dense_col_representation:string"

const struct op op_SimpleMLInferenceOpWithHandle = {
    .name = "SimpleMLInferenceOpWithHandle",
    .inputs = FEATURES " model_handle:resource",
    .outputs = ANSWERS,
    .attrs = "dense_output_dim:int",
    .flags = OP_STATEFUL,
    .shape = answer_shape,
    .run = with_handle_run,
};

const struct op op_SimpleMLInferenceOp = {
    .name = "SimpleMLInferenceOp",
    .inputs = FEATURES,
    .outputs = ANSWERS,
    .attrs = "model_identifier:string dense_output_dim:int",
    .flags = OP_STATEFUL,
    .shape = answer_shape,
    .prepare = identified_prepare,
    .run = identified_run,
};

const struct op op_SimpleMLInferenceLeafIndexOpWithHandle = {
    .name = "SimpleMLInferenceLeafIndexOpWithHandle",
    .inputs = FEATURES " model_handle:resource",
    .outputs = "leaves:int32",
    .attrs = "",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = leaves_run,
};
