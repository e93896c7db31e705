/* SPDX-License-Identifier: Apache-2.0 */
/* From a graph's text to answers: import, passes, plans, bindings and runs, on small graphs with
 * what real ones have. */
#include "engine/compile.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/messages.h"
#include "wire/pb.h"

/* ---- graphs ---- */

#define NODE(name, op, rest) "node { name: '" name "' op: '" op "' " rest "}\n"
#define TYPE(attr, type)     "attr { key: '" attr "' value { type: " type " } } "
#define FLOAT_T              TYPE("T", "DT_FLOAT")
#define PLACEHOLDER(name)    NODE(name, "Placeholder", TYPE("dtype", "DT_FLOAT"))
#define CONST(name, value)                                                                         \
    NODE(name, "Const",                                                                            \
         TYPE("dtype", "DT_FLOAT") "attr { key: 'value' value { tensor { dtype: DT_FLOAT "         \
                                   "tensor_shape {} float_val: " value " } } } ")
#define CONST_BOOL(name, value)                                                                    \
    NODE(name, "Const",                                                                            \
         TYPE("dtype", "DT_BOOL") "attr { key: 'value' value { tensor { dtype: DT_BOOL "           \
                                  "tensor_shape {} bool_val: " value " } } } ")

static const char half_plus_two[] = PLACEHOLDER("x") CONST("a", "0.5") CONST("b", "2")
    NODE("ab", "Mul", "input: 'a' input: 'a' " FLOAT_T)
        NODE("mul", "Mul", "input: 'a' input: 'x' " FLOAT_T)
            NODE("y", "Add", "input: 'mul' input: 'b' " FLOAT_T)
                NODE("z", "Add", "input: 'y' input: 'ab' " FLOAT_T)
                    NODE("lost", "NoSuchOp", "input: 'x'");

struct fixture {
    struct arena arena;
    struct resource_store *store;
    struct module module;
    struct missing_ops missing;
    struct error err;
};

static struct fixture *setup(const char *text)
{
    struct fixture *f = calloc(1, sizeof *f);
    arena_init(&f->arena, ARENA_FIRST_BLOCK);
    error_clear(&f->err);
    f->store = resource_store_new();
    missing_ops_init(&f->missing, &f->arena);
    struct pb_graph_def *proto = ARENA_NEW(&f->arena, struct pb_graph_def);
    if (pb_parse_text(&pb_graph_def_type, span_of(text), &f->arena, proto, &f->err) ||
        module_init(&f->module, &f->arena, f->store, proto, &f->err))
        f->module.library.arena = NULL;
    return f;
}

static void teardown(struct fixture *f)
{
    resource_store_free(f->store);
    arena_release(&f->arena);
    free(f);
}

/* Compiles feeds -> fetches (NULL-terminated names); NULL with f->err set. */
static struct plan *compile(struct fixture *f, const char *const *feeds, const char *const *fetches,
                            const char *target)
{
    struct span feed_names[8], fetch_names[8], target_name = span_of(target);
    struct compile_request request = {
        .feeds = feed_names,
        .fetches = fetch_names,
        .targets = &target_name,
        .target_count = target != NULL,
        .is_signature = true,
    };
    for (; feeds && feeds[request.feed_count]; request.feed_count++)
        feed_names[request.feed_count] = span_of(feeds[request.feed_count]);
    for (; fetches && fetches[request.fetch_count]; request.fetch_count++)
        fetch_names[request.fetch_count] = span_of(fetches[request.fetch_count]);
    struct compilation *compilation;
    struct plan *plan = NULL;
    if (compile_begin(&f->module, &request, &f->missing, &compilation, &f->err))
        return NULL;
    if (missing_ops_report(&f->missing, &f->err)) {
        compile_abort(compilation);
        return NULL;
    }
    return compile_finish(compilation, true, &plan, &f->err) ? NULL : plan;
}

static struct plan *compile_one(struct fixture *f, const char *feed, const char *fetch)
{
    const char *feeds[] = {feed, NULL}, *fetches[] = {fetch, NULL};
    return compile(f, feed ? feeds : NULL, fetches, NULL);
}

/* Runs a plan of one float vector in, one tensor out; the output is copied to `out` (room for 16).
 * Returns the code. */
static enum code run(struct fixture *f, struct plan *plan, const float *in, int64_t n, float *out)
{
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct run r = {.arena = &arena, .resources = f->store, .deadline_us = INT64_MAX};
    struct tensor input = {DTYPE_FLOAT, shape_vector(n), (void *)(uintptr_t)in, NULL}, output;
    enum code code = plan_run(plan, &input, &r, &output, &f->err);
    if (!code)
        memcpy(out, output.data, tensor_bytes(&output));
    arena_release(&arena);
    return code;
}

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in '%s'", part, text);
}

/* ---- tests ---- */

static void test_plan_is_pruned_and_folded(void **state)
{
    (void)state;
    struct fixture *f = setup(half_plus_two);
    struct plan *plan = compile_one(f, "x:0", "z:0");
    assert_non_null(plan);
    /* a * a is folded, b + a * a too, "lost" is not reached. */
    assert_int_equal(plan_step_count(plan), 2);
    float in[3] = {1, 2, -4}, out[16];
    assert_int_equal(run(f, plan, in, 3, out), CODE_OK);
    assert_true(out[0] == 2.75f && out[1] == 3.25f && out[2] == 0.25f);
    /* Elementwise steps go on in the memory of the one before. */
    struct plan_info info;
    plan_describe(plan, &info);
    assert_int_equal(info.block_bytes, 64);
    assert_int_equal(info.naive_bytes, 128);
    plan_free(plan);
    teardown(f);
}

static void test_any_tensor_can_be_fed(void **state)
{
    (void)state;
    struct fixture *f = setup(half_plus_two);
    struct plan *plan = compile_one(f, "mul", "y");
    assert_non_null(plan);
    assert_int_equal(plan_step_count(plan), 1);
    float in[1] = {5}, out[16];
    assert_int_equal(run(f, plan, in, 1, out), CODE_OK);
    assert_true(out[0] == 7);
    plan_free(plan);
    teardown(f);
}

static void test_constant_and_fed_fetches(void **state)
{
    (void)state;
    struct fixture *f = setup(half_plus_two);
    struct plan *constant = compile_one(f, NULL, "ab:0");
    struct plan *fed = compile_one(f, "x:0", "x:0");
    float in[2] = {3, 4}, out[16];
    assert_int_equal(run(f, constant, NULL, 0, out), CODE_OK);
    assert_true(out[0] == 0.25f);
    assert_int_equal(run(f, fed, in, 2, out), CODE_OK);
    assert_true(out[1] == 4);
    plan_free(constant);
    plan_free(fed);
    teardown(f);
}

/* TensorFlow would run the steps before the one that does not fit: what they say comes first. */
static void test_earlier_errors_come_first(void **state)
{
    (void)state;
    struct fixture *f = setup(
        PLACEHOLDER("x") NODE("no", "Placeholder", TYPE("dtype", "DT_FLOAT"))
            NODE("pair", "Const",
                 TYPE("dtype", "DT_FLOAT") "attr { key: 'value' value { tensor { dtype: DT_FLOAT "
                                           "tensor_shape { dim { size: 2 } } float_val: 1 } } } ")
                NODE("lost", "Neg", "input: 'no' " FLOAT_T)
                    NODE("y", "Sub", "input: 'pair' input: 'x' input: '^lost' " FLOAT_T));
    struct plan *plan = compile_one(f, "x:0", "y:0");
    assert_non_null(plan);
    float in[3] = {1, 2, 3}, out[16];
    assert_int_equal(run(f, plan, in, 3, out), CODE_INVALID_ARGUMENT);
    assert_contains(f->err.message, "You must feed a value for placeholder tensor 'no'");
    plan_free(plan);
    teardown(f);
}

static void test_misaligned_feed_is_copied(void **state)
{
    (void)state;
    struct fixture *f = setup(half_plus_two);
    struct plan *plan = compile_one(f, "x:0", "y:0");
    char bytes[sizeof(float) + 1];
    float value = 6, out[16];
    memcpy(bytes + 1, &value, sizeof value);
    assert_int_equal(run(f, plan, (const float *)(const void *)(bytes + 1), 1, out), CODE_OK);
    assert_true(out[0] == 5);
    plan_free(plan);
    teardown(f);
}

static void test_more_shapes_than_bindings(void **state)
{
    (void)state;
    struct fixture *f = setup(half_plus_two);
    struct plan *plan = compile_one(f, "x:0", "y:0");
    float in[200] = {0}, out[200];
    for (int round = 0; round < 2; round++) {
        for (int64_t n = 0; n < 200; n++) {
            in[n] = (float)n;
            assert_int_equal(run(f, plan, in, n, out), CODE_OK);
            assert_true(n == 0 || out[n - 1] == 0.5f * (float)(n - 1) + 2);
        }
    }
    plan_free(plan);
    teardown(f);
}

static const struct {
    const char *feed, *second_feed, *fetch, *target;
    enum code code;
    const char *text;
} refusals[] = {
    {"x:0", NULL, NULL, NULL, CODE_INVALID_ARGUMENT, "Must specify at least one target"},
    {"x:0", NULL, "nothing:0", NULL, CODE_INVALID_ARGUMENT, "Tensor nothing:0"},
    {"x:0", NULL, "y:1", NULL, CODE_INVALID_ARGUMENT, "Tensor y:1"},
    {"x:0", NULL, "y:-1", NULL, CODE_INVALID_ARGUMENT, "Tensor y:-1"},
    {"x:0", "x:0", "y:0", NULL, CODE_INVALID_ARGUMENT, "Endpoint \"x:0\" fed more than once."},
    {NULL, NULL, NULL, "nothing", CODE_NOT_FOUND, "nothing"},
    {"x:0", NULL, "lost:0", NULL, CODE_UNIMPLEMENTED, "NoSuchOp (1 node, first lost)"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct fixture *f = setup(half_plus_two);
        const char *feeds[] = {refusals[i].feed, refusals[i].second_feed, NULL};
        const char *fetches[] = {refusals[i].fetch, NULL};
        assert_null(compile(f, feeds, fetches, refusals[i].target));
        assert_int_equal(f->err.code, refusals[i].code);
        assert_contains(f->err.message, refusals[i].text);
        teardown(f);
    }
}

static const struct {
    const char *graph;
    enum code code;
    const char *text;
} bad_graphs[] = {
    {NODE("a", "NoOp", "") NODE("a", "NoOp", ""), CODE_INVALID_ARGUMENT, "Node 'a' is not unique"},
    {NODE("a", "Identity", "input: 'b' " FLOAT_T), CODE_INVALID_ARGUMENT,
     "Node 'a': Unknown input node 'b'"},
    {CONST("c", "1") NODE("a", "Identity", "input: 'c:3' " FLOAT_T), CODE_INVALID_ARGUMENT,
     "invalid output 3 of source node c which has 1 outputs"},
    {NODE("c", "Const", TYPE("dtype", "DT_FLOAT")), CODE_FAILED_PRECONDITION,
     "constant tensor but no value has been provided"},
    {NODE("s", "Split", FLOAT_T "attr { key: 'num_split' value { i: -5 } }"), CODE_INVALID_ARGUMENT,
     "attribute num_split is missing or out of range"},
};

static void test_bad_graphs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_graphs / sizeof *bad_graphs; i++) {
        struct fixture *f = setup(bad_graphs[i].graph);
        assert_int_equal(f->err.code, bad_graphs[i].code);
        assert_contains(f->err.message, bad_graphs[i].text);
        teardown(f);
    }
}

static void test_cycle(void **state)
{
    (void)state;
    struct fixture *f = setup(NODE("a", "Identity", "input: 'b' " FLOAT_T)
                                  NODE("b", "Identity", "input: 'a' " FLOAT_T));
    assert_null(compile_one(f, NULL, "a:0"));
    assert_int_equal(f->err.code, CODE_INVALID_ARGUMENT);
    assert_contains(f->err.message, "cycle");
    teardown(f);
}

static void test_wrong_dtype_and_shapes(void **state)
{
    (void)state;
    struct fixture *f =
        setup(PLACEHOLDER("x") NODE("y", "Add", "input: 'x' input: 'c' " FLOAT_T)
                  NODE("c", "Const",
                       TYPE("dtype", "DT_FLOAT") "attr { key: 'value' value { tensor { dtype: "
                                                 "DT_FLOAT tensor_shape { dim { size: 4 } } "
                                                 "float_val: 1 } } } "));
    struct plan *plan = compile_one(f, "x:0", "y:0");
    float in[3] = {0}, out[16];
    assert_int_equal(run(f, plan, in, 3, out), CODE_INVALID_ARGUMENT);
    assert_string_equal(f->err.message, "Incompatible shapes: [3] vs. [4]\n\t [[{{node y}}]]");
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct run r = {.arena = &arena, .resources = f->store, .deadline_us = INT64_MAX};
    struct tensor input = {DTYPE_INT32, shape_vector(1), in, NULL}, output;
    assert_int_equal(plan_run(plan, &input, &r, &output, &f->err), CODE_INVALID_ARGUMENT);
    assert_string_equal(f->err.message, "Expects arg[0] to be float but int32 is provided");
    arena_release(&arena);
    plan_free(plan);
    teardown(f);
}

/* ---- functions ---- */

#define ADDER(name, body)                                                                          \
    "function { signature { name: '" name                                                          \
    "' input_arg { name: 'a' type: DT_FLOAT } output_arg { name: 'r' type: DT_FLOAT } } " body     \
    " } "
#define BODY_NODE(name, op, rest) "node_def { name: '" name "' op: '" op "' " rest "}\n"
#define FUNC(name)                "attr { key: 'f' value { func { name: '" name "' } } } "
#define CALL_TYPES                                                                                 \
    "attr { key: 'Tin' value { list { type: DT_FLOAT } } } "                                       \
    "attr { key: 'Tout' value { list { type: DT_FLOAT } } } "

static void test_functions_are_inlined(void **state)
{
    (void)state;
    struct fixture *f = setup(
        PLACEHOLDER("x") NODE("call", "PartitionedCall", "input: 'x' " FUNC("outer") CALL_TYPES)
            NODE("named", "inner", "input: 'call' ") "library { " ADDER(
                "inner",
                BODY_NODE("sum", "AddV2",
                          "input: 'a' input: 'a' " FLOAT_T) "ret { key: 'r' value: 'sum:z:0' }")
                ADDER("outer",
                      BODY_NODE("in", "StatefulPartitionedCall",
                                "input: 'a' " FUNC("inner") CALL_TYPES)
                          BODY_NODE("neg", "Neg",
                                    "input: 'in:output:0' " FLOAT_T) "ret { key: 'r' value: "
                                                                     "'neg:y:0' }") "}");
    struct plan *plan = compile_one(f, "x:0", "named:0");
    assert_non_null(plan);
    assert_int_equal(plan_step_count(plan), 3);
    float in[1] = {3}, out[16];
    assert_int_equal(run(f, plan, in, 1, out), CODE_OK);
    assert_true(out[0] == -12);
    plan_free(plan);
    teardown(f);
}

static void test_recursion_is_refused(void **state)
{
    (void)state;
    struct fixture *f = setup(
        PLACEHOLDER("x")
            NODE("call", "PartitionedCall", "input: 'x' " FUNC("f") CALL_TYPES) "library { " ADDER(
                "f", BODY_NODE("again", "PartitionedCall",
                               "input: 'a' " FUNC("f")
                                   CALL_TYPES) "ret { key: 'r' value: 'again:output:0' }") "}");
    assert_null(compile_one(f, "x:0", "call:0"));
    assert_int_equal(f->err.code, CODE_INVALID_ARGUMENT);
    assert_contains(f->err.message, "recursion");
    teardown(f);
}

static void test_unknown_function(void **state)
{
    (void)state;
    struct fixture *f = setup(
        PLACEHOLDER("x") NODE("call", "PartitionedCall", "input: 'x' " FUNC("gone") CALL_TYPES));
    assert_null(compile_one(f, "x:0", "call:0"));
    assert_contains(f->err.message, "calls function gone");
    teardown(f);
}

/* ---- conditionals ---- */

/* out = p ? x + x : -x, with p fed or constant. */
#define CONDITIONAL                                                                                \
    PLACEHOLDER("x")                                                                               \
    NODE("switch", "Switch", "input: 'x' input: 'p' " FLOAT_T)                                     \
    NODE("neg", "Neg", "input: 'switch' " FLOAT_T)                                                 \
    NODE("twice", "Add", "input: 'switch:1' input: 'switch:1' " FLOAT_T)                           \
    NODE("merge", "Merge",                                                                         \
         "input: 'neg' input: 'twice' " FLOAT_T "attr { key: 'N' value { i: 2 } }")                \
    NODE("out", "Identity", "input: 'merge' " FLOAT_T)

static void test_conditional_at_run_time(void **state)
{
    (void)state;
    struct fixture *f = setup(CONDITIONAL NODE("p", "Placeholder", TYPE("dtype", "DT_BOOL")));
    const char *feeds[] = {"p:0", "x:0", NULL}, *fetches[] = {"out:0", "merge:1", NULL};
    struct plan *plan = compile(f, feeds, fetches, NULL);
    assert_non_null(plan);
    for (int p = 0; p < 2; p++) {
        struct arena arena;
        arena_init(&arena, ARENA_FIRST_BLOCK);
        struct run r = {.arena = &arena, .resources = f->store, .deadline_us = INT64_MAX};
        bool predicate = p;
        float x = 5;
        struct tensor inputs[2] = {{DTYPE_BOOL, shape_scalar(), &predicate, NULL},
                                   {DTYPE_FLOAT, shape_vector(1), &x, NULL}};
        struct tensor outputs[2];
        assert_int_equal(plan_run(plan, inputs, &r, outputs, &f->err), CODE_OK);
        assert_true(*TENSOR_AT(&outputs[0], float) == (p ? 10.0f : -5.0f));
        assert_int_equal(*TENSOR_AT(&outputs[1], int32_t), p);
        arena_release(&arena);
    }
    plan_free(plan);
    teardown(f);
}

static void test_decided_conditional_is_gone(void **state)
{
    (void)state;
    struct fixture *f = setup(CONDITIONAL CONST_BOOL("p", "true"));
    struct plan *plan = compile_one(f, "x:0", "out:0");
    assert_non_null(plan);
    assert_false(plan_step(plan, 0)->conditional);
    float in[1] = {5}, out[16];
    assert_int_equal(run(f, plan, in, 1, out), CODE_OK);
    assert_true(out[0] == 10);
    plan_free(plan);
    teardown(f);
}

/* ---- state ---- */

#define COUNTER                                                                                    \
    NODE("v", "VariableV2", TYPE("dtype", "DT_FLOAT") "attr { key: 'shape' value { shape {} } } ") \
    CONST("one", "1")                                                                              \
    NODE("init", "Assign", "input: 'v' input: 'one' " FLOAT_T)                                     \
    NODE("count", "AssignAdd", "input: 'v' input: 'one' " FLOAT_T)                                 \
    NODE("read", "Identity", "input: 'v' " FLOAT_T)

static void test_reference_variable(void **state)
{
    (void)state;
    struct fixture *f = setup(COUNTER);
    struct plan *read = compile_one(f, NULL, "read:0");
    struct plan *count = compile_one(f, NULL, "count:0");
    struct plan *init = compile_one(f, NULL, "init:0");
    float out[16];
    assert_int_equal(run(f, read, NULL, 0, out), CODE_FAILED_PRECONDITION);
    assert_contains(f->err.message, "Attempting to use uninitialized value v");
    assert_int_equal(run(f, init, NULL, 0, out), CODE_OK);
    for (int i = 2; i < 5; i++) {
        assert_int_equal(run(f, count, NULL, 0, out), CODE_OK);
        assert_true(out[0] == (float)i);
    }
    assert_int_equal(run(f, read, NULL, 0, out), CODE_OK);
    assert_true(out[0] == 4);
    plan_free(read);
    plan_free(count);
    plan_free(init);
    teardown(f);
}

/* One request must not spoil the variable for all later ones. */
static void test_a_variable_keeps_its_shape(void **state)
{
    (void)state;
    static const struct {
        const char *assign;
        const char *message;
    } cases[] = {
        {FLOAT_T, "Assign requires shapes of both tensors to match. lhs shape= [] rhs shape= [2]"},
        {FLOAT_T "attr { key: 'validate_shape' value { b: false } }", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena;
        arena_init(&arena, ARENA_FIRST_BLOCK);
        struct fixture *f = setup(arena_printf(
            &arena,
            "%s" PLACEHOLDER("x") "node { name: 'set' op: 'Assign' input: 'v' input: 'x' %s }",
            COUNTER, cases[i].assign));
        struct plan *init = compile_one(f, NULL, "init:0");
        struct plan *set = compile_one(f, "x:0", "set:0");
        struct plan *read = compile_one(f, NULL, "read:0");
        float in[2] = {5, 6}, out[16];
        assert_int_equal(run(f, init, NULL, 0, out), CODE_OK);
        enum code code = run(f, set, in, 2, out);
        assert_int_equal(code, cases[i].message ? CODE_INVALID_ARGUMENT : CODE_OK);
        if (code)
            assert_contains(f->err.message, cases[i].message);
        assert_int_equal(run(f, read, NULL, 0, out), CODE_OK);
        assert_true(out[0] == (code ? 1 : 5));
        plan_free(init);
        plan_free(set);
        plan_free(read);
        teardown(f);
        arena_release(&arena);
    }
}

static void test_frozen_variable(void **state)
{
    (void)state;
    struct fixture *f =
        setup(COUNTER NODE("y", "Mul", "input: 'read' input: 'x' " FLOAT_T) PLACEHOLDER("x"));
    /* What restores and initialises is no signature. */
    struct span target = SPAN_LITERAL("init");
    struct compile_request request = {.targets = &target, .target_count = 1};
    struct compilation *compilation;
    struct plan *init;
    assert_int_equal(compile_begin(&f->module, &request, &f->missing, &compilation, &f->err),
                     CODE_OK);
    assert_int_equal(compile_finish(compilation, false, &init, &f->err), CODE_OK);
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct run r = {.arena = &arena, .resources = f->store, .deadline_us = INT64_MAX};
    assert_int_equal(plan_run(init, NULL, &r, NULL, &f->err), CODE_OK);
    arena_release(&arena);
    struct plan *plan = compile_one(f, "x:0", "y:0");
    assert_int_equal(plan_step_count(plan), 1);
    float in[1] = {7}, out[16];
    assert_int_equal(run(f, plan, in, 1, out), CODE_OK);
    assert_true(out[0] == 7);
    plan_free(init);
    plan_free(plan);
    teardown(f);
}

/* ---- steps bound only when they run ---- */

static void test_dynamic_steps(void **state)
{
    (void)state;
    struct fixture *f = setup(PLACEHOLDER("x") NODE("where", "Where", "input: 'x' " FLOAT_T) NODE(
        "cast", "Cast", "input: 'where' " TYPE("SrcT", "DT_INT64") TYPE("DstT", "DT_FLOAT"))
                                  NODE("y", "Add", "input: 'cast' input: 'cast' " FLOAT_T));
    struct plan *plan = compile_one(f, "x:0", "y:0");
    assert_non_null(plan);
    float in[5] = {0, 1, 0, 0, 2}, out[16];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(run(f, plan, in, 5, out), CODE_OK);
        assert_true(out[0] == 2 && out[1] == 8);
    }
    struct plan_info info;
    plan_describe(plan, &info);
    assert_int_equal(info.dynamic_steps, 1); /* the others expect what Where gave before */
    plan_free(plan);
    teardown(f);
}

/* A run whose shapes are not the expected ones goes on elsewhere; each of the counts below is
 * learned, or not, and each answer is right. Where's rows go through another name, a view, a step
 * that looks at shapes only, and elementwise steps that write over their inputs. */
static void test_learned_shapes(void **state)
{
    (void)state;
    struct fixture *f =
        setup(PLACEHOLDER("x") CONST("one", "1") NODE("where", "Where", "input: 'x' " FLOAT_T) NODE(
            "cast", "Cast", "input: 'where' " TYPE("SrcT", "DT_INT64") TYPE("DstT", "DT_FLOAT"))
                  NODE("name", "Identity", "input: 'cast' " FLOAT_T)
                      NODE("size", "Size", "input: 'name' " FLOAT_T TYPE("out_type", "DT_INT32"))
                          NODE("count", "Cast",
                               "input: 'size' " TYPE("SrcT", "DT_INT32") TYPE("DstT", "DT_FLOAT"))
                              NODE("sum", "Add", "input: 'name' input: 'one' " FLOAT_T)
                                  NODE("twice", "Add", "input: 'sum' input: 'sum' " FLOAT_T)
                                      NODE("y", "Add", "input: 'twice' input: 'count' " FLOAT_T));
    struct plan *plan = compile_one(f, "x:0", "y:0");
    assert_non_null(plan);
    for (int turn = 0; turn < 200; turn++) {
        /* Long the same, then each another, then two in turn. */
        int count = turn < 50 ? 3 : turn < 120 ? 1 + turn * 7 % 13 : 1 + turn % 2;
        float in[13] = {0}, out[16] = {0};
        for (int i = 0; i < count; i++)
            in[i] = 1;
        assert_int_equal(run(f, plan, in, 13, out), CODE_OK);
        for (int i = 0; i < count; i++)
            assert_true(out[i] == (float)(2 * (i + 1) + count));
    }
    plan_free(plan);
    teardown(f);
}

/* ---- threads ---- */

struct worker {
    struct fixture *fixture;
    struct plan *plan;
    int number;
    bool right;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    struct fixture own = {.store = w->fixture->store};
    w->right = true;
    for (int i = 0; i < 500; i++) {
        float in[4], out[16];
        int64_t n = 1 + (i + w->number) % 4;
        for (int64_t k = 0; k < n; k++)
            in[k] = (float)(i + k);
        w->right &= run(&own, w->plan, in, n, out) == CODE_OK;
        for (int64_t k = 0; k < n; k++)
            w->right &= out[k] == 0.5f * in[k] + 2.25f;
    }
    return NULL;
}

static void test_concurrent_runs(void **state)
{
    (void)state;
    struct fixture *f = setup(half_plus_two);
    struct plan *plan = compile_one(f, "x:0", "z:0");
    struct worker workers[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        workers[i] = (struct worker){f, plan, i, false};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_true(workers[i].right);
    }
    plan_free(plan);
    teardown(f);
}

static void test_cancelled_run_stops(void **state)
{
    (void)state;
    struct fixture *f = setup(half_plus_two);
    struct plan *plan = compile_one(f, "x:0", "z:0");
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    atomic_bool cancelled = true;
    struct run r = {
        .arena = &arena, .resources = f->store, .cancelled = &cancelled, .deadline_us = INT64_MAX};
    float x = 1;
    struct tensor input = {DTYPE_FLOAT, shape_vector(1), &x, NULL}, output;
    assert_int_equal(plan_run(plan, &input, &r, &output, &f->err), CODE_CANCELLED);
    arena_release(&arena);
    plan_free(plan);
    teardown(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_is_pruned_and_folded),
        cmocka_unit_test(test_any_tensor_can_be_fed),
        cmocka_unit_test(test_constant_and_fed_fetches),
        cmocka_unit_test(test_earlier_errors_come_first),
        cmocka_unit_test(test_misaligned_feed_is_copied),
        cmocka_unit_test(test_more_shapes_than_bindings),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_bad_graphs),
        cmocka_unit_test(test_cycle),
        cmocka_unit_test(test_wrong_dtype_and_shapes),
        cmocka_unit_test(test_functions_are_inlined),
        cmocka_unit_test(test_recursion_is_refused),
        cmocka_unit_test(test_unknown_function),
        cmocka_unit_test(test_conditional_at_run_time),
        cmocka_unit_test(test_decided_conditional_is_gone),
        cmocka_unit_test(test_reference_variable),
        cmocka_unit_test(test_a_variable_keeps_its_shape),
        cmocka_unit_test(test_frozen_variable),
        cmocka_unit_test(test_dynamic_steps),
        cmocka_unit_test(test_learned_shapes),
        cmocka_unit_test(test_concurrent_runs),
        cmocka_unit_test(test_cancelled_run_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
