/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A forest's files but its nodes: header.pb says what the model is and which columns it takes,
 * data_spec.pb what the columns are, and a header of its own for each kind of model how the trees
 * add up. What is not served is refused by name.
 */
#include "base/file.h"
#include "ops/forest/build.h"
#include "wire/messages.h"

enum code forest_read_file(const struct forest_source *source, const char *name,
                           struct arena *arena, struct span *bytes, struct error *err)
{
    return file_read(arena_printf(arena, "%s%s%s", source->folder, source->prefix, name), arena,
                     bytes, err);
}

enum code forest_file_error(const struct forest_source *source, const char *name, enum code code,
                            struct error *err)
{
    error_prefix(err, "%s%s%s: ", source->folder, source->prefix, name);
    return code;
}

/* A cleared array whose length a file decides. */
static enum code take(struct arena *arena, size_t count, size_t size, void *array,
                      struct error *err)
{
    void *memory = arena_try_calloc(arena, count, size);
    if (!memory)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "out of memory");
    *(void **)array = memory;
    return CODE_OK;
}

static const char *name_of(const struct pb_enum *type, int32_t number)
{
    const char *name = pb_enum_name(type, number);
    return name ? name : "(unknown)";
}

static enum code read_message(struct forest_build *build, const char *name,
                              const struct pb_message *type, void *message, struct error *err)
{
    struct span bytes;
    enum code code = build->source->read(build->source, name, build->scratch, &bytes, err);
    if (code)
        return code;
    code = pb_decode(type, bytes, build->scratch, message, err);
    return code ? forest_file_error(build->source, name, code, err) : CODE_OK;
}

/* ---- random forests ---- */

static const char random_forest_file[] = "random_forest_header.pb";

static enum code check_random_forest(const struct forest_build *build, int64_t trees,
                                     struct error *err)
{
    if (trees < 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "the random forest has no trees");
    if (build->task != PB_TASK_REGRESSION && build->task != PB_TASK_CLASSIFICATION)
        return error_set(err, CODE_UNIMPLEMENTED, "a random forest for the task %s",
                         name_of(&pb_task_enum, build->task));
    return CODE_OK;
}

static enum code read_random_forest(struct forest_build *build, struct error *err)
{
    struct pb_random_forest_header header;
    enum code code =
        read_message(build, random_forest_file, &pb_random_forest_header_type, &header, err);
    if (code)
        return code;
    code = check_random_forest(build, header.num_trees, err);
    if (code)
        return forest_file_error(build->source, random_forest_file, code, err);
    build->tree_count = header.num_trees;
    build->shard_count = header.num_node_shards;
    build->node_format = header.node_format;
    build->scale = 1.0f / (float)header.num_trees;
    build->vote = FOREST_VALUE;
    if (build->task == PB_TASK_REGRESSION)
        return CODE_OK;
    bool winner = !header.has_winner_take_all_inference || header.winner_take_all_inference;
    build->vote = winner ? FOREST_WINNER : FOREST_SHARES;
    build->forest->sums = build->classes == 2 ? 1 : build->classes;
    return CODE_OK;
}

/* ---- gradient boosted trees ---- */

static const char boosted_file[] = "gradient_boosted_trees_header.pb";

#define TASK(name) (1u << PB_TASK_##name)

/* What losses train for; the trees give logits, the link makes them what the task wants. */
static const struct loss {
    int32_t loss;
    unsigned tasks; /* bits of enum pb_task */
    enum forest_link link;
    bool each_class; /* a sum for each class, else one */
} losses[] = {
    {PB_LOSS_BINOMIAL_LOG_LIKELIHOOD, TASK(CLASSIFICATION), FOREST_LOGISTIC, false},
    {PB_LOSS_BINARY_FOCAL_LOSS, TASK(CLASSIFICATION), FOREST_LOGISTIC, false},
    {PB_LOSS_MULTINOMIAL_LOG_LIKELIHOOD, TASK(CLASSIFICATION), FOREST_SOFTMAX, true},
    {PB_LOSS_SQUARED_ERROR, TASK(REGRESSION) | TASK(RANKING), FOREST_IDENTITY, false},
    {PB_LOSS_MEAN_AVERAGE_ERROR, TASK(REGRESSION), FOREST_IDENTITY, false},
    {PB_LOSS_POISSON, TASK(REGRESSION), FOREST_EXPONENTIAL, false},
    {PB_LOSS_LAMBDA_MART_NDCG5, TASK(RANKING), FOREST_IDENTITY, false},
    {PB_LOSS_LAMBDA_MART_NDCG, TASK(RANKING), FOREST_IDENTITY, false},
    {PB_LOSS_XE_NDCG_MART, TASK(RANKING), FOREST_IDENTITY, false},
};

static enum code find_loss(const struct forest_build *build, int32_t number,
                           const struct loss **loss, struct error *err)
{
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        *loss = &losses[i];
        bool fits = build->task >= 0 && build->task < 32 && losses[i].tasks >> build->task & 1;
        if (losses[i].loss == number && fits)
            return CODE_OK;
    }
    return error_set(err, CODE_UNIMPLEMENTED,
                     "gradient boosted trees for the task %s with the loss %s (%d)",
                     name_of(&pb_task_enum, build->task), name_of(&pb_loss_enum, number), number);
}

static enum code check_boosted(const struct forest_build *build,
                               const struct pb_gradient_boosted_trees_header *header,
                               const struct loss *loss, struct error *err)
{
    int32_t sums = loss->each_class ? build->classes : 1;
    int32_t per_turn = header->has_num_trees_per_iter ? header->num_trees_per_iter : 1;
    if (loss->link == FOREST_LOGISTIC && build->classes != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "the loss %s with %d classes",
                         name_of(&pb_loss_enum, loss->loss), build->classes);
    if (per_turn != sums || header->num_trees % sums)
        return error_set(err, CODE_INVALID_ARGUMENT, "%lld trees, %d a turn, for %d sums",
                         (long long)header->num_trees, per_turn, sums);
    if (header->initial_predictions.count != (size_t)sums)
        return error_set(err, CODE_INVALID_ARGUMENT, "%zu initial predictions for %d sums",
                         header->initial_predictions.count, sums);
    return CODE_OK;
}

static enum code read_boosted(struct forest_build *build, struct error *err)
{
    struct pb_gradient_boosted_trees_header header;
    const struct loss *loss;
    enum code code =
        read_message(build, boosted_file, &pb_gradient_boosted_trees_header_type, &header, err);
    if (code)
        return code;
    code = find_loss(build, header.loss, &loss, err);
    if (!code)
        code = check_boosted(build, &header, loss, err);
    if (code)
        return forest_file_error(build->source, boosted_file, code, err);
    build->tree_count = header.num_trees;
    build->shard_count = header.num_node_shards;
    build->node_format = header.node_format;
    build->vote = FOREST_VALUE;
    build->scale = 1;
    build->forest->sums = loss->each_class ? build->classes : 1;
    build->forest->link = header.output_logits ? FOREST_IDENTITY : loss->link;
    /* Those of several classes are zero, and Yggdrasil does not look at them. */
    build->forest->initial = loss->each_class ? 0 : pb_get_float(header.initial_predictions, 0);
    return CODE_OK;
}

static const struct model_kind {
    const char *name;
    enum code (*read)(struct forest_build *build, struct error *err);
} model_kinds[] = {
    {"RANDOM_FOREST", read_random_forest},
    {"GRADIENT_BOOSTED_TREES", read_boosted},
};

/* ---- columns ---- */

/* By enum pb_column_type; what is not here is no feature. */
static const struct {
    bool served;
    enum forest_feature feature;
} features[] = {
    [PB_COLUMN_TYPE_NUMERICAL] = {true, FOREST_NUMBER},
    [PB_COLUMN_TYPE_CATEGORICAL] = {true, FOREST_CATEGORY},
    [PB_COLUMN_TYPE_CATEGORICAL_SET] = {true, FOREST_SET},
    [PB_COLUMN_TYPE_BOOLEAN] = {true, FOREST_BOOLEAN},
    [PB_COLUMN_TYPE_DISCRETIZED_NUMERICAL] = {true, FOREST_NUMBER},
};

static enum code read_boundaries(struct forest_build *build, const struct pb_column *in,
                                 struct forest_column *column, struct error *err)
{
    struct pb_floats boundaries = in->discretized_numerical->boundaries;
    float *copy;
    enum code code = take(build->scratch, boundaries.count, sizeof *copy, &copy, err);
    if (code)
        return code;
    column->boundaries = copy;
    column->boundary_count = boundaries.count;
    for (size_t i = 0; i < boundaries.count; i++) {
        copy[i] = pb_get_float(boundaries, i);
        if (i && !(copy[i] >= copy[i - 1]))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "the boundaries of column \"%.*s\" are not in ascending order",
                             SPAN_ARG(in->name));
    }
    return CODE_OK;
}

static enum code read_column(struct forest_build *build, const struct pb_column *in,
                             struct forest_column *column, struct error *err)
{
    *column = (struct forest_column){.type = in->type, .slot = -1};
    if (in->categorical) {
        int64_t limit = in->categorical->number_of_unique_values;
        if (limit < 0 || limit > INT32_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT, "column \"%.*s\" has %lld categories",
                             SPAN_ARG(in->name), (long long)limit);
        column->limit = (int32_t)limit;
    }
    return in->discretized_numerical ? read_boundaries(build, in, column, err) : CODE_OK;
}

static enum code read_columns(struct forest_build *build, const struct pb_data_specification *spec,
                              struct error *err)
{
    build->column_count = spec->columns.count;
    enum code code =
        take(build->scratch, spec->columns.count, sizeof *build->columns, &build->columns, err);
    for (size_t i = 0; !code && i < spec->columns.count; i++)
        code = read_column(build, &spec->columns.items[i], &build->columns[i], err);
    return code;
}

/* ---- inputs ---- */

static enum code add_input(struct forest_build *build, const struct pb_data_specification *spec,
                           int32_t number, struct error *err)
{
    if (number < 0 || (size_t)number >= build->column_count)
        return error_set(err, CODE_INVALID_ARGUMENT, "input feature %d of %zu columns", number,
                         build->column_count);
    struct forest_column *column = &build->columns[number];
    bool served = column->type >= 0 && (size_t)column->type < sizeof features / sizeof *features &&
                  features[column->type].served;
    if (!served)
        return error_set(err, CODE_UNIMPLEMENTED,
                         "Non supported feature type \"%s\" for feature \"%.*s\".",
                         name_of(&pb_column_type_enum, column->type),
                         SPAN_ARG(spec->columns.items[number].name));
    if (column->slot >= 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "input feature %d is there twice", number);
    column->feature = features[column->type].feature;
    bool category = column->feature == FOREST_CATEGORY || column->feature == FOREST_SET;
    if (category && column->limit < 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "input feature %d has no categories", number);
    column->slot = build->forest->feature_counts[column->feature]++;
    return CODE_OK;
}

static enum code keep_limits(struct forest_build *build, enum forest_feature feature,
                             struct error *err)
{
    int32_t *limits;
    enum code code = take(build->arena, (size_t)build->forest->feature_counts[feature],
                          sizeof *limits, &limits, err);
    if (code)
        return code;
    for (size_t i = 0; i < build->column_count; i++) {
        const struct forest_column *column = &build->columns[i];
        if (column->slot >= 0 && column->feature == feature)
            limits[column->slot] = column->limit;
    }
    build->forest->limits[feature] = limits;
    return CODE_OK;
}

static enum code read_inputs(struct forest_build *build, const struct pb_data_specification *spec,
                             struct pb_int32s inputs, struct error *err)
{
    enum code code = CODE_OK;
    for (size_t i = 0; !code && i < inputs.count; i++)
        code = add_input(build, spec, pb_get_int32(inputs, i), err);
    if (!code)
        code = keep_limits(build, FOREST_CATEGORY, err);
    return code ? code : keep_limits(build, FOREST_SET, err);
}

/* ---- outputs ---- */

static enum code read_classes(struct forest_build *build, struct error *err)
{
    if (build->task != PB_TASK_CLASSIFICATION)
        return CODE_OK;
    if (build->label < 0 || (size_t)build->label >= build->column_count)
        return error_set(err, CODE_INVALID_ARGUMENT, "label %d of %zu columns", build->label,
                         build->column_count);
    const struct forest_column *column = &build->columns[build->label];
    build->classes = column->limit - 1;
    if (column->type != PB_COLUMN_TYPE_CATEGORICAL || build->classes < 1 ||
        build->classes > FOREST_CLASSES_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "the label is of type %s with %d classes, not categorical with 1 to %d",
                         name_of(&pb_column_type_enum, column->type), build->classes,
                         FOREST_CLASSES_MAX);
    return CODE_OK;
}

/* The names of classes 1 .. count. */
static void name_classes(struct forest_build *build, const struct pb_categorical_spec *spec,
                         struct span *labels)
{
    for (size_t i = 0; !spec->is_already_integerized && i < spec->items.count; i++) {
        const struct pb_categorical_spec_item *item = &spec->items.items[i];
        int64_t index = item->value ? item->value->index : 0;
        if (index >= 1 && index <= build->classes && !labels[index - 1].ptr)
            labels[index - 1] = arena_copy(build->arena, item->key);
    }
    for (int32_t i = 0; i < build->classes; i++) {
        if (labels[i].ptr)
            continue;
        const char *name = spec->is_already_integerized
                               ? arena_printf(build->arena, "%d", i + 1)
                               : arena_printf(build->arena, "NA(%d)", i + 1);
        labels[i] = span_of(name);
    }
}

/* A classification answers with all classes; that of two classes, if it gives no probabilities,
 * with the second's logit alone. */
static void shape_outputs(struct forest_build *build, const struct pb_data_specification *spec)
{
    struct forest *forest = build->forest;
    bool classifies = build->task == PB_TASK_CLASSIFICATION;
    bool logit = build->classes == 2 && !build->probabilities;
    forest->outputs = classifies && !logit ? build->classes : 1;
    forest->pair = forest->outputs == 2 && forest->sums == 1;
    struct span *labels = ARENA_ARRAY(build->arena, struct span, (size_t)forest->outputs);
    if (logit)
        labels[0] = SPAN_LITERAL("logit");
    else if (classifies)
        name_classes(build, spec->columns.items[build->label].categorical, labels);
    forest->labels = labels;
}

/* ---- all ---- */

static enum code read_kind(struct forest_build *build, struct span name, struct error *err)
{
    for (size_t i = 0; i < sizeof model_kinds / sizeof *model_kinds; i++) {
        if (span_is(name, model_kinds[i].name))
            return model_kinds[i].read(build, err);
    }
    enum code code =
        error_set(err, CODE_UNIMPLEMENTED, "a model of the kind \"%.*s\"", SPAN_ARG(name));
    return forest_file_error(build->source, "header.pb", code, err);
}

/* What the header counts are columns of data_spec.pb. */
static enum code read_header(struct forest_build *build, const struct pb_abstract_model *header,
                             const struct pb_data_specification *spec, struct error *err)
{
    build->task = header->task;
    build->label = header->label_col_idx;
    build->probabilities = !header->has_classification_outputs_probabilities ||
                           header->classification_outputs_probabilities;
    enum code code = read_inputs(build, spec, header->input_features, err);
    if (!code)
        code = read_classes(build, err);
    if (!code && header->postprocessors.count)
        code = error_set(err, CODE_UNIMPLEMENTED, "the model has a postprocessor");
    return code ? forest_file_error(build->source, "header.pb", code, err) : CODE_OK;
}

static enum code check_format(const struct forest_build *build, struct error *err)
{
    if (span_is(build->node_format, "BLOB_SEQUENCE") ||
        span_is(build->node_format, "BLOB_SEQUENCE_GZIP"))
        return CODE_OK;
    /* The default of the field. */
    struct span format = build->node_format.len ? build->node_format : SPAN_LITERAL("TFE_RECORDIO");
    return error_set(err, CODE_UNIMPLEMENTED,
                     "%s%s: nodes in the format \"%.*s\" instead of \"BLOB_SEQUENCE\"",
                     build->source->folder, build->source->prefix, SPAN_ARG(format));
}

static enum code read_all(struct forest_build *build, struct error *err)
{
    struct pb_abstract_model header;
    struct pb_data_specification spec;
    build->forest->sums = 1;
    enum code code = read_message(build, "header.pb", &pb_abstract_model_type, &header, err);
    if (!code)
        code = read_message(build, "data_spec.pb", &pb_data_specification_type, &spec, err);
    if (code)
        return code;
    code = read_columns(build, &spec, err);
    if (code)
        return forest_file_error(build->source, "data_spec.pb", code, err);
    code = read_header(build, &header, &spec, err);
    if (!code)
        code = read_kind(build, header.name, err);
    if (!code)
        code = check_format(build, err);
    if (code)
        return code;
    shape_outputs(build, &spec);
    return forest_read_nodes(build, err);
}

enum code forest_read(const struct forest_source *source, struct arena *arena,
                      struct forest *forest, struct error *err)
{
    struct arena scratch;
    struct forest_build build = {
        .source = source, .scratch = &scratch, .arena = arena, .forest = forest};
    *forest = (struct forest){.tree_count = 0};
    arena_init(&scratch, ARENA_FIRST_BLOCK);
    enum code code = read_all(&build, err);
    arena_release(&scratch);
    return code;
}
