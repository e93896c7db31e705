/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classify, Regress and MultiInference on a model written as text: every refusal, word for word.
 * From the examples' strings its graph makes classes [n,1], scores [n,1], pairs [n,2], and things
 * that no classifier or regressor may return.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "servables/tensorflow/classify.h"
#include "servables/tensorflow/examples.h"
#include "servables/tensorflow/multi_inference.h"
#include "servables/tensorflow/predict.h"
#include "servables/tensorflow/regress.h"

/* Nodes: name, op, inputs, and attributes in the text format. */
#define TYPE(key, dtype) "attr { key: '" key "' value { type: " dtype " } } "
#define VALUE(dtype, value)                                                                        \
    TYPE("dtype", dtype) "attr { key: 'value' value { tensor { dtype: " dtype " " value " } } }"
static const struct {
    const char *name;
    const char *op;
    const char *inputs;
    const char *attrs;
} nodes[] = {
    {"examples", "Placeholder", "", TYPE("dtype", "DT_STRING")},
    {"others", "Placeholder", "", TYPE("dtype", "DT_STRING")},
    {"number", "Placeholder", "", TYPE("dtype", "DT_FLOAT")},
    {"one", "Const", "", VALUE("DT_INT32", "int_val: 1 tensor_shape { }")},
    {"row", "Const", "",
     VALUE("DT_FLOAT", "float_val: 7 tensor_shape { dim: [{ size: 1 }, { size: 2 }] }")},
    {"word", "Const", "",
     VALUE("DT_STRING", "string_val: 'w' tensor_shape { dim: [{ size: 1 }, { size: 1 }] }")},
    {"three", "Const", "", VALUE("DT_FLOAT", "float_val: 7 tensor_shape { dim { size: 3 } }")},
    {"length", "StringLength", "input: 'examples'", ""},
    {"other_length", "StringLength", "input: 'others'", ""},
    {"value", "Cast", "input: 'length'", TYPE("SrcT", "DT_INT32") TYPE("DstT", "DT_FLOAT")},
    {"other", "Cast", "input: 'other_length'", TYPE("SrcT", "DT_INT32") TYPE("DstT", "DT_FLOAT")},
    {"wide", "Cast", "input: 'length'", TYPE("SrcT", "DT_INT32") TYPE("DstT", "DT_INT64")},
    {"classes", "ExpandDims", "input: ['examples', 'one']", TYPE("T", "DT_STRING")},
    {"scores", "ExpandDims", "input: ['value', 'one']", TYPE("T", "DT_FLOAT")},
    {"ints", "ExpandDims", "input: ['wide', 'one']", TYPE("T", "DT_INT64")},
    {"pairs", "ConcatV2", "input: ['scores', 'scores', 'one']",
     TYPE("T", "DT_FLOAT") "attr { key: 'N' value { i: 2 } }"},
};

/* Signatures: aliases and tensors. */
#define IN(alias, tensor)                                                                          \
    "inputs { key: '" alias "' value { name: '" tensor ":0' dtype: DT_STRING } } "
#define OUT(alias, tensor) "outputs { key: '" alias "' value { name: '" tensor ":0' } } "
#define EXAMPLES           IN("inputs", "examples")
static const struct {
    const char *name;
    const char *tensors;
} signatures[] = {
    {"serving_default", EXAMPLES OUT("classes", "classes") OUT("scores", "scores")},
    {"labels", EXAMPLES OUT("classes", "classes")},
    {"scores", EXAMPLES OUT("scores", "pairs")},
    {"more", EXAMPLES OUT("scores", "scores") OUT("what", "pairs")},
    {"flat", EXAMPLES OUT("scores", "value")},
    {"int_scores", EXAMPLES OUT("scores", "ints")},
    {"float_classes", EXAMPLES OUT("classes", "scores")},
    {"one_row", EXAMPLES OUT("scores", "row")},
    {"one_word", EXAMPLES OUT("classes", "word")},
    {"uneven", EXAMPLES OUT("classes", "classes") OUT("scores", "pairs")},
    {"three_outputs", EXAMPLES OUT("classes", "classes") OUT("scores", "scores") OUT("x", "pairs")},
    {"two_inputs", EXAMPLES IN("x", "others") OUT("scores", "scores")},
    {"no_input", OUT("scores", "row")},
    {"x", IN("x", "examples") OUT("outputs", "value")},
    {"y", EXAMPLES OUT("y", "value")},
    {"number", IN("inputs", "number") OUT("outputs", "number")},
    {"column", EXAMPLES OUT("outputs", "scores")},
    {"value", EXAMPLES OUT("outputs", "value")},
    {"other", IN("inputs", "others") OUT("outputs", "other")},
    {"pairs", EXAMPLES OUT("outputs", "pairs")},
    {"ints", EXAMPLES OUT("outputs", "wide")},
    {"three", EXAMPLES OUT("outputs", "three")},
};

static void write_model(FILE *out)
{
    fprintf(out, "meta_graphs { meta_info_def { tags: 'serve' } graph_def {\n");
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
        fprintf(out, "node { name: '%s' op: '%s' %s %s }\n", nodes[i].name, nodes[i].op,
                nodes[i].inputs, nodes[i].attrs);
    fprintf(out, "}\n");
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
        fprintf(out, "signature_def { key: '%s' value { %s method_name: 'm' } }\n",
                signatures[i].name, signatures[i].tensors);
    fprintf(out, "}\n");
}

struct fixture {
    struct session *session;
    struct session *strict; /* checks method names */
    struct arena arena;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    char dir[256], path[300];
    const char *tmp = getenv("TMPDIR") ? getenv("TMPDIR") : P_tmpdir;
    snprintf(dir, sizeof dir, "%s/inference_test.XXXXXX", tmp);
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/saved_model.pbtxt", dir);
    FILE *out = fopen(path, "w");
    if (!out)
        return -1;
    write_model(out);
    if (fclose(out))
        return -1;
    struct error err = {0};
    struct session_options strict = {.checks_method_names = true};
    if (session_load(dir, NULL, &fixture.session, &err) ||
        session_load(dir, &strict, &fixture.strict, &err))
        print_error("%s\n", err.message);
    unlink(path);
    rmdir(dir);
    arena_init(&fixture.arena, ARENA_FIRST_BLOCK);
    *state = &fixture;
    return fixture.session && fixture.strict ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    arena_release(&fixture->arena);
    session_free(fixture->session);
    session_free(fixture->strict);
    return 0;
}

/* ---- calls: answers and errors as text ---- */

static const char two[] = "example_list { examples: 'a' examples: 'bcd' }";

static const char *result_text(const struct pb_message *type, const void *message,
                               struct arena *arena)
{
    char *text = arena_strdup(arena, pb_print_text(type, message, arena)), *to = text;
    for (char *from = text; *from; from++) { /* one line, one blank between words */
        bool blank = *from == ' ' || *from == '\n';
        if (!blank || (to > text && to[-1] != ' '))
            *to++ = blank ? ' ' : *from;
    }
    while (to > text && to[-1] == ' ')
        to--;
    *to = 0;
    return text;
}

static const char *error_text(const struct error *err, struct arena *arena)
{
    return arena_printf(arena, "%s: %s", code_name(err->code), err->message);
}

static const char *infer(struct session *session, const struct inference_kind *kind,
                         const char *signature, const char *input, struct arena *arena)
{
    struct error err;
    struct pb_serialized_input message;
    struct pb_inference_result result = {0};
    struct inference_head head;
    struct tensor examples;
    struct run run = {.arena = arena, .deadline_us = INT64_MAX};
    assert_int_equal(
        pb_parse_text(&pb_serialized_input_type, span_of(input), arena, &message, &err), CODE_OK);
    if (inference_find(session, span_of(signature), kind, arena, &head, &err) ||
        examples_to_tensor(&message, arena, &examples, &err) ||
        inference_run(&head, &examples, &run, &result, &err))
        return error_text(&err, arena);
    return result_text(&pb_inference_result_type, &result, arena);
}

static const char *infer_several(struct session *session, const char *text, struct arena *arena)
{
    struct error err;
    struct pb_serialized_multi_request request;
    struct pb_multi_inference_response response = {0};
    struct run run = {.arena = arena, .deadline_us = INT64_MAX};
    if (pb_parse_text(&pb_serialized_multi_request_type, span_of(text), arena, &request, &err))
        fail_msg("%s", err.message);
    if (multi_inference(session, &request, &run, &response, &err))
        return error_text(&err, arena);
    return result_text(&pb_multi_inference_response_type, &response, arena);
}

#define BAD "INVALID_ARGUMENT: "

static const struct {
    const struct inference_kind *kind;
    const char *signature;
    const char *expected;
} rows[] = {
    {&classify_kind, "",
     "classification_result { classifications { classes { label: \"a\" score: 1 } } "
     "classifications { classes { label: \"bcd\" score: 3 } } }"},
    {&classify_kind, "labels",
     "classification_result { classifications { classes { label: \"a\" } } "
     "classifications { classes { label: \"bcd\" } } }"},
    {&classify_kind, "scores",
     "classification_result { classifications { classes { score: 1 } classes { score: 1 } } "
     "classifications { classes { score: 3 } classes { score: 3 } } }"},
    {&classify_kind, "more",
     "classification_result { classifications { classes { score: 1 } } "
     "classifications { classes { score: 3 } } }"},
    {&classify_kind, "nope", BAD "No signature was found with the name: nope"},
    {&classify_kind, "flat", BAD "Expected Tensor shape: [batch_size num_classes] but got [2]"},
    {&classify_kind, "int_scores", BAD "Expected scores Tensor of DT_FLOAT. Got: DT_INT64"},
    {&classify_kind, "float_classes", BAD "Expected classes Tensor of DT_STRING. Got: DT_FLOAT"},
    {&classify_kind, "one_row", BAD "Expected scores output batch size of 2. Got: 1"},
    {&classify_kind, "one_word", BAD "Expected classes output batch size of 2. Got: 1"},
    {&classify_kind, "uneven",
     BAD "Tensors class and score should match in dim_size(1). Got 1 vs. 2"},
    {&classify_kind, "three_outputs", BAD "Expected one or two output Tensors, found 3"},
    {&classify_kind, "two_inputs", BAD "Expected one input Tensor."},
    {&classify_kind, "no_input", BAD "Expected one input Tensor."},
    {&classify_kind, "x",
     BAD "No classification inputs found in SignatureDef: inputs {\n  key: \"x\"\n  value {\n    "
         "name: \"examples:0\"\n    dtype: DT_STRING\n  }\n}\noutputs {\n  key: \"outputs\"\n  "
         "value {\n    name: \"value:0\"\n  }\n}\nmethod_name: \"m\"\n"},
    {&classify_kind, "y",
     BAD "Expected classification signature outputs to contain at least one of \"classes\" or "
         "\"scores\". Signature was: inputs {\n  key: \"inputs\"\n  value {\n    name: "
         "\"examples:0\"\n    dtype: DT_STRING\n  }\n}\noutputs {\n  key: \"y\"\n  value {\n    "
         "name: \"value:0\"\n  }\n}\nmethod_name: \"m\"\n"},
    {&regress_kind, "value",
     "regression_result { regressions { value: 1 } regressions { value: 3 } }"},
    {&regress_kind, "column",
     "regression_result { regressions { value: 1 } regressions { value: 3 } }"},
    {&regress_kind, "", BAD "Expected one output Tensor."},
    {&regress_kind, "two_inputs", BAD "Expected one input Tensor."},
    {&regress_kind, "x",
     BAD "No regression inputs found in SignatureDef: inputs {\n  key: \"x\"\n  value {\n    "
         "name: \"examples:0\"\n    dtype: DT_STRING\n  }\n}\noutputs {\n  key: \"outputs\"\n  "
         "value {\n    name: \"value:0\"\n  }\n}\nmethod_name: \"m\"\n"},
    {&regress_kind, "y",
     BAD "No regression outputs found in SignatureDef: inputs {\n  key: \"inputs\"\n  value {\n    "
         "name: \"examples:0\"\n    dtype: DT_STRING\n  }\n}\noutputs {\n  key: \"y\"\n  value {\n"
         "    name: \"value:0\"\n  }\n}\nmethod_name: \"m\"\n"},
    {&regress_kind, "number", BAD "Expects arg[0] to be float but string is provided"},
    {&regress_kind, "pairs",
     BAD "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got [2,2]"},
    {&regress_kind, "ints", BAD "Expected output Tensor of DT_FLOAT.  Got: DT_INT64"},
    {&regress_kind, "three", BAD "Input batch size did not match output batch size: 2 vs. 3"},
};

static void answers_and_refusals(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(
            infer(fixture->session, rows[i].kind, rows[i].signature, two, &fixture->arena),
            rows[i].expected);
}

static void inputs(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *input;
        const char *expected;
    } cases[] = {
        {"", BAD "Input is empty."},
        {"example_list { }", BAD "Input is empty."},
        {"example_list_with_context { context: 'abc' }", BAD "Input is empty."},
        {"example_list { examples: '' }",
         "classification_result { classifications { classes { } } }"},
        {"example_list_with_context { examples: '-' examples: '' context: 'ab' }",
         "classification_result { classifications { classes { label: \"ab-\" } } "
         "classifications { classes { label: \"ab\" } } }"},
        {"example_list_with_context { examples: 'x' }",
         "classification_result { classifications { classes { label: \"x\" } } }"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(
            infer(fixture->session, &classify_kind, "labels", cases[i].input, &fixture->arena),
            cases[i].expected);
}

/* Many empty examples behind a large context are small on the wire. */
static void a_context_may_not_multiply_without_end(void **state)
{
    struct fixture *fixture = *state;
    enum { COUNT = 1 << 20, CONTEXT = 1 << 24 };
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct pb_serialized_example_list_with_context list = {
        .examples = {ARENA_ARRAY(&arena, struct span, COUNT), COUNT},
        .context = {arena_calloc(&arena, 1, CONTEXT), CONTEXT},
    };
    struct pb_serialized_input input = {.kind_case = 2, .example_list_with_context = &list};
    struct tensor tensor;
    struct error err;
    (void)fixture;
    assert_int_equal(examples_to_tensor(&input, &arena, &tensor, &err), CODE_RESOURCE_EXHAUSTED);
    list.context.len = SIZE_MAX / 2;
    assert_int_equal(examples_to_tensor(&input, &arena, &tensor, &err), CODE_RESOURCE_EXHAUSTED);
    arena_release(&arena);
}

/* A few bytes may make a large tensor: another thread makes it, also where starting is short. */
static void what_a_message_makes_large_is_not_tiny(void **state)
{
    struct fixture *fixture = *state;
    struct session *session = fixture->session;
    struct batching_parameters parameters;
    struct batch_scheduler *scheduler;
    struct error err;
    assert_int_equal(
        batching_parameters_read(&(struct pb_batching_parameters){0}, &parameters, &err), CODE_OK);
    assert_int_equal(batch_scheduler_new("test", 1, &scheduler, &err), CODE_OK);
    session_set_batching(session, batching_session_new(scheduler, &parameters));
    struct pb_tensor_shape_proto_dim dim = {.size = 1};
    struct pb_tensor_shape_proto shape = {.dim = {&dim, 1}};
    struct pb_tensor_proto tensor = {.dtype = DTYPE_FLOAT, .tensor_shape = &shape};
    struct pb_predict_request_inputs_entry entry = {.value = &tensor};
    struct pb_predict_request request = {.inputs = {&entry, 1}};
    struct session_signature *signature = session_find(session, span_of("value"));
    assert_true(predict_is_tiny(signature, &request));
    dim.size = 1 << 24;
    assert_false(predict_is_tiny(signature, &request));

    struct span example = {0};
    struct pb_serialized_example_list_with_context list = {.examples = {&example, 1}};
    struct pb_serialized_input input = {.kind_case = 2, .example_list_with_context = &list};
    struct inference_head head;
    assert_int_equal(
        inference_find(session, span_of("labels"), &classify_kind, &fixture->arena, &head, &err),
        CODE_OK);
    assert_true(inference_is_tiny(&head, &input));
    list.context = SPAN_LITERAL("context");
    assert_false(inference_is_tiny(&head, &input));

    batching_session_free(session_batching(session));
    session_set_batching(session, NULL);
    batch_scheduler_free(scheduler);
}

static void method_names_may_be_checked(void **state)
{
    struct fixture *fixture = *state;
    struct arena *arena = &fixture->arena;
    assert_string_equal(infer(fixture->strict, &classify_kind, "", two, arena),
                        BAD "Expected classification signature method_name to be "
                            "tensorflow/serving/classify. Was: m");
    assert_string_equal(infer(fixture->strict, &regress_kind, "value", two, arena),
                        BAD "Expected regression signature method_name to be "
                            "tensorflow/serving/regress. Was: m");
    struct session_signature *signature;
    struct named_tensor *outputs;
    size_t count;
    struct run run = {.arena = arena, .deadline_us = INT64_MAX};
    struct error err;
    assert_int_equal(predict_signature(fixture->strict, span_of("value"), &signature, &err),
                     CODE_OK);
    assert_int_equal(predict_run(signature, NULL, 0, NULL, &run, &outputs, &count, &err),
                     CODE_INTERNAL);
    assert_string_equal(err.message, "Expected prediction signature method_name to be one of "
                                     "{tensorflow/serving/predict, tensorflow/serving/classify, "
                                     "tensorflow/serving/regress}. Was: m");
}

/* ---- several at once ---- */

#define TASK(model, signature, method)                                                             \
    "tasks { model_spec { name: '" model "' signature_name: '" signature                           \
    "' } method_name: 'tensorflow/serving/" method "' } "
#define INPUT "input { example_list { examples: 'a' examples: 'bcd' } }"
#define REGRESSION(model, signature)                                                               \
    "results { model_spec { name: \"" model "\" signature_name: \"" signature                      \
    "\" } regression_result { regressions { value: 1 } regressions { value: 3 } } }"

static const struct {
    const char *request;
    const char *expected;
} several[] = {
    {TASK("m", "value", "regress") INPUT, REGRESSION("m", "value")},
    /* Tensors and inputs may be shared or not. */
    {TASK("m", "value", "regress") TASK("m", "column", "regress") TASK("m", "other", "regress")
         TASK("m", "labels", "classify") INPUT,
     REGRESSION("m", "value") " " REGRESSION("m", "column") " " REGRESSION(
         "m", "other") " results { model_spec { name: \"m\" signature_name: \"labels\" } "
                       "classification_result { "
                       "classifications { classes { label: \"a\" } } classifications { classes { "
                       "label: \"bcd\" } } "
                       "} }"},
    {TASK("m", "other", "regress") TASK("m", "more", "classify") INPUT,
     REGRESSION("m", "other") " results { model_spec { name: \"m\" signature_name: \"more\" } "
                              "classification_result { classifications { classes { score: 1 } } "
                              "classifications { classes { score: 3 } } } }"},
    {TASK("m", "value", "regress") "tasks { method_name: 'tensorflow/serving/regress' } " INPUT,
     BAD "Found ModelSpec with an empty model name."},
    {TASK("m", "value", "regress") TASK("", "value", "regress") INPUT,
     BAD "Found ModelSpec with an empty model name."},
    {TASK("m", "value", "regress") TASK("n", "column", "regress") INPUT,
     BAD "All ModelSpecs in a MultiInferenceRequest must access the same model name."},
    {TASK("m", "", "classify") TASK("m", "serving_default", "regress") INPUT,
     BAD "Duplicate evaluation of signature: serving_default"},
    {TASK("m", "nope", "regress") INPUT, BAD "Requested signature not found in model graph: nope"},
    {TASK("m", "value", "predict") INPUT,
     "UNIMPLEMENTED: Unsupported signature method_name: tensorflow/serving/predict"},
    {TASK("m", "value", "regress") TASK("m", "column", "regress"), BAD "Input is empty."},
    {TASK("m", "value", "regress") TASK("m", "two_inputs", "classify"),
     BAD "Expected one input Tensor."},
    {TASK("m", "value", "regress") TASK("m", "ints", "regress") INPUT,
     BAD "Expected output Tensor of DT_FLOAT.  Got: DT_INT64"},
    {TASK("m", "value", "regress") TASK("m", "number", "regress") INPUT,
     BAD "Expects arg[1] to be float but string is provided"},
};

static void several_signatures(void **state)
{
    struct fixture *fixture = *state;
    for (int turn = 0; turn < 2; turn++) { /* the second time with plans that were kept */
        for (size_t i = 0; i < sizeof several / sizeof *several; i++)
            assert_string_equal(
                infer_several(fixture->session, several[i].request, &fixture->arena),
                several[i].expected);
    }
}

/* More choices of signatures than are kept: the answers stay the same. */
static void more_choices_than_are_kept(void **state)
{
    static const char *const names[] = {"value",  "column", "other",          "labels",
                                        "scores", "more",   "serving_default"};
    struct fixture *fixture = *state;
    for (unsigned mask = 1; mask < 1 << 7; mask++) {
        const char *request = "", *what;
        int count = 0;
        for (int k = 0; k < 7; k++) {
            if (!(mask >> k & 1))
                continue;
            count++;
            request = arena_printf(&fixture->arena,
                                   "%s tasks { model_spec { name: 'm' signature_name: '%s' } "
                                   "method_name: 'tensorflow/serving/%s' }",
                                   request, names[k], k < 3 ? "regress" : "classify");
        }
        what = infer_several(fixture->session, arena_printf(&fixture->arena, "%s " INPUT, request),
                             &fixture->arena);
        for (const char *p = what; (p = strstr(p, "results {")); p++)
            count--;
        assert_int_equal(count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_and_refusals),
        cmocka_unit_test(inputs),
        cmocka_unit_test(a_context_may_not_multiply_without_end),
        cmocka_unit_test(what_a_message_makes_large_is_not_tiny),
        cmocka_unit_test(method_names_may_be_checked),
        cmocka_unit_test(several_signatures),
        cmocka_unit_test(more_choices_than_are_kept),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
