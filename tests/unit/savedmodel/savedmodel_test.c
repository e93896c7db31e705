/* SPDX-License-Identifier: Apache-2.0 */
/* Models are written as text into a folder of the test's own, as .pb (encoded) or .pbtxt, and read
 * back. */
#include "savedmodel/savedmodel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "wire/messages.h"
#include "wire/pb.h"

static char dir[256];
static char resident[300]; /* the last path made */

static const char *path_of(const char *name)
{
    snprintf(resident, sizeof resident, "%s/%s", dir, name);
    return resident;
}

static void write_bytes(const char *name, struct span bytes)
{
    FILE *out = fopen(path_of(name), "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, out), bytes.len);
    fclose(out);
}

static void write_model(const char *text)
{
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct pb_saved_model proto;
    struct error err = {0};
    if (pb_parse_text(&pb_saved_model_type, span_of(text), &arena, &proto, &err))
        fail_msg("%s", err.message);
    write_bytes("saved_model.pb", pb_encode(&pb_saved_model_type, &proto, &arena));
    arena_release(&arena);
}

static int make_dir(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR") ? getenv("TMPDIR") : P_tmpdir;
    snprintf(dir, sizeof dir, "%s/savedmodel_test.XXXXXX", tmp);
    return mkdtemp(dir) && mkdir(path_of("variables"), 0700) == 0 ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    static const char *const files[] = {"saved_model.pb", "saved_model.pbtxt", "export.meta",
                                        "variables/variables.index"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlink(path_of(files[i]));
    rmdir(path_of("variables"));
    return rmdir(dir);
}

static enum code read_model(struct arena *arena, struct savedmodel *model, struct error *err)
{
    static const struct span serve = {"serve", 5};
    error_clear(err);
    arena_init(arena, ARENA_FIRST_BLOCK);
    return savedmodel_read(dir, &serve, 1, arena, model, err);
}

static const char full_model[] =
    "saved_model_schema_version: 1\n"
    "meta_graphs { meta_info_def { tags: 'train' } }\n"
    "meta_graphs { meta_info_def { tags: 'serve' tags: 'gpu' } }\n"
    "meta_graphs {\n"
    "  meta_info_def { tags: 'serve' tags: 'serve' }\n"
    "  graph_def { node { name: 'c' op: 'Const' attr { key: 'value' value { tensor { dtype: "
    "DT_FLOAT } } } } }\n"
    "  saver_def { filename_tensor_name: 'save/Const:0' restore_op_name: 'save/restore_all' }\n"
    "  signature_def { key: 'z' value { method_name: 'tensorflow/serving/predict'\n"
    "    inputs { key: 'y' value { name: 'y:0' dtype: DT_FLOAT tensor_shape { dim { size: -1 } dim "
    "{ size: 3 } } } }\n"
    "    inputs { key: 'x' value { name: 'x:0' dtype: DT_INT64_REF tensor_shape { unknown_rank: "
    "true } } }\n"
    "    outputs { key: 'o' value { coo_sparse { values_tensor_name: 'v:0' } dtype: DT_STRING } }\n"
    "    defaults { key: 'y' value { dtype: DT_FLOAT float_val: 2.5 } }\n"
    "    defaults { key: 'none' value { dtype: DT_FLOAT float_val: 1 } } } }\n"
    "  signature_def { key: 'a' value { outputs { key: 'o' value { name: 'o:0' dtype: 999\n"
    "    tensor_shape { dim { size: -7 } } } } } }\n"
    "  asset_file_def { tensor_info { name: 'Const:0' } filename: 'vocab.txt' }\n"
    "}\n";

static void check_signatures(const struct savedmodel *model)
{
    assert_int_equal(model->signature_count, 2);
    assert_true(span_is(model->signatures[0].name, "a"));
    const struct savedmodel_signature *z = savedmodel_find_signature(model, SPAN_LITERAL("z"));
    assert_ptr_equal(z, &model->signatures[1]);
    assert_null(savedmodel_find_signature(model, SPAN_LITERAL("b")));
    assert_true(span_is(z->method_name, "tensorflow/serving/predict"));
    assert_int_equal(z->input_count, 2);
    assert_true(span_is(z->inputs[0].alias, "x") && span_is(z->inputs[1].alias, "y"));
    assert_true(z->inputs[0].is_ref && z->inputs[0].dtype == DTYPE_INT64);
    assert_int_equal(z->inputs[0].shape.rank, SHAPE_UNKNOWN_RANK);
    assert_null(z->inputs[0].default_value);
    assert_true(span_is(z->inputs[1].name, "y:0"));
    struct shape open = shape_matrix(-1, 3);
    assert_true(shape_equal(&z->inputs[1].shape, &open));
    assert_true(TENSOR_AT(z->inputs[1].default_value, float)[0] == 2.5f);
    assert_int_equal(z->outputs[0].name.len, 0);
    assert_int_equal(z->outputs[0].dtype, DTYPE_STRING);
    assert_int_equal(model->signatures[0].outputs[0].dtype, DTYPE_INVALID);
    assert_int_equal(model->signatures[0].outputs[0].shape.rank, SHAPE_UNKNOWN_RANK);
}

static void test_reads_a_whole_model(void **state)
{
    (void)state;
    for (int is_text = 0; is_text < 2; is_text++) {
        if (is_text)
            unlink(path_of("saved_model.pb"));
        write_bytes("saved_model.pbtxt", is_text ? span_of(full_model) : SPAN_LITERAL("not read"));
        if (!is_text)
            write_model(full_model);
        write_bytes("variables/variables.index", SPAN_LITERAL("x"));
        struct arena arena;
        struct savedmodel model;
        struct error err;
        if (read_model(&arena, &model, &err))
            fail_msg("%s", err.message);
        check_signatures(&model);
        assert_int_equal(model.asset_count, 1);
        assert_true(span_is(model.assets[0].tensor_name, "Const:0"));
        assert_true(span_is(model.assets[0].path, path_of("assets/vocab.txt")));
        assert_true(span_is(model.restore_op, "save/restore_all"));
        assert_true(span_is(model.filename_tensor, "save/Const:0"));
        assert_string_equal(model.variables_prefix, path_of("variables/variables"));
        assert_int_equal(model.init_op.len, 0);
        arena_release(&arena);
    }
}

static void test_without_variables_nothing_is_restored(void **state)
{
    (void)state;
    write_model(full_model);
    struct arena arena;
    struct savedmodel model;
    struct error err;
    assert_int_equal(read_model(&arena, &model, &err), CODE_OK);
    assert_null(model.variables_prefix);
    assert_int_equal(model.restore_op.len, 0);
    arena_release(&arena);
}

static void test_tags_are_a_set(void **state)
{
    (void)state;
    write_model(full_model);
    const struct {
        struct span tags[3];
        size_t count;
        enum code code;
    } cases[] = {
        {{SPAN_LITERAL("gpu"), SPAN_LITERAL("serve")}, 2, CODE_OK},
        {{SPAN_LITERAL("serve"), SPAN_LITERAL("gpu"), SPAN_LITERAL("gpu")}, 3, CODE_OK},
        {{SPAN_LITERAL("train")}, 1, CODE_OK},
        {{SPAN_LITERAL("gpu")}, 1, CODE_NOT_FOUND},
        {{{0}}, 0, CODE_NOT_FOUND},
        {{SPAN_LITERAL("serve"), SPAN_LITERAL("tpu")}, 2, CODE_NOT_FOUND},
    };
    struct error err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena;
        struct savedmodel model;
        arena_init(&arena, ARENA_FIRST_BLOCK);
        assert_int_equal(savedmodel_read(dir, cases[i].tags, cases[i].count, &arena, &model, &err),
                         cases[i].code);
        arena_release(&arena);
    }
    assert_string_equal(
        err.message,
        "Could not find meta graph def matching supplied tags: { serve tpu }. To inspect available "
        "tag-sets in the SavedModel, please use the SavedModel CLI: `saved_model_cli`");
}

static void test_init_op(void **state)
{
    (void)state;
    static const char signature[] =
        "signature_def { key: '__saved_model_init_op' value { outputs { key: "
        "'__saved_model_init_op' value { name: 'from_signature' } } } }";
    static const char main_op[] =
        "collection_def { key: 'saved_model_main_op' value { node_list { value: 'from_main' } } }";
    static const char legacy[] =
        "collection_def { key: 'legacy_init_op' value { node_list { value: 'from_legacy' } } }";
    static const struct {
        const char *parts[3];
        enum code code;
        const char *init_op;
    } cases[] = {
        {{legacy, main_op, signature}, CODE_OK, "from_signature"},
        {{legacy, main_op, ""}, CODE_OK, "from_main"},
        {{legacy, "", ""}, CODE_OK, "from_legacy"},
        {{"", "", ""}, CODE_OK, ""},
        {{legacy, "collection_def { key: 'saved_model_main_op' value { node_list { } } }", ""},
         CODE_FAILED_PRECONDITION,
         "Expected exactly one main op in : "},
        {{"",
          "collection_def { key: 'legacy_init_op' value { node_list { value: 'a' value: 'b' } } }",
          ""},
         CODE_FAILED_PRECONDITION,
         "Expected exactly one main op in : "},
        {{legacy, "signature_def { key: '__saved_model_init_op' value { } }", ""},
         CODE_FAILED_PRECONDITION,
         "Could not find output __saved_model_init_op"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[2048];
        snprintf(text, sizeof text, "meta_graphs { meta_info_def { tags: 'serve' } %s %s %s }",
                 cases[i].parts[0], cases[i].parts[1], cases[i].parts[2]);
        write_model(text);
        struct arena arena;
        struct savedmodel model;
        struct error err;
        assert_int_equal(read_model(&arena, &model, &err), cases[i].code);
        if (cases[i].code)
            assert_ptr_equal(strstr(err.message, cases[i].init_op), err.message);
        else
            assert_true(span_is(model.init_op, cases[i].init_op));
        arena_release(&arena);
    }
}

static void test_assets_of_a_collection(void **state)
{
    (void)state;
    write_model("meta_graphs { meta_info_def { tags: 'serve' } collection_def { key: "
                "'saved_model_assets' value { "
                "any_list { value { type_url: 'type.googleapis.com/tensorflow.AssetFileDef' "
                "value: '\\n\\005\\n\\003a:0\\022\\005a.txt' } } } } }");
    struct arena arena;
    struct savedmodel model;
    struct error err;
    assert_int_equal(read_model(&arena, &model, &err), CODE_OK);
    assert_int_equal(model.asset_count, 1);
    assert_true(span_is(model.assets[0].tensor_name, "a:0"));
    assert_true(span_is(model.assets[0].path, path_of("assets/a.txt")));
    arena_release(&arena);
}

static void test_refusals(void **state)
{
    (void)state;
#define GRAPH(nodes) "meta_graphs { meta_info_def { tags: 'serve' } graph_def { " nodes " } }"
    static const struct {
        const char *text;
        enum code code;
        const char *message;
    } cases[] = {
        {GRAPH("node { name: 'c' op: 'Const' }"), CODE_FAILED_PRECONDITION,
         "Saved model contains node \"c\" which is a constant tensor but no value has been "
         "provided"},
        {GRAPH("node { name: 'c' op: 'Const' attr { key: 'value' value { tensor { tensor_shape { "
               "dim { size: -1 } } } } } }"),
         CODE_FAILED_PRECONDITION,
         "Saved model contains node \"c\" (op \"Const\") which initializes from a tensor with -1 "
         "elements"},
        {GRAPH("library { function { signature { name: 'f' } node_def { name: 'n' op: 'f' } } }"),
         CODE_FAILED_PRECONDITION,
         "Function f is self recursive and TensorFlow does not support this scenario."},
        {GRAPH(
             "library { function { signature { name: 'f' } node_def { name: 'n' op: 'Const' } } }"),
         CODE_FAILED_PRECONDITION,
         "Saved model contains node \"n\" which is a constant tensor but no value has been "
         "provided"},
        {"meta_graphs { meta_info_def { tags: 'serve' } signature_def { key: 's' value { inputs { "
         "key: 'x' value { } } "
         "defaults { key: 'x' value { dtype: DT_RESOURCE } } } } }",
         CODE_INVALID_ARGUMENT,
         "signature \"s\": default value of input \"x\": A tensor can not be read as type resource "
         "(20)"},
        {"meta_graphs { meta_info_def { tags: 'serve' } collection_def { key: 'saved_model_assets' "
         "value { any_list { "
         "value { type_url: 'x/y' } } } } }",
         CODE_FAILED_PRECONDITION, "Expected Any type_url for: tensorflow.AssetFileDef. Got: x/y."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_model(cases[i].text);
        struct arena arena;
        struct savedmodel model;
        struct error err;
        assert_int_equal(read_model(&arena, &model, &err), cases[i].code);
        assert_string_equal(err.message, cases[i].message);
        arena_release(&arena);
    }
}

static void test_files_that_are_none(void **state)
{
    (void)state;
    struct arena arena;
    struct savedmodel model;
    struct error err;
    char want[600];
    unlink(path_of("saved_model.pb"));
    unlink(path_of("saved_model.pbtxt"));
    assert_int_equal(read_model(&arena, &model, &err), CODE_NOT_FOUND);
    snprintf(want, sizeof want,
             "Could not find SavedModel .pb or .pbtxt at supplied export directory path: %s. Check "
             "that the directory "
             "exists and that you have the right permissions for accessing it.",
             dir);
    assert_string_equal(err.message, want);
    arena_release(&arena);
    write_bytes("export.meta", SPAN_LITERAL(""));
    assert_int_equal(read_model(&arena, &model, &err), CODE_UNIMPLEMENTED);
    arena_release(&arena);
    static const char *const names[] = {"saved_model.pbtxt", "saved_model.pb"};
    for (size_t i = 0; i < 2; i++) {
        write_bytes(names[i], SPAN_LITERAL("\377\377 {"));
        assert_int_equal(read_model(&arena, &model, &err), CODE_DATA_LOSS);
        assert_non_null(strstr(err.message, path_of(names[i])));
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reads_a_whole_model, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_without_variables_nothing_is_restored, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(test_tags_are_a_set, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_init_op, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_assets_of_a_collection, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_refusals, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_files_that_are_none, make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
