/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models made here, message by message: every kind of condition with values present, missing and
 * out of range; what random forests and boosted trees make of their leaves; broken files, whose
 * errors name the file.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <zlib.h>

#include "ops/forest/forest.h"
#include "wire/messages.h"

/* ---- a model ---- */

/* The columns of all models here. */
enum { LABEL, AGE, HEIGHT, OWNER, COLOUR, TAGS, INCOME, COLUMNS };

enum { NODES_MAX = 16, INPUTS = COLUMNS - 1 };

struct model {
    struct forest_source source; /* first */
    struct arena *arena;
    struct pb_abstract_model header;
    struct pb_random_forest_header random_forest;
    struct pb_gradient_boosted_trees_header boosted;
    struct pb_column columns[COLUMNS];
    struct span nodes[NODES_MAX];
    size_t node_count;
    bool compressed;
    const char *broken; /* the file of this name has other bytes */
    struct span broken_bytes;
};

static void put_uint32(char *to, size_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (char)(value >> (8 * i));
}

static struct span gzip(struct arena *arena, struct span in)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)in.ptr, .avail_in = (uInt)in.len};
    size_t room = in.len + 1024;
    char *out = arena_alloc(arena, room);
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return span_make(out, room - stream.avail_out);
}

/* The nodes from `from` to `to` as a file of records. */
static struct span node_file(const struct model *m, size_t from, size_t to)
{
    size_t size = 0;
    for (size_t i = from; i < to; i++)
        size += 4 + m->nodes[i].len;
    char *records = arena_alloc(m->arena, size), *at = records;
    for (size_t i = from; i < to; i++) {
        put_uint32(at, m->nodes[i].len);
        memcpy(at + 4, m->nodes[i].ptr, m->nodes[i].len);
        at += 4 + m->nodes[i].len;
    }
    struct span body = span_make(records, size);
    if (m->compressed)
        body = gzip(m->arena, body);
    char *file = arena_calloc(m->arena, 1, 8 + body.len);
    memcpy(file, "BS\1", 3);
    file[4] = m->compressed;
    memcpy(file + 8, body.ptr, body.len);
    return span_make(file, 8 + body.len);
}

static enum code read_model(const struct forest_source *source, const char *name,
                            struct arena *arena, struct span *bytes, struct error *err)
{
    const struct model *m = (const struct model *)source;
    struct pb_data_specification spec = {
        .columns = {(struct pb_column *)(uintptr_t)m->columns, COLUMNS}};
    size_t half = m->node_count / 2;
    struct span file = span_of(name);
    if (m->broken && span_is(file, m->broken))
        *bytes = m->broken_bytes;
    else if (span_is(file, "header.pb"))
        *bytes = pb_encode(&pb_abstract_model_type, &m->header, arena);
    else if (span_is(file, "data_spec.pb"))
        *bytes = pb_encode(&pb_data_specification_type, &spec, arena);
    else if (span_is(file, "random_forest_header.pb"))
        *bytes = pb_encode(&pb_random_forest_header_type, &m->random_forest, arena);
    else if (span_is(file, "gradient_boosted_trees_header.pb"))
        *bytes = pb_encode(&pb_gradient_boosted_trees_header_type, &m->boosted, arena);
    else if (span_is(file, "nodes-00000-of-00002"))
        *bytes = node_file(m, 0, half);
    else if (span_is(file, "nodes-00001-of-00002"))
        *bytes = node_file(m, half, m->node_count);
    else
        return error_set(err, CODE_NOT_FOUND, "%s: there is no such file", name);
    return CODE_OK;
}

static const float boundaries[] = {10, 20, 30};
static const int32_t inputs[] = {AGE, HEIGHT, OWNER, COLOUR, TAGS, INCOME};
static const float one_initial[] = {0.5f};

/* Two shards; two classes "no" and "yes"; colours and tags are 0 to 39. */
static void init_model(struct model *m, struct arena *arena)
{
    static struct pb_categorical_spec_vocab_value values[] = {{2}, {1}};
    static struct pb_categorical_spec_item items[] = {{SPAN_LITERAL("yes"), &values[0]},
                                                      {SPAN_LITERAL("no"), &values[1]}};
    static struct pb_categorical_spec answers = {.number_of_unique_values = 3, .items = {items, 2}};
    static struct pb_categorical_spec colours = {.number_of_unique_values = 40,
                                                 .is_already_integerized = true};
    static struct pb_discretized_numerical_spec bins = {.boundaries = {boundaries, 3}};
    *m = (struct model){
        .source = {.read = read_model, .folder = "m/", .prefix = "p_"},
        .arena = arena,
        .header = {.name = SPAN_LITERAL("GRADIENT_BOOSTED_TREES"),
                   .task = PB_TASK_REGRESSION,
                   .label_col_idx = LABEL,
                   .input_features = {inputs, INPUTS}},
        .random_forest = {.num_node_shards = 2,
                          .num_trees = 1,
                          .node_format = SPAN_LITERAL("BLOB_SEQUENCE")},
        .boosted = {.num_node_shards = 2,
                    .num_trees = 1,
                    .loss = PB_LOSS_SQUARED_ERROR,
                    .initial_predictions = {one_initial, 1},
                    .node_format = SPAN_LITERAL("BLOB_SEQUENCE")},
        .columns = {[LABEL] = {.type = PB_COLUMN_TYPE_CATEGORICAL, .categorical = &answers},
                    [AGE] = {.type = PB_COLUMN_TYPE_NUMERICAL},
                    [HEIGHT] = {.type = PB_COLUMN_TYPE_NUMERICAL},
                    [OWNER] = {.type = PB_COLUMN_TYPE_BOOLEAN},
                    [COLOUR] = {.type = PB_COLUMN_TYPE_CATEGORICAL, .categorical = &colours},
                    [TAGS] = {.type = PB_COLUMN_TYPE_CATEGORICAL_SET, .categorical = &colours},
                    [INCOME] = {.type = PB_COLUMN_TYPE_DISCRETIZED_NUMERICAL,
                                .discretized_numerical = &bins}},
    };
}

static void add_node(struct model *m, const struct pb_node *node)
{
    assert_true(m->node_count < NODES_MAX);
    m->nodes[m->node_count++] = pb_encode(&pb_node_type, node, m->arena);
}

static void add_value(struct model *m, float value)
{
    struct pb_node_regressor_output output = {.top_value = value};
    add_node(m, &(struct pb_node){.output_case = 2, .regressor = &output});
}

static void add_classes(struct model *m, int32_t winner, const double *counts, size_t count)
{
    struct pb_integer_distribution_double shares = {.counts = {counts, count}};
    for (size_t i = 0; i < count; i++)
        shares.sum += counts[i];
    struct pb_node_classifier_output output = {.top_value = winner,
                                               .distribution = counts ? &shares : NULL};
    add_node(m, &(struct pb_node){.output_case = 1, .classifier = &output});
}

static void add_condition(struct model *m, int32_t column, bool missing,
                          const struct pb_condition *condition)
{
    struct pb_node_condition in = {.na_value = missing,
                                   .attribute = column,
                                   .condition = (struct pb_condition *)(uintptr_t)condition};
    add_node(m, &(struct pb_node){.condition = &in});
}

static void add_higher(struct model *m, int32_t column, float threshold)
{
    struct pb_condition_higher higher = {threshold};
    add_condition(m, column, false,
                  &(struct pb_condition){.type_case = 2, .higher_condition = &higher});
}

/* ---- conditions ---- */

struct example {
    float numbers[3]; /* age, height, income */
    float owner;
    int32_t colour;
    int64_t tag_bounds[2];
    int32_t tags[3];
};

static const struct example plain = {{30, 170, 15}, 1, 3, {0, 2}, {5, 35}};

static struct forest_row row_of(const struct example *e)
{
    return (struct forest_row){e->numbers, &e->owner, &e->colour, e->tag_bounds, e->tags};
}

/* One condition over leaves 1 (it does not hold) and 2: which one is reached? */
static bool asks(const struct pb_condition *condition, int32_t column, bool missing,
                 const struct example *e)
{
    struct arena arena;
    struct model m;
    struct forest forest;
    struct error err = {CODE_OK, ""};
    float answer = 0;
    int32_t leaf = -1;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    init_model(&m, &arena);
    add_condition(&m, column, missing, condition);
    add_value(&m, 1);
    add_value(&m, 2);
    enum code code = forest_read(&m.source, &arena, &forest, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(code, CODE_OK);
    struct forest_row row = row_of(e);
    forest_answer(&forest, &row, &answer);
    forest_leaves(&forest, &row, &leaf);
    assert_true(answer == 0.5f + (leaf ? 2.0f : 1.0f));
    arena_release(&arena);
    return leaf == 1;
}

/* What a condition says of an example, and of one whose value is missing by either rule. */
static void check_asks(const struct pb_condition *condition, int32_t column, struct example e,
                       bool expected)
{
    assert_int_equal(asks(condition, column, false, &e), expected);
    assert_int_equal(asks(condition, column, true, &e), expected);
}

static void check_missing(const struct pb_condition *condition, int32_t column, struct example e)
{
    assert_int_equal(asks(condition, column, false, &e), false);
    assert_int_equal(asks(condition, column, true, &e), true);
}

static void test_numbers(void **state)
{
    (void)state;
    struct pb_condition_higher limit = {30};
    struct pb_condition higher = {.type_case = 2, .higher_condition = &limit};
    struct example e = plain;
    check_asks(&higher, AGE, e, true);
    e.numbers[0] = 29.5f;
    check_asks(&higher, AGE, e, false);
    e.numbers[0] = INFINITY;
    check_asks(&higher, AGE, e, true);
    e.numbers[0] = NAN;
    check_missing(&higher, AGE, e);
}

static void test_bins(void **state)
{
    static const struct {
        int32_t bin;
        float value;
        bool expected;
    } cases[] = {
        {2, 20, true},  {2, 19.9f, false},    {1, 10, true},
        {3, 30, true},  {3, 29, false},       {0, -INFINITY, true},
        {-5, -1, true}, {4, INFINITY, false}, {INT32_MAX, 1e9f, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pb_condition_discretized_higher bin = {cases[i].bin};
        struct pb_condition condition = {.type_case = 6, .discretized_higher_condition = &bin};
        struct example e = plain;
        e.numbers[2] = cases[i].value;
        check_asks(&condition, INCOME, e, cases[i].expected);
        e.numbers[2] = NAN;
        check_missing(&condition, INCOME, e);
    }
}

static void test_booleans(void **state)
{
    (void)state;
    struct pb_condition_true_value nothing = {0};
    struct pb_condition condition = {.type_case = 3, .true_value_condition = &nothing};
    struct example e = plain;
    check_asks(&condition, OWNER, e, true);
    e.owner = 0.5f;
    check_asks(&condition, OWNER, e, true);
    e.owner = 0.4f;
    check_asks(&condition, OWNER, e, false);
    e.owner = NAN;
    check_missing(&condition, OWNER, e);
}

static const int32_t list_with_zero[] = {0, 3, 35};
static const char bitmap_with_zero[] = {9, 0, 0, 0, 8}; /* 0, 3, 35 */

/* The same set of categories both ways. */
static void test_categories(void **state)
{
    struct pb_condition_contains_vector list = {{list_with_zero, 3}};
    struct pb_condition_contains_bitmap bitmap = {span_make(bitmap_with_zero, 5)};
    const struct pb_condition conditions[] = {
        {.type_case = 4, .contains_condition = &list},
        {.type_case = 5, .contains_bitmap_condition = &bitmap},
    };
    static const struct {
        int32_t value;
        bool expected;
    } cases[] = {{3, true},  {35, true},        {0, true},  {4, false},       {39, false},
                 {40, true}, {INT32_MAX, true}, {-2, true}, {INT32_MIN, true}};
    (void)state;
    for (size_t c = 0; c < 2; c++) {
        struct example e = plain;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            e.colour = cases[i].value;
            check_asks(&conditions[c], COLOUR, e, cases[i].expected);
        }
        e.colour = -1;
        check_missing(&conditions[c], COLOUR, e);
    }
}

static void test_sets(void **state)
{
    struct pb_condition_contains_vector list = {{list_with_zero, 3}};
    struct pb_condition_contains_bitmap bitmap = {span_make(bitmap_with_zero, 5)};
    const struct pb_condition conditions[] = {
        {.type_case = 4, .contains_condition = &list},
        {.type_case = 5, .contains_bitmap_condition = &bitmap},
    };
    (void)state;
    for (size_t c = 0; c < 2; c++) {
        struct example e = plain;
        check_asks(&conditions[c], TAGS, e, true);
        e.tags[1] = 36;
        check_asks(&conditions[c], TAGS, e, false);
        e.tags[1] = -1; /* missing only in front */
        check_asks(&conditions[c], TAGS, e, false);
        e.tags[1] = 77;
        check_asks(&conditions[c], TAGS, e, true);
        e.tag_bounds[1] = 0;
        check_asks(&conditions[c], TAGS, e, false);
        e.tag_bounds[1] = 1;
        e.tags[0] = -1;
        check_missing(&conditions[c], TAGS, e);
    }
}

static void test_missing(void **state)
{
    (void)state;
    struct pb_condition_na nothing = {0};
    struct pb_condition condition = {.type_case = 1, .na_condition = &nothing};
    for (int32_t column = AGE; column < COLUMNS; column++)
        check_asks(&condition, column, plain, false);
    struct example e = {{NAN, NAN, NAN}, NAN, -1, {0, 1}, {-1}};
    for (int32_t column = AGE; column < COLUMNS; column++)
        check_asks(&condition, column, e, true);
}

static void test_oblique(void **state)
{
    static const int32_t columns[] = {AGE, HEIGHT};
    static const float weights[] = {2, -0.5f}, replacements[] = {40, 160};
    struct pb_condition_oblique sum = {
        .attributes = {columns, 2}, .weights = {weights, 2}, .threshold = -25};
    struct pb_condition condition = {.type_case = 7, .oblique_condition = &sum};
    struct example e = plain; /* 60 - 85 */
    (void)state;
    check_asks(&condition, AGE, e, true);
    e.numbers[1] = 171;
    check_asks(&condition, AGE, e, false);
    e.numbers[0] = NAN;
    check_missing(&condition, AGE, e);
    sum.na_replacements = (struct pb_floats){replacements, 2}; /* 80 - 85.5 */
    check_asks(&condition, AGE, e, true);
    e.numbers[0] = 1;
    e.numbers[1] = NAN; /* 2 - 80 */
    check_asks(&condition, AGE, e, false);
}

/* ---- answers ---- */

static void read_ok(const struct model *m, struct forest *forest)
{
    struct error err = {CODE_OK, ""};
    enum code code = forest_read(&m->source, m->arena, forest, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(code, CODE_OK);
}

static void check_answer(const struct model *m, const float *expected, int32_t count)
{
    struct forest forest;
    struct forest_row row = row_of(&plain);
    float answers[4];
    read_ok(m, &forest);
    assert_int_equal(forest.outputs, count);
    forest_answer(&forest, &row, answers);
    for (int32_t i = 0; i < count; i++)
        assert_true(fabsf(answers[i] - expected[i]) <= 1e-6f);
}

/* A tree that is not balanced: of ages below 10, from 20, and between. */
static void add_deep_tree(struct model *m)
{
    add_higher(m, AGE, 10);
    add_value(m, 1);
    add_higher(m, AGE, 20);
    add_value(m, 2);
    add_higher(m, AGE, 30);
    add_value(m, 3);
    add_value(m, 4);
}

static void test_walk(void **state)
{
    static const float ages[] = {5, 10, 25, 30};
    struct arena arena;
    struct model m;
    struct forest forest;
    (void)state;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    init_model(&m, &arena);
    m.boosted.num_trees = 2;
    m.compressed = true;
    add_deep_tree(&m);
    add_value(&m, 100);
    read_ok(&m, &forest);
    for (int i = 0; i < 4; i++) {
        struct example e = plain;
        struct forest_row row = row_of(&e);
        float answer;
        int32_t leaves[2];
        e.numbers[0] = ages[i];
        forest_answer(&forest, &row, &answer);
        forest_leaves(&forest, &row, leaves);
        assert_true(answer == 100.5f + (float)(i + 1));
        assert_int_equal(leaves[0], i);
        assert_int_equal(leaves[1], 0);
    }
    arena_release(&arena);
}

static void test_losses(void **state)
{
    static const struct {
        int32_t task, loss;
        bool logits, no_probabilities;
        float expected[2];
        int32_t count;
    } cases[] = {
        {PB_TASK_REGRESSION, PB_LOSS_SQUARED_ERROR, 0, 0, {1.5f}, 1},
        {PB_TASK_REGRESSION, PB_LOSS_MEAN_AVERAGE_ERROR, 0, 0, {1.5f}, 1},
        {PB_TASK_REGRESSION, PB_LOSS_POISSON, 0, 0, {4.4816891f}, 1},
        {PB_TASK_RANKING, PB_LOSS_LAMBDA_MART_NDCG5, 0, 0, {1.5f}, 1},
        {PB_TASK_RANKING, PB_LOSS_XE_NDCG_MART, 0, 0, {1.5f}, 1},
        {PB_TASK_CLASSIFICATION,
         PB_LOSS_BINOMIAL_LOG_LIKELIHOOD,
         0,
         0,
         {0.1824255f, 0.8175745f},
         2},
        {PB_TASK_CLASSIFICATION, PB_LOSS_BINARY_FOCAL_LOSS, 0, 0, {0.1824255f, 0.8175745f}, 2},
        {PB_TASK_CLASSIFICATION, PB_LOSS_BINOMIAL_LOG_LIKELIHOOD, 1, 1, {1.5f}, 1},
        {PB_TASK_CLASSIFICATION, PB_LOSS_BINOMIAL_LOG_LIKELIHOOD, 1, 0, {0, 1}, 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena;
        struct model m;
        arena_init(&arena, ARENA_FIRST_BLOCK);
        init_model(&m, &arena);
        m.header.task = cases[i].task;
        m.header.has_classification_outputs_probabilities = cases[i].no_probabilities;
        m.boosted.loss = cases[i].loss;
        m.boosted.output_logits = cases[i].logits;
        add_value(&m, 1);
        check_answer(&m, cases[i].expected, cases[i].count);
        arena_release(&arena);
    }
}

static void test_labels(void **state)
{
    struct arena arena;
    struct model m;
    struct forest forest;
    (void)state;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    init_model(&m, &arena);
    m.header.task = PB_TASK_CLASSIFICATION;
    m.boosted.loss = PB_LOSS_BINOMIAL_LOG_LIKELIHOOD;
    add_value(&m, 1);
    read_ok(&m, &forest);
    assert_true(span_is(forest.labels[0], "no"));
    assert_true(span_is(forest.labels[1], "yes"));
    struct pb_categorical_spec three = {.number_of_unique_values = 4,
                                        .is_already_integerized = true};
    static const float zeros[3];
    m.columns[LABEL].categorical = &three;
    m.boosted = (struct pb_gradient_boosted_trees_header){
        .num_node_shards = 2,
        .num_trees = 3,
        .loss = PB_LOSS_MULTINOMIAL_LOG_LIKELIHOOD,
        .initial_predictions = {zeros, 3},
        .has_num_trees_per_iter = true,
        .num_trees_per_iter = 3,
        .node_format = SPAN_LITERAL("BLOB_SEQUENCE"),
    };
    add_value(&m, 2);
    add_value(&m, 3);
    check_answer(&m, (const float[]){0.0900306f, 0.2447285f, 0.6652410f}, 3);
    read_ok(&m, &forest);
    assert_true(span_is(forest.labels[2], "3"));
    arena_release(&arena);
}

static void test_random_forests(void **state)
{
    static const double first[] = {0, 30, 10}, second[] = {0, 10, 10};
    struct arena arena;
    struct model m;
    (void)state;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    init_model(&m, &arena);
    m.header.name = SPAN_LITERAL("RANDOM_FOREST");
    m.header.task = PB_TASK_CLASSIFICATION;
    m.random_forest.num_trees = 2;
    add_classes(&m, 1, first, 3);
    add_classes(&m, 2, second, 3);
    check_answer(&m, (const float[]){0.5f, 0.5f}, 2);
    m.random_forest.has_winner_take_all_inference = true;
    check_answer(&m, (const float[]){0.625f, 0.375f}, 2);
    struct pb_categorical_spec three = {.number_of_unique_values = 4};
    static const double wide[] = {0, 1, 1, 2};
    m.columns[LABEL].categorical = &three;
    m.node_count = 0;
    add_classes(&m, 3, wide, 4);
    add_classes(&m, 1, wide, 4);
    check_answer(&m, (const float[]){0.25f, 0.25f, 0.5f}, 3);
    m.random_forest.has_winner_take_all_inference = false;
    check_answer(&m, (const float[]){0.5f, 0, 0.5f}, 3);
    m.header.task = PB_TASK_REGRESSION;
    m.node_count = 0;
    add_value(&m, 3);
    add_value(&m, 6);
    check_answer(&m, (const float[]){4.5f}, 1);
    arena_release(&arena);
}

/* ---- what is refused ---- */

static void check_refused(const struct model *m, enum code code, const char *text)
{
    struct forest forest;
    struct error err = {CODE_OK, ""};
    assert_int_equal(forest_read(&m->source, m->arena, &forest, &err), code);
    if (!strstr(err.message, text))
        fail_msg("\"%s\" is not in: %s", text, err.message);
}

static void test_broken_files(void **state)
{
    static const struct {
        const char *file;
        struct span bytes;
        enum code code;
        const char *text;
    } cases[] = {
        {"header.pb", SPAN_LITERAL("\x0a\x7f"), CODE_INVALID_ARGUMENT, "m/p_header.pb: "},
        {"header.pb", SPAN_LITERAL("\x0a\1x"), CODE_UNIMPLEMENTED, "m/p_header.pb: a model of"},
        {"data_spec.pb", SPAN_LITERAL("\x0a\x7f"), CODE_INVALID_ARGUMENT, "m/p_data_spec.pb: "},
        {"data_spec.pb", SPAN_LITERAL(""), CODE_INVALID_ARGUMENT, "input feature 1 of 0 columns"},
        {"gradient_boosted_trees_header.pb", SPAN_LITERAL(""), CODE_UNIMPLEMENTED,
         "with the loss DEFAULT"},
        {"gradient_boosted_trees_header.pb", SPAN_LITERAL("\x08\2\x18\2\x22\4\0\0\0\0"),
         CODE_UNIMPLEMENTED, "\"TFE_RECORDIO\""},
        {"nodes-00001-of-00002", SPAN_LITERAL(""), CODE_INVALID_ARGUMENT,
         "m/p_nodes-00001-of-00002: is no file of records"},
        {"nodes-00001-of-00002", SPAN_LITERAL("BS\2\0\0\0\0\0"), CODE_UNIMPLEMENTED, "version 2"},
        {"nodes-00001-of-00002", SPAN_LITERAL("BS\1\0\2\0\0\0"), CODE_UNIMPLEMENTED,
         "compression 2"},
        {"nodes-00001-of-00002", SPAN_LITERAL("BS\1\0\1\0\0\0nogzip"), CODE_INVALID_ARGUMENT,
         "not valid gzip"},
        {"nodes-00001-of-00002", SPAN_LITERAL("BS\0\0\0\0\0\0\5\0\0\0abcd"), CODE_INVALID_ARGUMENT,
         "ends within record 0"},
        {"nodes-00001-of-00002", SPAN_LITERAL("BS\0\0\0\0\0\0"), CODE_INVALID_ARGUMENT,
         "the nodes end within tree 0 of 1"},
        {"nodes-00001-of-00002", SPAN_LITERAL("BS\0\0\0\0\0\0\0\0\0\0"), CODE_INVALID_ARGUMENT,
         "m/p_nodes-00001-of-00002: record 0 (tree 0) is a leaf without a regressor"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena;
        struct model m;
        arena_init(&arena, ARENA_FIRST_BLOCK);
        init_model(&m, &arena);
        add_deep_tree(&m);
        m.broken = cases[i].file;
        m.broken_bytes = cases[i].bytes;
        check_refused(&m, cases[i].code, cases[i].text);
        arena_release(&arena);
    }
}

/* Every file of a model, cut at every byte: an error, or a model all the same. */
static void test_truncated_files(void **state)
{
    static const char *const files[] = {"header.pb", "data_spec.pb",
                                        "gradient_boosted_trees_header.pb", "nodes-00000-of-00002",
                                        "nodes-00001-of-00002"};
    struct arena arena;
    struct model m;
    (void)state;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    init_model(&m, &arena);
    add_deep_tree(&m);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct span whole;
        m.broken = NULL;
        assert_int_equal(read_model(&m.source, files[i], &arena, &whole, NULL), CODE_OK);
        m.broken = files[i];
        int refused = 0;
        for (size_t size = 0; size < whole.len; size++) {
            struct forest forest;
            m.broken_bytes = span_make(whole.ptr, size);
            refused += forest_read(&m.source, &arena, &forest, NULL) != CODE_OK;
        }
        assert_true(refused > 0);
    }
    arena_release(&arena);
}

static void test_bad_conditions(void **state)
{
    static const int32_t falling[] = {3, 2};
    struct pb_condition_contains_vector list = {{falling, 2}};
    struct pb_condition_contains_bitmap bitmap = {SPAN_LITERAL("1234")};
    struct pb_condition_oblique sum = {.weights = {boundaries, 1}};
    struct pb_condition_higher higher = {1};
    const struct pb_condition conditions[] = {
        {.type_case = 4, .contains_condition = &list},
        {.type_case = 5, .contains_bitmap_condition = &bitmap},
        {.type_case = 7, .oblique_condition = &sum},
        {.type_case = 2, .higher_condition = &higher},
        {.type_case = 0},
    };
    const struct {
        int condition;
        int32_t column;
        enum code code;
        const char *text;
    } cases[] = {
        {0, COLOUR, CODE_INVALID_ARGUMENT, "not in ascending order"},
        {1, COLOUR, CODE_INVALID_ARGUMENT, "a bitmap of 4 bytes for a column of 40 categories"},
        {2, AGE, CODE_INVALID_ARGUMENT, "0 columns with 1 weights"},
        {3, COLOUR, CODE_INVALID_ARGUMENT, "does not fit column 4 of type CATEGORICAL"},
        {3, COLUMNS, CODE_INVALID_ARGUMENT, "asks for column 7, but there are 7"},
        {3, -1, CODE_INVALID_ARGUMENT, "asks for column -1"},
        {3, LABEL, CODE_INVALID_ARGUMENT, "column 0, which is no input"},
        {4, AGE, CODE_UNIMPLEMENTED, "record 0 (tree 0) has a condition of a kind"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena;
        struct model m;
        arena_init(&arena, ARENA_FIRST_BLOCK);
        init_model(&m, &arena);
        add_value(&m, 0);
        m.node_count = 0;
        add_condition(&m, cases[i].column, false, &conditions[cases[i].condition]);
        add_value(&m, 1);
        add_value(&m, 2);
        check_refused(&m, cases[i].code, cases[i].text);
        arena_release(&arena);
    }
}

static void test_unserved(void **state)
{
    struct arena arena;
    struct model m;
    (void)state;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    init_model(&m, &arena);
    add_value(&m, 1);
    add_value(&m, 1);
    check_refused(&m, CODE_INVALID_ARGUMENT, "has more nodes than its 1 trees need");
    m.boosted.num_trees = INT64_MAX;
    check_refused(&m, CODE_INVALID_ARGUMENT,
                  "the model has 9223372036854775807 trees, but 2 nodes");
    m.boosted.num_node_shards = INT32_MAX;
    check_refused(&m, CODE_INVALID_ARGUMENT, "the nodes are in 2147483647 files");
    m.boosted.num_node_shards = 3;
    check_refused(&m, CODE_NOT_FOUND, "nodes-00000-of-00003");
    m.header.task = PB_TASK_NUMERICAL_UPLIFT;
    check_refused(&m, CODE_UNIMPLEMENTED, "for the task NUMERICAL_UPLIFT");
    m.columns[HEIGHT].type = PB_COLUMN_TYPE_HASH;
    check_refused(&m, CODE_UNIMPLEMENTED, "Non supported feature type \"HASH\"");
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_bins),
        cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_categories),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_oblique),
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_losses),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_random_forests),
        cmocka_unit_test(test_broken_files),
        cmocka_unit_test(test_truncated_files),
        cmocka_unit_test(test_bad_conditions),
        cmocka_unit_test(test_unserved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
