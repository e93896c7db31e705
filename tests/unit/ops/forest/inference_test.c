/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ops around a model: one is written to a folder, loaded through a handle and by its name, and
 * asked by several threads; inputs that do not fit it are refused.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "engine/evaluate.h"
#include "engine/op_def.h"
#include "engine/resource.h"
#include "engine/run.h"
#include "wire/messages.h"

enum { ATTRS_MAX = 3, INPUTS_MAX = 7, THREADS = 4, TURNS = 50, ROWS = 3 };

/* ---- the model: a tree that asks for tag 1, a tree that asks for a number from 0 on ---- */

static const char *const names[] = {"header.pb", "data_spec.pb", "gradient_boosted_trees_header.pb",
                                    "nodes-00000-of-00001"};

enum { FILES = sizeof names / sizeof *names };

static struct span encode_node(struct arena *arena, int32_t column, struct pb_condition *condition,
                               float value)
{
    struct pb_node_condition in = {.attribute = column, .condition = condition};
    struct pb_node_regressor_output output = {value};
    struct pb_node node = {.output_case = condition ? 0 : 2};
    if (condition)
        node.condition = &in;
    else
        node.regressor = &output;
    return pb_encode(&pb_node_type, &node, arena);
}

static struct span encode_trees(struct arena *arena)
{
    static const int32_t tag = 1;
    struct pb_condition_contains_vector list = {{&tag, 1}};
    struct pb_condition_higher zero = {0};
    struct pb_condition asks_tag = {.type_case = 4, .contains_condition = &list};
    struct pb_condition asks_number = {.type_case = 2, .higher_condition = &zero};
    const struct span nodes[] = {
        encode_node(arena, 1, &asks_tag, 0), encode_node(arena, 0, NULL, 1),
        encode_node(arena, 0, NULL, 2),      encode_node(arena, 0, &asks_number, 0),
        encode_node(arena, 0, NULL, 10),     encode_node(arena, 0, NULL, 20),
    };
    char *file = arena_calloc(arena, 1, 4096);
    size_t at = 8;
    memcpy(file, "BS", 2);
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        file[at] = (char)nodes[i].len;
        memcpy(file + at + 4, nodes[i].ptr, nodes[i].len);
        at += 4 + nodes[i].len;
    }
    return span_make(file, at);
}

static void write_model(const char *folder, struct arena *arena)
{
    static const int32_t inputs[] = {0, 1};
    static const float initial = 0;
    struct pb_categorical_spec tags = {.number_of_unique_values = 3};
    struct pb_column columns[] = {
        {.type = PB_COLUMN_TYPE_NUMERICAL},
        {.type = PB_COLUMN_TYPE_CATEGORICAL_SET, .categorical = &tags},
    };
    struct pb_abstract_model header = {.name = SPAN_LITERAL("GRADIENT_BOOSTED_TREES"),
                                       .task = PB_TASK_REGRESSION,
                                       .input_features = {inputs, 2}};
    struct pb_data_specification spec = {.columns = {columns, 2}};
    struct pb_gradient_boosted_trees_header boosted = {.num_node_shards = 1,
                                                       .num_trees = 2,
                                                       .loss = PB_LOSS_SQUARED_ERROR,
                                                       .initial_predictions = {&initial, 1},
                                                       .node_format =
                                                           SPAN_LITERAL("BLOB_SEQUENCE")};
    const struct span files[FILES] = {
        pb_encode(&pb_abstract_model_type, &header, arena),
        pb_encode(&pb_data_specification_type, &spec, arena),
        pb_encode(&pb_gradient_boosted_trees_header_type, &boosted, arena),
        encode_trees(arena),
    };
    for (int i = 0; i < FILES; i++)
        assert_int_equal(
            file_write(arena_printf(arena, "%s/x_%s", folder, names[i]), files[i], NULL), CODE_OK);
}

/* ---- calling ops ---- */

struct fixture {
    struct arena arena;
    struct resource_store *store;
    char folder[256];
    struct tensor handle, path;
    struct span path_text;
};

struct step {
    struct arena *arena;
    struct node node;
    struct node_attr attrs[ATTRS_MAX];
    struct pb_attr_value values[ATTRS_MAX];
    const struct tensor *in[INPUTS_MAX];
    int in_count;
    struct tensor out[2];
    int out_count;
    enum dtype types[2];
};

static void init_step(struct step *s, const char *name, struct arena *arena)
{
    static const enum dtype handle[] = {DTYPE_RESOURCE}, leaves[] = {DTYPE_INT32};
    static const enum dtype answers[] = {DTYPE_FLOAT, DTYPE_STRING};
    struct op_def *def;
    *s = (struct step){.arena = arena};
    s->node.op = op_find(span_of(name));
    assert_non_null(s->node.op);
    assert_int_equal(op_def_parse(s->node.op, arena, &def, NULL), CODE_OK);
    s->node.def = def;
    s->node.attrs = s->attrs;
    s->node.name = span_of("step");
    s->out_count = def->output_count;
    const enum dtype *types = def->output_count == 2                                    ? answers
                              : span_ends_with(span_of(name), SPAN_LITERAL("Resource")) ? handle
                                                                                        : leaves;
    for (int i = 0; i < s->out_count; i++)
        s->types[i] = types[i];
    s->node.output_types = s->types;
    s->node.output_count = s->out_count;
}

static void set_attr(struct step *s, const char *name, struct pb_attr_value value)
{
    size_t i = s->node.attr_count++;
    s->values[i] = value;
    s->attrs[i] = (struct node_attr){span_of(name), &s->values[i]};
}

static void set_text(struct step *s, const char *name, const char *text)
{
    set_attr(s, name, (struct pb_attr_value){.value_case = ATTR_CASE_STRING, .s = span_of(text)});
}

static enum code call_step(struct step *s, struct resource_store *store, struct error *err)
{
    struct tensor *outs[] = {&s->out[0], &s->out[1]};
    struct run run = {.arena = s->arena, .resources = store, .deadline_us = INT64_MAX};
    struct op_call call = {.node = &s->node,
                           .in = s->in,
                           .out = outs,
                           .in_count = s->in_count,
                           .out_count = s->out_count,
                           .arena = s->arena,
                           .run = &run};
    error_clear(err);
    return op_evaluate(&call, err);
}

static void setup(struct fixture *f)
{
    struct step s;
    struct error err;
    const char *tmp = getenv("TMPDIR");
    *f = (struct fixture){.store = NULL};
    snprintf(f->folder, sizeof f->folder, "%s/inference_test.XXXXXX", tmp ? tmp : "/tmp");
    arena_init(&f->arena, ARENA_FIRST_BLOCK);
    assert_non_null(mkdtemp(f->folder));
    write_model(f->folder, &f->arena);
    f->store = resource_store_new();
    f->path_text = span_of(f->folder);
    f->path = (struct tensor){DTYPE_STRING, shape_scalar(), &f->path_text, NULL};
    init_step(&s, "SimpleMLCreateModelResource", &f->arena);
    set_text(&s, "shared_name", "m");
    assert_int_equal(call_step(&s, f->store, &err), CODE_OK);
    f->handle = s.out[0];
}

static void teardown(struct fixture *f)
{
    for (int i = 0; i < FILES; i++)
        unlink(arena_printf(&f->arena, "%s/x_%s", f->folder, names[i]));
    rmdir(f->folder);
    resource_store_free(f->store);
    arena_release(&f->arena);
}

static enum code load(struct fixture *f, const char *prefix, struct arena *arena, struct error *err)
{
    struct step s;
    init_step(&s, "SimpleMLLoadModelFromPathWithHandle", arena);
    set_text(&s, "file_prefix", prefix);
    s.in[0] = &f->handle;
    s.in[1] = &f->path;
    s.in_count = 2;
    return call_step(&s, f->store, err);
}

/* ---- a batch ---- */

struct batch {
    float numbers[ROWS];
    int32_t values[3];
    int64_t bounds[ROWS + 1];
    int64_t examples[ROWS + 1];
    struct tensor in[6];
};

/* Tags 1; 2, 1; none. Answers 2 + 10, 2 + 20, 1 + 20. */
static void init_batch(struct batch *b)
{
    *b = (struct batch){
        .numbers = {-1, 0, 7},
        .values = {1, 2, 1},
        .bounds = {0, 1, 3, 3},
        .examples = {0, 1, 2, 3},
    };
    b->in[0] = (struct tensor){DTYPE_FLOAT, shape_matrix(ROWS, 1), b->numbers, NULL};
    b->in[1] = (struct tensor){DTYPE_FLOAT, shape_matrix(0, 0), b->numbers, NULL};
    b->in[2] = (struct tensor){DTYPE_INT32, shape_matrix(0, 0), b->values, NULL};
    b->in[3] = (struct tensor){DTYPE_INT32, shape_vector(3), b->values, NULL};
    b->in[4] = (struct tensor){DTYPE_INT64, shape_vector(ROWS + 1), b->bounds, NULL};
    b->in[5] = (struct tensor){DTYPE_INT64, shape_vector(ROWS + 1), b->examples, NULL};
}

static void init_question(struct step *s, const char *name, const struct batch *b,
                          struct arena *arena)
{
    init_step(s, name, arena);
    for (int i = 0; i < 6; i++)
        s->in[i] = &b->in[i];
    s->in_count = 6;
}

static enum code ask(struct fixture *f, const struct batch *b, int64_t outputs, struct step *s,
                     struct error *err)
{
    init_question(s, "SimpleMLInferenceOpWithHandle", b, s->arena);
    set_attr(s, "dense_output_dim",
             (struct pb_attr_value){.value_case = ATTR_CASE_INT, .i = outputs});
    s->in[s->in_count++] = &f->handle;
    return call_step(s, f->store, err);
}

static void check_answers(const struct step *s)
{
    const float *answers = s->out[0].data;
    assert_int_equal(s->out[0].shape.dims[0], ROWS);
    assert_true(answers[0] == 12 && answers[1] == 22 && answers[2] == 21);
    assert_int_equal(((const struct span *)s->out[1].data)->len, 0);
}

static void test_handle(void **state)
{
    struct fixture f;
    struct batch b;
    struct error err;
    (void)state;
    setup(&f);
    init_batch(&b);
    struct step s = {.arena = &f.arena};
    assert_int_equal(ask(&f, &b, 1, &s, &err), CODE_FAILED_PRECONDITION);
    assert_int_equal(load(&f, "y_", &f.arena, &err), CODE_NOT_FOUND);
    assert_non_null(strstr(err.message, "/y_header.pb"));
    assert_int_equal(load(&f, "x_", &f.arena, &err), CODE_OK);
    assert_int_equal(load(&f, "x_", &f.arena, &err), CODE_OK);
    assert_int_equal(load(&f, "y_", &f.arena, &err), CODE_FAILED_PRECONDITION);
    assert_int_equal(ask(&f, &b, 1, &s, &err), CODE_OK);
    check_answers(&s);
    init_question(&s, "SimpleMLInferenceLeafIndexOpWithHandle", &b, &f.arena);
    s.in[s.in_count++] = &f.handle;
    assert_int_equal(call_step(&s, f.store, &err), CODE_OK);
    static const int32_t leaves[] = {1, 0, 1, 1, 0, 1};
    assert_int_equal(s.out[0].shape.dims[1], 2);
    assert_memory_equal(s.out[0].data, leaves, sizeof leaves);
    teardown(&f);
}

static void test_identifier(void **state)
{
    struct fixture f;
    struct batch b;
    struct error err;
    struct step s;
    (void)state;
    setup(&f);
    init_batch(&b);
    /* This op knows no prefix. */
    for (int i = 0; i < FILES; i++) {
        const char *from = arena_printf(&f.arena, "%s/x_%s", f.folder, names[i]);
        assert_int_equal(rename(from, arena_printf(&f.arena, "%s/%s", f.folder, names[i])), 0);
    }
    init_step(&s, "SimpleMLLoadModelFromPath", &f.arena);
    set_text(&s, "model_identifier", "id");
    s.in[s.in_count++] = &f.path;
    assert_int_equal(call_step(&s, f.store, &err), CODE_OK);
    init_question(&s, "SimpleMLInferenceOp", &b, &f.arena);
    set_text(&s, "model_identifier", "id");
    set_attr(&s, "dense_output_dim", (struct pb_attr_value){.value_case = ATTR_CASE_INT, .i = 1});
    assert_int_equal(call_step(&s, f.store, &err), CODE_OK);
    check_answers(&s);
    for (int i = 0; i < FILES; i++)
        unlink(arena_printf(&f.arena, "%s/%s", f.folder, names[i]));
    teardown(&f);
}

/* ---- inputs that do not fit ---- */

static void fewer_numbers(struct batch *b)
{
    b->in[0].shape = shape_matrix(2, 1);
}
static void no_numbers(struct batch *b)
{
    b->in[0].shape = shape_matrix(0, 1);
}
static void wide_numbers(struct batch *b)
{
    b->in[0].shape = shape_matrix(ROWS, 0);
}
static void surplus_booleans(struct batch *b)
{
    b->in[1].shape = shape_matrix(0, 1);
}
static void vector_of_numbers(struct batch *b)
{
    b->in[0].shape = shape_vector(ROWS);
}
static void no_examples(struct batch *b)
{
    b->in[5].shape = shape_vector(0);
}
static void odd_examples(struct batch *b)
{
    b->examples[1] = 2;
}
static void fewer_bounds(struct batch *b)
{
    b->in[4].shape = shape_vector(ROWS);
}
static void falling_bounds(struct batch *b)
{
    b->bounds[2] = 0;
}
static void high_bounds(struct batch *b)
{
    b->bounds[3] = 4;
}
static void negative_bounds(struct batch *b)
{
    b->bounds[0] = -1;
}

static void test_bad_inputs(void **state)
{
    static const struct {
        void (*spoil)(struct batch *b);
        enum code code;
        const char *text;
    } cases[] = {
        {fewer_numbers, CODE_INVALID_ARGUMENT, "inconsistent: 2 vs 3."},
        {no_numbers, CODE_INVALID_ARGUMENT, "Unexpected dimension of numerical_features bank."},
        {wide_numbers, CODE_INVALID_ARGUMENT, "Unexpected dimension of numerical_features bank."},
        {surplus_booleans, CODE_INVALID_ARGUMENT, "Unexpected dimension of boolean_features bank."},
        {vector_of_numbers, CODE_INVALID_ARGUMENT, "Shape must be rank 2 but is rank 1"},
        {no_examples, CODE_INTERNAL, "features_row_splits_dim_2"},
        {odd_examples, CODE_INTERNAL, "features_row_splits_dim_2"},
        {fewer_bounds, CODE_INTERNAL, "features_row_splits_dim_1"},
        {falling_bounds, CODE_INVALID_ARGUMENT, "features_row_splits_dim_1[2] = 0"},
        {high_bounds, CODE_INVALID_ARGUMENT, "features_row_splits_dim_1[3] = 4"},
        {negative_bounds, CODE_INVALID_ARGUMENT, "features_row_splits_dim_1[0] = -1"},
    };
    struct fixture f;
    struct batch b;
    struct error err;
    (void)state;
    setup(&f);
    struct step s = {.arena = &f.arena};
    assert_int_equal(load(&f, "x_", &f.arena, &err), CODE_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        init_batch(&b);
        cases[i].spoil(&b);
        assert_int_equal(ask(&f, &b, 1, &s, &err), cases[i].code);
        assert_non_null(strstr(err.message, cases[i].text));
    }
    init_batch(&b);
    assert_int_equal(ask(&f, &b, 2, &s, &err), CODE_INVALID_ARGUMENT);
    assert_non_null(strstr(err.message, "\"dense_output_dim\"=2 attribute does not match"));
    teardown(&f);
}

/* ---- threads ---- */

/* Each loads the model, and one of them does; then all ask it. */
static void *ask_often(void *arg)
{
    struct fixture *f = arg;
    struct arena arena;
    struct batch b;
    struct error err;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    init_batch(&b);
    intptr_t failures = load(f, "x_", &arena, &err) != CODE_OK;
    for (int i = 0; i < TURNS; i++) {
        struct step s = {.arena = &arena};
        failures += ask(f, &b, 1, &s, &err) || ((const float *)s.out[0].data)[1] != 22;
        arena_reset(&arena);
    }
    arena_release(&arena);
    return (void *)failures;
}

static void test_threads(void **state)
{
    pthread_t threads[THREADS];
    struct fixture f;
    (void)state;
    setup(&f);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &f), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failures;
        assert_int_equal(pthread_join(threads[i], &failures), 0);
        assert_null(failures);
    }
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handle),
        cmocka_unit_test(test_identifier),
        cmocka_unit_test(test_bad_inputs),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
